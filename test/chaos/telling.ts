import { last } from './records.ts';
import type { Tally } from './people.ts';
import type { Run } from './verdict.ts';

const began = Date.now();

/** A line with the seconds since the beginning. */
export function say(text: string): void {
  console.log(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${text}`);
}

export const listed = (tally: Tally) =>
  Object.entries(tally)
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([what, times]) => `${what} ${times}`)
    .join(', ');

/** How it stands. */
export function progress({ watching, trouble, people, site, calls }: Run): void {
  const lives = [...watching.lives.values()];
  const present = lives.filter(({ goneAt }) => goneAt === undefined);
  const ready = present.filter((life) => last(life.versions)?.ready).length;
  const reasons: Tally = {};
  for (const life of present) {
    const version = last(life.versions);
    if (!version?.ready) reasons[version?.reason ?? 'New'] = (reasons[version?.reason ?? 'New'] ?? 0) + 1;
  }
  const sum = (tally: Tally) => Object.values(tally).reduce((one, other) => one + other, 0);
  say(
    `${present.length} resources, ${ready} Ready, ${lives.length - present.length} gone; ${sum(people.tally)} deeds, ${sum(trouble.tally)} strokes, ${calls.length} changes at the remote, ${site.replicas.map(({ starts }) => starts).join('+')} starts; ${listed(reasons)}`,
  );
}

/** All that happened. */
export async function summary({ watching, trouble, people, site, evidence }: Run): Promise<void> {
  const ledger = await evidence().then(
    (all) => all.ledger,
    () => ({}),
  );
  const remote = Object.entries(ledger).map(([shelf, entries]) => {
    const made = entries.filter(({ createdByCall }) => createdByCall !== null).length;
    return `${shelf} ${made} made, ${entries.filter(({ deletedByCall }) => deletedByCall !== null).length} deleted`;
  });
  const starts = site.replicas.map((replica) => replica.starts).join(' and ');
  say(`people: ${listed(people.tally)}`);
  say(`trouble: ${listed(trouble.tally)}`);
  say(`remote: ${remote.join('; ')}`);
  say(`the lease was taken ${watching.tenures.length} times; operators were started ${starts} times`);
}
