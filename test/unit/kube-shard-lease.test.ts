import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sleep } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import { type Lease, leaseType } from '../../src/kube/lease-record.ts';
import { createShardElector, type ShardElector } from '../../src/kube/shard-lease.ts';
import { type KubeApi, KubeError } from '../../src/kube/types.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createManualClock, type TestClock } from '../support/clock.ts';
import { createFakeKube, type FakeKube } from '../support/kube-fake.ts';

const namespace = 'ops';
const key = { namespace, name: 'freehold' };

/** As good as chance, and the same each time. */
function dice(seed: number): Random {
  let state = seed * 2_654_435_761 + 1;
  const next = () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
  return { next, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)) };
}

interface Candidate {
  identity: string;
  shards: number;
  elector: ShardElector;
  /** Between acquired and lost. */
  acts: boolean;
  logged: string[];
  /** Lists of Leases that it asked for. */
  lists: number;
  /** From here on none of its calls is answered. */
  dead: boolean;
  /** What a list answers with. */
  refusal: KubeError | undefined;
  /** What the next answer to a list waits for on its way back. */
  onItsWay: Promise<void> | undefined;
  /** Its renewals do not get through. */
  cutOff: boolean;
  /** As on SIGTERM. */
  stop(): Promise<void>;
}

let clock: TestClock;
let kube: FakeKube;
let random: Random;
/** Milliseconds that a call takes at most, half of it before its effect. */
let latency: number;
let candidates: Candidate[];

function begin(seed = 1): void {
  clock = createManualClock();
  kube = createFakeKube(clock);
  random = dice(seed);
  latency = 0;
  candidates = [];
}

function candidate(identity: string, shards: number, shard = 0): Candidate {
  const logged: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line) => void logged.push(line) }, clock });
  const never = new Promise<never>(() => {});
  const way = <T>(call: () => Promise<T>): Promise<T> => {
    const travel = () => (one.dead ? never : latency > 0 ? sleep(clock, random.next() * latency * 0.5) : undefined);
    return (async () => {
      await travel();
      if (one.dead) return never;
      try {
        return await call();
      } finally {
        await travel();
      }
    })();
  };
  const api: KubeApi = {
    ...kube,
    get: (...args) => way(() => kube.get(...args)),
    async list(...args) {
      one.lists += 1;
      const { onItsWay } = one;
      one.onItsWay = undefined;
      const answer = await way(() => (one.refusal ? Promise.reject(one.refusal) : kube.list<never>(...args)));
      await onItsWay;
      return answer;
    },
    create: (...args) => way(() => kube.create(...args)),
    mergePatch: (...args) =>
      way(() => (one.cutOff ? Promise.reject(new Error('cut off')) : kube.mergePatch<never>(...args))),
  };
  const elector = createShardElector({ api, layout: { key, shards, shard }, identity, clock, random, log });
  const stopping = new AbortController();
  const one: Candidate = {
    identity,
    shards,
    elector,
    acts: false,
    logged,
    lists: 0,
    dead: false,
    refusal: undefined,
    onItsWay: undefined,
    cutOff: false,
    async stop() {
      const released = elector.release();
      await pass(100);
      await released;
      stopping.abort();
    },
  };
  elector.onAcquired(() => (one.acts = true));
  elector.onLost(() => (one.acts = false));
  candidates.push(one);
  void elector.run(stopping.signal);
  return one;
}

/** Those that act, and what must hold at any time: they are of one layout, and have different Leases. */
function acting(): string[] {
  const those = candidates.filter(({ acts, dead, elector }) => acts && !dead && elector.held());
  expect(new Set(those.map(({ shards }) => shards)).size, 'layouts that act at once').toBeLessThan(2);
  return those.map(({ identity }) => identity).sort();
}

async function pass(milliseconds: number, step = 10): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += step) {
    clock.advance(step);
    // Whatever a step sets off, as far as it gets without time.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    acting();
  }
}

const lease = (name: string) => kube.get<Lease>(leaseType, { namespace, name });
const waits = ({ elector }: Candidate) => elector.waitsFor();

beforeEach(() => begin());
afterEach(async () => {
  for (const one of candidates) one.dead = true;
  await pass(20);
});

