import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Secret } from '../base/secret.ts';
import type { EventInput } from '../kube/events.ts';
import type { KubeApi, KubeObject } from '../kube/types.ts';
import type { Identity, RemoteSession } from '../remote/call.ts';
import type { Snapshot } from '../remote/collection.ts';
import type { RemotePorts } from '../remote/ports.ts';
import type { Log } from '../telemetry/log.ts';
import type { Claims } from './claims.ts';
import type { Standing } from './conditions.ts';
import type { Journal } from './journal.ts';
import type { Kind } from './kind.ts';
import type { ActionRecord, Resource } from './resource.ts';
import type { QueuePriority } from './queue.ts';
import type { Reason } from './reasons.ts';
import type { Secrets, SecretVersion } from './secrets.ts';
import type { Shard } from './shards.ts';
import type { TenantKind, TenantResource, TenantSpec } from './tenant.ts';
import type { Problem, RemoteTenant, RemoteTenants } from './tenants.ts';
import type { Users } from './users.ts';
import type { Witnesses } from './witness.ts';

/** Durations in milliseconds. */
export interface EngineSettings {
  /** Outlives the cluster; see Owner. */
  ownerID: string;
  /** This process, for the journal: pod name and a random part. */
  holder: string;
  shard: Shard;
  /** After a create with unknown outcome, no second one before this has passed. */
  settleWindow: number;
  /** Between the two looks that prove an absence. */
  absenceInterval: number;
  /** Between two lists while something is in motion. */
  motionInterval: number;
  /** A Ready resource stays Ready on lists up to this age while newer ones fail. */
  staleAfter: number;
  /** Between two reads of a credentials Secret. */
  secretInterval: number;
}

/** The part of a store that the engine reads. */
export interface Store<T extends KubeObject> {
  /** By `namespace/name`. */
  get(key: string): T | undefined;
  list(): T[];
  /** Feeds in the answer of our own write, so that the next pass sees it. */
  observe(object: T): void;
}

/**
 * Everything a pass works with, alive for one term of leadership: what a term remembers dies with it, so no list, witness
 * or claim from before a takeover can be believed after it.
 */
export interface Context {
  settings: EngineSettings;
  /** Every write through it asks for the lease first. */
  kube: KubeApi;
  clock: Clock;
  random: Random;
  log: Log;
  kinds: ReadonlyMap<string, Kind>;
  tenantKinds: ReadonlyMap<string, TenantKind>;
  store(kind: Kind): Store<Resource>;
  tenantStore(kind: TenantKind): Store<TenantResource>;
  claims: Claims;
  users: Users;
  witnesses: Witnesses;
  journal: Journal;
  secrets: Secrets;
  tenants: RemoteTenants;
  ports: RemotePorts;
  event(regarding: KubeObject, event: EventInput): void;
  enqueue(identifier: string, priority: QueuePriority): void;
  /** Runs the resource after the next list of that remote tenant: of these collections, or of any. */
  awaitList(remote: RemoteTenant, identifier: string, collections?: readonly string[]): void;
  /** Runs the resource when its turn comes among those that wait behind that lock. */
  awaitTurn(remote: RemoteTenant, identifier: string, lock: string): void;
  /** Asked before a create is journalled: from here on a shutdown waits for its outcome. Throws as `fence`. */
  begin: (identifier: string) => void;
  /** Asked in the turn in which a mutating call of that resource begins. Throws when the lease is not held. */
  fence: (identifier: string) => void;
  /** Monotonic time at which a resource was first seen in this term. */
  firstSeen(identifier: string): number;
  memory(identifier: string): Memory;
  tenantMemory(identifier: string): TenantMemory;
  /** Unbinds a tenant resource that is another shard's, and forgets it. */
  handOver(tenant: string): void;
}

/** The parts of one main object, read by themselves. Times are monotonic. */
export interface PartRead extends Snapshot<unknown> {
  mainID: string;
  /** When they are read again although nothing changed. */
  due: number;
  /** Since when that fails. */
  failing?: number;
}

