import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findCondition } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { listen, type Listening } from '../../src/sandbox/serve.ts';
import { callTime, type Hands, handsOf } from '../support/hands.ts';
import { watchHistory } from '../support/history.ts';
import { lapse, type Lapse } from '../support/lapse.ts';
import { startMiddleman } from '../support/middleman.ts';
import { createScenario, type LoggedCall, type RunningOperator, type Scenario } from '../support/scenario.ts';
import { until } from '../support/wait.ts';

const absenceInterval = 20_000;
const minutes = 60_000;

let s: Scenario;
let operator: RunningOperator;
let time: Lapse;
let hands: Hands;

async function begin(): Promise<void> {
  s = await createScenario();
  time = lapse(s, () => operator);
  hands = handsOf(s);
  await start();
}

async function start(): Promise<void> {
  operator = await s.start({
    absenceInterval: `${absenceInterval}ms`,
    motionInterval: '5s',
    // No jump of the clock may reach the deadline of a call.
    readDeadline: '10m',
    writeDeadline: '10m',
  });
}

/** Buys these and lets them grow older than the settle window: from then on their absence is believed. */
async function buy(...manifests: object[]): Promise<void> {
  await s.apply(...manifests);
  for (const manifest of manifests) await time.reason((manifest as Resource).metadata.name, 'Ready');
  await time.pass(16 * minutes, 2 * minutes);
}

const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `s${from + index}`);
const reasonsOf = (names: string[]) =>
  Promise.all(names.map(async (name) => findCondition((await s.get('dh', name))?.status?.conditions, 'Ready')?.reason));
const all = (names: string[], reason: string) =>
  time.until(`all ${reason}`, async () => (await reasonsOf(names)).every((one) => one === reason));

interface TenantStatus {
  breakers?: { kind: string; missing: number; hash: string; ids: string[] }[];
  acceptedLosses?: string[];
  endpoint?: string;
}
const tenantStatus = async () => (await s.get('sdpft', 'tenant'))!.status as unknown as TenantStatus;
const openBreaker = async () => {
  await s.condition('sdpft', 'tenant', 'Ready', 'False', 'BreakerOpen');
  return (await tenantStatus()).breakers![0]!;
};
const acceptLoss = (hash: string) => hands.annotate('sdpft/tenant', `freehold.dev/accept-loss=${hash}`);

afterEach(async () => {
  await s.sandbox.clearFaults();
  await s.sandbox.set({ hideServers: false });
});