describe('an undivided installation', () => {
  test('has the Lease of that name and reads and writes nothing more', async () => {
    const one = candidate('a', 1);
    await pass(30_000, 100);
    expect(acting()).toEqual(['a']);
    expect(one.lists).toBe(0);
    expect((await lease('freehold'))?.metadata.labels).toBeUndefined();
    expect(new Set(kube.writes.map(({ name }) => name))).toEqual(new Set(['freehold']));
    for (const { body } of kube.writes) expect(JSON.stringify(body)).not.toContain('labels');
  });
});

describe('shards of one layout', () => {
  test('act side by side, each with a Lease of its own that can be found by its label', async () => {
    for (const shard of [0, 1, 2]) candidate(`s${shard}`, 3, shard);
    await pass(1000);
    const standby = candidate('s1-standby', 3, 1);
    await pass(5000);
    expect(acting()).toEqual(['s0', 's1', 's2']);
    expect([standby.acts, waits(standby)]).toEqual([false, undefined]);
    const { items } = await kube.list<Lease>(leaseType, {
      namespace,
      labelSelector: 'freehold.dev/lease-name=freehold',
    });
    expect(items.map(({ metadata, spec }) => [metadata.name, metadata.labels, spec?.holderIdentity])).toEqual([
      ['freehold', { 'freehold.dev/lease-name': 'freehold' }, undefined],
      ...[0, 1, 2].map((shard) => [
        `freehold-${shard}-of-3`,
        { 'freehold.dev/lease-name': 'freehold', 'freehold.dev/shards': '3' },
        `s${shard}`,
      ]),
    ]);
  });

  test('do not mind Leases of other installations in the namespace', async () => {
    const { group, version, kind } = leaseType;
    const spec = { holderIdentity: 'x', leaseDurationSeconds: 3600 };
    const metadata = { namespace, name: 'other-0-of-2', labels: { 'freehold.dev/lease-name': 'other' } };
    await kube.create(leaseType, { apiVersion: `${group}/${version}`, kind, metadata, spec });
    candidate('a', 3);
    await pass(1000);
    expect(acting()).toEqual(['a']);
  });
});

