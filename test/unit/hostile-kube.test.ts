import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { createStore } from '../../src/kube/store.ts';
import { KubeError, type KubeObject, KubeUnreachable, type ResourceType } from '../../src/kube/types.ts';
import { createTestClock } from '../support/clock.ts';
import {
  answer,
  expectUnpolluted,
  foreignBody,
  type HostileAnswer,
  hostileAnswer,
  mutated,
  nested,
  runs,
} from '../support/hostile.ts';
import { until } from '../support/wait.ts';

const things: ResourceType = { group: '', version: 'v1', plural: 'things', kind: 'Thing' };
const key = { namespace: 'shop', name: 'x' };
const secret = 'canary-kube-secret';
const encoded = Buffer.from(secret).toString('base64');
const thing = (name: string, version = 3) => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: `${version}` },
  data: { password: encoded },
});
const listOf = (items: unknown[], version = 10) => ({
  kind: 'ThingList',
  apiVersion: 'v1',
  metadata: { resourceVersion: `${version}` },
  items,
});

let server: http.Server;
let client: KubeClient;
let asked: string[];
/** Of a list (each page) and of a read. */
let given: HostileAnswer;
/** Of a watch: the lines, after which it ends. */
let lines: string[];
const clock = createTestClock();

beforeEach(async () => {
  asked = [];
  lines = [];
  server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    const watch = /[?&]watch=true/.test(request.url ?? '');
    response.writeHead(watch ? 200 : given.status, { 'content-type': 'application/json', ...given.headers });
    response.end(watch ? lines.join('\n') : given.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const credentials = () => Promise.resolve({ headers: {}, tls: {} });
  client = createKubeClient({ connection: { server: url, namespace: 'd', credentials }, clock });
});

afterEach(async () => {
  await client.close();
  server.closeAllConnections();
  server.close();
});

async function endOf<T>(call: () => Promise<T>): Promise<{ value: T; error?: undefined } | { error: unknown }> {
  try {
    return { value: await call() };
  } catch (error) {
    return { error };
  }
}

/** The API server's own words are passed on; of an answer that cannot be read nothing is quoted. */
function expectKubeError(error: unknown): void {
  if (!(error instanceof KubeError) && !(error instanceof KubeUnreachable))
    throw new Error('not typed', { cause: error });
  const all = inspect(error, { depth: 10 });
  for (const one of [secret, encoded.slice(0, 8)]) expect(all).not.toContain(one);
}

async function watched(): Promise<unknown[]> {
  const events: unknown[] = [];
  const { signal } = new AbortController();
  const options = { namespace: 'shop', resourceVersion: '1', timeoutSeconds: 1, signal };
  for await (const event of client.watch(things, options)) events.push(event);
  return events;
}

describe('what an API server answers', () => {
  test('to a failing call of any kind becomes an error that is typed', async () => {
    const status = { kind: 'Status', code: 404, reason: 'NotFound', message: 'no', details: { retryAfterSeconds: 1 } };
    const refusal = hostileAnswer(status).filter((each) => each.status > 299);
    const calls = [
      () => client.list(things),
      () => client.create(things, thing('x')),
      () => client.mergePatch(things, key, {}),
      () => client.apply(things, key, {}, { fieldManager: 'f' }),
    ];
    const property = fc.asyncProperty(refusal, fc.constantFrom(...calls), async (refused, call) => {
      given = refused;
      const end = await endOf(call as () => Promise<unknown>);
      expectUnpolluted();
      expect(end).toHaveProperty('error');
      expectKubeError(end.error);
    });
    await fc.assert(property, runs(40));
  });

  test('with a Secret and a status of failure is not quoted, whole or cut', async () => {
    const text = JSON.stringify({ data: { password: encoded }, metadata: thing('x').metadata });
    for (const body of [
      text,
      text.slice(0, 30),
      text.slice(10, 60),
      `error: ${text}`,
      text.slice(text.indexOf(encoded)),
    ]) {
      given = answer(500, body);
      expectKubeError((await endOf(() => client.get(things, key))).error);
    }
  });

  test('with 404 says that an object is gone only in the words of an API server', async () => {
    const property = fc.asyncProperty(foreignBody, async (body) => {
      given = answer(404, body);
      expect(await endOf(() => client.get(things, key))).toHaveProperty('error');
      expect(await endOf(() => client.delete(things, key))).toHaveProperty('error');
    });
    await fc.assert(property, runs(40));
  });

  test('in a watch becomes events or an error that is typed', async () => {
    const event = { type: 'MODIFIED', object: thing('x') };
    const gone = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } };
    const line = fc.oneof(mutated(event), mutated(gone), foreignBody, fc.constant(JSON.stringify(event)));
    const property = fc.asyncProperty(fc.array(line, { maxLength: 4 }), async (all) => {
      given = answer(200, '');
      lines = all;
      const end = await endOf(watched);
      expectUnpolluted();
      if (end.error !== undefined) expectKubeError(end.error);
    });
    await fc.assert(property, runs(40));
  });

  test('in a line of 8 MB or of a hundred thousand levels is read or refused', async () => {
    given = answer(200, '');
    for (const object of [nested(100_000), `"${'x'.repeat(8 << 20)}"`, `{"metadata":${nested(100_000)}}`]) {
      lines = [`{"type":"ADDED","object":${object}}`];
      const end = await endOf(watched);
      if (end.error !== undefined) expectKubeError(end.error);
    }
  });
});

