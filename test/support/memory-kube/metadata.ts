import type { ObjectMeta } from '../../../src/kube/types.ts';
import { frozen, isEmpty, isTree, patched, type Tree, withFields } from './values.ts';

/** The part of the metadata that a client writes. */
const writable = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

export function pickWritable(metadata: Tree): Tree {
  const sent = writable.filter((field) => metadata[field] !== undefined);
  return Object.fromEntries(sent.map((field) => [field, metadata[field]]));
}

/** Empty maps and lists are left out, as Go does. */
function tidy(metadata: ObjectMeta & Tree): ObjectMeta & Tree {
  const empty = writable.filter((field) => {
    const value = metadata[field];
    return value === null || (Array.isArray(value) ? value.length === 0 : isTree(value) && isEmpty(value));
  });
  if (empty.length === 0) return metadata;
  return withFields(metadata, Object.fromEntries(empty.map((field) => [field, undefined]))) as ObjectMeta & Tree;
}

/** Of an object that is made. Whatever the client says of the server's own fields is ignored. */
export function newMeta(sent: Tree, own: Tree): ObjectMeta & Tree {
  return tidy(frozen({ ...pickWritable(sent), ...own }) as ObjectMeta & Tree);
}

export function patchedMeta(before: ObjectMeta & Tree, patch: Tree | undefined): ObjectMeta & Tree {
  if (!patch) return before;
  return tidy(patched(before, pickWritable(patch)) as ObjectMeta & Tree);
}

/** With the writable part of `after`; absent: nobody owns any of it. */
export function appliedMeta(before: ObjectMeta & Tree, after: Tree | undefined): ObjectMeta & Tree {
  const fields = Object.fromEntries(writable.map((field) => [field, after?.[field]]));
  return tidy(withFields(before, fields) as ObjectMeta & Tree);
}
