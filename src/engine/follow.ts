import type { Secret } from '../base/secret.ts';
import { RemoteError } from '../remote/errors.ts';
import { reconcileRequestOf } from './annotations.ts';
import { findCondition } from './conditions.ts';
import { effect, secretConditions } from './create.ts';
import type { Observation, Observed, Step } from './kind.ts';
import { isMarked, ownerText, partText, readMarker } from './owner.ts';
import { claimedBy, heldBack } from './held.ts';
import { type Outcome, type Pass, refused, unready } from './outcome.ts';
import { collectionsOf, partID, partKey } from './parts.ts';
import type { Binding } from './tenants.ts';
import { desiredOf, holdReference, liveSecrets, obstacle, publish } from './world.ts';

/** A new generation, a new reconcile request or a changed live Secret asks the remote again. */
export const askedBy = ({ memory, resource }: Pass) =>
  JSON.stringify([resource.metadata.generation, reconcileRequestOf(resource), memory.live]);

/** The remote said that this spec is wrong: asking again with the same spec makes nothing but noise. */
export function refusedBefore(pass: Pass): Outcome | undefined {
  const { refused: before } = pass.memory;
  return before?.asked === askedBy(pass) ? unready('InvalidSpec', before.message) : undefined;
}

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

/** Plan, and one step of it. */
export async function follow(
  pass: Pass,
  binding: Binding,
  seen: { id: string; remote: unknown },
  parts: Observed,
): Promise<Outcome> {
  const { context, kind, resource } = pass;
  const { id, remote } = seen;
  const live = await liveSecrets(pass);
  if ('outcome' in live) return { ...live.outcome, remote };
  const { desired, key, missing } = desiredOf(pass, binding, live.changed);
  const rival = rivalFor(pass, binding, seen, key);
  if (rival !== undefined) return { ...claimedBy(pass, `for ${key}`, rival), remote };
  // What the object has already need not be fit for a new one.
  const unmet =
    kind.main.identity.level === 'natural-key' && kind.main.identity.keyOf(remote) === key ? undefined : missing;
  const main: Observation<unknown> = { state: 'present', id, remote };
  const step = kind.plan(desired, { main, parts });
  const drift = [...(step.do === 'update' ? step.drift : []), ...kind.differences(desired, remote)];
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
  if (resource.spec.managementPolicy === 'Observe' && ['create', 'update', 'act', 'remove'].includes(step.do)) {
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
      if (unmet) return { ...base, ...obstacle(unmet) };
      const unwritten = await publish(pass, remote);
      if (unwritten) return { ...base, ...unwritten };
      return { ...base, standing: { ready: true, reason: 'Ready', message: step.message } };
    }
    case 'wait':
      return { ...base, ...unready(step.reason, step.message), motion: true };
    case 'blocked':
      return { ...base, ...unready(step.reason, step.message) };
    case 'create':
    case 'update':
    case 'act':
    case 'remove': {
      const before = refusedBefore(pass);
      if (before) return { ...base, ...before };
      const held = heldBack(pass, binding);
      // An update of what is seen harms nobody while others are missing.
      if (held && (held.standing.reason === 'TargetUnproved' || step.do === 'create' || step.do === 'remove'))
        return { ...base, ...held };
      const hands = { secrets: live.values, reference: desired.reference };
      const outcome = await act(pass, binding, step, seen, parts, hands);
      if (outcome.changed && step.do === 'update') pass.memory.proved = live.versions;
      if (outcome.changed) context.log.info({ resource: pass.identifier, step: step.do }, outcome.standing.message);
      return { ...base, ...outcome };
    }
  }
}

type Acting = Extract<Step, { do: 'create' | 'update' | 'act' | 'remove' }>;

/** At most one mutating call; what it did is believed only from a list begun after it. */
async function act(
  pass: Pass,
  binding: Binding,
  step: Acting,
  seen: { id: string; remote: unknown },
  parts: Observed,
  given: { secrets: Record<string, Secret>; reference: string | undefined },
): Promise<Outcome> {
  const { context, kind } = pass;
  const isMain = step.remote === 'main';
  const object = isMain ? kind.main : kind.parts![step.remote]!;
  const instance = step.instance ?? '';
  const part = parts[partKey(step.remote, step.instance)];
  const target = isMain
    ? seen
    : part?.state === 'present'
      ? part
      : { id: partID(pass, step.remote, instance), remote: undefined };
  const doing =
    step.do === 'update'
      ? `update of ${step.drift.join('; ')}`
      : step.do === 'act'
        ? step.message
        : `${step.do} of the ${object.noun}`;
  const owned = isMain ? ownerText(pass.owner) : partText(pass.owner, step.remote, instance);
  const hands = effect(pass, binding, owned, given.secrets, given);
  const look = () => collectionsOf(kind, binding).forEach((collection) => collection.refresh());
  try {
    if (step.do === 'create') await object.create(hands, { instance, id: target.id });
    else if (step.do === 'update') await object.update!(hands, { instance, id: target.id, remote: target.remote });
    else if (step.do === 'act')
      await object.act!(hands, { instance, id: target.id, remote: target.remote, verb: step.verb });
    else await object.remove(hands, target.id);
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    look();
    if (error.outcome !== 'unknown') return refused(error, `the ${doing}`);
    const message = `the answer to the ${doing} was lost (${error.message}); looking what came of it`;
    const outcome = unready('Updating', message, { backoff: 0, awaitList: true });
    pass.memory.changed = { at: context.clock.monotonic(), standing: outcome.standing };
    return outcome;
  }
  const standing = { ready: false, reason: 'Updating', message: `${doing} was sent; waiting to see it` } as const;
  pass.memory.changed = { at: context.clock.monotonic(), standing };
  look();
  return { standing, changed: true, awaitList: true, motion: true };
}
