import { fork } from 'node:child_process';
import { generate } from './generate.ts';
import type { History } from './history.ts';
import { type Result, simulate } from './simulate.ts';

/** A history to run: as it is, or the one of a seed. */
export type Task = { name: string; history?: never; seed: number } | { name: string; history: History; seed?: never };

/** What one history came to. */
export interface Report extends Result {
  name: string;
  /** Where it does not follow from a seed. */
  history?: History;
  milliseconds: number;
}

/** In a worker: runs what the parent sends, one after the other. */
export function workWhenAsked(): void {
  process.on('message', ({ name, history, seed }: Task) => {
    const begun = performance.now();
    void simulate(history ?? generate(seed)).then(
      (result) => {
        const milliseconds = performance.now() - begun;
        const report: Report = { ...result, trace: [], name, ...(history && { history }), milliseconds };
        process.send!(report);
      },
      (error: unknown) => {
        console.error(`${name} broke the simulation itself:`, error);
        process.exit(3);
      },
    );
  });
  process.on('disconnect', () => process.exit());
}

/** A killed operator's promises and signals are never let go of by Node.js: a worker ends before they weigh. */
const perWorker = 400;

/**
 * Runs all tasks in so many processes. `told` hears of each and says whether to go on. false: one of them broke the
 * simulation itself.
 */
export async function runAll(tasks: Task[], workers: number, told: (report: Report) => boolean): Promise<boolean> {
  const waiting = tasks.values();
  let goOn = true;
  let sound = true;
  let left = tasks.length;
  const one = async (): Promise<void> => {
    const worker = fork(process.argv[1]!, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    let given = 0;
    const give = () => {
      const next = goOn && sound && given < perWorker ? waiting.next() : undefined;
      if (!next || next.done) {
        worker.disconnect();
        return;
      }
      given += 1;
      left -= 1;
      worker.send(next.value);
    };
    worker.on('message', (report: Report) => {
      goOn = told(report) && goOn;
      give();
    });
    give();
    await new Promise<void>((resolve) =>
      worker.on('exit', (code) => {
        sound &&= code === 0;
        resolve();
      }),
    );
    if (goOn && sound && left > 0) await one();
  };
  await Promise.all(Array.from({ length: workers }, one));
  return sound;
}
