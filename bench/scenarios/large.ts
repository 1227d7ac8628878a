import { setTimeout as sleep } from 'node:timers/promises';
import { atRest, rounded, secondsSince } from '../measure.ts';
import { type Bound, type Figures, type Scenario } from '../scenario.ts';
import { applyAll, openWorld } from '../world.ts';
import { memoryBounds, memoryOf, memoryShown } from './memory.ts';
import { restartBounds, restartShown, started } from './restart.ts';
import { quietMinutes, steadyBounds, steadyShown } from './steady.ts';

const within = (part: string, shown: Record<string, string>) =>
  Object.entries(shown).map(([label, at]) => [`${part}: ${label}`, `${part}.${at}`] as const);

const part = (figures: Figures, name: string) => figures[name] as Figures;

const named = (name: string, bounds: Bound[]) => bounds.map((one) => ({ ...one, figure: `${name}: ${one.figure}` }));

/** What takes longest is to make so many resources; so they are made once for all that is asked of them. */
export const large: Scenario = {
  name: 'large',
  about:
    'So many resources that each scenario by itself would take hours: they are made once, then left alone for some minutes, then the operator is started anew (each run), and its memory is looked at (each run).',
  defaults: { n: 10_000, runs: 1, minutes: 10, motion: '1s' },
  byHand: true,
  shown: {
    'time to all Ready, s': 'seconds',
    'peak RSS until then, MB': 'peakMB',
    ...Object.fromEntries([
      ...within('quiet', steadyShown),
      ...within('restart', restartShown),
      ...within('memory', memoryShown),
    ]),
  },
  async *measure(parameters) {
    await using world = await openWorld(parameters);
    const first = await world.operator('large');
    const began = performance.now();
    await applyAll(world, parameters);
    await world.allReady();
    const seconds = rounded(secondsSince(began));
    await atRest(first, 5000, 0, parameters.n);
    const peakMB = rounded(first.memory().peakMB, 0);
    // The lists that follow the last change.
    await sleep(2 * parameters.poll * 1000);
    const quiet = await quietMinutes(world, first, parameters.minutes);
    await first.end();
    for (let run = 0; run < parameters.runs; run += 1) {
      const { operator, figures: restart } = await started(world, `large-restart-${run}`, parameters.n);
      await operator.end();
      yield { seconds, peakMB, quiet, restart, memory: await memoryOf(world, parameters, run) };
    }
  },
  bounds: (figures, parameters) => [
    ...named('quiet', steadyBounds(part(figures, 'quiet'), parameters)),
    ...named('restart', restartBounds(part(figures, 'restart'))),
    ...named('memory', memoryBounds(part(figures, 'memory'), parameters)),
  ],
};
