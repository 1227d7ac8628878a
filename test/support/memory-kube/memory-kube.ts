import type {
  Key,
  KubeObject,
  ListOptions,
  ListResult,
  ObjectMeta,
  Patch,
  ResourceType,
  WriteOptions,
} from '../../../src/kube/types.ts';
import { applied, LeftEmpty, NotDeclared, ownedAfterUpdate } from './managers.ts';
import { appliedMeta, patchedMeta, pickWritable } from './metadata.ts';
import {
  alreadyExists,
  type Call,
  checkMeta,
  checkPreconditions,
  conflict,
  invalid,
  notFound,
  refusal,
} from './refusals.ts';
import { encodedSecret, secretRefusal } from './secret.ts';
import { matching } from './selectors.ts';
import { apiVersionOf, createStorage, fitted, isSecret } from './storage.ts';
import { type Entry, eventsAfter, type OnEvent, sortedEntries, type Stored, type Table } from './table.ts';
import { isEmpty, patched, shared, type Tree, withFields } from './values.ts';

/** A write that changed something. The objects are the stored ones. */
export interface Commit {
  verb: 'create' | 'mergePatch' | 'apply' | 'delete';
  type: ResourceType;
  fieldManager: string | undefined;
  subresource: 'status' | undefined;
  /** Absent: it was made. */
  before: KubeObject | undefined;
  /** Absent: it is gone. */
  after: KubeObject | undefined;
}

/* oxlint-disable typescript/no-unnecessary-type-parameters -- the port's signatures */
/**
 * An API server in memory, synchronous: no promise, no timer, no chance. Whatever throws, throws the KubeError that a real
 * one answers. What it gives out is frozen and shared. Validation is left out (enums, patterns, required fields, CEL), and
 * namespaces need not exist.
 */
export interface MemoryKube {
  get<T extends KubeObject>(type: ResourceType, key: Key): T | undefined;
  list<T extends KubeObject>(type: ResourceType, options?: ListOptions): ListResult<T>;
  create<T extends KubeObject>(type: ResourceType, object: T, options?: WriteOptions): T;
  mergePatch<T extends KubeObject>(type: ResourceType, key: Key, patch: Patch, options?: WriteOptions): T;
  apply<T extends KubeObject>(
    type: ResourceType,
    key: Key,
    object: Patch,
    options: WriteOptions & { fieldManager: string },
  ): T;
  /* oxlint-enable typescript/no-unnecessary-type-parameters */
  /** false when it was not there. */
  delete(
    type: ResourceType,
    key: Key,
    preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined },
  ): boolean;
  /**
   * Tells at once what happened after that version, then each event as it happens. Throws KubeError 410 when the history
   * was forgotten. Gives back what ends it.
   */
  subscribe(
    type: ResourceType,
    options: { namespace?: string; fieldSelector?: string; resourceVersion: string },
    onEvent: OnEvent,
  ): () => void;
  /** Sends a BOOKMARK to every subscriber. */
  bookmark(): void;
  /** Forgets the history: a watch from before now is answered by 410. */
  compact(): void;
  onCommit(listener: (commit: Commit) => void): void;
  /** Teaches it a CustomResourceDefinition, or its next state. Types of Kubernetes' own groups are known. */
  define(crd: object): void;
}

