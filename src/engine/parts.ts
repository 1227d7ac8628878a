import { jitter } from '../base/random.ts';
import type { Collection, Snapshot } from '../remote/collection.ts';
import { RemoteError } from '../remote/errors.ts';
import { cleanText } from '../remote/text.ts';
import { reconcileRequestOf } from './annotations.ts';
import type { PartRead } from './context.ts';
import { identify, ownerOf } from './identify.ts';
import type { Kind, Observed, PartObject } from './kind.ts';
import { believed, concerns, freshLook } from './observe.ts';
import { type Outcome, type Pass, unready } from './outcome.ts';
import { chosenID, partText } from './owner.ts';
import type { Binding } from './tenants.ts';

/** Every collection that holds an object of this kind, where the tenant has a list of it. */
export function collectionsOf(kind: Kind, binding: Binding): Collection<unknown>[] {
  const names = new Set([kind.main, ...Object.values(kind.parts ?? {})].map(({ collection }) => collection));
  return [...names].flatMap((name) => (perMain(binding, name) ? [] : (binding.remote.collections.get(name) ?? [])));
}

/** Milliseconds between two reads by main object; undefined where there is a list of all. */
function perMain({ remote, spec }: Binding, collection: string): number | undefined {
  const seconds = remote.kind.collections[collection]?.perMain?.(spec);
  return seconds === undefined ? undefined : seconds * 1000;
}

/** When parts that no list shows are read again by themselves, milliseconds from now. */
export function partsDue({ context, memory }: Pass): number {
  const due = Math.min(Infinity, ...Object.values(memory.reads ?? {}).map((read) => read.due));
  return Math.max(0, due - context.clock.monotonic());
}

/** The key of a part among those observed. */
export const partKey = (name: string, instance = '') => (instance === '' ? name : `${name}/${instance}`);

/** The ID that a create of this part is to have. */
export const partID = (pass: Pass, name: string, instance: string) => chosenID(pass.owner, name, instance);

/**
 * Further remote objects of the kind, by `part/instance`: those that the spec names, and those of ours that it names no
 * more. They carry a chosen ID, so that a list is enough.
 */
export async function observeParts(
  pass: Pass,
  binding: Binding,
  mainID: string,
): Promise<{ parts: Observed } | { outcome: Outcome }> {
  const { context, kind, identifier, owner, resource } = pass;
  const parts: Observed = {};
  const ids: string[] = [];
  for (const [name, object] of Object.entries(kind.parts ?? {})) {
    const look = await partsOf(pass, binding, object, mainID);
    if ('outcome' in look) return look;
    const { snapshot } = look;
    const unreadable = [...snapshot.unreadable].find((id) =>
      [undefined, identifier].includes(context.claims.holderOf(id, binding.remote.key)),
    );
    const wanted = object.instances?.(resource.spec) ?? [''];
    const observe = (instance: string, id: string) => {
      ids.push(id);
      parts[partKey(name, instance)] = { state: 'present', id, remote: snapshot.items.get(id) };
    };
    for (const instance of wanted) {
      const question = { owner, object, recorded: undefined, wished: undefined, takeOver: undefined };
      const answer = identify({ ...question, snapshot, part: { name, instance, mainID } });
      if (answer.which === 'known') observe(instance, answer.id);
      else {
        ids.push(partID(pass, name, instance));
        parts[partKey(name, instance)] =
          unreadable === undefined
            ? { state: 'absent' }
            : {
                state: 'unknown',
                reason: 'BadAnswer',
                message: `${object.noun} ${cleanText(unreadable, 128)} is listed, but what the remote says of it cannot be read: it may be ours`,
              };
      }
    }
    for (const [instance, id] of surplus(pass, name, object, snapshot, mainID))
      if (!wanted.includes(instance)) observe(instance, id);
  }
  context.claims.holdParts(identifier, binding.remote.key, ids);
  return { parts };
}

/** Those that we made on the main object, by instance: what somebody else made there is not ours to remove. */
function* surplus(
  pass: Pass,
  name: string,
  object: PartObject<never, unknown, never>,
  snapshot: Snapshot<unknown>,
  mainID: string,
): Generator<[instance: string, id: string]> {
  const { identity } = object;
  if (identity.level !== 'chosen-id' || !identity.instanceOf) return;
  for (const [id, remote] of snapshot.items) {
    const instance = identity.instanceOf(remote, mainID);
    if (instance === undefined) continue;
    const ours =
      id === partID(pass, name, instance) || ownerOf(object, remote) === partText(pass.owner, name, instance);
    if (ours) yield [instance, id];
  }
}

