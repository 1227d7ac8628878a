import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { createRecorder, type EventInput, type Recorder } from '../../src/kube/events.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { type Answering, type ScriptedServer, scriptedServer, type SeenRequest } from '../support/kube-server.ts';
import { until } from '../support/wait.ts';

const created: EventInput = { type: 'Normal', reason: 'Created', action: 'Create', note: 'server f42d was created' };
const web: KubeObject = {
  apiVersion: 'sdpf.freehold.dev/v1alpha1',
  kind: 'DedicatedHypervisor',
  metadata: { name: 'web', namespace: 'shop', uid: 'u-1', resourceVersion: '77' },
};

/** What the API server says of an event that was written; nothing of it is read. */
const written = { metadata: { name: 'e', resourceVersion: '1' } };

let clock: TestClock;
let server: ScriptedServer;
let client: KubeClient;
let recorder: Recorder;
let warnings: string[];
let answer: (request: SeenRequest, answering: Answering) => void;

beforeEach(async () => {
  clock = createTestClock();
  warnings = [];
  answer = (_, { json }) => json(200, written);
  server = await scriptedServer((request, answering) => answer(request, answering));
  client = createKubeClient({ connection: server.connection, clock });
  const log = { warn: (_: object, message: string) => void warnings.push(message) } as unknown as Log;
  recorder = createRecorder({
    api: client,
    clock,
    log,
    controller: 'freehold.dev/operator',
    instance: 'i'.repeat(200),
  });
});

afterEach(async () => {
  await client.close();
  await server.close();
});

function sent(): [string, Record<string, unknown>][] {
  return server.requests.map(({ method, body }) => [method, JSON.parse(body) as Record<string, unknown>]);
}

test('an event tells all that the API asks for', async () => {
  recorder.event(web, created);
  await recorder.flush();
  expect(sent()).toEqual([
    [
      'POST',
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { namespace: 'shop', name: expect.stringMatching(/^web\.[0-9a-f]{16}$/) },
        eventTime: expect.stringMatching(/\.\d{6}Z$/),
        reportingController: 'freehold.dev/operator',
        reportingInstance: 'i'.repeat(128),
        regarding: {
          apiVersion: 'sdpf.freehold.dev/v1alpha1',
          kind: 'DedicatedHypervisor',
          namespace: 'shop',
          name: 'web',
          uid: 'u-1',
          resourceVersion: '77',
        },
        type: 'Normal',
        reason: 'Created',
        action: 'Create',
        note: 'server f42d was created',
      },
    ],
  ]);
});

test('the same event again within six minutes counts on the first one', async () => {
  for (let count = 0; count < 3; count++) {
    recorder.event(web, created);
    await recorder.flush();
    clock.advance(5 * 60_000);
  }
  expect(sent().map(([method]) => method)).toEqual(['POST', 'PATCH', 'PATCH']);
  const { name } = sent()[0]![1].metadata as { name: string };
  expect(server.requests[1]?.path).toBe(`/apis/events.k8s.io/v1/namespaces/shop/events/${name}`);
  expect(sent()[2]![1]).toEqual({ series: { count: 3, lastObservedTime: expect.stringMatching(/\.\d{6}Z$/) } });
  clock.advance(60_001);
  recorder.event(web, created);
  await recorder.flush();
  expect(sent().at(-1)?.[0]).toBe('POST');
});

test('another note, reason or object is another event', async () => {
  recorder.event(web, created);
  recorder.event(web, { ...created, note: 'server 1122 was created' });
  recorder.event(web, { ...created, reason: 'Adopted' });
  recorder.event({ ...web, metadata: { ...web.metadata, uid: 'u-2' } }, created);
  await recorder.flush();
  expect(sent().map(([method]) => method)).toEqual(['POST', 'POST', 'POST', 'POST']);
});

test('a storm of one event is two calls, however slow the API server is', async () => {
  const held: Answering[] = [];
  answer = (_, answering) => void held.push(answering);
  recorder.event(web, created);
  await until('the first is under way', () => held.length === 1);
  for (let count = 0; count < 500; count++) {
    recorder.event(web, created);
  }
  answer = (_, { json }) => json(200, written);
  held[0]?.json(201, written);
  await recorder.flush();
  expect(sent()).toHaveLength(2);
  expect(sent()[1]![1].series).toMatchObject({ count: 501 });
});

test('a series whose event was forgotten starts anew', async () => {
  recorder.event(web, created);
  await recorder.flush();
  answer = ({ method }, { json, status }) =>
    method === 'PATCH' ? status(404, 'NotFound', 'events "web.1" not found') : json(201, written);
  recorder.event(web, created);
  await recorder.flush();
  expect(sent().map(([method]) => method)).toEqual(['POST', 'PATCH', 'POST']);
  expect(sent()[2]![1].series).toMatchObject({ count: 2 });
});

test('a note is cut at 1024 bytes, within no character', async () => {
  recorder.event(web, { ...created, note: `ab${'漢'.repeat(400)}` });
  await recorder.flush();
  const note = sent()[0]![1].note as string;
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
  expect(Buffer.byteLength(note)).toBeGreaterThan(1020);
  expect(note).toMatch(/^ab漢+…$/);
});

test('an event that fails is dropped with a warning, and the next ones go out', async () => {
  answer = (_, { status }) => status(500, 'InternalError', 'no');
  recorder.event(web, created);
  await recorder.flush();
  answer = (_, { json }) => json(201, written);
  recorder.event(web, { ...created, reason: 'Adopted' });
  await recorder.flush();
  expect(warnings).toEqual(['event dropped']);
  expect(sent()).toHaveLength(2);
});

test('a namespace that is going or gone takes no event, and nobody is told', async () => {
  const words = 'events is forbidden: unable to create new content in namespace shop because it is being terminated';
  answer = (_, { status }) => status(403, 'Forbidden', words);
  recorder.event(web, created);
  await recorder.flush();
  answer = (_, { status }) => status(404, 'NotFound', 'namespaces "shop" not found');
  recorder.event(web, created);
  await recorder.flush();
  expect(warnings).toEqual([]);
  answer = (_, { status }) => status(403, 'Forbidden', 'User "x" cannot create resource "events"');
  recorder.event(web, created);
  await recorder.flush();
  expect(warnings).toEqual(['event dropped']);
});

test('of too many events that wait the last are dropped, and flush does not wait for ever', async () => {
  answer = () => {};
  for (let count = 0; count < 1_005; count++) {
    recorder.event(web, { ...created, note: `${count}` });
  }
  // One is on its way, so that a thousand wait.
  expect(warnings).toEqual(Array.from({ length: 4 }, () => 'event dropped: too many are waiting'));
  const flushed = recorder.flush(2_000);
  await until('the first is under way', () => server.requests.length === 1);
  clock.advance(2_000);
  await flushed;
});
