import { frozen, isTree, type Tree, withFields } from './values.ts';

/** What an API server knows of a value's structure. */
export interface Schema {
  /** Declared fields: the structure itself, as opposed to a map of the user's. */
  readonly fields: ReadonlyMap<string, Schema>;
  /** Of every other field; absent: others are pruned. */
  readonly others: Schema | undefined;
  readonly items: Schema | undefined;
  readonly list: 'atomic' | 'set' | 'map';
  /** What tells the items of a map list apart. */
  readonly keys: readonly string[];
  /** x-kubernetes-map-type: owned and replaced as a whole. */
  readonly atomic: boolean;
  readonly nullable: boolean;
  readonly defaults: readonly (readonly [field: string, value: unknown])[];
  /** Of a whole object: its envelope is not fitted. */
  readonly root?: true;
}

const envelope = new Set(['apiVersion', 'kind', 'metadata']);

const none: ReadonlyMap<string, Schema> = new Map();
const blank: Schema = {
  fields: none,
  others: undefined,
  items: undefined,
  list: 'atomic',
  keys: [],
  atomic: false,
  nullable: false,
  defaults: [],
};

/** Of a value that no schema describes: whatever is there stays; lists are atomic. */
const anything: Schema = (() => {
  const schema = { ...blank, others: undefined as Schema | undefined, nullable: true };
  schema.others = schema;
  return schema;
})();

const scalar = blank;
const mapOfScalars: Schema = { ...blank, others: scalar, nullable: true };

/** metav1.ObjectMeta, without what only the server writes. */
const writableMeta: Schema = {
  ...blank,
  nullable: true,
  fields: new Map<string, Schema>([
    ['labels', mapOfScalars],
    ['annotations', mapOfScalars],
    ['finalizers', { ...blank, items: scalar, list: 'set', nullable: true }],
    ['ownerReferences', { ...blank, items: anything, list: 'map', keys: ['uid'], nullable: true }],
  ]),
};

/** Of a type that is built in. */
export const builtIn: Schema = { ...anything, fields: new Map([['metadata', writableMeta]]) };

/** Of an object whose version has this `openAPIV3Schema`. */
export function objectSchema(openAPIV3Schema: unknown): Schema {
  const schema = schemaOf(openAPIV3Schema);
  const fields = new Map(schema.fields).set('metadata', writableMeta);
  for (const field of ['apiVersion', 'kind']) fields.delete(field);
  return { ...schema, fields, root: true };
}

function schemaOf(source: unknown): Schema {
  if (!isTree(source)) return source === true ? anything : blank;
  const fields = new Map<string, Schema>();
  const defaults: [string, unknown][] = [];
  for (const [name, property] of Object.entries(isTree(source['properties']) ? source['properties'] : {})) {
    const schema = schemaOf(property);
    fields.set(name, schema);
    const value = isTree(property) ? property['default'] : undefined;
    if (value !== undefined) defaults.push([name, fit(schema, frozen(value), undefined)]);
  }
  const more = source['additionalProperties'];
  const preserves = source['x-kubernetes-preserve-unknown-fields'] === true;
  return {
    fields,
    others: preserves ? anything : more === undefined || more === false ? undefined : schemaOf(more),
    items: source['items'] === undefined ? undefined : schemaOf(source['items']),
    list: (source['x-kubernetes-list-type'] as Schema['list'] | undefined) ?? 'atomic',
    keys: (source['x-kubernetes-list-map-keys'] as string[] | undefined) ?? [],
    atomic: source['x-kubernetes-map-type'] === 'atomic',
    nullable: source['nullable'] === true,
    defaults,
  };
}

/** Without unknown fields and with the defaults. `known` is a value that fits already: what is shared with it is not looked at. */
export function fit(schema: Schema, value: unknown, known: unknown): unknown {
  if (typeof value !== 'object' || value === null || value === known || schema === anything) return value;
  if (Array.isArray(value)) return fitItems(schema, value, known);
  const tree = value as Tree;
  const former = isTree(known) ? known : undefined;
  let changes: Record<string, unknown> | undefined;
  for (const field in tree) {
    if (schema.root && envelope.has(field)) continue;
    const own = tree[field];
    const sub = schema.fields.get(field) ?? schema.others;
    const fitted = sub && fit(sub, own, former?.[field]);
    if (fitted !== own) (changes ??= {})[field] = fitted;
  }
  for (const [field, value] of schema.defaults) {
    const own = tree[field];
    if (own === undefined || (own === null && !schema.fields.get(field)!.nullable)) (changes ??= {})[field] = value;
  }
  return changes ? withFields(tree, changes) : tree;
}

function fitItems({ items }: Schema, list: readonly unknown[], known: unknown): readonly unknown[] {
  if (!items) return list;
  const former = Array.isArray(known) ? known : [];
  let differs = false;
  const fitted = list.map((item, at) => {
    const one = fit(items, item, former[at]);
    if (one !== item) differs = true;
    return one;
  });
  return differs ? Object.freeze(fitted) : list;
}

/** What tells an item of a map list from the others. */
export function itemKey(schema: Schema, item: unknown): string {
  if (schema.list === 'set') return JSON.stringify(item);
  const tree = item as Tree;
  if (schema.keys.length === 1) return String(tree[schema.keys[0]!]);
  return schema.keys.map((key) => String(tree[key])).join('\0');
}
