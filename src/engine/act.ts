import { isDeepStrictEqual } from 'node:util';
import type { Secret } from '../base/secret.ts';
import { timestamp } from '../base/clock.ts';
import { RemoteError } from '../remote/errors.ts';
import { reconcileRequestOf, retryOf } from './annotations.ts';
import { askedBy } from './asked.ts';
import { clean } from './clean.ts';
import { findCondition } from './conditions.ts';
import { conflictOfPart } from './conflict.ts';
import { effect } from './create.ts';
import type { Act, Observed, Step } from './kind.ts';
import { type Outcome, type Pass, refused, unready } from './outcome.ts';
import { ownerText, partText } from './owner.ts';
import { partID, partKey } from './parts.ts';
import type { ActionRecord } from './resource.ts';
import type { Binding } from './tenants.ts';

/** A step that changes the remote by one call. */
export type Acting = Extract<Step, { do: 'create' | 'update' | 'act' | 'remove' }>;

/** What it may send besides the spec. */
export interface Hands {
  secrets?: Record<string, Secret>;
  reference?: string | undefined;
  changedSecrets?: readonly string[];
}

/** What was sent and does not show is sent again after this, then ever more rarely, milliseconds. */
const again = 60_000;
const longest = 3_600_000;

/** The fields without their values: a fight over a value is no new step at each blow. */
const fieldsOf = (drift: readonly string[]) => drift.map((text) => text.split(': ')[0]).join();

/** Which step it is: the same one is not repeated at once. */
export const signature = (step: Acting) =>
  [
    step.do,
    step.remote,
    step.instance,
    step.do === 'update' ? fieldsOf(step.drift) : step.do === 'act' && step.verb,
  ].join('/');

/**
 * The very step was done before for the same wish, and is wanted again: the remote took it and nothing came of it. It is
 * not repeated at the pace of the lists.
 */
function tooSoon(pass: Pass, step: Acting, doing: string): Outcome | undefined {
  const { context, memory } = pass;
  const sentOnce = standing(pass, step, doing);
  if (sentOnce) return sentOnce;
  const before = memory.acted?.asked === askedBy(pass) ? memory.acted.steps[signature(step)] : undefined;
  if (!before) return failedBefore(pass, step);
  const failing = (step.do === 'act' && step.failing) || {
    reason: 'Updating' as const,
    message: `the ${doing} was sent ${before.times === 1 ? 'once' : `${before.times} times`} and does not show; if that goes on, the remote takes it and does not keep it: look there, or take it out of the spec`,
    again,
  };
  const pause = Math.min(failing.again * 2 ** (before.times - 1), longest);
  const now = context.clock.monotonic();
  const left = before.at + pause - now;
  if (left <= 0) return undefined;
  const next = `. It is tried again ${Math.round(pause / 60_000)} min after the last time`;
  // For a moment the remote may still be at it; after that its lists need no hurry.
  const motion = now - before.at < 2 * again && { motion: true };
  return unready(failing.reason, `${failing.message}${next}`, { after: left, awaitList: true, ...motion });
}

/** So long a step that was sent may stay unsaid, milliseconds. */
const shownAfter = 3_000;

/** The remote may be slow to show what it was asked for, milliseconds. */
const patience = 10 * 60_000;

/** What is sent once, and may not be sent again without a person's word: neither a new spec nor a new process is one. */
function standing({ context, memory, resource }: Pass, step: Acting, doing: string): Outcome | undefined {
  const failing = step.do === 'act' ? step.failing : undefined;
  if (step.do !== 'act' || failing?.again !== Infinity || step.obeys) return undefined;
  const at = memory.once?.[step.verb];
  const left = at === undefined ? 0 : at + patience - context.clock.monotonic();
  if (left > 0)
    return unready('Updating', `the ${doing} was sent and does not show yet`, { after: left, awaitList: true });
  const asked = findCondition(resource.status?.conditions, 'Ready')?.reason === failing.reason;
  if (at === undefined && !asked) return undefined;
  // Kept from what a former process wrote: an edit makes the status say something else for a moment.
  memory.once = { ...memory.once, [step.verb]: at ?? -Infinity };
  return unready(failing.reason, failing.message, { awaitList: true });
}

/** The same, where a former process sent it: the remote tells when it failed. A restart must not be one more try at a BMC. */
function failedBefore({ context, memory, resource }: Pass, step: Acting): Outcome | undefined {
  const failing = step.do === 'act' ? step.failing : undefined;
  const ready = findCondition(resource.status?.conditions, 'Ready');
  const asked = reconcileRequestOf(resource) !== resource.status?.lastHandledReconcileAt;
  if (!failing?.since || memory.acted || asked || ready?.observedGeneration !== resource.metadata.generation)
    return undefined;
  const left = Math.min(failing.again, Date.parse(failing.since) + failing.again - context.clock.now());
  return left > 0 ? unready(failing.reason, failing.message, { after: left, awaitList: true }) : undefined;
}

