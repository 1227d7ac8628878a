import { uuid } from '../base/random.ts';
import type { Secret } from '../base/secret.ts';
import { KubeError } from '../kube/types.ts';
import { RemoteError } from '../remote/errors.ts';
import type { Claim } from './conditions.ts';
import { type Effect, typeOf } from './kind.ts';
import { heldBack, heldByOther } from './held.ts';
import { type Outcome, type Pass, refused, Stale, unready } from './outcome.ts';
import { chosenID, isMarked, markedDescription, ownerText } from './owner.ts';
import type { Binding } from './tenants.ts';

/** What a call of the kind gets in hand: `owner` names the main object or a part. The fence carries who acts, for the audit line. */
export function effect(
  pass: Pass,
  binding: Binding,
  owned: string,
  secrets: Record<string, Secret> = {},
): Effect<never, unknown> {
  const { context, resource, owner, identifier } = pass;
  const actor = `${identifier}@${resource.metadata.generation ?? 0}`;
  return {
    client: binding.client,
    spec: resource.spec as never,
    name: resource.metadata.name,
    marked: (description) => markedDescription(owner, description),
    owner: owned,
    secrets,
    fence: Object.assign(() => context.fence(identifier), { actor }),
  };
}

/** Does the remote tenant keep our markers? `lost` wins over `kept`: one object without its marker is enough to stop. */
function markers(pass: Pass, binding: Binding): 'kept' | 'lost' | 'unproved' {
  const { context, kind } = pass;
  const { identity, collection } = kind.main;
  if (identity.level !== 'marker') return 'kept';
  const items = binding.remote.collections.get(collection)!.snapshot()!.items;
  const bought = context.claims.recorded(kind.names.kind, binding.remote.key).filter((title) => title.bought);
  if (bought.some(({ id }) => items.has(id) && !isMarked(identity.marker(items.get(id))))) return 'lost';
  return [...items.values()].some((remote) => isMarked(identity.marker(remote))) ? 'kept' : 'unproved';
}

/** While markers are unproved: somebody whose create is not yet seen to have kept its marker. */
function someoneCreating(pass: Pass, binding: Binding): string | undefined {
  const { context, kind, identifier } = pass;
  const { remote } = binding;
  const now = remote.creating.get(kind.names.kind);
  if (now !== undefined && now !== identifier) return now;
  const items = remote.collections.get(kind.main.collection)!.snapshot()!.items;
  const unseen = context.claims
    .recorded(kind.names.kind, remote.key)
    .find((title) => title.bought && title.since !== undefined && !items.has(title.id));
  if (unseen && unseen.holder !== identifier) return unseen.holder;
  return context.claims.unsettled(kind.names.kind, remote.key).find((holder) => holder !== identifier);
}

/** What stands against a create before anything is written; undefined when nothing does. */
function gate(pass: Pass, binding: Binding): Outcome | undefined {
  const { context, kind, identifier, resource } = pass;
  const { remote } = binding;
  const held = heldBack(pass, binding);
  if (held) return held;
  const tenant = `${kind.tenantKind} ${resource.spec.tenantRef.name}`;
  const collection = remote.collections.get(kind.main.collection)!;
  const unknown = [...collection.snapshot()!.unreadable].filter((id) => !heldByOther(pass, binding, id));
  if (unknown.length > 0) {
    return unready(
      'BadAnswer',
      `${kind.main.noun} ${unknown.slice(0, 5).join(', ')} is listed, but what the remote says of it cannot be read: it may be ours, so none is created before that is so, or a resource adopts it by spec.externalID`,
      { awaitList: true },
    );
  }
  const most = kind.limit === undefined ? undefined : binding.spec.limits[kind.limit];
  // One that is in flight may already be journalled, or recorded: each counts once.
  const owners = new Set([
    ...context.claims.recorded(kind.names.kind, remote.key).map(({ holder }) => holder),
    ...context.claims.unsettled(kind.names.kind, remote.key),
    ...[...remote.inFlight].filter((holder) => holder.startsWith(`${kind.names.kind}/`)),
  ]);
  owners.delete(identifier);
  if (most !== undefined && owners.size >= most) {
    return unready(
      'LimitReached',
      `${tenant} allows ${most} ${kind.main.noun}s (spec.limits.${kind.limit}) and ${owners.size} are owned or being bought: raise the limit or delete one`,
      { after: 60_000, awaitList: true },
    );
  }
  switch (markers(pass, binding)) {
    case 'kept':
      return undefined;
    case 'lost':
      return unready(
        'MarkerNotKept',
        `${remote.key} does not keep the owner marker in the description of its ${kind.main.noun}s, so a lost one could not be found again: no further ${kind.main.noun} is created there`,
        { awaitList: true },
      );
    case 'unproved': {
      const other = someoneCreating(pass, binding);
      return other === undefined
        ? undefined
        : unready(
            'CreationQueued',
            `${remote.key} was not yet seen to keep an owner marker, so creates run one at a time: ${other} is first`,
            { awaitList: true },
          );
    }
  }
}

