import { beforeEach, describe, expect, test } from 'vitest';
import { createClaims } from '../../src/engine/claims.ts';
import { createJournal } from '../../src/engine/journal.ts';
import { typeOf } from '../../src/engine/kind.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { Seen } from '../../src/engine/observe.ts';
import type { Outcome, Pass } from '../../src/engine/outcome.ts';
import { settle } from '../../src/engine/settle.ts';
import type { Binding } from '../../src/engine/tenants.ts';
import { dedicatedHypervisor as kind } from '../../src/sdpf/dedicated-hypervisor.ts';
import { server } from '../../src/sdpf/wire-server.ts';
import { createManualClock, type TestClock } from '../support/clock.ts';
import { createFakeKube } from '../support/kube-fake.ts';

const minute = 60_000;
const settleWindow = 15 * minute;
const target = 'sdpf/jp1/t1';
const absent: Seen = { now: 'absent' };
let clock: TestClock;
let claims: ReturnType<typeof createClaims>;
let list: { items: Map<string, unknown>; unreadable: Set<string>; begunAt: number; count: number };
let pass: Pass;

/** A pass over a resource whose create was sent `ago`, by a process that has just found it. */
async function found(creation: { idsBefore?: string[] } = {}, ago = 0) {
  clock = createManualClock();
  clock.advance(1000 * minute);
  const kube = createFakeKube(clock);
  claims = createClaims();
  const journal = createJournal(kube, clock, 'pod-1', () => {});
  const resource = await kube.create<Resource>(typeOf(kind), {
    apiVersion: 'sdpf.freehold.dev/v1alpha1',
    kind: kind.names.kind,
    metadata: { namespace: 'shop', name: 'web', annotations: { 'freehold.dev/target': target } },
    spec: { tenantRef: { name: 't' }, managementPolicy: 'Manage', deletionPolicy: 'Retain' },
    status: {
      creation: {
        attemptID: 'a1',
        sentAt: new Date(clock.now() - ago).toISOString(),
        holder: 'pod-0',
        ...creation,
      },
    },
  });
  list = { items: new Map(), unreadable: new Set(), begunAt: clock.monotonic(), count: 1 };
  const settings = { settleWindow, motionInterval: 15_000 };
  pass = {
    context: { claims, journal, clock, settings, kinds: new Map(), tenants: { openBreaker: () => undefined } },
    kind,
    identifier: 'DedicatedHypervisor/shop/web',
    owner: { ownerID: 'prod', namespace: 'shop', name: 'web' },
    memory: {},
    resource,
  } as unknown as Pass;
}

const binding = {
  remote: { key: target, via: new Map(), collections: new Map([['servers', { snapshot: () => list }]]) },
} as unknown as Binding;
const look = async (seen: Seen = absent) => (await settle(pass, binding, seen)) as Outcome;

/** So much time passes, with so many complete lists, the last of which has just begun. */
function later(milliseconds: number, lists: number): void {
  clock.advance(milliseconds);
  list = { ...list, begunAt: lists > 0 ? clock.monotonic() : list.begunAt, count: list.count + lists };
}

const waits = { standing: { reason: 'CreateOutcomeUnknown', message: expect.stringContaining('a1') } };
const plain = (id: string) => server.parse({ id, name: 'web', status: 'ACTIVE' });

describe('a create whose outcome nobody knows', () => {
  beforeEach(() => found());

  test('is waited on until the window and three lists have passed, then counts as never done', async () => {
    expect(await look()).toMatchObject({ ...waits, motion: true, awaitList: true });
    later(settleWindow - 1, 3);
    expect(await look()).toMatchObject(waits);
    later(1, 1);
    await expect(look()).rejects.toThrow('the create is settled');
    expect(pass.resource.status).not.toHaveProperty('creation');
  });

  test.each<[string, () => void]>([
    ['with two lists only', () => later(settleWindow, 2)],
    ['with no list begun after the window', () => (later(settleWindow - 1, 5), later(minute, 0))],
    ['when only the wall clock was put ahead', () => (clock.stepWall(10 * settleWindow), later(minute, 5))],
  ])('is waited on %s', async (_how, passes) => {
    await look();
    passes();
    expect(await look()).toMatchObject(waits);
  });

  test('is waited on no longer when the wall clock was put back', async () => {
    await look();
    clock.stepWall(-5 * settleWindow);
    later(settleWindow, 3);
    await expect(look()).rejects.toThrow('the create is settled');
  });

  test('is waited on for the whole window again by a process that has just started', async () => {
    await found({}, 10 * settleWindow);
    expect(await look()).toMatchObject(waits);
    later(settleWindow, 3);
    await expect(look()).rejects.toThrow('the create is settled');
  });

  test('is recorded when it is found, whenever that is', async () => {
    await expect(look({ now: 'present', id: 's1', remote: plain('s1'), how: 'marker' })).rejects.toThrow('settled');
    expect(pass.resource.status).toMatchObject({ externalID: 's1', creation: { attemptID: 'a1', outcome: 'Found' } });
  });

  test('takes the word of the answer that could not be recorded then', async () => {
    pass.memory.answered = { attemptID: 'a1', id: 's1' };
    await expect(look()).rejects.toThrow('settled');
    expect(pass.resource.status).toMatchObject({ externalID: 's1', creation: { outcome: 'Created' } });
  });

  test('is a question when there is something that cannot be read, for it may be ours', async () => {
    await look();
    list.unreadable.add('s9');
    later(settleWindow, 3);
    expect(await look()).toMatchObject({
      standing: { reason: 'CreateOutcomeAmbiguous', message: expect.stringContaining('s9') },
    });
    expect(pass.resource.status).toHaveProperty('creation');
  });
});

describe('where nothing marks ours, what is new since the create', () => {
  beforeEach(() => found({ idsBefore: ['s0'] }));

  async function afterWindow(...ids: string[]) {
    await look();
    for (const id of ['s0', ...ids]) list.items.set(id, plain(id));
    later(settleWindow, 3);
    return look();
  }

  test('is a question to a person, with the attempt and all ways out', async () => {
    const outcome = await afterWindow('s1', 's2');
    expect(outcome).toMatchObject({ standing: { ready: false, reason: 'CreateOutcomeAmbiguous' } });
    const { message } = outcome.standing;
    for (const part of ['s1, s2', '"a1 adopt=<ID>"', '"a1 retry"', '"a1 forget"']) expect(message).toContain(part);
    expect(message).not.toContain('s0');
  });

  test('is none when it belongs to another resource, or says so', async () => {
    const other = structuredClone(pass.resource);
    claims.update('DedicatedHypervisor/shop/db', { ...other, status: { externalID: 's1' } }, kind.names.kind);
    const theirs = { ...plain('s2'), baremetal_server: { metadata: { 'freehold-owner': 'prod/shop/db' } } };
    await look();
    list.items.set('s1', plain('s1')).set('s2', theirs);
    later(settleWindow, 3);
    await expect(look()).rejects.toThrow('the create is settled');
  });

  test('is told of before the window has passed, too', async () => {
    await look();
    list.items.set('s1', plain('s1'));
    later(minute, 1);
    expect(await look()).toMatchObject({ standing: { message: expect.stringContaining('s1') } });
  });
});
