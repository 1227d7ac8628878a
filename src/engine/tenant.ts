import type * as z from 'zod';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Secret } from '../base/secret.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Identity, RemoteSession } from '../remote/call.ts';
import type { Listed } from '../remote/collection.ts';
import type { CommonStatus } from './resource.ts';
import type { CrdDefinition } from './crd.ts';
import type { Budget } from '../remote/budget.ts';
import type { RemotePorts } from '../remote/ports.ts';
import type { Log } from '../telemetry/log.ts';

/** What every tenant resource has in its spec. */
export interface TenantSpec {
  credentialsSecretRef: { name: string };
  /** Seconds between two lists in the steady state. */
  pollInterval: number;
  limits: { requestsPerSecond: number; burst: number } & Record<string, number | undefined>;
}

export interface TenantStatus extends CommonStatus {
  /** The endpoint at which this tenant was last proved: signed in, and recorded objects seen. */
  endpoint?: string;
  credentials?: { uid: string; resourceVersion: string };
  acceptedLosses?: string[];
  /** The last freehold.dev/accept-loss that was obeyed. */
  lastAcceptLoss?: string;
}

export interface TenantResource<Spec extends TenantSpec = TenantSpec> extends KubeObject {
  spec: Spec;
  status?: TenantStatus & Record<string, unknown>;
}

/** What a provider's session is made from. */
export interface ConnectOptions<Spec> {
  spec: Spec;
  credentials: Record<string, Secret>;
  budget: Budget;
  clock: Clock;
  random: Random;
  log: Log;
  /** Key of the remote tenant, for metrics and the audit line; before the sign-in it says less. */
  tenant: () => string;
  ports: RemotePorts;
}

/** A remote tenant's objects of one type. */
export interface TenantCollection<Client, Item> {
  list: (client: Client) => Promise<Listed<Item>>;
  id: (item: Item) => string;
  /** For status.unclaimed: when it came to be, RFC 3339; undefined where the remote does not say. */
  since: (item: Item) => string | undefined;
  /**
   * Where the remote has no list of all (by the tenant's spec): the seconds between two reads of those of one main
   * object. undefined: there is a list.
   */
  perMain?: (spec: TenantSpec) => number | undefined;
  /** It belongs to an object of another collection: by itself it is never shown as unclaimed. */
  part?: true;
}

/** A kind whose resources stand for an account at a remote API. */
export interface TenantKind<Spec extends TenantSpec = TenantSpec, Client = unknown> extends CrdDefinition {
  /** Keys of the credentials Secret. */
  secretKeys: string[];
  /**
   * Names the remote tenant, not the resource: two resources with one key share budget, lists and locks. `identity` is
   * what the token says.
   */
  remoteKey: (spec: Spec, identity: Identity) => string;
  connect: (options: ConnectOptions<Spec>) => { client: Client; session: RemoteSession };
  collections: Record<string, TenantCollection<Client, unknown>>;
  /** Status fields that `facts` gives. */
  factFields: string[];
  /** Facts for the status that are read once a connection is new, and with each fresh look. */
  facts: (client: Client) => Promise<Record<string, unknown>>;
}

/** As `defineKind`. */
export function defineTenant<S extends z.ZodObject, Client>(
  kind: TenantKind<z.output<S> & TenantSpec, Client> & { spec: S },
): TenantKind {
  return kind as unknown as TenantKind;
}
