import { afterEach, describe, expect, test, vi } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { eventLoopCheck } from '../../src/telemetry/event-loop.ts';
import { createLog, type LogLevel } from '../../src/telemetry/log.ts';
import { createMetrics, labels } from '../../src/telemetry/metrics.ts';
import { type Check, serveTelemetry, type TelemetryServer } from '../../src/telemetry/server.ts';

const canary = 'canary-5up3r-s3cr3t';

/** A log, and what it has written. */
function logged(level: LogLevel = 'info') {
  const lines: string[] = [];
  const log = createLog({ level, destination: { write: (line) => void lines.push(line) } });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}

describe('a log line', () => {
  test('is JSON with level, time, message and fields', () => {
    const { log, last } = logged();
    log.warn({ kind: 'GuestLicense', attempt: 2 }, 'waiting');
    expect(last()).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      kind: 'GuestLicense',
      attempt: 2,
      msg: 'waiting',
    });
  });

  test('is left out below the level', () => {
    const { log, lines } = logged('warn');
    log.info('quiet');
    expect(lines).toEqual([]);
  });

  test('tells an error with its causes, and the stack only at debug', () => {
    const error = Object.assign(
      new Error('create failed', { cause: new AggregateError([new Error('refused'), 'odd']) }),
      {
        status: 503,
        request: { headers: { 'x-auth-token': canary } },
      },
    );
    const { log, lines, last } = logged();
    log.error({ err: error, why: new Error('other key') }, 'failed');
    expect(last()).toMatchObject({
      err: {
        name: 'Error',
        message: 'create failed',
        status: 503,
        cause: { name: 'AggregateError', errors: [{ name: 'Error', message: 'refused' }, 'odd'] },
      },
      why: { message: 'other key' },
    });
    expect(lines.join()).not.toMatch(/"stack"|canary/);

    const verbose = logged('debug');
    verbose.log.error(error);
    expect(verbose.last()).toMatchObject({ err: { stack: expect.stringContaining('telemetry.test.ts') } });
  });

  test('ends where a chain of causes is a ring', () => {
    const error = new Error('round');
    error.cause = error;
    const { log, lines } = logged();
    log.error(error);
    expect(lines[0]).toContain('round');
  });
});

test('a Secret shows nowhere: not in fields, causes or messages of the log, nor as a metric label', async () => {
  const secret = new Secret(canary);
  const { log, lines } = logged('debug');
  log.info({ secret, deep: { list: [secret], map: new Map([['a', secret]]) } }, `token ${String(secret)}`);
  log.error({ err: new Error(`with ${String(secret)}`, { cause: { password: secret } }) });
  log.error({ err: new Error('x', { cause: secret }) }, 'y');
  log.error(new AggregateError([secret], String(secret)));
  log.info('%s %o %j', secret, secret, secret);

  const metrics = createMetrics({ ofProcess: false });
  metrics.reconciles.inc({ kind: secret as unknown as string, result: 'ready' });
  const scrape = await metrics.text();

  expect(lines).toHaveLength(5);
  expect(lines.join()).toContain('[redacted]');
  expect(scrape).toContain('kind="[redacted]"');
  expect(lines.join() + scrape).not.toContain(canary);
});

