import type { Resource } from '../../src/engine/resource.ts';
import { typeOf } from '../../src/engine/kind.ts';
import { kinds } from '../../src/kinds.ts';
import { type Lease, leaseType } from '../../src/kube/lease-record.ts';
import { type KubeApi, KubeError, type KubeObject, type ResourceType } from '../../src/kube/types.ts';
import { violationsOf } from '../support/history.ts';
import type { KubeSecret } from '../support/servers.ts';
import { type Life, nameOf, shelfOf, type Spec, type Tenure, type Version } from './records.ts';

const secretType: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const eventType: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event' };

/** What the API server tells of all resources of ours, Secrets, events and the lease: seen past every proxy. */
export interface Watching {
  lives: Map<string, Life>;
  tenures: Tenure[];
  /** Values of all Secrets that there ever were, with where they stood. */
  secrets: Map<string, string>;
  /** Texts that people can read: every status, every event. */
  texts: Set<string>;
  /** Writes to resources, tenants and events so far, newest last, one line each. */
  writes: string[];
  /** The life that goes on under this name. */
  alive(kind: string, namespace: string, name: string): Life | undefined;
  /** A state that was seen elsewhere: the answer to a person's write. */
  seen(resource: Resource): Life;
  stop(): void;
}

export function startWatching(api: KubeApi, namespaces: readonly string[], now: () => number): Watching {
  const stopping = new AbortController();
  const lives = new Map<string, Life>();
  const tenures: Tenure[] = [];
  const secrets = new Map<string, string>();
  const texts = new Set<string>();
  const writes: string[] = [];
  const specs = new Map<string, Spec>();

  /** The same spec is kept once. */
  function kept(spec: Spec): Spec {
    const text = JSON.stringify(spec);
    const known = specs.get(text) ?? spec;
    specs.set(text, known);
    return known;
  }

  function lifeOf({ kind, metadata }: Resource): Life {
    const { uid = '', namespace = '', name } = metadata;
    const life = lives.get(uid) ?? { uid, kind, namespace, name, words: [], versions: [] };
    lives.set(uid, life);
    return life;
  }

  function onResource(resource: Resource, gone: boolean): void {
    const { resourceVersion = '', generation = 0, annotations = {}, deletionTimestamp } = resource.metadata;
    if (resource.status) texts.add(JSON.stringify([resource.kind, resource.metadata.name, resource.status]));
    if (!(resource.kind in shelfOf)) {
      writes.push(`${resource.kind}/${resource.metadata.namespace}/${resource.metadata.name}@${resourceVersion}`);
      return;
    }
    const life = lifeOf(resource);
    if (gone) {
      life.goneAt = now();
      delete life.now;
      return;
    }
    if (life.goneAt !== undefined || Number(life.now?.metadata.resourceVersion ?? 0) >= Number(resourceVersion)) return;
    const { status } = resource;
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    const resolve = annotations['freehold.dev/resolve'];
    const version: Version = {
      at: now(),
      resourceVersion,
      generation,
      spec: kept(resource.spec as Spec),
      deleting: deletionTimestamp !== undefined,
      ready: ready?.status === 'True' && ready.observedGeneration === generation,
      flaws: violationsOf(resource),
      ...(resolve !== undefined && { resolve }),
      ...(status?.externalID !== undefined && { externalID: status.externalID }),
      ...(ready && { reason: ready.reason }),
    };
    life.versions.push(version);
    life.now = resource;
    writes.push(`${nameOf(life)}@${resourceVersion} ${version.reason ?? ''}`);
  }

  function onSecret({ metadata, data }: KubeSecret): void {
    for (const [key, value] of Object.entries(data ?? {}))
      secrets.set(Buffer.from(value, 'base64').toString(), `${metadata.namespace}/${metadata.name} ${key}`);
  }

  function onLease({ metadata, spec }: Lease): void {
    const { holderIdentity: holder, acquireTime } = spec;
    if (!metadata.name.startsWith('freehold') || !holder || acquireTime === undefined) return;
    if (tenures.at(-1)?.holder !== holder) tenures.push({ holder, acquiredAt: Date.parse(acquireTime) });
  }

  /** Lists, then watches, for ever: the API server is killed under it. */
  async function follow(type: ResourceType, on: (object: never, gone: boolean) => void): Promise<void> {
    let from: string | undefined;
    const known = new Map<string, KubeObject>();
    const note = (object: KubeObject, gone: boolean) => {
      const uid = object.metadata.uid ?? '';
      if (gone) known.delete(uid);
      else known.set(uid, object);
      on(object as never, gone);
    };
    while (!stopping.signal.aborted) {
      try {
        if (from === undefined) {
          const { items, resourceVersion } = await api.list(type);
          const listed = new Set(items.map(({ metadata }) => metadata.uid));
          for (const object of known.values()) if (!listed.has(object.metadata.uid)) note(object, true);
          for (const item of items) note(item, false);
          from = resourceVersion;
        }
        const options = { resourceVersion: from, timeoutSeconds: 600, signal: stopping.signal };
        for await (const { type: what, object } of api.watch(type, options)) {
          from = object.metadata.resourceVersion ?? from;
          if (what !== 'BOOKMARK') note(object, what === 'DELETED');
        }
      } catch (error) {
        if (error instanceof KubeError && [410, 400, 504].includes(error.status)) from = undefined;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  const inside = ({ metadata }: KubeObject) => namespaces.includes(metadata.namespace ?? '');
  for (const kind of kinds)
    void follow(typeOf(kind), (object: Resource, gone) => inside(object) && onResource(object, gone));
  void follow(secretType, (object: KubeSecret) => inside(object) && onSecret(object));
  void follow(eventType, (object: KubeObject, gone) => {
    if (!inside(object) || gone) return;
    texts.add(JSON.stringify({ ...object, metadata: undefined }));
    const { reason, regarding } = object as KubeObject & { reason?: string; regarding?: { name: string } };
    writes.push(
      `Event ${reason} of ${object.metadata.namespace}/${regarding?.name}@${object.metadata.resourceVersion}`,
    );
  });
  void follow(leaseType, onLease);

  return {
    lives,
    tenures,
    secrets,
    texts,
    writes,
    alive: (kind, namespace, name) =>
      [...lives.values()].findLast(
        (life) => life.kind === kind && life.namespace === namespace && life.name === name && life.goneAt === undefined,
      ),
    seen(resource) {
      onResource(resource, false);
      return lifeOf(resource);
    },
    stop: () => stopping.abort(),
  };
}
