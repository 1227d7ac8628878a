import { jitter } from '../base/random.ts';
import { isConflict, KubeError, KubeUnreachable } from '../kube/types.ts';
import { finalizer, isDeleting, isPaused, reconcileRequestOf } from './annotations.ts';
import { findCondition } from './conditions.ts';
import type { Context } from './context.ts';
import { create } from './create.ts';
import type { Kind } from './kind.ts';
import { identifier as identifierOf, isUnsettled } from './resource.ts';
import { isOurs } from './shards.ts';
import { tenantOf } from './users.ts';
import { heldBack } from './held.ts';
import { observe, resolveTenant, type Seen } from './observe.ts';
import { type Outcome, type Pass, Stale, unready } from './outcome.ts';
import { collectionsOf, observeParts, partsDue } from './parts.ts';
import type { RunResult } from './queue.ts';
import { askedBy, refusedBefore } from './asked.ts';
import { follow, markNotKept, passwordConditions } from './follow.ts';
import { mayGoAtOnce, finish, release, remove, unseen } from './remove.ts';
import { report } from './report.ts';
import { rewriteJournal, rewriteWord } from './rewrite.ts';
import { adopt, forgetWhenTold, isForgotten, settle, settleCandidates } from './settle.ts';
import type { Binding } from './tenants.ts';
import { stock } from './stock.ts';
import { ofFormerResource } from './unique.ts';
import { desiredOf, liveSecrets, unmet } from './world.ts';

/**
 * One pass over one resource: load, resolve, observe, plan, act, report, schedule; always in this order, never back.
 * It never throws: what goes wrong becomes a reason in the status and a later run.
 */
export async function reconcile(
  context: Context,
  kind: Kind,
  key: { namespace: string; name: string },
): Promise<RunResult> {
  const resource = context.store(kind).get(`${key.namespace}/${key.name}`);
  if (!resource) return { failed: false };
  const identifier = identifierOf(kind.names.kind, resource);
  const pass: Pass = {
    context,
    kind,
    identifier,
    owner: { ownerID: context.settings.ownerID, ...key },
    memory: context.memory(identifier),
    resource,
  };
  try {
    if (!isOurs(context, tenantOf(kind, resource))) return { failed: false };
    const outcome = await judge(pass);
    const { reason, message } = outcome.standing;
    const { refused: step, refusedFor } = outcome;
    const until = refusedFor === undefined ? {} : { until: context.clock.monotonic() + refusedFor };
    if (step !== undefined) pass.memory.refused = { asked: askedBy(pass), step, reason, message, ...until };
    if (outcome.changed) pass.memory.unsaid = true;
    if (!outcome.released && !outcome.quiet) await report(pass, outcome);
    return schedule(pass, outcome);
  } catch (error) {
    return failed(pass, error);
  }
}

/** What a failed pass asks for. Only a stale view is tried again at once. */
function failed(pass: Pass, error: unknown): RunResult {
  const { context, identifier } = pass;
  if (error instanceof Stale) return { failed: false, after: 0 };
  // Gone meanwhile, or changed: the watch brings the news.
  if (isConflict(error) || (error instanceof KubeError && error.status === 404)) return { failed: true };
  const known = error instanceof KubeError || error instanceof KubeUnreachable;
  context.log[known ? 'warn' : 'error'](
    { err: error, resource: identifier },
    known ? 'Kubernetes refused a step; trying again' : 'the pass failed',
  );
  return { failed: true };
}

function schedule(pass: Pass, outcome: Outcome): RunResult {
  const { context, kind, identifier } = pass;
  const binding = bindingOf(pass);
  const { namespace = '', name } = pass.resource.metadata;
  if (binding && context.store(kind).get(`${namespace}/${name}`)) {
    const pace = outcome.motion ? paceOf(pass) : undefined;
    for (const collection of collectionsOf(kind, binding)) collection.want(identifier, pace);
    const { awaitList, awaitTurn } = outcome;
    if (awaitList) context.awaitList(binding.remote, identifier, awaitList === true ? undefined : awaitList);
    if (awaitTurn !== undefined) context.awaitTurn(binding.remote, identifier, awaitTurn);
  }
  if (outcome.backoff !== undefined) return { failed: true, notBefore: outcome.backoff };
  const after = Math.min(outcome.after ?? Infinity, byItself(pass, outcome));
  return after === Infinity ? { failed: false } : { failed: false, after };
}

