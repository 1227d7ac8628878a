import { asList, asObject } from './answers.ts';
import { createKubeHttp, type KubeHttpOptions, type KubeRequest } from './http.ts';
import {
  KubeError,
  type KubeApi,
  type KubeObject,
  KubeUnreachable,
  type Key,
  type ListOptions,
  type ListResult,
  type ResourceType,
  type WatchOptions,
  type WriteOptions,
} from './types.ts';
import { watchEvents } from './watch.ts';

export interface KubeClient extends KubeApi {
  /** Ends whatever is under way, and lets go of the connections: wait for your calls first. */
  close(): Promise<void>;
}

/** More pages than any list has. */
const mostPages = 1_000;

/** The Kubernetes port over HTTP. */
export function createKubeClient(options: KubeHttpOptions): KubeClient {
  const http = createKubeHttp(options);

  async function send<T extends KubeObject>(request: KubeRequest): Promise<T> {
    return withoutManagedFields(asObject(await http.send(request), request.target) as T);
  }

  async function listOnce<T extends KubeObject>(type: ResourceType, options: ListOptions): Promise<ListResult<T>> {
    const { namespace, labelSelector, fieldSelector, limit = 500 } = options;
    const items: T[] = [];
    const tokens = new Set<string>();
    for (let token: string | undefined; ; ) {
      const query = queryOf({ labelSelector, fieldSelector, limit, continue: token });
      const request = requestOf('GET', type, { namespace }, query);
      const { items: page, metadata } = asList<T>(await http.send(request), request.target);
      for (const item of page ?? []) {
        // Built-in types come without these two inside a list.
        item.apiVersion ??= apiVersionOf(type);
        item.kind ??= type.kind;
        items.push(withoutManagedFields(item));
      }
      if (!metadata.continue) {
        return { items, resourceVersion: metadata.resourceVersion };
      }
      if (tokens.has(metadata.continue) || tokens.size === mostPages) {
        throw new KubeUnreachable(`LIST ${request.target}: the pages of the list do not end`, undefined);
      }
      token = metadata.continue;
      tokens.add(token);
    }
  }

  return {
    async get(type, key) {
      try {
        return await send(requestOf('GET', type, key));
      } catch (error) {
        return ifNotFound(error, undefined);
      }
    },
    async list(type, options = {}) {
      try {
        return await listOnce(type, options);
      } catch (error) {
        if (error instanceof KubeError && error.status === 410) {
          return listOnce(type, options);
        }
        throw error;
      }
    },
    create(type, object, options) {
      const { namespace } = object.metadata;
      const request = requestOf('POST', type, { namespace }, writeQuery(options), options?.subresource);
      return send({ ...request, body: { contentType: 'application/json', content: object } });
    },
    mergePatch(type, key, patch, options) {
      const request = requestOf('PATCH', type, key, writeQuery(options), options?.subresource);
      return send({ ...request, body: { contentType: 'application/merge-patch+json', content: patch } });
    },
    apply(type, key, object, options) {
      const query = writeQuery(options, { force: true });
      const request = requestOf('PATCH', type, key, query, options.subresource);
      // JSON is YAML.
      return send({ ...request, body: { contentType: 'application/apply-patch+yaml', content: object } });
    },
    async delete(type, key, preconditions) {
      const content = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
      try {
        await http.send({ ...requestOf('DELETE', type, key), body: { contentType: 'application/json', content } });
        return true;
      } catch (error) {
        return ifNotFound(error, false);
      }
    },
    async *watch<T extends KubeObject>(type: ResourceType, options: WatchOptions) {
      const { namespace, fieldSelector, resourceVersion, timeoutSeconds, signal } = options;
      const query = queryOf({ watch: true, allowWatchBookmarks: true, fieldSelector, resourceVersion, timeoutSeconds });
      const request = requestOf('GET', type, { namespace }, query);
      try {
        for await (const event of watchEvents<T>(await http.stream(request, signal), request.target)) {
          withoutManagedFields(event.object);
          yield event;
        }
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (error instanceof KubeError || error instanceof KubeUnreachable) {
          throw error;
        }
        throw new KubeUnreachable(`WATCH ${request.target}: broke off: ${(error as Error).message}`, error);
      }
    },
    close: () => http.close(),
  };
}

/** `v1`, `sdpf.freehold.dev/v1alpha1`. */
function apiVersionOf({ group, version }: ResourceType): string {
  return group ? `${group}/${version}` : version;
}

function requestOf(
  method: KubeRequest['method'],
  type: ResourceType,
  { namespace, name }: Partial<Key>,
  query = '',
  subresource?: string,
): KubeRequest {
  const parts = [namespace && `namespaces/${encodeURIComponent(namespace)}`, type.plural];
  parts.push(name && encodeURIComponent(name), subresource);
  const root = type.group ? '/apis' : '/api';
  return {
    method,
    path: `${root}/${apiVersionOf(type)}/${parts.filter(Boolean).join('/')}${query}`,
    target: [type.group ? `${type.plural}.${type.group}` : type.plural, namespace, name, subresource]
      .filter(Boolean)
      .join('/'),
  };
}

function writeQuery(options: WriteOptions | undefined, more: { force?: boolean } = {}): string {
  return queryOf({ fieldManager: options?.fieldManager, ...more });
}

function queryOf(values: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) {
      query.set(name, String(value));
    }
  }
  return query.size > 0 ? `?${query.toString()}` : '';
}

/** Only the object's own 404: one without the reason says that the type is not served, which proves nothing of an object. */
function ifNotFound<T>(error: unknown, value: T): T {
  if (error instanceof KubeError && error.status === 404 && error.reason === 'NotFound') {
    return value;
  }
  throw error;
}

/** Half of an object's bytes, and nobody here reads them. Assigned: `delete` would turn it into a slow dictionary. */
function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata?.managedFields !== undefined) {
    object.metadata.managedFields = undefined;
  }
  return object;
}
