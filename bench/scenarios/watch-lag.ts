import { setTimeout as sleep } from 'node:timers/promises';
import { atRest, counting, median, quantile, rounded } from '../measure.ts';
import { nameOf, namespace, types } from '../manifests.ts';
import type { Scenario } from '../scenario.ts';
import { applyAll, openWorld } from '../world.ts';

/** Writes whose echo is waited for, in each run. */
const samples = 40;

export const watchLag: Scenario = {
  name: 'watch-lag',
  about:
    'A server is renamed in its manifest, one after the other: time from the answer of the API server until the remote is sent the change.',
  defaults: { n: 100, runs: 3 },
  sizes: [{ n: 200, runs: 2 }],
  shown: {
    'median, ms': 'p50',
    '95 %, ms': 'p95',
    'most, ms': 'most',
    'wait in the queue, mean, s': 'queue.meanSeconds',
  },
  async *measure(parameters) {
    await using world = await openWorld(parameters);
    const operator = await world.operator('watch-lag');
    await applyAll(world, parameters);
    await world.allReady();
    await atRest(operator);
    const servers = [...world.following.resources.values()].filter(({ kind }) => kind === 'DedicatedHypervisor').length;
    for (let run = 0; run < parameters.runs; run += 1) {
      const end = await counting(world, operator);
      const lags: number[] = [];
      for (let at = 0; at < samples; at += 1) {
        const name = nameOf('DedicatedHypervisor', at % servers);
        const wished = `renamed-${run}-${at}`;
        await world.api.mergePatch(types.DedicatedHypervisor, { namespace, name }, { spec: { name: wished } });
        const written = Date.now();
        let sent: number | undefined;
        while (sent === undefined) {
          await sleep(20);
          const call = (await world.remote.calls()).find(
            ({ operation, requestBody }) =>
              operation === 'UpdateServer' && JSON.stringify(requestBody).includes(`"${wished}"`),
          );
          if (call) sent = Date.parse(call.at);
        }
        // The answer may come after the watch event.
        lags.push(Math.max(0, sent - written));
        await world.remote.mark();
        await sleep(200);
      }
      const { queue } = await end(operator);
      yield { p50: median(lags), p95: quantile(lags, 0.95), most: rounded(Math.max(...lags)), queue };
    }
  },
};