describe('metrics', () => {
  test('follow the conventions: prefix, unit, total, help text', async () => {
    const text = await createMetrics({ ofProcess: false }).text();
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    expect(types.length).toBeGreaterThan(20);
    for (const [, name, type] of types) {
      expect(name).toMatch(/^freehold_[a-z_]+$/);
      expect([name, name!.endsWith('_total')]).toEqual([name, type === 'counter']);
      expect([name, type !== 'histogram' || name!.endsWith('_seconds')]).toEqual([name, true]);
      expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.*\\.$`, 'm'));
    }
  });

  test('are listed with their labels, each of which has a meaning', async () => {
    const { definitions, text } = createMetrics({ ofProcess: false });
    const types = [...(await text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
    expect(definitions.map(({ name, type }) => [name, type])).toEqual(types);
    expect([...new Set(definitions.flatMap(({ labelNames }) => labelNames))].sort()).toEqual(
      Object.keys(labels).sort(),
    );
  });

  test('are read off at each scrape where they are not counted along', async () => {
    const metrics = createMetrics({ ofProcess: false });
    let depth = 3;
    metrics.beforeScrape(() => metrics.queueDepth.set({ name: 'resources' }, depth));
    expect(await metrics.text()).toContain('freehold_workqueue_depth{name="resources"} 3');
    depth = 0;
    expect(await metrics.text()).toContain('freehold_workqueue_depth{name="resources"} 0');
  });

  test('of two operators in one process do not mix, and those of the process are there unless left out', async () => {
    const [one, other] = [createMetrics(), createMetrics({ ofProcess: false })];
    one.leader.set(1);
    expect(await one.text()).toMatch(/^freehold_leader 1$/m);
    expect(await other.text()).toMatch(/^freehold_leader 0$/m);
    expect(await one.text()).toContain('process_cpu_seconds_total');
    expect(await other.text()).not.toContain('process_');
  });
});

describe('the telemetry server', () => {
  let server: TelemetryServer | undefined;
  afterEach(() => server?.close());

  async function serve(checks: { healthy?: Check[]; ready?: Check[] } = {}) {
    const metrics = createMetrics({ ofProcess: false });
    server = await serveTelemetry({ listen: '127.0.0.1:0', metrics, healthy: [], ready: [], ...checks });
    const { port } = server;
    return async (path: string, init?: RequestInit) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
      return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
    };
  }

  test('serves metrics in the format that Prometheus asks for', async () => {
    const get = await serve();
    const { status, type, text } = await get('/metrics');
    expect(status).toBe(200);
    expect(type).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text).toContain('freehold_leader 0');
  });

  test('is well while no check fails, else names the first that does, with its words', async () => {
    let problem: string | undefined;
    const get = await serve({
      healthy: [
        { name: 'fine', problem: () => undefined },
        { name: 'watches', problem: () => problem },
      ],
      ready: [{ name: 'stores', problem: () => 'not yet listed' }],
    });
    expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok' });
    expect(await get('/readyz')).toMatchObject({ status: 503, text: 'stores: not yet listed\n' });
    problem = 'silent for 10 minutes';
    expect(await get('/healthz?verbose')).toMatchObject({ status: 503, text: 'watches: silent for 10 minutes\n' });
  });

  test('tell what a person should know although all is well', async () => {
    const quiet = { name: 'caches', problem: () => undefined, note: () => undefined };
    const ready = [quiet, { name: 'shards', problem: () => undefined, note: () => 'waits for the others' }];
    const get = await serve({ ready });
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ok\nshards: waits for the others' });
  });

  test('knows nothing else', async () => {
    const get = await serve();
    expect((await get('/')).status).toBe(404);
    expect((await get('/metrics/../secrets')).status).toBe(404);
    expect((await get('/metrics', { method: 'POST' })).status).toBe(404);
  });

  test('closes at once though clients keep connections open', async () => {
    const get = await serve();
    await get('/healthz');
    await server!.close();
    server = undefined;
    await expect(get('/healthz')).rejects.toThrow('fetch failed');
  });

  test.each(['8080', 'localhost', ':65536', '::1:80', ''])('refuses to listen on "%s"', async (listen) => {
    const metrics = createMetrics({ ofProcess: false });
    await expect(serveTelemetry({ listen, metrics, healthy: [], ready: [] })).rejects.toThrow('host:port');
  });

  test('says so when the port is taken', async () => {
    await serve();
    const listen = `127.0.0.1:${server!.port}`;
    const metrics = createMetrics({ ofProcess: false });
    await expect(serveTelemetry({ listen, metrics, healthy: [], ready: [] })).rejects.toThrow('EADDRINUSE');
  });
});

test('the event-loop check fails once after the loop stood still, and is well again', async () => {
  const check = eventLoopCheck({ limit: 150 });
  const blocker = setInterval(() => {
    for (const end = performance.now() + 200; performance.now() < end; );
  }, 300);
  try {
    await vi.waitFor(() => expect(check.problem()).toMatch(/^stood still for \d+ ms, more than 150 ms$/), {
      timeout: 10_000,
      interval: 130,
    });
    clearInterval(blocker);
    await vi.waitFor(() => expect(check.problem()).toBeUndefined());
  } finally {
    clearInterval(blocker);
    check.stop();
  }
});