/**
 * Does a read show another object right after a refusal? A proxy may have sent the call twice, and answers with what the
 * remote said to the second: locked, or no longer in the state for it, by the first.
 */
async function changedMeanwhile(
  { kind }: Pass,
  binding: Binding,
  error: RemoteError,
  seen: { id: string; remote: unknown },
): Promise<boolean> {
  // It was never sent.
  if (error.status === undefined) return false;
  try {
    return !isDeepStrictEqual(await kind.main.read(binding.client, seen.id), seen.remote);
  } catch (failure) {
    if (!(failure instanceof RemoteError)) throw failure;
    return true;
  }
}

/** What comes of a step mostly shows in a moment: only where nothing of ours is Ready or Stalled may that be said at once. */
function soonSeen({ resource }: Pass): Pick<Outcome, 'quiet' | 'after'> {
  const { status, metadata } = resource;
  const ready = findCondition(status?.conditions, 'Ready');
  const underWay =
    (ready === undefined || ready.observedGeneration === metadata.generation) &&
    ready?.status !== 'True' &&
    !findCondition(status?.conditions, 'Stalled');
  return underWay ? { quiet: true, after: shownAfter } : {};
}

/** At most one mutating call; what it did is believed only from a list begun after it. */
export async function act(
  pass: Pass,
  binding: Binding,
  step: Acting,
  seen: { id: string; remote: unknown },
  parts: Observed,
  given: Hands = {},
): Promise<Outcome> {
  const { context, kind, memory } = pass;
  const isMain = step.remote === 'main';
  const object = isMain ? kind.main : kind.parts![step.remote]!;
  const instance = step.instance ?? '';
  const key = partKey(step.remote, step.instance);
  const part = parts[key];
  const target = isMain
    ? seen
    : part?.state === 'present'
      ? part
      : { id: partID(pass, step.remote, instance), remote: undefined };
  const what = instance === '' ? object.noun : `${object.noun} ${instance}`;
  const doing =
    step.do === 'update'
      ? `update of ${step.drift.join('; ')}`
      : step.do === 'act'
        ? step.message
        : `${step.do} of the ${what}`;
  const early = tooSoon(pass, step, doing);
  if (early) return early;
  const owned = isMain ? ownerText(pass.owner) : partText(pass.owner, step.remote, instance);
  const { secrets, ...more } = given;
  const hands = effect(pass, binding, owned, secrets, { ...more, parts, mainID: seen.id });
  const { collection } = object;
  const look = () => binding.remote.collections.get(collection)?.refresh();
  const word = step.do === 'act' && step.obeys ? await obey(pass, step) : undefined;
  const asked = askedBy(pass);
  const steps = memory.acted?.asked === asked ? memory.acted.steps : {};
  // What worked for long, and is wanted again, did not fail.
  const former = steps[signature(step)];
  const times = former && context.clock.monotonic() - former.at < 2 * longest ? former.times + 1 : 1;
  const sentOnce = step.do === 'act' && step.failing?.again === Infinity;
  try {
    if (step.do === 'create') await object.create(hands, { instance, id: target.id });
    else if (step.do === 'update') await object.update!(hands, { instance, id: target.id, remote: target.remote });
    else if (step.do === 'act')
      await object.act!(hands, { instance, id: target.id, remote: target.remote, verb: step.verb });
    else await object.remove(hands, target.id);
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    look();
    if (error.outcome !== 'unknown') {
      const conflict = step.do === 'create' && { name: step.remote, instance, step: signature(step) };
      const outcome =
        (conflict ? conflictOfPart(pass, binding, conflict, error) : undefined) ??
        refused(error, `the ${doing}`, object.explain?.(error), signature(step));
      const doubted = outcome.refused === undefined && word && (await changedMeanwhile(pass, binding, error, seen));
      if (!doubted) {
        await word?.refused(outcome);
        return outcome;
      }
      if (step.do === 'act' && step.obeys === 'action')
        memory.doubted = {
          of: pass.resource.spec.action?.requestedAt ?? '',
          words: error.message.replace(/; it will be tried again$/, ''),
        };
    }
    // A lost answer is no word to send it again.
    if (sentOnce) memory.once = { ...memory.once, [step.verb]: context.clock.monotonic() };
    const lost =
      error.outcome === 'unknown' ? 'was lost' : `says that nothing was done, and the ${what} shows otherwise`;
    const message = `the answer to the ${doing} ${lost} (${error.message}); looking what came of it`;
    const outcome = unready('Updating', message, { backoff: 0, awaitList: true });
    memory.changed = { at: context.clock.monotonic(), standing: outcome.standing, collection };
    return outcome;
  }
  delete memory.conflicts?.[key];
  memory.acted = { asked, steps: { ...steps, [signature(step)]: { at: context.clock.monotonic(), times } } };
  const standing = { ready: false, reason: 'Updating', message: `${doing} was sent; waiting to see it` } as const;
  memory.changed = { at: context.clock.monotonic(), standing, collection };
  look();
  if (sentOnce) memory.once = { ...memory.once, [step.verb]: context.clock.monotonic() };
  await word?.accepted();
  // Where no list shows it, it is read by the next pass.
  const unlisted = binding.remote.collections.get(collection) === undefined && { after: 1 };
  return { standing, changed: true, awaitList: [collection], motion: true, ...soonSeen(pass), ...unlisted };
}

