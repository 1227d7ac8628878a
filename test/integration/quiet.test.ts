import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Condition } from '../../src/engine/conditions.ts';
import { kinds } from '../../src/kinds.ts';
import { typeOf } from '../../src/engine/kind.ts';
import type { KubeObject, ResourceType } from '../../src/kube/types.ts';
import { type History, watchHistory } from '../support/history.ts';
import { createScenario, type RunningOperator, type Scenario } from '../support/scenario.ts';
import { until } from '../support/wait.ts';
import { noteWrites, type Write } from '../support/writes.ts';

const secrets: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const events: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event' };

/** Which version of which object there is in the namespace, but for the Lease. */
async function versions({ api, namespace }: Scenario): Promise<Record<string, string | undefined>> {
  const all: Record<string, string | undefined> = {};
  for (const type of [...kinds.map(typeOf), secrets, events]) {
    for (const { kind, metadata } of (await api.list<KubeObject>(type, { namespace })).items)
      all[`${kind}/${metadata.name}`] = metadata.resourceVersion;
  }
  return all;
}

const described = (writes: Write[]) =>
  writes.map(({ verb, resource, name, subresource, body }) => {
    const { conditions } = (body as { status?: { conditions?: Condition[] } }).status ?? {};
    const reason = conditions?.find(({ type }) => type === 'Ready')?.reason;
    return `${verb} ${resource}/${name}${subresource ? `/${subresource}` : ''}${reason ? ` ${reason}` : ''}`;
  });

/** Nothing runs, and nothing waits to run now. */
const idle = ({ operator }: RunningOperator) =>
  until('the queue is empty', () => {
    const queue = operator.term()?.queue;
    return queue !== undefined && queue.depth === 0 && queue.running === 0;
  });

