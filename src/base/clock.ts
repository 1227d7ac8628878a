/**
 * Time, as a port: everything that waits or measures asks a Clock, so that a test or the simulation can own time.
 * All values are milliseconds.
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970. It may step. For what is written down: status, events, journals. */
  now(): number;
  /** Monotonic clock, milliseconds from an arbitrary origin. For every duration. */
  monotonic(): number;
  /** Runs `callback` once, `delay` milliseconds from now. The timer does not keep the process alive. */
  after(delay: number, callback: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Longest delay a Node timer takes; a larger one would fire at once. */
const longestDelay = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, callback) {
    const handle = setTimeout(callback, Math.min(Math.max(0, delay), longestDelay));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delay` milliseconds, or earlier when `signal` aborts (it never rejects: look at the signal). */
export function sleep(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const end = () => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.after(delay, end);
    signal?.addEventListener('abort', end, { once: true });
  });
}

/** Wall-clock time as RFC 3339 with whole seconds, the precision of `metav1.Time`. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
