import { createReadStream, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { always, breaches } from './laws.ts';
import { slotsFor } from './manifests.ts';
import type { People } from './people.ts';
import { type Audit, type Call, type Evidence, last, type Ledger, nameOf } from './records.ts';
import { secretFinder } from './secrets.ts';
import type { Site } from './site.ts';
import { say } from './telling.ts';
import type { Trouble } from './trouble.ts';
import type { Watching } from './watching.ts';

/** A law does not hold: nothing that comes after can mend that. */
export class Broken extends Error {
  readonly lines: string[];
  constructor(lines: string[]) {
    super('a law broke');
    this.lines = lines;
  }
}

/** One run, and what is known of it. */
export interface Run {
  site: Site;
  watching: Watching;
  people: People;
  trouble: Trouble;
  /** Changes at the sandbox so far. */
  calls: Call[];
  evidence(): Promise<Evidence>;
}

/** The audit lines of both operators. */
async function auditsOf(site: Site): Promise<Audit[]> {
  const audits: Audit[] = [];
  for (const { log } of site.replicas) {
    for await (const line of createInterface({ input: createReadStream(log) })) {
      if (!line.includes('"audit":')) continue;
      try {
        const { time, by, audit } = JSON.parse(line) as {
          time: string;
          by: string;
          audit: { method: string; path: string };
        };
        audits.push({ at: Date.parse(time), holder: by, method: audit.method, path: audit.path });
      } catch {
        // The last line of a process that was killed.
      }
    }
  }
  return audits;
}

/** What there is to judge by, at this moment. */
export function evidenceOf(run: Omit<Run, 'evidence'>): () => Promise<Evidence> {
  const { site, watching, people, calls } = run;
  const slack = 3000 * site.speed;
  let since = 0;
  return async () => {
    const { calls: more } = await site.sandbox.control<{ calls: Call[] }>('GET', `calls?since=${since}`);
    since = last(more)?.seq ?? since;
    calls.push(
      ...more.filter(({ method, operation }) => !['GET', 'HEAD'].includes(method) && operation !== 'IssueToken'),
    );
    return {
      ledger: await site.sandbox.control<Ledger>('GET', 'ledger'),
      calls,
      lives: [...watching.lives.values()],
      // The watch of the lease tells a moment later who may send them.
      passed: site.sandbox.wire.passed.filter(({ at }) => at < site.now() - slack),
      audits: await auditsOf(site),
      tenures: watching.tenures,
      removedByOthers: people.removed,
      slack,
    };
  };
}

/** Throws Broken where a law that always holds does not. */
export async function judge(run: Run): Promise<void> {
  const lines = breaches(always, await run.evidence());
  if (lines.length > 0) throw new Broken(lines);
}

/** Nothing changes any more, neither here nor there. */
export async function quiet({ site, watching }: Run, milliseconds: number, stop: () => void): Promise<string[]> {
  // What came last (a vCenter that is metered, say) is still being seen and written down: two polls.
  await sleep(120_000 / site.speed);
  const [writes, passed] = [watching.writes.length, site.sandbox.wire.passed.length];
  const end = Date.now() + milliseconds;
  while (Date.now() < end) {
    stop();
    await sleep(500);
  }
  return [
    ...watching.writes.slice(writes).map((line) => `quiet: written: ${line}`),
    ...site.sandbox.wire.passed.slice(passed).map(({ method, path }) => `quiet: sent: ${method} ${path}`),
  ];
}

/** No secret in any log, metric, status or event. */
export async function secretsKept({ site, watching }: Run): Promise<string[]> {
  const secrets = new Map(watching.secrets);
  for (const [value, name] of secrets)
    if (value.length < 12 || name.endsWith('username') || name.endsWith('apiKey')) secrets.delete(value);
  for (const token of site.sandbox.wire.tokens) secrets.set(token, 'a token');
  const finder = secretFinder(secrets);
  const found: string[] = [];
  for (const { log, listen, name } of site.replicas) {
    found.push(...(await finder.inFile(log)));
    found.push(...finder.inText(`metrics of ${name}`, await (await fetch(`http://${listen}/metrics`)).text()));
  }
  for (const text of watching.texts) found.push(...finder.inText(text.slice(0, 60), text));
  say(`${secrets.size} secrets looked for in the logs, the metrics and ${watching.texts.size} states and events`);
  return [...new Set(found)].map((line) => `secretsKept: ${line}`);
}

/** Nobody but people writes fields of a spec, as the API server's own book of writers has it. */
export async function specsUntouched({ site }: Run): Promise<string[]> {
  const { code, stdout, stderr } = await site.plane.kubectl([
    'get',
    [...new Set(slotsFor(0).map(({ plural, group }) => `${plural}.${group}`))].join(','),
    '-A',
    '-o',
    'json',
    '--show-managed-fields',
  ]);
  if (code !== 0) throw new Error(stderr);
  const { items } = JSON.parse(stdout) as {
    items: { kind: string; metadata: { name: string; managedFields?: { manager: string; fieldsV1?: object }[] } }[];
  };
  return items.flatMap(({ kind, metadata }) =>
    (metadata.managedFields ?? [])
      .filter(({ manager, fieldsV1 = {} }) => manager.startsWith('freehold') && 'f:spec' in fieldsV1)
      .map(({ manager }) => `specKept: ${kind}/${metadata.name}: ${manager} owns fields of the spec`),
  );
}

/** All that speaks of a breach. */
export async function keep(directory: string, run: Run | undefined, lines: string[]): Promise<void> {
  writeFileSync(path.join(directory, 'breaches.txt'), `${lines.join('\n')}\n`);
  if (!run) return;
  const write = (name: string, text: string) => writeFileSync(path.join(directory, name), text);
  const evidence = await run.evidence().catch(() => undefined);
  write('ledger.json', JSON.stringify(evidence?.ledger, undefined, 1));
  write('calls.json', JSON.stringify(run.calls, undefined, 1));
  write('tenures.json', JSON.stringify(run.watching.tenures, undefined, 1));
  const lives = [...run.watching.lives.values()];
  write('resources.yaml', lives.flatMap(({ now }) => (now ? [stringify(now)] : [])).join('---\n'));
  write('history.json', lives.map((life) => JSON.stringify({ of: nameOf(life), ...life, now: undefined })).join('\n'));
}
