import type { Clock, Timer } from '../base/clock.ts';
import type { Priority } from './call.ts';
import { RemoteError } from './errors.ts';

export interface BudgetLimits {
  /** Calls a second in the long run; above 0. */
  rate: number;
  /** Calls that may go out at once after a quiet time; at least 1. */
  burst: number;
}

export interface BudgetFigures {
  /** Calls that could go out at once. */
  tokens: number;
  waiting: Record<Priority, number>;
  /** Milliseconds that whoever waits longest has waited by now. */
  longestWait: number;
  /** Calls wait long (longerThan), or did so a short time ago (settledAfter). */
  exhausted: boolean;
  /** Monotonic time, milliseconds, until which nothing goes out; undefined when not paused. */
  pausedUntil: number | undefined;
}

/** The right to call one remote tenant: every exchange takes one token first. */
export interface Budget {
  /**
   * Resolves when the call may go out. Rejects with RemoteError `BudgetExhausted` once that would take longer than
   * `maxWait` milliseconds, and with the signal's reason when it aborts; either way no token is used.
   */
  take(priority: Priority, options: { maxWait: number; operation?: string; signal?: AbortSignal }): Promise<void>;
  /** Stops every priority until the given monotonic time (429, Retry-After). It never shortens a pause. */
  pauseUntil(monotonic: number): void;
  setLimits(limits: BudgetLimits): void;
  figures(): BudgetFigures;
  /** Called when `exhausted` turns. */
  onExhausted(listener: () => void): void;
}

/** A wait of so long is told to people, milliseconds. */
const longerThan = 10_000;

/** And for so long afterwards: what turns with every call would only be noise. Milliseconds. */
const settledAfter = 5 * 60_000;

/**
 * The budget that `target` gives at each use: a session is made before its sign-in tells to which remote tenant, and so
 * to which budget, its calls belong. Once there was one, a call that ends late still finds it.
 */
export function forwardingBudget(target: () => Budget | undefined): Budget {
  let last: Budget | undefined;
  const budget = () => {
    last = target() ?? last;
    if (last) return last;
    const message = 'no budget is known for this tenant before it is connected; it will be tried again';
    throw new RemoteError({ reason: 'BudgetExhausted', outcome: 'definitely-not', operation: 'budget', message });
  };
  return {
    take: async (priority, options) => budget().take(priority, options),
    pauseUntil: (monotonic) => budget().pauseUntil(monotonic),
    setLimits: (limits) => budget().setLimits(limits),
    figures: () => budget().figures(),
    onExhausted: (listener) => budget().onExhausted(listener),
  };
}

/** From most to least urgent. */
const priorities: readonly Priority[] = ['write', 'motion', 'poll'];

/** Of so many tokens in a row that passed over someone less urgent, the next goes to the longest waiting of them. */
const passedOverAtMost = 7;

interface Waiter {
  order: number;
  since: number;
  grant(): void;
}

