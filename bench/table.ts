import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { directory, type Stored } from './results.ts';
import { figureAt, type Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';

const document = path.resolve(import.meta.dirname, '../docs/performance.md');

const words = (value: number) => (Number.isNaN(value) ? '' : value.toLocaleString('en', { maximumFractionDigits: 3 }));

function heading({ scenario, parameters: { n, kind, budget, door, minutes } }: Stored): string {
  const size = `N = ${n.toLocaleString('en')}`;
  const parts = [size, kind, budget < 1000 && `${budget} calls/s`, door === 'gateway' && 'gateway'];
  return [...parts, scenario === 'large' && `quiet for ${minutes} min`].filter(Boolean).join(', ');
}

/** What makes that file anew. */
function commandOf({ scenario, runs, parameters: { n, kind, budget, minutes, motion, door } }: Stored): string {
  const options = [
    ...[`N=${n}`, `RUNS=${runs.length}`, kind && `KIND=${kind}`, budget < 1000 && `BUDGET=${budget}`],
    ...[
      ['steady', 'large'].includes(scenario) && `MINUTES=${minutes}`,
      `MOTION=${motion}`,
      door === 'gateway' && `DOOR=${door}`,
    ],
  ];
  return `make bench SCENARIO=${scenario} ${options.filter(Boolean).join(' ')}`;
}

function resultsOf({ name }: Scenario): Stored[] {
  const all = globSync(`${name}-*.json`, { cwd: directory }).map(
    (file) => JSON.parse(readFileSync(path.join(directory, file), 'utf8')) as Stored,
  );
  const order = ({ parameters: { kind, budget, n } }: Stored) =>
    [kind ?? '', budget < 1000 ? '1' : '', String(n).padStart(6, '0')].join();
  return all.filter(({ scenario }) => scenario === name).toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
}

function sectionOf(scenario: Scenario): string[] {
  const results = resultsOf(scenario);
  const [first] = results;
  if (!first) return [];
  const rows = Object.entries(scenario.shown)
    .map(([label, at]) => [label, ...results.map(({ median }) => words(figureAt(median, at)))])
    .filter(([, ...cells]) => cells.some((cell) => cell !== ''));
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const { latency, poll, motion } = first.parameters;
  return [
    `### ${scenario.name}`,
    '',
    scenario.about,
    `Medians; runs: ${[...new Set(results.map(({ runs }) => runs.length))].join(', ')}. Latency ${latency} ms, poll ${poll} s, motion ${motion}.`,
    '',
    line(['', ...results.map(heading)]),
    line(['---', ...results.map(() => '---')]),
    ...rows.map(line),
    '',
    '```sh',
    '# not run in tests: it takes minutes',
    ...results.map(commandOf),
    '```',
    '',
  ];
}

function boundsTable(): string[] {
  const rows = scenarios.flatMap((scenario) =>
    resultsOf(scenario).flatMap((stored) =>
      stored.bounds.map(
        ({ figure, bound, measured, met }) =>
          `| ${figure} | ${scenario.name}, ${heading(stored)} | ${bound} | ${words(measured)} | ${met ? 'met' : '**missed**'} |`,
      ),
    ),
  );
  return ['| figure | measured by | bound | measured | |', '| --- | --- | --- | --- | --- |', ...rows];
}

function machines(): string {
  const all = scenarios.flatMap((scenario) => resultsOf(scenario));
  const lines = all.map(
    ({ machine, versions, date }) =>
      `${machine.cpus} × ${machine.model}, ${machine.memoryGB} GB; Node.js ${versions.node}, Kubernetes ${versions.kubernetes}, Freehold ${versions.freehold}; ${date}`,
  );
  return [...new Set(lines)].map((line) => `- ${line}`).join('\n');
}

function between(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}: from bench/results -->`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`${document} lacks the lines "${begin}" and "${end}": write them where the table is to stand`);
  return `${text.slice(0, from)}${begin}\n${content}\n${text.slice(to)}`;
}

/** Puts all that is stored into docs/performance.md, between its marks. Throws where the document has none. */
export function writeTables(): void {
  let text = readFileSync(document, 'utf8');
  text = between(text, 'machines', machines());
  text = between(text, 'bounds', boundsTable().join('\n'));
  text = between(text, 'figures', scenarios.flatMap(sectionOf).join('\n').trimEnd());
  writeFileSync(document, text);
}