/** What is remembered of one resource for this term. Losing it costs time, never a second object. */
export interface Memory {
  /** Live secrets as they were last sent with success. */
  proved?: Record<string, SecretVersion>;
  /** Values that a remote's words must not bring into status, event or log. */
  known?: Secret[];
  /** Their values: a Secret that was only touched is not sent again. */
  provedValues?: Record<string, Secret>;
  /** Live secrets as they were last read. */
  live?: Record<string, SecretVersion>;
  /** For which state of the resource its Secret was last written. */
  published?: string;
  /** What was taken by holdReference. */
  reference?: string;
  /** Refusals in a row of a create that had a choice. */
  rejections?: number;
  /** The attempt that was answered with 503. */
  unavailable?: string;
  /** Monotonic time before which no further create is tried, since there is nothing to be had. */
  notBefore?: number;
  /** The freehold.dev/reconcile-requested-at that is not answered yet, and when it was first seen: lists begun earlier do not answer it. */
  request?: { text: string; at: number };
  /** Lists (of that collection, or all) begun earlier say nothing about our last change; until a later one, the resource stands as then. */
  changed?: { at: number; standing: Standing; collection?: string };
  /** The remote was changed, and the status does not say so yet. */
  unsaid?: boolean;
  /** Steps that changed something by a call, for one wish (see askedBy): when last (monotonic), and how often. */
  acted?: { asked: string; steps: Record<string, { at: number; times: number }> };
  /** When (monotonic) a verb was sent that is not sent again without a person's word. */
  once?: Record<string, number>;
  /** For what a wait is, and since when (monotonic). */
  waiting?: { reason: Reason; at: number };
  /** Since when (monotonic) the creates of a part are answered by conflicts, by its key. */
  conflicts?: Record<string, number>;
  /** What is held by takenByOthers, by its noun. */
  unique?: Record<string, string | undefined>;
  /** Parts that no list shows, as read for this main object, by collection. */
  reads?: Record<string, PartRead>;
  /** A journalled create that is not settled: it is written down again when somebody wipes the status. */
  sent?: { attemptID: string; idsBefore?: string[]; choice?: string; key?: string };
  /** The attempt that the remote refused: it made nothing, whatever the journal still says. */
  madeNothing?: string;
  /** How often that attempt was sent without an answer, and when (monotonic) last. */
  unanswered?: { attemptID: string; times: number; at: number };
  /** A create was answered and its ID is not recorded yet. */
  answered?: { attemptID: string; id: string };
  /** The attempt whose outcome is waited for: when this process first saw it, and the list count then. */
  attempt?: { attemptID: string; since: number; lists: number };
  /** What the remote refused because of the spec: of which state (see askedBy), which step, its words, and (monotonic) for how long. */
  refused?: { asked: string; step: string; reason: Reason; message: string; until?: number };
  /** The freehold.dev/retry that is being obeyed. */
  retry?: string;
  /** The action (its requestedAt) whose refusal does not prove that nothing was done, and the remote's words. */
  doubted?: { of: string; words: string };
  /** What came of a person's word, and is not written down yet: of which one, and what status is to say. */
  word?: { of: string; action: ActionRecord | undefined } | { of: string; lastRetry: string | undefined };
  /** The unclaimed object that nobody was seen to use, and since when (monotonic). */
  unused?: { id: string; at: number };
  /** The last DELETE sent: of which object, and its monotonic time. */
  deleteSent?: { id: string; at: number };
}

/** What is remembered of one tenant resource for this term. */
export interface TenantMemory {
  /** Our finalizer was put on (or taken off) the credentials Secret. */
  held?: boolean;
  /** The Secret that may carry our finalizer. */
  heldName?: string;
  /** Monotonic time of the last read of the credentials Secret. */
  secretRead?: number;
  /** What that read gave: the version, or why there is none. */
  secretSeen?: unknown;
  /** What the last read gave when it gave no values. */
  secretProblem?: Problem;
  /** A session that was refused: it answers from memory until its back-off is over, lest the account be locked. */
  trial?: { session: RemoteSession; client: unknown; spec: TenantSpec; version: SecretVersion };
  /** The values that were proved last: a Secret that was only touched (by our finalizer, too) is no other one. */
  proved?: Record<string, Secret>;
  /** While nothing but another Secret mends it: until when (monotonic) only that is looked at, and what was seen. */
  look?: { until: number; seen: string };
  /** Why the newest credentials are not in use. */
  refusal?: Problem;
  /** The reconcile request that was answered last. */
  handled?: string;
  /** Facts of the provider, read when a connection is new. */
  facts?: Record<string, unknown>;
  /** The sign-in proved a remote tenant that is another shard's. */
  foreign?: { key: string; identity: Identity };
}
