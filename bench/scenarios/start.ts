import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { rounded, secondsSince } from '../measure.ts';
import { atMost, figureAt, type Scenario } from '../scenario.ts';
import { openWorld } from '../world.ts';

export const start: Scenario = {
  name: 'start',
  about: 'From the start of the process to /readyz, with a free Lease and no resources; beside it, a bare `node -e 0`.',
  defaults: { n: 0, runs: 5 },
  shown: {
    'to /readyz, s': 'seconds',
    'bare node, s': 'bareNode',
    'beyond it, s': 'beyond',
    'CPU seconds': 'cpuSeconds',
  },
  async *measure(parameters) {
    await using world = await openWorld(parameters);
    for (let run = 0; run < parameters.runs; run += 1) {
      const began = performance.now();
      execFileSync('node', ['-e', '0']);
      const bareNode = secondsSince(began);
      const operator = await world.operator(`start-${run}`, ['--lease-name', `start-${run}`]);
      await operator.ready();
      const seconds = secondsSince(operator.startedAt);
      const cpuSeconds = operator.cpuSeconds();
      await operator.end();
      yield {
        seconds: rounded(seconds, 3),
        bareNode: rounded(bareNode, 3),
        beyond: rounded(seconds - bareNode, 3),
        cpuSeconds,
      };
      await sleep(500);
    }
  },
  bounds: (figures) => [atMost('start to /readyz beyond a bare node, s', figureAt(figures, 'beyond'), 0.6)],
};
