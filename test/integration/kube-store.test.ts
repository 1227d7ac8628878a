import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { kubeConnection } from '../../src/kube/config.ts';
import type { Interruption } from '../../src/kube/reflector.ts';
import { createStore, type Store, type StoreOptions } from '../../src/kube/store.ts';
import type { Log } from '../../src/telemetry/log.ts';
import type { KubeObject, ResourceType } from '../../src/kube/types.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { type ControlPlane, startControlPlane } from '../support/controlplane.ts';
import { type Proxy, startProxy } from '../support/proxy.ts';
import { until } from '../support/wait.ts';
import { makeNamespace, makeWidgets, type Widget } from '../support/widget.ts';

/** Of our own, since these tests kill it. */
let plane: ControlPlane;
let proxy: Proxy;
let clock: TestClock;
/** Straight to the API server: what other people do. */
let direct: KubeClient;
/** Through the proxy: what the store sees. */
let client: KubeClient;
let widgets: ResourceType;
let namespace: string;
let store: Store<Widget> | undefined;
let told: string[];
let interruptions: Interruption[];

beforeAll(async () => {
  plane = await startControlPlane();
  proxy = await startProxy(new URL(plane.url));
  clock = createTestClock();
  const connection = kubeConnection({ kubeconfig: plane.kubeconfig, clock });
  direct = createKubeClient({ connection, clock });
  client = createKubeClient({ connection: { ...connection, server: new URL(proxy.url) }, clock });
  widgets = await makeWidgets(direct);
});

afterEach(async () => {
  proxy.blackhole(false);
  proxy.refuse(false);
  await store?.stop();
});

afterAll(async () => {
  await client?.close();
  await direct?.close();
  await proxy?.close();
  await plane?.stop();
});

async function started(options: Partial<StoreOptions<Widget>> = {}): Promise<Store<Widget>> {
  namespace = await makeNamespace(direct);
  told = [];
  interruptions = [];
  const onInterruption = (why: Interruption) => void interruptions.push(why);
  const common = { api: client, type: widgets, clock, random: systemRandom, onInterruption };
  const made = createStore<Widget>({ ...common, namespaces: [namespace], ...options });
  made.onChange(({ type, object }) => void told.push(`${type} ${object.metadata.name} ${object.spec.size}`));
  made.start();
  await made.whenSynced();
  store = made;
  return made;
}

function create(name: string, size: number): Promise<Widget> {
  const metadata = { name, namespace };
  return direct.create<Widget>(widgets, {
    apiVersion: 'test.freehold.dev/v1',
    kind: 'Widget',
    metadata,
    spec: { size },
  });
}

const resize = (name: string, size: number) =>
  direct.mergePatch<Widget>(widgets, { namespace, name }, { spec: { size } });
const remove = (name: string) => direct.delete(widgets, { namespace, name });

