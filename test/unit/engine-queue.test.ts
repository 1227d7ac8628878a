import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Random, systemRandom } from '../../src/base/random.ts';
import { createQueue, type Queue, type QueuePriority, type RunResult } from '../../src/engine/queue.ts';
import { createManualClock } from '../support/clock.ts';

/** No jitter: the back-off of the nth failure in a row is known. */
const steady: Random = { ...systemRandom, next: () => 0 };
const base = 1000;
const max = 8000;

/** A queue whose runs end when the test says so. */
function bench(workers: number) {
  const clock = createManualClock();
  const started: string[] = [];
  const running = new Map<string, (result: RunResult) => void>();
  let overlapped = false;
  const queue = createQueue({
    clock,
    random: steady,
    workers,
    backoff: { base, max },
    run(key) {
      started.push(key);
      overlapped ||= running.has(key);
      return new Promise((resolve) => running.set(key, resolve));
    },
  });
  return {
    clock,
    queue,
    started,
    running,
    overlapped: () => overlapped,
    async finish(key: string, result: RunResult) {
      const end = running.get(key)!;
      running.delete(key);
      end(result);
      await settled();
    },
  };
}
type Bench = ReturnType<typeof bench>;

const settled = () => new Promise((resolve) => setImmediate(resolve));
const done: RunResult = { failed: false };

describe('the work queue', () => {
  test('runs nothing before start, then everything once', async () => {
    const { queue, started } = bench(8);
    for (const key of ['a', 'b', 'a']) queue.add(key);
    await settled();
    expect([started, queue.depth, queue.running]).toEqual([[], 2, 0]);
    queue.start();
    await settled();
    expect([started, queue.depth, queue.running]).toEqual([['a', 'b'], 0, 2]);
  });

  test('what is added again before its run begins runs once, also where a worker is free', async () => {
    const { queue, started, finish } = bench(8);
    queue.start();
    for (const key of ['a', 'a', 'a']) queue.add(key);
    await settled();
    await finish('a', done);
    expect(started).toEqual(['a']);
  });

  test('a better priority overtakes, also when it is given later', async () => {
    const { queue, started, finish } = bench(1);
    queue.start();
    queue.add('first');
    queue.add('routine', 2);
    queue.add('moved', 1);
    queue.add('late', 2);
    queue.add('late', 0);
    queue.add('late', 1);
    for (const key of ['first', 'late', 'moved', 'routine']) {
      await settled();
      expect(started.at(-1)).toBe(key);
      await finish(key, done);
    }
    expect(started).toHaveLength(4);
  });

  test('a key added while it runs runs once more, in its best priority, and never beside itself', async () => {
    const { queue, started, finish } = bench(2);
    queue.start();
    queue.add('a');
    queue.add('busy');
    await settled();
    queue.add('other', 1);
    queue.add('a', 2);
    queue.add('a', 0);
    queue.add('a', 1);
    await settled();
    expect(started).toEqual(['a', 'busy']);
    await finish('a', done);
    expect(started).toEqual(['a', 'busy', 'a']);
    await finish('a', done);
    expect(started).toEqual(['a', 'busy', 'a', 'other']);
  });

  test('failures wait longer and longer, up to the cap; a success starts anew', async () => {
    const { queue, clock, started, finish } = bench(1);
    queue.start();
    queue.add('a');
    await settled();
    for (const delay of [1000, 2000, 4000, 8000, 8000]) {
      const before = started.length;
      await finish('a', { failed: true });
      clock.advance(delay - 2);
      await settled();
      expect(started).toHaveLength(before);
      clock.advance(2);
      await settled();
      expect(started).toHaveLength(before + 1);
    }
    await finish('a', done);
    queue.add('a');
    await settled();
    await finish('a', { failed: true });
    clock.advance(1000);
    await settled();
    expect(queue.running).toBe(1);
  });

  test('a failure that says how long to stay away is not tried earlier', async () => {
    const { queue, clock, started, finish } = bench(1);
    queue.start();
    queue.add('a');
    await settled();
    await finish('a', { failed: true, notBefore: 60_000 });
    clock.advance(59_990);
    await settled();
    expect(started).toHaveLength(1);
    clock.advance(10);
    await settled();
    expect(started).toHaveLength(2);
  });

  test('a key that is forgotten has neither delay nor back-off left', async () => {
    const { queue, clock, started, finish } = bench(1);
    queue.start();
    queue.add('a');
    for (const delay of [1000, 2000]) {
      await settled();
      await finish('a', { failed: true });
      clock.advance(delay);
    }
    await settled();
    await finish('a', { failed: true });
    queue.forget('a');
    expect(clock.pending()).toBe(0);
    queue.add('a');
    await settled();
    await finish('a', { failed: true });
    clock.advance(1000);
    await settled();
    expect(started).toHaveLength(5);
  });

  test('a delay longer than a Node timer still ends when it should', async () => {
    const { queue, clock, started } = bench(1);
    const long = 2 ** 33;
    const bounded = { ...clock, after: (delay: number, run: () => void) => clock.after(Math.min(delay, 2 ** 31), run) };
    const other = createQueue({
      clock: bounded,
      random: steady,
      workers: 1,
      run: async (key) => {
        started.push(key);
        return done;
      },
    });
    other.start();
    other.addAfter('a', long);
    clock.advance(long - 10);
    await settled();
    expect(started).toEqual([]);
    clock.advance(10);
    await settled();
    expect(started).toEqual(['a']);
    await queue.stop();
  });

  test('stop() starts nothing more, waits for what runs, and leaves no timer behind', async () => {
    const { queue, clock, started, finish } = bench(1);
    queue.start();
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 1000);
    await settled();
    let stopped = false;
    const stopping = queue.stop().then(() => (stopped = true));
    queue.add('d');
    queue.addAfter('e', 10);
    queue.add('a');
    clock.advance(10_000);
    await settled();
    expect(stopped).toBe(false);
    await finish('a', { failed: true });
    await stopping;
    clock.advance(1_000_000);
    await settled();
    expect(started).toEqual(['a']);
    expect(clock.pending()).toBe(0);
    await queue.stop();
  });

  test('says how long it has been working', async () => {
    const { queue, clock, finish } = bench(2);
    expect(queue.oldestRun()).toBeUndefined();
    queue.start();
    queue.add('a');
    await settled();
    const begun = clock.monotonic();
    clock.advance(3000);
    queue.add('b');
    await settled();
    clock.advance(1000);
    expect(queue.oldestRun()).toBe(begun);
    expect(queue.unfinished()).toBe(5);
    await finish('a', done);
    expect(queue.unfinished()).toBe(1);
  });
});