describe('of ten servers', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    await begin();
    await s.apply(...s.tenant());
    await buy(
      s.hypervisor('s1', { deletionPolicy: 'Delete' }),
      s.hypervisor('s2', { recreatePolicy: 'Always' }),
      ...['s3', 's4', 's5'].map((name) => s.hypervisor(name, { deletionPolicy: 'Delete' })),
      ...numbered(6, 10).map((name) => s.hypervisor(name)),
    );
  }, 60_000);
  afterAll(() => s.end());

  it('one that vanished is lost by two witnesses, and none is bought for it', async () => {
    const id = await hands.idOf('s1');
    const others = numbered(2, 10);
    const before = await Promise.all(others.map((name) => s.get('dh', name)));
    const history = await watchHistory(s);
    await hands.portal.delete(id);
    const lost = await time.reason('s1', 'RemoteLost');
    await until('the history', async () => history.ready('DedicatedHypervisor', 's1').length >= 3);
    history.stop();
    expect(history.ready('DedicatedHypervisor', 's1')).toEqual(['True Ready', 'False Confirming', 'False RemoteLost']);
    expect(findCondition(lost.status?.conditions, 'Stalled')?.message).toContain(id);
    expect(lost.status).toMatchObject({ externalID: id });
    expect(lost.status?.['state']).toBeUndefined();

    const looks = (await hands.about('ShowServer', id)).filter(({ status }) => status === 404);
    expect(callTime(looks.at(-1)) - callTime(looks[0])).toBeGreaterThanOrEqual(absenceInterval);
    const lists = (await s.sandbox.calls('ListServersDetail')).map(callTime);
    expect(lists.some((at) => at - callTime(looks[0]) >= absenceInterval && at <= callTime(looks.at(-1)))).toBe(true);

    await time.pass(30 * minutes, minutes);
    expect((await hands.named('s1')).map((one) => one.id)).toEqual([id]);
    await s.condition('sdpft', 'tenant', 'Ready', 'True');
    const after = await Promise.all(others.map((name) => s.get('dh', name)));
    expect(after.map((one) => one?.status)).toEqual(before.map((one) => one?.status));

    await hands.remove('s1');
    await time.gone('s1');
    expect(await hands.secret('s1-admin-password')).toBeUndefined();
    expect(await hands.about('DeleteServer', id)).toEqual([]);
  });

  it('one that vanished is bought once more under recreatePolicy: Always', async () => {
    const id = await hands.idOf('s2');
    await hands.portal.delete(id);
    await time.until('another one', async () => {
      const now = (await s.get('dh', 's2'))?.status?.externalID;
      return now !== undefined && now !== id;
    });
    await time.reason('s2', 'Ready');
    await time.pass(16 * minutes, 2 * minutes);
    expect(await hands.named('s2')).toHaveLength(2);
    expect(await hands.idOf('s2')).not.toBe(id);
    expect((await time.notes('s2', 'RemoteLost')).join()).toContain(id);
  });

  it('all vanish: nothing is created, deleted or released until they are back, over a restart too', async () => {
    const names = [...numbered(2, 2), ...numbered(4, 4), ...numbered(6, 10)];
    // Before: a DELETE was sent for one, and for another a POST whose outcome is not known.
    await s.sandbox.set({ deleteSeconds: 86_400 });
    const [sent, asked] = [await hands.idOf('s3'), await hands.idOf('s5')];
    await hands.remove('s3');
    await time.until('s3 deleting', async () => (await s.get('dh', 's3'))?.status?.['taskState'] === 'DELETING');
    await s.sandbox.set({ deleteSeconds: 2 });
    await s.sandbox.fault({ operation: 'CreateServer', drop: 'after-commit', delayMs: 1_000, times: 1 });
    await s.apply(s.hypervisor('doubt'));
    await until('the POST', async () => (await hands.named('doubt')).length === 1);

    await s.sandbox.set({ hideServers: true });
    await all(names, 'BreakerOpen');
    const { kind, missing, hash, ids } = await openBreaker();
    const recorded = await Promise.all([...names, 's5'].map(hands.idOf));
    expect({ kind, missing, ids }).toEqual({ kind: 'DedicatedHypervisor', missing: 8, ids: recorded.toSorted() });
    const message = findCondition((await s.get('dh', 's4'))?.status?.conditions, 'Ready')?.message;
    expect(message).toContain(hash);

    await s.apply(s.hypervisor('late'));
    await hands.remove('s5');
    await hands.kubectl('delete', 'dh', 's6', '--timeout=20s');
    expect(await hands.stands(recorded[names.indexOf('s6')]!)).toBe(true);
    await all(['late', 's5', 's3', 'doubt'], 'BreakerOpen');
    const remaining = names.filter((name) => name !== 's6');
    // One fewer is missing now, and the hash is another.
    await time.pass(2 * minutes, minutes);
    const quiet = await Promise.all(remaining.map((name) => s.get('dh', name)));
    const callsBefore = (await s.sandbox.calls()).length;
    await time.pass(40 * minutes, minutes);
    const calls = (await s.sandbox.calls()).slice(callsBefore);
    // One list of each collection a minute at most, of one page; nothing is asked for one by one.
    expect(calls.filter(({ operation }) => operation === 'ShowServer')).toEqual([]);
    const besides = ['ListLicenses', 'ListVCenters'];
    expect(calls.filter(({ operation }) => !besides.includes(operation)).length).toBeLessThan(60);
    for (const list of besides) expect(calls.filter(({ operation }) => operation === list).length).toBeLessThan(60);
    const still = await Promise.all(remaining.map((name) => s.get('dh', name)));
    expect(still.map((one) => one?.metadata.resourceVersion)).toEqual(
      quiet.map((one) => one?.metadata.resourceVersion),
    );

    await operator.stop();
    await start();
    await time.pass(20 * minutes, minutes);
    expect(await openBreaker()).toMatchObject({ missing: 7 });
    expect(await reasonsOf([...remaining, 'late', 's3', 's5', 'doubt'])).toEqual(
      [...remaining, 'late', 's3', 's5', 'doubt'].map(() => 'BreakerOpen'),
    );
    for (const name of ['s3', 's5']) expect(await hands.held(name)).toBe(true);
    expect(await hands.named('late')).toEqual([]);
    expect(await hands.about('DeleteServer', asked)).toEqual([]);

    const buys = (await s.sandbox.calls('CreateServer')).length;
    await s.sandbox.set({ hideServers: false });
    await all([...remaining, 'doubt', 'late'], 'Ready');
    await s.condition('sdpft', 'tenant', 'Ready', 'True');
    expect((await tenantStatus()).breakers).toBeUndefined();
    expect(await s.sandbox.calls('CreateServer')).toHaveLength(buys + 1);
    for (const name of ['doubt', 'late']) expect(await hands.named(name)).toHaveLength(1);
    expect((await s.get('dh', 'doubt'))?.status?.creation?.outcome).toBe('Found');
    await time.gone('s5');
    expect(await hands.stands(asked)).toBe(false);
    await hands.portal.delete(sent);
    await time.gone('s3');
  });

  it('several vanish: the loss is accepted by its hash alone, and stays accepted over a restart', async () => {
    await time.pass(16 * minutes, 2 * minutes);
    const names = ['s4', 's7', 's8'];
    const others = ['s2', 's9', 's10', 'doubt', 'late'];
    const ids = await Promise.all(names.map(hands.idOf));
    // Two of eight are no reason to stop.
    await hands.portal.delete(ids[0]!);
    await hands.portal.delete(ids[1]!);
    await all(names.slice(0, 2), 'RemoteLost');
    await s.condition('sdpft', 'tenant', 'Ready', 'True');
    await hands.portal.delete(ids[2]!);
    await all(names, 'BreakerOpen');
    expect(await reasonsOf(others)).toEqual(others.map(() => 'Ready'));
    const { hash, missing } = await openBreaker();
    expect(missing).toBe(3);

    await acceptLoss('0123456789abcdef');
    await time.pass(5 * minutes, minutes);
    expect(await reasonsOf(names)).toEqual(names.map(() => 'BreakerOpen'));
    expect((await tenantStatus()).acceptedLosses).toBeUndefined();

    await acceptLoss(hash);
    await all(names, 'RemoteLost');
    await s.condition('sdpft', 'tenant', 'Ready', 'True');
    expect((await tenantStatus()).acceptedLosses).toEqual(ids.toSorted());
    expect((await time.notes('tenant', 'LossAccepted')).join()).toContain(hash);

    await operator.stop();
    await start();
    await time.pass(5 * minutes, 30_000);
    await all(names, 'RemoteLost');
    expect((await tenantStatus()).acceptedLosses).toEqual(ids.toSorted());
    await hands.remove('s4');
    await time.gone('s4');
    await time.until('it is forgotten', async () => (await tenantStatus()).acceptedLosses?.length === 2);
    expect(await s.sandbox.calls('DeleteServer')).toHaveLength(2);
    await s.apply(s.hypervisor('more'));
    await time.reason('more', 'Ready');
  });

  it('a word once given accepts no later loss, not even of the same servers', async () => {
    const names = ['s2', 's9', 's10', 'doubt', 'late'];
    await time.pass(16 * minutes, 2 * minutes);
    const buys = (await s.sandbox.calls('CreateServer')).length;
    await s.sandbox.set({ hideServers: true });
    await all(names, 'BreakerOpen');
    const { hash } = await openBreaker();
    await acceptLoss(hash);
    // s2 would be bought again at once.
    await all(['s9', 's10', 'doubt', 'late'], 'RemoteLost');
    await s.sandbox.set({ hideServers: false });
    await all(['s9', 's10', 'doubt', 'late', 'more'], 'Ready');
    await time.until('it is used up', async () => ((await tenantStatus()).acceptedLosses ?? []).length <= 3);

    await s.sandbox.set({ hideServers: true });
    await all(['s9', 's10', 'doubt', 'late'], 'BreakerOpen');
    await time.pass(10 * minutes, minutes);
    expect((await openBreaker()).hash).not.toBe(hash);
    expect(await reasonsOf(['s9', 's10'])).toEqual(['BreakerOpen', 'BreakerOpen']);
    await s.sandbox.set({ hideServers: false });
    await all(['s9', 's10', 'doubt', 'late', 'more'], 'Ready');
    expect((await s.sandbox.calls('CreateServer')).length - buys).toBeLessThanOrEqual(1);
  });
});

