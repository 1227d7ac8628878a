import { setTimeout as sleep } from 'node:timers/promises';
import { typeOf } from '../src/engine/kind.ts';
import type { Resource } from '../src/engine/resource.ts';
import { remoteKinds } from '../src/kinds.ts';
import type { KubeClient } from '../src/kube/client.ts';
import { KubeError, type KubeObject, type ResourceType } from '../src/kube/types.ts';
import { letters, namespace, secretType } from './manifests.ts';
import { kindNames, type KindName } from './scenario.ts';

interface Seen {
  kind: KindName;
  name: string;
  isReady: boolean;
  /** Of the last change to or from Ready, `performance.now()`. */
  at: number;
}

/** What the API server tells of resources and Secrets, as it happens. */
export interface Following {
  /** By name. */
  resources: Map<string, Seen>;
  /** States that were written after the first one, by kind; a write that changes nothing makes none. */
  written: Record<string, number>;
  ready(): number;
  stop(): void;
}

/** Follows the namespace of the benchmark, which is empty yet, with one watch a kind. */
export async function follow(api: KubeClient): Promise<Following> {
  const stopping = new AbortController();
  const resources = new Map<string, Seen>();
  const written: Record<string, number> = {};
  let ready = 0;

  function onResource({ kind, metadata, status }: Resource, gone: boolean): void {
    const before = resources.get(metadata.name);
    const condition = status?.conditions?.find(({ type }) => type === 'Ready');
    const isReady = !gone && condition?.status === 'True' && condition.observedGeneration === metadata.generation;
    if ((before?.isReady ?? false) !== isReady) ready += isReady ? 1 : -1;
    if (gone) {
      resources.delete(metadata.name);
      return;
    }
    if (before) count(kind);
    const at = before?.isReady === isReady ? before.at : performance.now();
    resources.set(metadata.name, { kind: kind as KindName, name: metadata.name, isReady, at });
  }

  function count(what: string): void {
    written[what] = (written[what] ?? 0) + 1;
  }

  function onSecret({ metadata }: KubeObject, gone: boolean): void {
    const kind = kindNames.find((name) => metadata.name.startsWith(`${letters[name]}-`));
    if (kind && !gone) count(`Secret of ${kind}`);
  }

  async function watchAll(type: ResourceType, on: (object: never, gone: boolean) => void): Promise<void> {
    const { resourceVersion } = await api.list(type, { namespace });
    void watchFrom(resourceVersion, type, on);
  }

  async function watchFrom(begin: string, type: ResourceType, on: (object: never, gone: boolean) => void) {
    let from = begin;
    let isEmpty = true;
    while (!stopping.signal.aborted) {
      try {
        const options = { namespace, resourceVersion: from, timeoutSeconds: 3600, signal: stopping.signal };
        for await (const { type: what, object } of api.watch(type, options)) {
          from = object.metadata.resourceVersion ?? from;
          if (what === 'BOOKMARK') continue;
          isEmpty = false;
          on(object as never, what === 'DELETED');
        }
      } catch (error) {
        if (!(error instanceof KubeError)) continue;
        // So says the API server of a kind that was just defined.
        if (error.status === 429) {
          await sleep(error.retryAfter ?? 500);
          continue;
        }
        // The cache of a kind that was just defined may begin after our list of nothing. Later, a benchmark that lost
        // sight of its resources measures nothing.
        if (error.status !== 410 || !isEmpty) throw error;
        const { items, resourceVersion } = await api.list(type, { namespace });
        for (const item of items) on(item as never, false);
        from = resourceVersion;
      }
    }
  }

  await Promise.all([...remoteKinds.map((kind) => watchAll(typeOf(kind), onResource)), watchAll(secretType, onSecret)]);
  return { resources, written, ready: () => ready, stop: () => stopping.abort() };
}
