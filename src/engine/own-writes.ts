import type { Store as KubeStore } from '../kube/store.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Store } from './context.ts';

/** Tells the changes that our own writes make from those of others. */
export interface OwnWrites {
  /** True while our own write is fed into a store: its pass is still running and knows. */
  feeding(): boolean;
  /** What the engine sees of a store. */
  facade<T extends KubeObject>(store: KubeStore<T>): Store<T>;
}

export function createOwnWrites(): OwnWrites {
  let feeding = false;
  return {
    feeding: () => feeding,
    facade: (store) => ({
      get: (key) => store.get(key),
      list: () => store.list(),
      observe(object) {
        feeding = true;
        try {
          store.observe(object);
        } finally {
          feeding = false;
        }
      },
    }),
  };
}
