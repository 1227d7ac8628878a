import {
  beneath,
  difference,
  type FieldSet,
  fieldSetOf,
  indexed,
  isFieldSetOf,
  isWhole,
  without,
  withWritten,
} from './field-set.ts';
import { itemKey, type Schema } from './schema.ts';
import { frozen, isEmpty, isSame, isTree, type Tree, withFields } from './values.ts';

/** Who owns which fields, by `manager/operation/subresource`. */
export type Managers = ReadonlyMap<string, FieldSet>;

/** A field in an applied configuration that no schema knows. */
export class NotDeclared extends Error {}

/** A structure of which pruning left nothing, though somebody owns something in it: it becomes null, which it may not be. */
export class LeftEmpty extends Error {}

/** After a write that was no apply: who wrote a field owns it, and nobody else. */
export function ownedAfterUpdate(
  schema: Schema,
  managers: Managers,
  manager: string,
  before: Tree,
  after: Tree,
): Managers {
  const differs = difference(schema, before, after);
  if (!differs) return managers;
  const left = new Map<string, FieldSet>();
  const former = managers.get(manager);
  const own = withWritten(without(former, differs, true), differs);
  let moved = own !== former;
  for (const [name, set] of managers) {
    const rest = name === manager ? own : without(set, differs);
    if (rest !== set) moved = true;
    if (rest) left.set(name, rest);
  }
  if (!moved) return managers;
  return own ? left.set(manager, own) : left;
}

/** Server-side apply, forced. Gives back the very object and managers where nothing differs. */
export function applied(
  schema: Schema,
  managers: Managers,
  manager: string,
  live: Tree,
  config: Tree,
): { object: Tree; managers: Managers } {
  const merged = merge(schema, live, config) as Tree;
  const last = managers.get(manager);
  const set = isFieldSetOf(schema, config, last) ? last : fieldSetOf(schema, config);
  const others = [...managers].filter(([name]) => name !== manager);
  const owned = [set, ...others.map(([, other]) => other)].filter((one) => one !== undefined);
  const object = last && last !== set ? (prune(schema, merged, last, owned) as Tree) : merged;
  const differs = difference(schema, live, object);
  const left = new Map<string, FieldSet>();
  let moved = set !== last;
  for (const [name, other] of others) {
    const rest = without(other, differs);
    if (rest !== other) moved = true;
    if (rest) left.set(name, rest);
  }
  if (set) left.set(manager, set);
  return { object, managers: moved ? left : managers };
}

function merge(schema: Schema, live: unknown, config: unknown): unknown {
  if (config === null && live !== undefined && !isWhole(schema, live)) return live;
  if (isWhole(schema, config)) return isSame(live, config) ? live : frozen(config);
  if (Array.isArray(config)) return mergeItems(schema, Array.isArray(live) ? live : [], config);
  const base: Tree = isTree(live) ? live : Object.freeze({});
  let changes: Record<string, unknown> | undefined;
  for (const field in config as Tree) {
    const wanted = (config as Tree)[field];
    if (wanted === undefined) continue;
    const sub = beneath(schema, field);
    if (!sub) throw new NotDeclared(`.${field}: field not declared in schema`);
    const own = base[field];
    const next = wanted === own ? own : merge(sub, own, wanted);
    if (next !== own) (changes ??= {})[field] = next;
  }
  return changes ? withFields(base, changes) : base;
}

function mergeItems(schema: Schema, live: readonly unknown[], config: readonly unknown[]): readonly unknown[] {
  const liveKeys = live.map((item) => itemKey(schema, item));
  const configKeys = config.map((item) => itemKey(schema, item));
  const wanted = new Set(configKeys);
  if (wanted.size < config.length) throw new NotDeclared('duplicate entries');
  const same = liveKeys.length === configKeys.length && liveKeys.every((key, at) => key === configKeys[at]);
  const order = same ? configKeys : mergedOrder(liveKeys, configKeys, wanted);
  let differs = live.length !== order.length;
  const out = order.map((key, at) => {
    const [left, right] = same ? [at, at] : [liveKeys.indexOf(key), configKeys.indexOf(key)];
    const item = right < 0 ? live[left] : merge(schema.items!, live[left], config[right]);
    if (item !== live[at]) differs = true;
    return item;
  });
  return differs ? Object.freeze(out) : live;
}

/**
 * Of the items of both: those of the configuration in its order, the others where they stood
 * (mergingWalker.visitListItems of structured-merge-diff).
 */
function mergedOrder(live: readonly string[], config: readonly string[], wanted: ReadonlySet<string>): string[] {
  const shared = config.filter((key) => live.includes(key));
  const done = new Set<string>();
  const order: string[] = [];
  let next = 0;
  let left = 0;
  let right = 0;
  const take = () => {
    const key = config[right]!;
    done.add(key);
    order.push(key);
    if (shared[next] === key) next += 1;
    right += 1;
  };
  while (left < live.length || right < config.length) {
    const key = live[left];
    const both = key !== undefined && right < config.length;
    if (both && key === config[right]) {
      take();
      left += 1;
    } else if (both && wanted.has(key) && next < shared.length && shared[next] !== key) {
      left += 1;
    } else if (key !== undefined && !wanted.has(key)) {
      order.push(key);
      left += 1;
    } else {
      if (key !== undefined && done.has(key)) left += 1;
      if (right < config.length) take();
    }
  }
  return order;
}

/** Takes away what was applied before and is owned by nobody now, with whatever lies beneath. */
function prune(schema: Schema, value: unknown, last: FieldSet, owned: readonly FieldSet[]): unknown {
  if (!last.children || isWhole(schema, value)) return value;
  const list = Array.isArray(value);
  let changes: Map<string, unknown> | undefined;
  const items = list ? indexed(schema, value) : undefined;
  for (const [key, before] of last.children) {
    const inner = items ? items.get(key) : (value as Tree)[key];
    const sub = list ? schema.items : beneath(schema, key);
    if (inner === undefined || !sub) continue;
    // A declared field counts as owned as soon as anything beneath it is.
    const named = !list && schema.fields.has(key);
    const now = owned.map((set) => set.children?.get(key)).filter((set) => set !== undefined);
    const kept = now.some((set) => set.own || named);
    const was = before.own || named;
    const next = kept || !was ? prune(sub, inner, before, now) : undefined;
    if (next !== inner) (changes ??= new Map()).set(key, next);
  }
  if (!changes) return value;
  if (!list) {
    const left = withFields(value as Tree, Object.fromEntries(changes));
    return isEmpty(left) ? emptied(schema) : left;
  }
  const keyed = (value as unknown[]).map((item) => {
    const key = itemKey(schema, item);
    return changes.has(key) ? changes.get(key) : item;
  });
  const left = keyed.filter((item) => item !== undefined);
  return left.length === 0 ? emptied(schema) : Object.freeze(left);
}

function emptied(schema: Schema): null {
  if (schema.nullable) return null;
  throw new LeftEmpty('Invalid value: "null": must be of type object: "null"');
}
