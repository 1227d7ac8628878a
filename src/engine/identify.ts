import type { Snapshot } from '../remote/collection.ts';
import type { RemoteObject } from './kind.ts';
import { add, byText, onceAList } from './lookup.ts';
import { chosenID, type Markers, type Owner, ownerText, partText, readMarker, readMarkers } from './owner.ts';
import type { Reason } from './reasons.ts';

/** By what an object is known to be ours. */
export type How = 'recorded' | 'wished' | 'chosen' | 'marker' | 'key';

/** What one complete list says about the question "which of these is ours?" */
export type Identified =
  /** `id` is ours by record, wish, chosen ID or marker; `listed` when the list holds it. */
  | { which: 'known'; id: string; listed: boolean; how: How }
  /** The list holds nothing of ours. */
  | { which: 'none' }
  /** Objects that may be ours, and nothing tells. */
  | { which: 'candidates'; ids: string[]; why: string }
  /** It is, or may be, somebody else's. */
  | { which: 'refused'; reason: Reason; message: string };

export interface Question {
  owner: Owner;
  object: RemoteObject<never, unknown, never>;
  /** status.externalID */
  recorded: string | undefined;
  /** spec.externalID */
  wished: string | undefined;
  /** freehold.dev/take-over */
  takeOver: string | undefined;
  /** A create has no outcome yet: what somebody else has does not say what it made. */
  unsettled?: boolean;
  /** What our natural key is, where it is known. */
  key?: string | undefined;
  /** For a part: its name and instance. */
  part?: { name: string; instance: string; mainID?: string };
  snapshot: Snapshot<unknown>;
}

/** What stands on an object about its owner, readable; levels without any mark say nothing. */
export function ownerOf({ identity }: Question['object'], remote: unknown): string | undefined {
  return identity.level === 'marker' || identity.level === 'chosen-id' ? identity.owner(remote) : undefined;
}

function byKey({ object, snapshot, key }: Question): Identified | undefined {
  const { identity } = object;
  if (identity.level !== 'natural-key' || key === undefined) return undefined;
  const ids = [...(byText(snapshot.items, identity.keyOf).get(key) ?? [])];
  const [id] = ids;
  if (ids.length > 1) return { which: 'candidates', ids, why: `several ${object.noun}s use ${key}` };
  return id === undefined ? undefined : { which: 'known', id, listed: true, how: 'key' };
}

/** Is this object marked for another owner? Asked before an adoption. `takeOver` is the person's word for one very marker. */
export function refusal(
  question: Pick<Question, 'owner' | 'object' | 'takeOver'>,
  id: string,
  remote: unknown,
): Identified | undefined {
  const { owner, object } = question;
  const { identity } = object;
  const text = ownerOf(object, remote);
  const marking = identity.level === 'marker' ? readMarker(identity.marker(remote), owner) : undefined;
  if (marking?.mark === 'ours') return undefined;
  const other =
    marking?.mark === 'other' ? marking.marker : text !== undefined && text !== ownerText(owner) ? text : undefined;
  if (other === undefined || other === question.takeOver) return undefined;
  return {
    which: 'refused',
    reason: 'OwnedElsewhere',
    message: `${object.noun} ${id} is marked for another owner${text === undefined ? '' : ` (${text})`}; to take it over all the same, annotate this resource with freehold.dev/take-over: "${other}"`,
  };
}

/** A look-alike of another ownerID: the same namespace and name. Before any create it stops us. */
function elsewhere(question: Question): Identified | undefined {
  const { owner, object, snapshot } = question;
  if (question.unsettled) return undefined;
  const ours = ownerText(owner);
  const ids = byOwnName(object, snapshot).get(ownName(ours)!) ?? [];
  for (const id of ids) {
    const text = ownerOf(object, snapshot.items.get(id));
    if (text === undefined || text === ours) continue;
    return {
      which: 'refused',
      reason: 'OwnedElsewhere',
      message: `${object.noun} ${id} is marked for the same namespace and name under another ownerID (${text}): if this cluster took over from that one, start the operator with that ownerID; else rename this resource`,
    };
  }
  return undefined;
}

/** `/namespace/name` of the readable owner. */
const ownName = (text: string | undefined) => /\/[^/]*\/[^/]*$/.exec(text ?? '')?.[0];