/** Secrets that the create needs, and the conditions that speak of them. */
async function collectSecrets(pass: Pass): Promise<{ values: Record<string, Secret> } | { outcome: Outcome }> {
  const { context, kind, owner, resource } = pass;
  const namespace = resource.metadata.namespace ?? '';
  const values: Record<string, Secret> = {};
  for (const [name, need] of Object.entries(kind.secrets?.(resource.spec as never, resource.metadata.name) ?? {})) {
    const read = need.generate
      ? await context.secrets.generate(namespace, need, ownerText(owner), context.random.bytes, resource.metadata.uid)
      : await context.secrets.read(namespace, need.name, [need.key]);
    if (!read.ok) return { outcome: unready(read.reason, read.message, { after: 30_000 }) };
    values[name] = read.values[need.key]!;
  }
  return { values };
}

/** Conditions of generated or given secrets once an object is recorded. */
export async function secretConditions(pass: Pass, created: boolean, ours: boolean): Promise<Claim[]> {
  const { context, kind, owner, resource } = pass;
  const namespace = resource.metadata.namespace ?? '';
  const claims: Claim[] = [];
  for (const need of Object.values(kind.secrets?.(resource.spec as never, resource.metadata.name) ?? {})) {
    const where = `Secret ${need.name}, key ${need.key}`;
    const known =
      created ||
      (ours && need.generate !== undefined && (await context.secrets.isOwn(namespace, need.name, ownerText(owner))));
    if (!known)
      claims.push({
        type: need.condition,
        status: 'False',
        reason: 'NotRecoverable',
        message: `the ${kind.main.noun} was not created by this resource, and the remote does not tell the value`,
      });
    else if (need.generate)
      claims.push({
        type: need.condition,
        status: 'True',
        reason: 'Generated',
        message: `stored before the create in ${where}`,
      });
    else
      claims.push({
        type: need.condition,
        status: 'True',
        reason: 'FromSecret',
        message: `taken from ${where} when the ${kind.main.noun} was created`,
      });
  }
  return claims;
}

/** The very resource, as the API server holds it now: a stale cache must not buy a second object. */
export async function freshRead(pass: Pass): Promise<void> {
  const { context, kind, resource } = pass;
  const { namespace = '', name, resourceVersion } = resource.metadata;
  const fresh = await context.kube.get<typeof resource>(typeOf(kind), { namespace, name });
  if (fresh?.metadata.resourceVersion === resourceVersion) return;
  if (fresh) context.store(kind).observe(fresh);
  // Gone, or older than ours: only the watch can tell, and until then there is no haste.
  if (context.store(kind).get(`${namespace}/${name}`)?.metadata.resourceVersion === resourceVersion)
    throw new KubeError(409, 'Conflict', 'the cache is not what the API server holds');
  throw new Stale('the cache was behind');
}

