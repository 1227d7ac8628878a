import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Check } from './server.ts';

export interface EventLoopCheck extends Check {
  stop(): void;
}

/**
 * Fails when the event loop stood still for longer than `limit` milliseconds since the last time it was asked: leases
 * and deadlines cannot be kept by a process that does not get on. One failure is a spike, several in a row a defect.
 */
export function eventLoopCheck({ limit = 5000 } = {}): EventLoopCheck {
  const delays = monitorEventLoopDelay({ resolution: 20 });
  delays.enable();
  return {
    name: 'event-loop',
    problem() {
      const longest = delays.max / 1e6;
      delays.reset();
      return longest > limit ? `stood still for ${Math.round(longest)} ms, more than ${limit} ms` : undefined;
    },
    stop: () => delays.disable(),
  };
}
