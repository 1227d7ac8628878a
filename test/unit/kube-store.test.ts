import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import type { Interruption } from '../../src/kube/reflector.ts';
import { createStore, type Store, type StoreOptions } from '../../src/kube/store.ts';
import { keyOf, type KubeObject, type ResourceType } from '../../src/kube/types.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { type Answering, type ScriptedServer, scriptedServer, type SeenRequest } from '../support/kube-server.ts';
import { until } from '../support/wait.ts';

const things: ResourceType = { group: '', version: 'v1', plural: 'things', kind: 'Thing' };

interface Stream {
  request: SeenRequest;
  event(type: string, object: unknown): void;
  bookmark(resourceVersion: number): void;
  end(): void;
  reset(): void;
}

let clock: TestClock;
let server: ScriptedServer;
let client: KubeClient;
let store: Store<KubeObject>;
let truth: KubeObject[];
let version: number;
/** Watches that were begun, in order. */
let streams: Stream[];
let lists: SeenRequest[];
let told: string[];
let logged: string[];
let ends: Interruption[];
/** Takes a request away from the ordinary answers by returning true. */
let instead: (request: SeenRequest, answering: Answering) => boolean;

beforeEach(async () => {
  clock = createTestClock();
  truth = [thing('x', 3), thing('y', 5)];
  version = 10;
  streams = [];
  lists = [];
  told = [];
  logged = [];
  ends = [];
  instead = () => false;
  server = await scriptedServer((request, answering) => {
    const isWatch = request.query.get('watch') === 'true';
    if (!isWatch) {
      lists.push(request);
    }
    if (instead(request, answering)) {
      return;
    }
    if (!isWatch) {
      const namespace = /namespaces\/([^/]+)/.exec(request.path)?.[1];
      const items = truth.filter((one) => !namespace || one.metadata.namespace === namespace);
      answering.json(200, { metadata: { resourceVersion: `${version}` }, items });
      return;
    }
    const { event, end } = answering.watch();
    const bookmark = (at: number) => event('BOOKMARK', { metadata: { resourceVersion: `${at}` } });
    streams.push({ request, event, bookmark, end, reset: answering.reset });
  });
  client = createKubeClient({ connection: server.connection, clock });
});

afterEach(async () => {
  await store.stop();
  await client.close();
  await server.close();
});

function thing(name: string, resourceVersion: number, uid = `${name}-1`, namespace = 'a'): KubeObject {
  return { apiVersion: 'v1', kind: 'Thing', metadata: { name, namespace, uid, resourceVersion: `${resourceVersion}` } };
}

async function started(options: Partial<StoreOptions<KubeObject>> = {}): Promise<Store<KubeObject>> {
  // The longest delay that a back-off may draw, so that a test can say when it ends.
  const random = { next: () => 0, bytes: (length: number) => new Uint8Array(length) };
  const line = (_: object, message?: string) => void logged.push(message ?? '');
  const log = { debug: line, info: line, warn: line, error: line } as unknown as Log;
  const onInterruption = (why: Interruption) => void ends.push(why);
  store = createStore({ api: client, type: things, namespaces: [], clock, random, log, onInterruption, ...options });
  store.onChange(({ type, object }) => void told.push(`${type} ${keyOf(object)} ${object.metadata.resourceVersion}`));
  store.start();
  return store;
}

/** The store as it runs in peace, with one watch open. */
async function watching(options: Partial<StoreOptions<KubeObject>> = {}): Promise<Stream> {
  await started(options);
  await store.whenSynced();
  await until('a watch is open', () => streams.length > 0);
  told.length = 0;
  return streams[0]!;
}

async function nextWatch(count: number): Promise<Stream> {
  await until(`watch ${count} is open`, () => streams.length >= count);
  return streams[count - 1]!;
}

const pending = (promise: Promise<unknown>) =>
  Promise.race([promise.then(() => false), new Promise<boolean>((resolve) => setTimeout(resolve, 30, true))]);

