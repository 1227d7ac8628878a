import type { KubeApi } from '../../src/kube/types.ts';

/** One write that an operator sent to Kubernetes. */
export interface Write {
  verb: 'create' | 'mergePatch' | 'apply' | 'delete';
  resource: string;
  name: string;
  subresource: string | undefined;
  body: unknown;
}

/** A Kubernetes port that notes every write before it goes out, for Scenario.start. */
export function noteWrites(): { writes: Write[]; wrap: (api: KubeApi) => KubeApi } {
  const writes: Write[] = [];
  const wrap = (api: KubeApi): KubeApi => ({
    get: (type, key) => api.get(type, key),
    list: (type, options) => api.list(type, options),
    watch: (type, options) => api.watch(type, options),
    create(type, object, options) {
      const { name } = object.metadata;
      writes.push({ verb: 'create', resource: type.plural, name, subresource: options?.subresource, body: object });
      return api.create(type, object, options);
    },
    mergePatch(type, { name, namespace }, body, options) {
      writes.push({ verb: 'mergePatch', resource: type.plural, name, subresource: options?.subresource, body });
      return api.mergePatch(type, { name, namespace }, body, options);
    },
    apply(type, { name, namespace }, body, options) {
      writes.push({ verb: 'apply', resource: type.plural, name, subresource: options.subresource, body });
      return api.apply(type, { name, namespace }, body, options);
    },
    delete(type, { name, namespace }, preconditions) {
      writes.push({ verb: 'delete', resource: type.plural, name, subresource: undefined, body: preconditions });
      return api.delete(type, { name, namespace }, preconditions);
    },
  });
  return { writes, wrap };
}
