import * as z from 'zod';
import type { Random } from '../../src/base/random.ts';
import { systemRandom } from '../../src/base/random.ts';
import { findCondition } from '../../src/engine/conditions.ts';
import type { EngineSettings } from '../../src/engine/context.ts';
import { defineKind, type Kind, typeOf } from '../../src/engine/kind.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { commonRules, commonSpec, commonStatus } from '../../src/engine/schema.ts';
import type { TenantKind, TenantResource } from '../../src/engine/tenant.ts';
import { createTerm, type Term } from '../../src/engine/term.ts';
import type { EventInput } from '../../src/kube/events.ts';
import { createStore, type Store } from '../../src/kube/store.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import type { RemotePorts } from '../../src/remote/ports.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createManualClock, type TestClock } from './clock.ts';
import { createFakeKube, type FakeKube } from './kube-fake.ts';
import { createToyRemote, type Thing, toyNode, type ToyRemote, toyTenant } from './toy-kind.ts';

const steady: Random = { ...systemRandom, next: () => 0.5 };
export const secretsType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };

const spec = z.object({ ...commonSpec('server') }).describe('The server as it should be.');
const status = z.object({ ...commonStatus('server') }).describe('s');

/** A kind that is recognised by its marker, in the collection `nodes` of the toy. */
export const toyServer: Kind = defineKind<typeof spec, Thing, ToyRemote>({
  group: 'toy.freehold.dev',
  version: 'v1alpha1',
  names: { kind: 'ToyServer', plural: 'toyservers', categories: ['freehold'] },
  description: 'A server of a toy.',
  spec,
  status,
  printerColumns: [],
  rules: commonRules('server'),
  tenantKind: 'ToyTenant',
  main: {
    noun: 'server',
    collection: 'nodes',
    identity: { level: 'marker', marker: ({ extra }) => extra, owner: () => undefined },
    read: async (client, id) => client.held.nodes.get(id),
    create: ({ client, name, marked, fence }) =>
      client.create('nodes', { id: `made-${name}-${client.calls.length}`, extra: marked(undefined) }, fence),
    remove: ({ client, fence }, id) => client.remove('nodes', id, fence),
  },
  plan: (_desired, { main }) =>
    main.state === 'present' ? { do: 'ready', message: 'it is there' } : { do: 'create', remote: 'main' },
  planRemoval: () => ({ do: 'remove', remote: 'main' }),
  differences: () => [],
  report: () => ({ status: {}, conditions: [] }),
});

export interface ToyWorldOptions {
  kind?: Kind;
  remote?: ToyRemote;
  /** Changes the tenant kind, e.g. what it connects to. */
  tenantKind?: (kind: TenantKind) => TenantKind;
  /** Specs of the tenants by name; default: one, `t`. */
  tenants?: Record<string, object>;
  settings?: Partial<EngineSettings>;
  /** Another world whose time and Kubernetes it shares: a second process. It makes no tenants. */
  beside?: { clock: TestClock; kube: FakeKube };
  random?: Random;
  /** Takes log lines; none are written without it. */
  logTo?: { write(line: string): void };
}

