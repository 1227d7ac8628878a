import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { kubeConnection } from '../../src/kube/config.ts';
import { createRecorder, type EventInput, type Recorder } from '../../src/kube/events.ts';
import type { KubeObject, ResourceType } from '../../src/kube/types.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { type Cluster, sharedCluster } from '../support/controlplane.ts';
import { until } from '../support/wait.ts';
import { makeNamespace, makeWidgets, type Widget } from '../support/widget.ts';

const created: EventInput = { type: 'Normal', reason: 'Created', action: 'Create', note: 'server f42d was created' };

let cluster: Cluster;
let client: KubeClient;
let widgets: ResourceType;
let warnings: unknown[];
let recorder: Recorder;

beforeAll(async () => {
  cluster = await sharedCluster();
  client = createKubeClient({ connection: kubeConnection({ kubeconfig: cluster.kubeconfig }), clock: systemClock });
  widgets = await makeWidgets(client);
  warnings = [];
  const log = { warn: (fields: object) => void warnings.push(fields) } as unknown as Log;
  const instance = 'freehold-0';
  recorder = createRecorder({ api: client, clock: systemClock, log, controller: 'freehold.dev/operator', instance });
});

afterAll(async () => {
  await client?.close();
});

async function widget(finalizers: string[] = []): Promise<Widget> {
  const namespace = await makeNamespace(client);
  const metadata = { name: 'w', namespace, finalizers };
  const object: Widget = { apiVersion: 'test.freehold.dev/v1', kind: 'Widget', metadata, spec: { size: 1 } };
  return client.create(widgets, object);
}

async function eventsOf({ metadata }: KubeObject): Promise<Record<string, unknown>[]> {
  const { stdout } = await cluster.kubectl(['-n', metadata.namespace!, 'get', 'events.events.k8s.io', '-o', 'json']);
  return (JSON.parse(stdout) as { items: Record<string, unknown>[] }).items;
}

test('kubectl describe shows an event, and how often it came', async () => {
  const web = await widget();
  recorder.event(web, created);
  await recorder.flush();
  expect(await eventsOf(web)).toMatchObject([{ reason: 'Created', note: created.note, type: 'Normal' }]);
  recorder.event(web, created);
  await recorder.flush();
  recorder.event(web, created);
  await recorder.flush();
  expect(await eventsOf(web)).toMatchObject([{ series: { count: 3 }, reportingInstance: 'freehold-0' }]);
  expect(warnings).toEqual([]);
  const { stdout } = await cluster.kubectl(['-n', web.metadata.namespace!, 'describe', 'widget', 'w']);
  expect(stdout).toMatch(/Normal\s+Created\s+\S+ \(x3 over \S+\)\s+freehold.dev\/operator.*\s+server f42d was created/);
});

test('a note that is too long, and an event first sent as a series, are taken', async () => {
  const web = await widget();
  for (let count = 0; count < 3; count++) {
    recorder.event(web, { ...created, type: 'Warning', note: '漢'.repeat(1_000) });
  }
  await recorder.flush();
  expect(await eventsOf(web)).toMatchObject([{ type: 'Warning', note: expect.stringMatching(/漢…$/) }]);
  expect(warnings).toEqual([]);
});

test('a namespace that is being deleted takes none, without a warning', async () => {
  const web = await widget(['test.freehold.dev/hold']);
  const { namespace = '', name } = web.metadata;
  await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
  const namespaces: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };
  await until('it is terminating', async () => {
    const found = await client.get(namespaces, { namespace: '', name: namespace });
    return found?.metadata.deletionTimestamp !== undefined;
  });
  recorder.event(web, { ...created, reason: 'TooLate' });
  await recorder.flush();
  expect(warnings).toEqual([]);
  expect((await eventsOf(web)).filter(({ reason }) => reason === 'TooLate')).toEqual([]);
  await client.mergePatch(widgets, { namespace, name }, { metadata: { finalizers: null } });
});