describe('another count of shards', () => {
  test('waits while a Lease of the former is held, says so once, and holds none itself meanwhile', async () => {
    const old = candidate('old', 2, 1);
    await pass(1000);
    const next = candidate('next', 3, 0);
    await pass(60_000, 50);
    expect(acting()).toEqual(['old']);
    expect(waits(next)).toContain('Lease freehold-1-of-2 (held by old)');
    expect(next.logged.filter((line) => line.includes('waits for'))).toHaveLength(1);
    expect(next.logged.filter((line) => line.includes('became the leader'))).toHaveLength(1);
    expect((await lease('freehold-0-of-3'))?.spec?.holderIdentity).toBe('');
    await old.stop();
    await pass(7000);
    expect(acting()).toEqual(['next']);
    expect(waits(next)).toBeUndefined();
  });

  test('waits for one that died until its Lease stood still for its whole duration, by its own clock', async () => {
    const old = candidate('old', 2, 1);
    await pass(20_000, 50);
    old.dead = true;
    const died = clock.monotonic();
    const next = candidate('next', 3, 0);
    while (!next.acts) await pass(50);
    expect(clock.monotonic() - died).toBeGreaterThan(15_000);
    expect(clock.monotonic() - died).toBeLessThan(15_000 + 7000);
  });

  test('waits for all of them', async () => {
    const olds = [0, 1].map((shard) => candidate(`old${shard}`, 2, shard));
    await pass(1000);
    candidate('next', 3, 2);
    await olds[0]!.stop();
    await pass(30_000, 50);
    expect(acting()).toEqual(['old1']);
    await olds[1]!.stop();
    await pass(7000);
    expect(acting()).toEqual(['next']);
  });

  test('a standby of the former layout goes on with it, although others wait', async () => {
    const first = candidate('first', 2, 0);
    await pass(1000);
    const standby = candidate('standby', 2, 0);
    candidate('peer', 2, 1);
    const next = candidate('next', 3, 0);
    await pass(5000);
    await first.stop();
    await pass(1000);
    expect(acting()).toEqual(['peer', 'standby']);
    expect(standby.acts && !next.acts).toBe(true);
  });

  test('from undivided to two: waits for the undivided', async () => {
    const old = candidate('old', 1);
    await pass(1000);
    candidate('next', 2, 1);
    await pass(30_000, 50);
    expect(acting()).toEqual(['old']);
    await old.stop();
    await pass(7000);
    expect(acting()).toEqual(['next']);
  });

  test('from two to undivided: waits for the shards, told by the label that they put on its Lease', async () => {
    const old = candidate('old', 2, 1);
    await pass(1000);
    const next = candidate('next', 1);
    await pass(30_000, 50);
    expect(acting()).toEqual(['old']);
    expect(waits(next)).toContain('Lease freehold-1-of-2 (held by old)');
    await old.stop();
    await pass(7000);
    expect(acting()).toEqual(['next']);
  });

  test('a process that stood still and lost its Lease asks anew before it acts again', async () => {
    const old = candidate('old', 2, 1);
    await pass(1000);
    const next = candidate('next', 3, 0);
    await pass(1000);
    old.cutOff = true;
    while (!next.acts) await pass(50);
    expect(old.acts).toBe(false);
    old.cutOff = false;
    await pass(60_000, 50);
    expect(acting()).toEqual(['next']);
    expect(waits(old)).toContain('freehold-0-of-3');
  });

  test('a list that was answered while the Lease was lost lets nobody act', async () => {
    await candidate('former', 4).stop();
    const old = candidate('old', 2, 1);
    const arrivals: (() => void)[] = [];
    const slowly = () => new Promise<void>((resolve) => arrivals.push(resolve));
    old.onItsWay = slowly();
    await pass(100);
    expect([old.lists, old.acts]).toEqual([1, false]);
    old.cutOff = true;
    old.onItsWay = slowly();
    const next = candidate('next', 3, 0);
    while (!next.acts) await pass(50);
    old.cutOff = false;
    while (old.lists < 2) await pass(50);
    arrivals[0]!();
    await pass(100);
    expect((await lease('freehold-1-of-2'))?.spec.holderIdentity).toBe('old');
    expect(old.acts).toBe(false);
    arrivals[1]!();
    await pass(10_000);
    expect(acting()).toEqual(['next']);
  });

  test('acts on nothing while the Leases cannot be listed, and says why', async () => {
    const one = candidate('one', 2, 0);
    one.refusal = new KubeError(403, 'Forbidden', 'leases is forbidden');
    await pass(10_000);
    expect([acting(), waits(one)]).toEqual([[], expect.stringContaining('leases is forbidden')]);
    one.refusal = undefined;
    await pass(7000);
    expect(acting()).toEqual(['one']);
  });
});

describe('two layouts that start at the same moment', () => {
  const cases: [number, number, string][] = [
    [2, 3, 'for the first time'],
    [1, 2, 'for the first time'],
    [3, 1, 'for the first time'],
    [1, 2, 'after there were shards'],
    [3, 1, 'after there were shards'],
  ];
  test.each(cases)(
    '%i and %i, %s: never act both, and one of them soon does',
    async (one, other, when) => {
      const winners = new Set<number>();
      for (let seed = 1; seed <= 30; seed += 1) {
        begin(seed);
        if (when !== 'for the first time') {
          const former = candidate('former', 4);
          await pass(1000);
          await former.stop();
        }
        // The API server answers after up to a second, or (half the time) at once.
        latency = seed % 2 === 0 ? 1000 : 0;
        for (const count of [one, other]) {
          for (let shard = 0; shard < count; shard += 1) candidate(`${shard}-of-${count}`, count, shard);
        }
        await pass(60_000, 25);
        const all = acting();
        expect(all.length, `seed ${seed}: ${all.join()}`).toBeGreaterThan(0);
        const [won] = candidates.filter(({ acts }) => acts).map(({ shards }) => shards);
        expect(all, `seed ${seed}`).toHaveLength(won!);
        winners.add(won!);
        for (const candidate of candidates) candidate.dead = true;
        await pass(20);
      }
      // The undivided one that comes before the label looks at nothing, and is first.
      const undividedFirst = Math.min(one, other) === 1 && when === 'for the first time';
      expect(winners).toEqual(new Set(undividedFirst ? [1] : [one, other]));
    },
    120_000,
  );
});
