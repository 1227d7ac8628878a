import {
  type KubeApi,
  KubeError,
  type KubeObject,
  KubeUnreachable,
  type Key,
  type ResourceType,
  type WatchEvent,
  type WatchOptions,
} from '../../src/kube/types.ts';
import type { MemoryKube } from '../support/memory-kube/memory-kube.ts';
import type { Channel } from './history.ts';
import type { Crossing, Network } from './network.ts';
import type { Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import type { Tell } from './trace.ts';

/** A change that a process asks of Kubernetes. */
export interface Sent {
  verb: string;
  type: ResourceType;
  /** The object or patch; absent of a delete. */
  body?: object;
  subresource?: 'status' | undefined;
}

export interface KubeNetworkOptions {
  /** The API server that stands there now; a rebuilt cluster has another one. */
  kube: () => MemoryKube;
  process: Process;
  network: Network;
  scheduler: Scheduler;
  tell: Tell;
  /** Before something of this process is sent that changes anything. */
  onSend(sent: Sent): void;
  /** When it is told a whole list that it began to ask for at `begunAt`. */
  onListed(type: ResourceType, begunAt: number): void;
  /** Open watches: calling one breaks it. */
  connections: Set<() => void>;
  /** While its effect is carried out. */
  writing(process: Process | undefined): void;
}

/** As the client's own, milliseconds. */
const deadline = 30_000;

/** The way from one process to the API server, with what can go wrong on it. */
export function kubeThrough(options: KubeNetworkOptions): KubeApi {
  const { process, network, scheduler, tell } = options;

  function channelOf(type: ResourceType, change: boolean): Channel {
    if (type.plural === 'leases') return 'lease';
    if (type.plural === 'events') return 'event';
    return change ? 'write' : 'read';
  }

  function call<T>(
    verb: string,
    type: ResourceType,
    key: Partial<Key>,
    effect: (kube: MemoryKube) => T,
    said: Pick<Sent, 'body' | 'subresource'> = {},
  ): Promise<T> {
    const change = verb !== 'get' && verb !== 'list';
    if (!process.alive) return new Promise(() => {});
    const what = () => `${verb} ${type.plural}${key.name === undefined ? '' : ` ${key.namespace}/${key.name}`}`;
    const crossing = network.cross(channelOf(type, change), process);
    const { fault, there, back } = crossing;
    tell(process, () => `→ ${what()}${faultText(crossing)}`);
    if (change) options.onSend({ verb, type, ...said });
    if (fault?.what === 'crash-before') {
      process.kill();
      return new Promise(() => {});
    }
    if (fault?.what === 'stop-before') process.pause((fault.for ?? 30) * 1000);
    return new Promise<T>((resolve, reject) => {
      const now = scheduler.now();
      let over = false;
      let timeout: { cancel(): void } | undefined = undefined;
      const answer = (time: number, how: () => void, says: () => string) =>
        process.deliver(time, () => {
          if (over) return;
          over = true;
          timeout?.cancel();
          tell(process, () => `← ${what()}: ${says()}`);
          how();
        });
      const fail = (time: number, error: Error) =>
        answer(
          time,
          () => reject(error),
          () => error.message,
        );
      if (network.weather('kube-down', process) || fault?.what === 'refuse') {
        fail(now + there, new KubeUnreachable('connection refused', undefined));
        return;
      }
      timeout = answer(
        now + deadline,
        () => reject(new KubeUnreachable('no answer within 30 s', undefined)),
        () => 'no answer within 30 s',
      );
      const early = fault && refusalBefore(fault.what);
      if (early) {
        fail(now + there + back, early);
        return;
      }
      if (fault?.what === 'silence-before') return;
      const delay = fault?.what === 'late' ? (fault.for ?? 40) * 1000 : 0;
      const server = options.kube();
      scheduler.at(now + there + delay, () => {
        // Whatever was on its way to a cluster that is gone is gone with it.
        if (options.kube() !== server) return;
        if (fault?.what === 'touched' && key.name !== undefined) touch(server, type, key as Key);
        const at = scheduler.now();
        let result: T;
        options.writing(process);
        try {
          result = effect(server);
        } catch (error) {
          if (!(error instanceof KubeError)) throw error;
          if (fault?.what === 'crash-after') process.kill();
          fail(at + back, error);
          return;
        } finally {
          options.writing(undefined);
        }
        if (fault?.what === 'crash-after') process.kill();
        if (fault?.what === 'stop-after') process.pause((fault.for ?? 30) * 1000);
        if (fault?.what === 'silence-after') return;
        const lost = fault && refusalAfter(fault.what);
        if (lost) fail(at + back, lost);
        else
          answer(
            at + back + (fault?.what === 'slow' ? (fault.for ?? 10) * 1000 : 0),
            () => resolve(result),
            () => 'ok',
          );
      });
    });
  }

  /** Somebody's controller sets a label. */
  function touch(server: MemoryKube, type: ResourceType, key: Key): void {
    if (server.get(type, key) === undefined) return;
    server.mergePatch(type, key, { metadata: { labels: { touched: String(scheduler.now()) } } }, {});
  }

  async function* watch<T extends KubeObject>(
    type: ResourceType,
    watched: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { signal, timeoutSeconds, ...where } = watched;
    // An abort that was before is never heard as an event.
    if (signal.aborted) return;
    const buffer: WatchEvent<T>[] = [];
    let end: Error | true | undefined;
    let wake = () => {};
    let unsubscribe = () => {};
    /** Events of one watch never overtake each other. */
    let last = 0;
    const finish = (how: Error | true) => {
      unsubscribe();
      end ??= how;
      wake();
    };
    const stop = () => finish(true);
    signal.addEventListener('abort', stop, { once: true });
    const { there } = network.cross('read', process);
    if (network.weather('kube-down', process)) finish(new KubeUnreachable('connection refused', undefined));
    const server = options.kube();
    const open = process.deliver(scheduler.now() + there, () => {
      if (signal.aborted || end) return;
      try {
        const leave = server.subscribe(type, where, (event) => {
          if (end) return;
          const crossing = network.cross('watch', process);
          const lag = (network.weather('watch-lag', process)?.by ?? 0) * 1000;
          last = Math.max(last, scheduler.now() + crossing.there + lag);
          const { fault } = crossing;
          if (fault?.what === 'crash-before') process.kill();
          if (fault?.what === 'broken') return finish(new KubeUnreachable('the watch broke', undefined));
          if (fault?.what === 'expired') return finish(new KubeError(410, 'Expired', 'too old resource version'));
          process.deliver(last, () => {
            if (end) return;
            buffer.push(event as WatchEvent<T>);
            wake();
          });
        });
        // It may have broken while it was told what had happened before.
        if (end) leave();
        else unsubscribe = leave;
      } catch (error) {
        finish(error as Error);
      }
    });
    const timeout = process.deliver(scheduler.now() + timeoutSeconds * 1000, () => finish(true));
    const broken = () => finish(new KubeUnreachable('the connection broke', undefined));
    options.connections.add(broken);
    process.onKill(() => {
      unsubscribe();
      options.connections.delete(broken);
    });
    try {
      for (;;) {
        while (buffer.length > 0) yield buffer.shift()!;
        if (end instanceof Error) throw end;
        if (end) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', stop);
      options.connections.delete(broken);
      for (const timer of [open, timeout]) timer.cancel();
      finish(true);
    }
  }

  return {
    get: (type, key) => call('get', type, key, (kube) => kube.get(type, key)) as never,
    async list(type, listed) {
      const begunAt = scheduler.now();
      const result = await call('list', type, {}, (kube) => kube.list(type, listed));
      options.onListed(type, begunAt);
      return result as never;
    },
    create: (type, object, how) => {
      const { name, namespace = '' } = object.metadata;
      return call('create', type, { name, namespace }, (kube) => kube.create(type, object, how)) as never;
    },
    mergePatch: (type, key, patch, how) =>
      call('patch', type, key, (kube) => kube.mergePatch(type, key, patch, how), said(patch, how)) as never,
    apply: (type, key, object, how) =>
      call('apply', type, key, (kube) => kube.apply(type, key, object, how), said(object, how)) as never,
    delete: (type, key, preconditions) =>
      call('delete', type, key, (kube) => kube.delete(type, key, preconditions)) as never,
    watch: (type, watched) => watch(type, watched),
  };
}

const said = (body: object, how: { subresource?: 'status' } = {}) => ({ body, subresource: how.subresource });

function refusalBefore(what: string): Error | undefined {
  switch (what) {
    case 'reset-before':
      return new KubeUnreachable('connection reset', undefined);
    case '503-before':
      return new KubeError(503, 'ServiceUnavailable', 'the API server is starting');
    case '429-before':
      return new KubeError(429, 'TooManyRequests', 'too many requests', 1000);
    case '500-before':
      return new KubeError(500, 'InternalError', 'etcdserver: request timed out');
    default:
      return undefined;
  }
}

function refusalAfter(what: string): Error | undefined {
  switch (what) {
    case 'reset-after':
      return new KubeUnreachable('connection reset', undefined);
    case '500-after':
      return new KubeError(500, 'InternalError', 'etcdserver: request timed out');
    default:
      return undefined;
  }
}

export function faultText({ fault }: Crossing): string {
  return fault
    ? `  !! ${fault.what}${fault.for === undefined ? '' : ` ${fault.for} s`} (${fault.on} ${fault.nth})`
    : '';
}
