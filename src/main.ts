import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { Command } from 'commander';
import { systemClock } from './base/clock.ts';
import { systemRandom } from './base/random.ts';
import { parseDuration, readConfig, settings } from './config.ts';
import { createKubeClient } from './kube/client.ts';
import { kubeConnection } from './kube/config.ts';
import { createOperator } from './operator.ts';
import { createTransport } from './remote/undici.ts';
import { eventLoopCheck } from './telemetry/event-loop.ts';
import { createLog } from './telemetry/log.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { serveTelemetry } from './telemetry/server.ts';
import { version } from './version.ts';

/** Aborts at the first SIGTERM or SIGINT; a second one ends the process at once. */
function untilSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1);
      controller.abort();
    });
  }
  return controller.signal;
}

/** What the container may use, where it is limited, and what of it the heap may take, MB. */
function memoryLimits(): { memoryLimitMB?: number; heapLimitMB: number } {
  const limit = process.constrainedMemory();
  const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20);
  return {
    // Without a limit, cgroup v1 says more than there is, and v2 nothing.
    ...(limit > 0 && limit < totalmem() && { memoryLimitMB: megabytes(limit) }),
    heapLimitMB: megabytes(getHeapStatistics().heap_size_limit),
  };
}

async function run(flags: Record<string, unknown>): Promise<void> {
  const config = readConfig(flags, process.env);
  const signal = untilSignal();
  const log = createLog({ level: config.logLevel });
  const metrics = createMetrics();
  metrics.buildInfo.set({ version, node: process.versions.node }, 1);
  const connection = kubeConnection({
    clock: systemClock,
    ...(config.kubeconfig !== undefined && { kubeconfig: config.kubeconfig }),
    ...(config.context !== undefined && { context: config.context }),
  });
  const kube = createKubeClient({
    connection,
    clock: systemClock,
    onCall({ method, resource, status, milliseconds }) {
      metrics.kubeRequests.inc({ verb: method, resource, code: status === undefined ? '' : String(status) });
      metrics.kubeRequestDuration.observe({ verb: method }, milliseconds / 1000);
    },
  });
  const transport = createTransport({ clock: systemClock });
  const operator = createOperator(config, {
    kube,
    namespace: connection.namespace,
    transport,
    clock: systemClock,
    random: systemRandom,
    log,
    metrics,
  });
  const eventLoop = eventLoopCheck();
  const telemetry = await serveTelemetry({
    listen: config.listen,
    metrics,
    healthy: [eventLoop, ...operator.healthy],
    ready: operator.ready,
  });
  const { ownerID } = config;
  log.info(
    { ownerID, server: connection.server.origin, telemetry: telemetry.port, ...memoryLimits() },
    'freehold begins',
  );
  // Every timer of ours lets the process end; this one keeps it alive while it works.
  const alive = setInterval(() => undefined, 2 ** 30);
  await operator.run(signal);
  clearInterval(alive);
  await telemetry.close();
  eventLoop.stop();
  await Promise.all([kube.close(), transport.close()]);
  log.info({}, 'freehold ends');
}

async function sandbox({ listen }: { listen: string }): Promise<void> {
  const signal = untilSignal();
  const { runSandbox } = await import('./sandbox/serve.ts');
  const { info, close } = await runSandbox({ listen });
  console.log(JSON.stringify(info));
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  await close();
}

async function crds(): Promise<void> {
  const { printedCRDs } = await import('./print-crds.ts');
  console.log(printedCRDs());
}

async function probe(url: string, { timeout }: { timeout: string }): Promise<void> {
  const patience = parseDuration(timeout);
  if (patience === undefined) throw new Error(`--timeout: "${timeout}" is no duration; write e.g. 90s or 15m`);
  const { probeUntilWell } = await import('./probe.ts');
  for (const answer of await probeUntilWell({ url, patience, clock: systemClock })) console.log(answer);
}

const program = new Command('freehold')
  .description('Kubernetes operator for infrastructure that is owned or contracted, not borrowed by the minute')
  .showHelpAfterError('(--help lists the flags)');

const runCommand = program
  .command('run', { isDefault: true })
  .description('run the operator; every flag is also read from FREEHOLD_<FLAG>, e.g. FREEHOLD_OWNER_ID');
for (const { flag, description } of settings) runCommand.option(flag, description);
runCommand.action(() => {
  const values = runCommand.opts<Record<string, unknown>>();
  // commander's camel case of --owner-id is ownerId.
  return run(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name === 'ownerId' ? 'ownerID' : name, value])),
  );
});

program
  .command('sandbox')
  .description('simulate the remote APIs on this machine, to rehearse changes without paying')
  .option('--listen <host:port>', 'where to listen; port 0 takes a free one', '127.0.0.1:0')
  .action(sandbox);

program.command('crds').description('print the CustomResourceDefinitions').action(crds);

program
  .command('probe')
  .description('ask /healthz and /readyz of a running operator, until both are well')
  .argument('<url>', 'where it serves them, e.g. http://freehold:8080')
  .option('--timeout <duration>', 'how long to go on asking', '60s')
  .action(probe);

program.parseAsync().catch((error: unknown) => {
  console.error(`freehold: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
