import type { Resource } from './resource.ts';
import { targetOf } from './annotations.ts';
import type { Kind } from './kind.ts';

/** One resource's title to a remote object. */
export interface Title {
  /** Identifier of the resource: `Kind/namespace/name`. */
  holder: string;
  kind: string;
  id: string;
  /** The remote tenant that it is bound to; undefined before that. */
  target: string | undefined;
  /** In status.externalID, not only wished for by spec.externalID. */
  recorded: boolean;
  /** A DELETE was sent by us. */
  excused: boolean;
  /** Wall-clock time of the create: lists may not show a new object yet. */
  since: number | undefined;
  /** Bought by us (not adopted). */
  bought: boolean;
  /** Wall-clock time at which the resource was made. */
  born: number;
}

/**
 * Which resource stands for which remote object, over all watched namespaces: made from the resources themselves, so it is
 * right after a restart. Within one turn of the event loop nothing can slip between `claim` and the write that follows.
 */
export interface Claims {
  /** Returns who else wants what the holder gave up by this. */
  update(holder: string, resource: Resource | undefined, kind: string): string[];
  /**
   * Takes `id` for `holder` when nobody else has a better title. Returns the other holder otherwise. A recorded title beats
   * a wish, an older wish beats a younger.
   */
  claim(id: string, target: string, holder: string): string | undefined;
  /**
   * Takes something that is no object of its own (an address, a licence that is referred to) until it is given back or
   * the resource is gone. Returns the other holder where somebody has it.
   */
  hold(name: string, target: string, holder: string): string | undefined;
  /** Gives back what `hold` took. */
  release(name: string, target: string, holder: string): void;
  /** Who holds it by `hold`. */
  heldBy(name: string, target: string): string | undefined;
  /** Further objects of `holder` (parts), by the IDs that it chose for them or found: replaces what it had. */
  holdParts(holder: string, target: string, ids: readonly string[]): void;
  /** Holder of an object, where there is one: the same after any restart. */
  holderOf(id: string, target: string): string | undefined;
  /** Recorded titles of one kind in one remote tenant. */
  recorded(kind: string, target: string): Title[];
  /** Holders of this kind in that remote tenant whose create was sent and has no outcome. */
  unsettled(kind: string, target: string): string[];
}

