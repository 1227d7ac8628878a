import { afterEach, expect, test, vi } from 'vitest';
import { sleep, systemClock, timestamp } from '../../src/base/clock.ts';
import { createManualClock } from '../support/clock.ts';

afterEach(() => vi.useRealTimers());

test('a sleep ends when its time has passed, and leaves no timer behind', async () => {
  const clock = createManualClock();
  let awake = false;
  const sleeping = sleep(clock, 1000).then(() => (awake = true));
  clock.advance(999);
  await Promise.resolve();
  expect(awake).toBe(false);
  clock.advance(1);
  await sleeping;
  expect(clock.pending()).toBe(0);
});

test('an abort ends a sleep at once, before and during it', async () => {
  const clock = createManualClock();
  const aborting = new AbortController();
  const sleeping = sleep(clock, 1000, aborting.signal);
  aborting.abort();
  await sleeping;
  await sleep(clock, 1000, aborting.signal);
  expect(clock.pending()).toBe(0);
});

test('a timer of the system fires once, not before its delay, and not after it was cancelled', () => {
  vi.useFakeTimers();
  const fired: string[] = [];
  systemClock.after(50, () => fired.push('kept'));
  systemClock.after(50, () => fired.push('cancelled')).cancel();
  vi.advanceTimersByTime(49);
  expect(fired).toEqual([]);
  vi.advanceTimersByTime(1000);
  expect(fired).toEqual(['kept']);
});

test('a delay that is too long for Node does not fire at once', () => {
  vi.useFakeTimers();
  let fired = false;
  const timer = systemClock.after(2 ** 40, () => (fired = true));
  systemClock.after(-5, () => {});
  vi.advanceTimersByTime(1000);
  expect(fired).toBe(false);
  timer.cancel();
});

test('a timestamp has whole seconds', () => {
  expect(timestamp(Date.UTC(2026, 6, 30, 1, 2, 3, 999))).toBe('2026-07-30T01:02:03Z');
});