describe('fifty servers that are Ready', () => {
  const count = 50;
  // No jump of the clock may reach the deadline of a call, however busy the machine is.
  const readDeadline = '10m';
  let s: Scenario;
  let running: RunningOperator;
  let history: History;
  const first = noteWrites();

  const allReady = async () => {
    const { items } = await s.api.list<KubeObject & { status?: { conditions?: { type: string; status: string }[] } }>(
      typeOf(kinds.find(({ names }) => names.kind === 'DedicatedHypervisor')!),
      { namespace: s.namespace },
    );
    return items.every(({ status }) =>
      status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    );
  };
  const operations = async () => {
    const counts: Record<string, number> = {};
    for (const { operation } of await s.sandbox.calls()) counts[operation] = (counts[operation] ?? 0) + 1;
    return counts;
  };

  beforeAll(async () => {
    s = await createScenario({ settings: { buildSeconds: 0 } });
    history = await watchHistory(s);
    const names = Array.from({ length: count }, (_, index) => `web-${index}`);
    await s.apply(...s.tenant(), ...names.map((name) => s.hypervisor(name)));
    running = await s.start({ leaderElect: true, readDeadline }, first.wrap);
    await until(
      'all are Ready',
      async () => {
        await s.pass(5_000, 5_000);
        return allReady();
      },
      60_000,
    );
    // What becomes of the tenant's list of unclaimed servers is over, too, and every event is sent.
    await s.pass(70_000);
    await idle(running);
    await until(
      'every server was told of',
      async () =>
        (await s.api.list<KubeObject & { reason: string }>(events, { namespace: s.namespace })).items.filter(
          ({ reason }) => reason === 'Ready',
        ).length === count,
    );
  });
  afterAll(async () => {
    history.stop();
    await s.end();
  });

  it('were bought once each', async () => {
    expect(await s.sandbox.servers()).toHaveLength(count);
    expect(await s.sandbox.calls('CreateServer')).toHaveLength(count);
  });

  it('cost the lists of their tenant and nothing else in five quiet minutes; Kubernetes sees the Lease only', async () => {
    const before = await versions(s);
    expect(Object.keys(before).length).toBeGreaterThan(2 * count);
    first.writes.length = 0;
    await s.sandbox.control('DELETE', 'calls');
    await s.pass(300_000);
    await idle(running);
    expect(await versions(s)).toEqual(before);
    expect(described(first.writes.filter(({ resource }) => resource !== 'leases'))).toEqual([]);
    expect(first.writes.length).toBeGreaterThan(0);
    const {
      ListServersDetail: pages = 0,
      ListLicenses: licenses,
      ListVCenters: vcenters,
      ...others
    } = await operations();
    expect(others).toEqual({});
    // A list is its one page and the empty page that ends it; one list in 60 s, give or take a tenth.
    expect(pages % 2).toBe(0);
    for (const lists of [pages / 2, licenses, vcenters]) {
      expect(lists).toBeGreaterThanOrEqual(4);
      expect(lists).toBeLessThanOrEqual(6);
    }
  });

  it('are told once each that their remote is away, and once that it is back', async () => {
    first.writes.length = 0;
    await s.sandbox.fault({ operation: 'ListServersDetail', status: 500 });
    await s.pass(900_000, 15_000);
    await idle(running);
    const statusWrites = () => first.writes.filter(({ subresource }) => subresource === 'status');
    const ofServers = () => statusWrites().filter(({ resource }) => resource === 'dedicatedhypervisors').length;
    expect(ofServers()).toBe(count);
    expect(statusWrites().length - ofServers()).toBeLessThanOrEqual(2);
    await s.sandbox.clearFaults();
    await s.pass(60_000);
    await until('all are Ready', allReady);
    await idle(running);
    expect(ofServers()).toBe(2 * count);
    expect(statusWrites().length - ofServers()).toBeLessThanOrEqual(4);
  });

  it('are left alone by an operator that starts anew', async () => {
    await running.stop();
    const before = await versions(s);
    await s.sandbox.control('DELETE', 'calls');
    const again = noteWrites();
    running = await s.start({ leaderElect: true, readDeadline }, again.wrap);
    await until('it lists', async () => (await s.sandbox.calls('ListServersDetail')).length >= 2);
    await s.pass(100_000);
    await idle(running);
    expect(described(again.writes.filter(({ resource }) => resource !== 'leases'))).toEqual([]);
    expect(await versions(s)).toEqual(before);
    const {
      ListServersDetail: pages = 0,
      ListLicenses: licenses,
      ListVCenters: vcenters,
      ...others
    } = await operations();
    expect(others).toEqual({ IssueToken: 1, ListLicenseTypes: 1 });
    for (const lists of [pages / 2, licenses, vcenters]) expect(lists).toBeLessThanOrEqual(3);
  });

  it('are left alone, too, by one that starts while the remote answers slowly', async () => {
    await running.stop();
    const before = await versions(s);
    await s.sandbox.fault({ operation: ['IssueToken', 'ListServersDetail'], delayMs: 1000 });
    const calls = (await s.sandbox.calls()).length;
    const again = noteWrites();
    running = await s.start({}, again.wrap);
    for (const operation of ['IssueToken', 'ListServersDetail']) {
      await until(operation, async () =>
        (await s.sandbox.calls()).slice(calls).some((call) => call.operation === operation),
      );
      // While that call goes on, 20 s pass in which everybody looks again.
      for (let step = 0; step < 4; step += 1) {
        s.clock.advance(5_000);
        expect(await versions(s)).toEqual(before);
      }
    }
    await s.sandbox.clearFaults();
    await until('the list ends', () => {
      const lists = running.operator
        .term()!
        .context.tenants.all()
        .flatMap(({ collections }) => [...collections.values()]);
      return lists.length > 0 && lists.every((list) => list.snapshot());
    });
    await s.pass(60_000);
    await idle(running);
    expect(described(again.writes)).toEqual([]);
    expect(await versions(s)).toEqual(before);
  });

  it('went through states that kept the rules of kstatus', async () => {
    expect(await history.violations()).toEqual([]);
  });
});

