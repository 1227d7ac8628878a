import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { createElector, type Elector } from '../../src/kube/lease.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { type LeaseClient, type LeaseServer, leaseServer } from '../support/lease-api.ts';
import { until } from '../support/wait.ts';

const key = { namespace: 'freehold', name: 'freehold-operator' };

interface Candidate {
  elector: Elector;
  client: LeaseClient;
  clock: TestClock;
  told: string[];
  stop: AbortController;
}

let server: LeaseServer;
let candidates: Candidate[];

beforeEach(() => {
  server = leaseServer();
  candidates = [];
});

afterEach(async () => {
  for (const { elector, client, stop } of candidates) {
    client.hang = false;
    stop.abort();
    await elector.release();
  }
  for (const { clock } of candidates) {
    if (clock.pending() > 0) {
      throw new Error('an elector left a timer behind');
    }
  }
});

/** A process that campaigns, with a clock of its own: one that is not advanced stands still, like a paused one. */
function candidate(identity: string): Candidate {
  const clock = createTestClock();
  const client = server.client();
  const told: string[] = [];
  const elector = createElector({ api: client.api, key, identity, clock, random: systemRandom });
  elector.onAcquired(() => told.push('acquired'));
  elector.onLost(() => told.push('lost'));
  const stop = new AbortController();
  const one = { elector, client, clock, told, stop };
  candidates.push(one);
  void elector.run(stop.signal);
  return one;
}

async function leading(identity: string): Promise<Candidate> {
  const one = candidate(identity);
  await until(`${identity} leads`, () => one.elector.held());
  return one;
}

/** Lets time pass in steps small enough for every renewal, waiting for each write or look that a step sets off. */
async function pass(milliseconds: number, clocks: TestClock[]): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 500) {
    for (const clock of clocks) {
      clock.advance(Math.min(500, milliseconds - passed));
    }
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
}

