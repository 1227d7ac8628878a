import type { Lease } from '../../src/kube/lease-record.ts';
import { type KubeApi, KubeError, KubeUnreachable, type WatchEvent } from '../../src/kube/types.ts';

/** One Lease behind the Kubernetes port, with the API server's locking; any number of clients. */
export interface LeaseServer {
  lease: Lease | undefined;
  /** Every write that was taken. */
  writes: Lease[];
  /** Changes it as somebody else would. */
  edit(spec: Partial<Lease['spec']>): void;
  remove(): void;
  /** A way to it with levers of its own. */
  client(): LeaseClient;
}

export interface LeaseClient {
  api: KubeApi;
  /** Calls are not answered while true; those that wait are answered when it ends. */
  hang: boolean;
  /** Calls fail while true. */
  broken: boolean;
  /** Watches take no events while true. */
  deaf: boolean;
  calls: number;
}

export function leaseServer(): LeaseServer {
  let version = 100;
  const watchers = new Set<(event: WatchEvent<Lease>) => void>();
  const history: WatchEvent<Lease>[] = [];
  const copy = <T>(value: T): T => structuredClone(value);

  const server: LeaseServer = {
    lease: undefined,
    writes: [],
    edit(spec) {
      put({ ...server.lease!, spec: { ...server.lease!.spec, ...spec } });
    },
    remove() {
      const object = server.lease!;
      server.lease = undefined;
      object.metadata.resourceVersion = String(++version);
      publish({ type: 'DELETED', object });
    },
    client,
  };

  function publish({ type, object }: WatchEvent<Lease>): void {
    history.push({ type, object: copy(object) });
    for (const tell of watchers) {
      tell({ type, object: copy(object) });
    }
  }

  function put(lease: Lease): Lease {
    const type = server.lease ? 'MODIFIED' : 'ADDED';
    server.lease = copy({ ...lease, metadata: { ...lease.metadata, uid: 'u', resourceVersion: String(++version) } });
    server.writes.push(copy(server.lease));
    publish({ type, object: server.lease });
    return copy(server.lease);
  }

  function client(): LeaseClient {
    const levers: LeaseClient = { api: undefined as never, hang: false, broken: false, deaf: false, calls: 0 };

    async function reach(): Promise<void> {
      levers.calls += 1;
      await new Promise((resolve) => setImmediate(resolve));
      while (levers.hang) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      if (levers.broken) {
        throw new KubeUnreachable('no answer', undefined);
      }
    }

    const api: Partial<KubeApi> = {
      async get() {
        await reach();
        return copy(server.lease) as never;
      },
      async create(_type, object) {
        await reach();
        if (server.lease) {
          throw new KubeError(409, 'AlreadyExists', 'exists');
        }
        return put(object as never) as never;
      },
      async mergePatch(_type, _key, patch) {
        await reach();
        const { metadata, spec } = patch as unknown as Lease;
        if (!server.lease) {
          throw new KubeError(404, 'NotFound', 'no such lease');
        }
        if (metadata.resourceVersion !== server.lease.metadata.resourceVersion) {
          throw new KubeError(409, 'Conflict', 'modified');
        }
        return put({ ...server.lease, spec: { ...server.lease.spec, ...spec } }) as never;
      },
      async *watch(_type, { signal, resourceVersion }) {
        const later = ({ object }: WatchEvent<Lease>) =>
          Number(object.metadata.resourceVersion) > Number(resourceVersion);
        const waiting = history.filter(later).map(copy);
        let wake = () => {};
        const tell = (event: WatchEvent<Lease>) => {
          waiting.push(event);
          wake();
        };
        watchers.add(tell);
        signal.addEventListener('abort', () => wake());
        try {
          while (!signal.aborted) {
            const event = levers.deaf ? undefined : waiting.shift();
            if (event) {
              yield event as never;
            } else {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
            }
          }
        } finally {
          watchers.delete(tell);
        }
      },
    };
    levers.api = api as KubeApi;
    return levers;
  }

  return server;
}
