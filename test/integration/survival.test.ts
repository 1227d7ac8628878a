import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/controlplane.ts';
import { type Proxy, startProxy } from '../support/proxy.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';
import { until } from '../support/wait.ts';

// An API server of our own: it is killed and cut off here.
let plane: ControlPlane;
let proxy: Proxy;
let proxied: string;
let s: Scenario;

beforeAll(async () => {
  plane = await startControlPlane();
  proxy = await startProxy(new URL(plane.url));
  proxied = path.join(path.dirname(plane.dataDir), 'proxied-kubeconfig');
  await writeFile(proxied, (await readFile(plane.kubeconfig, 'utf8')).replaceAll(plane.url, proxy.url));
});
afterAll(async () => {
  await proxy.close();
  await plane.stop();
});
beforeEach(async () => {
  s = await createScenario({ cluster: plane, settings: { buildSeconds: 0, deleteSeconds: 0 } });
});
afterEach(() => s.end());

describe('the watch survives, without a restart of the operator', () => {
  it('a connection reset in mid-stream and a killed and restarted API server: no event is lost', async () => {
    const operator = s.spawn('--kubeconfig', proxied);
    await s.apply(...s.tenant(), s.hypervisor('first'));
    await s.ready('first');
    expect(proxy.reset()).toBeGreaterThan(0);
    await s.apply(s.hypervisor('after-reset'));
    await s.ready('after-reset');

    await plane.kill();
    await plane.restart();
    await s.apply(s.hypervisor('after-restart'), s.hypervisor('first', { name: 'renamed' }));
    await s.ready('after-restart', 60_000);
    await s.ready('first');
    expect((await s.sandbox.servers()).map(({ name }) => name).sort()).toEqual([
      'after-reset',
      'after-restart',
      'renamed',
    ]);
    expect(operator.output()).not.toMatch(/"level":"error".*the pass failed/);
    expect(await Promise.race([operator.exited, Promise.resolve('runs')])).toBe('runs');
  }, 120_000);

  it('a server that falls silent is noticed, and what happened meanwhile is seen', async () => {
    await s.start({ kubeconfig: proxied });
    await s.apply(...s.tenant(), s.hypervisor('first'));
    await s.ready('first');
    proxy.blackhole(true);
    await s.apply(s.hypervisor('second'));
    // Only connections made from here on are heard again; those that fell silent stay so.
    proxy.blackhole(false);
    await until(
      'the second is bought',
      async () => {
        await s.pass(15_000);
        return (await s.sandbox.servers()).length === 2;
      },
      60_000,
    );
    await s.ready('second');
  }, 120_000);

  it('a standby whose watch had silently fallen behind sees at takeover what it missed', async () => {
    const first = await s.start({ leaderElect: true, identity: 'first' });
    await s.apply(...s.tenant(), s.hypervisor('web'));
    await s.ready('web');
    const second = await s.start({ leaderElect: true, identity: 'second', kubeconfig: proxied });
    await until('the standby holds its caches', () =>
      second.operator.ready.every(({ problem }) => problem() === undefined),
    );
    proxy.blackhole(true);
    // Missed by the standby: a new resource, and the record of what was bought for it.
    await s.apply(s.hypervisor('missed'));
    await s.ready('missed');
    proxy.blackhole(false);
    await first.stop();
    await s.condition('dh', 'missed', 'Ready', 'True');
    await until('the standby leads', () => /"msg":"leading"/.test(second.log()), 60_000);
    await s.apply(s.hypervisor('missed', { name: 'renamed' }));
    await s.pass(20_000, 5000);
    await until(
      'renamed by the new leader',
      async () => (await s.sandbox.servers()).some(({ name }) => name === 'renamed'),
      30_000,
    );
    expect(await s.sandbox.servers()).toHaveLength(2);
    expect(await s.sandbox.calls('CreateServer')).toHaveLength(2);
  }, 120_000);
});
