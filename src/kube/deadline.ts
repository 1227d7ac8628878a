import type { Clock } from '../base/clock.ts';

/**
 * Settles as `work` does, or rejects once `milliseconds` have passed; then the signal that `work` was given is aborted
 * too, with the same error.
 */
export function withDeadline<T>(
  clock: Clock,
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const timer = clock.after(milliseconds, () => {
      const error = new Error(`no answer within ${milliseconds / 1000} s`);
      reject(error);
      controller.abort(error);
    });
    work(controller.signal)
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}
