import type * as z from 'zod';
import type { Secret } from '../base/secret.ts';
import type { ResourceType } from '../kube/types.ts';
import type { Fence } from '../remote/call.ts';
import type { Listed } from '../remote/collection.ts';
import type { RemoteError } from '../remote/errors.ts';
import type { Claim } from './conditions.ts';
import type { CrdDefinition } from './crd.ts';
import type { Reason } from './reasons.ts';
import type { ActionRecord, CommonSpec, Resource } from './resource.ts';
import type { TenantSpec } from './tenant.ts';

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
  /** Send what differs: `drift` names the fields. `fresh`: as for an act, where a part of a value is kept as it is. */
  | { do: 'update'; remote: string; instance?: string; drift: string[]; fresh?: true }
  | Act
  /** The action that status.action records is over: its result is written down. */
  | { do: 'conclude'; result: 'Succeeded' | 'Failed'; message: string }
  | { do: 'remove'; remote: string; instance?: string }
  /** The remote works on it, or something else must come first. `drift`: what differs meanwhile. */
  | { do: 'wait'; reason: Reason; message: string; drift?: string[] }
  | { do: 'ready'; message: string }
  /** A person must act. */
  | { do: 'blocked'; reason: Reason; message: string };

/** Ask the remote to do `verb`. */
export interface Act {
  do: 'act';
  remote: string;
  instance?: string;
  verb: string;
  /** What is asked for, for people: `power off`. */
  message: string;
  /** The person's word that this obeys; it is journalled before the call, so that one word is obeyed at most once. */
  obeys?: 'action' | 'retry';
  /** For an action: what the remote says now and will say otherwise once it ran, e.g. the time of its last change; journalled. */
  before?: string;
  /** A wrong moment would harm: it is planned again on a read of this very moment before it is sent. */
  fresh?: true;
  /**
   * Where the same verb was sent before for the same wish and is wanted again, it seems to have failed: this is shown
   * until `again` milliseconds after it was sent, then it is sent once more. `since`: when the remote says that it failed
   * last (RFC 3339), for a new process, which remembers nothing.
   */
  failing?: { reason: Reason; message: string; again: number; since?: string };
}

/** What a call of a kind gets in hand. */
export interface Effect<Spec, Client> {
  client: Client;
  spec: Spec;
  /** metadata.name of the resource. */
  name: string;
  /** Goes to the remote as it is: marker and the user's description. */
  marked(description: string | undefined): string;
  /** `ownerID/namespace/name`; for a part, with its name and instance. */
  owner: string;
  /** For what belongs to a main object that is there: its ID. */
  mainID?: string;
  /** What `Desired.changedSecrets` named. */
  changedSecrets?: readonly string[];
  /** The parts as the plan saw them. */
  parts?: Observed;
  /** By the names of `Kind.secrets`. */
  secrets: Record<string, Secret>;
  /** What `Kind.reference` gave. */
  reference?: string;
  /** What `MainObject.choose` gave. */
  choice?: string;
  /** Hand it to the client: it stops a mutating call that may no longer begin. */
  fence: Fence;
}

/** What a kind may look at besides its own object: all of it is known already, nothing is read for it. */
export interface World {
  /** The newest complete list of a collection of the remote tenant; undefined before the first. */
  listed(collection: string): ReadonlyMap<string, unknown> | undefined;
  /** Resources of a kind in the namespace of this one; `resource` looks at one without going through all. */
  resources(kind: string): readonly Resource[];
  resource(kind: string, name: string): Resource | undefined;
  /** Is this choice (see `MainObject.choose`) taken by another resource whose create is under way? */
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
  /** freehold.dev/retry, when it is not answered yet. */
  retry?: string;
  /** status.action: the one-off action that was last sent or answered. */
  action?: ActionRecord;
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
      /**
       * For a part: the name (among `instances`) of an object that belongs to the main object of that ID; undefined for
       * one that does not. What belongs to ours is ours, whoever made it.
       */
      instanceOf?: (remote: Remote, mainID: string) => string | undefined;
      /** For a part: the ID of the main object that it belongs to, where it says so. */
      mainOf?: (remote: Remote) => string | undefined;
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
      /** May an unclaimed one be used as stock? Asked when the collection of those who use one was listed. */
      spare: (id: string, world: World) => boolean;
      usersIn: string;
      /** Did a person give their word that nobody else buys in this tenant? */
      onlyBuyer: (tenant: TenantSpec) => boolean;
      /** What the person says of unclaimed ones. */
      claim: (spec: Spec) => 'Unclaimed' | 'Never' | undefined;
      /** The stop for want of that word. */
      unclaimed: Reason;
    };

/** A reason to wait or to stop, instead of a value. */
export type Obstacle = { reason: Reason; message: string };

/** A value that one object only may have, such as the address of a BMC. */
export interface Unique<Spec, Remote> {
  /** What people call it: `BMC`. */
  noun: string;
  /** undefined: the spec does not say. */
  of: (desired: { spec: Spec; name: string }) => string | undefined;
  ofRemote: (remote: Remote) => string | undefined;
  /** It is the thing itself: an object of ours with another one is of a former resource of this name. */
  identifies?: true;
  /** The stop where somebody else has it. */
  taken: Reason;
}

