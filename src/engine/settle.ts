import { resolutionOf, takeOverOf } from './annotations.ts';
import { lossHash } from './breaker.ts';
import { ownerOf, refusal } from './identify.ts';
import type { RemoteObject } from './kind.ts';
import { type Outcome, type Pass, Stale, unready } from './outcome.ts';
import { readMarker } from './owner.ts';
import { slowly } from './gate.ts';
import { claimedBy, heldBack, heldByOther } from './held.ts';
import type { Seen } from './observe.ts';
import { maySendAgain, pauseBeforeNext } from './repeat.ts';
import { asItStands } from './report.ts';
import { isUnsettled } from './resource.ts';
import type { Binding } from './tenants.ts';
import { holdReference, keyOf, worldOf } from './world.ts';

/** Complete lists that must pass after a create with unknown outcome. */
const listsToPass = 3;

/** A person said `forget` about the last create, and nothing else since. */
export function isForgotten(pass: Pass): boolean {
  return pass.resource.status?.creation?.outcome === 'Forgotten';
}

/** A person said `retry` about the last attempt: none of what was there is ours, and one is to be made. */
export function isToldToRetry(pass: Pass): boolean {
  const { creation, lastResolve } = pass.resource.status ?? {};
  return creation === undefined && lastResolve !== undefined && /\sretry$/.test(lastResolve);
}

/** Records `id` as ours, or says who has it. */
export async function adopt(
  pass: Pass,
  binding: Binding,
  id: string,
  outcome: 'Created' | 'Found',
  lastResolve?: string,
): Promise<Outcome | undefined> {
  const { context, kind, identifier } = pass;
  const rival = holdReference(pass, binding, keyOf(pass, binding));
  if (rival !== undefined) return claimedBy(pass, id, rival);
  const other = context.claims.claim(id, binding.remote.key, identifier);
  if (other !== undefined) {
    return claimedBy(pass, id, other);
  }
  pass.resource = await context.journal.bind(kind, pass.resource, binding.remote.key);
  pass.resource = await context.journal.record(kind, pass.resource, id, outcome, lastResolve);
  delete pass.memory.answered;
  delete pass.memory.attempt;
  delete pass.memory.sent;
  return undefined;
}

/** The new, unclaimed objects that may be what an attempt made; only where nothing marks ours. */
function candidatesOf(pass: Pass, binding: Binding, seen: Seen): string[] {
  const { kind, resource } = pass;
  const doubtful = seen.now === 'candidates' ? seen.ids : [];
  const before = resource.status?.creation?.idsBefore;
  const snapshot = binding.remote.collections.get(kind.main.collection)?.snapshot();
  if (!snapshot) return doubtful;
  const known = new Set(before);
  // What cannot be read may carry our marker.
  const fresh = [...(before ? snapshot.items.keys() : []), ...snapshot.unreadable].filter((id) => !known.has(id));
  const free = fresh.filter((id) => !heldByOther(pass, binding, id));
  const { identity } = kind.main;
  const possible = free.filter((id) => {
    const remote = snapshot.items.get(id);
    if (identity.level === 'none')
      return remote === undefined || identity.poolOf(remote) === identity.pool(resource.spec);
    return !carriesOtherMark(pass, remote);
  });
  return [...new Set([...doubtful, ...possible])];
}

function carriesOtherMark(pass: Pass, remote: unknown): boolean {
  const object = pass.kind.main as RemoteObject<never, unknown, never>;
  if (remote === undefined) return false;
  if (object.identity.level === 'marker' && readMarker(object.identity.marker(remote), pass.owner).mark === 'other')
    return true;
  const text = ownerOf(object, remote);
  return text !== undefined && text !== `${pass.owner.ownerID}/${pass.owner.namespace}/${pass.owner.name}`;
}

/** Obeys `adopt=<ID>`, or says what stands against it. */
async function adoptNamed(
  pass: Pass,
  binding: Binding,
  { externalID, text }: { externalID: string; text: string },
): Promise<Outcome> {
  const { main } = pass.kind;
  const snapshot = binding.remote.collections.get(main.collection)?.snapshot();
  if (!snapshot?.items.has(externalID)) {
    return unready(
      'CreateOutcomeAmbiguous',
      `freehold.dev/resolve names ${main.noun} ${externalID}, which ${binding.remote.key} does not list; correct it`,
      { awaitList: true },
    );
  }
  // Naming an ID is not yet the word that another owner's object may be taken.
  const object = main as RemoteObject<never, unknown, never>;
  const question = { owner: pass.owner, object, takeOver: takeOverOf(pass.resource) };
  const no = refusal(question, externalID, snapshot.items.get(externalID));
  if (no?.which === 'refused') return unready(no.reason, no.message, { awaitList: true });
  const refused = await adopt(pass, binding, externalID, 'Found', text);
  if (refused) return refused;
  throw new Stale('adopted by resolve');
}

