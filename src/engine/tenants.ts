import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { type Budget, createBudget } from '../remote/budget.ts';
import type { RemoteSession } from '../remote/call.ts';
import { type Collection, createCollection, type Listed } from '../remote/collection.ts';
import { RemoteError } from '../remote/errors.ts';
import type { Log } from '../telemetry/log.ts';
import { type Breaker, breaker } from './breaker.ts';
import type { Claims } from './claims.ts';
import type { Kind } from './kind.ts';
import type { Reason } from './reasons.ts';
import type { SecretVersion } from './secrets.ts';
import type { TenantKind, TenantSpec } from './tenant.ts';

/** One tenant resource's way to its remote tenant. */
export interface Binding {
  /** Identifier of the tenant resource. */
  identifier: string;
  remote: RemoteTenant;
  client: unknown;
  session: RemoteSession;
  spec: TenantSpec;
  version: SecretVersion;
  /** Where calls go. */
  endpoint: string;
  /** Monotonic time at which it was made: earlier lists went elsewhere. */
  since: number;
  /** The endpoint changed and no recorded object was seen there yet: no mutating call goes out. */
  unproved: string | undefined;
  /** Did the last create through it keep the ID that we chose? undefined: none was answered yet. */
  keepsIDs?: boolean;
  /** The freehold.dev/accept-loss of this tenant resource that was last obeyed. */
  answered: string | undefined;
}

/** Why a tenant resource cannot be used now. */
export interface Problem {
  reason: Reason;
  message: string;
}

/** What is shared by all who use one remote tenant, whichever tenant resource they name. */
export interface RemoteTenant {
  key: string;
  kind: TenantKind;
  budget: Budget;
  /** Those that can be listed. */
  collections: Map<string, Collection<unknown>>;
  bindings: Map<string, Binding>;
  /** The endpoint from which the newest complete list of each collection came. */
  via: Map<string, string>;
  /** IDs that a list has shown since this process leads: lists no longer lag behind their creates. */
  shown: Set<string>;
  /** IDs of lost objects that a person accepted as lost. */
  accepted: Set<string>;
  /** Who is sending a create of this kind here, while creates run one at a time. */
  creating: Map<string, string>;
  /** Resources that are between the gate of a create and its record: they count against the limit. */
  inFlight: Set<string>;
}

export interface RemoteTenants {
  /** The remote tenant of that key, made on first use. */
  remote(kind: TenantKind, key: string): RemoteTenant;
  /** Replaces (or, with undefined, ends) the binding of a tenant resource. */
  bind(identifier: string, binding: Binding | undefined): void;
  binding(identifier: string): Binding | undefined;
  setProblem(identifier: string, problem: Problem | undefined): void;
  problem(identifier: string): Problem | undefined;
  all(): RemoteTenant[];
  /** Loss breaker of one kind; closed while there is no list. `answered` of the binding for which its hash is told. */
  breakerOf(kind: Kind, remote: RemoteTenant, answered?: string): Breaker;
  /** The first open breaker of any kind there: while one is open nothing is made, deleted or released. */
  openBreaker(remote: RemoteTenant, answered?: string): { kind: Kind; breaker: Breaker } | undefined;
  stop(): void;
}

export interface RemoteTenantsOptions {
  clock: Clock;
  random: Random;
  log: Log;
  claims: Claims;
  kinds: ReadonlyMap<string, Kind>;
  settleWindow: number;
  /** The request budget turned: exhausted, or no longer so. */
  onBudget: (remote: RemoteTenant) => void;
  /** A complete list showed that these IDs changed. */
  onChange: (remote: RemoteTenant, collection: string, ids: ReadonlySet<string>) => void;
  /** A list ended: the `first` complete one of a collection, or one with which it `turned` from well to failing or back. */
  onList: (remote: RemoteTenant, collection: string, turn: 'first' | 'turned' | undefined) => void;
}

/** Where the lists of a collection came from, when that is another endpoint than this binding's; undefined when not. */
export function listedElsewhere({ remote, endpoint }: Binding, collection: string): string | undefined {
  const plain = (url: string) => url.replace(/\/+$/, '');
  const via = remote.via.get(collection);
  return via === undefined || plain(via) === plain(endpoint) ? undefined : via;
}

/** Breaker, and which of the last complete lists are no longer to be believed: begun before `oldest` while newer ones fail. */
export function conditionOf(tenants: Pick<RemoteTenants, 'openBreaker'>, remote: RemoteTenant, oldest: number): string {
  // By name: they do not grow old at one moment, and whoever lives by another one must hear of that one, too.
  const stale = [...remote.collections.values()]
    .filter((list) => list.failure() && (list.snapshot()?.begunAt ?? -Infinity) < oldest)
    .map(({ name }) => name);
  return `${stale.join()}/${tenants.openBreaker(remote)?.breaker.hash ?? ''}`;
}

/** Can a tenant of that spec list all of a collection? */
function hasList(kind: TenantKind, collection: string, spec: TenantSpec): boolean {
  return kind.collections[collection]?.perMain?.(spec) === undefined;
}

