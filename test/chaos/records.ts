import type { Resource } from '../../src/engine/resource.ts';
import type { LoggedCall } from '../support/scenario.ts';

/**
 * What the laws of chaos are judged by: plain data, written down while it happens. Every time is in milliseconds by the
 * fast clock that operators and sandbox share.
 */

/** One object that was ever at the remote, as the sandbox's ledger has it. */
export interface Entry {
  id: string;
  tenantID?: string;
  name?: string | null;
  licenseType?: string;
  licenseID?: string;
  bmcAddress?: string | null;
  nodeUUID?: string;
  /** MAC address. */
  address?: string;
  createdAt: string;
  /** null: somebody made it in the portal. */
  createdByCall: number | null;
  deletedAt?: string;
  deletedByCall: number | null;
}

export const shelves = ['servers', 'licenses', 'vcenters', 'nodes', 'ports', 'portgroups'] as const;
export type Shelf = (typeof shelves)[number];
export type Ledger = Record<Shelf, Entry[]>;

/** Where the main object of each kind stands in the ledger. */
export const shelfOf: Record<string, Shelf> = {
  DedicatedHypervisor: 'servers',
  GuestLicense: 'licenses',
  VCenterRegistration: 'vcenters',
  BareMetalNode: 'nodes',
};

/** A call as the sandbox logged it. */
export type Call = Omit<LoggedCall, 'fault'>;

/** A change on its way to the sandbox. The token tells the processes of operators apart. */
export interface Passing {
  at: number;
  method: string;
  path: string;
  token: string;
}

/** A line of an operator's audit log. */
export interface Audit {
  at: number;
  holder: string;
  method: string;
  path: string;
}

/** Who took the Lease, and when. */
export interface Tenure {
  holder: string;
  acquiredAt: number;
}

export type Spec = Resource['spec'] & Record<string, unknown>;

/** What a person said about a resource, as the API server took it. */
export interface Word {
  at: number;
  generation: number;
  spec: Spec;
  /** They asked for its end. */
  deletes?: true;
}

/** One state of a resource, as the watch told it. */
export interface Version {
  at: number;
  resourceVersion: string;
  generation: number;
  spec: Spec;
  deleting: boolean;
  resolve?: string;
  externalID?: string;
  reason?: string;
  ready: boolean;
  /** What no state may be, whatever happens. */
  flaws: string[];
}

/** One resource from its creation to its end: a name that is used again is another life. */
export interface Life {
  uid: string;
  kind: string;
  namespace: string;
  name: string;
  words: Word[];
  versions: Version[];
  /** The newest state in full; undefined once it is gone. */
  now?: Resource;
  goneAt?: number;
}

export const last = <T>(items: readonly T[]): T | undefined => items.at(-1);

export const nameOf = (life: Life) => `${life.kind}/${life.namespace}/${life.name}`;

/** Every remote ID that it ever stood for. */
export function recordedBy(life: Life): Set<string> {
  return new Set(life.versions.flatMap(({ externalID }) => externalID ?? []));
}

/** When somebody asked for its end. */
export const deletedAt = (life: Life): number | undefined => life.words.find(({ deletes }) => deletes)?.at;

/** Everything that was written down. */
export interface Evidence {
  ledger: Ledger;
  /** Calls that asked for a change, sign-ins left out. */
  calls: Call[];
  lives: Life[];
  passed: Passing[];
  audits: Audit[];
  tenures: Tenure[];
  /** IDs that the story removed in the portal. */
  removedByOthers: ReadonlySet<string>;
  /** A word needs so long to reach the operator, and a call to reach the sandbox. */
  slack: number;
}

/** A law: one line for each breach. All are functions of the evidence and of nothing else. */
export type Law = (evidence: Evidence) => string[];
