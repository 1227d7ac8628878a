import { setTimeout as sleep } from 'node:timers/promises';
import { atRest, counting, rounded, secondsSince, total } from '../measure.ts';
import type { KindName, Scenario } from '../scenario.ts';
import { type Operator, sumOf } from '../operator.ts';
import { applyAll, openWorld } from '../world.ts';

const isLeader = async (operator: Operator) => sumOf(await operator.metrics(), 'freehold_leader') === 1;

async function leads(operator: Operator): Promise<void> {
  while (!(await isLeader(operator).catch(() => false))) await sleep(100);
}

export const takeover: Scenario = {
  name: 'takeover',
  about:
    'The leader of two is killed, and a resource is applied in that moment: time until the other holds the Lease (15 s) and until the resource is Ready, and what the change costs.',
  defaults: { n: 100, runs: 3 },
  sizes: [{ n: 100, runs: 2 }],
  shown: {
    'until the other leads, s': 'secondsToLead',
    'until the new resource is Ready, s': 'secondsToReady',
    'remote calls': 'calls.all',
    'list pages': 'calls.listPages',
    'remote changes': 'calls.changes',
    'Kubernetes writes besides Leases': 'writes',
    'CPU seconds of the new leader': 'cpuSeconds',
  },
  async *measure(parameters) {
    await using world = await openWorld(parameters);
    let leader = await world.operator('takeover');
    await applyAll(world, parameters);
    await world.allReady();
    await leads(leader);
    for (let run = 0; run < parameters.runs; run += 1) {
      const standby = await world.operator(`takeover-${run}`);
      await standby.ready();
      await atRest(leader);
      const end = await counting(world, standby);
      const began = performance.now();
      await leader.end('SIGKILL');
      const kind: KindName = parameters.kind ?? 'DedicatedHypervisor';
      await world.apply([{ kind, index: parameters.n + run }]);
      await leads(standby);
      const secondsToLead = rounded(secondsSince(began));
      await world.allReady();
      const secondsToReady = rounded(secondsSince(began));
      await atRest(standby);
      const { calls, kubernetes, cpuSeconds } = await end(standby);
      yield { secondsToLead, secondsToReady, calls, writes: total(kubernetes.writes), kubernetes, cpuSeconds };
      leader = standby;
    }
  },
};
