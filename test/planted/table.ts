import { readFileSync, writeFileSync } from 'node:fs';
import type { Bug } from './bug.ts';
import type { Verdict } from './simulate.ts';

/** What became of one planted bug. */
export interface Result {
  bug: Bug;
  verdict: Verdict;
}

function row({ bug: { name, law }, verdict }: Result): string {
  const [first] = verdict.violations;
  const [by, seeds] = first
    ? [first.invariant, first.name.replace(/^seed /, '').replace(/^story .*/, 'a story')]
    : ['**not caught**', `> ${verdict.histories}`];
  return `| ${name} | ${law} | ${by} | ${seeds} |`;
}

/** As Markdown, in the order of the list. */
export function tableOf(results: readonly Result[]): string {
  return [
    '| bug | law | invariant that caught it | seeds needed |',
    '| --- | --- | --- | --- |',
    ...results.map(row),
  ].join('\n');
}

const begin = '<!-- planted bugs -->';
const end = '<!-- end of planted bugs -->';

/** Puts the table between its two marks. Throws where the document has none. */
export function writeTable(path: string, table: string): void {
  const text = readFileSync(path, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`${path} lacks the lines "${begin}" and "${end}": write them where the table is to stand`);
  writeFileSync(path, `${text.slice(0, from)}${begin}\n${table}\n${text.slice(to)}`);
}
