import type * as z from 'zod';
import type { Secret } from '../base/secret.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import type { Fence } from '../remote/call.ts';
import type { Claim, Condition } from './conditions.ts';
import type { CrdDefinition } from './crd.ts';
import type { Reason } from './reasons.ts';
import type { TenantSpec } from './tenant.ts';

/** What every resource that stands for a remote object has in its spec. */
export interface CommonSpec {
  tenantRef: { name: string };
  managementPolicy: 'Manage' | 'Observe';
  deletionPolicy: 'Retain' | 'Delete';
  recreatePolicy?: 'Never' | 'Always' | undefined;
  externalID?: string | undefined;
}

/** The journal of a create: written before the call under field manager `freehold-journal`, never by the report. */
export interface Creation {
  attemptID: string;
  sentAt: string;
  /** Which operator process sent it. */
  holder: string;
  /** Absent: sent, and its outcome is not known. */
  outcome?: 'Created' | 'Found' | 'Forgotten';
  /** IDs that the remote held before the call; only where the object cannot be recognised otherwise. */
  idsBefore?: string[];
  /** What was chosen for the create, e.g. an address. */
  choice?: string;
}

export interface CommonStatus {
  observedGeneration?: number;
  externalID?: string;
  creation?: Creation;
  /** When the DELETE was sent; written before it. */
  deletion?: { sentAt: string };
  /** The last freehold.dev/resolve that was obeyed. */
  lastResolve?: string;
  lastHandledReconcileAt?: string;
  lastSyncTime?: string;
  /** Which state of each live Secret was last proved at the remote. */
  provedSecrets?: Record<string, { uid: string; resourceVersion: string }>;
  conditions?: Condition[];
}

export interface Resource<Spec extends CommonSpec = CommonSpec> extends KubeObject {
  spec: Spec;
  status?: CommonStatus & Record<string, unknown>;
}

/**
 * What is known of one remote object. `absent` is proved (or there never was one); whoever is not sure says `unknown`.
 */
export type Observation<Remote> =
  | { state: 'present'; id: string; remote: Remote }
  | { state: 'absent' }
  | { state: 'unknown'; reason: Reason; message: string };

/** What to do next about a resource; the engine knows when. */
export type Step =
  /** Make the remote object. */
  | { do: 'create'; remote: string; instance?: string }
  /** Send what differs: `drift` names the fields. */
  | { do: 'update'; remote: string; instance?: string; drift: string[] }
  /** Ask the remote to do `verb`. */
  | { do: 'act'; remote: string; instance?: string; verb: string; message: string }
  | { do: 'remove'; remote: string; instance?: string }
  /** The remote works on it, or something else must come first. */
  | { do: 'wait'; reason: Reason; message: string }
  | { do: 'ready'; message: string }
  /** A person must act. */
  | { do: 'blocked'; reason: Reason; message: string };

/** What a call of a kind gets in hand. */
export interface Effect<Spec, Client> {
  client: Client;
  spec: Spec;
  /** metadata.name of the resource. */
  name: string;
  /** Goes to the remote as it is: marker and the user's description. */
  marked(description: string | undefined): string;
  /** `ownerID/namespace/name`. */
  owner: string;
  /** By the names of `Kind.secrets`. */
  secrets: Record<string, Secret>;
  /** What `Kind.reference` gave. */
  reference?: string;
  /** What `RemoteObject.choose` gave. */
  choice?: string;
  /** Hand it to the client: it stops a mutating call that may no longer begin. */
  fence: Fence;
}

/** What a kind may look at besides its own object: all of it is known already, nothing is read for it. */
export interface World {
  /** The newest complete list of a collection of the remote tenant; undefined before the first. */
  listed(collection: string): ReadonlyMap<string, unknown> | undefined;
  /** Resources of a kind in the namespace of this one. */
  resources(kind: string): readonly Resource[];
  /** Is this choice (see `RemoteObject.choose`) taken by another resource whose create is under way? */
  reserved(choice: string): boolean;
  /** Wall clock, milliseconds. */
  now: number;
}

/** What a resource asks for. */
export interface Desired<Spec> {
  spec: Spec;
  /** metadata.name */
  name: string;
  /** What `Kind.reference` gave. */
  reference?: string;
  /** Live secrets whose present state was not yet proved at the remote. */
  changedSecrets?: readonly string[];
}

/** How our remote object is told from a stranger's. Never by name. */
export type Identity<Spec, Remote> =
  | {
      /** Our marker stands in a field that the remote keeps; until it is seen to keep it, creates run one at a time. */
      level: 'marker';
      marker: (remote: Remote) => string | null | undefined;
      /** `ownerID/namespace/name` where the remote has room for it, for people and for look-alikes of another ownerID. */
      owner: (remote: Remote) => string | undefined;
    }
  | {
      /** We choose the ID; `owner` reads back what we sent beside it, so that either identifies. */
      level: 'chosen-id';
      owner: (remote: Remote) => string | undefined;
    }
  | {
      /** A field that serves one object of ours only: it equals what `Kind.reference` gave. */
      level: 'natural-key';
      keyOf: (remote: Remote) => string | undefined;
    }
  | {
      /** Nothing tells ours from a stranger's: the set difference under the journal, one create at a time in a pool. */
      level: 'none';
      pool: (spec: Spec) => string;
      poolOf: (remote: Remote) => string;
      /** May an unclaimed one be used as stock? undefined: that is not known yet. */
      spare: (id: string, world: World) => boolean | undefined;
      /** Did a person give their word that nobody else buys in this tenant? */
      onlyBuyer: (tenant: TenantSpec) => boolean;
      /** What the person says of unclaimed ones. */
      claim: (spec: Spec) => 'Unclaimed' | 'Never' | undefined;
      /** The stop for want of that word. */
      unclaimed: Reason;
    };

