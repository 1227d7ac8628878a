import type { Collection } from '../remote/collection.ts';
import { identify } from './identify.ts';
import type { Kind, Observed, RemoteObject } from './kind.ts';
import { believed, freshLook } from './observe.ts';
import type { Outcome, Pass } from './outcome.ts';
import { chosenID } from './owner.ts';
import type { Binding } from './tenants.ts';

/** Every collection that holds an object of this kind. */
export function collectionsOf(kind: Kind, binding: Binding): Collection<unknown>[] {
  const names = new Set([kind.main, ...Object.values(kind.parts ?? {})].map(({ collection }) => collection));
  return [...names].flatMap((name) => binding.remote.collections.get(name) ?? []);
}

/** The key of a part among those observed. */
export const partKey = (name: string, instance = '') => (instance === '' ? name : `${name}/${instance}`);

/** Further remote objects of the kind, by `part/instance`: they carry a chosen ID, so that a list is enough. */
export function observeParts(pass: Pass, binding: Binding): { parts: Observed } | { outcome: Outcome } {
  const { context, kind, identifier, owner, resource } = pass;
  const parts: Observed = {};
  const ids: string[] = [];
  for (const [name, object] of Object.entries(kind.parts ?? {})) {
    const collection = binding.remote.collections.get(object.collection)!;
    const list = believed(pass, collection);
    if ('outcome' in list) return list;
    const early = freshLook(pass, collection, list.snapshot, object.noun);
    if (early) return { outcome: early };
    const unreadable = [...list.snapshot.unreadable].find((id) =>
      [undefined, identifier].includes(context.claims.holderOf(id, binding.remote.key)),
    );
    for (const instance of object.instances?.(resource.spec) ?? ['']) {
      const question = {
        owner,
        object: object as RemoteObject<never, unknown, never>,
        recorded: undefined,
        wished: undefined,
        takeOver: undefined,
        snapshot: list.snapshot,
      };
      const answer = identify({ ...question, part: { name, instance } });
      const id = answer.which === 'known' ? answer.id : partID(pass, name, instance);
      ids.push(id);
      parts[partKey(name, instance)] =
        answer.which === 'known'
          ? { state: 'present', id, remote: list.snapshot.items.get(id) }
          : unreadable === undefined
            ? { state: 'absent' }
            : {
                state: 'unknown',
                reason: 'BadAnswer',
                message: `${object.noun} ${unreadable} is listed, but what the remote says of it cannot be read: it may be ours`,
              };
    }
  }
  context.claims.holdParts(identifier, binding.remote.key, ids);
  return { parts };
}

/** The ID that a create of this part is to have. */
export const partID = (pass: Pass, name: string, instance: string) => chosenID(pass.owner, name, instance);
