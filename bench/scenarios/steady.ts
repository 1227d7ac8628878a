import { setTimeout as sleep } from 'node:timers/promises';
import { atRest, counting, rounded, total } from '../measure.ts';
import type { Operator } from '../operator.ts';
import { atMost, type Bound, type Figures, figureAt, type Parameters, type Scenario } from '../scenario.ts';
import { applyAll, openWorld, type World } from '../world.ts';

/** What an operator at rest does in so many minutes. */
export async function quietMinutes(world: World, operator: Operator, length: number): Promise<Figures> {
  const end = await counting(world, operator);
  await sleep(length * 60_000);
  const { seconds, cpuSeconds, calls, kubernetes, reconciles } = await end(operator);
  const minutes = seconds / 60;
  return {
    minutes: rounded(minutes),
    callsPerMinute: rounded(calls.all / minutes),
    pagesPerMinute: rounded(calls.listPages / minutes),
    callsBesidesPages: calls.all - calls.listPages - calls.signIns,
    nodePortReads: (calls.byOperation['ListNodePorts'] ?? 0) + (calls.byOperation['ListNodePortGroups'] ?? 0),
    calls,
    writes: total(kubernetes.writes),
    leases: total(kubernetes.own, / leases/),
    reads: total(kubernetes.own, /^GET (?!leases)/),
    kubernetes,
    reconciles,
    cpuSeconds,
    cpuPerMinute: rounded(cpuSeconds / minutes),
    rssMB: rounded(operator.memory().rssMB, 1),
  };
}

export const steadyShown = {
  minutes: 'minutes',
  'remote calls per minute': 'callsPerMinute',
  'list pages per minute': 'pagesPerMinute',
  'remote calls besides list pages': 'callsBesidesPages',
  'Kubernetes writes besides Leases': 'writes',
  'Lease renewals': 'leases',
  'Kubernetes reads': 'reads',
  'CPU seconds per minute': 'cpuPerMinute',
  'RSS, MB': 'rssMB',
};

export function steadyBounds(figures: Figures, { n, kind, door }: Parameters): Bound[] {
  const minutes = figureAt(figures, 'minutes');
  const nodes = kind === 'BareMetalNode' ? n : kind === undefined ? n / 4 : 0;
  const rota = figureAt(figures, 'nodePortReads');
  const others = figureAt(figures, 'callsBesidesPages') - (door === 'gateway' ? rota : 0);
  return [
    atMost('remote calls besides list pages (and the port rota)', others, 0),
    ...(door === 'gateway' && nodes > 0
      ? [atMost('port reads per node and hour at the gateway', rounded((rota / nodes / minutes) * 60), 2)]
      : []),
    atMost('Kubernetes writes besides Lease renewals', figureAt(figures, 'writes'), 0),
  ];
}

export const steady: Scenario = {
  name: 'steady',
  about:
    'Everything is Ready and nothing changes: remote calls, Kubernetes requests, CPU and memory over some minutes.',
  defaults: { n: 100, runs: 1, minutes: 10 },
  sizes: [{ n: 200, minutes: 5 }],
  shown: steadyShown,
  async *measure(parameters) {
    await using world = await openWorld(parameters);
    const operator = await world.operator('steady');
    await applyAll(world, parameters);
    await world.allReady();
    await atRest(operator, 5000, 0, parameters.n);
    // The lists that follow the last change.
    await sleep(2 * parameters.poll * 1000);
    for (let run = 0; run < parameters.runs; run += 1) yield await quietMinutes(world, operator, parameters.minutes);
  },
  bounds: steadyBounds,
};