describe('one server', () => {
  let s: Scenario;
  let history: History;
  const noted = noteWrites();
  const manifest = () =>
    s.hypervisor(
      'web',
      { description: 'of the shop', metadata: { team: 'blue' } },
      { labels: { app: 'shop' }, annotations: { note: 'mine' } },
    );
  let applied: KubeObject & Record<string, unknown>;

  beforeAll(async () => {
    s = await createScenario({ settings: { buildSeconds: 60 } });
    history = await watchHistory(s);
    await s.apply(...s.tenant());
    // A tenant that has users: it holds its Secret already.
    await s.apply(s.hypervisor('other'));
    await s.start({}, noted.wrap);
    for (let step = 0; step < 30; step += 1) await s.pass(5_000, 5_000);
    await s.ready('other');
    noted.writes.length = 0;
    await s.apply(manifest());
    applied = (await s.get('dh', 'web')) as never;
    await s.condition('dh', 'web', 'Ready', 'False', 'Building');
    for (let step = 0; step < 20; step += 1) await s.pass(5_000, 5_000);
    await s.ready();
  });
  afterAll(async () => {
    history.stop();
    await s.end();
  });

  it('takes six writes from apply to Ready, its Secret included', () => {
    const { writes } = noted;
    const of = writes.filter(({ resource, name }) => resource !== 'events' && name.startsWith('web'));
    expect(described(of)).toEqual([
      'mergePatch dedicatedhypervisors/web',
      'create secrets/web-admin-password',
      'mergePatch dedicatedhypervisors/web/status',
      'mergePatch dedicatedhypervisors/web/status',
      'apply dedicatedhypervisors/web/status Building',
      'apply dedicatedhypervisors/web/status Ready',
    ]);
    const told = writes
      .filter(({ resource }) => resource === 'events')
      .map(({ body }) => (body as { reason: string }).reason);
    expect(told).toEqual(['Created', 'Building', 'Ready']);
    // The tenant shows nothing new but, for a moment, a server that nobody had recorded yet.
    expect(writes.filter(({ resource }) => resource === 'sdpftenants').length).toBeLessThanOrEqual(2);
  });

  it('is, but for its status, our finalizer and our annotations, what the user applied', async () => {
    const live = (await s.get('dh', 'web')) as unknown as KubeObject & Record<string, unknown>;
    const { resourceVersion: _, finalizers, annotations = {}, ...metadata } = live.metadata;
    const { resourceVersion: __, finalizers: ___, annotations: before = {}, ...metadataBefore } = applied.metadata;
    expect(metadata).toEqual(metadataBefore);
    expect(finalizers).toEqual(['freehold.dev/remote']);
    const theirs = (all: Record<string, string>) =>
      Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('freehold.dev/')));
    expect(theirs(annotations)).toEqual(theirs(before));
    expect(live['spec']).toEqual(applied['spec']);
    expect(Object.keys(live).sort()).toEqual(['apiVersion', 'kind', 'metadata', 'spec', 'status']);
    expect(metadata.generation).toBe(1);
  });

  it('shows no difference to the manifest, and takes it again in every way of applying', async () => {
    const text = JSON.stringify(manifest());
    const diff = await s.kubectl(['diff', '-f', '-'], text);
    expect(diff).toMatchObject({ code: 0, stdout: '' });
    expect(await s.kubectl(['apply', '-f', '-'], text)).toMatchObject({ code: 0 });
    expect(await s.kubectl(['apply', '--server-side', '-f', '-'], text)).toMatchObject({ code: 0 });
    expect(
      await s.kubectl(['apply', '--server-side', '--field-manager=argocd-controller', '-f', '-'], text),
    ).toMatchObject({
      code: 0,
    });
    const serverDiff = await s.kubectl(['diff', '--server-side', '-f', '-'], text);
    expect(serverDiff).toMatchObject({ code: 0, stdout: '' });
    expect((await s.get('dh', 'web'))?.metadata.generation).toBe(1);
  });

  it('lets the user change what is theirs by server-side apply', async () => {
    const { stderr, code } = await s.kubectl(
      ['apply', '--server-side', '--field-manager=gitops', '-f', '-'],
      JSON.stringify({
        apiVersion: 'sdpf.freehold.dev/v1alpha1',
        kind: 'DedicatedHypervisor',
        metadata: { name: 'web', annotations: { 'freehold.dev/reconcile-requested-at': 'now' } },
        spec: { name: 'shop-1' },
      }),
    );
    expect([code, stderr]).toEqual([0, '']);
    for (let step = 0; step < 6; step += 1) await s.pass(5_000, 5_000);
    const renamed = await s.ready();
    expect(renamed.status).toMatchObject({ name: 'shop-1', lastHandledReconcileAt: 'now' });
    expect((await s.kubectl(['get', 'dh', 'web', '-o', 'yaml', '--show-managed-fields'])).stdout).toContain(
      'manager: gitops',
    );
  });

  it('went through states that kept the rules of kstatus', async () => {
    // The writes without a change are kubectl's: each way of applying notes who applied.
    const found = await history.violations();
    expect(found.filter((violation) => !violation.endsWith('a write that changed nothing'))).toEqual([]);
  });
});
