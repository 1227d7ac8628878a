import { describe, expect, test } from 'vitest';
import { idOf, machineWorld } from '../support/machine-world.ts';
import type { Mishap } from '../support/toy-kind.ts';
import type { ToyWorldOptions } from '../support/toy-world.ts';

const world = async (options: ToyWorldOptions = {}) => {
  const made = await machineWorld(options);
  await made.start();
  return {
    ...made,
    posts: () => made.remote.calls.filter((call) => call.startsWith('POST')).length,
    reasonOf: async (name: string) => (await made.ready(name))!.reason,
    tenantReason: async () => (await made.getTenant())!.status!.conditions![0]!.reason,
  };
};
/** One machine is recorded, and was seen to have kept its ID. */
const proved = async (options: ToyWorldOptions = {}) => {
  const made = await world(options);
  await made.make('first');
  await made.pass(60);
  expect((await made.ready('first'))!.status).toBe('True');
  made.remote.calls = [];
  return made;
};

describe('the first create of a remote that was not yet seen to keep our IDs', () => {
  test('is written down before it is sent', async () => {
    const { kube, remote, make, pass, get } = await world();
    const order: string[] = [];
    kube.intercept = ({ body }) => {
      const { creation } = (body['status'] ?? {}) as { creation?: { sentAt?: string } };
      if (creation?.sentAt) order.push(`written, ${remote.calls.length} sent`);
    };
    await make('web');
    await pass(30);
    expect([order, remote.calls]).toEqual([['written, 0 sent'], ['POST nodes']]);
    expect((await get('web'))!.status!.creation).toMatchObject({ outcome: 'Created' });
  });

  test.each<Mishap>(['lost-before', 'hangs-before'])(
    'is sent again only after the settle window where its answer is not known (%s), with the same ID',
    async (mishap) => {
      const { remote, make, pass, crash, posts, reasonOf, ready } = await world();
      remote.mishaps = [mishap];
      await make('web');
      await pass(5);
      if (mishap === 'hangs-before') await crash();
      await pass(840);
      expect([posts(), await reasonOf('web')]).toEqual([1, 'CreateOutcomeUnknown']);
      await pass(180);
      expect([posts(), (await ready('web'))!.status]).toEqual([2, 'True']);
      expect([...remote.held.nodes.keys()]).toEqual([idOf('web')]);
    },
  );

  test.each<Mishap>(['lost-after', 'hangs-after'])('is found where it was done all the same (%s)', async (mishap) => {
    const { remote, make, pass, crash, posts, get, ready } = await world();
    remote.mishaps = [mishap];
    await make('web');
    await pass(5);
    if (mishap === 'hangs-after') await crash();
    await pass(60);
    expect([posts(), (await ready('web'))!.status]).toEqual([1, 'True']);
    expect((await get('web'))!.status).toMatchObject({ externalID: idOf('web'), creation: { outcome: 'Found' } });
  });

  test('that was done late is found within the window, under an ID of the remote’s too', async () => {
    const { remote, make, pass, posts, get } = await world();
    remote.ignoresIDs = true;
    remote.mishaps = ['lost-late'];
    await make('web');
    await pass(300);
    remote.commit();
    await pass(90);
    expect([posts(), (await get('web'))!.status!.externalID]).toEqual([1, [...remote.held.nodes.keys()][0]]);
  });

  test.each(['Retain', 'Delete'])(
    'holds a deletion until its outcome is known: done late, and %s is obeyed',
    async (deletionPolicy) => {
      const { remote, make, pass, get, events, delete: remove } = await world();
      remote.mishaps = ['lost-late'];
      await make('web', { deletionPolicy });
      await pass(20);
      await remove('web');
      await pass(600);
      expect(await get('web')).toBeDefined();
      remote.commit();
      await pass(400);
      expect(await get('web')).toBeUndefined();
      const gone = deletionPolicy === 'Delete';
      expect(remote.calls).toEqual(['POST nodes', ...(gone ? ['DELETE nodes'] : [])]);
      expect(events.map(({ reason }) => reason)).toContain(gone ? 'Deleted' : 'Retained');
    },
  );

  test('holds a deletion no longer than the window where it made nothing', async () => {
    const { remote, make, pass, get, posts, delete: remove } = await world();
    remote.mishaps = ['lost-before'];
    await make('web', { deletionPolicy: 'Delete' });
    await pass(20);
    await remove('web');
    await pass(840);
    expect(await get('web')).toBeDefined();
    await pass(180);
    expect([await get('web'), posts()]).toEqual([undefined, 1]);
  });

  test('is the only one under way until a list shows what it made', async () => {
    const { remote, make, pass, posts, ready, get } = await world();
    remote.laggingLists.add('nodes');
    for (const name of ['one', 'two', 'three']) await make(name);
    await pass(120);
    expect(posts()).toBe(1);
    const names = ['one', 'two', 'three'];
    const states = await Promise.all(names.map(async (name) => (await get(name))!.status));
    const waiting = states.filter((status) => status!.externalID === undefined);
    expect(waiting.map((status) => status!.conditions!.find(({ type }) => type === 'Ready')!.reason)).toEqual([
      'CreationQueued',
      'CreationQueued',
    ]);
    remote.laggingLists.clear();
    await pass(90);
    expect([posts(), ...(await Promise.all(names.map(async (name) => (await ready(name))!.status)))]).toEqual([
      3,
      'True',
      'True',
      'True',
    ]);
  });

  test('is the last one where the remote keeps neither the ID nor what is sent beside it', async () => {
    const { remote, make, pass, posts, reasonOf, restart } = await world();
    remote.ignoresIDs = true;
    remote.ignoresExtra = true;
    await make('web');
    await pass(60);
    await make('other');
    await pass(120);
    expect([posts(), await reasonOf('other')]).toEqual([1, 'MarkerNotKept']);
    await restart();
    await pass(1200);
    expect([posts(), await reasonOf('other')]).toEqual([1, 'MarkerNotKept']);
  });

  test('and whose answer was lost is a question to a person where the remote keeps neither', async () => {
    const { remote, make, pass, posts, reasonOf } = await world();
    remote.ignoresIDs = true;
    remote.ignoresExtra = true;
    remote.mishaps = ['lost-after'];
    await make('web');
    await pass(1200);
    expect([posts(), await reasonOf('web')]).toEqual([1, 'CreateOutcomeAmbiguous']);
  });
});

