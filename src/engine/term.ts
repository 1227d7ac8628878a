import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Change, Store as KubeStore } from '../kube/store.ts';
import type { EventInput } from '../kube/events.ts';
import type { KubeApi, KubeObject } from '../kube/types.ts';
import type { RemotePorts } from '../remote/ports.ts';
import type { Log } from '../telemetry/log.ts';
import { createClaims } from './claims.ts';
import type { Context, EngineSettings, Memory, TenantMemory } from './context.ts';
import { createJournal } from './journal.ts';
import type { Kind } from './kind.ts';
import { identifier, type Resource } from './resource.ts';
import { createOwnWrites } from './own-writes.ts';
import { collectionsOf } from './parts.ts';
import { createQueue, type Queue, type QueueHooks, type RunResult } from './queue.ts';
import { reconcile } from './reconcile.ts';
import { remembered } from './remembered.ts';
import { createSecrets } from './secrets.ts';
import type { TenantKind, TenantResource } from './tenant.ts';
import { reconcileTenant } from './tenant-pass.ts';
import { conditionOf, createRemoteTenants } from './tenants.ts';
import { movedTo } from './shards.ts';
import { createUsers, tenantOf } from './users.ts';
import { createWaiting } from './waiting.ts';
import { createWitnesses } from './witness.ts';

export interface TermOptions {
  settings: EngineSettings;
  /** Its writes must ask for the lease (kube/fenced.ts). */
  kube: KubeApi;
  ports: RemotePorts;
  clock: Clock;
  random: Random;
  log: Log;
  kinds: readonly Kind[];
  tenantKinds: readonly TenantKind[];
  /** By kind; they outlive the term. */
  stores: ReadonlyMap<string, KubeStore<Resource>>;
  tenantStores: ReadonlyMap<string, KubeStore<TenantResource>>;
  event: (regarding: KubeObject, event: EventInput) => void;
  /** Throws when the lease is not held. */
  fence: () => void;
  workers: number;
  hooks?: QueueHooks & { reconciled?(kind: string, result: RunResult, seconds: number): void };
}

/** One term of leadership. */
export interface Term {
  /** Passes the barrier, then works until stop(). */
  start(): Promise<void>;
  /**
   * Begins nothing more; resolves when no mutating call is in flight and its outcome is written down. `drain`: the lease
   * is still held, so that a create which is already journalled may be sent.
   */
  stop(how: { drain: boolean }): Promise<void>;
  readonly queue: Queue;
  readonly context: Context;
}

/**
 * The engine for one term. It starts from consistent lists of every store, begun after the lease was acquired, and knows
 * nothing of a remote tenant before a list of its own: nothing from before the takeover can be believed.
 */
