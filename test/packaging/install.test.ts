import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isWell } from '../../hack/samples.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import type { Scenario } from '../support/scenario.ts';
import { conditionOf } from '../support/servers.ts';
import { until } from '../support/wait.ts';
import { changesAt, type FreshCluster, freshCluster, patience, rename } from './support/installed.ts';
import type { Pod } from './support/pod.ts';

/** Of its own: there are no CRDs in it, and the operator of the defaults watches all namespaces. */
let cluster: FreshCluster;
const directory = mkdtempSync(path.join(tmpdir(), 'freehold-install-'));
beforeAll(async () => {
  cluster = await freshCluster();
}, 120_000);
afterAll(async () => {
  await cluster?.end();
  rmSync(directory, { recursive: true });
}, 60_000);

const ledger = (s: Scenario) => s.sandbox.control('GET', 'ledger');
const refusals = () => cluster.node.history().flatMap((pod) => pod.output().match(/^.*orbidden.*$/gm) ?? []);
const list = async (...args: string[]): Promise<KubeObject[]> =>
  (JSON.parse(await cluster.kubectl('get', ...args, '-o', 'json')) as { items: KubeObject[] }).items;
const definitions = async () =>
  (await list('crd')).filter(({ metadata }) => metadata.name.endsWith('.freehold.dev')).length;

/** Orders a server whose create is answered after so many milliseconds; it stands at the remote before. */
async function orderSlowly(s: Scenario, name: string, delayMs: number): Promise<void> {
  const posts = (await s.sandbox.calls('CreateServer')).length;
  await s.sandbox.fault({ operation: 'CreateServer', delayMs, times: 1 });
  await s.apply(s.hypervisor(name, { tenantRef: { name: 'my-tenant' } }));
  await until('the create has left', async () => (await s.sandbox.calls('CreateServer')).length > posts, 20_000);
}

describe('helm install, with the defaults of the chart', () => {
  const release = ['freehold', 'freehold-system'] as const;
  const server = 'server-test-1';
  let s: Scenario;

  it('brings the CRDs and two pods that are ready, which bring all samples to Ready', async () => {
    await cluster.install(...release);
    expect(cluster.node.pods()).toHaveLength(2);
    expect(await definitions()).toBe(6);
    s = await cluster.site();
    await cluster.samplesReady(s);
    expect(refusals()).toEqual([]);
  });

  it('hands over to the other pod when the one that leads is killed', async () => {
    const first = await cluster.leader(...release);
    const bought = await s.sandbox.servers();
    await first.kill();
    await rename(s, server, 'renamed');
    expect((await cluster.leader(...release)).name).not.toBe(first.name);
    expect(await s.sandbox.servers()).toHaveLength(bought.length);
  });

  it('helm upgrade in the middle of a create buys nothing more, and the new pods go on', async () => {
    const answered = (pod: Pod) => pod.output().includes('audit: CreateServer done');
    const first = await cluster.leader(...release);
    const bought = await s.sandbox.servers();
    await s.sandbox.control('DELETE', 'calls');
    await orderSlowly(s, 'second', 15_000);
    const upgraded = cluster.upgrade(...release, 'logLevel=warn');
    await until('the leader is told to end', () => first.endingSince !== undefined, 50_000);
    expect(answered(first)).toBe(false);
    await upgraded;
    await s.ready('second', 60_000);
    expect(await first.exited).toBe(0);
    expect(answered(first)).toBe(true);
    expect(await s.sandbox.servers()).toHaveLength(bought.length + 1);
    expect((await changesAt(s)).map(({ operation }) => operation)).toEqual(['CreateServer']);
    await until('there are two pods', () => cluster.node.pods().length === 2);
    expect((await cluster.leader(...release)).output()).not.toMatch(/"level":"info"/);
    expect(refusals()).toEqual([]);
  });

  it('helm uninstall leaves resources, Secrets and all that was bought as they are', async () => {
    const kept = () => list('freehold,secrets', '-n', s.namespace);
    const [before, bought] = [await kept(), await ledger(s)];
    await s.sandbox.control('DELETE', 'calls');
    await cluster.uninstall(...release);
    await Promise.all(cluster.node.history().map((pod) => pod.exited));
    expect(cluster.node.pods()).toEqual([]);
    expect(await kept()).toEqual(before);
    expect(await ledger(s)).toEqual(bought);
    expect(await changesAt(s)).toEqual([]);
    expect(await definitions()).toBe(6);
    const kinds = 'deployments,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,pdb';
    expect(await list(kinds, '-A', '-l', 'app.kubernetes.io/instance=freehold')).toEqual([]);
  });

  it('installed again, it changes nothing at the remote, and manages what it bought before', async () => {
    const records = async () =>
      new Map((await cluster.resources(s)).map(({ metadata, status }) => [metadata.uid, status?.externalID]));
    const [before, bought] = [await records(), await ledger(s)];
    await cluster.install(...release);
    const asked = 'freehold.dev/reconcile-requested-at=again';
    await cluster.kubectl('-n', s.namespace, 'annotate', 'freehold', '--all', asked);
    const looked = async () =>
      (await cluster.resources(s)).every(({ status }) => status?.lastHandledReconcileAt === 'again');
    await until('all were looked at', looked, 60_000);
    expect(await changesAt(s)).toEqual([]);
    expect(await ledger(s)).toEqual(bought);
    expect((await cluster.resources(s)).every(isWell)).toBe(true);
    expect(await records()).toEqual(before);
    await rename(s, server, 'ours-still');
    expect((await changesAt(s)).map(({ operation }) => operation)).toEqual(['UpdateServer']);
  });

  it('uninstalled in the middle of a create, and installed again, it finds what that has bought', async () => {
    const bought = await s.sandbox.servers();
    await s.sandbox.control('DELETE', 'calls');
    await orderSlowly(s, 'third', 4000);
    await cluster.uninstall(...release);
    await cluster.install(...release);
    await s.ready('third', 60_000);
    expect(await s.sandbox.servers()).toHaveLength(bought.length + 1);
    expect((await changesAt(s)).map(({ operation }) => operation)).toEqual(['CreateServer']);
    await cluster.uninstall(...release);
  });
});