export function createRemoteTenants(options: RemoteTenantsOptions): RemoteTenants {
  const { clock, random, log, claims } = options;
  const remotes = new Map<string, RemoteTenant>();
  const bindings = new Map<string, Binding>();
  const problems = new Map<string, Problem>();
  let stopped = false;

  const shortest = (remote: RemoteTenant) =>
    1000 * Math.min(3600, ...[...remote.bindings.values()].map(({ spec }) => spec.pollInterval));

  /**
   * Lists through whichever binding works: the first by name, those at an unproved endpoint last; the others when its
   * credentials are refused, or when they go to another endpoint.
   */
  async function list(remote: RemoteTenant, name: string): Promise<Listed<unknown>> {
    const doubt = ({ unproved }: Binding) => Number(unproved !== undefined);
    const ways = [...remote.bindings.values()]
      .filter(({ spec }) => hasList(remote.kind, name, spec))
      .sort((a, b) => doubt(a) - doubt(b) || (a.identifier < b.identifier ? -1 : 1));
    let last: unknown;
    for (const way of ways) {
      try {
        const listed = await remote.kind.collections[name]!.list(way.client);
        remote.via.set(name, way.endpoint);
        return listed;
      } catch (error) {
        last = error;
        if (!(error instanceof RemoteError)) break;
        const refused = ['CredentialsRefused', 'Forbidden', 'WrongTenant'].includes(error.reason);
        if (!refused && ways.every(({ endpoint }) => endpoint === way.endpoint)) break;
      }
    }
    throw (
      last ??
      new RemoteError({
        reason: 'Unreachable',
        outcome: 'definitely-not',
        operation: name,
        message: 'no tenant resource is connected',
      })
    );
  }

  function create(kind: TenantKind, key: string): RemoteTenant {
    const collections = new Map<string, Collection<unknown>>();
    const remote: RemoteTenant = {
      key,
      kind,
      budget: createBudget(clock, { rate: 10, burst: 20 }),
      collections,
      bindings: new Map(),
      via: new Map(),
      shown: new Set(),
      accepted: new Set(),
      creating: new Map(),
      inFlight: new Set(),
    };
    remote.budget.onExhausted(() => options.onBudget(remote));
    remotes.set(key, remote);
    return remote;
  }

  /** The collections that some binding can list, and no others: what cannot be listed would only be failing. */
  function settleCollections(remote: RemoteTenant): void {
    const { kind, collections } = remote;
    for (const [name, { id }] of Object.entries(kind.collections)) {
      const wanted = [...remote.bindings.values()].some(({ spec }) => hasList(kind, name, spec));
      const known = collections.get(name);
      if (!wanted) {
        known?.stop();
        collections.delete(name);
      } else if (!known) {
        const interval = () => shortest(remote);
        const collection = createCollection({ name, list: () => list(remote, name), id, clock, random, log, interval });
        collection.onChange((ids) => {
          for (const changed of ids) if (collection.snapshot()?.items.has(changed)) remote.shown.add(changed);
          options.onChange(remote, name, ids);
        });
        let begins = true;
        collection.onList((turned) => {
          const first = begins && collection.failure() === undefined;
          begins = false;
          options.onList(remote, name, turned ? (first ? 'first' : 'turned') : undefined);
        });
        collections.set(name, collection);
      }
    }
  }

  function setLimits(remote: RemoteTenant): void {
    // Two tenant resources for one remote tenant: the smaller word counts.
    const limits = [...remote.bindings.values()].map(({ spec }) => spec.limits);
    if (limits.length === 0) return;
    remote.budget.setLimits({
      rate: Math.min(...limits.map(({ requestsPerSecond }) => requestsPerSecond)),
      burst: Math.min(...limits.map(({ burst }) => burst)),
    });
  }

  function breakerOf(kind: Kind, remote: RemoteTenant, answered?: string): Breaker {
    const snapshot = remote.collections.get(kind.main.collection)?.snapshot();
    const titles = snapshot === undefined ? [] : claims.recorded(kind.names.kind, remote.key);
    const counted = titles.filter(
      ({ id, excused, since }) =>
        !excused && (remote.shown.has(id) || since === undefined || clock.now() - since > options.settleWindow),
    );
    return breaker(
      counted.map(({ id }) => id),
      (id) => snapshot!.items.has(id) || snapshot!.unreadable.has(id),
      remote.accepted,
      answered,
    );
  }

  return {
    remote: (kind, key) => remotes.get(key) ?? create(kind, key),
    bind(identifier, binding) {
      const before = bindings.get(identifier);
      if (before === binding) return;
      if (stopped && binding) {
        // A sign-in that ended after the term: its lists would go on for ever.
        binding.session.close();
        return;
      }
      if (before) {
        before.remote.bindings.delete(identifier);
        before.session.close();
        bindings.delete(identifier);
      }
      if (binding) {
        bindings.set(identifier, binding);
        binding.remote.bindings.set(identifier, binding);
        setLimits(binding.remote);
        settleCollections(binding.remote);
        for (const collection of binding.remote.collections.values()) {
          collection.start();
          // What was listed through another way proves nothing about this one.
          if (before) collection.refresh();
        }
      }
      if (before && before.remote !== binding?.remote && before.remote.bindings.size === 0) {
        for (const collection of before.remote.collections.values()) collection.stop();
        remotes.delete(before.remote.key);
      } else if (before) {
        setLimits(before.remote);
        settleCollections(before.remote);
      }
    },
    binding: (identifier) => bindings.get(identifier),
    setProblem(identifier, problem) {
      if (problem) problems.set(identifier, problem);
      else problems.delete(identifier);
    },
    problem: (identifier) => problems.get(identifier),
    all: () => [...remotes.values()],
    breakerOf,
    openBreaker(remote, answered) {
      for (const kind of options.kinds.values()) {
        if (kind.tenantKind !== remote.kind.names.kind) continue;
        const state = breakerOf(kind, remote, answered);
        if (state.open) return { kind, breaker: state };
      }
      return undefined;
    },
    stop() {
      stopped = true;
      for (const identifier of [...bindings.keys()]) this.bind(identifier, undefined);
    },
  };
}
