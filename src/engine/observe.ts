import { RemoteError } from '../remote/errors.ts';
import type { Collection, Snapshot } from '../remote/collection.ts';
import { isPaused, reconcileRequestOf, targetOf, takeOverOf } from './annotations.ts';
import { findCondition } from './conditions.ts';
import { claimedBy, heldBack, heldByOther } from './held.ts';
import { type How, identify, refusal } from './identify.ts';
import type { Observation, RemoteObject } from './kind.ts';
import { type Outcome, type Pass, unready } from './outcome.ts';
import type { Reason } from './reasons.ts';
import { asItStands } from './report.ts';
import { isUnsettled } from './resource.ts';
import type { Binding } from './tenants.ts';
import { madeBefore } from './unique.ts';
import { keyOf } from './world.ts';

/** So long a tenant may take to connect, or a list to end, before a new resource speaks of it, milliseconds. */
const connectingFor = 3_000;

/** What is known of the main remote object. `wait` carries the whole outcome. */
export type Seen =
  | { now: 'present'; id: string; remote: unknown; how: How }
  /** Never there, or (`lost`) proved gone. */
  | { now: 'absent'; lost?: string }
  | { now: 'candidates'; ids: string[]; why: string }
  | { now: 'wait'; outcome: Outcome };

const wait = (outcome: Outcome): Seen => ({ now: 'wait', outcome });

/** The tenant this resource names, when it can be used; else why not. An unmet reference is a wait, not an error. */
export function resolveTenant(pass: Pass): { binding: Binding } | { outcome: Outcome } {
  const { context, kind, resource } = pass;
  const tenantKind = context.tenantKinds.get(kind.tenantKind);
  const { name } = resource.spec.tenantRef;
  const { namespace = '' } = resource.metadata;
  const tenant = tenantKind && context.tenantStore(tenantKind).get(`${namespace}/${name}`);
  if (!tenant) {
    return {
      outcome: unready(
        'TenantNotFound',
        `${kind.tenantKind} ${namespace}/${name} does not exist; create it, or correct spec.tenantRef in a new resource`,
      ),
    };
  }
  const identifier = `${kind.tenantKind}/${namespace}/${name}`;
  const problem = context.tenants.problem(identifier);
  if (problem) return { outcome: unready(problem.reason, `${kind.tenantKind} ${name}: ${problem.message}`) };
  const binding = context.tenants.binding(identifier);
  if (!binding) {
    const paused = isPaused(tenant) ? ': it is annotated freehold.dev/paused' : '';
    return { outcome: atFirst(pass, 'TenantNotReady', `${kind.tenantKind} ${name} is not connected yet${paused}`) };
  }
  const target = targetOf(resource);
  if (target !== undefined && target !== binding.remote.key) {
    return {
      outcome: unready(
        'TargetChanged',
        `this resource belongs to remote tenant ${target}, but ${kind.tenantKind} ${name} now names ${binding.remote.key}; restore the tenant resource, or delete this resource (deletionPolicy Retain) and create a new one`,
      ),
    };
  }
  return { binding };
}

/**
 * A wait that is usually over in a moment: a new resource says nothing of it at first, and an old one keeps what was
 * written, for a term that has just begun knows nothing better (law 5).
 */
function atFirst(pass: Pass, reason: Reason, message: string, rest: Omit<Outcome, 'standing'> = {}): Outcome {
  const { context, identifier, resource } = pass;
  const standing = asItStands(resource);
  if (standing) return { ...rest, standing, unanswered: true };
  const early = context.clock.monotonic() - context.firstSeen(identifier) < connectingFor;
  return unready(reason, message, early ? { ...rest, quiet: true, after: connectingFor } : rest);
}

/** A request to look again is answered by a list that began after it, or by the failure of one. */
function awaitedLook(pass: Pass, collection: Collection<unknown>): Outcome | undefined {
  const { context, memory, resource } = pass;
  const text = reconcileRequestOf(resource);
  if (text === undefined || text === resource.status?.lastHandledReconcileAt) return undefined;
  const first = memory.request?.text !== text;
  if (first) memory.request = { text, at: context.clock.monotonic() };
  const begunAt = collection.snapshot()?.begunAt ?? -Infinity;
  if (!first && (collection.failure() || begunAt >= memory.request!.at)) return undefined;
  if (first) collection.refresh();
  const standing = asItStands(resource);
  return standing && { standing, unanswered: true, awaitList: true };
}

