import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Log } from '../telemetry/log.ts';
import { type Change, createCache } from './cache.ts';
import { createReflector, defaultReflectorTiming, type Interruption, type ReflectorTiming } from './reflector.ts';
import type { KubeApi, KubeObject, ResourceType } from './types.ts';

export type { Change } from './cache.ts';

export interface StoreOptions<T extends KubeObject> {
  api: KubeApi;
  type: ResourceType;
  /** Each gets a list and a watch of its own. Empty: all namespaces, with one of each. */
  namespaces: string[];
  clock: Clock;
  random: Random;
  log?: Log;
  timing?: Partial<ReflectorTiming>;
  /** What is kept of an object. It must keep metadata's name, namespace, uid and resourceVersion. */
  project?: (object: KubeObject) => T;
  onInterruption?: (why: Interruption) => void;
}

/**
 * All objects of one type, kept by list and watch. Objects are shared: whoever gets one must not change it.
 */
export interface Store<T extends KubeObject> {
  /** By `namespace/name`. */
  get(key: string): T | undefined;
  list(): T[];
  readonly size: number;
  /** Every scope was listed at least once (one of several namespaces that answers only 403 is left out). */
  readonly synced: boolean;
  whenSynced(): Promise<void>;
  /**
   * Calls `listener` on every change from now on, in order; returns how to stop that. What it throws is logged. An
   * object that was deleted and made again under its name is a `deleted` and an `added`.
   */
  onChange(listener: (change: Change<T>) => void): () => void;
  /**
   * Lists again and takes in the differences: resolves when the store holds a consistent list that began after this
   * call, whatever the watch was doing (the barrier of a takeover). Waits as long as the API server gives none.
   */
  relist(): Promise<void>;
  /**
   * Takes in the API server's answer to our own write, so that the next look sees it, and no older watch event undoes
   * it. Ignored when it is not newer than what the store was told.
   */
  observe(object: KubeObject): void;
  /** When the quietest scope last heard the API server, by the monotonic clock. Healthy: within some minutes. */
  lastActivity(): number;
  start(): void;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

export function createStore<T extends KubeObject>(options: StoreOptions<T>): Store<T> {
  const { api, type, clock, random, log, project = (object) => object as T, onInterruption } = options;
  const timing = { ...defaultReflectorTiming, ...options.timing };
  const cache = createCache<T>();
  const listeners = new Set<(change: Change<T>) => void>();
  const stopping = new AbortController();
  let running: Promise<unknown> | undefined;
  let synced = false;

  function emit(changes: Change<T>[]): void {
    for (const change of changes) {
      for (const listener of listeners) {
        try {
          listener(change);
        } catch (error) {
          log?.error({ resource: type.plural, err: error }, 'a listener of the store failed');
        }
      }
    }
  }

  const scopes: (string | undefined)[] = options.namespaces.length > 0 ? [...new Set(options.namespaces)] : [undefined];
  const reflectors = new Map(
    scopes.map((namespace) => [
      namespace,
      createReflector<KubeObject>({
        ...{ api, type, namespace, clock, random, log, timing, onInterruption },
        mayBeRefused: scopes.length > 1,
        onList: ({ items, resourceVersion }, rewound) =>
          emit(cache.replace(items.map(project), resourceVersion, { namespace, rewound })),
        onEvent: (event) =>
          emit(event.type === 'BOOKMARK' ? [] : cache.apply({ type: event.type, object: project(event.object) })),
      }),
    ]),
  );

  async function relist(): Promise<void> {
    await Promise.all([...reflectors.values()].map((reflector) => reflector.relist()));
  }

  const firstSync = relist().then(() => {
    synced = true;
  });

  return {
    get: (key) => cache.objects.get(key),
    list: () => [...cache.objects.values()],
    get size() {
      return cache.objects.size;
    },
    get synced() {
      return synced;
    },
    whenSynced: () => firstSync,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    relist,
    observe(object) {
      const reflector = reflectors.get(object.metadata.namespace) ?? reflectors.get(undefined);
      const seen = reflector?.seen();
      // Before the first list there is nothing to compare with, and that list will hold it.
      if (seen !== undefined) {
        emit(cache.observe(project(object), seen));
      }
    },
    lastActivity() {
      const heard = [...reflectors.values()].map((reflector) => reflector.lastActivity());
      return Math.min(...heard.filter((at) => at !== undefined));
    },
    start() {
      running ??= Promise.all([...reflectors.values()].map((reflector) => reflector.run(stopping.signal)));
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
