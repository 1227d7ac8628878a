import { afterEach, describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { chosenID } from '../../src/engine/owner.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { toyMachine } from '../support/toy-machine.ts';
import { createToyWorld, type ToyWorldOptions } from '../support/toy-world.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
const idOf = (name: string, mac?: string) =>
  chosenID({ ownerID: 'prod', namespace: 'shop', name }, ...(mac === undefined ? [] : (['port', mac] as const)));
const hour = 3600;

/** A remote that has no list of all ports (but for null): they are read by machine, and by themselves each hour. */
async function world(options: ToyWorldOptions = {}, portReads: number | null = hour) {
  const made = await createToyWorld({
    kind: toyMachine,
    tenants: { t: portReads === null ? {} : { portReads } },
    ...options,
  });
  ends.push(() => made.end());
  await made.start();
  const { remote } = made;
  return {
    ...made,
    /** Reads of the ports of a machine since the last time this was asked. */
    readsOf(name = 'web') {
      const found = remote.reads.filter((read) => read === `ports of ${idOf(name)}`).length;
      remote.reads = [];
      return found;
    },
    /** Passes over resources in so many seconds. */
    async passesIn(seconds: number) {
      const before = made.passes();
      await made.pass(seconds);
      return made.passes() - before;
    },
    async status(name = 'web') {
      return (await made.get(name))!.status!;
    },
  };
}
/** Ready, with two ports. */
async function settled(options: ToyWorldOptions = {}, spec: object = {}) {
  const made = await world(options);
  await made.make('web', { macs: ['aa', 'bb'], ...spec });
  await made.pass(90);
  expect(await made.ready('web')).toMatchObject({ status: 'True' });
  expect(made.remote.calls).toEqual(['POST nodes', 'POST ports aa', 'POST ports bb']);
  made.remote.calls = [];
  made.remote.reads = [];
  return made;
}
const request = { metadata: { annotations: { 'freehold.dev/reconcile-requested-at': 'monday' } } };

describe('parts of a remote that has no list of all of them', () => {
  test('are read after each change of them, and not again while nothing is asked', async () => {
    const { remote, make, pass, readsOf, ready, patch } = await world();
    await make('web', { macs: ['aa', 'bb'] });
    await pass(90);
    expect((await ready('web'))!.status).toBe('True');
    // Once at first, and once after each of the two creates.
    expect(readsOf()).toBe(3);
    // Passes with news of the machine itself.
    for (let turn = 0; turn < 5; turn += 1) {
      remote.held.nodes.get(idOf('web'))!.boots = turn;
      await pass(90);
    }
    await patch('web', { spec: { label: 'new' } });
    await pass(120);
    expect([remote.calls.at(-1), readsOf()]).toEqual(['PATCH nodes label', 0]);
    await patch('web', { spec: { macs: ['aa'] } });
    await pass(60);
    expect([remote.calls.at(-1), readsOf()]).toEqual(['DELETE ports bb', 1]);
  });

  test('are made one right after the other: no list is waited for', async () => {
    const { remote, pass, patch } = await settled();
    await patch('web', { spec: { macs: ['aa', 'bb', 'cc', 'dd', 'ee'] } });
    await pass(6);
    expect(remote.calls).toEqual(['POST ports cc', 'POST ports dd', 'POST ports ee']);
  });

  test('are read anew once the tenant says how often, and so often from then on', async () => {
    const { pass, patchTenant, readsOf } = await settled();
    await patchTenant('t', { spec: { portReads: 600 } });
    await pass(60);
    expect(readsOf()).toBe(1);
    await pass(1300);
    expect(readsOf()).toBe(2);
  });

  test('are never listed, and their tenant is well', async () => {
    const { remote, pass, getTenant } = await settled();
    await pass(600);
    expect(remote.listsOf.ports).toBe(0);
    expect(remote.listsOf.nodes).toBeGreaterThan(5);
    expect((await getTenant())!.status!.conditions![0]).toMatchObject({ status: 'True', reason: 'Connected' });
  });

  test('are read once more on request, and after a restart', async () => {
    const { pass, readsOf, patch, status, restart } = await settled();
    await patch('web', request);
    await pass(120);
    expect([readsOf(), (await status()).lastHandledReconcileAt]).toEqual([1, 'monday']);
    await restart();
    await pass(300);
    expect(readsOf()).toBe(1);
  });

  test('are read by themselves in turn, each machine at a time of its own', async () => {
    let seed = 7;
    const random = { ...systemRandom, next: () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647 };
    const { remote, make, pass, readsOf, patch } = await world({ random });
    for (const name of ['web', 'api']) await make(name, { macs: ['aa'] });
    await pass(300);
    readsOf();
    const read: Record<string, number> = {};
    for (let second = 0; second < 1.2 * hour; second += 1) {
      await pass(1);
      for (const name of ['web', 'api']) if (remote.reads.includes(`ports of ${idOf(name)}`)) read[name] ??= second;
    }
    expect(Object.keys(read).sort()).toEqual(['api', 'web']);
    expect(Math.abs(read['web']! - read['api']!)).toBeGreaterThan(10);
    // What somebody removed is found in its turn.
    remote.held.ports.delete(idOf('web', 'aa'));
    await pass(1.2 * hour);
    expect(remote.held.ports.has(idOf('web', 'aa'))).toBe(true);
    readsOf();
    await patch('web', request);
    await pass(60);
    expect(readsOf()).toBe(1);
  });

  test('are not made again where the read of them answers that there is no such machine', async () => {
    const { remote, pass, ready, passesIn, readsOf } = await settled();
    const { portsOf } = remote;
    remote.portsOf = async (main) => {
      await portsOf(main);
      return undefined;
    };
    await pass(1.2 * hour);
    expect((await ready('web'))!.reason).toBe('Confirming');
    readsOf();
    // At the pace of the lists, and no faster.
    expect(await passesIn(600)).toBeLessThan(100);
    expect(readsOf()).toBeLessThan(100);
    expect(remote.calls).toEqual([]);
    remote.portsOf = portsOf;
    await pass(90);
    expect([remote.calls, (await ready('web'))!.status]).toEqual([[], 'True']);
  });

  test('are shown as before, and not made again, while they cannot be read', async () => {
    const { remote, pass, ready, readsOf, status, patch } = await settled();
    const { portsOf } = remote;
    remote.portsOf = async (main) => {
      await portsOf(main);
      throw new RemoteError({ reason: 'ServerError', outcome: 'unknown', operation: 'Toy', message: 'it is ill' });
    };
    await patch('web', request);
    await pass(600);
    expect([remote.calls, (await ready('web'))!.reason]).toEqual([[], 'ServerError']);
    expect(await status()).toMatchObject({ ports: ['aa', 'bb'], power: 'off' });
    // With growing delay.
    expect(readsOf()).toBeLessThan(15);
    remote.portsOf = portsOf;
    await pass(400);
    expect([remote.calls, (await ready('web'))!.status]).toEqual([[], 'True']);
  });

  test.each<[string, (made: Awaited<ReturnType<typeof settled>>) => Promise<unknown> | void]>([
    ['is paused', ({ patch }) => patch('web', { metadata: { annotations: { 'freehold.dev/paused': 'true' } } })],
    ['is missing', ({ remote }) => remote.held.nodes.clear()],
    [
      'cannot be listed',
      ({ remote }) =>
        void (remote.list = async () => {
          throw new RemoteError({ reason: 'Unreachable', outcome: 'unknown', operation: 'Toy', message: 'it is away' });
        }),
    ],
    ['has a tenant that lists all by now', ({ patchTenant }) => patchTenant('t', { spec: { portReads: null } })],
  ])('that are due make nobody busy while their machine %s', async (_state, happens) => {
    const made = await settled();
    await happens(made);
    await made.pass(1.2 * hour);
    made.readsOf();
    expect(await made.passesIn(600)).toBeLessThan(100);
    expect([made.readsOf(), made.remote.calls]).toEqual([0, []]);
  });

  test('are read when their machine is well again', async () => {
    const { pass, patch, readsOf } = await settled();
    await patch('web', { metadata: { annotations: { 'freehold.dev/paused': 'true' } } });
    await pass(1.2 * hour);
    expect(readsOf()).toBe(0);
    await patch('web', { metadata: { annotations: { 'freehold.dev/paused': null } } });
    await pass(60);
    expect(readsOf()).toBe(1);
  });

  test('are read no more once the tenant says that there is a list of all, and the other way round', async () => {
    const { remote, pass, patchTenant, readsOf, ready, getTenant } = await settled();
    await patchTenant('t', { spec: { portReads: null } });
    await pass(120);
    expect([remote.listsOf.ports > 0, readsOf(), (await ready('web'))!.status]).toEqual([true, 0, 'True']);
    remote.held.ports.delete(idOf('web', 'bb'));
    await pass(120);
    expect(remote.calls).toEqual(['POST ports bb']);
    await patchTenant('t', { spec: { portReads: hour } });
    await pass(120);
    const { ports } = remote.listsOf;
    expect(readsOf()).toBe(1);
    await pass(600);
    expect([remote.listsOf.ports, readsOf(), (await ready('web'))!.status]).toEqual([ports, 0, 'True']);
    expect((await getTenant())!.status!.conditions![0]!.reason).toBe('Connected');
  });
});

describe.each([null, hour])('parts that belong to a machine (read each %s s)', (portReads) => {
  const one = async (macs: string[]) => {
    const made = await world({}, portReads);
    await made.make('web', {});
    await made.pass(60);
    made.remote.calls = [];
    return { ...made, wish: () => made.patch('web', { spec: { macs } }), main: idOf('web') };
  };

  test('and that somebody else made there under a wanted address are used, and nothing is made', async () => {
    const { remote, wish, main, pass, ready, status } = await one(['aa']);
    remote.held.ports.set('by-hand', { id: 'by-hand', extra: '', main, mac: 'aa' });
    await pass(70);
    // Where there is no list of all, the refusal of the create tells that there is one.
    if (portReads !== null) remote.mishaps = ['busy'];
    await wish();
    await pass(120);
    expect(remote.calls).toEqual(portReads === null ? [] : ['POST ports aa']);
    expect([[...remote.held.ports.keys()], (await status())['ports'], (await ready('web'))!.status]).toEqual([
      ['by-hand'],
      ['aa'],
      'True',
    ]);
  });

  test('are not those of the same address on another machine', async () => {
    const { remote, wish, pass, ready } = await one(['aa']);
    remote.held.ports.set('theirs', { id: 'theirs', extra: '', main: 'else', mac: 'aa' });
    await wish();
    await pass(120);
    expect([remote.calls, (await ready('web'))!.status]).toEqual([['POST ports aa'], 'True']);
    expect(remote.held.ports.get(idOf('web', 'aa'))).toMatchObject({ main: idOf('web') });
  });

  test('with our very ID on another machine are not ours to use: the create is refused, and a person is told', async () => {
    const { remote, wish, pass, ready, status } = await one(['aa']);
    const id = idOf('web', 'aa');
    remote.held.ports.set(id, { id, extra: 'prod/shop/web#port#aa', main: 'else', mac: 'aa' });
    await wish();
    await pass(300);
    expect([remote.calls, (await ready('web'))!.reason]).toEqual([['POST ports aa', 'POST ports aa'], 'NameTaken']);
    expect((await status())['ports']).toEqual([]);
  });

  test('are removed when the spec names them no more and we made them, and left alone when somebody else did', async () => {
    const { remote, wish, main, pass, ready, patch, status } = await one(['aa', 'bb']);
    await wish();
    await pass(90);
    remote.held.ports.set('by-hand', { id: 'by-hand', extra: '', main, mac: 'cc' });
    remote.held.ports.set('named', { id: 'named', extra: 'prod/shop/other#port#dd', main, mac: 'dd' });
    await patch('web', { ...request, spec: { macs: ['aa'] } });
    await pass(300);
    expect(remote.calls).toEqual(['POST ports aa', 'POST ports bb', 'DELETE ports bb']);
    expect([(await status())['ports'], (await ready('web'))!.status]).toEqual([['aa'], 'True']);
    expect([...remote.held.ports.keys()].sort()).toEqual([idOf('web', 'aa'), 'by-hand', 'named'].sort());
  });

  test.each(['ignoresIDs', 'ignoresExtra'] as const)('are ours to remove also where the remote %s', async (habit) => {
    const { remote, wish, pass, patch } = await one(['aa', 'bb']);
    remote[habit] = true;
    await wish();
    await pass(90);
    await patch('web', { spec: { macs: ['bb'] } });
    await pass(120);
    expect(remote.calls).toEqual(['POST ports aa', 'POST ports bb', expect.stringContaining('DELETE ports')]);
    expect([...remote.held.ports.values()].map(({ mac }) => mac)).toEqual(['bb']);
  });

  test('go with their machine: those that we made, one by one', async () => {
    const { remote, wish, pass, patch, get, delete: remove } = await one(['aa', 'bb']);
    await wish();
    await pass(90);
    await patch('web', { spec: { deletionPolicy: 'Delete' } });
    await remove('web');
    await pass(600);
    expect(await get('web')).toBeUndefined();
    expect(remote.calls.slice(2)).toEqual(['DELETE ports aa', 'DELETE ports bb', 'DELETE nodes']);
  });
});
