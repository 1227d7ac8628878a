import { once } from 'node:events';
import { systemRandom } from '../../src/base/random.ts';
import { systemClock } from '../../src/base/clock.ts';
import { configSchema } from '../../src/config.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { kubeConnection } from '../../src/kube/config.ts';
import { createOperator } from '../../src/operator.ts';
import { createTransport } from '../../src/remote/undici.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { scaledClock } from './scaled-clock.ts';

/**
 * An operator as a process of its own on a clock that runs faster than real time, for tests that kill it:
 * `node operator-child.ts '<JSON of ChildOptions>'`. It begins at the first byte of its standard input (so that it can be
 * loaded beforehand), runs until a signal ends it, and logs to its standard output.
 */
export interface ChildOptions {
  namespace: string;
  speed: number;
  /** Wall clock at which the faster time began, milliseconds. */
  origin: number;
  /** Fields of src/config.ts. */
  config: Record<string, unknown>;
}

await once(process.stdin, 'data');
const { namespace, speed, origin, config } = JSON.parse(process.argv[2] ?? '') as ChildOptions;
const parsed = configSchema.parse(config);
const clock = scaledClock(speed, origin);
// Sockets know real time only: their deadlines are not to become shorter than a loaded machine can answer.
const kube = createKubeClient({ connection: kubeConnection({ kubeconfig: parsed.kubeconfig! }), clock: systemClock });
const operator = createOperator(parsed, {
  kube,
  namespace,
  transport: createTransport({ clock: systemClock }),
  clock,
  random: systemRandom,
  log: createLog({ level: 'debug', destination: process.stdout, clock }),
  metrics: createMetrics({ ofProcess: false }),
});
await operator.run(new AbortController().signal);