/** One remote object of a kind: how it is recognised, where it is listed, and the calls that change it. */
export interface RemoteObject<Spec, Remote, Client> {
  /** What people call it: `server`. */
  noun: string;
  identity: Identity<Spec, Remote>;
  /** Name of the tenant's collection that lists it. */
  collection: string;
  /** What a conflict (409) means that answers a create although nothing of ours is there. */
  taken?: Reason;
  /** What a refusal means in this kind's terms, by the remote's words; undefined: as usual. */
  explain?: (error: RemoteError) => Obstacle | undefined;
  create: (effect: Effect<Spec, Client>, target: { instance: string; id: string }) => Promise<{ id: string }>;
  update?: (effect: Effect<Spec, Client>, target: { instance: string; id: string; remote: Remote }) => Promise<void>;
  act?: (
    effect: Effect<Spec, Client>,
    target: { instance: string; id: string; remote: Remote; verb: string },
  ) => Promise<void>;
  remove: (effect: Effect<Spec, Client>, id: string) => Promise<void>;
}

/** The object whose ID is the resource's. */
export interface MainObject<Spec, Remote, Client> extends RemoteObject<Spec, Remote, Client> {
  /** Does the remote already take it away? Such a one is not re-attached. */
  beingDeleted?: (remote: Remote) => boolean;
  /** undefined when the remote answers 404. */
  read: (client: Client, id: string) => Promise<Remote | undefined>;
  /** What must serve one object only, besides its ID: looked for among all before a create, and before it changes. */
  unique?: Unique<Spec, Remote>[];
  /** A remove is planned again on a read of this very moment before it is sent. */
  removeFresh?: true;
  /** The remote removes its parts with it, so that its removal does not look at them. */
  takesParts?: true;
  /** Reads what a create must choose from. The choice is journalled, and no other resource takes the same meanwhile. */
  choose?: (client: Client, desired: Desired<Spec>, world: World) => Promise<{ choice: string } | Obstacle>;
  /** What a 503 to a create means once it is proved that it made nothing: a slow wait for this reason. */
  unavailable?: Reason;
}

/** What belongs to a main object. It is known from lists alone. */
export interface PartObject<Spec, Remote, Client> extends RemoteObject<Spec, Remote, Client> {
  /** Names of those that the spec wants, e.g. MAC addresses. Absent: exactly one. */
  instances?: (spec: Spec) => string[];
  /** Those of one main object, where the tenant cannot list all. undefined when the remote answers 404. */
  listOf?: (client: Client, mainID: string) => Promise<Listed<Remote> | undefined>;
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
  /** A name rather than a secret: it may be shown. */
  public?: true;
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
  /** What stays at the remote under `Retain`, for people; default: it goes on costing money. */
  retained?: string;
  main: MainObject<Spec, Remote, Client>;
  /** Further remote objects by name, always recognised by a chosen ID. */
  parts?: Record<string, PartObject<Spec, unknown, Client>>;
  secrets?: (spec: Spec, name: string) => Record<string, SecretNeed>;
  /** The Secret to write from the remote object; without one (before a create) only where it will be. */
  output?: (desired: { spec: Spec; name: string }, remote?: Remote) => SecretOutput;
  /** The resources of its namespace that this one refers to: when one of them changes, it runs. */
  refers?: (spec: Spec) => [kind: string, name: string][];
  /** What the resource refers to, or why that cannot be used yet; `value` beside that where it is known all the same. */
  reference?: (spec: Spec, world: World) => { value: string } | (Obstacle & { value?: string });
  /** What is wrong with a spec by the tenant's facts, before anything is sent; undefined when nothing is. */
  validate?: (desired: { spec: Spec; name: string }, facts: Record<string, unknown>) => string | undefined;
  /**
   * What comes next towards the spec. `parts` by `name` or `name/instance`: those of the spec, and those of ours that the
   * spec no longer names.
   */
  plan: (desired: Desired<Spec>, observed: { main: Observation<Remote>; parts: Observed }) => Step;
  /** What comes next towards none, once a person asked for deletion under `Delete`; the main object is there. */
  planRemoval: (observed: { main: Remote; parts: Observed; name: string }, world: World) => Step;
  /** Fields of a present object that differ from the spec and that no update can mend, as `field: wanted x, is y`. */
  differences: (desired: Desired<Spec>, remote: Remote) => string[];
  /**
   * What status shows of the remote object, and the conditions of this kind's own; `changesIn` milliseconds time alone
   * changes it.
   */
  report: (
    remote: Remote,
    now: number,
    spec: Spec,
  ) => { status: Record<string, unknown>; conditions: Claim[]; changesIn?: number };
  /** What status shows of the parts: always the same fields. */
  reportParts?: (parts: Observed) => Record<string, unknown>;
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