describe('an endpoint that changes', { timeout: 60_000 }, () => {
  let wrong: Listening;
  const wrongControl = (method: string, path: string, body?: object) =>
    fetch(`${wrong.info.control}/${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
  /** The operations that reached it. */
  const wrongCalls = async () =>
    ((await (await wrongControl('GET', 'calls')).json()) as { calls: LoggedCall[] }).calls.map(
      ({ operation }) => operation,
    );

  beforeAll(async () => {
    await begin();
    wrong = await listen({ host: '127.0.0.1', port: 0, now: s.clock.now });
    await s.apply(
      ...s.tenant(),
      s.hypervisor('live'),
      s.hypervisor('lost', { recreatePolicy: 'Always' }),
      s.hypervisor('going', { deletionPolicy: 'Delete' }),
    );
    await all(['live', 'lost', 'going'], 'Ready');
  }, 60_000);
  afterAll(async () => {
    await s.end();
    await wrong.close();
  });

  it('to a wrong, empty remote while all servers are too young to be missed: nothing is bought there', async () => {
    await hands.patch('sdpft/tenant', { spec: { authURL: wrong.info.sdpf.authURL } });
    await s.condition('sdpft', 'tenant', 'Ready', 'False', 'TargetUnproved');
    await s.apply(s.hypervisor('early'));
    await time.reason('early', 'TargetUnproved');
    await time.pass(5 * minutes, 30_000);
    expect(await wrongCalls()).not.toContain('CreateServer');
    await hands.patch('sdpft/tenant', { spec: { authURL: s.sandbox.info.sdpf.authURL } });
    await all(['early', 'live', 'lost', 'going'], 'Ready');
    expect(await hands.named('early')).toHaveLength(1);
    await time.pass(16 * minutes, 2 * minutes);
  });

  it('to a wrong, empty remote: nothing is changed there, and back again all goes on', async () => {
    const { authURL, endpoint } = s.sandbox.info.sdpf;
    await wrongControl('DELETE', 'calls');
    const going = await hands.idOf('going');
    // Until its first list ends, only lists of the right one are known.
    await wrongControl('PATCH', 'settings', { latencyMs: 1_500 });
    await hands.patch('sdpft/tenant', { spec: { authURL: wrong.info.sdpf.authURL } });
    await until('the first list there', async () => (await wrongCalls()).includes('ListServersDetail'));
    await s.apply(s.hypervisor('new'), s.hypervisor('live', { name: 'renamed' }));
    await hands.remove('going');
    await s.condition('sdpft', 'tenant', 'Ready', 'False', 'TargetUnproved');
    await wrongControl('PATCH', 'settings', { latencyMs: 0 });
    await time.pass(30 * minutes, minutes);
    await operator.stop();
    await start();
    await time.pass(20 * minutes, minutes);
    const tenant = await s.condition('sdpft', 'tenant', 'Ready', 'False', 'TargetUnproved');
    expect(tenant.status).toMatchObject({ endpoint });
    expect(findCondition(tenant.status?.conditions, 'Ready')?.message).toContain(wrong.info.sdpf.endpoint);
    for (const name of ['live', 'lost', 'going', 'new'])
      expect(['TargetUnproved', 'BreakerOpen']).toContain((await reasonsOf([name]))[0]);
    expect(await hands.held('going')).toBe(true);
    const lists = ['ListServersDetail', 'ListLicenses', 'ListVCenters', 'ListLicenseTypes'];
    const reads = ['DiscoverKeystone', 'IssueToken', ...lists, 'ShowServer'];
    const there = await wrongCalls();
    expect(there.filter((operation) => !reads.includes(operation))).toEqual([]);

    await hands.patch('sdpft/tenant', { spec: { authURL } });
    await all(['live', 'lost', 'new'], 'Ready');
    await time.gone('going');
    expect(await hands.stands(going)).toBe(false);
    expect((await hands.named('renamed')).map((one) => one.id)).toEqual([await hands.idOf('live')]);
    for (const name of ['lost', 'new']) expect(await hands.named(name)).toHaveLength(1);
  });

  it('to another address of the same remote: it is proved by what is recorded, and work goes on', async () => {
    const door = await startMiddleman(s.sandbox.url);
    await hands.patch('sdpft/tenant', { spec: { authURL: `${door.url}/keystone/v3` } });
    await s.apply(s.hypervisor('further'));
    await time.reason('further', 'Ready');
    await time.until('it is proved', async () => (await tenantStatus()).endpoint?.startsWith(door.url) === true);
    expect(await hands.named('further')).toHaveLength(1);
    await operator.stop();
    await door.close();
  });
});