describe('a store', () => {
  test('holds what was listed, and follows the watch', async () => {
    await started();
    expect([store.synced, store.size]).toEqual([false, 0]);
    await store.whenSynced();
    expect([store.synced, store.size]).toEqual([true, 2]);
    const stream = await nextWatch(1);
    expect(stream.request.query.get('resourceVersion')).toBe('10');
    expect(Number(stream.request.query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
    stream.event('ADDED', thing('z', 11));
    stream.event('MODIFIED', thing('x', 12));
    stream.event('DELETED', thing('y', 13));
    stream.event('MODIFIED', thing('z', 14, 'z-2'));
    await until('all was heard', () => told.length === 7);
    expect(told).toEqual([
      'added a/x 3',
      'added a/y 5',
      'added a/z 11',
      'updated a/x 12',
      'deleted a/y 13',
      'deleted a/z 11',
      'added a/z 14',
    ]);
    expect(store.list().map(keyOf).sort()).toEqual(['a/x', 'a/z']);
    expect(store.get('a/x')?.metadata.resourceVersion).toBe('12');
    expect(store.get('a/y')).toBeUndefined();
  });

  test('keeps what project leaves of an object', async () => {
    const stream = await watching({
      project: ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata: { ...metadata, labels: undefined } }),
    });
    const labelled = thing('z', 11);
    labelled.metadata.labels = { big: 'label' };
    stream.event('ADDED', labelled);
    await until('it was heard', () => store.size === 3);
    expect(store.get('a/z')?.metadata.labels).toBeUndefined();
  });

  test('goes on when a listener throws, and logs it', async () => {
    const stream = await watching();
    store.onChange(() => {
      throw new Error('mine');
    });
    const heard: string[] = [];
    const stop = store.onChange(({ object }) => void heard.push(object.metadata.name));
    stream.event('ADDED', thing('p', 11));
    await until('the first was heard', () => heard.length === 1);
    stop();
    stream.event('ADDED', thing('q', 12));
    await until('both are held', () => store.size === 4);
    expect(heard).toEqual(['p']);
    expect(logged).toContain('a listener of the store failed');
    expect(streams).toHaveLength(1);
  });

  test('shows our own write before the watch tells of it', async () => {
    const stream = await watching();
    store.observe(thing('x', 12));
    expect(store.get('a/x')?.metadata.resourceVersion).toBe('12');
    stream.event('MODIFIED', thing('x', 11));
    stream.event('MODIFIED', thing('x', 12));
    stream.event('MODIFIED', thing('x', 13));
    await until('all was heard', () => store.get('a/x')?.metadata.resourceVersion === '13');
    expect(told).toEqual(['updated a/x 12', 'updated a/x 13']);
    stream.event('DELETED', thing('x', 14));
    await until('it is gone', () => store.size === 1);
    store.observe(thing('x', 13));
    expect(store.get('a/x')).toBeUndefined();
  });

  test('leaves no timer and no connection behind when it is stopped', async () => {
    const stream = await watching();
    stream.bookmark(11);
    await store.stop();
    expect(clock.pending()).toBe(0);
    await started();
    instead = (_, { status }) => {
      status(500, 'InternalError', 'no');
      return true;
    };
    await until('it backs off', () => clock.pending() === 1);
    await store.stop();
    expect(clock.pending()).toBe(0);
  });
});