/** A person's answer to an ambiguous outcome, when it names this very attempt. */
async function resolved(
  pass: Pass,
  binding: Binding,
  attemptID: string,
  windowPassed: boolean,
): Promise<Outcome | 'retry' | 'problem' | undefined> {
  const { context, kind } = pass;
  const answer = resolutionOf(pass.resource);
  if (!answer || 'problem' in answer || answer.attemptID !== attemptID) return undefined;
  if (answer.text === pass.resource.status?.lastResolve) return undefined;
  switch (answer.answer) {
    case 'adopt':
      return adoptNamed(pass, binding, answer);
    case 'forget':
      pass.resource = await context.journal.forget(kind, pass.resource, answer.text);
      throw new Stale('forgotten by resolve');
    case 'retry':
      // A person may not know how far lists lag; the settle window holds for their word, too.
      if (!windowPassed) return 'problem';
      pass.resource = await context.journal.clear(kind, pass.resource, answer.text);
      delete pass.memory.sent;
      return 'retry';
  }
}

/** `forget` ends a deletion even where no tenant is left to ask. */
export async function forgetWhenTold(pass: Pass): Promise<void> {
  const answer = resolutionOf(pass.resource);
  if (!isUnsettled(pass.resource) || !answer || 'problem' in answer) return;
  if (answer.answer !== 'forget' || answer.attemptID !== pass.resource.status?.creation?.attemptID) return;
  pass.resource = await pass.context.journal.forget(pass.kind, pass.resource, answer.text);
  throw new Stale('forgotten by resolve');
}

const waysOut = (attemptID: string) =>
  `annotate this resource with freehold.dev/resolve: "${attemptID} adopt=<ID>" (one of them is ours), "${attemptID} retry" (none is; create again) or "${attemptID} forget" (create nothing more)`;

/** Says what is wrong with a resolve annotation that was not obeyed. */
function resolveProblem(pass: Pass, attemptID: string): string {
  const answer = resolutionOf(pass.resource);
  if (!answer || pass.resource.status?.lastResolve === ('text' in answer ? answer.text : '')) return '';
  if ('problem' in answer) return ` (${answer.problem})`;
  return answer.attemptID === attemptID
    ? ''
    : ` (the present annotation freehold.dev/resolve names attempt ${answer.attemptID}, so it answers nothing)`;
}

/**
 * Settles a create with unknown or forgotten outcome: found, nothing made, a question to a person, or sent once more while
 * it stays open. Where it is settled, the next pass goes on from there, with new eyes.
 */
