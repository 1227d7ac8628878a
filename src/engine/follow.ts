import { RemoteError } from '../remote/errors.ts';
import { act, conclude, signature } from './act.ts';
import { refusedBefore } from './asked.ts';
import { findCondition } from './conditions.ts';
import { freshRead, secretConditions } from './create.ts';
import type { Kind, Observed, Step } from './kind.ts';
import { isMarked, readMarker } from './owner.ts';
import { claimedBy, heldBack } from './held.ts';
import { type Outcome, type Pass, Stale, unready } from './outcome.ts';
import { isAnsweredByRetry, isUnhurried, type Reason } from './reasons.ts';
import type { Binding } from './tenants.ts';
import { takenByOthers } from './unique.ts';
import { desiredOf, holdReference, liveSecrets, obstacle, publish } from './world.ts';

/** Bought by us, and the marker did not stay: it could not be found again after a loss of the cluster. */
export function markNotKept(pass: Pass, seen: { id: string; remote: unknown }): Outcome | undefined {
  const { kind, resource } = pass;
  const { identity, noun } = kind.main;
  if (identity.level !== 'marker' || resource.spec.externalID !== undefined || isMarked(identity.marker(seen.remote)))
    return undefined;
  return unready(
    'MarkerNotKept',
    `${noun} ${seen.id} is recorded here, but the remote tenant did not keep the owner marker in its description. Set spec.externalID: ${seen.id} to accept it as it is; no further ${noun} is created in that tenant`,
  );
}

/** Conditions about secrets, found out once and kept. */
export async function passwordConditions(pass: Pass, remote: unknown) {
  const { kind, owner, resource } = pass;
  const { identity } = kind.main;
  const needs = Object.values(kind.secrets?.(resource.spec as never, resource.metadata.name) ?? {});
  if (needs.every(({ condition }) => condition === undefined || findCondition(resource.status?.conditions, condition)))
    return [];
  // What an adopted object of other origin was created with is not what a create of ours would have sent.
  const ours = identity.level !== 'marker' || readMarker(identity.marker(remote), owner).mark === 'ours';
  return secretConditions(pass, resource.status?.creation?.outcome !== undefined, ours);
}

/** Whom the natural key that the spec asks for serves already, where the object is still to be changed to it. */
function rivalFor(
  pass: Pass,
  binding: Binding,
  { id, remote }: { id: string; remote: unknown },
  key: string | undefined,
): string | undefined {
  const { context, kind } = pass;
  const { collection, identity, noun } = kind.main;
  if (identity.level !== 'natural-key' || key === undefined) return undefined;
  const other = holdReference(pass, binding, key);
  if (identity.keyOf(remote) === key) return undefined;
  const items = binding.remote.collections.get(collection)?.snapshot()?.items ?? new Map<string, unknown>();
  const [rival] = [...items].find(([found, item]) => found !== id && identity.keyOf(item) === key) ?? [];
  return rival === undefined ? other : (context.claims.holderOf(rival, binding.remote.key) ?? `${noun} ${rival}`);
}

/** Is this a step that would harm at the wrong moment, so that it is planned on a read of this very moment? */
const wantsFresh = (step: Step, kind: Kind) =>
  ((step.do === 'act' || step.do === 'update') && step.fresh === true) ||
  // What belongs to an object is not taken or changed on old news of that object.
  ((step.do === 'remove' || (step.do === 'update' && step.remote !== 'main')) && kind.main.removeFresh === true);

/** The next step, on a read of the very moment where a wrong one would harm. */
export async function planned(
  pass: Pass,
  binding: Binding,
  seen: { id: string; remote: unknown },
  plan: (remote: unknown) => Step,
): Promise<{ step: Step; remote: unknown } | { outcome: Outcome }> {
  const { kind } = pass;
  const step = plan(seen.remote);
  if (!wantsFresh(step, kind)) return { step, remote: seen.remote };
  try {
    const remote = await kind.main.read(binding.client, seen.id);
    const { id } = binding.remote.kind.collections[kind.main.collection]!;
    if (remote !== undefined && id(remote) === seen.id) return { step: plan(remote), remote };
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    return { outcome: unready(error.reason, error.message, { backoff: error.retryAfter ?? 0 }) };
  }
  binding.remote.collections.get(kind.main.collection)?.refresh();
  const message = `the list holds ${kind.main.noun} ${seen.id}, and its read answers that there is none; looking again`;
  return { outcome: unready('Confirming', message, { motion: true, awaitList: true }) };
}

