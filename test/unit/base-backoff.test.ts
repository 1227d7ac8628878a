import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoff } from '../../src/base/backoff.ts';
import { type Random, systemRandom } from '../../src/base/random.ts';

const drawing = (value: number): Random => ({ ...systemRandom, next: () => value });
const drawn = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const options = fc
  .record({
    base: fc.integer({ min: 1, max: 10_000 }),
    times: fc.integer({ min: 1, max: 10_000 }),
    factor: fc.double({ min: 1, max: 5, noNaN: true }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ base, times, factor, jitter }) => ({ base, max: base * times, factor, jitter }));
const attempt = fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));

test('a delay is never longer than the cap, nor shorter than the first one less its jitter', () => {
  fc.assert(
    fc.property(attempt, options, drawn, (attempt, options, draw) => {
      const delay = backoff(attempt, options, drawing(draw));
      expect(delay).toBeLessThanOrEqual(options.max);
      expect(delay).toBeGreaterThanOrEqual(options.base * (1 - options.jitter));
    }),
  );
});

test('with the same luck a later try never waits less', () => {
  fc.assert(
    fc.property(attempt, options, drawn, (attempt, options, draw) => {
      const random = drawing(draw);
      expect(backoff(attempt + 1, options, random)).toBeGreaterThanOrEqual(backoff(attempt, options, random));
    }),
  );
});

test('jitter only shortens, and by no more than its share', () => {
  fc.assert(
    fc.property(attempt, options, drawn, (attempt, options, draw) => {
      const whole = backoff(attempt, options, drawing(0));
      const delay = backoff(attempt, options, drawing(draw));
      expect(delay).toBeLessThanOrEqual(whole);
      expect(delay).toBeGreaterThanOrEqual(whole * (1 - options.jitter));
    }),
  );
});

test('by default it doubles up to the cap', () => {
  const delays = [0, 1, 2, 3, 4].map((attempt) => backoff(attempt, { base: 1000, max: 5000 }, drawing(0)));
  expect(delays).toEqual([1000, 2000, 4000, 5000, 5000]);
  expect(backoff(-3, { base: 1000, max: 5000 }, drawing(0))).toBe(1000);
});
