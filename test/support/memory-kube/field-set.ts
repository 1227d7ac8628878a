import { itemKey, type Schema } from './schema.ts';
import { isEmpty, isSame, isTree, type Tree } from './values.ts';

/** Paths of an object, as managedFields has them: which of them are in it, and what lies beneath. Immutable. */
export interface FieldSet {
  readonly own: boolean;
  readonly children: ReadonlyMap<string, FieldSet> | undefined;
}

/** What became different between two objects; `mark` speaks of this very path. */
export interface Difference {
  readonly mark: 'none' | 'written' | 'removed';
  readonly children: ReadonlyMap<string, Difference> | undefined;
}

const leaf: FieldSet = { own: true, children: undefined };

/** Whether a value is owned and replaced as a whole. */
export function isWhole(schema: Schema, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Array.isArray(value) ? schema.list === 'atomic' : schema.atomic;
}

/** Schema of what lies beneath; undefined where that is nobody's. */
export function beneath(schema: Schema, field: string): Schema | undefined {
  return schema.fields.get(field) ?? schema.others;
}

function ownsItself(schema: Schema, field: string, value: unknown): boolean {
  return value === null || (isTree(value) && isEmpty(value)) || !schema.fields.has(field);
}

/** The paths that an applied configuration lays claim to; undefined: none. */
export function fieldSetOf(schema: Schema, value: unknown, own = false): FieldSet | undefined {
  if (isWhole(schema, value)) return leaf;
  const children = new Map<string, FieldSet>();
  if (Array.isArray(value)) {
    for (const item of value) children.set(itemKey(schema, item), fieldSetOf(schema.items!, item, true)!);
  } else {
    for (const field in value as Tree) {
      const inner = (value as Tree)[field];
      const sub = beneath(schema, field);
      if (inner === undefined || !sub) continue;
      const set = fieldSetOf(sub, inner, ownsItself(schema, field, inner));
      if (set) children.set(field, set);
    }
  }
  if (children.size > 0) return { own, children };
  return own ? leaf : undefined;
}

/** Whether `set` is just what fieldSetOf() would make of the value, without making it. */
export function isFieldSetOf(schema: Schema, value: unknown, set: FieldSet | undefined, own = false): boolean {
  if (isWhole(schema, value)) return set !== undefined && set.own && !set.children;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) {
      const child = set?.children?.get(itemKey(schema, item));
      if (!child || !isFieldSetOf(schema.items!, item, child, true)) return false;
      count += 1;
    }
  } else {
    for (const field in value as Tree) {
      const inner = (value as Tree)[field];
      const sub = beneath(schema, field);
      if (inner === undefined || !sub) continue;
      const child = set?.children?.get(field);
      if (!isFieldSetOf(sub, inner, child, ownsItself(schema, field, inner))) return false;
      if (child) count += 1;
    }
  }
  if (count === 0 && !own) return set === undefined;
  return set !== undefined && set.own === own && (set.children?.size ?? 0) === count;
}

/** undefined: nothing differs. */
export function difference(schema: Schema, before: unknown, after: unknown): Difference | undefined {
  if (before === after) return undefined;
  if (before === undefined) return all(schema, after, 'written');
  if (after === undefined) return all(schema, before, 'removed');
  if (isWhole(schema, before) || isWhole(schema, after) || Array.isArray(before) !== Array.isArray(after)) {
    return isSame(before, after) ? undefined : { mark: 'written', children: undefined };
  }
  const children = new Map<string, Difference>();
  const add = (key: string, sub: Schema | undefined, one: unknown, other: unknown) => {
    if (one === other) return;
    const differs = sub && difference(sub, one, other);
    if (differs) children.set(key, differs);
  };
  if (Array.isArray(before)) {
    if (areAligned(schema, before, after as unknown[])) {
      for (const [at, item] of before.entries()) {
        if (item !== (after as unknown[])[at]) add(itemKey(schema, item), schema.items, item, (after as unknown[])[at]);
      }
      return children.size > 0 ? { mark: 'none', children } : undefined;
    }
    const [former, latter] = [before, after as unknown[]].map((list) => indexed(schema, list));
    for (const [key, item] of former!) add(key, schema.items, item, latter!.get(key));
    for (const [key, item] of latter!) if (!former!.has(key)) add(key, schema.items, undefined, item);
  } else {
    for (const field in before) {
      add(field, beneath(schema, field), (before as Tree)[field], (after as Tree)[field]);
    }
    for (const field in after as Tree) {
      if ((before as Tree)[field] === undefined) add(field, beneath(schema, field), undefined, (after as Tree)[field]);
    }
  }
  return children.size > 0 ? { mark: 'none', children } : undefined;
}

/** The same items in the same order, whatever is in them. */
function areAligned(schema: Schema, before: readonly unknown[], after: readonly unknown[]): boolean {
  if (before.length !== after.length) return false;
  return before.every((item, at) => item === after[at] || itemKey(schema, item) === itemKey(schema, after[at]));
}

export function indexed(schema: Schema, list: readonly unknown[]): Map<string, unknown> {
  return new Map(list.map((item) => [itemKey(schema, item), item]));
}

function all(schema: Schema, value: unknown, mark: 'written' | 'removed'): Difference {
  if (isWhole(schema, value)) return { mark, children: undefined };
  const children = new Map<string, Difference>();
  if (Array.isArray(value)) {
    for (const item of value) children.set(itemKey(schema, item), all(schema.items!, item, mark));
  } else {
    for (const field in value as Tree) {
      const sub = beneath(schema, field);
      if (sub && (value as Tree)[field] !== undefined) children.set(field, all(sub, (value as Tree)[field], mark));
    }
  }
  return { mark, children: children.size > 0 ? children : undefined };
}

/** Without what differs: somebody else wrote or removed it. With `removedOnly`, without what was removed. */
export function without(
  set: FieldSet | undefined,
  differs: Difference | undefined,
  removedOnly = false,
): FieldSet | undefined {
  if (!set || !differs) return set;
  const own = set.own && (differs.mark === 'none' || (removedOnly && differs.mark === 'written'));
  let children = set.children;
  if (children && differs.children) {
    let left: Map<string, FieldSet> | undefined;
    for (const [key, inner] of differs.children) {
      const child = children.get(key);
      const rest = without(child, inner, removedOnly);
      if (rest === child) continue;
      left ??= new Map(children);
      if (rest) left.set(key, rest);
      else left.delete(key);
    }
    if (left) children = left.size > 0 ? left : undefined;
  }
  if (own === set.own && children === set.children) return set;
  return own || children ? { own, children } : undefined;
}

/** With what was written. */
export function withWritten(set: FieldSet | undefined, differs: Difference | undefined): FieldSet | undefined {
  if (!differs) return set;
  const own = differs.mark === 'written' || set?.own === true;
  let children = set?.children;
  if (differs.children) {
    let more: Map<string, FieldSet> | undefined;
    for (const [key, inner] of differs.children) {
      const child = children?.get(key);
      const grown = withWritten(child, inner);
      if (grown !== child && grown) (more ??= new Map(children)).set(key, grown);
    }
    if (more) children = more;
  }
  if (set && own === set.own && children === set.children) return set;
  return own || children ? { own, children } : undefined;
}