/** The newest complete list that may be believed, or the wait for one. */
function currentList(
  pass: Pass,
  collection: Collection<unknown>,
): { snapshot: Snapshot<unknown> } | { outcome: Outcome } {
  const look = awaitedLook(pass, collection);
  return look ? { outcome: look } : believed(pass, collection);
}

/** Did our last change touch this collection? */
export const concerns = ({ collection }: { collection?: string }, name: string) =>
  collection === undefined || collection === name;

/** The newest complete list, unless it is failing, missing, or older than what this resource changed last. */
export function believed(
  pass: Pass,
  collection: Collection<unknown>,
): { snapshot: Snapshot<unknown> } | { outcome: Outcome } {
  const { context, memory, resource } = pass;
  const snapshot = collection.snapshot();
  const failure = collection.failure();
  if (failure) {
    const age = snapshot ? context.clock.monotonic() - snapshot.begunAt : Infinity;
    const ready = findCondition(resource.status?.conditions, 'Ready');
    const settled = ready?.status === 'True' && ready.observedGeneration === resource.metadata.generation;
    if (!snapshot || !settled || age > context.settings.staleAfter) {
      return { outcome: unready(failure.reason, failure.message) };
    }
  }
  if (!snapshot)
    return {
      outcome: atFirst(pass, 'Listing', `waiting for the first complete list of ${collection.name}`, {
        awaitList: [collection.name],
      }),
    };
  const { changed } = memory;
  if (changed && concerns(changed, collection.name) && snapshot.begunAt < changed.at) {
    collection.refresh();
    const { at, standing } = changed;
    const wait: Outcome = { standing, awaitList: [collection.name], motion: true };
    const early = context.clock.monotonic() - at < connectingFor;
    return { outcome: early ? { ...wait, quiet: true, after: connectingFor } : wait };
  }
  return { snapshot };
}

/** Reads one object that the list lacks: present by a lagging list, or the second witness of its absence. */
async function readOne(
  pass: Pass,
  binding: Binding,
  id: string,
  snapshot: Snapshot<unknown>,
): Promise<Observation<unknown>> {
  const { context, kind, identifier } = pass;
  if (snapshot.unreadable.has(id)) {
    return {
      state: 'unknown',
      reason: 'BadAnswer',
      message: `the list holds ${kind.main.noun} ${id}, but what it says of it cannot be read`,
    };
  }
  try {
    const remote = await kind.main.read(binding.client, id);
    if (remote !== undefined) {
      const written = binding.remote.kind.collections[kind.main.collection]!.id(remote);
      // Lists and claims would never know it by this name; Ironic takes names for IDs, and a name may move to another node.
      if (written !== id)
        return { state: 'unknown', reason: 'InvalidSpec', message: `spec.externalID: ${id} is written ${written}` };
      context.witnesses.seen(identifier);
      // No change in the list will tell when it goes.
      context.awaitList(binding.remote, identifier);
      return { state: 'present', id, remote };
    }
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    return { state: 'unknown', reason: error.reason, message: error.message };
  }
  if (context.witnesses.missing(identifier, snapshot.begunAt)) return { state: 'absent' };
  return {
    state: 'unknown',
    reason: 'Confirming',
    message: `${kind.main.noun} ${id} is neither in the list nor readable; a second look after ${context.settings.absenceInterval / 1000} s must agree before it counts as gone`,
  };
}

/**
 * Within the settle window of its create: lists and reads may lag behind it. Not so once our DELETE was sent, which is
 * done only to what was seen.
 */
function isFresh(pass: Pass): boolean {
  const { creation, deletion } = pass.resource.status ?? {};
  if (deletion !== undefined) return false;
  const sentAt = creation?.sentAt;
  return sentAt !== undefined && pass.context.clock.now() - Date.parse(sentAt) < pass.context.settings.settleWindow;
}

