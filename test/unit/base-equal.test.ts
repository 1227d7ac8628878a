import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { isSameJSON } from '../../src/base/equal.ts';
import { Secret } from '../../src/base/secret.ts';

const values = fc.jsonValue({ maxDepth: 3, noUnicodeString: false });
/** Members in the other order. */
const turned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, turned(member)]),
  );
};

describe('two values from JSON', () => {
  test('are the same when they say the same, in whatever order', () => {
    fc.assert(fc.property(values, (value) => isSameJSON(value, turned(structuredClone(value)))));
  });

  test('differ when anything differs, at any depth', () => {
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
    fc.assert(
      fc.property(values, values, (a, b) => isSameJSON(plain(a), plain(b)) === isDeepStrictEqual(plain(a), plain(b))),
    );
  });

  test.each<[string, unknown, unknown, boolean]>([
    ['a member that is undefined is as good as missing', { a: 1, b: undefined }, { a: 1 }, true],
    ['a member of null is not', { a: 1, b: null }, { a: 1 }, false],
    ['no member is found that every object has', { constructor: undefined, toString: 1 }, {}, false],
    ['a list is not an object', [], {}, false],
    ['a longer list is another', [1], [1, undefined], false],
    ['Secrets are compared by what they hold', { key: new Secret('a') }, { key: new Secret('a') }, true],
    ['a Secret that holds something else is another', { key: new Secret('a') }, { key: new Secret('b') }, false],
    ['a Secret is not its text', new Secret('a'), 'a', false],
    ['a Secret is not an empty object', new Secret('a'), {}, false],
  ])('%s', (_what, a, b, same) => {
    expect([isSameJSON(a, b), isSameJSON(b, a)]).toEqual([same, same]);
  });
});