/** Plan, and one step of it. */
export async function follow(
  pass: Pass,
  binding: Binding,
  seen: { id: string; remote: unknown },
  parts: Observed,
): Promise<Outcome> {
  const { context, kind, resource } = pass;
  const { id } = seen;
  const live = await liveSecrets(pass);
  if ('outcome' in live) return { ...live.outcome, remote: seen.remote };
  const { desired, key, missing } = desiredOf(pass, binding, live.changed);
  const rival = rivalFor(pass, binding, seen, key);
  if (rival !== undefined) return { ...claimedBy(pass, `for ${key}`, rival), remote: seen.remote };
  const taken = takenByOthers(pass, binding, id);
  // What the object has already need not be fit for a new one.
  const unmet =
    kind.main.identity.level === 'natural-key' && kind.main.identity.keyOf(seen.remote) === key ? undefined : missing;
  if (await outlived(pass)) throw new Stale('the action is concluded');
  // Until it is written down it stands: it may take several steps, and a refusal that passes.
  if (desired.retry !== undefined && (isAsked(pass) || pass.memory.retry === desired.retry))
    pass.memory.retry = desired.retry;
  else if (desired.retry !== undefined) {
    pass.resource = await context.journal.obeying(kind, resource, { lastRetry: desired.retry });
    throw new Stale('a retry that answers nothing');
  }
  const next = await planned(pass, binding, seen, (remote) =>
    kind.plan(desired, { main: { state: 'present', id, remote }, parts }),
  );
  if ('outcome' in next) return { remote: seen.remote, ...next.outcome };
  const { step, remote } = next;
  const drift = [...driftOf(step, kind), ...kind.differences(desired, remote)];
  const synced =
    drift.length === 0
      ? ({
          type: 'Synced',
          status: 'True',
          reason: 'InSync',
          message: `the ${kind.main.noun} is as the spec says`,
        } as const)
      : ({ type: 'Synced', status: 'False', reason: 'Drifted', message: drift.join('; ') } as const);
  const base = { remote, conditions: unmet ? [{ ...synced, ...unmet, status: 'Unknown' as const }] : [synced] };
  if (
    resource.spec.managementPolicy === 'Observe' &&
    ['create', 'update', 'act', 'remove', 'conclude'].includes(step.do)
  ) {
    return {
      ...base,
      standing: {
        ready: true,
        reason: 'Observed',
        message: `observed only; ${drift.length === 0 ? 'nothing differs' : 'what differs shows in Synced'}`,
      },
    };
  }
  switch (step.do) {
    case 'ready': {
      delete pass.memory.conflicts;
      delete pass.memory.retry;
      delete pass.memory.waiting;
      // Nothing is left to obey.
      if (desired.retry !== undefined)
        pass.resource = await context.journal.obeying(kind, pass.resource, { lastRetry: desired.retry });
      if (unmet) return { ...base, ...obstacle(unmet) };
      const unwritten = await publish(pass, remote);
      if (unwritten) return { ...base, ...unwritten };
      return { ...base, standing: { ready: true, reason: 'Ready', message: step.message } };
    }
    case 'wait':
      return { ...base, ...unready(step.reason, step.message), ...pace(pass, step.reason), awaitList: ownLists(kind) };
    case 'blocked':
      return { ...base, ...unready(step.reason, step.message) };
    case 'conclude':
      await conclude(pass, step);
      throw new Stale('the action is concluded');
    case 'create':
    case 'update':
    case 'act':
    case 'remove': {
      const before = refusedBefore(pass, signature(step));
      if (before) return { ...base, ...before };
      // What it has stays as it is; it must not be changed to what is another's.
      if (taken && step.do === 'update' && step.remote === 'main' && stillToTake(pass, remote))
        return { ...base, ...taken };
      const held = heldBack(pass, binding);
      // An update of what is seen harms nobody while others are missing.
      if (held && (held.standing.reason === 'TargetUnproved' || step.do === 'create' || step.do === 'remove'))
        return { ...base, ...held };
      // The person may have paused it or taken back the wish, and the watch may not have said so yet. A word is locked itself.
      if (wantsFresh(step, kind) && !(step.do === 'act' && step.obeys)) await freshRead(pass);
      const hands = { secrets: live.values, reference: desired.reference, changedSecrets: live.changed };
      const outcome = await act(pass, binding, step, { id, remote }, parts, hands);
      if (outcome.changed && step.do === 'update' && step.remote === 'main') {
        pass.memory.proved = live.versions;
        pass.memory.provedValues = live.values;
      }
      if (outcome.changed) context.log.info({ resource: pass.identifier, step: step.do }, outcome.standing.message);
      return { ...base, ...outcome };
    }
  }
}

