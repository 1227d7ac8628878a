import { uuid } from '../base/random.ts';
import type { Secret } from '../base/secret.ts';
import { KubeError } from '../kube/types.ts';
import { RemoteError } from '../remote/errors.ts';
import type { Claim } from './conditions.ts';
import { type Desired, type Effect, type SecretNeed, typeOf } from './kind.ts';
import { takenAtRemote, takenPerhapsByUs, thereAlready } from './conflict.ts';
import { gate, lockOf, markers } from './gate.ts';
import { claimedBy } from './held.ts';
import { type Outcome, type Pass, refused, Stale, unready } from './outcome.ts';
import { chosenID, markedDescription, ownerText } from './owner.ts';
import { type Creation, isUnsettled } from './resource.ts';
import type { SecretVersion } from './secrets.ts';
import type { Binding } from './tenants.ts';
import { desiredOf, holdReference, obstacle, signIn, unmet, worldOf } from './world.ts';

/** What a call of the kind gets in hand: `owner` names the main object or a part. The fence carries who acts, for the audit line. */
export function effect(
  pass: Pass,
  binding: Binding,
  owned: string,
  secrets: Record<string, Secret> = {},
  more: Pick<Effect<never, unknown>, 'mainID' | 'changedSecrets' | 'parts'> & {
    reference?: string | undefined;
    choice?: string | undefined;
  } = {},
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
    ...(Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)) as Partial<
      Effect<never, unknown>
    >),
    fence: Object.assign(() => context.fence(identifier), { actor }),
  };
}

/** Secrets that the create needs, and the conditions that speak of them. */
async function collectSecrets(
  pass: Pass,
): Promise<{ values: Record<string, Secret>; versions: Record<string, SecretVersion> } | { outcome: Outcome }> {
  const { context, kind, owner, resource } = pass;
  const namespace = resource.metadata.namespace ?? '';
  const values: Record<string, Secret> = {};
  const versions: Record<string, SecretVersion> = {};
  const output = kind.output?.({ spec: resource.spec, name: resource.metadata.name });
  const foreign = output && (await context.secrets.foreign(namespace, output.name, ownerText(owner)));
  if (foreign) return { outcome: unready(foreign.reason, foreign.message, { after: 30_000 }) };
  const needs = Object.entries(kind.secrets?.(resource.spec as never, resource.metadata.name) ?? {});
  for (const [name, need] of needs) {
    const read = need.generate
      ? await context.secrets.generate(namespace, need, ownerText(owner), context.random.bytes, resource.metadata.uid)
      : await context.secrets.read(
          namespace,
          need.name,
          need.check ? [need.key] : keysOf(needs, need.name),
          need.check,
        );
    if (!read.ok) return { outcome: unready(read.reason, read.message, { after: 30_000 }) };
    values[name] = read.values[need.key]!;
    if (need.live) versions[name] = read.version;
  }
  return { values, versions };
}

/** All keys of one Secret, so that what is wrong with it is said at once. */
const keysOf = (needs: [string, SecretNeed][], secret: string) =>
  needs.filter(([, { name }]) => name === secret).map(([, { key }]) => key);

