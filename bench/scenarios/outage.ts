import { rounded, secondsSince } from '../measure.ts';
import { atMost, figureAt, type Parameters, type Scenario } from '../scenario.ts';
import { findCondition } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { namespace, types, wantedOf } from '../manifests.ts';
import { openWorld, tenantOf } from '../world.ts';
import { setTimeout as sleep } from 'node:timers/promises';

const tenants = ['sdpf-0', 'sdpf-1'];

/** Seconds until all resources of the first tenant are Ready, while the second one works or answers nothing. */
async function timeOfOne(parameters: Parameters, isDown: boolean): Promise<{ seconds: number; cpuSeconds: number }> {
  await using world = await openWorld(parameters, tenants);
  const operator = await world.operator('outage');
  await operator.ready();
  // It was well, and is in use, when it falls silent.
  for (const name of tenants) {
    const isWell = async () => {
      const tenant = await world.api.get<Resource>(types.SDPFTenant, { namespace, name });
      return findCondition(tenant?.status?.conditions, 'Ready')?.status === 'True';
    };
    while (!(await isWell())) await sleep(100);
  }
  const tenantID = world.tenantIDs.get('sdpf-1');
  // Later than every deadline.
  if (isDown) await world.remote.control('POST', 'faults', { operation: '*', tenantID, delayMs: 600_000 });
  const began = performance.now();
  const wanted = wantedOf(parameters.n, 'DedicatedHypervisor');
  const { resources } = world.following;
  await world.apply(wanted);
  const first = wanted.filter((one) => tenantOf(one, tenants) === 'sdpf-0').length;
  const ready = () => [...resources.values()].filter(({ isReady, name }) => isReady && Number(name.slice(3)) % 2 === 0);
  while (ready().length < first) await sleep(50);
  return { seconds: secondsSince(began), cpuSeconds: operator.cpuSeconds() };
}

export const outage: Scenario = {
  name: 'outage',
  about:
    'Servers of two tenants are applied together: time until those of the first are Ready while nothing answers for the second, compared with both at work, in the same run and in turns.',
  defaults: { n: 200, runs: 3, budget: 20, motion: '1s', kind: 'DedicatedHypervisor' },
  sizes: [{ n: 200, runs: 2 }],
  shown: {
    'both work, s': 'bothWork',
    'one is down, s': 'oneIsDown',
    ratio: 'ratio',
    'CPU seconds, both work': 'cpu.bothWork',
    'CPU seconds, one is down': 'cpu.oneIsDown',
  },
  async *measure(parameters) {
    for (let run = 0; run < parameters.runs; run += 1) {
      // Whatever makes the machine slow meets each of them first in turn.
      const order = run % 2 === 0 ? [false, true] : [true, false];
      const found = new Map<boolean, Awaited<ReturnType<typeof timeOfOne>>>();
      for (const isDown of order) found.set(isDown, await timeOfOne(parameters, isDown));
      const [both, one] = [found.get(false)!, found.get(true)!];
      yield {
        bothWork: rounded(both.seconds),
        oneIsDown: rounded(one.seconds),
        ratio: rounded(one.seconds / both.seconds, 3),
        cpu: { bothWork: rounded(both.cpuSeconds), oneIsDown: rounded(one.cpuSeconds) },
      };
    }
  },
  bounds: (figures) => [
    atMost("the other tenant's time to Ready, as a share of that with both at work", figureAt(figures, 'ratio'), 1.1),
  ],
};
