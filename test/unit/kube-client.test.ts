import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import type { KubeHttpOptions } from '../../src/kube/http.ts';
import { KubeError, type KubeObject, KubeUnreachable, type ResourceType } from '../../src/kube/types.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { type Answering, type ScriptedServer, scriptedServer, type SeenRequest } from '../support/kube-server.ts';
import { until } from '../support/wait.ts';

const servers: ResourceType = { group: 'sdpf.freehold.dev', version: 'v1alpha1', plural: 'servers', kind: 'Server' };
const leases: ResourceType = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease' };
const secrets: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const key = { namespace: 'shop', name: 'web' };
const web: KubeObject = {
  apiVersion: 'sdpf.freehold.dev/v1alpha1',
  kind: 'Server',
  metadata: { name: 'web', namespace: 'shop', resourceVersion: '7' },
};

let clock: TestClock;
let server: ScriptedServer;
let client: KubeClient;
let answer: (request: SeenRequest, answering: Answering) => void;
let calls: [string, number | undefined][];

beforeEach(async () => {
  clock = createTestClock();
  server = await scriptedServer((request, answering) => answer(request, answering));
  calls = [];
  client = clientWith({});
});

afterEach(async () => {
  await client.close();
  await server.close();
});

function clientWith(options: Partial<KubeHttpOptions>): KubeClient {
  const onCall: KubeHttpOptions['onCall'] = ({ method, status }) => void calls.push([method, status]);
  return createKubeClient({ connection: server.connection, clock, onCall, ...options });
}

function sent(): string[] {
  return server.requests.map(
    ({ method, path, query }) => `${method} ${path}${query.size > 0 ? `?${query.toString()}` : ''}`,
  );
}

describe('what goes over the wire', () => {
  test('paths of core, group, status and list requests', async () => {
    const none = { items: null, metadata: { resourceVersion: '1' } };
    answer = ({ method, path }, { json }) => json(200, method === 'GET' && path.endsWith('s') ? none : web);
    await client.get(secrets, key);
    await client.list(servers);
    await client.list(servers, { namespace: 'shop', labelSelector: 'a=b', fieldSelector: 'c=d', limit: 3 });
    await client.create(servers, web);
    await client.mergePatch(servers, key, {}, { subresource: 'status', fieldManager: 'freehold-journal' });
    await client.apply(servers, key, { ...web }, { fieldManager: 'freehold' });
    expect(sent()).toEqual([
      'GET /api/v1/namespaces/shop/secrets/web',
      'GET /apis/sdpf.freehold.dev/v1alpha1/servers?limit=500',
      'GET /apis/sdpf.freehold.dev/v1alpha1/namespaces/shop/servers?labelSelector=a%3Db&fieldSelector=c%3Dd&limit=3',
      'POST /apis/sdpf.freehold.dev/v1alpha1/namespaces/shop/servers',
      'PATCH /apis/sdpf.freehold.dev/v1alpha1/namespaces/shop/servers/web/status?fieldManager=freehold-journal',
      'PATCH /apis/sdpf.freehold.dev/v1alpha1/namespaces/shop/servers/web?fieldManager=freehold&force=true',
    ]);
    expect(server.requests.slice(3).map((request) => request.headers['content-type'])).toEqual([
      'application/json',
      'application/merge-patch+json',
      'application/apply-patch+yaml',
    ]);
  });

  test('a path prefix of the server stays in front', async () => {
    answer = (_, { json }) => json(200, web);
    const connection = { ...server.connection, server: new URL('k8s/clusters/c-1/', server.url) };
    const behindGateway = clientWith({ connection });
    await behindGateway.get(secrets, key);
    expect(sent()).toEqual(['GET /k8s/clusters/c-1/api/v1/namespaces/shop/secrets/web']);
    await behindGateway.close();
  });
});

describe('a connection that is reset', () => {
  test('is tried once more for a read', async () => {
    answer = (_, answering) => (server.requests.length === 1 ? answering.reset() : answering.json(200, web));
    expect(await client.get(servers, key)).toEqual(web);
    expect(server.requests).toHaveLength(2);
  });

  test('twice is KubeUnreachable', async () => {
    answer = (_, { reset }) => reset();
    const reading = client.get(servers, key);
    await expect(reading).rejects.toBeInstanceOf(KubeUnreachable);
    await expect(reading).rejects.toThrow('GET servers.sdpf.freehold.dev/shop/web: no answer from the API server: ');
    expect(server.requests).toHaveLength(2);
    expect(calls).toEqual([['GET', undefined]]);
  });

  test('is never tried again for a write', async () => {
    answer = (_, { reset }) => reset();
    await expect(client.mergePatch(servers, key, {})).rejects.toBeInstanceOf(KubeUnreachable);
    await expect(client.create(servers, web)).rejects.toBeInstanceOf(KubeUnreachable);
    await expect(client.delete(servers, key)).rejects.toBeInstanceOf(KubeUnreachable);
    expect(server.requests).toHaveLength(3);
  });
});