/** A reason to wait or to stop, instead of a value. */
export interface Obstacle {
  reason: Reason;
  message: string;
}

/** One remote object of a kind: how it is recognised, where it is listed, and the calls that change it. */
export interface RemoteObject<Spec, Remote, Client> {
  /** What people call it: `server`. */
  noun: string;
  identity: Identity<Spec, Remote>;
  /** Name of the tenant's collection that lists it. */
  collection: string;
  /** Does the remote already take it away? Such a one is not re-attached. */
  beingDeleted?: (remote: Remote) => boolean;
  /** For a kind with several of these: their names in the spec, e.g. MAC addresses. Absent: exactly one. */
  instances?: (spec: Spec) => string[];
  /** undefined when the remote answers 404. */
  read: (client: Client, id: string) => Promise<Remote | undefined>;
  /** Reads what a create must choose from. The choice is journalled, and no other resource takes the same meanwhile. */
  choose?: (client: Client, desired: Desired<Spec>, world: World) => Promise<{ choice: string } | Obstacle>;
  create: (effect: Effect<Spec, Client>, target: { instance: string; id: string }) => Promise<{ id: string }>;
  /** What a 503 to a create means once it is proved that it made nothing: a slow wait for this reason. */
  unavailable?: Reason;
  update?: (effect: Effect<Spec, Client>, target: { instance: string; id: string; remote: Remote }) => Promise<void>;
  act?: (
    effect: Effect<Spec, Client>,
    target: { instance: string; id: string; remote: Remote; verb: string },
  ) => Promise<void>;
  remove: (effect: Effect<Spec, Client>, id: string) => Promise<void>;
}

/** A Secret that a create needs: one that a person wrote, or one that we make and store before the call. */
export type SecretNeed = {
  /** The condition that says whether the value is known, e.g. `PasswordKnown`; none for one that is sent again when it changes. */
  condition?: string;
  name: string;
  key: string;
  /** Absent: the Secret is the person's. */
  generate?: (bytes: (length: number) => Uint8Array) => Secret;
  /** A changed Secret is sent on: `plan` sees it in `changedSecrets`. */
  live?: true;
  /** What is wrong with a value, without the value; asked before any call. */
  check?: (value: string) => string | undefined;
};

/** A Secret that is written from the remote object. */
export interface SecretOutput {
  name: string;
  key: string;
  /** Absent: the remote does not say. */
  value: Secret | undefined;
}

/** By name of the remote; `instances` of one are a map. */
export type Observed = Record<string, Observation<unknown>>;

/**
 * A kind whose resources stand for remote objects. The first of `remotes` is the main one: its ID is status.externalID.
 * `plan`, `planRemoval` and `report` are pure.
 */
export interface Kind<Spec extends CommonSpec = CommonSpec, Remote = unknown, Client = unknown> extends CrdDefinition {
  /** Kind of the tenant that spec.tenantRef names. */
  tenantKind: string;
  /** Entry of the tenant's spec.limits that bounds how many may be owned. */
  limit?: string;
  main: RemoteObject<Spec, Remote, Client>;
  /** Further remote objects by name, always recognised by a chosen ID. */
  parts?: Record<string, RemoteObject<Spec, unknown, Client>>;
  secrets?: (spec: Spec, name: string) => Record<string, SecretNeed>;
  /** The Secret to write from the remote object; without one (before a create) only where it will be. */
  output?: (desired: { spec: Spec; name: string }, remote?: Remote) => SecretOutput;
  /** Kinds whose resources this one refers to: when one of them changes, it runs. */
  refers?: string[];
  /** What the resource refers to, or why that cannot be used yet; `value` beside that where it is known all the same. */
  reference?: (spec: Spec, world: World) => { value: string } | (Obstacle & { value?: string });
  /** What is wrong with a spec by the tenant's facts, before anything is sent; undefined when nothing is. */
  validate?: (desired: { spec: Spec; name: string }, facts: Record<string, unknown>) => string | undefined;
  /** What comes next towards the spec. `parts` by `name` or `name/instance`. */
  plan: (desired: Desired<Spec>, observed: { main: Observation<Remote>; parts: Observed }) => Step;
  /** What comes next towards none, once a person asked for deletion under `Delete`; the main object is there. */
  planRemoval: (observed: { main: Remote; parts: Observed; name: string }, world: World) => Step;
  /** Fields of a present object that differ from the spec and that no update can mend, as `field: wanted x, is y`. */
  differences: (desired: { spec: Spec; name: string }, remote: Remote) => string[];
  /**
   * What status shows of the remote object, and the conditions of this kind's own; `changesIn` milliseconds time alone
   * changes it.
   */
  report: (remote: Remote, now: number) => { status: Record<string, unknown>; conditions: Claim[]; changesIn?: number };
}

/** The name under which a resource of this kind is queued and logged. */
export function identifier(kind: string, object: KubeObject): string {
  return `${kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** Types a kind for its own file, and untypes it for the engine, which never looks inside spec, remote or client. */
export function defineKind<S extends z.ZodObject, Remote, Client>(
  kind: Kind<z.output<S> & CommonSpec, Remote, Client> & { spec: S },
): Kind {
  return kind as unknown as Kind;
}

/** Where a kind is served. */
export function typeOf(definition: CrdDefinition): ResourceType {
  const { group, version, names } = definition;
  return { group, version, plural: names.plural, kind: names.kind };
}