/** A token bucket with three priorities, FIFO inside each. It starts full. */
export function createBudget(clock: Clock, initial: BudgetLimits): Budget {
  let { rate, burst } = checked(initial);
  let tokens = burst;
  let filledAt = clock.monotonic();
  let pausedUntil = -Infinity;
  let arrivals = 0;
  let passedOver = 0;
  let timer: Timer | undefined;
  /** Monotonic time at which a long wait was seen last. */
  let lastLong = -Infinity;
  let exhausted = false;
  let look: Timer | undefined;
  const listeners = new Set<() => void>();
  const queues: Record<Priority, Set<Waiter>> = { write: new Set(), motion: new Set(), poll: new Set() };

  function refill() {
    const now = clock.monotonic();
    if (now <= filledAt) return; // during a pause filledAt lies in the future
    tokens = Math.min(burst, tokens + ((now - filledAt) / 1000) * rate);
    filledAt = now;
  }

  function next(): [Set<Waiter>, Waiter] | undefined {
    const [first, ...others] = priorities.map((priority) => queues[priority]).filter((queue) => queue.size > 0);
    if (first === undefined) return undefined;
    if (others.length === 0) passedOver = 0;
    else if (passedOver < passedOverAtMost) passedOver++;
    else {
      passedOver = 0;
      const oldest = others.reduce((a, b) => (head(a).order < head(b).order ? a : b));
      return [oldest, head(oldest)];
    }
    return [first, head(first)];
  }

  /** Of whoever waits longest, milliseconds; undefined when nobody does. */
  function longestWait(): number | undefined {
    const heads = priorities.map((priority) => queues[priority]).filter((queue) => queue.size > 0);
    return heads.length === 0 ? undefined : clock.monotonic() - Math.min(...heads.map((queue) => head(queue).since));
  }

  /** Turns `exhausted`, and looks again when time alone may turn it. */
  function judge() {
    look?.cancel();
    look = undefined;
    const now = clock.monotonic();
    const wait = longestWait();
    if (wait !== undefined && wait >= longerThan) lastLong = now;
    const before = exhausted;
    exhausted = now - lastLong < settledAfter;
    if (exhausted) look = clock.after(lastLong + settledAfter - now, judge);
    else if (wait !== undefined) look = clock.after(longerThan - wait, judge);
    if (exhausted !== before) for (const listener of listeners) listener();
  }

  function serve() {
    timer?.cancel();
    timer = undefined;
    refill();
    const now = clock.monotonic();
    // The sum of many refills may fall short of a whole token by rounding.
    while (now >= pausedUntil && tokens >= 1 - 1e-9) {
      const chosen = next();
      if (chosen === undefined) return;
      tokens = Math.max(0, tokens - 1);
      chosen[0].delete(chosen[1]);
      chosen[1].grant();
    }
    if (priorities.every((priority) => queues[priority].size === 0)) return;
    const wait = now < pausedUntil ? pausedUntil - now : ((1 - tokens) / rate) * 1000;
    timer = clock.after(Math.max(1, Math.ceil(wait)), serve);
  }

  return {
    take(priority, { maxWait, operation = 'budget', signal }) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const queue = queues[priority];
        const end = () => {
          queue.delete(waiter);
          patience?.cancel();
          signal?.removeEventListener('abort', onAbort);
        };
        const onAbort = () => {
          end();
          reject(signal?.reason);
        };
        const refuse = () => {
          end();
          lastLong = clock.monotonic();
          judge();
          reject(
            new RemoteError({
              reason: 'BudgetExhausted',
              outcome: 'definitely-not',
              operation,
              message: `${operation}: this tenant's budget of ${rate} calls a second leaves none within ${Math.round(maxWait / 1000)} s; it will be tried again`,
            }),
          );
        };
        const waiter: Waiter = {
          order: arrivals++,
          since: clock.monotonic(),
          grant: () => {
            if (clock.monotonic() - waiter.since >= longerThan) lastLong = clock.monotonic();
            end();
            resolve();
          },
        };
        let patience: Timer | undefined;
        if (pausedUntil - clock.monotonic() > maxWait) {
          refuse();
          return;
        }
        queue.add(waiter);
        patience = clock.after(maxWait, refuse);
        signal?.addEventListener('abort', onAbort, { once: true });
        serve();
        if (queue.has(waiter)) look ??= clock.after(longerThan, judge);
      });
    },
    onExhausted: (listener) => void listeners.add(listener),
    pauseUntil(monotonic) {
      if (monotonic <= pausedUntil || monotonic <= clock.monotonic()) return;
      refill();
      pausedUntil = monotonic;
      // Nothing is saved up meanwhile: a burst would be the wrong answer to "too many requests".
      tokens = Math.min(tokens, 1);
      filledAt = monotonic;
      serve();
    },
    setLimits(limits) {
      refill();
      ({ rate, burst } = checked(limits));
      tokens = Math.min(tokens, burst);
      serve();
    },
    figures() {
      refill();
      return {
        tokens,
        longestWait: longestWait() ?? 0,
        exhausted,
        waiting: { write: queues.write.size, motion: queues.motion.size, poll: queues.poll.size },
        pausedUntil: clock.monotonic() < pausedUntil ? pausedUntil : undefined,
      };
    },
  };
}

function head(queue: Set<Waiter>): Waiter {
  return queue.values().next().value!;
}

function checked(limits: BudgetLimits): BudgetLimits {
  if (!(limits.rate > 0) || !(limits.burst >= 1)) {
    throw new RangeError(`budget: rate must be above 0 and burst at least 1, not ${limits.rate} and ${limits.burst}`);
  }
  return limits;
}
