import { timestamp } from '../../../src/base/clock.ts';
import type { Key, KubeObject, ResourceType, WatchEvent } from '../../../src/kube/types.ts';
import type { Managers } from './managers.ts';
import type { Commit } from './memory-kube.ts';
import { newMeta } from './metadata.ts';
import { type Call, invalid, refusal } from './refusals.ts';
import { fit } from './schema.ts';
import { encodedSecret } from './secret.ts';
import { builtInTable, createTeller, definedTable, type Entry, type Stored, type Table } from './table.ts';
import { frozen, type Tree, withFields } from './values.ts';

/** Who writes, for the log of commits. */
export type Writer = Pick<Commit, 'verb' | 'fieldManager' | 'subresource'>;

/** Everything that is stored, in versions: one counter over all types, as etcd's. */
export interface Storage {
  version(): number;
  /** Version that a watch may still begin at. */
  oldest(): number;
  /** Throws what a server answers for a type that it does not serve. */
  table(method: Call['method'], type: ResourceType): Table;
  tables(): Table[];
  /** With the defaults of a definition that came later. */
  current(table: Table, entry: Entry): Entry;
  entry(table: Table, key: Key): Entry | undefined;
  insert(table: Table, key: Key, sent: Tree, managers: (made: Tree) => Managers, writer: Writer): Stored;
  /** Stores what a write made of an object; nothing where that is the same. An object that may go goes. */
  replace(call: Call, table: Table, entry: Entry, next: Stored, managers: Managers, writer: Writer): Stored;
  /** Removes, or marks as being deleted what has finalizers. */
  remove(table: Table, entry: Entry, writer: Writer): void;
  tell(table: Table, event: WatchEvent<KubeObject>): void;
  forget(): void;
  define(crd: object): void;
  onCommit(listener: (commit: Commit) => void): void;
}

const pathOf = ({ namespace, name }: Key) => `${namespace}/${name}`;

export function apiVersionOf({ group, version }: ResourceType): string {
  return group ? `${group}/${version}` : version;
}

export const isSecret = ({ group, kind }: ResourceType) => kind === 'Secret' && group === '';

/** Pruned and with defaults; the metadata is not looked at. `before` fits already. */
export function fitted(table: Table, object: Tree, before: Tree | undefined): Stored {
  if (!table.custom || object === before) return object as Stored;
  return fit(table.schema, object, before) as Stored;
}

