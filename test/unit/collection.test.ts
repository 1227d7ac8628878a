import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Random, systemRandom } from '../../src/base/random.ts';
import { createCollection, type Listed } from '../../src/remote/collection.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createManualClock } from '../support/clock.ts';

interface Thing {
  id: string;
  size: number;
}

const steady: Random = { ...systemRandom, next: () => 0.5 };
const settled = () => new Promise((resolve) => setImmediate(resolve));
const interval = 60_000;

const unreachable = (retryAfter?: number) =>
  new RemoteError({
    reason: 'Unreachable',
    outcome: 'definitely-not',
    operation: 'List',
    message: 'down',
    ...(retryAfter !== undefined && { retryAfter }),
  });

/** A collection over a remote that the test writes; with `slow` each list waits for `end()`. */
function bench({ slow = false } = {}) {
  const clock = createManualClock();
  const remote = { things: [] as Thing[], unreadable: [] as string[], fails: undefined as unknown };
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const changes: string[][] = [];
  const lists: boolean[] = [];
  const collection = createCollection<Thing>({
    name: 'things',
    async list(): Promise<Listed<Thing>> {
      begun.push(clock.monotonic());
      if (slow) await new Promise<void>((resolve) => ends.push(resolve));
      if (remote.fails !== undefined) throw remote.fails;
      return structuredClone({ items: remote.things, unreadable: remote.unreadable });
    },
    id: ({ id }) => id,
    clock,
    random: steady,
    log: createLog({ level: 'silent' }),
    interval: () => interval,
  });
  collection.onChange((ids) => void changes.push([...ids].sort()));
  collection.onList((turned) => void lists.push(turned));
  return {
    clock,
    remote,
    begun,
    changes,
    lists,
    collection,
    async advance(milliseconds: number) {
      clock.advance(milliseconds);
      await settled();
    },
    async end() {
      ends.shift()!();
      await settled();
    },
  };
}

async function started(options?: { slow?: boolean }) {
  const world = bench(options);
  world.collection.start();
  await settled();
  return world;
}

describe('when it lists', () => {
  test('nothing is asked before start, and then at once and at each interval', async () => {
    const { collection, begun, advance } = bench();
    await advance(10 * interval);
    expect([begun, collection.snapshot()]).toEqual([[], undefined]);
    collection.start();
    collection.start();
    await settled();
    expect(begun).toHaveLength(1);
    await advance(interval - 1);
    expect(begun).toHaveLength(1);
    await advance(1);
    expect(begun).toHaveLength(2);
  });

  test('all who ask in one turn share one list', async () => {
    const { collection, begun, advance } = await started();
    for (let who = 0; who < 100; who += 1) collection.refresh();
    await advance(0);
    expect(begun).toHaveLength(2);
    await advance(interval - 1);
    expect(begun).toHaveLength(2);
  });

  test('a list that is under way does not answer who asks now: another one begins after it, and one only', async () => {
    const { collection, begun, advance, end } = await started({ slow: true });
    collection.refresh();
    collection.refresh();
    await advance(1000);
    expect(begun).toHaveLength(1);
    await end();
    await advance(0);
    expect(begun).toEqual([0, 1000]);
    await end();
    await advance(0);
    expect(begun).toHaveLength(2);
    expect(collection.snapshot()).toMatchObject({ begunAt: 1000, count: 2 });
  });

  test('who asks for a list gets it at once, whatever is wished for right after', async () => {
    const { collection, begun, advance } = await started();
    collection.refresh();
    collection.want('a', 15_000);
    await advance(0);
    expect(begun).toHaveLength(2);
  });

  test('the shortest wish sets the pace, until it is taken back', async () => {
    const { collection, begun, advance } = await started();
    collection.want('a', 15_000);
    collection.want('b', 5_000);
    await advance(5_000);
    expect(begun).toHaveLength(2);
    collection.want('b', undefined);
    await advance(14_999);
    expect(begun).toHaveLength(2);
    await advance(1);
    expect(begun).toHaveLength(3);
    collection.want('a', undefined);
    await advance(interval - 1);
    expect(begun).toHaveLength(3);
    await advance(1);
    expect(begun).toHaveLength(4);
  });

  test('a wish counts from the last list, so one that comes late is served at once', async () => {
    const { collection, begun, advance } = await started();
    await advance(20_000);
    collection.want('a', 15_000);
    await advance(0);
    expect(begun).toHaveLength(2);
  });

  test('after a failure it looks again soon, but not before the remote wants it', async () => {
    const { remote, begun, advance } = await started();
    remote.fails = unreachable();
    await advance(interval);
    await advance(14_999);
    expect(begun).toHaveLength(2);
    remote.fails = unreachable(40_000);
    await advance(1);
    expect(begun).toHaveLength(3);
    await advance(39_999);
    expect(begun).toHaveLength(3);
    await advance(1);
    expect(begun).toHaveLength(4);
  });

  test('stop ends it, tells nobody of what was under way, and leaves no timer behind', async () => {
    const { collection, remote, clock, begun, changes, lists, advance, end } = await started({ slow: true });
    remote.things = [{ id: 'a', size: 1 }];
    collection.stop();
    await end();
    collection.refresh();
    collection.want('a', 10);
    await advance(10 * interval);
    expect([begun.length, changes, lists, clock.pending()]).toEqual([1, [], [], 0]);
    collection.start();
    await settled();
    expect(begun).toHaveLength(2);
  });
});

