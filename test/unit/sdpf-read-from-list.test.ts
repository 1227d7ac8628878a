import { describe, expect, test } from 'vitest';
import type { DroppedItem } from '../../src/remote/tolerant-list.ts';
import { readFromList } from '../../src/sdpf/read-from-list.ts';

/** A read of `mine` from a list of these and of what could not be read in it. */
const read = (ids: string[], dropped: Omit<DroppedItem, 'problem'>[]) =>
  readFromList(async () => ({
    items: ids.map((id) => ({ id })),
    dropped: dropped.map((item) => ({ ...item, problem: 'status: expected string' })),
  }))(undefined, 'mine');

describe('an object that is read from a list', () => {
  test('is there where the list holds it, whatever else cannot be read', async () => {
    expect(await read(['other', 'mine'], [{ index: 2 }])).toEqual({ id: 'mine' });
  });

  test('is absent where the list lacks it', async () => {
    expect(await read(['other'], [])).toBeUndefined();
  });

  test('is absent beside an item that is known to be another one and cannot be read', async () => {
    expect(await read([], [{ index: 0, id: 'other' }])).toBeUndefined();
  });

  test.each([{ index: 3, id: 'mine' }, { index: 3 }])(
    'is not known where it may be what cannot be read (%o): a wait that says so',
    async (item) => {
      await expect(read(['other'], [item])).rejects.toMatchObject({
        name: 'RemoteError',
        reason: 'BadAnswer',
        message: expect.stringMatching(/item 3 of the list cannot be read \(status: expected string\).*mine/),
      });
    },
  );
});