/** The engine with one toy kind in one process, on time that moves only when the test says so; nothing is made yet. */
export async function createToyWorld(options: ToyWorldOptions = {}) {
  const clock = options.beside?.clock ?? createManualClock({ tick: 0.001 });
  const kube = options.beside?.kube ?? createFakeKube(clock);
  /** Types whose watches say nothing now. */
  const silent = new Set<string>();
  const watched = Object.create(kube) as FakeKube;
  watched.watch = async function* (...args) {
    for await (const event of kube.watch(...args)) {
      while (silent.has(args[0].plural) && !args[1].signal.aborted) await new Promise((done) => setImmediate(done));
      yield event as never;
    }
  };
  const remote = options.remote ?? createToyRemote();
  const kind = options.kind ?? toyNode;
  const type = typeOf(kind);
  const base = toyTenant(remote);
  const tenantKind = options.tenantKind?.(base) ?? base;
  const { logTo } = options;
  const log = createLog(logTo ? { level: 'warn', destination: logTo } : { level: 'silent' });
  const common = { api: watched, namespaces: [], clock, random: steady, log };
  const events: (EventInput & { of: string })[] = [];
  let stores: [Store<Resource>, Store<TenantResource>] | undefined;
  let term: Term | undefined;
  /** Of the present process. */
  let life = { over: false };
  const never = new Promise<never>(() => {});
  /** What a dead process still sends reaches nobody. */
  const mortal = (own: typeof life) =>
    new Proxy(kube, {
      get(target, name: keyof typeof kube) {
        const value = target[name];
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) =>
          own.over ? never : (value as (...all: unknown[]) => unknown).apply(target, args);
      },
    });
  let passes = 0;

  const flush = async () => {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const apiVersion = 'toy.freehold.dev/v1alpha1';
  const key = (name: string) => ({ namespace: 'shop', name });
  const secret = (name: string) =>
    kube.create(secretsType, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: key(name),
      type: 'freehold.dev/credentials',
      stringData: { key: 'k' },
    } as KubeObject);
  const tenant = (name: string, rest: object = {}, metadata: object = {}) =>
    kube.create(typeOf(tenantKind), {
      apiVersion,
      kind: 'ToyTenant',
      metadata: { ...key(name), ...metadata },
      spec: {
        credentialsSecretRef: { name: 'credentials' },
        pollInterval: 60,
        limits: { requestsPerSecond: 5, burst: 20 },
        ...rest,
      },
    } as KubeObject);
  if (!options.beside) await secret('credentials');
  for (const [name, rest] of Object.entries(options.tenants ?? (options.beside ? {} : { t: {} })))
    await tenant(name, rest);

  const self = {
    clock,
    kube,
    silent,
    remote,
    type,
    tenantType: typeOf(tenantKind),
    events,
    flush,
    secret,
    tenant,
    make: (name: string, rest: object = {}, metadata: object = {}) =>
      kube.create(type, {
        apiVersion,
        kind: kind.names.kind,
        metadata: { ...key(name), ...metadata },
        spec: {
          tenantRef: { name: 't' },
          managementPolicy: 'Manage',
          deletionPolicy: 'Retain',
          recreatePolicy: 'Never',
          macs: [],
          ...rest,
        },
      } as KubeObject),
    async start() {
      if (!stores) {
        stores = [
          createStore<Resource>({ ...common, type }),
          createStore<TenantResource>({ ...common, type: typeOf(tenantKind) }),
        ];
        for (const one of stores) one.start();
      }
      life = { over: false };
      term = createTerm({
        settings: {
          ownerID: 'prod',
          holder: 'pod-1',
          shard: { index: 0, count: 1 },
          settleWindow: 900_000,
          absenceInterval: 60_000,
          motionInterval: 15_000,
          staleAfter: 300_000,
          secretInterval: 300_000,
          ...options.settings,
        },
        kube: mortal(life),
        ports: {} as RemotePorts,
        clock,
        random: options.random ?? steady,
        log,
        kinds: [kind],
        tenantKinds: [tenantKind],
        stores: new Map([[kind.names.kind, stores[0]]]),
        tenantStores: new Map([['ToyTenant', stores[1]]]),
        event: (regarding, event) => void events.push({ ...event, of: regarding.metadata.name }),
        fence: () => {},
        workers: 4,
        hooks: { reconciled: (name) => void (passes += Number(name === kind.names.kind)) },
      });
      void term.start();
      await flush();
    },
    term: () => term!,
    /** How often a resource of the kind was looked at. */
    passes: () => passes,
    /** The process dies in the middle of what it does, and another one takes over. */
    async crash() {
      life.over = true;
      void term!.stop({ drain: false });
      await flush();
      await self.start();
    },
    /** A new process: nothing is remembered but what Kubernetes and the remote hold. */
    async restart() {
      await term!.stop({ drain: true });
      await flush();
      await self.start();
    },
    /** Lets `seconds` pass, second by second. */
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second += 1) {
        await flush();
        clock.advance(1000);
      }
      await flush();
    },
    get: (name: string) => kube.get<Resource>(type, key(name)),
    getTenant: (name = 't') => kube.get<TenantResource>(typeOf(tenantKind), key(name)),
    patch: (name: string, patch: object) => kube.mergePatch(type, key(name), patch as never),
    patchTenant: (name: string, patch: object) => kube.mergePatch(typeOf(tenantKind), key(name), patch as never),
    delete: (name: string) => kube.delete(type, key(name)),
    async ready(name: string) {
      return findCondition((await self.get(name))?.status?.conditions, 'Ready');
    },
    async end() {
      await term?.stop({ drain: true });
      await Promise.all((stores ?? []).map((store) => store.stop()));
    },
  };
  return self;
}