/** Between two lists while it is in motion, milliseconds: what was just changed may be done in seconds. */
function paceOf({ context, memory }: Pass): number {
  const age = context.clock.monotonic() - (memory.changed?.at ?? -Infinity);
  return Math.min(context.settings.motionInterval, age < 5_000 ? 2_000 : age < 15_000 ? 5_000 : Infinity);
}

/** When time alone, or a Secret that is not watched, may change what is to be done; milliseconds. */
function byItself(pass: Pass, { parts, remote }: Outcome): number {
  const { context, kind, resource } = pass;
  const needs = Object.values(kind.secrets?.(resource.spec as never, resource.metadata.name) ?? {});
  const look = needs.some(({ live }) => live)
    ? jitter(context.random, context.settings.secretInterval * 0.9)
    : Infinity;
  const turn =
    remote === undefined ? Infinity : (kind.report(remote, context.clock.now(), resource.spec).changesIn ?? Infinity);
  // A far turn is looked for again: Node's timers and clocks are not made for months.
  // Whoever could not look at the parts is woken by what hindered it.
  const rota = parts ? partsDue(pass) : Infinity;
  return Math.min(look, rota, turn === Infinity ? Infinity : Math.min(turn + 1000, 24 * 3_600_000));
}

function bindingOf(pass: Pass): Binding | undefined {
  const { kind, resource, context } = pass;
  return context.tenants.binding(tenantOf(kind, resource));
}

async function judge(pass: Pass): Promise<Outcome> {
  const { resource } = pass;
  const deleting = isDeleting(resource);
  if (deleting && !resource.metadata.finalizers?.includes(finalizer)) {
    return { standing: { ready: false, reason: 'Deleting', message: 'nothing of ours holds it' }, released: true };
  }
  if (isPaused(resource)) return paused(pass, deleting);
  await rewriteJournal(pass);
  await rewriteWord(pass);
  if (deleting && mayGoAtOnce(pass)) return unseen(pass, bindingOf(pass)) ?? release(pass);
  if (deleting) await forgetWhenTold(pass);
  const tenant = resolveTenant(pass);
  if ('outcome' in tenant) return tenant.outcome;
  const { binding } = tenant;
  const seen = await observe(pass, binding);
  if (isUnsettled(pass.resource) || isForgotten(pass)) {
    const settled = await settle(pass, binding, seen);
    return settled === 'send again' ? absent(pass, binding, undefined) : settled;
  }
  switch (seen.now) {
    case 'wait':
      return seen.outcome;
    case 'candidates':
      return (await settleCandidates(pass, binding, seen.ids, seen.why)) ?? absent(pass, binding, undefined);
    case 'absent':
      return absent(pass, binding, seen.lost);
    case 'present':
      return present(pass, binding, seen);
  }
}

/** Nothing is done, and it says so; a Ready of this very spec stays. */
function paused(pass: Pass, deleting: boolean): Outcome {
  const { status, metadata } = pass.resource;
  const ready = findCondition(status?.conditions, 'Ready');
  const condition = {
    type: 'Paused',
    status: 'True',
    reason: 'Paused',
    message: 'annotated freehold.dev/paused: nothing is read or changed until the annotation is removed',
  } as const;
  if (!deleting && ready?.status === 'True' && ready.observedGeneration === metadata.generation) {
    return { standing: { ready: true, reason: ready.reason, message: ready.message }, conditions: [condition] };
  }
  return unready(
    'Paused',
    deleting ? 'the deletion is held by the annotation freehold.dev/paused' : condition.message,
    { conditions: [condition] },
  );
}