describe('what it tells', () => {
  test('which IDs were added, changed and removed, and nothing when nothing did', async () => {
    const { remote, changes, lists, collection, advance } = bench();
    remote.things = [
      { id: 'a', size: 1 },
      { id: 'b', size: 1 },
    ];
    collection.start();
    await settled();
    remote.things = [
      { id: 'b', size: 2 },
      { id: 'c', size: 1 },
    ];
    await advance(interval);
    await advance(interval);
    expect(changes).toEqual([
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]);
    expect(lists).toHaveLength(3);
  });

  test('an ID that cannot be read is there, and its coming and going is a change', async () => {
    const { remote, changes, collection, advance } = await started();
    remote.unreadable = ['x'];
    await advance(interval);
    expect(collection.snapshot()!.unreadable).toEqual(new Set(['x']));
    expect(collection.snapshot()!.items.has('x')).toBe(false);
    await advance(interval);
    remote.unreadable = [];
    remote.things = [{ id: 'x', size: 1 }];
    await advance(interval);
    expect(changes).toEqual([['x'], ['x']]);
  });

  test('a failed list keeps the last complete one, says why, and changes nothing', async () => {
    const { remote, changes, collection, advance } = bench();
    remote.things = [{ id: 'a', size: 1 }];
    collection.start();
    await settled();
    const before = collection.snapshot();
    remote.things = [];
    remote.fails = unreachable();
    await advance(interval);
    expect(collection.snapshot()).toBe(before);
    expect(collection.failure()).toBe(remote.fails);
    expect(changes).toEqual([['a']]);
    remote.fails = undefined;
    await advance(interval);
    expect(collection.failure()).toBeUndefined();
    expect(collection.snapshot()).toMatchObject({ count: 2 });
    expect(changes).toEqual([['a'], ['a']]);
  });

  test('that it turned: at the first list, when it fails, when it fails otherwise, and when it is back', async () => {
    const { remote, lists, advance } = await started();
    const after = async (fails: unknown) => {
      remote.fails = fails;
      await advance(interval);
      return lists.at(-1);
    };
    expect(lists).toEqual([true]);
    expect(await after(undefined)).toBe(false);
    expect(await after(unreachable())).toBe(true);
    expect(await after(unreachable())).toBe(false);
    expect(await after(new Error('a bug'))).toBe(true);
    expect(await after(undefined)).toBe(true);
    expect(await after(undefined)).toBe(false);
  });

  test('a remote that never answered turns once, not at each failure', async () => {
    const { remote, lists, collection, advance } = bench();
    remote.fails = unreachable();
    collection.start();
    await settled();
    await advance(interval);
    await advance(interval);
    remote.fails = undefined;
    await advance(interval);
    remote.fails = unreachable();
    await advance(interval);
    await advance(interval);
    expect(lists).toEqual([true, false, false, true, true, false]);
  });

  test('an error that is none of the remote is shown as an answer that cannot be read', async () => {
    const { remote, collection, advance } = await started();
    remote.fails = new TypeError('canary');
    await advance(interval);
    expect(collection.failure()).toMatchObject({ reason: 'BadAnswer', outcome: 'definitely-not', cause: remote.fails });
    expect(collection.failure()!.message).not.toContain('canary');
  });
});

