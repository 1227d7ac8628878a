import { crash } from './cloudos/machine.ts';
import { parseFault } from './faults.ts';
import { expireTokens } from './keystone.ts';
import { ledger } from './ledger.ts';
import { portal } from './portal.ts';
import { isObject } from './sdpf/input.ts';
import type { JsonObject } from './sdpf/input.ts';
import { patchSettings } from './settings.ts';
import type { Result } from './types.ts';
import type { World } from './world.ts';

/** What the control API is given besides the world. */
interface ControlRequest {
  method: string;
  /** Segments of the path after `/control`. */
  segments: string[];
  query: URLSearchParams;
  body: string;
  baseURL: string;
}

interface ControlPowers {
  /** Names of all operations, for checking faults. */
  operations: readonly string[];
  /** Puts the sandbox back to its first state. */
  reset: () => void;
}

/**
 * The control API, JSON over HTTP under `/control`: what tests, and people who rehearse a change, do to the simulated
 * platforms behind their clients' backs. It has no authentication and belongs on loopback. Errors are
 * `{"error": "what to do"}` with 400, 404 or 405.
 *
 * | call | what it does |
 * | --- | --- |
 * | `GET calls?since=SEQ` | the call log: every request after SEQ, in order |
 * | `DELETE calls` | empties the call log; numbers go on |
 * | `POST faults` | sets a fault (fields: faults.ts), answers `{id}` |
 * | `GET faults` | the faults in force, with how often each was seen and fired |
 * | `DELETE faults`, `DELETE faults/{id}` | removes all faults, or one |
 * | `GET settings`, `PATCH settings` | the settings (settings.ts); a patch names only what changes |
 * | `POST tenants` | `{tenantID, apiKey, apiSecret}`: one more tenant of SDPF; `{project, domain?, username, password}`: one more project of CloudOS |
 * | `PUT credentials` | the same with `keepTokens?`: new keys or a new password; tokens end unless kept |
 * | `POST expire-tokens` | `{tenantID?}`: all tokens (of one tenant or project) end now |
 * | `POST servers`, `licenses`, `vcenters` | somebody creates one in the portal |
 * | `PATCH servers/{id}`, `licenses/{id}`, `vcenters/{id}` | somebody changes one |
 * | `DELETE servers/{id}`, `licenses/{id}`, `vcenters/{id}` | somebody removes one; it is gone at once |
 * | `POST nodes`, `ports`, `portgroups` | somebody registers one in Ironic; fields as in Ironic's API, a node's also with states and `reservation` |
 * | `PATCH nodes/{id}`, `ports/{id}`, `portgroups/{id}` | somebody changes one, past every rule and lock; fields are replaced whole |
 * | `DELETE nodes/{id}`, `ports/{id}`, `portgroups/{id}` | somebody removes one; it is gone at once, a node with its ports and groups |
 * | `PUT bmcs` | `{address, username, password}`: from now on this BMC turns away whoever has others |
 * | `POST crash-ironic` | Ironic's conductor dies and starts again: transient states fail, locks are gone; answers `{nodes}`, how many it met |
 * | `GET ledger` | everything that was ever created, and by which call |
 * | `POST advance` | `{seconds}`: moves the sandbox's clock forward |
 * | `POST reset` | back to the first state: no objects, faults, calls, tokens; settings as at the start |
 */
export function control(world: World, request: ControlRequest, powers: ControlPowers): Result {
  try {
    return route(world, request, powers);
  } catch (error) {
    return failure(400, error instanceof Error ? error.message : String(error));
  }
}

function route(world: World, request: ControlRequest, powers: ControlPowers): Result {
  const { method, segments, query } = request;
  const [head = '', id] = segments;
  switch (`${method} ${head}${id === undefined ? '' : '/*'}`) {
    case 'GET calls':
      return ok({ calls: world.calls.since(Number(query.get('since') ?? 0)) });
    case 'DELETE calls':
      world.calls.clear();
      return { status: 204 };
    case 'GET faults':
      return ok({ faults: world.faults.all() });
    case 'POST faults':
      return ok({ id: world.faults.add(parseFault(bodyOf(request), powers.operations)).id });
    case 'DELETE faults':
      world.faults.clear();
      return { status: 204 };
    case 'DELETE faults/*':
      return world.faults.remove(id ?? '') ? { status: 204 } : failure(404, `no fault ${id}`);
    case 'GET settings':
      return ok(world.settings);
    case 'PATCH settings':
      return changeSettings(world, bodyOf(request));
    case 'POST tenants':
    case 'PUT credentials':
      return setCredentials(world, bodyOf(request), method === 'PUT');
    case 'PUT bmcs':
      return setBMC(world, bodyOf(request));
    case 'POST crash-ironic':
      return ok({ nodes: crash(world) });
    case 'POST expire-tokens':
      return ok({ expired: expireTokens(world, optionalText(bodyOf(request), 'tenantID')) });
    case 'GET ledger':
      return ok(ledger(world));
    case 'POST advance':
      return advance(world, bodyOf(request));
    case 'POST reset':
      powers.reset();
      return { status: 204 };
    default:
      return portalCall(world, request);
  }
}

