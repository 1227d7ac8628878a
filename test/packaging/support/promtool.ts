import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { root } from '../../support/docs.ts';

const rules = path.join(root, 'charts/freehold/files/alerts.yaml');

/** All that promtool says, and its exit code. */
export async function promtool(args: string[], input = ''): Promise<{ code: number; output: string }> {
  const own = path.join(root, 'build/tools/promtool');
  const child = spawn(existsSync(own) ? own : 'promtool', args, { cwd: root });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

/** With a file that is there for this one run. */
export async function promtoolOn(args: string[], content: object): Promise<{ code: number; output: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'freehold-promtool-'));
  try {
    const file = path.join(directory, 'file.yaml');
    await writeFile(file, stringify(content));
    return await promtool([...args, file]);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Names of the alerts that fire where scrapes look like this one for two hours, sorted. */
export async function firing(scrape: string): Promise<string[]> {
  const samples = scrape.split('\n').flatMap((line) => {
    const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (value === undefined || !Number.isFinite(Number(value))) return [];
    const all = ['namespace="freehold"', 'job="freehold"', 'pod="freehold-0"', labels].filter((text) => text !== '');
    return [{ series: `${name}{${all.join(', ')}}`, values: `${Number(value)}x130` }];
  });
  const { code, output } = await promtoolOn(['test', 'rules'], {
    rule_files: [rules],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: samples,
        // What is expected is nobody: promtool then lists those that are there.
        promql_expr_test: [
          { expr: 'count by (alertname) (ALERTS{alertstate="firing"})', eval_time: '2h', exp_samples: [] },
        ],
      },
    ],
  });
  const names = [...output.matchAll(/alertname="(\w+)"/g)].map(([, name = '']) => name);
  if ((code === 0) !== (names.length === 0)) throw new Error(output);
  return names.sort();
}

/** A selector of a metric in PromQL: its name, and what its labels must be. */
export interface Selector {
  name: string;
  matchers: { label: string; values: string[] }[];
}

/** The selectors of our own metrics and those of the process, and the labels by which the expression groups. */
export function partsOf(expr: string): { selectors: Selector[]; groupedBy: string[] } {
  const selectors = [...expr.matchAll(/\b((?:freehold|process|nodejs)_\w+)(?:\{([^{}]*)\})?/g)].map(
    ([, name = '', inner = '']) => ({
      name: name.replace(/_(bucket|sum|count)$/, ''),
      matchers: [...inner.matchAll(/(\w+)\s*[=!]~?\s*"([^"]*)"/g)].map(([, label = '', value = '']) => ({
        label,
        values: value.split('|'),
      })),
    }),
  );
  const groupedBy = [...expr.matchAll(/\b(?:by|on|group_left)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
  );
  return { selectors, groupedBy };
}
