import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { kubeConnection } from '../../src/kube/config.ts';
import { createElector, type Elector } from '../../src/kube/lease.ts';
import { type Cluster, sharedCluster } from '../support/controlplane.ts';
import { type Proxy, startProxy } from '../support/proxy.ts';
import { until } from '../support/wait.ts';

const timing = { leaseDuration: 3_000, renewDeadline: 2_000, retryPeriod: 400 };

let cluster: Cluster;
let client: KubeClient;
let proxy: Proxy;
/** Through the proxy. */
let fragile: KubeClient;
let key: { namespace: string; name: string };
let running: { elector: Elector; stop: AbortController }[] = [];

beforeAll(async () => {
  cluster = await sharedCluster();
  const connection = kubeConnection({ kubeconfig: cluster.kubeconfig });
  client = createKubeClient({ connection, clock: systemClock });
  proxy = await startProxy(connection.server);
  fragile = createKubeClient({ connection: { ...connection, server: new URL(proxy.url) }, clock: systemClock });
});

afterEach(async () => {
  proxy.blackhole(false);
  proxy.reset();
  for (const { elector, stop } of running) {
    stop.abort();
    await elector.release();
  }
  running = [];
});

afterAll(async () => {
  await fragile?.close();
  await client?.close();
  await proxy?.close();
});

function candidate(identity: string, api: KubeClient = client): { elector: Elector; stop: AbortController } {
  const elector = createElector({ api, key, identity, clock: systemClock, random: systemRandom, timing });
  const stop = new AbortController();
  void elector.run(stop.signal);
  running.push({ elector, stop });
  return { elector, stop };
}

async function twoCandidates(api?: KubeClient) {
  key = { namespace: 'default', name: `lease-${randomBytes(5).toString('hex')}` };
  const a = candidate('a', api);
  await until('a leads', () => a.elector.held());
  const b = candidate('b');
  await until('b knows a', () => b.elector.leader() === 'a');
  return { a, b };
}

async function spec(): Promise<Record<string, unknown>> {
  const { stdout } = await cluster.kubectl(['-n', key.namespace, 'get', 'lease', key.name, '-o', 'json']);
  return (JSON.parse(stdout) as { spec: Record<string, unknown> }).spec;
}

describe('two candidates on a real API server', () => {
  test('hand over at once when the holder releases', async () => {
    const { a, b } = await twoCandidates();
    const before = performance.now();
    const released = a.elector.release();
    expect(a.elector.held()).toBe(false);
    await until('b leads', () => b.elector.held());
    expect(performance.now() - before).toBeLessThan(1_000);
    await released;
    expect(await spec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1, leaseDurationSeconds: 3 });
  });

  test('a released lease without a successor is empty, and the next one counts on', async () => {
    const { a, b } = await twoCandidates();
    await b.elector.release();
    await a.elector.release();
    expect(await spec()).toMatchObject({ holderIdentity: '', leaseTransitions: 0, leaseDurationSeconds: 1 });
    const c = candidate('c');
    await until('c leads', () => c.elector.held());
    expect(await spec()).toMatchObject({ holderIdentity: 'c', leaseTransitions: 1 });
  });

  test('the other takes over within lease duration + 3 s of the last renewal of one that died', async () => {
    const { a, b } = await twoCandidates();
    a.stop.abort();
    const { renewTime } = await spec();
    expect(renewTime).toMatch(/\.\d{6}Z$/);
    await until('b leads', () => b.elector.held());
    const since = Date.now() - Date.parse(String(renewTime));
    expect(since).toBeGreaterThan(timing.leaseDuration - 500);
    expect(since).toBeLessThan(timing.leaseDuration + 3_000);
  });

  test('one cut off from the API server stops before the other begins, and is a standby when it is back', async () => {
    const { a, b } = await twoCandidates(fragile);
    const lost: number[] = [];
    const acquired: number[] = [];
    a.elector.onLost(() => lost.push(performance.now()));
    b.elector.onAcquired(() => acquired.push(performance.now()));
    proxy.blackhole(true);
    await until('b leads', () => b.elector.held());
    expect(a.elector.held()).toBe(false);
    expect(lost[0]).toBeLessThan(acquired[0]!);
    proxy.blackhole(false);
    proxy.reset();
    await until('a knows b', () => a.elector.leader() === 'b');
    expect([a.elector.held(), b.elector.held()]).toEqual([false, true]);
  });
});
