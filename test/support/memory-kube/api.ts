import type { KubeApi, KubeObject, ResourceType, WatchEvent, WatchOptions } from '../../../src/kube/types.ts';
import type { MemoryKube } from './memory-kube.ts';

/** The port, answering in a microtask. A watch lasts until its signal aborts. */
export function memoryKubeApi(kube: MemoryKube): KubeApi {
  return {
    get: async (type, key) => kube.get(type, key),
    list: async (type, options) => kube.list(type, options),
    create: async (type, object, options) => kube.create(type, object, options),
    mergePatch: async (type, key, patch, options) => kube.mergePatch(type, key, patch, options),
    apply: async (type, key, object, options) => kube.apply(type, key, object, options),
    delete: async (type, key, preconditions) => kube.delete(type, key, preconditions),
    watch: (type, options) => watch(kube, type, options),
  };
}

async function* watch<T extends KubeObject>(
  kube: MemoryKube,
  type: ResourceType,
  { signal, timeoutSeconds: _ends, ...selection }: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const waiting: WatchEvent<T>[] = [];
  let wake = () => {};
  const end = kube.subscribe(type, selection, (event) => {
    waiting.push(event as WatchEvent<T>);
    wake();
  });
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted) {
      const next = waiting.shift();
      if (next) yield next;
      // oxlint-disable-next-line eslint/no-await-in-loop -- one event after the other
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    end();
  }
}
