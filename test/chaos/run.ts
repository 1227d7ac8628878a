import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { chaos } from './course.ts';
import { allAccountedFor, always, breaches } from './laws.ts';
import { openSite } from './site.ts';
import { say, summary } from './telling.ts';
import { Broken, keep, quiet, type Run, secretsKept, specsUntouched } from './verdict.ts';

/**
 * Chaos on the real thing: two operators as built, a real API server, the sandbox, and everything between them breaks.
 * From the environment: `MINUTES` of trouble (3), `SEED`, `RESOURCES` (200), `SPEED` (10: how fast the operators' time
 * runs). Exit code 1 where a law broke; what speaks of it is then in build/chaos/.
 */
const minutes = Number(process.env['MINUTES'] || 3);
const seed = Number(process.env['SEED'] || Math.floor(Math.random() * 2 ** 31));
const resources = Number(process.env['RESOURCES'] || 200);
const speed = Number(process.env['SPEED'] || 10);
const directory = path.resolve(import.meta.dirname, '../../build/chaos');
/** A minute of trouble is to be over within four, as a check of every change; else there is time. */
const patience = minutes <= 1 ? 110_000 : 420_000;
const quietFor = minutes <= 1 ? 20_000 : 60_000;

const controller = new AbortController();
const stopping = controller.signal;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => controller.abort(new Error(`stopped by ${name}`)));

/** The breaches that were found. */
async function judged(told: (run: Run) => void, site: Run['site']): Promise<string[]> {
  try {
    const plan = { seed, resources, length: minutes * 60_000, patience, stopping };
    const run = await chaos(site, plan, told);
    const lines = breaches({ ...always, allAccountedFor }, await run.evidence());
    if (lines.length > 0) return lines;
    const disquiet = await quiet(run, quietFor, () => stopping.throwIfAborted());
    return [...disquiet, ...(await secretsKept(run)), ...(await specsUntouched(run))];
  } catch (error) {
    if (error instanceof Broken) return error.lines;
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  }
}

async function main(): Promise<boolean> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  say(`MINUTES=${minutes} SEED=${seed} RESOURCES=${resources}; the operators' time runs ${speed} times as fast`);
  let run: Run | undefined;
  let lines: string[] = [];
  const site = await openSite({ directory, speed });
  try {
    lines = await judged((begun) => (run = begun), site);
    if (lines.length > 0) await keep(directory, run, lines);
    if (run) await summary(run);
  } finally {
    run?.watching.stop();
    await site.end();
  }
  for (const line of lines.slice(0, 40)) console.log(`  BROKEN  ${line.slice(0, 600)}`);
  say(lines.length === 0 ? `all laws held, SEED=${seed}` : `${lines.length} breaches, SEED=${seed}; see ${directory}`);
  return lines.length === 0;
}

const well = await main();
// Connections that a silent proxy has swallowed are still open.
process.exit(well ? 0 : 1);