/** What is known of the parts of that main object: from the tenant's list, or read by themselves. */
async function partsOf(
  pass: Pass,
  binding: Binding,
  object: PartObject<never, unknown, never>,
  mainID: string,
): Promise<{ snapshot: Snapshot<unknown> } | { outcome: Outcome }> {
  const interval = perMain(binding, object.collection);
  if (interval !== undefined) return readParts(pass, binding, object, mainID, interval);
  delete pass.memory.reads?.[object.collection];
  const collection = binding.remote.collections.get(object.collection)!;
  const list = believed(pass, collection);
  if ('outcome' in list) return list;
  const early = freshLook(pass, collection, list.snapshot, object.noun);
  if (early) return { outcome: early };
  return { snapshot: ofMain(list.snapshot, object, mainID) };
}

/** One pass over a list finds what belongs to each main object: a pass over one resource does not look at all others'. */
const byMain = new WeakMap<Snapshot<unknown>['items'], Map<string, Map<string, unknown>>>();

function ofMain(
  snapshot: Snapshot<unknown>,
  { identity }: PartObject<never, unknown, never>,
  mainID: string,
): Snapshot<unknown> {
  const mainOf = identity.level === 'chosen-id' ? identity.mainOf : undefined;
  if (!mainOf) return snapshot;
  let index = byMain.get(snapshot.items);
  if (!index) {
    index = new Map();
    for (const [id, remote] of snapshot.items) {
      const main = mainOf(remote) ?? '';
      const items = index.get(main) ?? new Map<string, unknown>();
      index.set(main, items.set(id, remote));
    }
    byMain.set(snapshot.items, index);
  }
  return { ...snapshot, items: index.get(mainID) ?? new Map<string, unknown>() };
}

/** After a read that failed, milliseconds. */
const readAgain = 30_000;

/** Reads the parts of one main object: after each change of them, on request, and on a slow rota. */
async function readParts(
  pass: Pass,
  binding: Binding,
  object: PartObject<never, unknown, never>,
  mainID: string,
  interval: number,
): Promise<{ snapshot: Snapshot<unknown> } | { outcome: Outcome }> {
  const { context, memory, resource } = pass;
  const { collection } = object;
  const known = memory.reads?.[collection];
  const { changed } = memory;
  const request = reconcileRequestOf(resource);
  const asked = request !== undefined && request !== resource.status?.lastHandledReconcileAt;
  const requested = asked && memory.request?.text === request ? memory.request.at : -Infinity;
  const since = Math.max(binding.since, requested, changed && concerns(changed, collection) ? changed.at : -Infinity);
  const begunAt = context.clock.monotonic();
  if (known && known.mainID === mainID && known.begunAt >= since && begunAt < known.due) return { snapshot: known };
  // Until it is read again nothing is known: a failure must not be forgotten with the request that met it.
  delete memory.reads?.[collection];
  try {
    const listed = await object.listOf!(binding.client as never, mainID);
    if (listed) {
      const { id } = binding.remote.kind.collections[collection]!;
      const read: PartRead = {
        mainID,
        items: new Map(listed.items.map((item) => [id(item), item])),
        unreadable: new Set(listed.unreadable),
        begunAt,
        count: (known?.count ?? 0) + 1,
        due: begunAt + jitter(context.random, interval),
      };
      memory.reads = { ...memory.reads, [collection]: read };
      return { snapshot: read };
    }
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    const failing = known?.failing ?? begunAt;
    // Only their turn has come: what was seen an hour ago is believed for some minutes more, as old lists are.
    if (known?.mainID === mainID && known.begunAt >= since && begunAt - failing < context.settings.staleAfter) {
      const kept: PartRead = { ...known, failing, due: begunAt + readAgain };
      memory.reads = { ...memory.reads, [collection]: kept };
      return { snapshot: kept };
    }
    return { outcome: unready(error.reason, error.message, { backoff: error.retryAfter ?? 0 }) };
  }
  const message = `${pass.kind.main.noun} ${mainID} is listed, and asked for its ${object.noun}s the remote answers that there is none; looking again`;
  return { outcome: unready('Confirming', message, { motion: true, awaitList: true }) };
}
