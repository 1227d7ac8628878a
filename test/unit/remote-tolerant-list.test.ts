import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { RemoteError } from '../../src/remote/errors.ts';
import { listed, tolerantList } from '../../src/remote/tolerant-list.ts';

const item = z.object({ id: z.string(), size: z.number(), labels: z.record(z.string(), z.string()).optional() });
const list = tolerantList(item);

test('an item that cannot be read is dropped with its id, the others stay', () => {
  expect(list.parse([{ id: 'a', size: 1 }, { id: 'b', size: 'secret-value' }, null, { size: 3 }])).toEqual({
    items: [{ id: 'a', size: 1 }],
    dropped: [
      { index: 1, id: 'b', problem: 'size: Invalid input: expected number, received string' },
      { index: 2, problem: 'Invalid input: expected object, received null' },
      { index: 3, problem: 'id: Invalid input: expected string, received undefined' },
    ],
  });
});

test('the ID of an item that cannot be read may stand in uuid; an empty one is none', () => {
  const { dropped } = list.parse([
    { uuid: 'a' },
    { id: 'b', uuid: 'c' },
    { id: '', uuid: 'd' },
    { uuid: '' },
    { uuid: 1 },
  ]);
  expect(dropped.map(({ id }) => id)).toEqual(['a', 'b', 'd', undefined, undefined]);
});

test('a list for a collection names what could not be read, and is none where that has no ID', () => {
  expect(listed(list.parse([{ id: 'a', size: 1 }, { id: 'b' }]))).toEqual({
    items: [{ id: 'a', size: 1 }],
    unreadable: ['b'],
  });
  let failure: unknown;
  try {
    listed(list.parse([{ id: 'a', size: 1 }, null]));
  } catch (error) {
    failure = error;
  }
  expect(failure).toBeInstanceOf(RemoteError);
  expect(failure).toMatchObject({
    reason: 'BadAnswer',
    outcome: 'definitely-not',
    message: expect.stringContaining('item 1 of the list has no readable ID') as string,
  });
});

test.each([null, {}, 'x', undefined])('%j is no list and no empty list', (value) => {
  expect(list.safeParse(value).success).toBe(false);
});

test('hostile keys and depth change nothing', () => {
  const deep = `${'{"x":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
  const text = `[{"id":"a","id":"b","size":1,"__proto__":{"polluted":1},"labels":{"__proto__":"x","constructor":"y"},"deep":${deep}}]`;
  const { items, dropped } = list.parse(JSON.parse(text));
  expect(dropped).toEqual([]);
  expect(items[0]?.id).toBe('b'); // the last of two wins, as everywhere in JavaScript
  expect(Object.keys(items[0] ?? {}).sort()).toEqual(['id', 'labels', 'size']);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(Object.getPrototypeOf(items[0])).toBe(Object.prototype);
});

test('every item of a list is either read or dropped', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.jsonValue(), fc.record({ id: fc.string(), size: fc.integer() }))), (values) => {
      const { items, dropped } = list.parse(values);
      expect(items.length + dropped.length).toBe(values.length);
    }),
  );
});
