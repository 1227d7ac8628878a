import { atRest, counting, rounded, total } from '../measure.ts';
import type { Operator } from '../operator.ts';
import { atMost, type Bound, type Figures, figureAt, type Scenario } from '../scenario.ts';
import { applyAll, openWorld, type World } from '../world.ts';

/** An operator that starts on what is there already, until it rests. */
export async function started(
  world: World,
  name: string,
  n: number,
): Promise<{ operator: Operator; figures: Figures }> {
  const end = await counting(world);
  const operator = await world.operator(name);
  const rested = await atRest(operator, 10_000, n, n / 3);
  const { calls, kubernetes, cpuSeconds, reconciles } = await end(operator);
  const figures = {
    seconds: rounded((rested - operator.startedAt) / 1000),
    cpuSeconds,
    reconciles,
    calls,
    writes: total(kubernetes.writes),
    reads: total(kubernetes.own, /^GET (?!leases)/),
    kubernetes,
    peakMB: rounded(operator.memory().peakMB, 0),
  };
  return { operator, figures };
}

export const restartShown = {
  'from the start until all are reconciled, s': 'seconds',
  'remote calls': 'calls.all',
  'list pages': 'calls.listPages',
  'remote changes': 'calls.changes',
  'Kubernetes writes besides Leases': 'writes',
  'Kubernetes reads': 'reads',
  'CPU seconds': 'cpuSeconds',
  'peak RSS, MB': 'peakMB',
};

export const restartBounds = (figures: Figures): Bound[] => [
  atMost('remote changes', figureAt(figures, 'calls.changes'), 0),
  atMost('Kubernetes writes besides Lease renewals', figureAt(figures, 'writes'), 0),
  atMost('remote calls besides list pages and sign-ins', figureAt(figures, 'calls.others'), 0),
];

export const restart: Scenario = {
  name: 'restart',
  about:
    'The operator ends by SIGTERM and is started again on what it made: time until each resource was reconciled, remote calls and writes until it rests.',
  defaults: { n: 100, runs: 3 },
  sizes: [{ n: 200 }],
  shown: restartShown,
  async *measure(parameters) {
    await using world = await openWorld(parameters);
    let operator = await world.operator('restart-first');
    await applyAll(world, parameters);
    await world.allReady();
    await atRest(operator);
    for (let run = 0; run < parameters.runs; run += 1) {
      await operator.end();
      const again = await started(world, `restart-${run}`, parameters.n);
      operator = again.operator;
      yield again.figures;
    }
  },
  bounds: restartBounds,
};