describe('the lease', () => {
  test('is made when there is none, in a form that the API server takes', async () => {
    const { told } = await leading('a');
    expect(server.lease).toMatchObject({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: key,
      spec: { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 },
    });
    expect(server.lease?.spec.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(told).toEqual(['acquired']);
  });

  test('is renewed about every two seconds, and keeps its acquireTime', async () => {
    const { clock, told, elector } = await leading('a');
    const { acquireTime } = server.writes[0]!.spec;
    await pass(20_000, [clock]);
    expect(server.writes.length).toBeGreaterThan(8);
    expect(server.writes.length).toBeLessThan(14);
    expect(new Set(server.writes.map(({ spec }) => spec.acquireTime))).toEqual(new Set([acquireTime]));
    expect([elector.held(), told]).toEqual([true, ['acquired']]);
  });

  test('that its holder keeps is never taken, and everybody knows the holder', async () => {
    const a = await leading('a');
    const b = candidate('b');
    await pass(40_000, [a.clock, b.clock]);
    expect([a.elector.held(), b.elector.held()]).toEqual([true, false]);
    expect(b.elector.leader()).toBe('a');
    expect(b.told).toEqual([]);
  });

  test('of a holder that died is taken within lease duration + 3 s, also by a standby whose watch went deaf', async () => {
    for (const deaf of [false, true]) {
      server = leaseServer();
      const a = await leading('a');
      const b = candidate('b');
      b.client.deaf = deaf;
      await pass(6_000, [a.clock, b.clock]);
      const { length } = server.writes;
      await until('a renews', () => {
        a.clock.advance(100);
        b.clock.advance(100);
        return server.writes.length > length;
      });
      const renewed = b.clock.monotonic();
      a.client.hang = true;
      while (!b.elector.held()) {
        await pass(100, [b.clock]);
      }
      expect(b.clock.monotonic() - renewed).toBeGreaterThan(14_500);
      expect(b.clock.monotonic() - renewed).toBeLessThan(18_000);
      expect(server.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    }
  });

  test('that is released is taken at once by a standby that watches', async () => {
    const a = await leading('a');
    const b = candidate('b');
    await until('b knows a', () => b.elector.leader() === 'a');
    await pass(2_500, [a.clock, b.clock]);
    const released = a.elector.release();
    expect(a.elector.held()).toBe(false);
    await released;
    expect(a.told).toEqual(['acquired', 'lost']);
    await until('b leads, though no time passed', () => b.elector.held(), 1_000);
    expect(server.writes.at(-2)?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect(server.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  test('that somebody deleted is not taken from a holder that may still act', async () => {
    const a = await leading('a');
    const b = candidate('b');
    await pass(4_000, [a.clock, b.clock]);
    server.remove();
    await pass(2_000, [b.clock]);
    expect(b.elector.held()).toBe(false);
    await pass(3_000, [a.clock, b.clock]);
    expect([a.elector.held(), a.told]).toEqual([true, ['acquired']]);
    expect(server.lease?.spec.holderIdentity).toBe('a');
  });
});

describe('the holder', () => {
  test('steps down on time while its renewals hang, before anybody else may act', async () => {
    const a = await leading('a');
    const b = candidate('b');
    await pass(4_000, [a.clock, b.clock]);
    a.client.hang = true;
    await pass(7_000, [a.clock, b.clock]);
    expect(a.elector.held()).toBe(true);
    await pass(3_500, [a.clock, b.clock]);
    expect(a.told).toEqual(['acquired', 'lost']);
    expect([a.elector.held(), b.elector.held()]).toEqual([false, false]);
    await pass(8_000, [a.clock, b.clock]);
    expect(b.elector.held()).toBe(true);
  });

  test('steps down when its API server is away, and leads again when it is back and nobody took over', async () => {
    const a = await leading('a');
    a.client.broken = true;
    await pass(11_000, [a.clock]);
    expect(a.told).toEqual(['acquired', 'lost']);
    a.client.broken = false;
    await pass(3_000, [a.clock]);
    expect([a.elector.held(), a.told]).toEqual([true, ['acquired', 'lost', 'acquired']]);
    expect(server.lease?.spec.leaseTransitions).toBe(0);
  });

  test('that was paused no longer holds at its first look, by either clock, and hears of it before it leads again', async () => {
    const jumps = [
      (clock: TestClock) => clock.stepWall(10_000),
      (clock: TestClock) => {
        clock.stepWall(-10_000);
        clock.pause(10_000);
      },
    ];
    for (const jump of jumps) {
      server = leaseServer();
      const a = await leading('a');
      a.client.hang = true;
      jump(a.clock);
      expect(a.elector.held()).toBe(false);
      expect(a.told).toEqual(['acquired', 'lost']);
      a.client.hang = false;
      await pass(6_000, [a.clock]);
      expect(a.told).toEqual(['acquired', 'lost', 'acquired']);
    }
  });

  test('that was asleep steps down before it renews, though nobody asked meanwhile', async () => {
    const a = await leading('a');
    a.clock.stepWall(10_000);
    await pass(4_000, [a.clock]);
    expect(a.told).toEqual(['acquired', 'lost', 'acquired']);
  });

  test('counts from when its renewal began, not from when it was answered', async () => {
    const a = await leading('a');
    await pass(4_000, [a.clock]);
    a.client.hang = true;
    const { calls } = a.client;
    a.clock.advance(2_500);
    await until('a renewal hangs', () => a.client.calls > calls);
    a.clock.advance(4_500);
    a.client.hang = false;
    const { length } = server.writes;
    await until('it was answered', () => server.writes.length > length);
    await new Promise((resolve) => setTimeout(resolve, 10));
    a.client.hang = true;
    a.clock.advance(4_000);
    expect(a.elector.held()).toBe(true);
    a.clock.pause(1_900);
    expect(a.elector.held()).toBe(false);
  });

  test('is told when somebody else wrote the lease, and campaigns on', async () => {
    const a = await leading('a');
    server.edit({ holderIdentity: 'intruder' });
    await until('a knows, though no time passed', () => a.told.length === 2, 1_000);
    expect([a.elector.held(), a.elector.leader()]).toEqual([false, 'intruder']);
    await pass(18_000, [a.clock]);
    expect(a.elector.held()).toBe(true);
  });

  test('keeps the lease when somebody else only touched it', async () => {
    const a = await leading('a');
    server.edit({ leaseDurationSeconds: 14 });
    await pass(3_000, [a.clock]);
    expect([a.elector.held(), a.told]).toEqual([true, ['acquired']]);
  });

  test('does not release a lease that is no longer its own', async () => {
    const a = await leading('a');
    a.client.deaf = true;
    server.edit({ holderIdentity: 'b' });
    await a.elector.release();
    expect(server.lease?.spec.holderIdentity).toBe('b');
  });
});

test('at most one of three holds at any time, whatever hangs', async () => {
  const all = [await leading('a'), candidate('b'), candidate('c')];
  const clocks = all.map(({ clock }) => clock);
  let changes = 0;
  let before: Candidate | undefined;
  for (let round = 0; round < 400; round++) {
    if (round % 40 === 0) {
      const stuck = (round / 40) % 4;
      for (const [index, { client }] of all.entries()) {
        client.hang = index === stuck;
      }
    }
    await pass(500, clocks);
    const holders = all.filter(({ elector }) => elector.held());
    expect(holders.length).toBeLessThanOrEqual(1);
    changes += holders[0] !== undefined && holders[0] !== before ? 1 : 0;
    before = holders[0] ?? before;
  }
  expect(changes).toBeGreaterThan(2);
});

test('timing that would let two hold at once is refused', () => {
  const options = { api: server.client().api, key, identity: 'a', clock: createTestClock(), random: systemRandom };
  expect(() => createElector({ ...options, timing: { renewDeadline: 15_000 } })).toThrow(
    /leaseDuration > renewDeadline/,
  );
  expect(() => createElector({ ...options, timing: { retryPeriod: 9_000 } })).toThrow(/renewDeadline > 1.2/);
});
