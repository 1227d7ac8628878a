import type { Clock } from '../../src/base/clock.ts';

/**
 * Time that runs `speed` times as fast from `origin` (wall clock, milliseconds) on: processes that are given the same
 * origin agree on it. For an operator in a process of its own, whose clock no test can advance.
 */
export function scaledClock(speed: number, origin: number): Clock {
  const longest = 2 ** 31 - 1;
  const monotonic = () => performance.now() * speed;
  return {
    now: () => origin + (Date.now() - origin) * speed,
    monotonic,
    after(delay, callback) {
      const due = monotonic() + Math.max(0, delay);
      let handle: NodeJS.Timeout;
      // A Node timer may run a moment early by performance.now(); a Clock's never does.
      const arm = () => {
        const left = (due - monotonic()) / speed;
        handle = setTimeout(
          () => (monotonic() < due ? arm() : callback()),
          Math.min(Math.max(0, Math.ceil(left)), longest),
        );
        handle.unref();
      };
      arm();
      return { cancel: () => clearTimeout(handle) };
    },
  };
}
