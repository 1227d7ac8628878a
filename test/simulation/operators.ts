import { configSchema } from '../../src/config.ts';
import type { KubeApi } from '../../src/kube/types.ts';
import { createOperator } from '../../src/operator.ts';
import type { RemoteTransport } from '../../src/remote/transport.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { Metrics } from '../../src/telemetry/metrics.ts';
import { ownerID } from './people.ts';
import { createProcess, type Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import { seeded } from './seeded.ts';
import { storyBegin } from './times.ts';
import type { Tell } from './trace.ts';

/** The operator's processes: what a Deployment of one or two replicas keeps alive. */
export interface Operators {
  /** Starts number so and so where it is not alive. */
  start(operator: number): void;
  /** SIGKILL; nobody starts it again for so many seconds. */
  kill(operator: number, seconds: number): void;
  killAll(seconds: number): void;
  /** SIGSTOP, for so many seconds. */
  stop(operator: number, seconds: number): void;
  /** SIGTERM. */
  leave(operator: number): void;
  stepClock(operator: number, seconds: number): void;
  /** Killed so far. */
  readonly crashes: number;
}

export interface OperatorsOptions {
  seed: number;
  scheduler: Scheduler;
  tell: Tell;
  /** The way of this process to the world. */
  reach(process: Process): { kube: KubeApi; transport: RemoteTransport };
  printed(line: string): void;
}

/** Of one that died or ended, milliseconds. */
const restartAfter = 5_000;

const config = configSchema.parse({
  ownerID,
  leaseNamespace: 'freehold',
  leaseDuration: '120s',
  renewDeadline: '80s',
  retryPeriod: '20s',
  allowedEndpoints: 'clouds.example',
  allowInsecureEndpoints: true,
  writeDeadline: '30s',
  settleWindow: '6m',
  secretInterval: '2m',
});

/** Nobody reads them here, and counting for nobody is a twentieth of the time. */
const uncounted = { inc() {}, observe() {}, set() {}, reset() {} };
const unread = new Proxy({} as Metrics, { get: (_, name) => (name === 'beforeScrape' ? () => {} : uncounted) });

export function createOperators({ seed, scheduler, tell, reach, printed }: OperatorsOptions): Operators {
  const processes = new Map<number, Process>();
  const stopping = new Map<Process, AbortController>();
  /** Until when nobody starts a dead one again, by number. */
  const down = new Map<number, number>();
  let born = 0;
  let crashes = 0;

  function start(operator: number): void {
    if (processes.get(operator)?.alive) return;
    born += 1;
    const process = createProcess(`operator-${operator}.${born}`, scheduler, storyBegin);
    processes.set(operator, process);
    const { clock } = process;
    const destination = {
      write(line: string) {
        printed(line);
        tell(process, () => `log ${line.trimEnd()}`);
      },
    };
    const run = createOperator(
      { ...config, identity: process.name },
      {
        ...reach(process),
        namespace: 'freehold',
        clock,
        random: seeded(seed).fork(process.name),
        log: createLog({ level: 'info', destination, clock }),
        metrics: unread,
      },
    );
    const controller = new AbortController();
    stopping.set(process, controller);
    process.onKill(() => {
      crashes += 1;
      tell(process, () => 'dies');
      scheduler.at(scheduler.now() + restartAfter, () => revive(operator));
    });
    tell(process, () => 'begins');
    void run.run(controller.signal).then(() => {
      tell(process, () => 'ends');
      crashes -= 1;
      process.kill();
    });
  }

  function revive(operator: number): void {
    const until = down.get(operator) ?? 0;
    if (scheduler.now() < until) scheduler.at(until, () => revive(operator));
    else start(operator);
  }

  function kill(operator: number, seconds: number): void {
    down.set(operator, scheduler.now() + seconds * 1000);
    const process = processes.get(operator);
    if (process?.alive) process.kill();
  }

  return {
    start,
    kill,
    killAll(seconds) {
      for (const operator of processes.keys()) kill(operator, seconds);
    },
    stop: (operator, seconds) => processes.get(operator)?.pause(seconds * 1000),
    leave(operator) {
      const process = processes.get(operator);
      if (process?.alive) stopping.get(process)?.abort();
    },
    stepClock: (operator, seconds) => processes.get(operator)?.stepWall(seconds * 1000),
    get crashes() {
      return crashes;
    },
  };
}
