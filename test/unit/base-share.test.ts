import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { createSharing } from '../../src/base/share.ts';

test('what is shared is what it was, whatever it is', () => {
  const share = createSharing();
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const before = structuredClone(value);
      expect(share(value)).toBe(value);
      expect(value).toEqual(before);
    }),
  );
});

test('neither frozen objects nor Secrets are touched', () => {
  const share = createSharing();
  const secret = new Secret('not a real password');
  const value = { frozen: Object.freeze({ text: 'a text that is long enough' }), secret, none: null };
  expect(share(value)).toBe(value);
  expect([value.secret, value.secret.reveal()]).toEqual([secret, 'not a real password']);
});

test('more different texts than are remembered change nothing', () => {
  const share = createSharing();
  for (let index = 0; index < 10_000; index += 1) {
    expect(share([`a text with the number ${index}`])).toEqual([`a text with the number ${index}`]);
  }
});
