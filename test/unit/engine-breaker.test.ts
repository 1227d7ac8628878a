import fc from 'fast-check';
import { expect, test } from 'vitest';
import { breaker, lossHash } from '../../src/engine/breaker.ts';

const none: ReadonlySet<string> = new Set();
const ids = (count: number, prefix = 'id') => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

function state(recorded: number, missing: number, accepted: ReadonlySet<string> = none) {
  const gone = new Set(ids(missing));
  return breaker(ids(recorded), (id) => !gone.has(id), accepted);
}

test.each([
  { recorded: 0, missing: 0, open: false },
  { recorded: 1, missing: 0, open: false },
  { recorded: 1, missing: 1, open: true },
  { recorded: 2, missing: 1, open: false },
  { recorded: 2, missing: 2, open: true },
  { recorded: 4, missing: 2, open: false },
  { recorded: 5, missing: 3, open: true },
  { recorded: 15, missing: 3, open: true },
  { recorded: 16, missing: 3, open: false },
  { recorded: 1000, missing: 199, open: false },
  { recorded: 1000, missing: 200, open: true },
])('$missing of $recorded missing: open is $open', ({ recorded, missing, open }) => {
  expect(state(recorded, missing)).toMatchObject({ open, missing: ids(missing).sort() });
});

test('a word for a loss covers these very objects and no others', () => {
  const { hash } = state(3, 3);
  expect(hash).toBe(lossHash(ids(3).toReversed()));
  expect(hash).toMatch(/^[0-9a-f]{16}$/);
  expect(state(4, 4).hash).not.toBe(hash);
  const accepted = new Set(ids(3));
  expect(state(3, 3, accepted)).toMatchObject({ open: false, missing: [] });
  expect(state(4, 4, accepted)).toMatchObject({ open: true, missing: ['id-3'] });
});

test('the order of what is recorded changes nothing, and it opens exactly at the documented shares', () => {
  const sample = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 40 });
  fc.assert(
    fc.property(sample, fc.infiniteStream(fc.boolean()), (recorded, listed) => {
      const there = new Set(recorded.filter(() => listed.next().value));
      const one = breaker(recorded, (id) => there.has(id), none);
      expect(breaker(recorded.toReversed(), (id) => there.has(id), none)).toEqual(one);
      const missing = recorded.length - there.size;
      const all = missing > 0 && there.size === 0;
      expect(one.open).toBe(all || (missing >= 3 && missing * 5 >= recorded.length));
      expect(one.missing).toHaveLength(missing);
    }),
  );
});