/** Makes the main object: at most one POST, by the protocol of docs/architecture.md, "Creating". */
export async function create(pass: Pass, binding: Binding): Promise<Outcome> {
  const { context, kind, identifier, memory } = pass;
  const { remote } = binding;
  const stop = gate(pass, binding);
  if (stop) return stop;
  // Taken in the turn of the gate: nobody else passes it before we are done.
  const serial = markers(pass, binding) === 'unproved';
  remote.inFlight.add(identifier);
  if (serial) remote.creating.set(kind.names.kind, identifier);
  let sent = false;
  try {
    await freshRead(pass);
    const attemptID = uuid(context.random);
    pass.resource = await context.journal.bind(kind, pass.resource, remote.key);
    const collected = await collectSecrets(pass);
    if ('outcome' in collected) return collected.outcome;
    const journalled = kind.main.identity.level !== 'chosen-id';
    context.begin(identifier);
    if (journalled) {
      const snapshot = remote.collections.get(kind.main.collection)!.snapshot()!;
      const idsBefore = serial ? [...snapshot.items.keys(), ...snapshot.unreadable] : undefined;
      const attempt = { attemptID, ...(idsBefore && { idsBefore }) };
      pass.resource = await context.journal.sending(kind, pass.resource, attempt);
      memory.sent = attempt;
    }
    sent = true;
    try {
      const answer = await kind.main.create(effect(pass, binding, ownerText(pass.owner), collected.values), {
        instance: '',
        id: chosenID(pass.owner),
      });
      memory.answered = { attemptID, id: answer.id };
    } catch (error) {
      return await createFailed(pass, error, journalled, attemptID);
    }
    return await created(pass, binding, memory.answered.id);
  } finally {
    remote.inFlight.delete(identifier);
    if (remote.creating.get(kind.names.kind) === identifier) remote.creating.delete(kind.names.kind);
    // It shows what came of this create, and wakes whoever was queued behind it: not before they may go on.
    if (sent || serial) remote.collections.get(kind.main.collection)!.refresh();
  }
}

async function created(pass: Pass, binding: Binding, id: string): Promise<Outcome> {
  const { context, kind, memory, identifier } = pass;
  // Nobody can have a better title to an object that did not exist a moment ago.
  context.claims.claim(id, binding.remote.key, identifier);
  const standing = {
    ready: false,
    reason: 'Building',
    message: `${kind.main.noun} ${id} is ordered; waiting to see it built`,
  } as const;
  // Before the record, which may fail: no list from before the create may then say that there is none.
  memory.changed = { at: context.clock.monotonic(), standing };
  pass.resource = await context.journal.record(kind, pass.resource, id, 'Created');
  delete memory.answered;
  delete memory.sent;
  context.event(pass.resource, {
    type: 'Normal',
    reason: 'Created',
    action: 'Create',
    note: `${kind.main.noun} ${id} was created`,
  });
  return {
    standing,
    conditions: await secretConditions(pass, true, true),
    changed: true,
    motion: true,
    awaitList: true,
    quiet: true,
    after: 5000,
  };
}

async function createFailed(pass: Pass, error: unknown, journalled: boolean, attemptID: string): Promise<Outcome> {
  const { context, kind } = pass;
  // Not a word of the remote's (a lost lease, say): what is journalled stays, and is settled by whoever leads next.
  if (!(error instanceof RemoteError)) throw error;
  if (error.outcome === 'definitely-not') {
    delete pass.memory.sent;
    if (journalled) pass.memory.madeNothing = attemptID;
    if (journalled) pass.resource = await context.journal.clear(kind, pass.resource);
    return refused(error, `the create of the ${kind.main.noun}`);
  }
  const message = `the answer to create ${attemptID} was lost (${error.message}); looking whether it made a ${kind.main.noun}`;
  const outcome = unready('CreateOutcomeUnknown', message, { motion: true, awaitList: true });
  pass.memory.changed = { at: context.clock.monotonic(), standing: outcome.standing };
  return outcome;
}