export function createMemoryKube(options: { now: () => number; uid: () => string }): MemoryKube {
  const storage = createStorage(options);

  function selection(call: Call, options: ListOptions) {
    try {
      return matching(options);
    } catch (error) {
      throw refusal(call, 400, 'BadRequest', (error as Error).message);
    }
  }

  return {
    get: (type, key) => storage.entry(storage.table('GET', type), key)?.object as never,

    list(type, options = {}) {
      const table = storage.table('GET', type);
      const matches = selection({ method: 'GET', type, key: { namespace: options.namespace ?? '' } }, options);
      const items: Stored[] = [];
      for (const entry of sortedEntries(table)) {
        const { object } = storage.current(table, entry);
        if (matches === undefined || matches(object)) items.push(object);
      }
      return { items: items as never, resourceVersion: String(storage.version()) };
    },

    create(type, object, { fieldManager, subresource } = {}) {
      const { name, namespace = '', resourceVersion } = object.metadata;
      const call: Call = { method: 'POST', type, key: { namespace, name } };
      const table = storage.table('POST', type);
      if (resourceVersion) throw refusal(call, 500, '', 'resourceVersion should not be set on objects to be created');
      const former = storage.entry(table, { namespace, name });
      if (former) throw alreadyExists(call, former.object);
      const manager = managerOf('Update', fieldManager, subresource);
      const managers = (made: Tree) => {
        const counted = table.hasStatus ? withFields(made, { status: undefined }) : made;
        return ownedAfterUpdate(table.schema, new Map(), manager, {}, counted);
      };
      const writer = { verb: 'create', fieldManager, subresource } as const;
      return storage.insert(table, { namespace, name }, object as unknown as Tree, managers, writer) as never;
    },

    mergePatch(type, key, patch, { fieldManager, subresource } = {}) {
      const call: Call = { method: 'PATCH', type, key, subresource };
      const table = storage.table('PATCH', type);
      const entry = written(call, table);
      const before = entry.object;
      const metadata = patch['metadata'] as Tree | undefined;
      checkMeta(call, before.metadata as never, metadata);
      let next = fitted(table, patched(before, contentOf(table, patch, subresource)) as Tree, before);
      if (isSecret(type)) {
        next = encodedSecret(next) as Stored;
        const why = secretRefusal(before, next);
        if (why) throw invalid(call, why);
      }
      if (!subresource) next = withMeta(next, patchedMeta(before.metadata as never, metadata));
      next = shared(before, next) as Stored;
      // What is said of the metadata together with a status is owned from then on, though it is not written.
      const said = subresource ? withMeta(next, patchedMeta(before.metadata as never, metadata)) : next;
      const manager = managerOf('Update', fieldManager, subresource);
      const managers = ownedAfterUpdate(table.schema, entry.managers, manager, before, said);
      const writer = { verb: 'mergePatch', fieldManager, subresource } as const;
      return storage.replace(call, table, entry, next, managers, writer) as never;
    },

    apply(type, key, object, { fieldManager, subresource }) {
      const call: Call = { method: 'PATCH', type, key, subresource };
      const table = storage.table('PATCH', type);
      const metadata = (object['metadata'] ?? {}) as Tree;
      const said = pickWritable(metadata);
      const content = contentOf(table, object, subresource);
      const config: Tree = isEmpty(said) ? content : { ...content, metadata: said };
      const manager = managerOf('Apply', fieldManager, subresource);
      const writer = { verb: 'apply', fieldManager, subresource } as const;
      try {
        if (!subresource && !storage.entry(table, key)) {
          const { uid } = metadata;
          const why = `uid mismatch: the provided object specified uid ${String(uid)}, and no existing object was found`;
          if (uid) throw conflict(call, why);
          const result = applied(table.schema, new Map(), manager, {}, config);
          return storage.insert(table, key, result.object, () => result.managers, writer) as never;
        }
        const entry = written(call, table);
        const before = entry.object;
        checkMeta(call, before.metadata as never, metadata);
        const result = applied(table.schema, entry.managers, manager, before, config);
        let next = fitted(table, result.object, before);
        const meta = subresource ? before.metadata : appliedMeta(before.metadata as never, next.metadata as never);
        next = withMeta(next, meta);
        next = shared(before, next) as Stored;
        return storage.replace(call, table, entry, next, result.managers, writer) as never;
      } catch (error) {
        if (error instanceof NotDeclared) {
          throw refusal(call, 500, '', `failed to create typed patch object: ${error.message}`);
        }
        if (!(error instanceof LeftEmpty)) throw error;
        throw invalid(call, error.message);
      }
    },

    delete(type, key, preconditions = {}) {
      const table = storage.table('DELETE', type);
      const entry = storage.entry(table, key);
      if (!entry) return false;
      checkPreconditions({ method: 'DELETE', type, key }, entry.object.metadata, preconditions);
      storage.remove(table, entry, { verb: 'delete', fieldManager: undefined, subresource: undefined });
      return true;
    },

    subscribe(type, { resourceVersion, ...options }, onEvent) {
      const table = storage.table('WATCH', type);
      const call: Call = { method: 'WATCH', type, key: { namespace: options.namespace ?? '' } };
      const from = Number(resourceVersion);
      if (from < storage.oldest()) {
        const why = `too old resource version: ${resourceVersion} (${storage.oldest()})`;
        throw refusal(call, 410, 'Expired', why);
      }
      const subscriber = { matches: selection(call, options), onEvent };
      for (const event of eventsAfter(table, from)) {
        if (subscriber.matches === undefined || subscriber.matches(event.object)) onEvent(event);
      }
      table.subscribers.add(subscriber);
      return () => void table.subscribers.delete(subscriber);
    },

    bookmark() {
      const metadata = { resourceVersion: String(storage.version()) } as ObjectMeta;
      for (const table of storage.tables()) {
        const object = { apiVersion: apiVersionOf(table.type), kind: table.type.kind, metadata };
        storage.tell(table, { type: 'BOOKMARK', object });
      }
    },
    compact: storage.forget,
    onCommit: storage.onCommit,
    define: storage.define,
  };

  /** What is to be written. */
  function written(call: Call, table: Table): Entry {
    if (call.subresource && !table.hasStatus) {
      throw refusal(call, 404, 'NotFound', 'the server could not find the requested resource');
    }
    const entry = storage.entry(table, call.key as Key);
    if (!entry) throw notFound(call);
    return entry;
  }
}

/** An applier, and everybody else by manager and subresource. Who gives no name goes by the name of the client. */
function managerOf(operation: 'Update' | 'Apply', fieldManager = 'freehold', subresource = ''): string {
  return `${fieldManager}/${operation}/${subresource}`;
}

/** The part of a body that is looked at. */
function contentOf({ hasStatus }: Table, body: Patch, subresource: 'status' | undefined): Tree {
  const { metadata: _metadata, apiVersion: _version, kind: _kind, status, ...content } = body;
  if (subresource) return { status };
  return hasStatus ? content : { ...content, status };
}

function withMeta(object: Stored, metadata: ObjectMeta): Stored {
  return withFields(object, { metadata }) as Stored;
}
