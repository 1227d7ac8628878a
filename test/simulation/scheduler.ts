/** Time that jumps from one event to the next. Whatever happens in a history happens here, one thing after the other. */
export interface Scheduler {
  /** Milliseconds since the history began. */
  now(): number;
  /** Runs `event` at `time`, at the earliest now; of two at one time the one that was asked for first. */
  at(time: number, event: () => void): Scheduled;
  /** Says of the present event that it woke somebody: what follows from it happens before the next one. */
  woke(): void;
  /**
   * Carries out events until `done` says so or `end` is reached, which is the time then. After each that woke somebody,
   * everything that follows from it without waiting has happened before the next one.
   */
  run(end: number, done?: () => boolean): Promise<void>;
}

export interface Scheduled {
  cancel(): void;
}

interface Entry {
  time: number;
  order: number;
  event: (() => void) | undefined;
}

export function createScheduler(): Scheduler {
  const heap: Entry[] = [];
  let time = 0;
  let order = 0;
  let awake = true;

  const before = (one: Entry, other: Entry) =>
    one.time < other.time || (one.time === other.time && one.order < other.order);

  function push(entry: Entry): void {
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  function pop(): Entry | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  return {
    now: () => time,
    woke: () => void (awake = true),
    at(when, event) {
      const entry: Entry = { time: Math.max(when, time), order: (order += 1), event };
      push(entry);
      return { cancel: () => (entry.event = undefined) };
    },
    async run(end, done = () => false) {
      while (!done()) {
        const next = heap[0];
        if (next === undefined || next.time > end) {
          time = end;
          return;
        }
        pop();
        const { event } = next;
        if (event === undefined) continue;
        time = next.time;
        event();
        if (!awake) continue;
        awake = false;
        // A macrotask: every promise that can go on has gone on by then.
        await new Promise(setImmediate);
      }
    },
  };
}
