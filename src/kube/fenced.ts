import type { KubeApi } from './types.ts';

/**
 * `api` whose every mutating call asks `mayWrite` first, and rejects with what that throws (a lost lease) with nothing
 * sent.
 */
export function fenced(api: KubeApi, mayWrite: () => void): KubeApi {
  return {
    get: api.get,
    list: api.list,
    watch: api.watch,
    async create(type, object, options) {
      mayWrite();
      return api.create(type, object, options);
    },
    async mergePatch(type, key, patch, options) {
      mayWrite();
      return api.mergePatch(type, key, patch, options);
    },
    async apply(type, key, object, options) {
      mayWrite();
      return api.apply(type, key, object, options);
    },
    async delete(type, key, preconditions) {
      mayWrite();
      return api.delete(type, key, preconditions);
    },
  };
}
