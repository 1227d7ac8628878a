import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, sleep } from '../../src/base/clock.ts';
import { type Random, systemRandom } from '../../src/base/random.ts';
import { findCondition } from '../../src/engine/conditions.ts';
import { typeOf } from '../../src/engine/kind.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { chosenID, type Owner, ownerText } from '../../src/engine/owner.ts';
import type { TenantResource } from '../../src/engine/tenant.ts';
import { createTerm, type Term } from '../../src/engine/term.ts';
import { createStore } from '../../src/kube/store.ts';
import { KubeError, type KubeObject } from '../../src/kube/types.ts';
import type { RemotePorts } from '../../src/remote/ports.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createManualClock } from '../support/clock.ts';
import { createFakeKube, type FakeKube } from '../support/kube-fake.ts';
import { createToyRemote, type Mishap, type Thing, toyNode, type ToyRemote, toyTenant } from '../support/toy-kind.ts';

const steady: Random = { ...systemRandom, next: () => 0.5 };
const secrets = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const owner: Owner = { ownerID: 'prod', namespace: 'shop', name: 'web' };
const key = { namespace: 'shop', name: 'web' };
const type = typeOf(toyNode);
const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

/** Each list takes five seconds, and shows what was there when it began. */
function slowLists(remote: ToyRemote, clock: Clock): void {
  const { list } = remote;
  remote.list = async (name) => {
    const answer = await list(name);
    await sleep(clock, 5000);
    return answer;
  };
}

interface Wishes {
  macs?: string[];
  deletionPolicy?: 'Delete' | 'Retain';
  /** Before the engine starts. */
  prepare?: (remote: ToyRemote, clock: Clock) => void;
  /** Of the engine's writes to Kubernetes. */
  intercept?: FakeKube['intercept'];
}

