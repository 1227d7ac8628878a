import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScenario, type OperatorProcess, type Scenario } from '../support/scenario.ts';
import { until } from '../support/wait.ts';

/** Seconds; shorter than the defaults, in the same proportions. */
const lease = { duration: 6, renew: 4, retry: 1 };
const flags = [
  '--lease-duration',
  `${lease.duration}s`,
  '--renew-deadline',
  `${lease.renew}s`,
  '--retry-period',
  `${lease.retry}s`,
];
const leaseType = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease' };

let s: Scenario;
beforeEach(async () => {
  s = await createScenario({ settings: { buildSeconds: 1, deleteSeconds: 1 } });
});
afterEach(() => s.end());

async function leaseSpec() {
  const found = await s.api.get<any>(leaseType, { namespace: s.namespace, name: 'freehold' });
  return found?.spec as { holderIdentity?: string; renewTime: string } | undefined;
}

/** Starts an operator whose name in the Lease is `identity`. */
const start = (identity: string, ...more: string[]): OperatorProcess =>
  s.spawn('--identity', identity, ...flags, ...more);

const leads = (identity: string, within = 20_000) =>
  until(
    `${identity} leads`,
    async () => (await leaseSpec())?.holderIdentity?.startsWith(`${identity}_`) ?? false,
    within,
  );

async function mutatingCalls() {
  const calls = await s.sandbox.calls();
  return calls.filter(({ operation }) => ['CreateServer', 'UpdateServer', 'DeleteServer'].includes(operation));
}

describe('two operators', () => {
  it('one leads; killed, the other takes over within the lease duration + 3 s of the last renewal, and goes on', async () => {
    const first = start('first');
    await leads('first');
    const second = start('second');
    await s.apply(...s.tenant(), s.hypervisor('before'));
    await s.ready('before');
    await until('the standby campaigns', () => /freehold begins/.test(second.output()));
    await first.kill();
    const renewed = Date.parse((await leaseSpec())!.renewTime);
    await s.apply(s.hypervisor('after'));
    await leads('second');
    const taken = Date.parse((await leaseSpec())!.renewTime);
    expect((taken - renewed) / 1000).toBeLessThanOrEqual(lease.duration + 3);
    await s.ready('after');
    expect((await s.sandbox.servers()).map(({ name }) => name).sort()).toEqual(['after', 'before']);
  }, 60_000);

  it('on SIGTERM the lease is free within 2 s, and the other leads at once', async () => {
    const first = start('first');
    await leads('first');
    start('second');
    await s.apply(...s.tenant(), s.hypervisor());
    await s.ready();
    const began = performance.now();
    expect(await first.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(2000);
    await leads('second', 5000);
  }, 60_000);

  it('on SIGTERM during a create the outcome is written down before the lease is given away', async () => {
    await s.sandbox.fault({ operation: 'CreateServer', delayMs: 3000, times: 1 });
    const first = start('first');
    await leads('first');
    await s.apply(...s.tenant(), s.hypervisor());
    await until('the create has left', async () => (await s.sandbox.calls('CreateServer')).length === 1);
    expect(await first.stop()).toBe(0);
    const resource = await s.get('dh', 'web');
    const [server] = await s.sandbox.servers();
    expect(resource?.status).toMatchObject({ externalID: server!.id, creation: { outcome: 'Created' } });
    start('second');
    await s.ready();
    expect(await s.sandbox.servers()).toHaveLength(1);
  }, 60_000);

  it('a leader paused beyond its lease begins no mutating call when it wakes up', async () => {
    const first = start('first');
    await leads('first');
    await s.apply(...s.tenant(), s.hypervisor());
    await s.ready();
    first.signal('SIGSTOP');
    // What the paused one would do when it wakes up: a change of the spec, and a deletion under Delete.
    await s.apply(s.hypervisor('web', { name: 'renamed' }), s.hypervisor('late'));
    const second = start('second');
    await leads('second');
    await s.ready('late');
    await until('renamed', async () => (await s.sandbox.servers()).some(({ name }) => name === 'renamed'));
    const before = (await mutatingCalls()).length;
    await s.apply(s.hypervisor('web', { name: 'again' }));
    await until('renamed again', async () => (await s.sandbox.servers()).some(({ name }) => name === 'again'));
    first.signal('SIGCONT');
    await until('the paused one steps down', () => /no longer (the leader|leading)/.test(first.output()));
    await s.ready();
    const audits = first
      .output()
      .split('\n')
      .filter((line) => line.includes('"audit"') && line.includes('"outcome":"done"'));
    // Its only change ever was the first create.
    expect(audits).toHaveLength(1);
    expect((await mutatingCalls()).length).toBe(before + 1);
    expect(second.output()).toContain('UpdateServer');
  }, 90_000);
});

describe('a process alone', () => {
  it('names the flag that is missing, and ends', async () => {
    const process = s.spawn('--settle-window', '1m');
    expect(await process.exited).toBe(1);
    expect(process.output()).toContain(
      '--settle-window (FREEHOLD_SETTLE_WINDOW): must be at least --write-deadline and 5 minutes',
    );
  });
});