describe('a store before an API server that talks nonsense', () => {
  /** Long enough for some lists and watches; the clock is moved, so that no pause lasts. */
  async function someTurns() {
    const before = asked.length;
    await until('more requests', () => {
      clock.advance(60_000);
      return asked.length >= before + 3;
    });
  }

  test('keeps what it knows, and goes on when the server makes sense again', async () => {
    const notAList = fc.oneof(
      foreignBody.filter((body) => body.trim() !== '{}').map((body) => answer(200, body)),
      fc.constantFrom(301, 403, 404, 410, 429, 500, 503, 599).map((status) => answer(status, '<html>')),
      fc
        .constantFrom('[null]', '[5]', '[{}]', '[{"metadata":null}]')
        .map((items) => answer(200, `{"metadata":{"resourceVersion":"99"},"items":${items}}`)),
    );
    const noEvents = fc.array(
      fc.oneof(
        foreignBody,
        fc.constantFrom('{"type":"MODIFIED"}', '{"type":"MODIFIED","object":null}', '{"type":"DELETED","object":{}}'),
        fc.constantFrom('{"type":"ERROR","object":null}', '{"type":"ERROR","object":{"code":"410"}}', '{"object":{}}'),
      ),
      { minLength: 1, maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(notAList, noEvents, async (list, events) => {
        given = answer(200, listOf([thing('x'), thing('y')]));
        lines = [];
        const store = createStore<KubeObject>({
          api: client,
          type: things,
          namespaces: [],
          clock,
          random: systemRandom,
        });
        const told: string[] = [];
        store.onChange(({ type, object }) => void told.push(`${type} ${object.metadata.name}`));
        store.start();
        await store.whenSynced();
        lines = events;
        await someTurns();
        given = list;
        void store.relist();
        await someTurns();
        expect(store.list().map(({ metadata }) => metadata.name)).toEqual(['x', 'y']);
        expect(told).toEqual(['added x', 'added y']);
        lines = [];
        given = answer(200, listOf([thing('x'), thing('z', 12)], 20));
        const relisted = store.relist();
        await until('the new list', () => {
          clock.advance(60_000);
          return store.get('shop/z') !== undefined;
        });
        await relisted;
        expect(store.list().map(({ metadata }) => metadata.name)).toEqual(['x', 'z']);
        await store.stop();
      }),
      runs(10),
    );
  });
});
