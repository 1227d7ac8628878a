import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { kubeConnection } from '../../src/kube/config.ts';
import { KubeError, type KubeObject, KubeUnreachable, type ResourceType } from '../../src/kube/types.ts';
import { type Cluster, sharedCluster } from '../support/controlplane.ts';
import { makeNamespace, makeWidgets, type Widget } from '../support/widget.ts';

let cluster: Cluster;
let client: KubeClient;
let widgets: ResourceType;
let namespace: string;

beforeAll(async () => {
  cluster = await sharedCluster();
  client = createKubeClient({ connection: kubeConnection({ kubeconfig: cluster.kubeconfig }), clock: systemClock });
  widgets = await makeWidgets(client);
  namespace = await makeNamespace(client);
});

afterAll(async () => {
  await client?.close();
});

function widget(name: string, spec: Widget['spec'] = { size: 1 }): Widget {
  return { apiVersion: 'test.freehold.dev/v1', kind: 'Widget', metadata: { name, namespace }, spec };
}

describe('a resource on a real API server', () => {
  test('is created, read back, and is undefined when it does not exist', async () => {
    const made = await client.create(widgets, widget('made'));
    expect(made.metadata.uid).toBeTruthy();
    expect(await client.get(widgets, { namespace, name: 'made' })).toEqual(made);
    expect(await client.get(widgets, { namespace, name: 'never-made' })).toBeUndefined();
  });

  test('of a type that is not served is an error, not an absent object', async () => {
    const gone = { ...widgets, plural: 'gadgets' };
    await expect(client.get(gone, { namespace, name: 'made' })).rejects.toMatchObject({ status: 404, reason: '' });
    await expect(client.delete(gone, { namespace, name: 'made' })).rejects.toBeInstanceOf(KubeError);
  });

  test('comes without managedFields, however it is read', async () => {
    const key = { namespace, name: 'lean' };
    const applied = await client.apply(widgets, key, widget('lean') as never, { fieldManager: 'freehold' });
    const listed = (await client.list(widgets, { namespace })).items;
    for (const object of [applied, await client.get(widgets, key), ...listed]) {
      expect(object?.metadata.managedFields).toBeUndefined();
    }
    const raw = await cluster.kubectl([
      '-n',
      namespace,
      'get',
      'widget',
      'lean',
      '-o',
      'json',
      '--show-managed-fields',
    ]);
    expect(JSON.parse(raw.stdout).metadata.managedFields).toHaveLength(1);
  });

  test('refuses a patch that is locked on an old resourceVersion, and says which object it was', async () => {
    const key = { namespace, name: 'locked' };
    const first = await client.create(widgets, widget('locked'));
    await client.mergePatch(widgets, key, { spec: { size: 2 } });
    const { resourceVersion } = first.metadata;
    const late = client.mergePatch(widgets, key, { metadata: { resourceVersion }, spec: { size: 3 } });
    await expect(late).rejects.toMatchObject({
      status: 409,
      reason: 'Conflict',
      message: expect.stringContaining(`PATCH widgets.test.freehold.dev/${namespace}/locked: 409 Conflict: `),
    });
    const lateApply = client.apply(
      widgets,
      key,
      { ...widget('locked', { size: 4 }), metadata: { name: 'locked', namespace, resourceVersion } },
      { fieldManager: 'freehold' },
    );
    await expect(lateApply).rejects.toMatchObject({ status: 409 });
    expect(await client.get<Widget>(widgets, key)).toMatchObject({ spec: { size: 2 } });
  });

  test('has its status patched and applied apart from its spec', async () => {
    const key = { namespace, name: 'with-status' };
    await client.create(widgets, widget('with-status'));
    await client.mergePatch(
      widgets,
      key,
      { spec: { size: 9 }, status: { phase: 'Patched' } },
      { subresource: 'status' },
    );
    expect(await client.get(widgets, key)).toMatchObject({ spec: { size: 1 }, status: { phase: 'Patched' } });
    const { apiVersion, kind } = widget('with-status');
    const status = { apiVersion, kind, metadata: { name: 'with-status' }, status: { phase: 'Applied', other: 'x' } };
    const options = { fieldManager: 'freehold', subresource: 'status' } as const;
    // Forced: the field belonged to the merge patch above.
    const applied = await client.apply<Widget>(widgets, key, status, options);
    expect(applied).toMatchObject({ spec: { size: 1 }, status: { phase: 'Applied', other: 'x' } });
    const shorter = await client.apply<Widget>(widgets, key, { ...status, status: { phase: 'Applied' } }, options);
    expect(shorter.status).toEqual({ phase: 'Applied' });
  });

  test('that is applied without a change keeps its resourceVersion', async () => {
    const key = { namespace, name: 'quiet' };
    const apply = () => client.apply(widgets, key, widget('quiet') as never, { fieldManager: 'freehold' });
    const first = await apply();
    expect((await apply()).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test('is deleted only under the preconditions given', async () => {
    const key = { namespace, name: 'doomed' };
    const { uid } = (await client.create(widgets, widget('doomed'))).metadata;
    const wrong = client.delete(widgets, key, { uid: '00000000-0000-4000-8000-000000000000' });
    await expect(wrong).rejects.toMatchObject({ status: 409 });
    expect(await client.delete(widgets, key, { uid })).toBe(true);
    expect(await client.delete(widgets, key)).toBe(false);
  });

  test('that the schema refuses is answered by the words of the API server', async () => {
    const bad = client.create(widgets, widget('bad', { size: 'large' } as never));
    await expect(bad).rejects.toMatchObject({ status: 422, reason: 'Invalid' });
    await expect(bad).rejects.toThrow(/spec.size/);
  });
});

test('a list in small pages holds every object once, and a watch goes on from it', async () => {
  const own = await makeNamespace(client);
  const names = Array.from({ length: 23 }, (_, index) => `page-${String(index).padStart(2, '0')}`);
  for (const name of names) {
    await client.create(widgets, { ...widget(name), metadata: { name, namespace: own } });
  }
  const { items, resourceVersion } = await client.list(widgets, { namespace: own, limit: 5 });
  expect(items.map((item) => item.metadata.name).sort()).toEqual(names);

  const stop = new AbortController();
  const events: string[] = [];
  const watching = client.watch<Widget>(widgets, {
    ...{ namespace: own, resourceVersion, timeoutSeconds: 60 },
    signal: stop.signal,
  });
  await client.mergePatch(widgets, { namespace: own, name: 'page-07' }, { spec: { size: 70 } });
  await client.delete(widgets, { namespace: own, name: 'page-08' });
  for await (const { type, object } of watching) {
    events.push(`${type} ${object.metadata.name}`);
    if (events.length === 2) {
      stop.abort();
    }
  }
  expect(events).toEqual(['MODIFIED page-07', 'DELETED page-08']);
});

test('built-in types come with apiVersion and kind inside a list', async () => {
  const secrets: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
  const own = await makeNamespace(client);
  const secret: KubeObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one', namespace: own } };
  await client.create(secrets, secret);
  expect((await client.list(secrets, { namespace: own })).items).toMatchObject([{ apiVersion: 'v1', kind: 'Secret' }]);
});

describe('the connection', () => {
  test('by client certificate works as by token', async () => {
    const connection = kubeConnection({ kubeconfig: cluster.kubeconfig, context: 'controlplane-certificate' });
    const other = createKubeClient({ connection, clock: systemClock });
    expect(await other.get(widgets, { namespace, name: 'none' })).toBeUndefined();
    await other.close();
  });

  test('to a server whose certificate is not of our CA is refused, whatever the environment says', async () => {
    const connection = kubeConnection({ kubeconfig: cluster.kubeconfig });
    const { headers } = await connection.credentials();
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    const untrusting = createKubeClient({
      connection: { ...connection, credentials: () => Promise.resolve({ headers, tls: {} }) },
      clock: systemClock,
    });
    try {
      const answer = untrusting.get(widgets, { namespace, name: 'none' });
      await expect(answer).rejects.toBeInstanceOf(KubeUnreachable);
      await expect(answer).rejects.toThrow(/certificate/);
    } finally {
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
      if (before === undefined) {
        delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      }
      await untrusting.close();
    }
  });
});
