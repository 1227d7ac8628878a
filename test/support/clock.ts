import type { Clock } from '../../src/base/clock.ts';

export interface TestClock extends Clock {
  /** Moves both clocks `milliseconds` ahead; timers that became due run before it returns, in the order of their times. */
  advance(milliseconds: number): void;
  /** What a paused process finds when it goes on: both clocks are ahead, and the timers that are due have not run yet. */
  pause(milliseconds: number): void;
  /** Moves only the wall clock, as NTP or a person does; negative goes back. */
  stepWall(milliseconds: number): void;
  /** How many timers are waiting: for the proof that nothing was left behind. */
  pending(): number;
}

interface Waiting {
  due: number;
  callback: () => void;
  handle: NodeJS.Timeout;
}

/** Real time that runs on (so that real sockets work), and jumps when a test says so. */
export function createTestClock(): TestClock {
  let ahead = 0;
  let wallAhead = 0;
  const waiting = new Set<Waiting>();
  const monotonic = () => performance.now() + ahead;

  function fire(timer: Waiting): void {
    clearTimeout(timer.handle);
    if (waiting.delete(timer)) {
      timer.callback();
    }
  }

  function arm(timer: Waiting): NodeJS.Timeout {
    // A Node timer may run a moment early by performance.now(); a Clock's never does.
    const check = () => {
      if (monotonic() < timer.due) {
        timer.handle = arm(timer);
      } else {
        fire(timer);
      }
    };
    return setTimeout(check, Math.min(Math.max(0, Math.ceil(timer.due - monotonic())), 2 ** 31 - 1)).unref();
  }

  function armAll(): void {
    for (const timer of waiting) {
      clearTimeout(timer.handle);
      timer.handle = arm(timer);
    }
  }

  return {
    now: () => Date.now() + ahead + wallAhead,
    monotonic,
    after(delay, callback) {
      const timer = { due: monotonic() + Math.max(0, delay), callback } as Waiting;
      waiting.add(timer);
      timer.handle = arm(timer);
      return {
        cancel: () => {
          clearTimeout(timer.handle);
          waiting.delete(timer);
        },
      };
    },
    advance(milliseconds) {
      ahead += milliseconds;
      const due = [...waiting].filter((timer) => timer.due <= monotonic()).sort((a, b) => a.due - b.due);
      for (const timer of due) {
        fire(timer);
      }
      armAll();
    },
    pause(milliseconds) {
      ahead += milliseconds;
      armAll();
    },
    stepWall(milliseconds) {
      wallAhead += milliseconds;
    },
    pending: () => waiting.size,
  };
}

/**
 * Time that stands still but for advance(): for tests without sockets, to the very millisecond. With `tick` each look at the
 * monotonic clock moves it so far ahead: what follows one upon the other never happens at the same time, as in reality.
 */
export function createManualClock({ start = Date.UTC(2026, 0, 1), tick = 0 } = {}): TestClock {
  let time = 0;
  let wall = start;
  const waiting = new Set<{ due: number; callback: () => void }>();

  const next = (end: number) =>
    [...waiting]
      .filter(({ due }) => due <= end)
      .reduce<{ due: number; callback: () => void } | undefined>(
        (first, timer) => (first && first.due <= timer.due ? first : timer),
        undefined,
      );

  return {
    now: () => wall + time,
    monotonic: () => (time += tick),
    after(delay, callback) {
      const timer = { due: time + Math.max(0, delay), callback };
      waiting.add(timer);
      return { cancel: () => void waiting.delete(timer) };
    },
    advance(milliseconds) {
      const end = time + milliseconds;
      for (let timer = next(end); timer; timer = next(end)) {
        waiting.delete(timer);
        time = Math.max(time, timer.due);
        timer.callback();
      }
      time = end;
    },
    pause(milliseconds) {
      time += milliseconds;
    },
    stepWall(milliseconds) {
      wall += milliseconds;
    },
    pending: () => waiting.size,
  };
}
