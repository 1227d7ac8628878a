import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { medianOf } from './measure.ts';
import type { Bound, Figures, Parameters, Scenario } from './scenario.ts';

const root = path.resolve(import.meta.dirname, '..');
export const directory = path.join(root, 'bench/results');

/** One file in bench/results. */
export interface Stored {
  scenario: string;
  what: string;
  date: string;
  machine: { cpus: number; model: string | undefined; memoryGB: number };
  versions: { node: string; kubernetes: string; freehold: string };
  parameters: Parameters;
  median: Figures;
  bounds: Bound[];
  runs: Figures[];
}

/** `apply-1000.json`, `apply-1000-GuestLicense.json`, `apply-1000-budget20.json`, `large-10000-10min.json`. */
export function fileOf({ name }: Scenario, { n, kind, budget, door, minutes }: Parameters): string {
  const parts = [name, String(n), kind, budget < 1000 && `budget${budget}`, door === 'gateway' && door];
  if (name === 'large') parts.push(`${minutes}min`);
  return `${parts.filter(Boolean).join('-')}.json`;
}

export function store(scenario: Scenario, parameters: Parameters, runs: Figures[]): Stored {
  const median = medianOf(runs);
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  const kubectl = execFileSync(path.join(root, 'build/kubectl'), ['version', '--client', '-o', 'json'], {
    encoding: 'utf8',
  });
  const { clientVersion } = JSON.parse(kubectl) as { clientVersion: { gitVersion: string } };
  const stored: Stored = {
    scenario: scenario.name,
    what: scenario.about,
    date: new Date().toISOString().slice(0, 10),
    machine: { cpus: cpus().length, model: cpus()[0]?.model, memoryGB: Math.round(totalmem() / 2 ** 30) },
    versions: { node: process.version, kubernetes: clientVersion.gitVersion, freehold: version },
    parameters,
    median,
    bounds: scenario.bounds?.(median, parameters) ?? [],
    runs,
  };
  mkdirSync(directory, { recursive: true });
  const text = JSON.stringify(stored, (_, value: unknown) => (Number.isNaN(value) ? undefined : value), 2);
  writeFileSync(path.join(directory, fileOf(scenario, parameters)), `${text}\n`);
  return stored;
}
