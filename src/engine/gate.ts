import { shownIDs } from './clean.ts';
import { heldBack, heldByOther } from './held.ts';
import { type Outcome, type Pass, unready } from './outcome.ts';
import type { Title } from './claims.ts';
import { ownerOf } from './identify.ts';
import { onceAList } from './lookup.ts';
import { chosenID, isMarked, type Owner, ownerText } from './owner.ts';
import type { Binding } from './tenants.ts';
import { takenByOthers } from './unique.ts';

/** So long a new resource may wait for its turn before it speaks of it, milliseconds. */
const silentFor = 3_000;

/** After `unavailable`, milliseconds. */
export const slowly = 30 * 60_000;

/** Does the remote tenant keep our markers? `lost` wins over `kept`: one object without its marker is enough to stop. */
export function markers(pass: Pass, binding: Binding): 'kept' | 'lost' | 'unproved' | 'serial' {
  const { context, kind } = pass;
  const { identity, collection } = kind.main;
  if (identity.level === 'none') return 'serial';
  if (identity.level === 'natural-key') return 'kept';
  const items = binding.remote.collections.get(collection)!.snapshot()!.items;
  const bought = context.claims
    .recorded(kind.names.kind, binding.remote.key)
    .filter(({ bought: ours, id }) => ours && items.has(id));
  if (identity.level === 'chosen-id') {
    if (bought.some((title) => !recognised(pass, title, items.get(title.id) as object))) return 'lost';
    return bought.length > 0 ? 'kept' : 'unproved';
  }
  const marked = onceAList(
    items,
    'sound markers',
    () => new Set([...items].flatMap(([id, remote]) => (isMarked(identity.marker(remote)) ? [id] : []))),
  );
  if (bought.some(({ id }) => !marked.has(id))) return 'lost';
  return marked.size > 0 ? 'kept' : 'unproved';
}

/** Whose resource it is, from its identifier. */
function ownerOfHolder({ owner }: Pass, holder: string): Owner {
  const [, namespace = '', name = ''] = holder.split('/');
  return { ownerID: owner.ownerID, namespace, name };
}

/** By remote object, which stays the same while nothing changes in it: for whom it was found out. */
const recognisedFor = new WeakMap<object, { owner: string; known: boolean }>();

/** Would this object be known for its resource's if all records were lost? */
function recognised(pass: Pass, { holder, id }: Title, remote: object): boolean {
  const owner = ownerOfHolder(pass, holder);
  const text = ownerText(owner);
  const before = recognisedFor.get(remote);
  if (before?.owner === text) return before.known;
  const known = id === chosenID(owner) || ownerOf(pass.kind.main, remote) === text;
  recognisedFor.set(remote, { owner: text, known });
  return known;
}

/**
 * Did this very way to the remote keep the ID that we chose? Then a create sent once more makes no second object. What
 * another endpoint or another process saw proves nothing: a gateway may begin to drop IDs.
 */
export const keepsIDs = ({ kind }: Pass, { keepsIDs: kept }: Binding): boolean =>
  kind.main.identity.level === 'chosen-id' && kept === true;

/** Among whose creates only one may be under way: those of a kind, or of one pool where nothing tells them apart. */
export function lockOf(pass: Pass, spec = pass.resource.spec): string {
  const { identity } = pass.kind.main;
  const name = pass.kind.names.kind;
  return identity.level === 'none' ? `${name}/${identity.pool(spec)}` : name;
}

/** Whose create goes first: no word that changes with each create, or all who wait would be written anew each time. */
function beforeUs(pass: Pass, binding: Binding): string | undefined {
  const { context, kind, identifier } = pass;
  const { remote } = binding;
  const now = remote.creating.get(lockOf(pass));
  if (now !== undefined && now !== identifier) return inFlight;
  const stuck = otherUnsettled(pass, binding);
  if (stuck !== undefined) return remote.inFlight.has(stuck) ? inFlight : `the create of ${stuck} has no outcome yet`;
  if (kind.main.identity.level === 'none') return undefined;
  const items = remote.collections.get(kind.main.collection)!.snapshot()!.items;
  const unseen = context.claims
    .recorded(kind.names.kind, remote.key)
    .find((title) => title.bought && title.since !== undefined && !items.has(title.id));
  return unseen && unseen.holder !== identifier ? inFlight : undefined;
}
const inFlight = 'another one is under way';

/** It shows after a moment only: most turns come before that. */
function queued({ context, identifier, resource }: Pass, message: string, rest: Omit<Outcome, 'standing'>): Outcome {
  const early = context.clock.monotonic() - context.firstSeen(identifier) < silentFor;
  const quiet = early && resource.status?.conditions === undefined && { quiet: true, after: silentFor };
  return unready('CreationQueued', message, { ...rest, ...quiet });
}

/** Another resource under the same lock whose create has no outcome yet. */
export function otherUnsettled(pass: Pass, binding: Binding): string | undefined {
  const { context, kind, identifier } = pass;
  return context.claims.unsettled(kind.names.kind, binding.remote.key).find((holder) => {
    if (holder === identifier) return false;
    const other = context.store(kind).get(holder.slice(holder.indexOf('/') + 1));
    return other === undefined || lockOf(pass, other.spec) === lockOf(pass);
  });
}

/** What stands against a create before anything is written; undefined when nothing does. */
export function gate(pass: Pass, binding: Binding): Outcome | undefined {
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
      `${kind.main.noun} ${shownIDs(unknown, 5)} is listed, but what the remote says of it cannot be read: it may be ours, so none is created before that is so, or a resource adopts it by spec.externalID`,
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
  const { facts } = context.tenantMemory(binding.identifier);
  if (kind.validate && !facts)
    return unready('Listing', `waiting for what ${tenant} offers`, { awaitList: true, after: 30_000 });
  const taken = takenByOthers(pass, binding, undefined);
  if (taken) return taken;
  const problem = kind.validate?.({ spec: resource.spec, name: resource.metadata.name }, facts ?? {});
  if (problem !== undefined) return unready('InvalidSpec', problem, { awaitList: true });
  const left = (pass.memory.notBefore ?? -Infinity) - context.clock.monotonic();
  if (left > 0 && kind.main.unavailable) {
    const message = `the remote has no ${kind.main.noun} to give (503), and its list proves that nothing was made; it is asked again every ${slowly / 60_000} min`;
    return unready(kind.main.unavailable, message, { after: left });
  }
  switch (markers(pass, binding)) {
    case 'serial': {
      const other = beforeUs(pass, binding);
      const message = `nothing tells one new ${kind.main.noun} from another, so creates run one at a time, and ${other}; this one follows by itself`;
      return other === undefined ? undefined : queued(pass, message, { awaitTurn: lockOf(pass) });
    }
    case 'kept':
      return undefined;
    case 'lost':
      return unready(
        'MarkerNotKept',
        `${remote.key} does not keep what marks its ${kind.main.noun}s as ours, so a lost one could not be found again: no further ${kind.main.noun} is created there`,
        { awaitList: true },
      );
    case 'unproved': {
      const other = beforeUs(pass, binding);
      const message = `${remote.key} was not yet seen to keep what marks a ${kind.main.noun} as ours, so creates run one at a time, and ${other}; this one follows by itself`;
      // Once it is seen to, all may go at once.
      return other === undefined ? undefined : queued(pass, message, { awaitList: [kind.main.collection] });
    }
  }
}
