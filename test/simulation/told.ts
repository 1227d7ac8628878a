import type { Process } from './process.ts';
import { grace } from './words.ts';

type Shelf = 'licenses' | 'vcenters' | 'nodes';

/** What each process knows of the remote by its lists. */
export interface Told {
  /** The good answer to a read. */
  told(by: Process, path: string, body: string): void;
  /** Was this in each list that this process may go by now? */
  knew(by: Process, shelf: Shelf, id: string): boolean;
}

interface List {
  at: number;
  body: string;
}

/** An answer that was cut off, or is no answer of the cloud, was not heard. */
function isWhole(body: string): boolean {
  try {
    return typeof JSON.parse(body) === 'object';
  } catch {
    return false;
  }
}

export function createTold(now: () => number): Told {
  const lists = new WeakMap<Process, Partial<Record<string, List[]>>>();
  /** The newest list that is older than the grace, and all since. */
  const recent = (all: List[]) =>
    all.slice(
      Math.max(
        0,
        all.findLastIndex(({ at }) => at <= now() - grace),
      ),
    );
  return {
    told(by, path, body) {
      const shelf = /\/(licenses|vcenters|nodes)(?:\/detail)?(?:\?|$)/.exec(path)?.[1];
      if (shelf === undefined) return;
      const its = lists.get(by) ?? {};
      lists.set(by, its);
      its[shelf] = [...recent(its[shelf] ?? []), { at: now(), body }];
    },
    knew(by, shelf, id) {
      const whole = recent(lists.get(by)?.[shelf] ?? []).filter(({ body }) => isWhole(body));
      return whole.length > 0 && whole.every(({ body }) => body.includes(id));
    },
  };
}
