import { setTimeout as sleep } from 'node:timers/promises';
import { atRest, counting, rounded } from '../measure.ts';
import { namespace, types } from '../manifests.ts';
import { sumOf } from '../operator.ts';
import type { Scenario } from '../scenario.ts';
import { inParallel } from '../cluster.ts';
import { applyAll, openWorld } from '../world.ts';

export const reconcile: Scenario = {
  name: 'reconcile',
  about:
    'Every resource is touched by an annotation that means nothing, all at once: passes without remote calls, per second of time and of CPU (watch and cache included).',
  defaults: { n: 100, runs: 3 },
  sizes: [{ n: 200 }],
  shown: {
    passes: 'reconciles',
    'passes per second (the API server takes the writes meanwhile)': 'perSecond',
    'passes per CPU second': 'perCPUSecond',
    'remote calls besides list pages': 'callsBesidesPages',
    'wait in the queue, mean, s': 'queue.meanSeconds',
  },
  async *measure(parameters) {
    await using world = await openWorld(parameters);
    const operator = await world.operator('reconcile');
    await applyAll(world, parameters);
    await world.allReady();
    await atRest(operator);
    const touched = [...world.following.resources.values()];
    for (let run = 0; run < parameters.runs; run += 1) {
      const passes = async () => sumOf(await operator.metrics(), 'freehold_reconcile_total');
      const before = await passes();
      const end = await counting(world, operator);
      const began = performance.now();
      await inParallel(touched, ({ kind, name }) =>
        world.api.mergePatch(
          types[kind],
          { namespace, name },
          { metadata: { annotations: { 'bench/touched': `${run}` } } },
        ),
      );
      while ((await passes()) - before < touched.length) await sleep(50);
      const seconds = (performance.now() - began) / 1000;
      const { cpuSeconds, calls, reconciles, queue, kubernetes } = await end(operator);
      yield {
        seconds: rounded(seconds),
        reconciles,
        perSecond: rounded(reconciles / seconds, 0),
        perCPUSecond: rounded(reconciles / cpuSeconds, 0),
        cpuSeconds,
        callsBesidesPages: calls.all - calls.listPages - calls.signIns,
        queue,
        calls,
        kubernetes,
      };
      await atRest(operator);
    }
  },
};