/** Was a person told that something failed? A retry from before that, still in Git, must not answer what nobody has seen. */
function isAsked({ memory, resource }: Pass): boolean {
  const reason = findCondition(resource.status?.conditions, 'Ready')?.reason;
  // Refused for good while it was being obeyed: another word may ask once more.
  return (
    reason !== undefined && (isAnsweredByRetry(reason) || (reason === 'InvalidSpec' && memory.retry !== undefined))
  );
}

/**
 * An action that was asked for before this resource was there, of an object that was there before it: Git still holds it,
 * and only the lost cluster knew that it was carried out. It is not sent a second time.
 */
async function outlived(pass: Pass): Promise<boolean> {
  const { spec, status, metadata } = pass.resource;
  const { action } = spec;
  if (!action || action.requestedAt === status?.action?.requestedAt || spec.managementPolicy === 'Observe')
    return false;
  if (status?.creation?.outcome === 'Created') return false;
  // One from before the last was answered then; concluding it would make the last one new again.
  if (Date.parse(action.requestedAt) <= Date.parse(status?.action?.requestedAt ?? '')) return false;
  if (Date.parse(action.requestedAt) >= Date.parse(metadata.creationTimestamp ?? '')) return false;
  const message = `requestedAt ${action.requestedAt} is older than this resource, so it may have been carried out already and is not sent; to ask for it, write the present time`;
  await conclude(pass, { do: 'conclude', result: 'Failed', message });
  return true;
}

/** After this a wait goes on at the pace of the tenant, milliseconds: one stuck object must not hurry the lists of all. */
const hurryFor = 30 * 60_000;

/** How a wait is looked at again: lists at the pace of motion, while that can be of use. */
export function pace({ context, memory }: Pass, reason: Reason): { motion?: true; awaitList: true } {
  const now = context.clock.monotonic();
  const waiting = memory.waiting?.reason === reason ? memory.waiting : { reason, at: now };
  memory.waiting = waiting;
  const hurried = !isUnhurried(reason) && now - waiting.at < hurryFor;
  return { awaitList: true, ...(hurried && { motion: true as const }) };
}

/** What a plan for an object that is there is made from. */
const ownLists = ({ main, parts }: Kind) => [main, ...Object.values(parts ?? {})].map(({ collection }) => collection);

/** What the step shows to differ from the spec. */
function driftOf(step: Step, { parts }: Kind): readonly string[] {
  if (step.do === 'update' || step.do === 'wait') return step.drift ?? [];
  if ((step.do !== 'create' && step.do !== 'remove') || step.remote === 'main') return [];
  const what = `${parts![step.remote]!.noun} ${step.instance ?? ''}`.trimEnd();
  return [step.do === 'create' ? `${what}: wanted, is not there` : `${what}: not wanted, is there`];
}

/** Does the spec ask for a unique value that the object does not have yet? */
function stillToTake({ kind, resource }: Pass, remote: unknown): boolean {
  const wish = { spec: resource.spec as never, name: resource.metadata.name };
  return (kind.main.unique ?? []).some(({ of, ofRemote }) => {
    const value = of(wish);
    return value !== undefined && value !== ofRemote(remote);
  });
}
