/** JSON objects and lists as they are stored: frozen, and shared between versions where nothing differs. */
export type Tree = Readonly<Record<string, unknown>>;

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isEmpty(tree: Tree): boolean {
  for (const _ in tree) return false;
  return true;
}

/** A frozen copy, without what JSON would leave out. */
export function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item) => frozen(item ?? null)));
  const copy: Record<string, unknown> = {};
  for (const field in value) {
    const own = (value as Tree)[field];
    if (own !== undefined) copy[field] = frozen(own);
  }
  return Object.freeze(copy);
}

/** Whether both are the same JSON; a field that is undefined counts as absent. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((item, at) => isSame(item, other[at]));
  }
  if (Array.isArray(other)) return false;
  for (const field in one) if (!isSame((one as Tree)[field], (other as Tree)[field])) return false;
  for (const field in other) {
    if ((one as Tree)[field] === undefined && (other as Tree)[field] !== undefined) return false;
  }
  return true;
}

/** With these fields instead; undefined removes one. The very same tree where nothing differs. */
export function withFields(tree: Tree, fields: Tree): Tree {
  let differs = false;
  for (const field in fields) if (tree[field] !== fields[field]) differs = true;
  if (!differs) return tree;
  const after: Record<string, unknown> = {};
  for (const field in tree) if (!(field in fields)) after[field] = tree[field];
  for (const field in fields) if (fields[field] !== undefined) after[field] = fields[field];
  return Object.freeze(after);
}

const nothing: Tree = Object.freeze({});

/** RFC 7386. What differs not is the very value that was there. */
export function patched(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return isSame(target, patch) ? target : frozen(patch);
  const before = isTree(target) ? target : nothing;
  let changes: Record<string, unknown> | undefined;
  for (const field in patch) {
    const wanted = patch[field];
    if (wanted === undefined) continue;
    const next = wanted === null ? undefined : patched(before[field], wanted);
    if (next !== before[field]) (changes ??= {})[field] = next;
  }
  if (changes) return withFields(before, changes);
  return isTree(target) ? target : nothing;
}

/** `after`, with every part of it that is the same as before being the very part that was there. */
export function shared(before: unknown, after: unknown): unknown {
  if (before === after || typeof before !== 'object' || before === null) return after;
  if (Array.isArray(before) || Array.isArray(after) || !isTree(after)) return isSame(before, after) ? before : after;
  let changes: Record<string, unknown> | undefined;
  let equal = true;
  for (const field in after) {
    const own = after[field];
    const former = (before as Tree)[field];
    const next = shared(former, own);
    if (next !== former) equal = false;
    if (next !== own) (changes ??= {})[field] = next;
  }
  if (equal) for (const field in before) if (after[field] === undefined) equal = false;
  if (equal) return before;
  return changes ? withFields(after, changes) : after;
}