describe('a watch that ends', () => {
  test('by its time limit is resumed at once where it was, without a list', async () => {
    const stream = await watching();
    stream.event('MODIFIED', thing('x', 12));
    stream.bookmark(20);
    stream.end();
    const next = await nextWatch(2);
    expect(next.request.query.get('resourceVersion')).toBe('20');
    expect(lists).toHaveLength(1);
    expect(ends).toEqual(['timeout']);
  });

  test('by a reset is resumed after a moment, and no event is lost or told twice', async () => {
    const stream = await watching();
    stream.event('MODIFIED', thing('x', 12));
    await until('it was heard', () => told.length === 1);
    stream.reset();
    await until('it backs off', () => ends.length === 1);
    expect(streams).toHaveLength(1);
    clock.advance(500);
    const next = await nextWatch(2);
    expect(next.request.query.get('resourceVersion')).toBe('12');
    next.event('MODIFIED', thing('x', 12));
    next.event('MODIFIED', thing('x', 13));
    await until('it was heard', () => told.length === 2);
    expect(told).toEqual(['updated a/x 12', 'updated a/x 13']);
    expect(lists).toHaveLength(1);
  });

  test('again and again at once is not begun again in a spin', async () => {
    instead = ({ query }, answering) => {
      if (query.get('watch')) {
        streams.push({} as Stream);
        answering.watch().end();
        return true;
      }
      return false;
    };
    await started();
    await until('it backs off', () => ends.length === 1);
    expect(await pending(nextWatch(2))).toBe(true);
    clock.advance(500);
    await until('the next ended', () => ends.length === 2);
    clock.advance(400);
    expect(await pending(nextWatch(3))).toBe(true);
    clock.advance(600);
    await nextWatch(3);
  });

  test('as too old is replaced by a list, whose differences are told', async () => {
    const stream = await watching();
    truth = [thing('x', 15), thing('z', 16)];
    version = 30;
    stream.event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' });
    const next = await nextWatch(2);
    expect(told).toEqual(['deleted a/y 5', 'updated a/x 15', 'added a/z 16']);
    expect(next.request.query.get('resourceVersion')).toBe('30');
    expect(ends).toEqual(['expired']);
  });

  test('because etcd was restored from a backup is replaced by a list, though that is older', async () => {
    const stream = await watching();
    stream.event('MODIFIED', thing('x', 500));
    await until('it was heard', () => told.length === 1);
    truth = [thing('x', 3)];
    version = 7;
    instead = ({ query }, { status }) => {
      const tooNew = Number(query.get('resourceVersion') ?? 0) > version;
      if (tooNew) {
        status(504, 'Timeout', 'Too large resource version: 500, current: 7');
      }
      return tooNew;
    };
    stream.reset();
    await until('it backs off', () => ends.length === 1);
    clock.advance(500);
    await until('it was told', () => ends.length === 2);
    clock.advance(1_000);
    await nextWatch(2);
    expect(store.get('a/x')?.metadata.resourceVersion).toBe('3');
    expect(store.size).toBe(1);
    expect(logged).toContain('the API server went back in time');
  });

  test('because it fell silent is cut by the watchdog and resumed', async () => {
    const stream = await watching();
    // The stream is open here; the client must have heard so too, or its deadline for the answer is what passes.
    const hears = async (resourceVersion: number) => {
      const before = store.lastActivity();
      stream.bookmark(resourceVersion);
      await until(`bookmark ${resourceVersion} was heard`, () => store.lastActivity() > before);
    };
    await hears(20);
    clock.advance(100_000);
    await hears(21);
    clock.advance(100_000);
    expect(await pending(nextWatch(2))).toBe(true);
    clock.advance(50_000);
    const next = await nextWatch(2);
    expect(next.request.query.get('resourceVersion')).toBe('21');
    expect(ends).toEqual(['silent']);
    expect(lists).toHaveLength(1);
  });
});

