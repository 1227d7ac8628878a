import type { Clock } from '../../src/base/clock.ts';
import { timestamp } from '../../src/base/clock.ts';
import {
  type KubeApi,
  KubeError,
  type Key,
  type KubeObject,
  type Patch,
  type ResourceType,
  type WatchEvent,
} from '../../src/kube/types.ts';

type Verb = 'create' | 'mergePatch' | 'apply' | 'delete';
type Stored = KubeObject & { spec?: unknown; status?: Record<string, unknown>; [field: string]: unknown };

/** One write that reached the API server, refused or not. */
export interface FakeWrite {
  verb: Verb;
  plural: string;
  name: string;
  fieldManager: string | undefined;
  subresource: 'status' | undefined;
  /** The body as sent. */
  body: Patch;
}

export interface FakeKube extends KubeApi {
  writes: FakeWrite[];
  /** Called before a write is carried out: what it throws is the answer. */
  intercept: ((write: FakeWrite) => void) | undefined;
}

/**
 * The few habits of an API server that the engine's logic rests on, in memory: resource versions, locks, generations,
 * finalizers, the status subresource with its field managers, watches. Whatever is finer than that is asked of the real one,
 * in test/integration.
 */
export function createFakeKube(clock: Clock): FakeKube {
  const objects = new Map<string, Stored>();
  const managed = new Map<string, Set<string>>();
  const history: { plural: string; version: number; event: WatchEvent<KubeObject> }[] = [];
  const waiting = new Set<() => void>();
  let version = 100;

  const pathOf = (type: ResourceType, { namespace, name }: Key) => `${type.group}/${type.plural}/${namespace}/${name}`;
  const missing = (name: string) => new KubeError(404, 'NotFound', `${name} not found`);
  const conflict = (why: string) => new KubeError(409, 'Conflict', why);

  function tell(type: ResourceType, kind: 'ADDED' | 'MODIFIED' | 'DELETED', object: Stored): void {
    history.push({ plural: type.plural, version, event: { type: kind, object: structuredClone(object) } });
    for (const wake of waiting) wake();
    waiting.clear();
  }

  function save(type: ResourceType, path: string, before: Stored, after: Stored): Stored {
    if (after.metadata.deletionTimestamp !== undefined && (after.metadata.finalizers ?? []).length === 0) {
      objects.delete(path);
      after.metadata.resourceVersion = String(++version);
      tell(type, 'DELETED', after);
      return structuredClone(after);
    }
    if (JSON.stringify(before) !== JSON.stringify(after)) {
      if (JSON.stringify(before.spec) !== JSON.stringify(after.spec))
        after.metadata.generation = (after.metadata.generation ?? 0) + 1;
      after.metadata.resourceVersion = String(++version);
      objects.set(path, after);
      tell(type, 'MODIFIED', after);
    }
    return structuredClone(after);
  }

  function locked(type: ResourceType, key: Key, lock: { uid?: string; resourceVersion?: string } | undefined): Stored {
    const stored = objects.get(pathOf(type, key));
    if (!stored) throw missing(key.name);
    for (const field of ['uid', 'resourceVersion'] as const) {
      if (lock?.[field] !== undefined && lock[field] !== stored.metadata[field])
        throw conflict(`${field} is ${stored.metadata[field]}, not ${lock[field]}`);
    }
    return stored;
  }

  function record(write: FakeWrite): void {
    fake.writes.push(structuredClone(write));
    fake.intercept?.(write);
  }

  const fake: FakeKube = {
    writes: [],
    intercept: undefined,
    async get<T extends KubeObject>(type: ResourceType, key: Key) {
      const stored = objects.get(pathOf(type, key));
      return stored && (structuredClone(stored) as unknown as T);
    },
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the port's signature
    async list<T extends KubeObject>(type: ResourceType) {
      const items = [...objects].filter(([path]) => path.startsWith(`${type.group}/${type.plural}/`));
      return {
        items: items.map(([, object]) => structuredClone(object) as unknown as T),
        resourceVersion: String(version),
      };
    },
    async create(type, object, { fieldManager, subresource } = {}) {
      const { name, namespace = '' } = object.metadata;
      record({
        verb: 'create',
        plural: type.plural,
        name,
        fieldManager,
        subresource,
        body: object as unknown as Patch,
      });
      const path = pathOf(type, { namespace, name });
      if (objects.has(path)) throw new KubeError(409, 'AlreadyExists', `${name} already exists`);
      const { stringData, ...rest } = structuredClone(object) as unknown as Stored & { stringData?: object };
      const encoded = Object.entries(stringData ?? {}).map(([key, value]) => [
        key,
        Buffer.from(String(value)).toString('base64'),
      ]);
      const stored: Stored = {
        ...rest,
        ...(stringData && { data: Object.fromEntries(encoded) }),
        metadata: {
          ...rest.metadata,
          uid: `uid-${++version}`,
          resourceVersion: String(version),
          generation: 1,
          creationTimestamp: timestamp(clock.now()),
        },
      };
      objects.set(path, stored);
      tell(type, 'ADDED', stored);
      return structuredClone(stored) as never;
    },
    async mergePatch(type, key, patch, { fieldManager, subresource } = {}) {
      record({ verb: 'mergePatch', plural: type.plural, name: key.name, fieldManager, subresource, body: patch });
      const before = locked(type, key, patch['metadata'] as Patch | undefined);
      const { status, ...others } = patch;
      const { uid: _uid, resourceVersion: _version, ...metadata } = (others['metadata'] ?? {}) as Patch;
      const wanted = subresource ? { status } : { ...others, metadata };
      return save(type, pathOf(type, key), before, merged(before, wanted) as Stored) as never;
    },
    async apply(type, key, object, { fieldManager, subresource }) {
      record({ verb: 'apply', plural: type.plural, name: key.name, fieldManager, subresource, body: object });
      if (subresource !== 'status') throw new Error('the fake applies the status only');
      const before = locked(type, key, object['metadata'] as Patch);
      const status = structuredClone(object['status']) as Record<string, unknown>;
      const owner = `${before.metadata.uid}/${fieldManager}`;
      const former = managed.get(owner) ?? new Set();
      managed.set(owner, new Set(Object.keys(status)));
      const kept = Object.entries(before.status ?? {}).filter(([field]) => !former.has(field));
      const after = { ...structuredClone(before), status: { ...Object.fromEntries(kept), ...status } };
      return save(type, pathOf(type, key), before, after) as never;
    },
    async delete(type, key, preconditions) {
      record({
        verb: 'delete',
        plural: type.plural,
        name: key.name,
        fieldManager: undefined,
        subresource: undefined,
        body: { ...preconditions },
      });
      if (!objects.has(pathOf(type, key))) return false;
      const before = locked(type, key, preconditions);
      const after = structuredClone(before);
      after.metadata.deletionTimestamp ??= timestamp(clock.now());
      save(type, pathOf(type, key), before, after);
      return true;
    },
    async *watch<T extends KubeObject>(
      type: ResourceType,
      { resourceVersion, signal }: { resourceVersion: string; signal: AbortSignal },
    ) {
      let next = history.findIndex((entry) => entry.version > Number(resourceVersion));
      if (next < 0) next = history.length;
      const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      while (!signal.aborted) {
        const entry = history[next];
        if (entry === undefined) {
          // oxlint-disable-next-line eslint/no-await-in-loop -- one event after the other
          await Promise.race([ended, new Promise<void>((resolve) => waiting.add(resolve))]);
          continue;
        }
        next += 1;
        if (entry.plural === type.plural) yield structuredClone(entry.event) as unknown as WatchEvent<T>;
      }
    },
  };
  return fake;
}

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return structuredClone(patch);
  const object = target !== null && typeof target === 'object' && !Array.isArray(target) ? target : {};
  const result: Record<string, unknown> = structuredClone(object) as Record<string, unknown>;
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete result[field];
    else if (value !== undefined) result[field] = merged(result[field], value);
  }
  return result;
}