test('between any two lists, exactly what differs is told', async () => {
  const world = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(2));
  await fc.assert(
    fc.asyncProperty(fc.array(world, { minLength: 1, maxLength: 5 }), async (worlds) => {
      const { remote, changes, collection, advance } = bench();
      let before: Record<string, number> = {};
      const expected: string[][] = [];
      collection.start();
      await settled();
      for (const next of worlds) {
        const ids = [...new Set([...Object.keys(before), ...Object.keys(next)])];
        const differing = ids.filter((id) => before[id] !== next[id]).sort();
        if (differing.length > 0) expected.push(differing);
        remote.things = Object.entries(next).map(([id, size]) => ({ id, size }));
        before = next;
        await advance(interval);
      }
      expect(changes).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

describe('what did not change', () => {
  test('is the very object that it was, so that nothing is held twice and what was found out of it stays true', async () => {
    const { collection, remote, advance } = await started();
    remote.things = [
      { id: 'a', size: 1 },
      { id: 'b', size: 1 },
    ];
    await advance(interval);
    const before = collection.snapshot()!;
    await advance(interval);
    expect(collection.snapshot()!.items).toBe(before.items);
    expect(collection.snapshot()!.begunAt).toBeGreaterThan(before.begunAt);
    remote.things = [
      { id: 'a', size: 1 },
      { id: 'b', size: 2 },
    ];
    await advance(interval);
    const after = collection.snapshot()!;
    expect(after.items.get('a')).toBe(before.items.get('a'));
    expect([after.items.get('b'), before.items.get('b')]).toEqual([
      { id: 'b', size: 2 },
      { id: 'b', size: 1 },
    ]);
  });

  test('over random lists, the changes told are those that a comparison of the whole lists shows', async () => {
    const ids = ['a', 'b', 'c', 'd'];
    const lists = fc.array(fc.record({ id: fc.constantFrom(...ids), size: fc.nat({ max: 1 }) }), { maxLength: 5 });
    const unreadable = fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(lists, unreadable), { maxLength: 5 }), async (steps) => {
        const { collection, remote, changes, advance } = await started();
        let former = new Map<string, string>();
        for (const [things, unread] of steps) {
          remote.things = things;
          remote.unreadable = unread;
          changes.length = 0;
          await advance(interval);
          const now = new Map(things.map((thing) => [thing.id, JSON.stringify(thing)]));
          for (const id of unread) if (!now.has(id)) now.set(id, 'unreadable');
          const differ = ids.filter((id) => former.get(id) !== now.get(id));
          expect(changes).toEqual(differ.length > 0 ? [differ] : []);
          const { items, unreadable: told } = collection.snapshot()!;
          expect(items).toEqual(new Map(things.map((thing) => [thing.id, { ...thing }])));
          expect([...told].sort()).toEqual(unread.toSorted());
          former = now;
        }
      }),
      { numRuns: 50 },
    );
  });
});
