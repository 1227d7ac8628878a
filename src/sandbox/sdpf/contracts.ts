import { badRequest } from '../errors.ts';
import type { Result } from '../types.ts';
import type { World } from '../world.ts';
import { ContractRefusal, coresNextMonth, openBook, order, rollTo, setRenewal, summariesOf } from './contract-book.ts';
import type { Contract, ContractBook } from './contract-book.ts';
import { wrapped } from './input.ts';
import type { Context, JsonObject } from './input.ts';
import { isGone } from './server-record.ts';

/** List vSphere Contracts: NTT's SDK reads all three keys, so they are always there. */
export function listVSphereContracts(context: Context): Result {
  const { world, tenantID } = context;
  const book = currentBook(world, tenantID);
  const running = summariesOf(book);
  const months = running.length > 0 ? [...book.histories, { month: book.month, summaries: running }] : book.histories;
  return {
    status: 200,
    body: {
      vsphere_contracts: book.contracts.map((contract) => contractView(book, contract)),
      all_server_cores: serverCores(world, tenantID),
      vsphere_contracts_histories: months.map(({ month, summaries }) => ({
        month,
        vsphere_contracts_summaries: summaries,
      })),
    },
  };
}

/** Manage vSphere Contracts. After a withdrawal the answer is a body with null: NTT's SDK reads it, a 204 breaks it. */
export function manageVSphereContract(context: Context): Result {
  const body = wrapped(context, 'vsphere_contract');
  const year = readYear(body);
  const { cores } = body;
  if (typeof cores !== 'number' || !Number.isSafeInteger(cores) || cores < 0) {
    throw badRequest('cores must be a non-negative integer');
  }
  const book = currentBook(context.world, context.tenantID);
  const contract = refused(() => order(book, year, cores));
  return { status: 200, body: { vsphere_contract: contract === null ? null : contractView(book, contract) } };
}

/** Enable/Disable Contract Renewal: a PUT on the collection, where `false` means something. */
export function updateVSphereContractRenewal(context: Context): Result {
  const body = wrapped(context, 'vsphere_contract');
  const year = readYear(body);
  const { contract_renewal: renewal } = body;
  if (typeof renewal !== 'boolean') throw badRequest('contract_renewal is required');
  const book = currentBook(context.world, context.tenantID);
  return {
    status: 200,
    body: {
      vsphere_contract: contractView(
        book,
        refused(() => setRenewal(book, year, renewal)),
      ),
    },
  };
}

function currentBook(world: World, tenantID: string): ContractBook {
  const month = world.month();
  let book = world.contracts.get(tenantID);
  if (!book) {
    book = openBook(month);
    world.contracts.set(tenantID, book);
  }
  rollTo(book, month);
  return book;
}

/** A contract that has not started, and a successor, stand in the list as elements of their own; not documented. */
function contractView(book: ContractBook, contract: Contract): JsonObject {
  return {
    contract_year: contract.year,
    contract_renewal: contract.renewal,
    cores: contract.cores,
    start_month: contract.start,
    end_month: contract.end,
    pending_cores: contract.pending,
    cores_in_next_month: coresNextMonth(book, contract),
  };
}

function serverCores(world: World, tenantID: string): number {
  let sum = 0;
  for (const server of world.servers.values()) {
    if (server.tenantID !== tenantID || isGone(world, server)) continue;
    sum += world.settings.flavors.find((flavor) => flavor.id === server.flavorID)?.cores ?? 0;
  }
  return sum;
}

function readYear(body: JsonObject): 1 | 3 {
  const { contract_year: year } = body;
  if (year !== 1 && year !== 3) throw badRequest('contract_year must be 1 or 3');
  return year;
}

/** The document lists no 404 and no 409 for contracts: a refusal by the rules is 400. */
function refused<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof ContractRefusal) throw badRequest(error.message);
    throw error;
  }
}
