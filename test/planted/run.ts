import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Bug } from './bug.ts';
import { bugs } from './bugs.ts';
import { simulate, type Verdict } from './simulate.ts';
import { type Result, tableOf, writeTable } from './table.ts';
import { plant, root } from './tree.ts';

const whole = (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`"${text}" is no whole number of at least 1`);
  return value;
};

const options = new Command('planted-bugs')
  .description('Plants each known mistake into a copy of the tree and shows that the simulation catches it.')
  .option('--only <names...>', 'only these bugs, without the control')
  .option('--max-seeds <number>', 'histories to try for each', whole, 500)
  .option('--workers <number>', 'trees simulated at once', whole, 2)
  .option('--write', 'put the table into docs/testing.md')
  .parse()
  .opts<{ only?: string[]; maxSeeds: number; workers: number; write?: true }>();

const unknown = (options.only ?? []).filter((name) => !bugs.some((bug) => bug.name === name));
if (unknown.length > 0) throw new Error(`no planted bug is called ${unknown.join(', ')}; see test/planted/bugs-*.ts`);
const chosen = options.only ? bugs.filter(({ name }) => options.only!.includes(name)) : bugs;

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
const say = (text: string) => void process.stderr.write(`${text}\n`);

const copies = join(root, 'build', 'planted');
/** As the tree is now: whoever goes on working on it changes nothing here. */
const original = join(copies, 'control');

/** Simulates the copy at `folder` and takes it away, unless it cannot be simulated: somebody will want to look then. */
async function verdictOn(name: string, folder: string): Promise<Verdict> {
  const verdict = await simulate(folder, options.maxSeeds, stopping.signal);
  const [first] = verdict.violations;
  const found = first && `${first.invariant} (law ${first.law}) in ${first.name}: ${first.message}`;
  say(`${name}: ${found ?? `nothing found in ${verdict.histories} histories`}`);
  return verdict;
}

async function judge(bug: Bug): Promise<Result> {
  const folder = join(copies, bug.name);
  plant(original, folder, bug);
  const verdict = await verdictOn(bug.name, folder);
  rmSync(folder, { recursive: true });
  return { bug, verdict };
}

plant(root, original);
if (!options.only) {
  const { violations } = await verdictOn('the tree as it is', original);
  if (violations.length > 0) {
    say('nothing was planted: what a bug shows proves nothing before that is mended');
    process.exit(1);
  }
}
const results = new Map<Bug, Result>();
const queue = [...chosen];
async function work(): Promise<void> {
  for (let bug = queue.shift(); bug !== undefined && !stopping.signal.aborted; bug = queue.shift()) {
    try {
      results.set(bug, await judge(bug));
    } catch (error) {
      say(`${bug.name}: ${(error as Error).message}`);
    }
  }
}
await Promise.all(Array.from({ length: options.workers }, work));

const told = chosen.flatMap((bug) => results.get(bug) ?? []);
const missed = told.filter(({ verdict }) => verdict.violations.length === 0).map(({ bug }) => bug.name);
const untold = chosen.filter((bug) => !results.has(bug)).map(({ name }) => name);
const table = tableOf(told);
console.log(table);
if (missed.length > 0) say(`not caught within ${options.maxSeeds} histories: ${missed.join(', ')}`);
if (untold.length > 0) say(`could not be simulated: ${untold.join(', ')}`);
if (options.write && untold.length === 0 && !options.only) writeTable(join(root, 'docs', 'testing.md'), table);
process.exitCode = missed.length + untold.length > 0 ? 1 : 0;