describe('an API server that refuses', () => {
  test('by 429 is left alone for as long as it asks', async () => {
    instead = (_, { status }) => {
      if (lists.length === 1) {
        status(429, 'TooManyRequests', 'slow down', { 'retry-after': '7' });
        return true;
      }
      return false;
    };
    await started();
    await until('it was refused', () => ends.length === 1);
    clock.advance(6_000);
    expect(await pending(store.whenSynced())).toBe(true);
    clock.advance(1_000);
    await store.whenSynced();
  });

  test('by 5xx is asked again after growing waits', async () => {
    instead = (_, { status }) => {
      status(500, 'InternalError', 'no');
      return true;
    };
    await started();
    for (const [tries, wait] of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000].entries()) {
      await until(`try ${tries + 1} failed`, () => ends.length === tries + 1);
      clock.advance(wait * 0.4);
      expect(lists).toHaveLength(tries + 1);
      clock.advance(wait * 0.6);
    }
  });

  test('one of several namespaces does not hold back the others, and is taken in when it may be read', async () => {
    truth = [thing('x', 3, 'u1', 'a'), thing('x', 4, 'u2', 'b')];
    let refuse = true;
    instead = ({ path }, { status }) => {
      if (refuse && path.includes('/namespaces/b/')) {
        status(403, 'Forbidden', 'things is forbidden');
        return true;
      }
      return false;
    };
    await started({ namespaces: ['a', 'b', 'a'] });
    await until('the first namespace is held', () => store.size === 1);
    expect(store.synced).toBe(false);
    for (let tries = 1; tries < 5; tries++) {
      await until(`refusal ${tries}`, () => ends.length === tries);
      clock.advance(20_000);
    }
    await store.whenSynced();
    const barrier = store.relist();
    await barrier;
    expect(store.lastActivity()).toBeGreaterThan(clock.monotonic() - 60_000);
    refuse = false;
    clock.advance(20_000);
    await until('the second namespace is held', () => store.get('b/x') !== undefined);
  });

  test('the only scope there is never counts as synced', async () => {
    instead = (_, { status }) => {
      status(403, 'Forbidden', 'no');
      return true;
    };
    await started();
    for (let tries = 1; tries < 9; tries++) {
      await until(`refusal ${tries}`, () => ends.length === tries);
      clock.advance(20_000);
    }
    expect(await pending(store.whenSynced())).toBe(true);
    expect(store.synced).toBe(false);
  });
});

describe('relist', () => {
  test('finds what a watch that hangs kept back, and watches on from there', async () => {
    await watching();
    truth = [thing('x', 40)];
    version = 41;
    await store.relist();
    expect(told).toEqual(['deleted a/y 5', 'updated a/x 40']);
    expect((await nextWatch(2)).request.query.get('resourceVersion')).toBe('41');
  });

  test('is not content with a list that began before the call', async () => {
    await watching();
    const held: Answering[] = [];
    instead = ({ query }, answering) => {
      if (!query.get('watch')) {
        held.push(answering);
      }
      return !query.get('watch');
    };
    const first = store.relist();
    await until('the first list is under way', () => held.length === 1);
    const second = store.relist();
    held[0]?.json(200, { metadata: { resourceVersion: '50' }, items: [thing('x', 49)] });
    await first;
    expect(await pending(second)).toBe(true);
    await until('the second list is under way', () => held.length === 2);
    held[1]?.json(200, { metadata: { resourceVersion: '52' }, items: [thing('x', 51)] });
    await second;
    expect(store.get('a/x')?.metadata.resourceVersion).toBe('51');
  });

  test('does not wait for the end of a back-off, and outlasts failures', async () => {
    const stream = await watching();
    instead = (_, { status }) => {
      status(503, 'ServiceUnavailable', 'no');
      return true;
    };
    for (let tries = 1; tries < 6; tries++) {
      if (tries === 1) {
        stream.reset();
      }
      await until('it backs off', () => ends.length === tries);
      clock.advance(tries === 5 ? 0 : 20_000);
    }
    const before = lists.length;
    const barrier = store.relist();
    await until('it was asked at once', () => lists.length === before + 1);
    expect(await pending(barrier)).toBe(true);
    instead = () => false;
    clock.advance(500);
    await barrier;
  });

  test('keeps our own write that the list does not hold yet', async () => {
    await watching();
    let answering: Answering | undefined;
    instead = (request, given) => {
      answering = request.query.get('watch') ? answering : given;
      return answering === given;
    };
    const barrier = store.relist();
    await until('the list is under way', () => answering !== undefined);
    store.observe(thing('new', 60));
    answering?.json(200, { metadata: { resourceVersion: '55' }, items: [thing('x', 3)] });
    await barrier;
    expect(store.list().map(keyOf).sort()).toEqual(['a/new', 'a/x']);
  });
});
