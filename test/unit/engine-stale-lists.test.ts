import { expect, test } from 'vitest';
import { conditionOf } from '../../src/engine/tenants.ts';

/** A remote tenant with lists that were last complete at these times; those of `failing` failed since. */
function condition(begunAt: Record<string, number>, failing: string[], oldest: number): string {
  const collections = Object.entries(begunAt).map(
    ([name, at]) =>
      [
        name,
        { name, failure: () => (failing.includes(name) ? {} : undefined), snapshot: () => ({ begunAt: at }) },
      ] as const,
  );
  return conditionOf({ openBreaker: () => undefined }, { collections: new Map(collections) } as never, oldest);
}

test('each list that grows too old while newer ones fail makes another condition, of which all hear', () => {
  const lists = { licenses: 10, servers: 20 };
  const both = ['licenses', 'servers'];
  const all = [5, 15, 25].map((oldest) => condition(lists, both, oldest));
  expect(new Set(all).size).toBe(3);
  expect(condition(lists, ['servers'], 15)).toBe(all[0]);
  expect(condition(lists, [], 25)).toBe(all[0]);
});
