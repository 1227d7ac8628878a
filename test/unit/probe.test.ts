import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { probeUntilWell } from '../../src/probe.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { serveTelemetry, type TelemetryServer } from '../../src/telemetry/server.ts';

let server: TelemetryServer | undefined;
afterEach(() => server?.close());

const problems = { ready: undefined as string | undefined };
async function served(problem?: string): Promise<string> {
  problems.ready = problem;
  server = await serveTelemetry({
    listen: '127.0.0.1:0',
    metrics: createMetrics({ ofProcess: false }),
    healthy: [],
    ready: [
      {
        name: 'caches',
        problem() {
          const words = problems.ready;
          // By the second question it is well.
          if (problem === 'soon') problems.ready = undefined;
          return words;
        },
      },
    ],
  });
  return `http://127.0.0.1:${server.port}`;
}

it('says what a running operator answers', async () => {
  const url = await served();
  expect(await probeUntilWell({ url, patience: 0, clock: systemClock })).toEqual([
    '/healthz: 200 ok',
    '/readyz: 200 ok',
  ]);
});

it('waits for an operator that begins', async () => {
  const url = await served('soon');
  expect(await probeUntilWell({ url, patience: 10_000, clock: systemClock })).toContain('/readyz: 200 ok');
});

it('gives up in the words of what is wrong', async () => {
  const url = await served('not every kind was listed yet');
  await expect(probeUntilWell({ url, patience: 0, clock: systemClock })).rejects.toThrow(
    'not well after 0 s: /readyz: 503 caches: not every kind was listed yet',
  );
});

it('says where nobody answers', async () => {
  const url = await served();
  await server!.close();
  server = undefined;
  await expect(probeUntilWell({ url, patience: 0, clock: systemClock })).rejects.toThrow(/\/healthz: .*ECONNREFUSED/);
});
