import { shownIDs } from './clean.ts';
import { otherUnsettled } from './gate.ts';
import { heldByOther } from './held.ts';
import { type Outcome, type Pass, Stale, unready } from './outcome.ts';
import { adopt, isToldToRetry } from './settle.ts';
import type { Binding } from './tenants.ts';
import { worldOf } from './world.ts';

/**
 * Where nothing tells ours from a stranger's: what nobody claims is taken only by a person's word, and where it might
 * have been ours, nothing is bought without one.
 */
export async function stock(pass: Pass, binding: Binding): Promise<Outcome | undefined> {
  const { kind, resource, memory } = pass;
  const { identity, noun, collection } = kind.main;
  if (identity.level !== 'none') return undefined;
  const word = identity.claim(resource.spec);
  if (word === 'Never') return undefined;
  const pool = identity.pool(resource.spec);
  const world = worldOf(pass, binding);
  const unclaimed = [...(world.listed(collection) ?? [])]
    .filter(([id, remote]) => identity.poolOf(remote) === pool && !heldByOther(pass, binding, id))
    .map(([id]) => id)
    .sort();
  const names = unclaimed.slice(0, 10).join(', ');
  const users = binding.remote.collections.get(identity.usersIn)?.snapshot();
  if (unclaimed.length > 0 && (users === undefined || users.unreadable.size > 0)) {
    const why = users ? `, in which ${shownIDs(users.unreadable)} cannot be read` : '';
    const message = `waiting for the list of ${identity.usersIn} that shows which unclaimed ${noun}s are in use: ${names}${why}`;
    return unready('Listing', message, { awaitList: true });
  }
  const [first] = unclaimed.filter((id) => identity.spare(id, world));
  const mayTake = word === 'Unclaimed' || identity.onlyBuyer(binding.spec);
  if (first !== memory.unused?.id) delete memory.unused;
  if (first === undefined || users === undefined || !mayTake) {
    // One in use is never stock; but it may be what this very resource stood for before its cluster was lost.
    if (unclaimed.length === 0 || word === 'Unclaimed' || isToldToRetry(pass)) return undefined;
    return unready(
      identity.unclaimed,
      `${binding.remote.key} holds ${noun}s of this type that no resource stands for: ${names}. Write spec.claim: Unclaimed (take one that is not in use, else buy) or Never (leave them alone and buy), or name one by spec.externalID`,
      { awaitList: true },
    );
  }
  // What a lost answer of somebody's may have made is not stock yet.
  const other = otherUnsettled(pass, binding);
  if (other !== undefined) {
    return unready(
      'CreationQueued',
      `the create of ${other} is not settled; what it made may be among the unclaimed ${noun}s`,
      { awaitList: true },
    );
  }
  return secondLook(pass, first, users.begunAt) ?? (await adopt(pass, binding, first, 'Found')) ?? rerun();
}

/** That nobody uses it is an absence, too (law 3): one empty page of users would make what a stranger uses free. */
function secondLook({ context, kind, memory }: Pass, id: string, listBegunAt: number): Outcome | undefined {
  const { absenceInterval } = context.settings;
  memory.unused ??= { id, at: context.clock.monotonic() };
  if (listBegunAt - memory.unused.at >= absenceInterval) return undefined;
  const message = `${kind.main.noun} ${id} is unclaimed and seems to be unused; a second look after ${absenceInterval / 1000} s must agree before it is taken`;
  return unready('Confirming', message, { awaitList: true, motion: true, after: absenceInterval });
}

function rerun(): never {
  throw new Stale('one of the stock is ours');
}