function portalCall(world: World, request: ControlRequest): Result {
  const [collection = '', id] = request.segments;
  const hands = portal(world, collection, request.baseURL);
  if (!hands) return failure(404, `no such control call: ${request.method} /control/${request.segments.join('/')}`);
  if (request.method === 'POST' && id === undefined) return ok(hands.create(bodyOf(request)));
  if (request.method === 'PATCH' && id !== undefined) {
    const changed = hands.update(id, bodyOf(request));
    return changed ? ok(changed) : failure(404, `no ${id} in ${collection}`);
  }
  if (request.method === 'DELETE' && id !== undefined) {
    return hands.remove(id) ? { status: 204 } : failure(404, `no ${id} in ${collection}`);
  }
  return failure(405, `${request.method} is not a call on /control/${request.segments.join('/')}`);
}

function changeSettings(world: World, patch: JsonObject): Result {
  const next = patchSettings(world.settings, patch);
  // Contracts live through every month in order and cannot go back.
  const month = next.month ?? new Date(world.now()).toISOString().slice(0, 7);
  for (const book of world.contracts.values()) {
    if (book.contracts.length + book.histories.length > 0 && month < book.month) {
      throw new Error(`month cannot go back behind ${book.month} while there are contracts; POST /control/reset first`);
    }
  }
  world.settings = next;
  for (const [tenantID, book] of world.contracts) if (month < book.month) world.contracts.delete(tenantID);
  return ok(world.settings);
}

function setCredentials(world: World, body: JsonObject, mustExist: boolean): Result {
  if (body.project !== undefined) return setProject(world, body, mustExist);
  const id = requiredText(body, 'tenantID');
  if (!/^[0-9a-f]{32}$/.test(id)) throw new Error('tenantID must be 32 lower-case hexadecimal digits');
  if (mustExist && world.tenants.get(id)?.cloud !== 'sdpf') return failure(404, `no tenant ${id}`);
  const [user, secret] = [requiredText(body, 'apiKey'), requiredText(body, 'apiSecret')];
  world.tenants.set(id, { cloud: 'sdpf', id, name: id, domain: 'Default', user, secret });
  // Keystone ends a user's tokens with the password they were issued for; NTT's page only says the old key dies.
  if (mustExist && body.keepTokens !== true) expireTokens(world, id);
  return ok({ tenantID: id });
}

/** The same for a project of CloudOS, which has a name, a domain, and a user. */
function setProject(world: World, body: JsonObject, mustExist: boolean): Result {
  const name = requiredText(body, 'project');
  const domain = optionalText(body, 'domain') ?? 'Default';
  const found = [...world.tenants.values()].find(
    (tenant) => tenant.cloud === 'cloudos' && tenant.name === name && tenant.domain === domain,
  );
  if (mustExist && !found) return failure(404, `no project ${name} in domain ${domain}`);
  const id = found?.id ?? world.ids.hex(32);
  const [user, secret] = [requiredText(body, 'username'), requiredText(body, 'password')];
  world.tenants.set(id, { cloud: 'cloudos', id, name, domain, user, secret });
  if (mustExist && body.keepTokens !== true) expireTokens(world, id);
  return ok({ projectID: id });
}

function setBMC(world: World, body: JsonObject): Result {
  const [username, password] = [requiredText(body, 'username'), requiredText(body, 'password')];
  world.ironic.bmcs.set(requiredText(body, 'address'), { username, password });
  return { status: 204 };
}

function advance(world: World, body: JsonObject): Result {
  const { seconds } = body;
  if (typeof seconds !== 'number' || !(seconds >= 0)) throw new Error('seconds must be a number, 0 or more');
  world.advance(seconds);
  return ok({ now: new Date(world.now()).toISOString() });
}

function bodyOf(request: ControlRequest): JsonObject {
  if (request.body.trim() === '') return {};
  const body: unknown = JSON.parse(request.body);
  if (!isObject(body)) throw new Error('the body must be a JSON object');
  return body;
}

function requiredText(body: JsonObject, name: string): string {
  const value = optionalText(body, name);
  if (value === undefined || value === '') throw new Error(`${name} is required`);
  return value;
}

function optionalText(body: JsonObject, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new Error(`${name} must be a string`);
  return value;
}

function ok(body: unknown): Result {
  return { status: 200, body };
}

function failure(status: number, error: string): Result {
  return { status, body: { error } };
}