async function absent(pass: Pass, binding: Binding, lost: string | undefined): Promise<Outcome> {
  const { context, kind, resource } = pass;
  const held = lost !== undefined || isDeleting(resource) ? heldBack(pass, binding) : undefined;
  if (held) return held;
  if (isDeleting(resource)) return lost === undefined ? release(pass) : finish(pass);
  if (lost !== undefined) {
    if (resource.spec.recreatePolicy !== 'Always' || resource.spec.managementPolicy === 'Observe') {
      const way = 'delete this resource, or set spec.recreatePolicy: Always to buy another one';
      return unready('RemoteLost', `${kind.main.noun} ${lost} is gone and was not deleted by this operator: ${way}`, {
        gone: true,
      });
    }
    pass.resource = await context.journal.lost(kind, resource);
    // The looks that proved this loss say nothing about the next object.
    context.witnesses.seen(pass.identifier);
    context.event(pass.resource, {
      type: 'Warning',
      reason: 'RemoteLost',
      action: 'Recreate',
      note: `${kind.main.noun} ${lost} is gone; another one is bought (recreatePolicy: Always)`,
    });
    throw new Stale('the lost object is forgotten');
  }
  if (resource.spec.managementPolicy === 'Observe') {
    return unready(
      'NotFound',
      `managementPolicy is Observe, and ${binding.remote.key} holds no ${kind.main.noun} with our marker: name one by spec.externalID`,
      { awaitList: true },
    );
  }
  const { missing } = desiredOf(pass, binding);
  if (missing) return unmet(pass, binding, missing);
  return refusedBefore(pass, 'create') ?? refusedCreate(pass) ?? (await stock(pass, binding)) ?? create(pass, binding);
}

/** The same for a create after a restart, told by the status. Who has no object has no other way to this reason. */
function refusedCreate(pass: Pass): Outcome | undefined {
  const { resource } = pass;
  const stalled = findCondition(resource.status?.conditions, 'Stalled');
  if (stalled?.reason !== 'InvalidSpec' || stalled.observedGeneration !== resource.metadata.generation)
    return undefined;
  if (reconcileRequestOf(resource) !== resource.status?.lastHandledReconcileAt) return undefined;
  return unready('InvalidSpec', stalled.message);
}

async function present(pass: Pass, binding: Binding, seen: Extract<Seen, { now: 'present' }>): Promise<Outcome> {
  const { kind } = pass;
  const deleting = isDeleting(pass.resource);
  if (pass.resource.status?.externalID === undefined) {
    if (seen.how !== 'wished' && kind.main.beingDeleted?.(seen.remote)) {
      if (deleting) return release(pass);
      return unready(
        'PreviousBeingDeleted',
        `${kind.main.noun} ${seen.id} of a former resource of this name is still being deleted; another one is created once it is gone`,
        { motion: true, awaitList: true, remote: undefined },
      );
    }
    const former = seen.how === 'wished' || deleting ? undefined : ofFormerResource(pass, seen.id, seen.remote);
    if (former) return former;
    const refusal = await adopt(pass, binding, seen.id, 'Found');
    if (refusal) return refusal;
  } else if (!deleting) {
    // Whoever replaces the metadata (kubectl replace) takes finalizer and target away.
    pass.resource = await pass.context.journal.bind(kind, pass.resource, binding.remote.key);
  }
  // The words of the remote are shown only with the Secrets known that they may quote.
  if (pass.memory.known === undefined) await liveSecrets(pass);
  if (deleting && kind.main.takesParts) return remove(pass, binding, seen, {});
  const observed = await observeParts(pass, binding, seen.id);
  if ('outcome' in observed) return { remote: seen.remote, ...observed.outcome };
  const { parts } = observed;
  if (deleting) return { parts, ...(await remove(pass, binding, seen, parts)) };
  const outcome = markNotKept(pass, seen) ?? (await follow(pass, binding, seen, parts));
  return {
    remote: seen.remote,
    parts,
    ...outcome,
    conditions: [...(outcome.conditions ?? []), ...(await passwordConditions(pass, seen.remote))],
  };
}
