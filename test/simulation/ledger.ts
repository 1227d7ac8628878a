import type { Sandbox } from '../../src/sandbox/sandbox.ts';

/** Something that was bought or registered, dead or alive, as the simulated clouds' own books have it. */
export interface Entry {
  shelf: Shelf;
  id: string;
  /** What tells two of one owner: the name, of a node that of its BMC, of a vCenter its licence, of a port its MAC. */
  title: string;
  /** By a call of a client; null where somebody did it in the portal. */
  byCall: number | null;
  alive: boolean;
  /** When its deletion was accepted, milliseconds since 1970. */
  deletedAt?: number;
  deletedByCall: number | null;
  licenseType?: string;
  nodeID?: string;
  /** Of a vCenter. */
  address?: string;
  /** Address of the BMC of a node. */
  bmc?: string;
  passwordHash?: string;
}

export type Shelf = 'servers' | 'licenses' | 'vcenters' | 'nodes' | 'ports' | 'portgroups';

export const mainShelves: Record<string, Shelf> = {
  DedicatedHypervisor: 'servers',
  GuestLicense: 'licenses',
  VCenterRegistration: 'vcenters',
  BareMetalNode: 'nodes',
};

export type Ledger = ReadonlyMap<string, Entry>;

interface Line {
  id: string;
  name?: string;
  createdByCall: number | null;
  deletedAt?: string;
  deletedByCall: number | null;
  licenseType?: string;
  licenseID?: string;
  linkLocalAddress?: string;
  address?: string;
  bmcAddress?: string | null;
  nodeUUID?: string;
  adminPassSHA256?: string;
}

/** A call of the control API. */
export function control(sandbox: Sandbox, method: string, path: string, body?: unknown): unknown {
  const text = body === undefined ? '' : JSON.stringify(body);
  const answer = sandbox.handle({ method, path: `/control/${path}`, headers: {}, body: text });
  if (answer.status >= 400) throw new Error(`control ${method} ${path}: ${answer.status} ${answer.body}`);
  return answer.body === '' ? undefined : JSON.parse(answer.body);
}

export function readLedger(sandbox: Sandbox): Ledger {
  const shelves = control(sandbox, 'GET', 'ledger') as Record<Shelf, Line[]>;
  const entries = Object.entries(shelves) as [Shelf, Line[]][];
  return new Map(
    entries.flatMap(([shelf, lines]) => lines.map((line) => [`${shelf}/${line.id}`, entryOf(shelf, line)] as const)),
  );
}

function entryOf(shelf: Shelf, line: Line): Entry {
  return {
    shelf,
    id: line.id,
    title: titleOf(shelf, line),
    byCall: line.createdByCall,
    alive: line.deletedAt === undefined,
    deletedByCall: line.deletedByCall ?? null,
    ...(line.deletedAt !== undefined && { deletedAt: Date.parse(line.deletedAt) }),
    ...(line.licenseType !== undefined && { licenseType: line.licenseType }),
    ...(line.nodeUUID !== undefined && { nodeID: line.nodeUUID }),
    ...(line.linkLocalAddress !== undefined && { address: line.linkLocalAddress }),
    ...(line.bmcAddress && { bmc: line.bmcAddress }),
    ...(line.adminPassSHA256 !== undefined && { passwordHash: line.adminPassSHA256 }),
  };
}

function titleOf(shelf: Shelf, line: Line): string {
  switch (shelf) {
    case 'servers':
      return ownerOf(line.name ?? '');
    case 'nodes':
      return line.bmcAddress?.split('.')[0] ?? ownerOf(line.name ?? '');
    case 'vcenters':
      return line.licenseID ?? '';
    case 'licenses':
      return line.licenseType ?? '';
    case 'ports':
      return line.address ?? '';
    case 'portgroups':
      return line.name ?? '';
  }
}

/** The resource of which a remote name speaks: `shop-dh1-renamed2` is of `shop-dh1`. */
export function ownerOf(name: string): string {
  return /^\w+-\w+/.exec(name)?.[0] ?? name;
}