describe('a store on a real API server', () => {
  test('follows what others do, and an object made again under its name is another one', async () => {
    const { get } = await started();
    await create('a', 1);
    await resize('a', 2);
    await until('the change is seen', () => told.length === 2);
    const before = get(`${namespace}/a`)?.metadata.uid;
    await remove('a');
    await create('a', 3);
    await until('all is seen', () => told.length === 4);
    expect(told).toEqual(['added a 1', 'updated a 2', 'deleted a 2', 'added a 3']);
    expect(get(`${namespace}/a`)?.metadata.uid).not.toBe(before);
  });

  test('sees its own write at once, and not a second time', async () => {
    const { get, observe } = await started();
    await create('own', 1);
    await until('it is seen', () => told.length === 1);
    observe(await resize('own', 2));
    expect(get(`${namespace}/own`)?.spec.size).toBe(2);
    await resize('own', 3);
    await until('the next is seen', () => told.includes('updated own 3'));
    expect(told).toEqual(['added own 1', 'updated own 2', 'updated own 3']);
  });

  test('loses no change over connections that are reset again and again', async () => {
    const { list } = await started();
    await create('r', 0);
    for (let size = 1; size <= 60; size++) {
      await resize('r', size);
      if (size % 10 === 0) {
        proxy.reset();
        clock.advance(1_000);
      }
    }
    await until('the last change is seen', () => {
      clock.advance(100);
      return told.includes('updated r 60');
    });
    expect(told).toEqual(['added r 0', ...Array.from({ length: 60 }, (_, index) => `updated r ${index + 1}`)]);
    expect(list()).toHaveLength(1);
    expect(interruptions.filter((why) => why === 'error').length).toBeGreaterThan(0);
  });

  test('finds out by its watchdog that a connection is dead, and catches up', async () => {
    await started();
    await create('s', 1);
    await until('it is seen', () => told.length === 1);
    proxy.blackhole(true);
    await create('t', 2);
    clock.advance(100_000);
    expect(interruptions).toEqual([]);
    clock.advance(50_000);
    await until('the watchdog barked', () => interruptions.length > 0);
    expect(interruptions[0]).toBe('silent');
    proxy.blackhole(false);
    proxy.reset();
    await until('the rest is seen', () => {
      clock.advance(1_000);
      return told.length === 2;
    });
    expect(told).toEqual(['added s 1', 'added t 2']);
  });

  test('passes the barrier of a takeover though its watch hangs', async () => {
    const { relist, list } = await started();
    await create('held', 1);
    await until('it is seen', () => told.length === 1);
    proxy.blackhole(true);
    await create('missed', 2);
    const barrier = relist();
    // New connections work again; what hung stays dead.
    proxy.reset();
    proxy.blackhole(false);
    await until('the barrier is passed', async () => {
      clock.advance(1_000);
      return Promise.race([barrier.then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, 5, false))]);
    });
    expect(
      list()
        .map((one) => one.metadata.name)
        .sort(),
    ).toEqual(['held', 'missed']);
  });

  test('survives an API server that is killed and comes back, with what happened meanwhile', async () => {
    const { relist } = await started();
    await create('k', 1);
    await create('gone', 1);
    await until('both are seen', () => told.length === 2);
    proxy.refuse(true);
    proxy.reset();
    await resize('k', 2);
    await remove('gone');
    await plane.kill();
    proxy.refuse(false);
    await until('it is noticed', () => interruptions.length > 0);
    await plane.restart();
    await until(
      'all is seen',
      () => {
        clock.advance(500);
        return told.length === 4;
      },
      30_000,
    );
    expect(told.slice(2).sort()).toEqual(['deleted gone 1', 'updated k 2']);
    // A fresh API server knows no history: it answers 410 to a watch from before its start.
    expect(interruptions).toContain('expired');
    await create('after', 5);
    await until('the watch goes on', () => told.includes('added after 5'));
    await relist();
    expect(told).toHaveLength(5);
  });

  test('with many objects holds all of them, in pages', async () => {
    namespace = await makeNamespace(direct);
    const names = Array.from({ length: 1_203 }, (_, index) => `many-${index}`);
    for (let start = 0; start < names.length; start += 50) {
      await Promise.all(names.slice(start, start + 50).map((name) => create(name, 1)));
    }
    const crowded = namespace;
    const made = await started({ namespaces: [crowded] });
    expect(made.size).toBe(names.length);
    expect(new Set(made.list().map((one) => one.metadata.name))).toEqual(new Set(names));
  });

  test('of a namespace that it may not read goes on with the others', async () => {
    namespace = await makeNamespace(direct);
    const allowed = namespace;
    const forbidden = await makeNamespace(direct);
    await create('seen', 1);
    const reader = await readerOf(allowed);
    const line = (fields: { namespace?: string; err?: Error }) =>
      void logged.push(`${fields.namespace} ${fields.err?.message}`);
    const logged: string[] = [];
    const log = { debug: line, info: line, warn: line, error: line } as unknown as Log;
    store = createStore<Widget>({
      ...{ api: reader, type: widgets, clock, random: systemRandom, log },
      namespaces: [forbidden, allowed],
    });
    store.start();
    await until('both are settled', () => {
      clock.advance(1_000);
      return store?.synced === true;
    });
    expect(store.list().map((one) => one.metadata.name)).toEqual(['seen']);
    expect(logged.every((text) => text.startsWith(forbidden) && text.includes('403 Forbidden'))).toBe(true);
    expect(logged.length).toBeGreaterThan(4);
    await create('more', 2);
    await until('the watch goes on', () => store?.size === 2);
    await store.stop();
    await reader.close();
  });
});

/** Acts as a user who may only read the widgets of one namespace. */
async function readerOf(readable: string): Promise<KubeClient> {
  const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' };
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name: 'reader', namespace: readable };
  const rules = [{ apiGroups: [widgets.group], resources: ['widgets'], verbs: ['list', 'watch'] }];
  await direct.create({ ...rbac, plural: 'roles', kind: 'Role' }, {
    ...{ apiVersion, kind: 'Role', metadata },
    rules,
  } as KubeObject);
  const binding = {
    ...{ apiVersion, kind: 'RoleBinding', metadata },
    subjects: [{ kind: 'User', name: 'limited', apiGroup: rbac.group }],
    roleRef: { kind: 'Role', name: 'reader', apiGroup: rbac.group },
  };
  await direct.create({ ...rbac, plural: 'rolebindings', kind: 'RoleBinding' }, binding);
  const connection = kubeConnection({ kubeconfig: plane.kubeconfig, clock });
  const credentials: typeof connection.credentials = async (rejected) => {
    const { headers, tls } = await connection.credentials(rejected);
    return { headers: { ...headers, 'impersonate-user': 'limited' }, tls };
  };
  return createKubeClient({ connection: { ...connection, credentials }, clock });
}
