import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';

const canary = 'canary-7f3a';
const secret = new Secret(canary);

test.each<[string, () => unknown]>([
  ['a template', () => `<${secret as unknown as string}>`],
  ['a concatenation', () => 'x' + (secret as unknown as string)],
  ['String', () => String(secret)],
  ['JSON', () => JSON.stringify({ secret, list: [secret] })],
  ['inspect', () => inspect({ deep: { secret } }, { depth: 9, showHidden: true })],
  ['inspect with proxies and getters', () => inspect(secret, { showProxy: true, getters: true, showHidden: true })],
  ['console format', () => format('%s %o %O %j', secret, secret, secret, secret)],
  ['a spread', () => JSON.stringify(Object.assign({}, secret))],
  ['its keys', () => JSON.stringify([Object.entries(secret), Object.getOwnPropertyNames(secret)])],
  ['an Error', () => String(new Error('x', { cause: secret })) + inspect(new Error('x', { cause: secret }))],
  ['a clone', () => inspect(structuredClone(secret))],
])('%s does not show the value', (_how, print) => {
  expect(String(print())).not.toContain(canary);
});

test('the value is there for whoever asks for it', () => {
  expect(secret.reveal()).toBe(canary);
  expect(String(secret)).toBe('[redacted]');
});
