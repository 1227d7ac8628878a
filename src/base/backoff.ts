import type { Random } from './random.ts';

export interface BackoffOptions {
  /** First delay, milliseconds. */
  base: number;
  /** Longest delay, milliseconds. */
  max: number;
  /** Growth per attempt; default 2. */
  factor?: number;
  /** Share of the delay that is random, 0…1; default 0.2. */
  jitter?: number;
}

/**
 * Exponential back-off with jitter: the delay before try number `attempt` (0 for the first retry), in milliseconds.
 * It is never above `max` and never below `base * (1 - jitter)`.
 */
export function backoff(attempt: number, options: BackoffOptions, random: Random): number {
  const { base, max, factor = 2, jitter = 0.2 } = options;
  const grown = Math.min(max, base * factor ** Math.min(Math.max(0, attempt), 64));
  return grown * (1 - jitter * random.next());
}
