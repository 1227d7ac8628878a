import { RemoteError } from '../remote/errors.ts';
import { type Outcome, type Pass, Stale, unready } from './outcome.ts';
import { chosenID } from './owner.ts';
import { partKey } from './parts.ts';
import type { Reason } from './reasons.ts';
import { identifier as identifierOf } from './resource.ts';
import { adopt } from './settle.ts';
import type { Binding } from './tenants.ts';
import { ofFormerResource } from './unique.ts';

/** After a conflict the same is asked again so much later; if it is one then, too, it does not pass by itself. Milliseconds. */
const conflictFor = 30_000;

/** What somebody else has may become free (a resource gives it up, a person removes it): asked again after this, milliseconds. */
const whileTaken = 10 * 60_000;

/** The remote says that it is taken, and nothing of ours is there. `step` names what is not sent again for now. */
export function takenAtRemote(
  what: string,
  reason: Reason,
  error: RemoteError,
  step: string,
  holder?: string,
): Outcome {
  const whose = holder === undefined ? 'Somebody else has it' : `It belongs to ${holder}`;
  // It is tried again at another time than the error says.
  const words = error.message.replace(/\.?; it will be tried again$/, '');
  const message = `the ${what} cannot be created: ${words}. ${whose}: correct the spec, or remove it there. It is tried again every ${whileTaken / 60_000} min, and at once by the annotation freehold.dev/reconcile-requested-at`;
  return unready(reason, message, { refused: step, refusedFor: whileTaken, after: whileTaken, awaitList: true });
}

/**
 * The remote has it already; its words do not tell what. With our ID it is ours, from a create whose answer was lost; where
 * there is none of our ID (undefined), somebody else has what must be unique. false: that is not known now.
 */
export async function thereAlready(pass: Pass, binding: Binding): Promise<Outcome | false | undefined> {
  const id = chosenID(pass.owner);
  try {
    const remote = await pass.kind.main.read(binding.client, id);
    if (remote === undefined) return undefined;
    const former = ofFormerResource(pass, id, remote);
    if (former) return former;
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    return false;
  }
  const refusal = await adopt(pass, binding, id, 'Found');
  if (refusal) return refusal;
  throw new Stale('it was there already');
}

/**
 * The same of a create whose former answer was lost: what has it may be what that one made, though no read shows it yet. It is
 * not sent again before that is settled, or so much later.
 */
export function takenPerhapsByUs(what: string, error: RemoteError, attemptID: string): Outcome {
  const message = `create ${attemptID}, whose answer was lost, was sent once more and refused (${error.message}); looking whether it made that ${what}`;
  const rest = { refused: 'create', refusedFor: whileTaken, motion: true, awaitList: true } as const;
  return unready('CreateOutcomeUnknown', message, rest);
}

/**
 * The create of a part was answered with a conflict. Ours of a lost answer shows in the next list, and another resource may
 * be about to give it up (a port that moves from one node to another in Git); when neither comes true, it is taken.
 * undefined: the conflict is about something else.
 */
export function conflictOfPart(
  pass: Pass,
  binding: Binding,
  part: { name: string; instance: string; step: string },
  error: RemoteError,
): Outcome | undefined {
  const { context, kind, memory } = pass;
  const { name, instance, step } = part;
  const object = kind.parts![name]!;
  if (error.reason !== 'Conflict' || !object.taken || object.explain?.(error)) return undefined;
  const what = `${object.noun} ${instance}`.trimEnd();
  const key = partKey(name, instance);
  const now = context.clock.monotonic();
  const since = memory.conflicts?.[key] ?? now;
  memory.conflicts = { ...memory.conflicts, [key]: since };
  const other = otherHolder(pass, binding, part);
  const taken = other ? other.keeps : now - since >= conflictFor;
  const message = other
    ? `${what} is still there for ${other.holder}; it follows once that lets go of it`
    : `the create of the ${what} was refused: ${error.message}; looking whether it is ours`;
  const outcome = taken
    ? takenAtRemote(what, object.taken, error, step, other?.holder)
    : unready('Conflict', message, {
        refused: step,
        refusedFor: conflictFor,
        after: conflictFor,
        awaitList: true,
        motion: true,
      });
  // What shows them may have shown too little until now.
  memory.changed = { at: now, standing: outcome.standing, collection: object.collection };
  return outcome;
}

/** Another resource that has this very part; `keeps`: its spec names it, too, so that it will not let go. */
function otherHolder(
  { context, identifier, kind, owner }: Pass,
  { remote }: Binding,
  { name: part, instance }: { name: string; instance: string },
): { holder: string; keeps: boolean } | undefined {
  for (const other of context.store(kind).list()) {
    const holder = identifierOf(kind.names.kind, other);
    const { namespace = '', name } = other.metadata;
    const id = chosenID({ ownerID: owner.ownerID, namespace, name }, part, instance);
    if (holder === identifier || context.claims.holderOf(id, remote.key) !== holder) continue;
    return { holder, keeps: kind.parts?.[part]?.instances?.(other.spec).includes(instance) === true };
  }
  return undefined;
}
