import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { createBudget, forwardingBudget } from '../../src/remote/budget.ts';
import type { Budget } from '../../src/remote/budget.ts';
import type { Priority } from '../../src/remote/call.ts';
import { RemoteError } from '../../src/remote/errors.ts';

/** A clock that moves only when told, so that every rate can be counted exactly. */
function virtualClock(): Clock & { advance(milliseconds: number): Promise<void> } {
  let time = 0;
  const timers = new Set<{ due: number; callback: () => void }>();
  return {
    now: () => time,
    monotonic: () => time,
    after(delay, callback) {
      const timer = { due: time + delay, callback };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    async advance(milliseconds) {
      await new Promise(setImmediate);
      const end = time + milliseconds;
      for (;;) {
        const [next] = [...timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due);
        if (next === undefined) break;
        time = Math.max(time, next.due);
        timers.delete(next);
        next.callback();
        await new Promise(setImmediate);
      }
      time = end;
      await new Promise(setImmediate);
    },
  };
}

function setUp(limits = { rate: 10, burst: 1 }) {
  const clock = virtualClock();
  const budget = createBudget(clock, limits);
  const granted: string[] = [];
  const grantedAt: number[] = [];
  const refused: string[] = [];
  const take = (name: string, priority: Priority = 'poll', maxWait = 1e9, signal?: AbortSignal) => {
    budget.take(priority, { maxWait, operation: 'ListThings', ...(signal === undefined ? {} : { signal }) }).then(
      () => {
        granted.push(name);
        grantedAt.push(clock.monotonic());
      },
      (error: unknown) => {
        refused.push(`${name}: ${error instanceof RemoteError ? error.reason : String(error)}`);
      },
    );
  };
  return { clock, budget, granted, grantedAt, refused, take };
}

describe('the order', () => {
  test('is writes, then motion, then polls, each in the order of asking', async () => {
    const { clock, granted, take } = setUp();
    take('first');
    for (const priority of ['poll', 'motion', 'write'] as const) {
      take(`${priority} 1`, priority);
      take(`${priority} 2`, priority);
    }
    await clock.advance(10_000);
    expect(granted).toEqual(['first', 'write 1', 'write 2', 'motion 1', 'motion 2', 'poll 1', 'poll 2']);
  });

  test('leaves every eighth token to whoever waits longest behind more urgent calls', async () => {
    const { clock, granted, take } = setUp();
    take('first');
    take('poll', 'poll');
    take('motion', 'motion');
    for (let i = 0; i < 20; i++) take('write', 'write');
    await clock.advance(10_000);
    const expected = ['first', ...Array(7).fill('write'), 'poll', ...Array(7).fill('write'), 'motion'];
    expect(granted.slice(0, expected.length)).toEqual(expected);
    expect(granted).toHaveLength(23);
  });

  test('starves nobody, whatever is asked for and when', async () => {
    const priority = fc.constantFrom<Priority>('write', 'motion', 'poll');
    const step = fc.tuple(fc.array(priority, { maxLength: 6 }), fc.integer({ min: 0, max: 400 }));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { clock, granted, take } = setUp();
        let number = 0;
        /** What waits, oldest first. */
        const waiting: { name: string; priority: Priority }[] = [];
        let passedOver = 0;
        const settle = () => {
          for (const name of granted.splice(0)) {
            const top = Math.min(...waiting.map((each) => rank(each.priority)));
            const at = waiting.findIndex((each) => each.name === name);
            const [served] = waiting.splice(at, 1);
            const before = waiting.slice(0, at);
            // First come, first served inside a priority; out of turn only whoever waits longest behind the urgent.
            expect(before.filter((each) => each.priority === served?.priority)).toEqual([]);
            if (rank(served?.priority) > top) {
              expect(before.filter((each) => rank(each.priority) > top)).toEqual([]);
              passedOver = 0;
            } else {
              passedOver = waiting.some((each) => rank(each.priority) > top) ? passedOver + 1 : 0;
            }
            expect(passedOver).toBeLessThanOrEqual(7);
          }
        };
        for (const [asked, pause] of steps) {
          for (const each of asked) {
            const name = `${each} ${number++}`;
            waiting.push({ name, priority: each });
            take(name, each);
            await clock.advance(0);
            settle();
          }
          // One token at a time, so that the order of grants is seen against who waited then.
          for (let left = pause; left > 0; left -= 100) {
            await clock.advance(Math.min(100, left));
            settle();
          }
        }
        await clock.advance(number * 100 + 1000);
        settle();
        expect(waiting).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

function rank(priority: Priority | undefined): number {
  return ['write', 'motion', 'poll'].indexOf(priority ?? 'poll');
}

describe('the rate', () => {
  test('is never exceeded in any window, and nothing waits without need', async () => {
    const limits = fc.record({
      rate: fc.double({ min: 0.5, max: 50, noNaN: true }),
      burst: fc.integer({ min: 1, max: 20 }),
    });
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 3000 })), {
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(limits, steps, async ({ rate, burst }, asked) => {
        const { clock, budget, grantedAt, take } = setUp({ rate, burst });
        for (const [count, pause] of asked) {
          for (let i = 0; i < count; i++) take('x');
          await clock.advance(pause);
          const { tokens, waiting } = budget.figures();
          expect(tokens).toBeLessThanOrEqual(burst);
          // A timer works in whole milliseconds: what is due may be one late.
          if (waiting.poll > 0) expect(tokens).toBeLessThan(1 + (2 * rate) / 1000);
        }
        grantedAt.forEach((from, first) => {
          grantedAt.slice(first).forEach((to, more) => {
            expect(more + 1).toBeLessThanOrEqual(burst + ((to - from) / 1000) * rate + 1e-6);
          });
        });
      }),
      { numRuns: 100 },
    );
  });

  test('can change while calls wait', async () => {
    const { clock, budget, granted, take } = setUp({ rate: 0.001, burst: 1 });
    take('a');
    take('b');
    await clock.advance(1000);
    expect(granted).toEqual(['a']);
    budget.setLimits({ rate: 100, burst: 5 });
    await clock.advance(20);
    expect(granted).toEqual(['a', 'b']);
    await clock.advance(60_000);
    expect(budget.figures().tokens).toBe(5);
    budget.setLimits({ rate: 1, burst: 2 });
    expect(budget.figures().tokens).toBe(2);
    expect(() => budget.setLimits({ rate: 0, burst: 1 })).toThrow(RangeError);
    expect(() => budget.setLimits({ rate: Number.NaN, burst: 1 })).toThrow(RangeError);
  });
});

describe('a pause', () => {
  test('stops every priority, is never shortened, and ends without a burst', async () => {
    const { clock, budget, granted, take } = setUp({ rate: 10, burst: 10 });
    budget.pauseUntil(5000);
    budget.pauseUntil(1000);
    for (const priority of ['write', 'motion', 'poll'] as const) take(priority, priority);
    expect(budget.figures()).toMatchObject({ waiting: { write: 1, motion: 1, poll: 1 }, pausedUntil: 5000 });
    await clock.advance(4999);
    expect(granted).toEqual([]);
    await clock.advance(1);
    expect(granted).toEqual(['write']);
    await clock.advance(200);
    expect(granted).toEqual(['write', 'motion', 'poll']);
    expect(budget.figures().pausedUntil).toBeUndefined();
  });
});

describe('whoever cannot wait', () => {
  test('is refused after maxWait, or at once when a pause is longer, and takes no token', async () => {
    const { clock, budget, granted, refused, take } = setUp({ rate: 1, burst: 1 });
    take('a');
    take('b', 'poll', 500);
    await clock.advance(499);
    expect(refused).toEqual([]);
    await clock.advance(1);
    expect(refused).toEqual(['b: BudgetExhausted']);
    expect(budget.figures().waiting.poll).toBe(0);
    take('c', 'poll', 600);
    await clock.advance(500);
    expect(granted).toEqual(['a', 'c']);
    budget.pauseUntil(clock.monotonic() + 10_000);
    take('d', 'write', 9_999);
    await clock.advance(0);
    expect(refused).toEqual(['b: BudgetExhausted', 'd: BudgetExhausted']);
  });

  test('may give up, before or while waiting', async () => {
    const { clock, budget, granted, refused, take } = setUp({ rate: 1, burst: 1 });
    const giveUp = new AbortController();
    take('a');
    take('b', 'write', 1e9, giveUp.signal);
    giveUp.abort('stop');
    take('c', 'write', 1e9, giveUp.signal);
    await clock.advance(0);
    expect(refused.sort()).toEqual(['b: stop', 'c: stop']);
    expect(budget.figures().waiting.write).toBe(0);
    take('d');
    await clock.advance(1000);
    expect(granted).toEqual(['a', 'd']);
  });
});

describe('a budget that is not known yet', () => {
  test('refuses, and then is the one that became known, also for a call that ends after it was taken away', async () => {
    const clock = virtualClock();
    const real = createBudget(clock, { rate: 1, burst: 1 });
    let known: Budget | undefined;
    const budget = forwardingBudget(() => known);
    await expect(budget.take('poll', { maxWait: 1_000 })).rejects.toMatchObject({
      reason: 'BudgetExhausted',
      outcome: 'definitely-not',
    });
    known = real;
    await budget.take('poll', { maxWait: 1_000 });
    expect(real.figures().tokens).toBe(0);
    known = undefined;
    budget.pauseUntil(5_000);
    expect(real.figures().pausedUntil).toBe(5_000);
    known = createBudget(clock, { rate: 1, burst: 7 });
    budget.setLimits({ rate: 1, burst: 3 });
    expect([known.figures().tokens, budget.figures().tokens, real.figures().tokens]).toEqual([3, 3, 0]);
  });
});

describe('what people are told', () => {
  test('turns when a call has waited ten seconds, and back five minutes after the last that did', async () => {
    const { clock, budget, take } = setUp({ rate: 0.05, burst: 1 });
    const turns: [number, boolean][] = [];
    budget.onExhausted(() => turns.push([clock.monotonic() / 1000, budget.figures().exhausted]));
    take('at once');
    take('after 20 s');
    await clock.advance(9_000);
    expect([turns, budget.figures().longestWait]).toEqual([[], 9_000]);
    await clock.advance(600_000);
    expect(turns).toEqual([
      [10, true],
      [320, false],
    ]);
    expect(budget.figures()).toMatchObject({ longestWait: 0, exhausted: false });
  });

  test('does not turn for waits that are short, however many there are', async () => {
    const { clock, budget, take } = setUp({ rate: 10, burst: 1 });
    let turned = 0;
    budget.onExhausted(() => (turned += 1));
    for (let call = 0; call < 95; call += 1) take(`${call}`);
    await clock.advance(600_000);
    expect(turned).toBe(0);
  });

  test('turns at once when a call is refused for want of budget', async () => {
    const { budget, clock, take, refused } = setUp({ rate: 0.01, burst: 1 });
    take('one');
    take('other', 'write', 1_000);
    await clock.advance(1_000);
    expect([refused, budget.figures().exhausted]).toEqual([['other: BudgetExhausted'], true]);
  });
});