/** What a queue must do, in the plainest words. */
interface Model {
  waiting: { key: string; priority: QueuePriority; order: number }[];
  running: Map<string, QueuePriority | undefined>;
  due: Map<string, { at: number; order: number }>;
  failures: Map<string, number>;
  started: string[];
  now: number;
  order: number;
  stopped: boolean;
}

function put(model: Model, key: string, priority: QueuePriority): void {
  if (model.stopped) return;
  if (model.running.has(key)) {
    model.running.set(key, Math.min(model.running.get(key) ?? 2, priority) as QueuePriority);
    return;
  }
  const known = model.waiting.find((entry) => entry.key === key);
  if (known && known.priority <= priority) return;
  model.waiting = model.waiting.filter((entry) => entry !== known);
  model.waiting.push({ key, priority, order: model.order++ });
  pump(model);
}

function putAfter(model: Model, key: string, delay: number): void {
  const at = model.now + delay;
  if (!model.stopped && (model.due.get(key)?.at ?? Infinity) > at) model.due.set(key, { at, order: model.order++ });
}

function pump(model: Model): void {
  model.waiting.sort((a, b) => a.priority - b.priority || a.order - b.order);
  while (!model.stopped && model.running.size < 2 && model.waiting.length > 0) {
    const { key } = model.waiting.shift()!;
    model.running.set(key, undefined);
    model.started.push(key);
  }
}

function agree(bench: Bench, model: Model): void {
  expect(bench.overlapped()).toBe(false);
  expect(bench.started).toEqual(model.started);
  expect([...bench.running.keys()].sort()).toEqual([...model.running.keys()].sort());
  expect(bench.queue.depth).toBe(model.waiting.length);
}

abstract class Step implements fc.AsyncCommand<Model, Bench> {
  check(_model: Readonly<Model>): boolean {
    return true;
  }
  abstract model(model: Model): void;
  abstract real(bench: Bench, model: Model): void | Promise<void>;
  async run(model: Model, bench: Bench): Promise<void> {
    await this.real(bench, model);
    this.model(model);
    await settled();
    agree(bench, model);
  }
}

class Add extends Step {
  readonly key: string;
  readonly priority: QueuePriority;
  constructor(key: string, priority: QueuePriority) {
    super();
    this.key = key;
    this.priority = priority;
  }
  model(model: Model): void {
    put(model, this.key, this.priority);
  }
  real({ queue }: Bench): void {
    queue.add(this.key, this.priority);
  }
  override toString = () => `add(${this.key}, ${this.priority})`;
}