/** Conditions of generated or given secrets once an object is recorded. */
export async function secretConditions(pass: Pass, created: boolean, ours: boolean): Promise<Claim[]> {
  const { context, kind, owner, resource } = pass;
  const namespace = resource.metadata.namespace ?? '';
  const claims: Claim[] = [];
  for (const need of Object.values(kind.secrets?.(resource.spec as never, resource.metadata.name) ?? {})) {
    if (need.condition === undefined) continue;
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
  const serial = ['unproved', 'serial'].includes(markers(pass, binding));
  const lock = lockOf(pass);
  const { desired, key, missing } = desiredOf(pass, binding);
  if (missing) return unmet(pass, binding, missing);
  const other = holdReference(pass, binding, desired.reference);
  if (other !== undefined) return claimedBy(pass, `for ${desired.reference}`, other);
  // Sent once more, it is the same create: what came of it before is as open as it was.
  const open = isUnsettled(pass.resource) ? pass.resource.status!.creation : undefined;
  remote.inFlight.add(identifier);
  if (serial) remote.creating.set(lock, identifier);
  let sent = false;
  let choice: string | undefined;
  try {
    await freshRead(pass);
    const attemptID = open?.attemptID ?? uuid(context.random);
    pass.resource = await context.journal.bind(kind, pass.resource, remote.key);
    const collected = await collectSecrets(pass);
    if ('outcome' in collected) return collected.outcome;
    const chosen = await choose(pass, binding, desired);
    if ('outcome' in chosen) return chosen.outcome;
    choice = chosen.choice;
    const refusal = await signIn(pass, binding);
    if (refusal) return refusal;
    context.begin(identifier);
    const snapshot = remote.collections.get(kind.main.collection)!.snapshot()!;
    const idsBefore = open?.idsBefore ?? (serial ? [...snapshot.items.keys(), ...snapshot.unreadable] : undefined);
    const attempt = { attemptID, idsBefore, choice, key };
    pass.resource = await context.journal.sending(kind, pass.resource, attempt);
    memory.sent = attempt;
    sent = true;
    try {
      const more = { reference: desired.reference, choice };
      const answer = await kind.main.create(effect(pass, binding, ownerText(pass.owner), collected.values, more), {
        instance: '',
        id: chosenID(pass.owner),
      });
      memory.proved = collected.versions;
      memory.provedValues = collected.values;
      binding.keepsIDs = answer.id === chosenID(pass.owner);
      memory.answered = { attemptID, id: answer.id };
      delete memory.rejections;
    } catch (error) {
      return await createFailed(pass, binding, error, attemptID, open);
    }
    return await created(pass, binding, memory.answered.id);
  } finally {
    remote.inFlight.delete(identifier);
    // The remote itself says from now on whether it is in use.
    if (choice !== undefined) context.claims.release(choice, remote.key, identifier);
    if (remote.creating.get(lock) === identifier) remote.creating.delete(lock);
    // It shows what came of this create, and wakes whoever was queued behind it: not before they may go on.
    if (sent || serial) remote.collections.get(kind.main.collection)!.refresh();
  }
}

/** The choice of the create, kept for us from the moment of choosing. */
async function choose(
  pass: Pass,
  binding: Binding,
  desired: Desired<never>,
): Promise<{ choice?: string } | { outcome: Outcome }> {
  const { context, kind, identifier } = pass;
  if (!kind.main.choose) return {};
  try {
    const chosen = await kind.main.choose(binding.client, desired, worldOf(pass, binding));
    if (!('choice' in chosen)) return { outcome: obstacle(chosen) };
    // Somebody else may have taken it while it was read.
    const other = context.claims.hold(chosen.choice, binding.remote.key, identifier);
    if (other !== undefined) throw new Stale(`${chosen.choice} was taken by ${other}`);
    return chosen;
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    return { outcome: refused(error, `the look for a free choice`) };
  }
}

async function created(pass: Pass, binding: Binding, id: string): Promise<Outcome> {
  const { context, kind, memory, identifier } = pass;
  // Nobody can have a better title to an object that did not exist a moment ago.
  context.claims.claim(id, binding.remote.key, identifier);
  // One of the same ID may have been there before; this one was in no list yet.
  binding.remote.shown.delete(id);
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
    awaitList: [kind.main.collection],
    quiet: true,
    after: 5000,
  };
}

async function createFailed(
  pass: Pass,
  binding: Binding,
  error: unknown,
  attemptID: string,
  open: Creation | undefined,
): Promise<Outcome> {
  const { context, kind, memory } = pass;
  // Not a word of the remote's (a lost lease, say): what is journalled stays, and is settled by whoever leads next.
  if (!(error instanceof RemoteError)) throw error;
  if (error.outcome === 'definitely-not') {
    const meaning = kind.main.explain?.(error);
    if (!open) {
      delete memory.sent;
      memory.madeNothing = attemptID;
    }
    const there = error.reason === 'Conflict' && kind.main.taken && !meaning && (await thereAlready(pass, binding));
    // That this one did nothing does not say what the one before it did.
    pass.resource = await (open
      ? context.journal.reopen(kind, pass.resource, open)
      : context.journal.clear(kind, pass.resource));
    // What a connection says that was replaced meanwhile is not worth a word.
    if (context.tenants.binding(binding.identifier) !== binding) throw new Stale('the tenant is connected anew');
    if (there) return there;
    if (error.reason === 'Conflict' && kind.main.taken && !meaning && there === undefined)
      return open
        ? takenPerhapsByUs(kind.main.noun, error, attemptID)
        : takenAtRemote(kind.main.noun, kind.main.taken, error, 'create');
    if (kind.main.choose && error.reason === 'Rejected') return rejectedChoice(pass, error);
    return refused(error, `the create of the ${kind.main.noun}`, meaning);
  }
  // The settle window begins with the last one whose outcome is not known.
  delete memory.attempt;
  const before = memory.unanswered?.attemptID === attemptID ? memory.unanswered.times : 0;
  memory.unanswered = { attemptID, times: before + 1, at: context.clock.monotonic() };
  if (error.status === 503) memory.unavailable = attemptID;
  const message = `the answer to create ${attemptID} was lost (${error.message}); looking whether it made a ${kind.main.noun}`;
  const outcome = unready('CreateOutcomeUnknown', message, { motion: true, awaitList: true });
  memory.changed = { at: context.clock.monotonic(), standing: outcome.standing };
  return outcome;
}

/**
 * A create with a choice was refused: the choice may have been taken by somebody else a moment before (nothing reserves it), so
 * another one is tried; when the same answer comes a third time in a row, it is the spec.
 */
function rejectedChoice(pass: Pass, error: RemoteError): Outcome {
  const { memory } = pass;
  memory.rejections = (memory.rejections ?? 0) + 1;
  if (memory.rejections >= 3) {
    memory.rejections = 0;
    return refused(error, `the create of the ${pass.kind.main.noun}`);
  }
  const message = `the create of the ${pass.kind.main.noun} was refused: ${error.message}; looking for another choice`;
  return unready('Conflict', message, { backoff: 0 });
}