export async function settle(pass: Pass, binding: Binding, seen: Seen): Promise<Outcome | 'send again'> {
  const { context, kind, memory } = pass;
  const creation = pass.resource.status!.creation!;
  const { attemptID } = creation;
  const { settleWindow, motionInterval } = context.settings;

  if (memory.madeNothing === attemptID) {
    // Its answer is known; only the journal could not be cleared at that moment.
    pass.resource = await context.journal.clear(kind, pass.resource);
    again();
  }
  if (memory.answered?.attemptID === attemptID)
    return (await adopt(pass, binding, memory.answered.id, 'Created')) ?? again();
  if (seen.now === 'present') return (await adopt(pass, binding, seen.id, 'Found')) ?? again();

  const collection = binding.remote.collections.get(kind.main.collection)!;
  const snapshot = collection.snapshot();
  // A tenant resource that was made anew counts its lists from the start.
  if (memory.attempt?.attemptID !== attemptID || (snapshot !== undefined && snapshot.count < memory.attempt.lists)) {
    memory.attempt = { attemptID, since: context.clock.monotonic(), lists: snapshot?.count ?? 0 };
  }
  const { since, lists } = memory.attempt;
  // Since this process knew of it, and so never longer than since it was sent; no wall clock that is stepped changes that.
  const elapsed = context.clock.monotonic() - since;
  const windowPassed =
    elapsed >= settleWindow &&
    snapshot !== undefined &&
    snapshot.count - lists >= listsToPass &&
    snapshot.begunAt - since >= settleWindow;

  const answer = await resolved(pass, binding, attemptID, windowPassed);
  if (answer === 'retry') again();
  if (answer !== undefined && answer !== 'problem') return answer;
  if (seen.now === 'wait') return seen.outcome;

  const early = answer === 'problem' ? '; freehold.dev/resolve "retry" is obeyed once the window has passed' : '';
  if (isForgotten(pass))
    return unready(
      'CreationForgotten',
      `by a person's word create ${attemptID} is forgotten and nothing more is created. To change that, ${waysOut(attemptID)}${resolveProblem(pass, attemptID)}${early}`,
      { awaitList: true },
    );
  const held = heldBack(pass, binding);
  if (held) {
    // Lists that are not to be believed do not count.
    delete memory.attempt;
    return held;
  }
  const candidates = candidatesOf(pass, binding, seen);
  // The ID is ours: sent once more it makes the same object, or is refused because that is there.
  if (!windowPassed && candidates.length === 0 && maySendAgain(pass, binding)) {
    const pause = pauseBeforeNext(pass, attemptID);
    if (pause <= 0) return 'send again';
    return unready(
      'CreateOutcomeUnknown',
      `the create ${attemptID} was sent more than once, and no answer came; it is sent again, ever more seldom, until one comes`,
      { motion: true, awaitList: true, after: pause },
    );
  }
  // A question that stands is not taken back by a new process, which waits anew before it may act.
  const stands = asItStands(pass.resource);
  const asked = stands?.reason === 'CreateOutcomeAmbiguous' && stands.message.includes(attemptID);
  if (!windowPassed && !(asked && candidates.length > 0)) {
    return unready(
      'CreateOutcomeUnknown',
      `the create ${attemptID} of ${creation.sentAt} was sent and its answer was lost; nothing more is created before ${settleWindow / 60_000} min and ${listsToPass} complete lists have shown whether it made a ${kind.main.noun}${candidates.length > 0 ? ` (new and unclaimed so far: ${candidates.join(', ')})` : ''}${early}`,
      { motion: true, awaitList: true, after: Math.max(motionInterval, settleWindow - elapsed) },
    );
  }
  const { identity } = kind.main;
  const world = worldOf(pass, binding);
  const [first] = identity.level === 'none' ? candidates.filter((id) => identity.spare(id, world)) : [];
  if (first !== undefined && identity.level === 'none' && identity.onlyBuyer(binding.spec)) {
    // Nobody else buys here, by a person's word, and creates run one at a time: the difference is what we bought. One that
    // somebody uses already shows that the word does not hold.
    return (await adopt(pass, binding, first, 'Found')) ?? again();
  }
  // The only one that it can be is the one that a person names.
  const named = pass.resource.spec.externalID;
  if (named !== undefined && candidates.length === 1 && candidates[0] === named)
    return (await adopt(pass, binding, named, 'Found')) ?? again();
  if (candidates.length > 0) {
    const list = candidates.slice(0, 10).join(', ');
    return unready(
      'CreateOutcomeAmbiguous',
      `the outcome of create ${attemptID} is not known, and these ${kind.main.noun}s may or may not be ours: ${list}. ${waysOut(attemptID)}${resolveProblem(pass, attemptID)}${early}`,
      { awaitList: true, ...(!windowPassed && { after: Math.max(motionInterval, settleWindow - elapsed) }) },
    );
  }
  pass.resource = await context.journal.clear(kind, pass.resource);
  if (memory.refused?.reason === 'CreateOutcomeUnknown') delete memory.refused;
  if (memory.unavailable === attemptID) memory.notBefore = context.clock.monotonic() + slowly;
  delete memory.attempt;
  delete memory.sent;
  return again();
}

function again(): never {
  throw new Stale('the create is settled');
}

/**
 * Objects that may be ours although nothing was sent by this resource: marked twice, or with a damaged marker. The
 * question has an ID of its own, made from the candidates. undefined: a person said that none of them is ours.
 */
export async function settleCandidates(
  pass: Pass,
  binding: Binding,
  ids: string[],
  why: string,
): Promise<Outcome | undefined> {
  const question = lossHash(ids);
  const answer = resolutionOf(pass.resource);
  if (answer && 'answer' in answer && answer.attemptID === question) {
    if (answer.answer === 'adopt') {
      if (ids.includes(answer.externalID)) return adoptNamed(pass, binding, answer);
    } else {
      if (pass.resource.status?.lastResolve !== answer.text)
        pass.resource = await pass.context.journal.clear(pass.kind, pass.resource, answer.text);
      // Whoever names an object by spec.externalID asks for none to be made.
      if (answer.answer === 'retry' && pass.resource.spec.externalID === undefined) return undefined;
      return unready(
        'CreationForgotten',
        `${why}: ${ids.slice(0, 10).join(', ')}. By a person's word nothing is created. To change that, ${waysOut(question)}`,
        { awaitList: true },
      );
    }
  }
  return unready(
    'CreateOutcomeAmbiguous',
    `${why}: ${ids.slice(0, 10).join(', ')}. ${waysOut(question)}${resolveProblem(pass, question)}`,
    { awaitList: true },
  );
}