export function createClaims(kinds: readonly Pick<Kind, 'names' | 'main'>[] = []): Claims {
  /** Whose IDs are UUIDs, unique everywhere: two tenants (projects of one cloud) may show one and the same object. */
  const worldwide = new Set(
    kinds.filter(({ main }) => main.identity.level === 'chosen-id').map(({ names }) => names.kind),
  );
  const byHolder = new Map<string, Title>();
  /** Recorded titles by kind and remote tenant, then by holder: who asks of one tenant does not look through all. */
  const recorded = new Map<string, Map<string, Title>>();
  const byID = new Map<string, Set<string>>();
  const unsettled = new Map<string, { kind: string; target: string | undefined }>();
  /** Claims taken in this process and not seen in a resource yet. */
  const taken = new Map<string, string>();
  /** By `hold`. */
  const held = new Map<string, string>();
  const parts = new Map<string, string>();
  const partsOf = new Map<string, string[]>();
  const keyOf = (id: string, target: string | undefined) => `${target}#${id}`;
  const scopeOf = (holder: string, target: string | undefined) =>
    worldwide.has(holder.slice(0, holder.indexOf('/'))) ? everywhere : target;

  const recordedIn = (kind: string, target: string | undefined) => recorded.get(`${kind} ${target}`);

  function unindex(holder: string): void {
    const title = byHolder.get(holder);
    if (!title) return;
    byHolder.delete(holder);
    recordedIn(title.kind, title.target)?.delete(holder);
    const holders = byID.get(title.id);
    holders?.delete(holder);
    if (holders?.size === 0) byID.delete(title.id);
  }

  const inTarget = (title: Title, target: string) =>
    title.target === undefined || title.target === target || worldwide.has(title.kind);

  function others(id: string, target: string, holder: string): Title[] {
    return [...(byID.get(id) ?? [])]
      .filter((other) => other !== holder)
      .flatMap((other) => byHolder.get(other) ?? [])
      .filter((title) => inTarget(title, target));
  }

  function holdParts(holder: string, keys: string[]): void {
    for (const key of partsOf.get(holder) ?? []) if (parts.get(key) === holder) parts.delete(key);
    if (keys.length === 0) partsOf.delete(holder);
    else partsOf.set(holder, keys);
    for (const key of keys) parts.set(key, holder);
  }

  function titleOf(holder: string, resource: Resource, kind: string): Title | undefined {
    const id = resource.status?.externalID ?? resource.spec.externalID;
    if (id === undefined) return undefined;
    return {
      holder,
      kind,
      id,
      target: targetOf(resource),
      recorded: resource.status?.externalID !== undefined,
      excused: resource.status?.deletion !== undefined,
      since: resource.status?.creation && Date.parse(resource.status.creation.sentAt),
      bought: resource.spec.externalID === undefined || resource.status?.creation?.outcome === 'Created',
      born: Date.parse(resource.metadata.creationTimestamp ?? '') || 0,
    };
  }

  return {
    update(holder, resource, kind) {
      const before = byHolder.get(holder)?.id;
      unindex(holder);
      const creation = resource?.status?.creation;
      if (resource && creation && creation.outcome === undefined)
        unsettled.set(holder, { kind, target: targetOf(resource) });
      else unsettled.delete(holder);
      if (!resource) {
        for (const map of [taken, held]) for (const [key, by] of map) if (by === holder) map.delete(key);
        holdParts(holder, []);
      }
      const title = resource && titleOf(holder, resource, kind);
      // What it wanted before, or took and could not record, is free again.
      for (const [key, by] of taken) {
        const id = key.slice(key.lastIndexOf('#') + 1);
        if (by === holder && id !== title?.id && (title !== undefined || id === before)) taken.delete(key);
      }
      if (title) {
        byHolder.set(holder, title);
        const holders = byID.get(title.id) ?? new Set();
        byID.set(title.id, holders.add(holder));
        if (title.recorded) {
          taken.delete(keyOf(title.id, scopeOf(holder, title.target)));
          const titles = recordedIn(kind, title.target) ?? new Map<string, Title>();
          recorded.set(`${kind} ${title.target}`, titles.set(holder, title));
        }
      }
      return before === undefined || before === title?.id ? [] : [...(byID.get(before) ?? [])];
    },
    hold(name, target, holder) {
      const key = keyOf(name, target);
      const by = held.get(key) ?? holder;
      held.set(key, by);
      return by === holder ? undefined : by;
    },
    release(name, target, holder) {
      const key = keyOf(name, target);
      if (held.get(key) === holder) held.delete(key);
    },
    heldBy: (name, target) => held.get(keyOf(name, target)),
    claim(id, target, holder) {
      const mine = byHolder.get(holder);
      const wished = mine?.id === id ? mine.born : -Infinity;
      const other = others(id, target, holder).find((title) => title.recorded || title.born < wished);
      if (other) return other.holder;
      const key = keyOf(id, scopeOf(holder, target));
      const by = taken.get(key);
      if (by !== undefined && by !== holder) return by;
      taken.set(key, holder);
      return undefined;
    },
    holdParts: (holder, target, ids) =>
      holdParts(
        holder,
        ids.map((id) => keyOf(id, scopeOf(holder, target))),
      ),
    holderOf(id, target) {
      const keys = [keyOf(id, target), keyOf(id, everywhere)];
      const [best] = others(id, target, '').sort(byRank);
      const found = (map: ReadonlyMap<string, string>) => map.get(keys[0]!) ?? map.get(keys[1]!);
      return found(taken) ?? best?.holder ?? found(parts);
    },
    recorded: (kind, target) => [...(recordedIn(kind, target)?.values() ?? [])],
    unsettled: (kind, target) =>
      [...unsettled].filter(([, entry]) => entry.kind === kind && entry.target === target).map(([holder]) => holder),
  };
}

/** In the place of a remote tenant, for IDs that are unique everywhere. */
const everywhere = '*';

/** The better title first. */
function byRank(a: Title, b: Title): number {
  return Number(b.recorded) - Number(a.recorded) || a.born - b.born || (a.holder < b.holder ? -1 : 1);
}
