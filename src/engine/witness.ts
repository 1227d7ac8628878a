import type { Clock } from '../base/clock.ts';

/**
 * Absent needs two witnesses, twice (law 3): a complete list without the object and a 404, and both again at least
 * `interval` later. One proxy with an empty page, one wrong route, one lagging list proves nothing.
 */
export interface Witnesses {
  /** A complete list, begun at `listBegunAt` (monotonic), lacked the object and its read answered 404. True: it is gone. */
  missing(key: string, listBegunAt: number): boolean;
  /** It was seen. */
  seen(key: string): void;
}

/** @param interval Least time between the two looks, milliseconds. */
export function createWitnesses(clock: Clock, interval: number): Witnesses {
  const first = new Map<string, number>();
  return {
    missing(key, listBegunAt) {
      const since = first.get(key);
      if (since === undefined) {
        first.set(key, clock.monotonic());
        return false;
      }
      return listBegunAt - since >= interval;
    },
    seen: (key) => void first.delete(key),
  };
}
