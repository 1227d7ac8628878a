import { setTimeout as sleep } from 'node:timers/promises';
import { remoteKinds, tenantKinds } from '../src/kinds.ts';
import { type Operator, type Samples, sumOf } from './operator.ts';
import { countCalls } from './remote.ts';
import type { Figures } from './scenario.ts';
import type { World } from './world.ts';

export const rounded = (value: number, digits = 2) => Number(value.toFixed(digits));

export const secondsSince = (began: number) => (performance.now() - began) / 1000;

function difference(after: Record<string, number>, before: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, value]) => [name, value - (before[name] ?? 0)] as const)
      .filter(([, value]) => value !== 0),
  );
}

export const total = (counts: Record<string, number>, which: RegExp = /./) =>
  Object.entries(counts).reduce((sum, [name, value]) => sum + (which.test(name) ? value : 0), 0);

/** The operator's own requests to Kubernetes, as `GET secrets`. Reads and Leases of others cannot be told apart elsewhere. */
function ownRequests(samples: Samples): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [key, value] of samples) {
    if (!key.startsWith('freehold_kube_requests_total{')) continue;
    const name = `${/verb="([^"]*)"/.exec(key)?.[1]} ${/resource="([^"]*)"/.exec(key)?.[1]}`;
    counts[name] = (counts[name] ?? 0) + value;
  }
  return counts;
}

/** Reconcile passes by kind. */
const passesOf = (samples: Samples) =>
  Object.fromEntries(
    [...remoteKinds, ...tenantKinds].map(({ names: { kind } }) => [
      kind,
      sumOf(samples, 'freehold_reconcile_total', `kind="${kind}"`),
    ]),
  );

/** Begins to count what an operator does, or one that is yet to be started; `end` tells what there was. */
export async function counting(world: World, before?: Operator): Promise<(operator: Operator) => Promise<Counted>> {
  const writes = await world.writes();
  const samples: Samples = (await before?.metrics()) ?? new Map<string, number>();
  const cpu = before?.cpuSeconds() ?? 0;
  await world.remote.mark();
  const began = performance.now();
  return async (operator) => {
    const seconds = secondsSince(began);
    const calls = await world.remote.calls();
    const cpuSeconds = operator.cpuSeconds() - cpu;
    const after = await operator.metrics();
    return {
      seconds: rounded(seconds),
      cpuSeconds: rounded(cpuSeconds),
      calls: countCalls(calls),
      kubernetes: {
        writes: difference(await world.writes(), writes),
        own: difference(ownRequests(after), ownRequests(samples)),
      },
      reconciles: sumOf(after, 'freehold_reconcile_total') - sumOf(samples, 'freehold_reconcile_total'),
      reconcilesOf: difference(passesOf(after), passesOf(samples)),
      queue: queueLatency(after, samples),
    };
  };
}

export interface Counted {
  seconds: number;
  cpuSeconds: number;
  calls: ReturnType<typeof countCalls>;
  kubernetes: { writes: Record<string, number>; own: Record<string, number> };
  reconciles: number;
  reconcilesOf: Record<string, number>;
  queue: Figures;
}

/** How long keys waited: upper ends of the histogram's buckets, seconds. */
function queueLatency(after: Samples, before: Samples): Figures {
  const name = 'freehold_workqueue_queue_duration_seconds';
  const buckets = [...after]
    .filter(([key]) => key.startsWith(`${name}_bucket`))
    .map(([key, value]) => ({
      le: Number(/le="([^"]*)"/.exec(key)?.[1]?.replace('+Inf', 'Infinity')),
      count: value - (before.get(key) ?? 0),
    }));
  const all = buckets.at(-1)?.count ?? 0;
  const quantile = (share: number) => buckets.find(({ count }) => all > 0 && count >= share * all)?.le;
  const sum = sumOf(after, `${name}_sum`) - sumOf(before, `${name}_sum`);
  return {
    keys: all,
    meanSeconds: rounded(all > 0 ? sum / all : 0, 4),
    p50AtMost: quantile(0.5),
    p99AtMost: quantile(0.99),
  };
}

/**
 * Waits until at least `least` passes were made and hardly anything was reconciled for so long: of `resources` in all, each
 * runs once in five minutes to look at its Secrets, and that counts as rest. Resolves to when the last burst was seen, as
 * `performance.now()`.
 */
export async function atRest(operator: Operator, milliseconds = 5000, least = 0, resources = 0): Promise<number> {
  let last = -1;
  let since = performance.now();
  let made = 0;
  const few = (resources / 100_000) * milliseconds;
  while (performance.now() - since < milliseconds || made < least) {
    await sleep(100);
    made = await operator.metrics().then(
      (samples) => sumOf(samples, 'freehold_reconcile_total'),
      () => -1,
    );
    if (Math.abs(made - last) > few) {
      since = performance.now();
      last = made;
    }
  }
  return since;
}

export const median = (values: readonly number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

export const quantile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN;

/** Numbers by their median over all runs; what is no number as the first run has it. */
export function medianOf(runs: readonly Figures[]): Figures {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run)))];
  return Object.fromEntries(
    names.map((name) => {
      const values = runs.map((run) => run[name]).filter((value) => value !== undefined);
      if (values.every((value) => typeof value === 'object')) return [name, medianOf(values)];
      // What was not counted in a run was not there.
      const numbers = runs.map((run) => run[name] ?? 0).filter((value) => typeof value === 'number');
      return [name, numbers.length === runs.length ? rounded(median(numbers), 4) : values[0]];
    }),
  );
}
