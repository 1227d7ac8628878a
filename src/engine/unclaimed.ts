import type { Context } from './context.ts';
import type { RemoteTenant } from './tenants.ts';

/** A remote object that no resource claims: somebody else's, or one that was orphaned. */
export interface Unclaimed {
  /** Collection, e.g. `servers`. */
  type: string;
  id: string;
  since?: string;
}

/** Most entries in a status; the metric counts all. */
const most = 100;

function* entriesOf(context: Context, remote: RemoteTenant): Generator<Unclaimed> {
  for (const [type, { since, part }] of Object.entries(remote.kind.collections)) {
    if (part) continue;
    for (const [id, item] of remote.collections.get(type)?.snapshot()?.items ?? []) {
      if (context.claims.holderOf(id, remote.key) !== undefined) continue;
      const at = since(item);
      yield { type, id, ...(at !== undefined && { since: at }) };
    }
  }
}

/** What nobody claims, in a stable order. Each is something that costs money and that no manifest speaks of. */
export function unclaimedIn(context: Context, remote: RemoteTenant): Unclaimed[] {
  return [...entriesOf(context, remote)]
    .sort((a, b) => `${a.type}/${a.id}`.localeCompare(`${b.type}/${b.id}`))
    .slice(0, most);
}

/** The same as counts by type. */
export function countUnclaimed(context: Context, remote: RemoteTenant): Map<string, number> {
  const counts = new Map<string, number>(Object.keys(remote.kind.collections).map((type) => [type, 0]));
  for (const { type } of entriesOf(context, remote)) counts.set(type, counts.get(type)! + 1);
  return counts;
}
