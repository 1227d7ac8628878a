import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jitter, type Random, systemRandom, uuid } from '../../src/base/random.ts';

test('jitter stays within its share on both sides', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), share, draw, (value, fraction, next) => {
      const spread = jitter({ ...systemRandom, next: () => next }, value, fraction);
      expect(Math.abs(spread - value)).toBeLessThanOrEqual(value * fraction + 1e-6);
    }),
  );
});

test('a UUID is one of version 4, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const random: Random = { next: () => 0, bytes: () => bytes };
      expect(uuid(random)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
  );
});

test('two UUIDs of the system differ', () => {
  expect(new Set(Array.from({ length: 1000 }, () => uuid(systemRandom))).size).toBe(1000);
});