export function createStorage({ now, uid }: { now: () => number; uid: () => string }): Storage {
  /** By group, then by plural. */
  const groups = new Map<string, Map<string, Table>>();
  const listeners: ((commit: Commit) => void)[] = [];
  const tell = createTeller();
  let version = 100;
  let oldest = 0;

  function keep(table: Table): Table {
    const { group, plural } = table.type;
    const plurals = groups.get(group) ?? new Map<string, Table>();
    groups.set(group, plurals.set(plural, table));
    return table;
  }

  function versioned(object: Stored, more: Tree): Stored {
    const metadata = withFields(object.metadata as never, { resourceVersion: String(version), ...more });
    return withFields(object, { metadata }) as Stored;
  }

  function commit(table: Table, before: Stored | undefined, after: Stored | undefined, writer: Writer): void {
    const event: WatchEvent<KubeObject> = after
      ? { type: before ? 'MODIFIED' : 'ADDED', object: after }
      : { type: 'DELETED', object: versioned(before!, {}) };
    table.history.push({ version, event });
    for (const listener of listeners) listener({ ...writer, type: table.type, before, after });
    tell(table, event);
  }

  function drop(table: Table, { object }: Entry, writer: Writer): void {
    const { namespace = '', name } = object.metadata;
    table.entries.delete(pathOf({ namespace, name }));
    table.sorted = undefined;
    version += 1;
    commit(table, object, undefined, writer);
  }

  function current(table: Table, entry: Entry): Entry {
    if (entry.schema !== table.schema) {
      const object = fitted(table, entry.object, undefined);
      entry.undefaulted ||= object !== entry.object;
      entry.object = object;
      entry.schema = table.schema;
    }
    return entry;
  }

  return {
    version: () => version,
    oldest: () => oldest,
    table(method, type) {
      const known = groups.get(type.group)?.get(type.plural);
      if (known?.type.version === type.version) return known;
      const made = known ? undefined : builtInTable(type);
      if (!made) throw refusal({ method, type, key: {} }, 404, '', '404 page not found');
      return keep(made);
    },
    tables: () => [...groups.values()].flatMap((plurals) => [...plurals.values()]),
    current,
    entry(table, key) {
      const entry = table.entries.get(pathOf(key));
      return entry && current(table, entry);
    },
    insert(table, key, sent, managers, writer) {
      const { type, custom, hasStatus } = table;
      const { status, metadata: sentMeta, ...content } = sent;
      version += 1;
      const metadata = newMeta((sentMeta ?? {}) as Tree, {
        name: key.name,
        ...(key.namespace && { namespace: key.namespace }),
        uid: uid(),
        resourceVersion: String(version),
        ...(custom && { generation: 1 }),
        creationTimestamp: timestamp(now()),
      });
      const made = frozen({
        ...content,
        ...(!hasStatus && { status }),
        apiVersion: apiVersionOf(type),
        kind: type.kind,
        metadata,
      }) as Tree;
      const object = fitted(table, isSecret(type) ? encodedSecret(made) : made, undefined);
      // The status is emptied after the defaults were set: a new object is stored without those of the status.
      const undefaulted = hasStatus && object['status'] !== undefined;
      const entry = { object, managers: managers(object), undefaulted, schema: table.schema };
      table.entries.set(pathOf(key), entry);
      table.sorted = undefined;
      commit(table, undefined, object, writer);
      return object;
    },
    replace(call, table, entry, next, managers, writer) {
      const before = entry.object;
      const { deletionTimestamp, finalizers = [], generation = 0 } = next.metadata;
      const grown = table.custom && hasNewContent(table, before, next);
      const more = grown ? { generation: generation + 1 } : {};
      if (deletionTimestamp !== undefined && next !== before) {
        const added = finalizers.filter((name) => !before.metadata.finalizers?.includes(name));
        if (added.length > 0) {
          const why = 'no new finalizers can be added if the object is being deleted, found new finalizers';
          throw invalid(call, `metadata.finalizers: Forbidden: ${why} ${JSON.stringify(added)}`);
        }
        if (finalizers.length === 0) {
          drop(table, entry, writer);
          return withFields(next, { metadata: withFields(next.metadata as never, more) }) as Stored;
        }
      }
      if (next === before && managers === entry.managers && !entry.undefaulted) return before;
      version += 1;
      entry.object = versioned(next, more);
      entry.managers = managers;
      entry.undefaulted = false;
      commit(table, before, entry.object, writer);
      return entry.object;
    },
    remove(table, entry, writer) {
      const before = entry.object;
      const { finalizers = [], deletionTimestamp, generation } = before.metadata;
      if (finalizers.length === 0) {
        drop(table, entry, writer);
        return;
      }
      if (deletionTimestamp !== undefined) return;
      version += 1;
      entry.object = versioned(before, {
        ...(generation !== undefined && { generation: generation + 1 }),
        deletionTimestamp: timestamp(now()),
        deletionGracePeriodSeconds: 0,
      });
      entry.undefaulted = false;
      commit(table, before, entry.object, writer);
    },
    tell,
    forget() {
      oldest = version;
      for (const plurals of groups.values()) for (const table of plurals.values()) table.history.length = 0;
    },
    define(crd) {
      const { type, schema, hasStatus, ...rest } = definedTable(crd);
      const known = groups.get(type.group)?.get(type.plural);
      if (known) Object.assign(known, { type, schema, hasStatus });
      else keep({ type, schema, hasStatus, ...rest });
    },
    onCommit: (listener) => void listeners.push(listener),
  };
}

/** Whether anything but metadata and status is another. */
function hasNewContent({ hasStatus }: Table, before: Tree, after: Tree): boolean {
  const counts = (field: string) => field !== 'metadata' && !(hasStatus && field === 'status');
  for (const field in after) if (counts(field) && before[field] !== after[field]) return true;
  for (const field in before) if (counts(field) && !(field in after)) return true;
  return false;
}