/** IDs by that. */
function byOwnName(object: Question['object'], { items }: Snapshot<unknown>) {
  return onceAList(items, object.identity, () => {
    const groups = new Map<string, string[]>();
    for (const [id, remote] of items) add(groups, ownName(ownerOf(object, remote)), id);
    return groups;
  });
}

/** IDs by the whole of the readable owner. */
function ownedBy({ identity }: Question['object'], { items }: Snapshot<unknown>, text: string): readonly string[] {
  return identity.level === 'marker' || identity.level === 'chosen-id'
    ? (byText(items, identity.owner).get(text) ?? [])
    : [];
}

function markersIn(marker: (remote: never) => string | null | undefined, { items }: Snapshot<unknown>): Markers {
  return onceAList(items, marker, () => readMarkers([...items].map(([id, remote]) => [id, marker(remote as never)])));
}

function byMarker(question: Question): Identified | undefined {
  const { owner, object, snapshot } = question;
  const { identity } = object;
  if (identity.level !== 'marker') return undefined;
  const { ours, others } = markersIn(identity.marker, snapshot).of(owner);
  // The marker is gone and the second, weaker mark is there: it was ours once.
  const remains = (id: string) => identity.owner(snapshot.items.get(id)) === ownerText(owner);
  const doubtful = others.filter(({ id, mark }) => mark === 'damaged' || remains(id)).map(({ id }) => id);
  const [id] = ours;
  if (ours.length === 1 && id !== undefined) return { which: 'known', id, listed: true, how: 'marker' };
  if (ours.length > 1) return { which: 'candidates', ids: [...ours], why: 'several carry our marker' };
  if (doubtful.length > 0) return { which: 'candidates', ids: doubtful, why: 'the owner marker is damaged' };
  return undefined;
}

/** More than one main object that says it is ours: a remote that dropped our ID made one more for a lost answer. */
function severalMarked({ object, owner, snapshot }: Question, id: string): Identified | undefined {
  const named = ownedBy(object, snapshot, ownerText(owner));
  const ids = [...(snapshot.items.has(id) && !named.includes(id) ? [id] : []), ...named];
  return ids.length > 1 ? { which: 'candidates', ids, why: 'several carry our mark' } : undefined;
}

/** What carries our sound mark in the list: made for this resource, whatever its spec names by now. */
export function marked({ object, owner, snapshot }: Question): string[] {
  const { identity } = object;
  if (identity.level !== 'marker' && identity.level !== 'chosen-id') return [];
  if (identity.level === 'marker') return [...markersIn(identity.marker, snapshot).of(owner).ours];
  const id = chosenID(owner);
  return [...new Set([...(snapshot.items.has(id) ? [id] : []), ...ownedBy(object, snapshot, ownerText(owner))])];
}

/** Pure: by recorded ID, by the person's word, by the ID we chose, by our marker. Never by name. */
export function identify(question: Question): Identified {
  const { owner, object, recorded, wished, snapshot, part } = question;
  if (recorded !== undefined)
    return { which: 'known', id: recorded, listed: snapshot.items.has(recorded), how: 'recorded' };
  if (wished !== undefined) {
    const remote = snapshot.items.get(wished);
    const refused = remote === undefined ? undefined : refusal(question, wished, remote);
    return refused ?? { which: 'known', id: wished, listed: remote !== undefined, how: 'wished' };
  }
  if (object.identity.level === 'chosen-id') {
    const id = chosenID(owner, part?.name, part?.instance);
    const twice = part ? undefined : severalMarked(question, id);
    if (twice) return twice;
    if (snapshot.items.has(id)) return { which: 'known', id, listed: true, how: 'chosen' };
    const text = part ? partText(owner, part.name, part.instance) : ownerText(owner);
    const [named] = ownedBy(object, snapshot, text);
    if (named !== undefined) return { which: 'known', id: named, listed: true, how: 'chosen' };
    const { instanceOf } = object.identity;
    if (part?.mainID !== undefined && instanceOf) {
      for (const [found, remote] of snapshot.items) {
        if (instanceOf(remote, part.mainID) === part.instance)
          return { which: 'known', id: found, listed: true, how: 'chosen' };
      }
    }
    return (part ? undefined : elsewhere(question)) ?? { which: 'none' };
  }
  return byMarker(question) ?? byKey(question) ?? elsewhere(question) ?? { which: 'none' };
}