describe('an API server that is slow', () => {
  test('keeps no renewal of the lease waiting behind other calls', async () => {
    answer = ({ path }, { json }) => {
      if (path.includes('/leases/')) json(200, web);
    };
    const others = Array.from({ length: 100 }, () => client.mergePatch(servers, key, {}).catch(() => undefined));
    await until('all connections are taken', () => server.requests.length === 32);
    await client.mergePatch(leases, key, {});
    clock.advance(30_000);
    await Promise.all(others);
  });
});

describe('renewals that hang', () => {
  test('keep no later one waiting', async () => {
    answer = (_, { json }) => {
      if (server.requests.length > 4) json(200, web);
    };
    const hung = Array.from({ length: 4 }, () => client.mergePatch(leases, key, {}).catch(() => undefined));
    await until('they hang', () => server.requests.length === 4);
    await client.mergePatch(leases, key, {});
    clock.advance(30_000);
    await Promise.all(hung);
  });
});

describe('an answer that is late', () => {
  test('ends the call at its deadline, and leaves no timer', async () => {
    answer = () => {};
    const call = client.mergePatch(servers, key, {});
    const failed = expect(call).rejects.toThrow(/no answer within 30 s/);
    await until('the request arrived', () => server.requests.length === 1);
    clock.advance(29_000);
    clock.advance(1_000);
    await failed;
    await expect(call).rejects.toBeInstanceOf(KubeUnreachable);
    expect(clock.pending()).toBe(0);
  });

  test('ends the start of a watch too, but not the watch', async () => {
    answer = () => {};
    const options = { resourceVersion: '1', timeoutSeconds: 300, signal: new AbortController().signal };
    const watching = client.watch(servers, options)[Symbol.asyncIterator]().next();
    const failed = expect(watching).rejects.toThrow(/no answer within 30 s/);
    await until('the request arrived', () => server.requests.length === 1);
    clock.advance(30_000);
    await failed;

    let stream: ReturnType<Answering['watch']> | undefined;
    answer = (_, answering) => {
      stream = answering.watch();
      stream.event('ADDED', web);
    };
    const iterator = client.watch(servers, options)[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual({ type: 'ADDED', object: web });
    clock.advance(250_000);
    stream?.event('DELETED', web);
    expect((await iterator.next()).value).toEqual({ type: 'DELETED', object: web });
    await iterator.return?.();
  });
});

describe('credentials that are refused', () => {
  test('are read again, once, and the call is sent again, a write too', async () => {
    const old = { headers: { authorization: 'Bearer old' }, tls: {} };
    const fresh = { headers: { authorization: 'Bearer fresh' }, tls: {} };
    const connection = {
      ...server.connection,
      credentials: (rejected?: unknown) => Promise.resolve(rejected === old ? fresh : old),
    };
    answer = ({ headers }, { json, status }) =>
      headers.authorization === 'Bearer fresh' ? json(200, web) : status(401, 'Unauthorized', 'Unauthorized');
    const rotating = clientWith({ connection });
    expect(await rotating.mergePatch(servers, key, {})).toEqual(web);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer fresh']);

    answer = (_, { status }) => status(401, 'Unauthorized', 'Unauthorized');
    await expect(rotating.get(servers, key)).rejects.toMatchObject({ status: 401 });
    expect(server.requests).toHaveLength(4);
    await rotating.close();
  });
});

describe('an answer that says no', () => {
  test('is a KubeError with what the API server said', async () => {
    answer = (_, { status }) => status(409, 'Conflict', 'the object has been modified');
    await expect(client.mergePatch(servers, key, {}, { subresource: 'status' })).rejects.toMatchObject({
      name: 'KubeError',
      status: 409,
      reason: 'Conflict',
      message: 'PATCH servers.sdpf.freehold.dev/shop/web/status: 409 Conflict: the object has been modified',
      retryAfter: undefined,
    });
    expect(calls).toEqual([['PATCH', 409]]);
  });

  test('with Retry-After says how long to wait', async () => {
    answer = (_, { status }) => status(429, 'TooManyRequests', 'slow down', { 'retry-after': '3' });
    await expect(client.list(servers)).rejects.toMatchObject({ status: 429, retryAfter: 3_000 });
  });

  test('without a Status body, as a proxy would, keeps its first words', async () => {
    answer = (_, { json }) => json(502, 'Bad Gateway');
    await expect(client.get(secrets, key)).rejects.toThrow('GET secrets/shop/web: 502: ');
    answer = (_, answering) => {
      const body = answering.watch();
      body.write('<html>');
      body.end();
    };
    const unreadable = client.get(secrets, key);
    await expect(unreadable).rejects.toBeInstanceOf(KubeUnreachable);
  });

  test('404 is absence only when it is about the object', async () => {
    answer = (_, { status }) => status(404, 'NotFound', 'servers "web" not found');
    expect(await client.get(servers, key)).toBeUndefined();
    expect(await client.delete(servers, key)).toBe(false);
    await expect(client.mergePatch(servers, key, {})).rejects.toMatchObject({ status: 404 });
    answer = (_, { json }) => json(404, '404 page not found');
    await expect(client.get(servers, key)).rejects.toBeInstanceOf(KubeError);
  });

  test('delete sends its preconditions', async () => {
    answer = (_, { json }) => json(200, { kind: 'Status', status: 'Success' });
    expect(await client.delete(servers, key, { uid: 'u', resourceVersion: '7' })).toBe(true);
    expect(JSON.parse(server.requests[0]!.body)).toMatchObject({ preconditions: { uid: 'u', resourceVersion: '7' } });
  });
});

describe('a list in pages', () => {
  const page = (names: string[], token?: string) => ({
    metadata: { resourceVersion: '40', continue: token },
    items: names.map((name) => ({ metadata: { name, resourceVersion: '7', managedFields: [{}] } })),
  });

  test('is put together, and starts over once when the token expires', async () => {
    answer = ({ query }, { json, status }) => {
      switch (server.requests.length) {
        case 1:
          return json(200, page(['a', 'b'], 'next'));
        case 2:
          return status(410, 'Expired', 'The provided continue parameter is too old');
        default:
          return json(200, query.get('continue') === 'fresh' ? page(['d']) : page(['b', 'c'], 'fresh'));
      }
    };
    const { items, resourceVersion } = await client.list(servers);
    expect(resourceVersion).toBe('40');
    expect(items.map((item) => item.metadata.name)).toEqual(['b', 'c', 'd']);
    expect(items[0]).toMatchObject({ apiVersion: 'sdpf.freehold.dev/v1alpha1', kind: 'Server' });
    expect(items[0]?.metadata.managedFields).toBeUndefined();
  });

  test('that expires again is an error', async () => {
    answer = ({ query }, { json, status }) =>
      query.has('continue') ? status(410, 'Expired', 'too old') : json(200, page(['a'], 'next'));
    await expect(client.list(servers)).rejects.toMatchObject({ status: 410 });
    expect(server.requests).toHaveLength(4);
  });
});

describe('a watch', () => {
  const options = () => ({ resourceVersion: '5', timeoutSeconds: 400, signal: new AbortController().signal });

  async function all(signal?: AbortSignal): Promise<unknown[]> {
    const events: unknown[] = [];
    for await (const event of client.watch(servers, { ...options(), ...(signal && { signal }) })) {
      events.push(event);
    }
    return events;
  }

  test('asks for bookmarks and its time limit, and ends when the server ends it', async () => {
    answer = (_, answering) => {
      const stream = answering.watch();
      stream.event('ADDED', { ...web, metadata: { ...web.metadata, managedFields: [{}] } });
      stream.event('BOOKMARK', { metadata: { resourceVersion: '9' } });
      stream.end();
    };
    expect(await all()).toEqual([
      { type: 'ADDED', object: { ...web, metadata: { ...web.metadata, managedFields: undefined } } },
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } },
    ]);
    expect(Object.fromEntries(server.requests[0]!.query)).toEqual({
      ...{ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '5', timeoutSeconds: '400' },
    });
  });

  test('throws KubeError 410 when told so by an ERROR event', async () => {
    answer = (_, answering) => {
      answering.watch().event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });
    };
    await expect(all()).rejects.toMatchObject({ name: 'KubeError', status: 410, reason: 'Expired' });
  });

  test('throws KubeUnreachable when it is reset, or cut within an event', async () => {
    answer = (_, answering) => {
      answering.watch().event('ADDED', web);
      setImmediate(() => answering.reset());
    };
    await expect(all()).rejects.toBeInstanceOf(KubeUnreachable);
    answer = (_, answering) => {
      const stream = answering.watch();
      stream.write('{"type":"ADDED","obj');
      stream.end();
    };
    await expect(all()).rejects.toThrow(/cut off or unreadable event/);
  });

  test('just ends when it is aborted, though the server is silent', async () => {
    answer = (_, answering) => void answering.watch();
    const stop = new AbortController();
    const ended = all(stop.signal);
    await until('the watch stands', () => calls.length === 1);
    stop.abort();
    expect(await ended).toEqual([]);
  });

  test('just ends when it was aborted before it began, and asks for nothing', async () => {
    answer = (_, answering) => void answering.watch();
    expect(await all(AbortSignal.abort())).toEqual([]);
    expect(sent()).toEqual([]);
  });
});
