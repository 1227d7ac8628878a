/** Who runs again after a list of a remote tenant, and whose turn it is where creates run one at a time. All by identifier. */
export interface Waiting {
  /**
   * `key` is to run after the next list of one of these collections (of any, where none are named), complete or not. True:
   * one ended while its pass was running, so it is to run at once.
   */
  list(remote: string, key: string, collections?: readonly string[]): boolean;
  /** `key` is to run when its turn comes behind that lock. Returns who is to run at once. */
  turn(remote: string, lock: string, key: string): string[];
  /** A list ended: who is to run. */
  ended(remote: string, collection: string): string[];
  /** A pass begins: it knows of the lists that ended before. */
  began(key: string): void;
  /** A pass ended: whose turn it is now. */
  passed(key: string): string[];
  forget(key: string): void;
}

interface Place {
  remote: string;
  lock: string;
}

export function createWaiting(): Waiting {
  /** By remote tenant and key; undefined: any collection. */
  const wishes = new Map<string, Map<string, readonly string[] | undefined>>();
  /** Behind each lock, in the order in which they came. */
  const lines = new Map<string, Map<string, Set<string>>>();
  /** Those whose turn it is: until their pass ends, nobody behind them is called. */
  const called = new Map<string, Place>();
  let lists = 0;
  /** The number of the newest list of each collection, by remote tenant. */
  const newest = new Map<string, Map<string, number>>();
  /** How many lists had ended when the pass began that is running. */
  const knows = new Map<string, number>();

  function isLate(remote: string, key: string, collections?: readonly string[]): boolean {
    const known = knows.get(key) ?? Infinity;
    return [...(newest.get(remote) ?? [])].some(
      ([name, number]) => number > known && (collections === undefined || collections.includes(name)),
    );
  }

  const isCalled = ({ remote, lock }: Place) =>
    [...called.values()].some((place) => place.remote === remote && place.lock === lock);

  function next(place: Place): string[] {
    const line = lines.get(place.remote)?.get(place.lock);
    const [first] = line ?? [];
    if (first === undefined || isCalled(place)) return [];
    line!.delete(first);
    called.set(first, place);
    return [first];
  }

  return {
    list(remote, key, collections) {
      if (isLate(remote, key, collections)) return true;
      const keys = wishes.get(remote) ?? new Map<string, readonly string[] | undefined>();
      const before = keys.has(key) ? keys.get(key) : [];
      keys.set(key, before && collections && [...new Set([...before, ...collections])]);
      wishes.set(remote, keys);
      return false;
    },
    turn(remote, lock, key) {
      const of = lines.get(remote) ?? new Map<string, Set<string>>();
      lines.set(remote, of);
      of.set(lock, (of.get(lock) ?? new Set()).add(key));
      return isLate(remote, key) ? next({ remote, lock }) : [];
    },
    ended(remote, collection) {
      lists += 1;
      newest.set(remote, (newest.get(remote) ?? new Map<string, number>()).set(collection, lists));
      const keys = wishes.get(remote) ?? new Map<string, readonly string[] | undefined>();
      const woken = [...keys].filter(([, names]) => names === undefined || names.includes(collection));
      for (const [key] of woken) keys.delete(key);
      const turns = [...(lines.get(remote)?.keys() ?? [])].flatMap((lock) => next({ remote, lock }));
      return [...woken.map(([key]) => key), ...turns];
    },
    began: (key) => void knows.set(key, lists),
    passed(key) {
      knows.delete(key);
      const place = called.get(key);
      if (!place) return [];
      called.delete(key);
      // Who is in the line again found somebody before it; the next list calls the next one.
      return lines.get(place.remote)?.get(place.lock)?.has(key) ? [] : next(place);
    },
    forget(key) {
      for (const keys of wishes.values()) keys.delete(key);
      for (const line of lines.values()) for (const keys of line.values()) keys.delete(key);
    },
  };
}