export function createTerm(options: TermOptions): Term {
  const { settings, clock, random, log, kube } = options;
  const kinds = new Map(options.kinds.map((kind) => [kind.names.kind, kind]));
  const tenantKinds = new Map(options.tenantKinds.map((kind) => [kind.names.kind, kind]));
  const claims = createClaims(options.kinds);
  const users = createUsers();
  const memories = new Map<string, Memory>();
  const tenantMemories = new Map<string, TenantMemory>();
  const seen = new Map<string, number>();
  const waiting = createWaiting();
  /** What was last known of each remote tenant; a change wakes everybody there. */
  const conditions = new Map<string, string>();
  const unsubscribe: (() => void)[] = [];
  let stopped = false;
  let lost = false;
  /** Passes that began a mutating call: the lease is kept until they have recorded its outcome. */
  const acting = new Set<string>();
  const quiet: (() => void)[] = [];

  const own = createOwnWrites();
  const facades = new Map([...options.stores].map(([kind, store]) => [kind, own.facade(store)]));
  const tenantFacades = new Map([...options.tenantStores].map(([kind, store]) => [kind, own.facade(store)]));

  const tenants = createRemoteTenants({
    clock,
    random,
    log,
    claims,
    kinds,
    settleWindow: settings.settleWindow,
    onChange(remote, _collection, ids) {
      for (const id of ids) {
        const holder = claims.holderOf(id, remote.key);
        if (holder !== undefined) queue.add(holder, 1);
      }
      // What is unclaimed may have changed.
      for (const tenant of remote.bindings.keys()) queue.add(tenant, 2);
    },
    onBudget(remote) {
      for (const tenant of remote.bindings.keys()) queue.add(tenant, 1);
    },
    onList(remote, collection, turn) {
      for (const key of waiting.ended(remote.key, collection)) queue.add(key, 1);
      const now = conditionOf(tenants, remote, clock.monotonic() - settings.staleAfter);
      // Whom a first list concerns waits for it.
      const all = turn === 'turned' || now !== (conditions.get(remote.key) ?? '/');
      conditions.set(remote.key, now);
      for (const tenant of turn || all ? remote.bindings.keys() : []) {
        queue.add(tenant, 1);
        for (const user of all ? users.of(tenant) : []) queue.add(user, 2);
      }
    },
  });

  const context: Context = {
    settings,
    kube,
    ports: options.ports,
    clock,
    random,
    log,
    kinds,
    tenantKinds,
    store: (kind) => facades.get(kind.names.kind)!,
    tenantStore: (kind) => tenantFacades.get(kind.names.kind)!,
    claims,
    users,
    witnesses: createWitnesses(clock, settings.absenceInterval),
    journal: createJournal(kube, clock, settings.holder, (kind, resource) =>
      facades.get(kind.names.kind)!.observe(resource),
    ),
    secrets: createSecrets(kube),
    tenants,
    event: options.event,
    enqueue: (key, priority) => queue.add(key, priority),
    awaitList(remote, key, collections) {
      if (waiting.list(remote.key, key, collections)) queue.add(key, 1);
    },
    awaitTurn(remote, key, lock) {
      for (const one of waiting.turn(remote.key, lock, key)) queue.add(one, 1);
    },
    begin(key) {
      if (stopped) throw new Error('the term of leadership is over: nothing more is begun');
      options.fence();
      acting.add(key);
    },
    fence(key) {
      // A pass of a term that was lost may wake up when the lease is ours again: others may have acted in between.
      if (lost || (stopped && !acting.has(key)))
        throw new Error('the term of leadership is over: nothing more is sent');
      options.fence();
      acting.add(key);
    },
    firstSeen: (key) => seen.get(key) ?? Infinity,
    memory: (key) => remembered(memories, key),
    tenantMemory: (key) => remembered(tenantMemories, key),
    handOver(tenant) {
      const binding = tenants.binding(tenant);
      for (const user of binding ? users.of(tenant) : []) {
        const kind = kinds.get(user.slice(0, user.indexOf('/')))!;
        for (const collection of collectionsOf(kind, binding!)) collection.want(user, undefined);
      }
      tenants.bind(tenant, undefined);
      tenants.setProblem(tenant, undefined);
      tenantMemories.delete(tenant);
    },
  };

  const queue = createQueue({
    clock,
    random,
    workers: options.workers,
    run,
    ...(options.hooks && { hooks: options.hooks }),
  });

  async function run(key: string): Promise<RunResult> {
    const [name = '', namespace = '', object = ''] = key.split('/');
    const kind = kinds.get(name);
    const tenantKind = tenantKinds.get(name);
    const at = { namespace, name: object };
    const begun = clock.monotonic();
    waiting.began(key);
    const result = kind
      ? await reconcile(context, kind, at)
      : tenantKind
        ? await reconcileTenant(context, tenantKind, at)
        : { failed: false as const };
    for (const one of waiting.passed(key)) queue.add(one, 1);
    if (acting.delete(key) && acting.size === 0) for (const resolve of quiet.splice(0)) resolve();
    options.hooks?.reconciled?.(name, result, (clock.monotonic() - begun) / 1000);
    return result;
  }

  function take(kind: Kind, change: Change<Resource>): void {
    const { object, type } = change;
    const key = identifier(kind.names.kind, object);
    const current = type === 'deleted' ? undefined : object;
    for (const rival of claims.update(key, current, kind.names.kind)) queue.add(rival, 1);
    users.update(key, current, kind);
    // Whoever refers to it may have waited for this; our own writes count here, too.
    for (const other of users.of(key)) queue.add(other, 1);
    if (!current) {
      leave(kind, key, object);
      return;
    }
    if (!seen.has(key)) {
      seen.set(key, clock.monotonic());
      // The tenant holds itself and its Secret while it has users.
      queue.add(tenantOf(kind, object), 1);
    }
    const former = change.type === 'updated' ? change.old.status?.externalID : undefined;
    if (former !== object.status?.externalID) wakeTenants(kind, object);
    if (own.feeding()) return;
    const urgent = change.type !== 'updated' || change.old.metadata.generation !== object.metadata.generation;
    queue.add(key, urgent ? 0 : 1);
  }

  /** Forgets a resource that is gone: another one of its name starts anew. */
  function leave(kind: Kind, key: string, object: Resource): void {
    queue.forget(key);
    waiting.forget(key);
    memories.delete(key);
    seen.delete(key);
    context.witnesses.seen(key);
    const binding = tenants.binding(tenantOf(kind, object));
    if (binding) for (const collection of collectionsOf(kind, binding)) collection.want(key, undefined);
    wakeTenants(kind, object);
  }

  /** Every tenant resource of that remote tenant lists what nobody stands for. */
  function wakeTenants(kind: Kind, object: Resource): void {
    const tenant = tenantOf(kind, object);
    const others = tenants.binding(tenant)?.remote.bindings.keys() ?? [];
    for (const one of new Set([tenant, ...others])) queue.add(one, 1);
  }

  function takeTenant(kind: TenantKind, change: Change<TenantResource>): void {
    const key = identifier(kind.names.kind, change.object);
    if (change.type === 'deleted') tenantMemories.delete(key);
    if (!own.feeding()) queue.add(key, 0);
    if (movedTo(kind, change, settings.shard.count) !== settings.shard.index) return;
    // They are ours from now on: what was known of them before, another shard may have changed.
    for (const user of users.of(key)) {
      memories.delete(user);
      seen.set(user, clock.monotonic());
      context.witnesses.seen(user);
      queue.add(user, 1);
    }
  }

  /** One that cannot be read (an older schema let it through) must not stop the others. */
  function guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      log.error({ err: error }, 'a resource could not be taken in');
    }
  }

  return {
    queue,
    context,
    async start() {
      const stores = [...options.stores.values(), ...options.tenantStores.values()];
      await Promise.all(stores.map((store) => store.relist()));
      if (stopped) return;
      for (const [name, store] of options.stores) {
        const kind = kinds.get(name)!;
        unsubscribe.push(store.onChange((change) => take(kind, change)));
        for (const object of store.list()) guarded(() => take(kind, { type: 'added', object }));
      }
      for (const [name, store] of options.tenantStores) {
        const kind = tenantKinds.get(name)!;
        unsubscribe.push(store.onChange((change) => takeTenant(kind, change)));
        for (const object of store.list()) guarded(() => takeTenant(kind, { type: 'added', object }));
      }
      queue.start();
    },
    async stop({ drain }) {
      stopped = true;
      lost = !drain;
      for (const end of unsubscribe) end();
      void queue.stop();
      // Reads may be left to themselves; what was bought must be written down.
      if (acting.size > 0) await new Promise<void>((resolve) => quiet.push(resolve));
      tenants.stop();
    },
  };
}
