import { createSharing } from '../base/share.ts';
import { keyOf, type KubeObject } from './types.ts';

/** What happened to an object, as the listeners of a store see it. */
export type Change<T> =
  | { type: 'added'; object: T }
  | { type: 'updated'; object: T; old: T }
  /** `object` is its last known state. */
  | { type: 'deleted'; object: T };

/** `a` was written after `b`. Resource versions of one type can be compared across objects (guaranteed since 1.35, true before). */
export function isNewer(a: string | undefined, b: string | undefined): boolean {
  return BigInt(a ?? 0) > BigInt(b ?? 0);
}

/**
 * Objects by `namespace/name`, fed by lists, watch events and our own writes, in whatever order these arrive. Each
 * method takes one report in, and returns the changes that it made; none makes an object older.
 */
export interface Cache<T extends KubeObject> {
  objects: ReadonlyMap<string, T>;
  /**
   * A consistent list of `namespace` (absent: of everything), as of `resourceVersion`. `rewound`: the API server's history went back
   * (etcd restored from a backup), so that what the cache holds is not newer but void.
   */
  replace(items: T[], resourceVersion: string, options: { namespace?: string; rewound: boolean }): Change<T>[];
  apply(event: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }): Change<T>[];
  /**
   * The API server's answer to a write or read of our own. `seen` is the resource version up to which the watch has told everything: an
   * object that the cache does not hold was deleted unless it is newer than that.
   */
  observe(object: T, seen: string): Change<T>[];
}

export function createCache<T extends KubeObject>(): Cache<T> {
  const objects = new Map<string, T>();
  const share = createSharing();

  function put(object: T): Change<T>[] {
    share(object);
    const key = keyOf(object);
    const old = objects.get(key);
    objects.set(key, object);
    if (!old) {
      return [{ type: 'added', object }];
    }
    if (old.metadata.uid === object.metadata.uid) {
      return [{ type: 'updated', object, old }];
    }
    // Deleted and made again under the same name: what was known of the old one must not pass to the new one.
    return [
      { type: 'deleted', object: old },
      { type: 'added', object },
    ];
  }

  function remove(old: T, last: T = old): Change<T>[] {
    objects.delete(keyOf(old));
    return [{ type: 'deleted', object: last }];
  }

  return {
    objects,
    replace(items, resourceVersion, { namespace, rewound }) {
      const changes: Change<T>[] = [];
      const listed = new Set(items.map(keyOf));
      // Our own write may have been observed after the server took the list.
      const afterList = (old: T) => !rewound && isNewer(old.metadata.resourceVersion, resourceVersion);
      for (const [key, old] of objects) {
        const inScope = namespace === undefined || old.metadata.namespace === namespace;
        if (inScope && !listed.has(key) && !afterList(old)) {
          changes.push(...remove(old));
        }
      }
      for (const item of items) {
        const old = objects.get(keyOf(item));
        if (!old || !(isSame(old, item) || afterList(old))) {
          changes.push(...put(item));
        }
      }
      return changes;
    },
    apply({ type, object }) {
      const old = objects.get(keyOf(object));
      if (old && isNewer(old.metadata.resourceVersion, object.metadata.resourceVersion)) {
        return [];
      }
      if (type === 'DELETED') {
        return old ? remove(old, old.metadata.uid === object.metadata.uid ? object : old) : [];
      }
      return old && isSame(old, object) ? [] : put(object);
    },
    observe(object, seen) {
      const known = objects.get(keyOf(object))?.metadata.resourceVersion ?? seen;
      return isNewer(object.metadata.resourceVersion, known) ? put(object) : [];
    },
  };
}

function isSame(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion;
}
