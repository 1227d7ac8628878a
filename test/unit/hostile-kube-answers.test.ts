import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { createStore } from '../../src/kube/store.ts';
import { KubeError, type KubeObject, KubeUnreachable, type ResourceType } from '../../src/kube/types.ts';
import { createTestClock } from '../support/clock.ts';
import { type Answering, type ScriptedServer, scriptedServer, type SeenRequest } from '../support/kube-server.ts';
import { until } from '../support/wait.ts';

describe('an API server', () => {
  const things: ResourceType = { group: '', version: 'v1', plural: 'things', kind: 'Thing' };
  const key = { namespace: 'shop', name: 'x' };
  const thing = (name: string, resourceVersion: unknown = '3') => ({
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion },
  });
  const good = { metadata: { resourceVersion: '10' }, items: [thing('x')] };
  const clock = createTestClock();
  let server: ScriptedServer;
  let client: KubeClient;
  let reply: (request: SeenRequest, answering: Answering) => void;

  beforeEach(async () => {
    server = await scriptedServer((request, answering) => reply(request, answering));
    client = createKubeClient({ connection: server.connection, clock });
  });
  afterEach(async () => {
    await client.close();
    await server.close();
  });

  /** Answers with these very bytes. */
  const raw =
    (body: string) =>
    (_request: SeenRequest, { watch }: Answering) => {
      const stream = watch();
      stream.write(body);
      stream.end();
    };
  const watched = async () => {
    const { signal } = new AbortController();
    const options = { namespace: 'shop', resourceVersion: '1', timeoutSeconds: 1, signal };
    for await (const event of client.watch(things, options)) expect(event).toBeDefined();
  };
  const errorOf = async (call: () => Promise<unknown>) => {
    const error: unknown = await call().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof KubeError) && !(error instanceof KubeUnreachable))
      throw new Error('not typed', { cause: error });
    return error;
  };

  test.each([
    '{}',
    '[]',
    '5',
    'null',
    '{"metadata":{"resourceVersion":"9"}}',
    '{"metadata":{"resourceVersion":"x"},"items":[]}',
    '{"metadata":{"resourceVersion":"9","continue":5},"items":[]}',
  ])('that answers a list with %s gave no list', async (body) => {
    reply = raw(body);
    await errorOf(() => client.list(things));
  });

  test.each(['"ab"', '5', '[null]', '[{}]', '[{"metadata":{}}]', '[{"metadata":{"name":"x"}}]', '{}'])(
    'whose list has %s for items gave no list',
    async (items) => {
      reply = raw(`{"metadata":{"resourceVersion":"9"},"items":${items}}`);
      await errorOf(() => client.list(things));
    },
  );

  test.each([
    ...['null', '5', '[]', '{}', '"x"', '{"metadata":null}'],
    ...[
      { name: 'x', resourceVersion: 'x' },
      { name: 'x', resourceVersion: '9'.repeat(1_000) },
      { resourceVersion: '1' },
    ].map((metadata) => JSON.stringify({ metadata })),
  ])('that answers a read or a write with %s gave no object', async (body) => {
    reply = raw(body);
    await errorOf(() => client.get(things, key));
    await errorOf(() => client.create(things, thing('x') as KubeObject));
    await errorOf(() => client.apply(things, key, {}, { fieldManager: 'f' }));
  });

  test.each([
    ['one page again and again', () => 'again'],
    ['two pages in turn', (page: number) => `page ${page % 2}`],
  ])('whose list is %s is not asked for ever', async (_name, token) => {
    let pages = 0;
    reply = (_request, answering) => {
      pages += 1;
      const last = pages === 500;
      answering.json(200, { ...good, metadata: { resourceVersion: '10', ...(!last && { continue: token(pages) }) } });
    };
    await errorOf(() => client.list(things));
    expect(pages).toBeLessThan(10);
  });

  test('whose answer is broken within a Secret does not have that quoted', async () => {
    reply = raw('{"kind":"Secret","data":{"password":canary"}}');
    expect(inspect(await errorOf(() => client.get(things, key)), { depth: 9 })).not.toContain('canary');
    reply = raw('{"type":"ADDED","object":{"data":{"password":canary"}}}');
    expect(inspect(await errorOf(watched), { depth: 9 })).not.toContain('canary');
  });

  test('that says very much does not have all of it repeated', async () => {
    const [reason, message] = ['r'.repeat(10_000), 'm'.repeat(1_000_000)];
    reply = (_request, { status }) => status(500, reason, message);
    expect((await errorOf(() => client.get(things, key))).message.length).toBeLessThan(10_000);
    reply = (_request, answering) => answering.watch().event('ERROR', { code: 500, reason, message });
    expect((await errorOf(watched)).message.length).toBeLessThan(10_000);
  });

  test.each([
    ['a bookmark of no version', { type: 'BOOKMARK', object: { metadata: { resourceVersion: 'x' } } }],
    ['an object of no version', { type: 'ADDED', object: thing('y', 'x') }],
    ['an object whose version is a number', { type: 'ADDED', object: thing('y', 1.5) }],
  ])('that sent %s is listened to again', async (_name, event) => {
    let truth: object = good;
    let sends: object | undefined = event;
    reply = (request, answering) => {
      if (request.query.get('watch') !== 'true') return answering.json(200, truth);
      if (!/^\d*$/.test(request.query.get('resourceVersion') ?? '')) return answering.status(400, 'BadRequest', 'no');
      const stream = answering.watch();
      if (sends !== undefined) stream.event((sends as { type: string }).type, (sends as { object: unknown }).object);
      stream.end();
    };
    const store = createStore<KubeObject>({ api: client, type: things, namespaces: [], clock, random: systemRandom });
    try {
      store.start();
      await store.whenSynced();
      const before = server.requests.length;
      const turn = async (what: string, done: () => boolean) => {
        for (let count = 0; count < 150 && !done(); count += 1) {
          clock.advance(60_000);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        expect(done(), what).toBe(true);
      };
      await turn('watches', () => server.requests.length > before + 2);
      truth = { metadata: { resourceVersion: '20' }, items: [thing('x'), thing('z', '12')] };
      sends = { type: 'MODIFIED', object: thing('x', '19') };
      void store.relist();
      await turn('the new list', () => store.get('shop/z') !== undefined);
      await turn('the new event', () => store.get('shop/x')?.metadata.resourceVersion === '19');
    } finally {
      await store.stop();
    }
  });

  test('that asks for a pause of thirty years is asked again within the hour', async () => {
    let bad = true;
    reply = (request, answering) => {
      if (request.query.get('watch') === 'true') return void answering.watch();
      if (bad) answering.status(503, '', 'overloaded', { 'retry-after': '1000000000' });
      else answering.json(200, good);
    };
    const store = createStore<KubeObject>({ api: client, type: things, namespaces: [], clock, random: systemRandom });
    try {
      store.start();
      await until('the list', () => server.requests.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
      bad = false;
      clock.advance(3_600_000);
      for (let count = 0; count < 150 && store.size === 0; count += 1)
        await new Promise((resolve) => setTimeout(resolve, 5));
      expect(store.size).toBe(1);
    } finally {
      await store.stop();
    }
  });
});
