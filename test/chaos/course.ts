import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../simulation/seeded.ts';
import { createAnswers } from './answers.ts';
import { furnish, slotsFor } from './manifests.ts';
import { createPeople } from './people.ts';
import { deletedAt } from './records.ts';
import type { Site } from './site.ts';
import { listed, progress, say } from './telling.ts';
import { createTrouble } from './trouble.ts';
import { evidenceOf, judge, type Run } from './verdict.ts';
import { startWatching } from './watching.ts';

const crds = path.resolve(import.meta.dirname, '../../crds');

interface Plan {
  seed: number;
  /** Places for resources; about two thirds of them are taken at a time. */
  resources: number;
  /** How long there is trouble, milliseconds. */
  length: number;
  /** How long all may take to be well afterwards, milliseconds. */
  patience: number;
  stopping: AbortSignal;
}

/** Aborts where a part of the run failed, so that the others end. */
const failing = new AbortController();

/** All of them; where one fails the others are asked to stop, and are waited for. */
async function together(parts: Promise<void>[]): Promise<void> {
  for (const part of parts) part.catch(() => failing.abort());
  await Promise.allSettled(parts);
  await Promise.all(parts);
}

/** Calls `work` at random moments, on average every `mean` milliseconds, until it is over. */
async function nowAndThen(
  next: () => number,
  mean: number,
  isOver: () => boolean,
  work: () => Promise<void>,
): Promise<void> {
  const going = new Set<Promise<void>>();
  while (!isOver()) {
    await sleep(-Math.log(1 - next()) * mean);
    if (going.size > 8 || isOver()) continue;
    const one = work();
    going.add(one);
    one.finally(() => going.delete(one)).catch(() => failing.abort());
  }
  await Promise.all(going);
}

async function every(milliseconds: number, isOver: () => boolean, work: () => Promise<void>): Promise<void> {
  for (let next = Date.now() + milliseconds; !isOver(); await sleep(200)) {
    if (Date.now() < next) continue;
    await work();
    next = Date.now() + milliseconds;
  }
}

/**
 * The story: people come, trouble strikes, laws are looked at every ten seconds; then the trouble is over, and everybody
 * comes home. `told` is given the run as soon as there is one. Throws Broken, and what breaks in the test itself.
 */
export async function chaos(site: Site, plan: Plan, told: (run: Run) => void): Promise<Run> {
  const { stopping } = plan;
  const dice = seeded(plan.seed);
  const slots = slotsFor(plan.resources);
  for (const args of [
    ['apply', '--server-side', '-f', crds],
    ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'],
  ]) {
    const { code, stderr } = await site.plane.kubectl(args);
    if (code !== 0) throw new Error(stderr);
  }
  const watching = startWatching(site.api, ['chaos-a', 'chaos-b', 'chaos-c'], site.now);
  const spaces = await furnish(site);
  const people = createPeople({ site, watching, slots, spaces, dice: dice.fork('people') });
  const trouble = createTrouble(site, people, dice.fork('trouble'));
  const parts = { site, watching, people, trouble, calls: [] };
  const run: Run = { ...parts, evidence: evidenceOf(parts) };
  told(run);
  const answer = createAnswers(site, watching, people);
  for (const replica of site.replicas) replica.start();

  const look = async () => {
    progress(run);
    await judge(run);
  };
  const end = Date.now() + plan.length;
  const isOver = () => Date.now() >= end || failing.signal.aborted || stopping.aborted;
  const times = dice.fork('times');
  say(`chaos begins: ${slots.length} places for resources`);
  // Two thirds of them come in the first fifth.
  const first = slots.filter(() => times.chance(0.66));
  const mean = plan.length / 5 / first.length;
  await together([
    nowAndThen(times.next, mean, isOver, async () => {
      const slot = first.pop();
      if (slot) await people.alone(() => people.create(slot));
    }),
    nowAndThen(dice.fork('deeds').next, 200, isOver, () => people.act()),
    nowAndThen(dice.fork('strokes').next, 2500, isOver, () => trouble.strike()),
    every(10_000, isOver, look),
    every(1000, isOver, answer),
  ]);
  stopping.throwIfAborted();
  await trouble.over();
  say(`chaos is over: ${listed(trouble.tally)}`);

  // What people held back they let go on.
  await people.alone(async () => {
    for (const slot of slots) {
      const life = watching.alive(slot.kind, slot.namespace, slot.name);
      if (!life) continue;
      const held = (life.now?.spec as { maintenance?: object } | undefined)?.maintenance !== undefined;
      const annotations = { 'freehold.dev/paused': null };
      await people.change(slot, { annotations, ...(held && { spec: { maintenance: null } }) });
    }
  });
  /** A registration whose licence nobody brings back would wait for ever. */
  const bringBack = async () => {
    for (const slot of people.empty().filter(({ kind }) => kind === 'GuestLicense')) {
      const user = watching.alive('VCenterRegistration', slot.namespace, `vc${slot.index}`);
      if (user && deletedAt(user) === undefined) await people.alone(() => people.create(slot));
    }
  };
  const isHome = () =>
    [...watching.lives.values()].every(
      (life) => life.goneAt !== undefined || (deletedAt(life) === undefined && life.versions.at(-1)?.ready === true),
    );
  const latest = Date.now() + plan.patience;
  const isEnough = () => isHome() || Date.now() >= latest || failing.signal.aborted || stopping.aborted;
  await together([
    every(10_000, isEnough, look),
    every(500, isEnough, async () => {
      await bringBack();
      await answer();
    }),
  ]);
  stopping.throwIfAborted();
  progress(run);
  return run;
}