describe('helm install with watchNamespaces', () => {
  let s: Scenario;

  it('brings all samples to Ready in that namespace, and sees no other', async () => {
    s = await cluster.site();
    const other = await cluster.site();
    await other.apply(...other.tenant(), other.hypervisor());
    await cluster.install('team', 'team-system', { watchNamespaces: [s.namespace] });
    await cluster.samplesReady(s);
    expect((await other.get('dh', 'web'))?.status).toEqual({ observedGeneration: -1 });
    expect(await other.sandbox.calls()).toEqual([]);
  });

  /** Helm installs a chart that somebody wrote for servers of theirs. */
  function installed(release: string, manifests: object[]) {
    const own = path.join(directory, release);
    mkdirSync(path.join(own, 'templates'), { recursive: true });
    writeFileSync(path.join(own, 'Chart.yaml'), 'apiVersion: v2\nname: shop\nversion: 0.1.0\n');
    for (const [index, manifest] of manifests.entries())
      writeFileSync(path.join(own, `templates/${index}.yaml`), JSON.stringify(manifest));
    return cluster.helm('install', release, own, '--namespace', s.namespace, ...patience);
  }

  it('lets helm install --wait of a server return when it is Ready, and not before', async () => {
    await s.sandbox.set({ buildSeconds: 4 });
    const began = performance.now();
    expect(await installed('shop', [...s.tenant(), s.hypervisor('front')])).toMatchObject({ code: 0, stderr: '' });
    expect(performance.now() - began).toBeGreaterThan(4000);
    expect(conditionOf(await s.get('dh', 'front'), 'Ready')?.status).toBe('True');
  });

  it('lets helm install --wait of a server fail at once, in the words of the resource, when a person must act', async () => {
    const { code, stderr } = await installed('broken', [s.hypervisor('back', { imageRef: 'no-such-image' })]);
    const stalled = conditionOf(await s.get('dh', 'back'), 'Stalled');
    expect(stalled?.status).toBe('True');
    expect(code).toBe(1);
    expect(stderr).toContain(stalled!.message);
    expect(stderr).not.toMatch(/timed out|deadline exceeded/);
  });
});
