import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { beyondTheWindow, generate } from './generate.ts';
import type { History, KindName } from './history.ts';
import { type Report, runAll, type Task, workWhenAsked } from './pool.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';
import { basicStory, singleFaults } from './stories.ts';

const { values } = parseArgs({
  options: {
    /** How many random histories, and from which seed on. */
    seeds: { type: 'string', default: '200' },
    /** After those the histories of regressions/, too. */
    stories: { type: 'boolean', default: false },
    from: { type: 'string', default: '1' },
    /** Every single fault in the basic story of each kind, or of this one. */
    single: { type: 'boolean', default: false },
    kind: { type: 'string' },
    /** What comes later than the settle window: what no journal can know of. */
    beyond: { type: 'boolean', default: false },
    /** One history alone. */
    seed: { type: 'string' },
    history: { type: 'string' },
    trace: { type: 'boolean', default: false },
    /** Where to write the smallest history that fails as that one does. */
    shrink: { type: 'string' },
    'until-violation': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    workers: { type: 'string', default: String(availableParallelism()) },
  },
});

const kinds: KindName[] = ['DedicatedHypervisor', 'GuestLicense', 'VCenterRegistration', 'BareMetalNode'];

if (process.send) workWhenAsked();
else if (values.seed !== undefined || values.history !== undefined) process.exitCode = await one();
else process.exitCode = await many();

async function one(): Promise<number> {
  const seed = Number(values.seed);
  const random = values.beyond ? beyondTheWindow(seed) : generate(seed);
  const history = values.history === undefined ? random : (JSON.parse(readFileSync(values.history, 'utf8')) as History);
  const { trace, ...result } = await simulate(history, { trace: values.trace });
  if (values.trace) console.log(`${JSON.stringify(history)}\n${trace.join('\n')}`);
  for (const { law, invariant, message, at } of result.violations)
    console.log(`VIOLATION of law ${law}, ${invariant}, at ${(at / 1000).toFixed(3)} s: ${message}`);
  console.log(JSON.stringify(result));
  const [first] = result.violations;
  if (first && values.shrink !== undefined) {
    const smallest = await shrink(history, async (smaller) => {
      const { violations } = await simulate(smaller);
      return violations.some(({ invariant }) => invariant === first.invariant);
    });
    writeFileSync(values.shrink, `${JSON.stringify(smallest, undefined, 2)}\n`);
    console.log(`the smallest history that fails so: node test/simulation/run.ts --history ${values.shrink} --trace`);
  }
  return first ? 1 : 0;
}

async function tasks(): Promise<Task[]> {
  if (values.single) {
    const stories = kinds.filter((kind) => values.kind === undefined || kind === values.kind).map(basicStory);
    const usual = await Promise.all(stories.map((story) => simulate(story)));
    return stories.flatMap((story, index) =>
      singleFaults(story, usual[index]!.byChannel).map((history) => {
        const { on, nth, what } = history.faults[0]!;
        return { name: `${story.resources.at(-1)!.kind} ${on}/${nth} ${what}`, history };
      }),
    );
  }
  const first = Number(values.from);
  const folder = path.join(import.meta.dirname, 'regressions');
  const stories = (values.stories ? readdirSync(folder) : []).map((file): Task => {
    const { history } = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { history: History };
    return { name: `story ${file.replace('.json', '')}`, history };
  });
  const random = Array.from({ length: Number(values.seeds) }, (_, index) => {
    const seed = first + index;
    return values.beyond ? { name: `seed ${seed}`, history: beyondTheWindow(seed) } : { name: `seed ${seed}`, seed };
  });
  return [...random, ...stories];
}

async function many(): Promise<number> {
  const begun = performance.now();
  const reports: Report[] = [];
  const sound = await runAll(await tasks(), Number(values.workers), (report) => {
    reports.push(report);
    const bad = report.violations.length > 0;
    if (reports.length % 1000 === 0 && !values.json)
      console.error(`${reports.length} histories, ${Math.round((performance.now() - begun) / 1000)} s`);
    if (bad && !values.json && !values.beyond) tell(report);
    return !(bad && values['until-violation']);
  });
  summary(reports, (performance.now() - begun) / 1000);
  if (!sound) return 3;
  return !values.beyond && reports.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

function tell({ name, history, violations: [first] }: Report): void {
  let replay = `--seed ${name.replace('seed ', '')}`;
  if (history) {
    const file = `build/simulation-${name.replaceAll(/\W+/g, '-')}.json`;
    writeFileSync(file, JSON.stringify(history));
    replay = `--history ${file}`;
  }
  console.log(`${name}: law ${first!.law}, ${first!.invariant}: ${first!.message}
  node test/simulation/run.ts ${replay} --trace [--shrink FILE]`);
}

function summary(reports: Report[], seconds: number): void {
  const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0);
  const median = (of: (report: Report) => number) => reports.map(of).sort((a, b) => a - b)[reports.length >> 1] ?? 0;
  const faultsOf = ({ faults }: Report) => Object.values(faults).reduce((total, count) => total + count, 0);
  const violations = reports.flatMap((report) =>
    report.violations.map((violation) => ({
      name: report.name,
      seed: Number(/^seed (\d+)$/.exec(report.name)?.[1]),
      ...violation,
    })),
  );
  const figures = {
    histories: reports.length,
    ioPoints: sum(({ crossings }) => crossings),
    faults: sum(faultsOf),
    crashes: sum(({ crashes }) => crashes),
    median: {
      ioPoints: median(({ crossings }) => crossings),
      faults: median(faultsOf),
      resources: median(({ resources }) => resources),
      seconds: Math.round(median(({ seconds: length }) => length)),
      milliseconds: Math.round(median(({ milliseconds }) => milliseconds)),
    },
    violations,
  };
  if (values.json) {
    console.log(JSON.stringify(figures));
    return;
  }
  const byName: Record<string, number> = {};
  for (const { faults } of reports)
    for (const [name, count] of Object.entries(faults)) byName[name] = (byName[name] ?? 0) + count;
  const named = Object.entries(byName)
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} ${count}`);
  if (values.beyond) {
    const twice = reports.filter((report) => report.violations.some(({ law }) => law === 1)).length;
    console.log(
      `beyond the settle window: ${twice} of ${reports.length} histories ended with two objects, the documented limit`,
    );
  }
  const { median: middle } = figures;
  const broken = reports.filter((report) => report.violations.length > 0).length;
  console.log(`${figures.histories} histories in ${seconds.toFixed(0)} s, ${broken} with a violation
${figures.ioPoints} I/O points, ${figures.faults} faults, ${figures.crashes} crashes, ${sum(({ changes }) => changes)} changes at the remote
median history: ${middle.ioPoints} I/O points, ${middle.faults} faults, ${middle.resources} resources, ${middle.seconds} s of its own time, ${middle.milliseconds} ms
faults: ${named.join(', ')}`);
}