class AddAfter extends Step {
  readonly key: string;
  readonly delay: number;
  constructor(key: string, delay: number) {
    super();
    this.key = key;
    this.delay = delay;
  }
  model(model: Model): void {
    putAfter(model, this.key, this.delay);
  }
  real({ queue }: Bench): void {
    queue.addAfter(this.key, this.delay);
  }
  override toString = () => `addAfter(${this.key}, ${this.delay})`;
}

class Forget extends Step {
  readonly key: string;
  constructor(key: string) {
    super();
    this.key = key;
  }
  model(model: Model): void {
    model.due.delete(this.key);
    model.failures.delete(this.key);
  }
  real({ queue }: Bench): void {
    queue.forget(this.key);
  }
  override toString = () => `forget(${this.key})`;
}

class Advance extends Step {
  readonly by: number;
  constructor(by: number) {
    super();
    this.by = by;
  }
  model(model: Model): void {
    model.now += this.by;
    const due = [...model.due].filter(([, { at }]) => at <= model.now);
    due.sort(([, a], [, b]) => a.at - b.at || a.order - b.order);
    for (const [key] of due) {
      model.due.delete(key);
      put(model, key, 2);
    }
  }
  real({ clock }: Bench): void {
    clock.advance(this.by);
  }
  override toString = () => `advance(${this.by})`;
}

class Finish extends Step {
  readonly which: number;
  readonly result: RunResult;
  private key = '';
  constructor(which: number, result: RunResult) {
    super();
    this.which = which;
    this.result = result;
  }
  override check(model: Readonly<Model>): boolean {
    return model.running.size > 0;
  }
  model(model: Model): void {
    const { key, result } = this;
    const again = model.running.get(key);
    model.running.delete(key);
    if (model.stopped) return;
    if (result.failed) {
      const attempt = model.failures.get(key) ?? 0;
      model.failures.set(key, attempt + 1);
      putAfter(model, key, Math.max(result.notBefore ?? 0, Math.min(max, base * 2 ** attempt)));
    } else {
      model.failures.delete(key);
      if (result.after !== undefined) putAfter(model, key, result.after);
    }
    if (again !== undefined) put(model, key, again);
    pump(model);
  }
  async real(bench: Bench, model: Model): Promise<void> {
    const keys = [...model.running.keys()];
    this.key = keys[this.which % keys.length]!;
    await bench.finish(this.key, this.result);
  }
  override toString = () => `finish(${this.key}, ${JSON.stringify(this.result)})`;
}

class Stop extends Step {
  model(model: Model): void {
    model.stopped = true;
    model.due.clear();
  }
  real({ queue }: Bench): void {
    void queue.stop();
  }
  override toString = () => 'stop()';
}

const key = fc.constantFrom('a', 'b', 'c', 'd');
const delay = fc.integer({ min: 0, max: 12 }).map((seconds) => seconds * 1000);
const result: fc.Arbitrary<RunResult> = fc.oneof(
  fc.record({ failed: fc.constant<false>(false) }),
  fc.record({ failed: fc.constant<false>(false), after: delay }),
  fc.record({ failed: fc.constant<true>(true) }),
  fc.record({ failed: fc.constant<true>(true), notBefore: delay }),
);

async function drain(bench: Bench): Promise<void> {
  for (let turn = 0; turn < 50 && bench.clock.pending() + bench.queue.depth + bench.queue.running > 0; turn += 1) {
    for (const key of bench.running.keys()) await bench.finish(key, done);
    bench.clock.advance(20_000);
    await settled();
  }
}

const wanted = (queue: Queue) => [queue.depth, queue.running];

test('whatever is asked of it, in whatever order, it never loses a key and never runs one beside itself', async () => {
  const commands = fc.commands(
    [
      fc.tuple(key, fc.constantFrom<QueuePriority>(0, 1, 2)).map(([key, priority]) => new Add(key, priority)),
      fc.tuple(key, delay).map(([key, delay]) => new AddAfter(key, delay)),
      delay.map((by) => new Advance(by)),
      fc.tuple(fc.nat(3), result).map(([which, result]) => new Finish(which, result)),
      fc.tuple(fc.nat(3), result).map(([which, result]) => new Finish(which, result)),
      key.map((key) => new Forget(key)),
      fc.nat(15).map((chance) => (chance === 0 ? new Stop() : new Advance(1000))),
    ],
    { maxCommands: 40 },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      const real = bench(2);
      const model: Model = {
        waiting: [],
        running: new Map(),
        due: new Map(),
        failures: new Map(),
        started: [],
        now: 0,
        order: 0,
        stopped: false,
      };
      real.queue.start();
      await fc.asyncModelRun(() => ({ model, real }), commands);
      if (model.stopped) return;
      await drain(real);
      expect(wanted(real.queue)).toEqual([0, 0]);
      expect(real.clock.pending()).toBe(0);
    }),
    { numRuns: 200 },
  );
});