describe('a create of a remote that was seen to keep our IDs', () => {
  test.each<[Mishap, string, number]>([
    ['lost-before', 'at once', 60],
    // Another process has not seen that IDs are kept: it waits as for the first create.
    ['hangs-before', 'after the settle window', 1200],
  ])('is sent again where its answer is not known (%s: %s), with the same ID', async (mishap, _when, seconds) => {
    const { remote, make, pass, crash, posts, ready } = await proved();
    remote.mishaps = [mishap];
    await make('web');
    await pass(5);
    if (mishap === 'hangs-before') await crash();
    await pass(seconds);
    expect([posts(), (await ready('web'))!.status]).toEqual([2, 'True']);
    expect([...remote.held.nodes.keys()]).toEqual([idOf('first'), idOf('web')]);
  });

  test('makes nothing twice where both are done in the end', async () => {
    const { remote, make, pass, posts, ready } = await proved();
    remote.mishaps = ['lost-late'];
    await make('web');
    await pass(60);
    remote.commit();
    await pass(60);
    expect([posts(), remote.held.nodes.size, (await ready('web'))!.status]).toEqual([2, 2, 'True']);
  });

  test('is sent ever more seldom while no answer comes', async () => {
    const { remote, make, pass, posts, reasonOf, ready } = await proved();
    remote.mishaps = Array<Mishap>(30).fill('lost-before');
    await make('web');
    await pass(600);
    expect([posts(), await reasonOf('web')]).toEqual([7, 'CreateOutcomeUnknown']);
    remote.mishaps = [];
    await pass(320);
    expect([posts(), (await ready('web'))!.status]).toEqual([8, 'True']);
  });

  test('makes nothing twice where the first is done before the second, and no list shows it', async () => {
    const { remote, make, pass, posts, ready, get } = await proved();
    remote.freeze('nodes');
    remote.mishaps = ['lost-after'];
    await make('web');
    await pass(60);
    expect([posts(), remote.held.nodes.size, (await ready('web'))!.status]).toEqual([2, 2, 'True']);
    expect((await get('web'))!.status!.externalID).toBe(idOf('web'));
  });

  test('is not sent again for a resource that is being deleted: what was done late is found', async () => {
    const { remote, make, pass, clock, flush, posts, get, delete: remove } = await proved();
    remote.mishaps = ['lost-late'];
    await make('web', { deletionPolicy: 'Delete' });
    for (let turn = 0; turn < 100 && posts() === 0; turn += 1) {
      clock.advance(1);
      await flush();
    }
    await remove('web');
    await pass(300);
    expect([posts(), (await get('web'))!.metadata.deletionTimestamp]).toEqual([1, expect.any(String)]);
    remote.commit();
    await pass(400);
    expect([await get('web'), posts(), [...remote.held.nodes.keys()]]).toEqual([undefined, 1, [idOf('first')]]);
  });

  describe.each<Mishap>(['busy', 'refused'])('and that is refused when it is sent once more (%s)', (refusal) => {
    const sentTwice = async () => {
      const made = await proved();
      made.remote.mishaps = ['lost-late', refusal];
      await made.make('web', { deletionPolicy: 'Delete' });
      await made.until(() => made.posts() === 2);
      return made;
    };

    test('holds a deletion all the same: what the first one made late is found', async () => {
      const { remote, pass, posts, get, delete: remove } = await sentTwice();
      await remove('web');
      await pass(300);
      expect([posts(), (await get('web'))?.metadata.deletionTimestamp]).toEqual([2, expect.any(String)]);
      remote.commit();
      await pass(400);
      expect([await get('web'), [...remote.held.nodes.keys()]]).toEqual([undefined, [idOf('first')]]);
    });

    test('is found where the first one was done late', async () => {
      const { remote, pass, posts, get, ready } = await sentTwice();
      await pass(60);
      remote.commit();
      await pass(120);
      expect([posts(), (await ready('web'))!.status]).toEqual([2, 'True']);
      expect((await get('web'))!.status).toMatchObject({ externalID: idOf('web'), creation: { outcome: 'Found' } });
    });
  });

  test('is asked for anew by a new spec where it was refused for good when it was sent once more', async () => {
    const { remote, make, pass, patch, posts, reasonOf } = await proved();
    remote.mishaps = ['lost-before', 'refused'];
    await make('web');
    await pass(600);
    expect([posts(), await reasonOf('web')]).toEqual([2, 'CreateOutcomeUnknown']);
    await pass(600);
    expect([posts(), await reasonOf('web')]).toEqual([2, 'InvalidSpec']);
    await patch('web', { spec: { label: 'better' } });
    await pass(60);
    expect([posts(), await reasonOf('web')]).toEqual([3, 'Ready']);
  });

  test('is somebody else’s where the window has passed and the remote still says that it is there', async () => {
    const { remote, make, pass, posts, reasonOf } = await proved();
    remote.mishaps = ['lost-before', 'busy', 'busy', 'busy'];
    await make('web');
    await pass(540);
    expect([posts(), await reasonOf('web')]).toEqual([2, 'CreateOutcomeUnknown']);
    await pass(500);
    expect([posts(), await reasonOf('web')]).toEqual([4, 'NameTaken']);
    await pass(600);
    expect([posts(), await reasonOf('web')]).toEqual([5, 'Ready']);
  });

  test('waits for the settle window where only what is sent beside the ID is kept', async () => {
    const made = await world();
    const { remote, make, pass, posts, reasonOf, ready } = made;
    remote.ignoresIDs = true;
    await make('first');
    await pass(60);
    remote.calls = [];
    remote.mishaps = ['lost-before'];
    await make('web');
    await pass(840);
    expect([posts(), await reasonOf('web')]).toEqual([1, 'CreateOutcomeUnknown']);
    await pass(180);
    expect([posts(), (await ready('web'))!.status]).toEqual([2, 'True']);
  });
});

