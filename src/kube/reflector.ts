import { backoff } from '../base/backoff.ts';
import { type Clock, sleep } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Log } from '../telemetry/log.ts';
import { isNewer } from './cache.ts';
import {
  type KubeApi,
  KubeError,
  type KubeObject,
  type ListResult,
  type ResourceType,
  type WatchEvent,
} from './types.ts';

/** Milliseconds. */
export interface ReflectorTiming {
  /** A watch that says nothing for this long is taken for dead. The API server sends a bookmark about every minute. */
  silence: number;
  /** First and longest wait after a failure. */
  retry: { base: number; max: number };
}

export const defaultReflectorTiming: ReflectorTiming = { silence: 150_000, retry: { base: 500, max: 20_000 } };

/**
 * Why the store watches anew: the server's time limit, a resource version that is too old, a list or watch that broke,
 * a watch that fell silent.
 */
export type Interruption = 'timeout' | 'expired' | 'error' | 'silent';

export interface ReflectorOptions<T extends KubeObject> {
  api: KubeApi;
  type: ResourceType;
  /** Absent: all namespaces. */
  namespace?: string;
  clock: Clock;
  random: Random;
  log?: Log;
  timing: ReflectorTiming;
  /**
   * When the API server keeps answering 403, relist() resolves all the same: one namespace that was mistyped, or whose
   * Role is missing, must not hold back the others.
   */
  mayBeRefused: boolean;
  /** `rewound`: the list is older than what was seen before (see Cache.replace). */
  onList: (list: ListResult<T>, rewound: boolean) => void;
  onEvent: (event: WatchEvent<T>) => void;
  onInterruption?: (why: Interruption) => void;
}

/** Lists and watches one resource type in one scope, for as long as it runs, through whatever the API server does. */
export interface Reflector {
  /** Runs until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when a consistent list that began after this call was taken in; never while the API server gives none. */
  relist(): Promise<void>;
  /** Up to which resource version everything was told; undefined before the first list. */
  seen(): string | undefined;
  /** When the API server was last heard, by the monotonic clock; undefined while this scope is refused. */
  lastActivity(): number | undefined;
}

/** Refusals in a row (some 6 s) after which a scope counts as refused: an API server that starts answers 403 for a moment. */
const refusals = 5;

export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  const { api, type, namespace, clock, random, timing, onList, onEvent } = options;
  const scope = { resource: type.plural, namespace };
  let seen: string | undefined;
  let lastActivity = clock.monotonic();
  let refused = 0;
  let failures = 0;
  let waiters: (() => void)[] = [];
  /** Ends the current watch or wait, so that a relist() starts at once. */
  let interrupt = new AbortController();

  const isRefused = () => options.mayBeRefused && refused >= refusals;

  async function list(): Promise<void> {
    const served = waiters;
    waiters = [];
    try {
      const result = await api.list<T>(type, { namespace });
      const rewound = seen !== undefined && isNewer(seen, result.resourceVersion);
      if (rewound) {
        options.log?.error({ ...scope, seen, now: result.resourceVersion }, 'the API server went back in time');
      }
      onList(result, rewound);
      seen = result.resourceVersion;
      lastActivity = clock.monotonic();
      refused = 0;
    } catch (error) {
      refused = error instanceof KubeError && error.status === 403 ? refused + 1 : 0;
      if (isRefused()) {
        settle(served);
      } else {
        waiters.push(...served);
      }
      throw error;
    }
    settle(served);
  }

  /** One connection, until it ends. Throws when it broke, or ended so soon that resuming at once would spin. */
  async function watch(resourceVersion: string, signal: AbortSignal): Promise<Interruption> {
    const began = clock.monotonic();
    const silent = new AbortController();
    let heard = began;
    let events = 0;
    let watchdog = clock.after(timing.silence, function bark() {
      const left = heard + timing.silence - clock.monotonic();
      if (left > 0) {
        watchdog = clock.after(left, bark);
      } else {
        silent.abort();
      }
    });
    try {
      const timeoutSeconds = Math.round(300 + 300 * random.next());
      const until = AbortSignal.any([signal, silent.signal]);
      const watching = api.watch<T>(type, { namespace, resourceVersion, timeoutSeconds, signal: until });
      for await (const event of watching) {
        // What is still buffered of a watch that was given up must not follow the list that takes its place.
        if (until.aborted) {
          break;
        }
        heard = clock.monotonic();
        lastActivity = heard;
        events += 1;
        failures = 0;
        onEvent(event);
        seen = event.object.metadata.resourceVersion ?? seen;
      }
    } finally {
      watchdog.cancel();
    }
    if (silent.signal.aborted) {
      return 'silent';
    }
    if (!signal.aborted && events === 0 && clock.monotonic() - began < 1_000) {
      throw new Error('the API server ended the watch at once');
    }
    return 'timeout';
  }

  async function pause(error: unknown, signal: AbortSignal): Promise<void> {
    const asked = error instanceof KubeError ? (error.retryAfter ?? 0) : 0;
    const delay = Math.max(asked, backoff(failures, timing.retry, random));
    failures += 1;
    const level = failures > 3 ? 'error' : 'warn';
    options.log?.[level]({ ...scope, err: error, retryInMs: Math.round(delay) }, 'list or watch failed');
    await sleep(clock, delay, signal);
  }

  async function run(stop: AbortSignal): Promise<void> {
    let listNeeded = true;
    while (!stop.aborted) {
      // The list below answers every relist() until now; the next one is to interrupt what follows.
      interrupt = new AbortController();
      const signal = AbortSignal.any([stop, interrupt.signal]);
      try {
        if (listNeeded || waiters.length > 0) {
          await list();
          listNeeded = false;
        }
        const end = await watch(seen ?? '', signal);
        failures = 0;
        if (!signal.aborted) {
          options.onInterruption?.(end);
        }
      } catch (error) {
        if (stop.aborted) {
          return;
        }
        const expired = isExpired(error);
        listNeeded ||= expired;
        options.onInterruption?.(expired ? 'expired' : 'error');
        // A resource version that grew too old is the usual thing after a long break: the first time costs no wait.
        if (expired && failures === 0) {
          failures += 1;
        } else {
          await pause(error, signal);
        }
      }
    }
  }

  return {
    run,
    relist() {
      return new Promise((resolve) => {
        waiters.push(resolve);
        failures = 0;
        interrupt.abort();
      });
    },
    seen: () => seen,
    lastActivity: () => (isRefused() ? undefined : lastActivity),
  };
}

function settle(waiters: (() => void)[]): void {
  for (const resolve of waiters) {
    resolve();
  }
}

/** The watch cannot go on from where it was: too old (410), of the future (504, after etcd was restored), or unreadable. */
function isExpired(error: unknown): boolean {
  if (!(error instanceof KubeError)) {
    return false;
  }
  const { status, message } = error;
  return status === 410 || status === 400 || (status === 504 && /resource version/i.test(message));
}