/** A list begun before the resource was there may show what has long changed: nothing is adopted or bought on it. */
export function freshLook(
  pass: Pass,
  collection: Collection<unknown>,
  snapshot: Snapshot<unknown>,
  noun: string,
): Outcome | undefined {
  const { context, identifier } = pass;
  if (snapshot.begunAt >= context.firstSeen(identifier)) return undefined;
  collection.refresh();
  const message = `looking once more for a ${noun} of ours before one is bought`;
  return atFirst(pass, 'Creating', message, { awaitList: [collection.name] });
}

export async function observe(pass: Pass, binding: Binding): Promise<Seen> {
  const { context, kind, resource, owner, identifier } = pass;
  const collection = binding.remote.collections.get(kind.main.collection)!;
  const list = currentList(pass, collection);
  if ('outcome' in list) return wait(list.outcome);
  const { snapshot } = list;
  const recorded = resource.status?.externalID;
  const early = recorded === undefined ? freshLook(pass, collection, snapshot, kind.main.noun) : undefined;
  if (early) return wait(early);
  // What an open create made comes first: whoever names another object now would leave that one to nobody.
  const wished = isUnsettled(resource) ? undefined : resource.spec.externalID;
  const question = {
    owner,
    object: kind.main as RemoteObject<never, unknown, never>,
    recorded,
    wished,
    takeOver: takeOverOf(resource),
    unsettled: isUnsettled(resource),
    key: recorded === undefined ? keyOf(pass, binding) : undefined,
    snapshot,
  };
  const others = recorded === undefined && wished !== undefined ? madeBefore(pass, binding, question, wished) : [];
  if (wished !== undefined && others.length > 0) {
    const why = `spec.externalID names ${kind.main.noun} ${wished}, and ${others.join(', ')} was made for a resource of this name and is recorded nowhere; correct the spec, or say which it is`;
    return { now: 'candidates', ids: [...others, wished], why };
  }
  const answer = identify(question);
  switch (answer.which) {
    case 'none':
      return { now: 'absent' };
    case 'refused':
      // Taking over would only lead here.
      if (wished !== undefined) {
        const holder = context.claims.holderOf(wished, binding.remote.key);
        if (holder !== undefined && holder !== identifier) return wait(claimedBy(pass, wished, holder));
      }
      return wait(unready(answer.reason, answer.message, { awaitList: true }));
    case 'candidates': {
      const free = answer.ids.filter((id) => !heldByOther(pass, binding, id));
      return free.length === 0 ? { now: 'absent' } : { now: 'candidates', ids: free, why: answer.why };
    }
    case 'known':
      break;
  }
  const { id, how } = answer;
  if (answer.listed) {
    context.witnesses.seen(identifier);
    return { now: 'present', id, remote: snapshot.items.get(id), how };
  }
  // Neither read nor judged: where many are missing, a GET for each would only add to what is wrong.
  const held = heldBack(pass, binding);
  if (held) return wait(held);
  const one = await readOne(pass, binding, id, snapshot);
  switch (one.state) {
    case 'present': {
      const no = how === 'wished' ? refusal(question, id, one.remote) : undefined;
      return no?.which === 'refused'
        ? wait(unready(no.reason, no.message, { awaitList: true }))
        : { now: 'present', id, remote: one.remote, how };
    }
    case 'absent':
      if (how === 'wished')
        return wait(
          unready(
            'InvalidSpec',
            `spec.externalID: ${binding.remote.key} holds no ${kind.main.noun} ${id}; correct the ID`,
          ),
        );
      if (isFresh(pass))
        return wait(
          unready(
            'Confirming',
            `${kind.main.noun} ${id} is not to be seen yet; it counts as gone only after the settle window of its create`,
            { after: context.settings.absenceInterval },
          ),
        );
      return { now: 'absent', lost: id };
    case 'unknown': {
      if (how === 'wished' && one.reason === 'Confirming') {
        return wait(
          unready(
            'InvalidSpec',
            `spec.externalID: ${binding.remote.key} holds no ${kind.main.noun} ${id}; correct the ID`,
          ),
        );
      }
      const again = one.reason === 'Confirming' ? { after: context.settings.absenceInterval } : { backoff: 0 };
      const stands = asItStands(resource);
      // Proved by a former term, and looked at once more: it is still lost until it is seen.
      if (one.reason === 'Confirming' && stands?.reason === 'RemoteLost')
        return wait({ standing: stands, ...again, motion: true });
      return wait(unready(one.reason, one.message, { ...again, motion: true }));
    }
  }
}