/** The engine with the toy, in one process, on time that moves only when the test says so. */
async function world({ macs = ['aa', 'bb'], deletionPolicy = 'Delete', prepare = () => {}, intercept }: Wishes = {}) {
  const clock = createManualClock({ tick: 0.001 });
  const kube = createFakeKube(clock);
  const remote = createToyRemote();
  prepare(remote, clock);
  const tenantKind = toyTenant(remote);
  const log = createLog({ level: 'silent' });
  const common = { api: kube, namespaces: [], clock, random: steady, log };
  const store = createStore<Resource>({ ...common, type });
  const tenantStore = createStore<TenantResource>({ ...common, type: typeOf(tenantKind) });
  for (const one of [store, tenantStore]) one.start();
  let term: Term | undefined;

  const flush = async () => {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const make = (kind: string, metadata: KubeObject['metadata'], rest: object) =>
    ({
      apiVersion: 'toy.freehold.dev/v1alpha1',
      kind,
      metadata: { namespace: 'shop', ...metadata },
      ...rest,
    }) as KubeObject;
  await kube.create(secrets, {
    ...make('Secret', { name: 'credentials' }, { type: 'freehold.dev/credentials', stringData: { key: 'k' } }),
    apiVersion: 'v1',
  });
  const tenantSpec = {
    credentialsSecretRef: { name: 'credentials' },
    pollInterval: 60,
    limits: { requestsPerSecond: 5, burst: 20 },
  };
  await kube.create(typeOf(tenantKind), make('ToyTenant', { name: 't' }, { spec: tenantSpec }));
  const spec = { tenantRef: { name: 't' }, managementPolicy: 'Manage', deletionPolicy, recreatePolicy: 'Never', macs };
  await kube.create(type, make('ToyNode', { name: 'web' }, { spec }));
  kube.writes = [];
  kube.intercept = intercept;

  const self = {
    kube,
    remote,
    spec,
    async start() {
      term = createTerm({
        settings: {
          ownerID: owner.ownerID,
          holder: 'pod-1',
          shard: { index: 0, count: 1 },
          settleWindow: 900_000,
          absenceInterval: 60_000,
          motionInterval: 15_000,
          staleAfter: 300_000,
          secretInterval: 300_000,
        },
        kube,
        ports: {} as RemotePorts,
        clock,
        random: steady,
        log,
        kinds: [toyNode],
        tenantKinds: [tenantKind],
        stores: new Map([['ToyNode', store]]),
        tenantStores: new Map([['ToyTenant', tenantStore]]),
        event: () => {},
        fence: () => {},
        workers: 4,
      });
      void term.start();
      await flush();
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
    get: () => kube.get<Resource>(type, key),
    async ready() {
      return findCondition((await self.get())?.status?.conditions, 'Ready');
    },
    posts: () => remote.calls.filter((call) => call.startsWith('POST')),
    own: (collection: 'nodes' | 'groups' | 'ports') => [...remote.held[collection].values()].map(({ extra }) => extra),
  };
  running.push(async () => {
    await term?.stop({ drain: true });
    await Promise.all([store.stop(), tenantStore.stop()]);
  });
  await self.start();
  return self;
}

const inOrder = ['POST nodes', 'POST groups', 'POST ports aa', 'POST ports bb'];

describe('a kind of one main object and parts', () => {
  test('is made one after the other, each once, and is Ready when all are there', async () => {
    const { remote, posts, own, pass, ready, get } = await world();
    await pass(60);
    expect(await ready()).toMatchObject({ status: 'True', reason: 'Ready' });
    expect(posts()).toEqual(inOrder);
    expect((await get())!.status).toMatchObject({ externalID: chosenID(owner), power: 'on' });
    const text = ownerText(owner);
    expect([own('nodes'), own('groups'), own('ports')]).toEqual([
      [text],
      [`${text}#group#`],
      [`${text}#port#aa`, `${text}#port#bb`],
    ]);
    expect([...remote.held.ports.keys()]).toEqual(['aa', 'bb'].map((mac) => chosenID(owner, 'port', mac)));
  });

  test('writes nothing more once nothing changes, and lists at the pace of the tenant', async () => {
    const { kube, remote, pass } = await world();
    await pass(120);
    kube.writes = [];
    const { lists } = remote;
    await pass(600);
    expect(kube.writes).toEqual([]);
    expect(remote.lists - lists).toBeLessThanOrEqual(3 * 11);
    expect(remote.calls).toEqual(inOrder);
  });

  test.each([false, true])(
    'is found again after a restart, also where the remote ignored our IDs: %s',
    async (ignoring) => {
      const prepare = (remote: ToyRemote) => void (remote.ignoresIDs = ignoring);
      const { kube, pass, restart, ready, posts } = await world({ prepare });
      await pass(60);
      for (let time = 0; time < 3; time += 1) {
        await restart();
        kube.writes = [];
        await pass(120);
        expect(kube.writes).toEqual([]);
      }
      expect(posts()).toEqual(inOrder);
      expect(await ready()).toMatchObject({ status: 'True' });
    },
  );

  test('is found again by a cluster that was rebuilt from Git', async () => {
    const before = await world();
    await before.pass(60);
    const after = await world({ prepare: ({ held }) => void Object.assign(held, before.remote.held) });
    await after.pass(60);
    expect(after.remote.calls).toEqual([]);
    expect(await after.ready()).toMatchObject({ status: 'True' });
  });

  describe.each([false, true])('where the remote ignores our IDs: %s', (ignoring) => {
    for (const [place, call] of inOrder.entries()) {
      test.each<Mishap>(['lost-after', 'lost-before'])(
        `the lost answer of ${call} (%s) makes nothing twice`,
        async (mishap) => {
          const prepare = (remote: ToyRemote, clock: Clock) => {
            slowLists(remote, clock);
            remote.ignoresIDs = ignoring;
            remote.mishaps = [...Array.from<undefined>({ length: place }), mishap] as Mishap[];
          };
          const { pass, ready, own, posts } = await world({ prepare });
          // Nothing was yet seen to keep our IDs: the first create is not repeated before its settle window has passed.
          await pass(place === 0 && mishap === 'lost-before' ? 1200 : 300);
          expect(await ready()).toMatchObject({ status: 'True' });
          expect([own('nodes').length, own('groups').length, own('ports').length]).toEqual([1, 1, 2]);
          const twice = mishap === 'lost-before' ? [call] : [];
          expect(posts().sort()).toEqual([...inOrder, ...twice].sort());
        },
      );
    }

    test.each([0, 1, 2, 3])('a restart right after call %i makes nothing twice', async (place) => {
      const prepare = (remote: ToyRemote) => void (remote.ignoresIDs = ignoring);
      const { pass, restart, ready, posts } = await world({ prepare });
      for (let second = 0; second < 120 && posts().length <= place; second += 1) await pass(1);
      await restart();
      await pass(120);
      expect(await ready()).toMatchObject({ status: 'True' });
      expect(posts()).toEqual(inOrder);
    });
  });

  test.each([false, true])(
    'a record that fails right after the create makes nothing twice (IDs ignored: %s)',
    async (ignoring) => {
      let failures = 1;
      const { remote, pass, posts, ready, get } = await world({
        prepare: (remote) => void (remote.ignoresIDs = ignoring),
        intercept(write) {
          if (!JSON.stringify(write.body).includes('externalID') || failures === 0) return;
          failures -= 1;
          throw new KubeError(409, 'Conflict', 'changed meanwhile');
        },
      });
      await pass(180);
      expect(failures).toBe(0);
      expect(posts()).toEqual(inOrder);
      expect(await ready()).toMatchObject({ status: 'True' });
      expect((await get())!.status!.externalID).toBe([...remote.held.nodes.keys()][0]);
    },
  );

  test.each(['nodes', 'groups', 'ports'] as const)(
    'a list of %s that lags behind makes nothing twice',
    async (name) => {
      const { remote, pass, own, ready } = await world({ prepare: (remote) => void remote.laggingLists.add(name) });
      await pass(300);
      remote.laggingLists.clear();
      await pass(600);
      expect([own('nodes').length, own('groups').length, own('ports').length]).toEqual([1, 1, 2]);
      expect(await ready()).toMatchObject({ status: 'True' });
    },
  );

  test('a part that the remote refuses stalls with its words, and is not sent again before somebody changes the spec', async () => {
    const { kube, pass, posts, ready, get } = await world({
      prepare: (remote) => void (remote.mishaps = [...Array.from<undefined>({ length: 2 }), 'refused'] as Mishap[]),
    });
    await pass(600);
    expect(posts()).toEqual(inOrder.slice(0, 3));
    expect(await ready()).toMatchObject({ reason: 'InvalidSpec', message: expect.stringContaining('port') });
    expect(findCondition((await get())!.status!.conditions, 'Stalled')).toMatchObject({ status: 'True' });
    await kube.mergePatch(type, key, { spec: { macs: ['cc'] } });
    await pass(60);
    expect(posts()).toEqual([...inOrder.slice(0, 3), 'POST ports cc']);
    expect(await ready()).toMatchObject({ status: 'True' });
  });

  test('a part whose list fails is not made again', async () => {
    const { remote, pass, ready, posts } = await world();
    await pass(60);
    const list = remote.list;
    remote.list = async (name) => {
      if (name === 'ports') throw new Error('broken');
      return list(name);
    };
    await pass(600);
    expect(posts()).toEqual(inOrder);
    expect(await ready()).toMatchObject({ status: 'False', reason: 'BadAnswer' });
    remote.list = list;
    await pass(120);
    expect(await ready()).toMatchObject({ status: 'True' });
    expect(posts()).toEqual(inOrder);
  });

  test('a part that somebody removed is made again, and is missed with the next list', async () => {
    const { remote, pass, ready, posts } = await world();
    await pass(60);
    remote.held.ports.delete(chosenID(owner, 'port', 'bb'));
    await pass(120);
    expect(posts()).toEqual([...inOrder, 'POST ports bb']);
    expect(await ready()).toMatchObject({ status: 'True' });
  });

  test('parts of ours are not shown as unclaimed, those of others are', async () => {
    const { remote, kube, pass } = await world();
    const stranger: Thing = { id: 'stranger', extra: 'else' };
    remote.held.ports.set(stranger.id, stranger);
    await pass(180);
    const tenant = await kube.get<TenantResource>(typeOf(toyTenant(remote)), { namespace: 'shop', name: 't' });
    expect(tenant!.status!['unclaimed']).toEqual([{ type: 'ports', id: 'stranger' }]);
  });

  test('a port of the same address under another owner is left alone', async () => {
    const { remote, pass, own } = await world({ macs: ['aa'] });
    const theirs: Owner = { ...owner, name: 'other' };
    const id = chosenID(theirs, 'port', 'aa');
    remote.held.ports.set(id, { id, extra: `${ownerText(theirs)}#port#aa` });
    await pass(60);
    expect(own('ports')).toEqual([`${ownerText(theirs)}#port#aa`, `${ownerText(owner)}#port#aa`]);
  });
});

describe('two resources that name one object', () => {
  test('the younger is told who has it, and gets it when that one goes', async () => {
    const { kube, remote, pass, spec } = await world({ macs: [], deletionPolicy: 'Retain' });
    await pass(30);
    const id = chosenID(owner);
    const rival = { namespace: 'shop', name: 'rival' };
    await kube.create(type, {
      apiVersion: 'toy.freehold.dev/v1alpha1',
      kind: 'ToyNode',
      metadata: { ...rival, annotations: { 'freehold.dev/take-over': ownerText(owner) } },
      spec: { ...spec, externalID: id },
    } as KubeObject);
    await pass(30);
    const readyOf = async () => findCondition((await kube.get<Resource>(type, rival))!.status?.conditions, 'Ready');
    expect(await readyOf()).toMatchObject({ reason: 'AlreadyClaimed', message: expect.stringContaining('shop/web') });
    await kube.delete(type, key);
    await pass(3);
    expect((await kube.get<Resource>(type, rival))!.status!.externalID).toBe(id);
    await pass(30);
    expect([remote.calls, (await readyOf())!.status]).toEqual([['POST nodes', 'POST groups', 'POST groups'], 'True']);
  });
});

describe('its deletion', () => {
  const away = ['DELETE ports bb', 'DELETE ports aa', 'DELETE groups', 'DELETE nodes'];
  const deletes = (calls: string[]) => calls.filter((call) => call.startsWith('DELETE'));

  test('removes the parts before the main object, each by one call, and ends when all is proved gone', async () => {
    const { remote, kube, pass, get } = await world();
    await pass(60);
    await kube.delete(type, key);
    // Far less than a minute a part: nothing waits for what was not asked.
    await pass(40);
    expect(deletes(remote.calls)).toEqual(away);
    await pass(200);
    expect(await get()).toBeUndefined();
    expect(remote.held).toEqual({ nodes: new Map(), groups: new Map(), ports: new Map() });
    expect(deletes(remote.calls)).toEqual(away);
  });

  test('says which part is being removed', async () => {
    const { remote, kube, pass, ready } = await world();
    await pass(60);
    await kube.delete(type, key);
    for (let second = 0; second < 20 && deletes(remote.calls).length === 0; second += 1) await pass(1);
    expect((await ready())!.message).toContain('port');
  });

  test.each<Mishap>(['lost-after', 'lost-before', 'busy'])('ends also when an answer is %s', async (mishap) => {
    const { remote, kube, pass, get } = await world({ prepare: slowLists });
    await pass(180);
    remote.mishaps = [mishap];
    await kube.delete(type, key);
    await pass(600);
    expect(await get()).toBeUndefined();
    expect([...remote.held.ports, ...remote.held.groups, ...remote.held.nodes]).toEqual([]);
    expect(deletes(remote.calls)).toEqual([...(mishap === 'lost-after' ? [] : [away[0]!]), ...away]);
  });

  test('goes on after a restart in the middle of it', async () => {
    const { remote, kube, pass, restart, get } = await world();
    await pass(60);
    await kube.delete(type, key);
    for (let second = 0; second < 60 && deletes(remote.calls).length < 2; second += 1) await pass(1);
    await restart();
    await pass(400);
    expect(await get()).toBeUndefined();
    expect(deletes(remote.calls)).toEqual(away);
  });

  test('under Retain removes nothing, and the same manifest finds all of it again', async () => {
    const { remote, kube, pass, get } = await world({ deletionPolicy: 'Retain' });
    await pass(60);
    const { spec } = (await get())!;
    await kube.delete(type, key);
    await pass(5);
    expect(await get()).toBeUndefined();
    await kube.create(type, {
      apiVersion: 'toy.freehold.dev/v1alpha1',
      kind: 'ToyNode',
      metadata: key,
      spec,
    });
    await pass(120);
    expect(remote.calls).toEqual(inOrder);
    expect((await get())!.status).toMatchObject({ externalID: chosenID(owner) });
  });
});