/** Writes down that a person's word is obeyed, before the call: whatever happens next, it is obeyed at most once. */
async function obey(pass: Pass, step: Act) {
  const { context, kind, resource } = pass;
  const { action: wish } = resource.spec;
  const before = { action: resource.status?.action, lastRetry: resource.status?.lastRetry };
  const action: ActionRecord = {
    requestedAt: wish?.requestedAt ?? '',
    verb: wish?.verb ?? step.verb,
    sentAt: timestamp(context.clock.now()),
    ...(step.before !== undefined && { before: step.before }),
  };
  context.begin(pass.identifier);
  pass.resource = await context.journal.obeying(
    kind,
    pass.resource,
    step.obeys === 'action' ? { action } : { lastRetry: retryOf(resource) },
  );
  /** Kept until it is written: a conflict must not lose what the remote said. */
  const write = async (record: ActionRecord | undefined) => {
    pass.memory.word = { of: action.requestedAt, action: record };
    pass.resource = await context.journal.concluding(kind, pass.resource, record);
    delete pass.memory.word;
  };
  return {
    accepted: async () =>
      step.obeys === 'action' ? write({ ...action, acceptedAt: timestamp(context.clock.now()) }) : undefined,
    /** Nothing was done: the word still stands, unless the remote will never obey it. */
    async refused({ refused: never, standing }: Outcome) {
      const finishedAt = timestamp(context.clock.now());
      if (step.obeys === 'retry') {
        pass.memory.word = { of: retryOf(resource) ?? '', lastRetry: before.lastRetry };
        pass.resource = await context.journal.obeying(kind, pass.resource, { lastRetry: before.lastRetry });
        delete pass.memory.word;
      } else if (never === undefined) await write(before.action);
      else {
        const message = clean(standing.message, pass.memory.known);
        await write({ ...action, finishedAt, result: 'Failed', message });
      }
    },
  };
}

/** Writes down what came of the last action. Where its answer was lost, nothing tells that it was ever begun. */
export async function conclude(pass: Pass, step: Extract<Step, { do: 'conclude' }>): Promise<void> {
  const { context, kind, resource } = pass;
  const record = resource.status?.action;
  // What runs is concluded before what the spec asks for by now.
  const open = record?.sentAt !== undefined && record.finishedAt === undefined ? record : undefined;
  const wish = open ?? resource.spec.action;
  if (!wish) throw new Error('a plan concludes an action that nobody asked for');
  const sent = record?.requestedAt === wish.requestedAt ? record : undefined;
  const lost = sent?.sentAt !== undefined && sent.acceptedAt === undefined;
  const { doubted } = pass.memory;
  const answer =
    doubted?.of === wish.requestedAt
      ? `it was refused while the remote changed (${doubted.words})`
      : 'its answer was lost';
  const doubt = `${answer}, and nothing tells whether it was carried out; to ask again, change requestedAt`;
  const message = clean(lost ? `${doubt}. Now: ${step.message}` : step.message, pass.memory.known);
  const result = lost ? 'Unknown' : step.result;
  const { requestedAt, verb } = wish;
  const finishedAt = timestamp(context.clock.now());
  pass.resource = await context.journal.concluding(kind, resource, {
    requestedAt,
    verb,
    ...sent,
    finishedAt,
    result,
    message,
  });
  context.event(pass.resource, {
    type: result === 'Succeeded' ? 'Normal' : 'Warning',
    reason: `Action${result}`,
    action: 'Act',
    note: `${verb} of ${requestedAt}: ${message}`,
  });
}
