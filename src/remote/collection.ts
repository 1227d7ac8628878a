import type { Clock, Timer } from '../base/clock.ts';
import { isSameJSON } from '../base/equal.ts';
import { createSharing } from '../base/share.ts';
import { jitter, type Random } from '../base/random.ts';
import type { Log } from '../telemetry/log.ts';
import { RemoteError } from './errors.ts';

/** One complete list of a remote collection. */
export interface Snapshot<T> {
  items: ReadonlyMap<string, T>;
  /** IDs that the list named but whose items could not be read: they are there, and nothing is known of them. */
  unreadable: ReadonlySet<string>;
  /** Monotonic time at which the list was begun: it proves nothing about what happened later. */
  begunAt: number;
  /** How many complete lists this collection has seen, this one included. */
  count: number;
}

/** What a provider's list call gives. */
export interface Listed<T> {
  items: T[];
  /** IDs of items that were there and could not be read. */
  unreadable?: string[];
}

/**
 * All objects of one type in one remote tenant, fed by one paged list: the steady-state cost does not grow with the number
 * of resources that read from it (law 6).
 */
export interface Collection<T> {
  readonly name: string;
  /** The newest complete list; it stays when later lists fail (see `failure`). undefined before the first. */
  snapshot(): Snapshot<T> | undefined;
  /** Why the newest list failed; undefined when it was complete. */
  failure(): RemoteError | undefined;
  /** Asks for a list that begins after this call; calls before it begins share it. */
  refresh(): void;
  /** `key` wants a list every `interval` milliseconds (the smallest wish of all counts); undefined takes the wish back. */
  want(key: string, interval: number | undefined): void;
  /** Calls back with the IDs that a complete list added, changed or removed. */
  onChange(listener: (ids: ReadonlySet<string>) => void): void;
  /** Calls back after every list, complete or failed; `turned` when it failed otherwise than the one before, or came back. */
  onList(listener: (turned: boolean) => void): void;
  start(): void;
  stop(): void;
}

export interface CollectionOptions<T> {
  name: string;
  list: () => Promise<Listed<T>>;
  id: (item: T) => string;
  clock: Clock;
  random: Random;
  log: Log;
  /** Steady interval between the end of a list and the start of the next, milliseconds; read anew each time. */
  interval: () => number;
}

/** After a failed list: the steady interval, but no longer than this, milliseconds. */
const afterFailure = 15_000;

export function createCollection<T>(options: CollectionOptions<T>): Collection<T> {
  const { name, clock, random, log } = options;
  const changeListeners: ((ids: ReadonlySet<string>) => void)[] = [];
  const listListeners: ((turned: boolean) => void)[] = [];
  const wishes = new Map<string, number>();
  let snapshot: Snapshot<T> | undefined;
  const share = createSharing();
  let failure: RemoteError | undefined;
  let count = 0;
  let running = false;
  let requested = false;
  let stopped = true;
  let timer: Timer | undefined;
  let endedAt = 0;
  /** How the newest list ended. */
  let ending: string | undefined;

  function schedule(): void {
    timer?.cancel();
    if (stopped || running) return;
    if (requested) {
      // Not in this turn, so that all who ask in it share one list.
      timer = clock.after(0, () => void list());
      return;
    }
    const steady = jitter(random, options.interval());
    const wished = failure ? Math.min(steady, afterFailure) : Math.min(steady, ...wishes.values());
    const due = failure?.retryAfter === undefined ? wished : Math.max(wished, failure.retryAfter);
    timer = clock.after(Math.max(0, endedAt + due - clock.monotonic()), () => void list());
  }

  /**
   * The list as it is kept, and what it changed. An item that did not change stays the very object that it was, and so does
   * the whole map where none did: what was found out about them stays true, and nothing is held twice.
   */
  function compared(answer: Listed<T>): { items: ReadonlyMap<string, T>; unreadable: Set<string>; ids: Set<string> } {
    const former = snapshot?.items ?? new Map<string, T>();
    const formerUnreadable = snapshot?.unreadable ?? new Set<string>();
    const unreadable = new Set(answer.unreadable);
    const items = new Map<string, T>();
    for (const item of answer.items) items.set(options.id(item), item);
    const ids = new Set<string>();
    for (const [id, item] of items) {
      const before = former.get(id);
      if (before !== undefined && isSameJSON(before, item)) items.set(id, before);
      else {
        share(item);
        ids.add(id);
      }
    }
    for (const id of former.keys()) if (!items.has(id)) ids.add(id);
    for (const id of unreadable) if (!items.has(id) && !formerUnreadable.has(id)) ids.add(id);
    for (const id of formerUnreadable) if (!items.has(id) && !unreadable.has(id)) ids.add(id);
    return { items: ids.size === 0 && snapshot ? former : items, unreadable, ids };
  }

  async function list(): Promise<void> {
    if (running || stopped) return;
    running = true;
    requested = false;
    timer?.cancel();
    const begunAt = clock.monotonic();
    let ids = new Set<string>();
    try {
      const answer = await options.list();
      const next = compared(answer);
      ids = next.ids;
      count += 1;
      snapshot = { items: next.items, unreadable: next.unreadable, begunAt, count };
      failure = undefined;
    } catch (error) {
      failure = error instanceof RemoteError ? error : unexpected(error);
    }
    running = false;
    endedAt = clock.monotonic();
    if (stopped) return;
    if (ids.size > 0) for (const listener of changeListeners) listener(ids);
    const before = ending;
    ending = failure?.reason ?? 'complete';
    for (const listener of listListeners) listener(ending !== before);
    schedule();
  }

  function unexpected(error: unknown): RemoteError {
    log.error({ err: error, collection: name }, 'list failed unexpectedly');
    return new RemoteError({
      reason: 'BadAnswer',
      outcome: 'definitely-not',
      operation: name,
      message: `the list of ${name} could not be read`,
      cause: error,
    });
  }

  return {
    name,
    snapshot: () => snapshot,
    failure: () => failure,
    refresh() {
      requested = true;
      schedule();
    },
    want(key, interval) {
      if (wishes.get(key) === interval) return;
      if (interval === undefined) wishes.delete(key);
      else wishes.set(key, interval);
      schedule();
    },
    onChange: (listener) => void changeListeners.push(listener),
    onList: (listener) => void listListeners.push(listener),
    start() {
      if (!stopped) return;
      stopped = false;
      void list();
    },
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
