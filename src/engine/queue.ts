import type { Clock, Timer } from '../base/clock.ts';
import { backoff, type BackoffOptions } from '../base/backoff.ts';
import type { Random } from '../base/random.ts';

/** 0 goes first: someone waits for it (a change, a deletion); 1: the remote moved; 2: routine. */
export type QueuePriority = 0 | 1 | 2;

/** What one run of a key asks for. */
export type RunResult =
  /** Back-off ends; runs again after `after` milliseconds, or only when added. */
  | { failed: false; after?: number }
  /** Runs again after the key's back-off, but not before `notBefore` milliseconds. */
  | { failed: true; notBefore?: number };

export interface QueueHooks {
  added?(): void;
  retried?(): void;
  /** `queued` and `worked` in milliseconds. */
  done?(queued: number, worked: number): void;
}

export interface Queue {
  /** Runs `key` soon. While it waits, the better priority counts; while it runs, it runs once more afterwards. */
  add(key: string, priority?: QueuePriority): void;
  /** Runs `key` at the latest after `delay` milliseconds. The earliest wish counts. */
  addAfter(key: string, delay: number): void;
  /** Forgets delays and back-off of a key that is gone. */
  forget(key: string): void;
  start(): void;
  /** Starts nothing more; resolves when all that runs has ended. */
  stop(): Promise<void>;
  readonly depth: number;
  readonly running: number;
  /** Monotonic start of the run that has been going on longest; undefined when none runs. */
  oldestRun(): number | undefined;
  /** Seconds spent so far on all that runs, summed. */
  unfinished(): number;
}

export interface QueueOptions {
  clock: Clock;
  random: Random;
  workers: number;
  /** Never throws: turn every failure into a result. */
  run: (key: string) => Promise<RunResult>;
  backoff?: BackoffOptions;
  hooks?: QueueHooks;
}

const defaultBackoff: BackoffOptions = { base: 1000, max: 300_000 };

/**
 * client-go's work queue in one piece: a key waits at most once, never runs twice at once, and a key added while it runs
 * is not lost but runs again.
 */
export function createQueue(options: QueueOptions): Queue {
  const { clock, random, hooks = {} } = options;
  const lanes: [Set<string>, Set<string>, Set<string>] = [new Set(), new Set(), new Set()];
  const addedAt = new Map<string, number>();
  const processing = new Map<string, number>();
  const dirty = new Map<string, QueuePriority>();
  const delayed = new Map<string, { at: number; timer: Timer }>();
  const failures = new Map<string, number>();
  let started = false;
  let stopping = false;
  const idle: (() => void)[] = [];

  function waitingIn(key: string): QueuePriority | undefined {
    return ([0, 1, 2] as const).find((priority) => lanes[priority].has(key));
  }

  function enqueue(key: string, priority: QueuePriority): void {
    const current = waitingIn(key);
    if (current !== undefined && current <= priority) return;
    if (current === undefined) {
      addedAt.set(key, clock.monotonic());
      hooks.added?.();
    } else lanes[current].delete(key);
    lanes[priority].add(key);
    pump();
  }

  function add(key: string, priority: QueuePriority = 1): void {
    if (stopping) return;
    if (processing.has(key)) dirty.set(key, Math.min(dirty.get(key) ?? 2, priority) as QueuePriority);
    else enqueue(key, priority);
  }

  function addAfter(key: string, delay: number): void {
    if (stopping) return;
    const at = clock.monotonic() + delay;
    const current = delayed.get(key);
    if (current && current.at <= at) return;
    current?.timer.cancel();
    const fire = () => {
      const left = at - clock.monotonic();
      if (left > 1) {
        // Node's timers are bounded: a far one is set again.
        delayed.set(key, { at, timer: clock.after(left, fire) });
        return;
      }
      delayed.delete(key);
      add(key, 2);
    };
    delayed.set(key, { at, timer: clock.after(delay, fire) });
  }

  function take(): string | undefined {
    for (const lane of lanes) {
      for (const key of lane) {
        lane.delete(key);
        return key;
      }
    }
    return undefined;
  }

  function pump(): void {
    while (started && !stopping && processing.size < options.workers) {
      const key = take();
      if (key === undefined) return;
      void work(key);
    }
  }

  async function work(key: string): Promise<void> {
    const begun = clock.monotonic();
    const queued = begun - (addedAt.get(key) ?? begun);
    addedAt.delete(key);
    processing.set(key, begun);
    // A turn of its own: run() must not re-enter the caller of add().
    await Promise.resolve();
    // What was added before it begins, it sees.
    dirty.delete(key);
    const result = await options.run(key);
    processing.delete(key);
    hooks.done?.(queued, clock.monotonic() - begun);
    if (stopping) {
      if (processing.size === 0) for (const resolve of idle.splice(0)) resolve();
      return;
    }
    if (result.failed) {
      const attempt = failures.get(key) ?? 0;
      failures.set(key, attempt + 1);
      hooks.retried?.();
      addAfter(key, Math.max(result.notBefore ?? 0, backoff(attempt, options.backoff ?? defaultBackoff, random)));
    } else {
      failures.delete(key);
      if (result.after !== undefined) addAfter(key, result.after);
    }
    const priority = dirty.get(key);
    if (priority !== undefined) {
      dirty.delete(key);
      enqueue(key, priority);
    }
    pump();
  }

  return {
    add,
    addAfter,
    forget(key) {
      failures.delete(key);
      delayed.get(key)?.timer.cancel();
      delayed.delete(key);
    },
    start() {
      started = true;
      pump();
    },
    stop() {
      stopping = true;
      for (const { timer } of delayed.values()) timer.cancel();
      delayed.clear();
      return processing.size === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve));
    },
    get depth() {
      return lanes[0].size + lanes[1].size + lanes[2].size;
    },
    get running() {
      return processing.size;
    },
    oldestRun() {
      return processing.size === 0 ? undefined : Math.min(...processing.values());
    },
    unfinished: () => [...processing.values()].reduce((sum, begun) => sum + clock.monotonic() - begun, 0) / 1000,
  };
}