describe('the breaker', () => {
  test('opens for a machine that a list showed a moment ago and the next one lacks, and nothing is bought', async () => {
    const { remote, make, pass, posts, get, tenantReason, reasonOf } = await world();
    await make('web');
    await pass(20);
    expect((await get('web'))!.status!['power']).toBe('off');
    remote.laggingLists.add('nodes');
    await make('next');
    await pass(120);
    expect([posts(), await tenantReason(), await reasonOf('next')]).toEqual([1, 'BreakerOpen', 'BreakerOpen']);
    remote.laggingLists.clear();
    await pass(120);
    expect([posts(), await tenantReason()]).toEqual([2, 'Connected']);
  });

  test('stays closed for one that no list has shown since its create', async () => {
    const { remote, make, pass, tenantReason, ready, events } = await world();
    remote.laggingLists.add('nodes');
    await make('web');
    await pass(600);
    expect([await tenantReason(), (await ready('web'))!.status]).toEqual(['Connected', 'True']);
    expect(events.map(({ reason }) => reason)).not.toContain('BreakerOpen');
  });

  test('stays closed for one that was bought anew under the ID of the lost one, and that no list has shown yet', async () => {
    const { remote, make, pass, tenantReason, ready, posts, events, get, delete: remove } = await world();
    await make('keep');
    await make('web', { recreatePolicy: 'Always' });
    // Beyond the settle window of its create.
    await pass(1000);
    remote.held.nodes.delete(idOf('web'));
    remote.freeze('nodes');
    await pass(300);
    expect([posts(), remote.held.nodes.size]).toEqual([3, 2]);
    // It is the only one that is recorded, and no list shows it.
    await remove('keep');
    await pass(60);
    expect(await get('keep')).toBeUndefined();
    expect([await tenantReason(), (await ready('web'))!.status]).toEqual(['Connected', 'True']);
    expect(events.map(({ reason }) => reason)).not.toContain('BreakerOpen');
  });
});
