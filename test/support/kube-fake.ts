import type { Clock } from '../../src/base/clock.ts';
import { type KubeApi, KubeError, type Patch, type ResourceType, type WriteOptions } from '../../src/kube/types.ts';
import { memoryKubeApi } from './memory-kube/api.ts';
import { createMemoryKube } from './memory-kube/memory-kube.ts';

/** One write that reached the API server, refused or not. */
export interface FakeWrite extends Pick<WriteOptions, 'fieldManager' | 'subresource'> {
  verb: 'create' | 'mergePatch' | 'apply' | 'delete';
  plural: string;
  name: string;
  /** The body as sent. */
  body: Patch;
}

export interface FakeKube extends KubeApi {
  writes: FakeWrite[];
  /** Called before a write is carried out: what it throws is the answer. */
  intercept: ((write: FakeWrite) => void) | undefined;
}

const loose = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const conditions = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: loose,
};
const schema = { openAPIV3Schema: { ...loose, properties: { status: { ...loose, properties: { conditions } } } } };

/** The Kubernetes in memory with a record of all writes; a kind needs no definition, and may be made with its status. */
export function createFakeKube(clock: Clock): FakeKube {
  let uids = 0;
  const kube = createMemoryKube({ now: () => clock.now(), uid: () => `uid-${(uids += 1)}` });
  const api = memoryKubeApi(kube);
  const known = new Set<string>();
  function meet({ group, version: name, plural, kind }: ResourceType): KubeApi {
    if (!group.includes('.') || group.endsWith('.k8s.io') || known.has(plural)) return api;
    known.add(plural);
    const versions = [{ name, served: true, storage: true, subresources: { status: {} }, schema }];
    kube.define({ spec: { group, names: { plural, kind }, versions } });
    return api;
  }
  function record(type: ResourceType, write: Omit<FakeWrite, 'plural'>): KubeApi {
    fake.writes.push({ ...write, plural: type.plural, body: structuredClone(write.body) });
    fake.intercept?.(fake.writes.at(-1)!);
    return meet(type);
  }
  const fake: FakeKube = {
    writes: [],
    intercept: undefined,
    get: (type, key) => meet(type).get(type, key),
    list: (type, options) => meet(type).list(type, options),
    watch: (type, options) => meet(type).watch(type, options),
    async create(type, object, options) {
      const { name, namespace = '' } = object.metadata;
      const { status, ...body } = object as unknown as Patch;
      const made = await record(type, { verb: 'create', name, ...options, body }).create(type, object, options);
      return status ? api.mergePatch(type, { name, namespace }, { status }, { subresource: 'status' }) : made;
    },
    async mergePatch(type, key, patch, options) {
      const { uid } = (patch['metadata'] ?? {}) as { uid?: string };
      record(type, { verb: 'mergePatch', name: key.name, ...options, body: patch });
      // A real one goes by the resourceVersion, in which another object of that name always differs; a test changes the uid alone.
      const other = uid !== undefined && (await api.get(type, key))?.metadata.uid !== uid;
      if (other) throw new KubeError(409, 'Conflict', `${key.name} is not ${uid}`);
      return api.mergePatch(type, key, patch, options);
    },
    apply: async (type, key, object, options) =>
      record(type, { verb: 'apply', name: key.name, ...options, body: object }).apply(type, key, object, options),
    delete: async (type, key, preconditions) =>
      record(type, { verb: 'delete', name: key.name, body: { ...preconditions } }).delete(type, key, preconditions),
  };
  return fake;
}
