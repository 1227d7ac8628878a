import { Agent, Client } from 'undici';
import type { Dispatcher } from 'undici';
import { Secret } from '../base/secret.ts';
import type { Clock } from '../base/clock.ts';
import { TransportError } from './transport.ts';
import type { HttpRequest, HttpResponse, RemoteTransport, TransportFailure } from './transport.ts';

export interface TransportOptions {
  clock: Clock;
  /** Connections kept to one origin for reads; default 4. */
  connections?: number;
}

/** CA bundles with a pool of their own, at most; the oldest pool is closed when a rotation brings one more. */
const mostPools = 32;

/**
 * The remote transport over HTTP/1.1. Reads share pooled keep-alive connections; a mutating call (one with `begin`) has a
 * connection of its own, closed afterwards. HTTP/2 is off: there one connection's end tears several calls with it.
 */
export function createTransport(options: TransportOptions): RemoteTransport & { close(): Promise<void> } {
  const pools = new Map<string, Agent>();

  function pool(caBundle: string | undefined): Agent {
    const key = caBundle ?? '';
    let agent = pools.get(key);
    if (agent === undefined) {
      agent = new Agent({ ...clientOptions(caBundle), connections: options.connections ?? 4 });
      pools.set(key, agent);
      const [oldest] = pools;
      if (oldest !== undefined && pools.size > mostPools) {
        pools.delete(oldest[0]);
        void oldest[1].close();
      }
    }
    return agent;
  }

  return {
    async send(request) {
      if (request.begin === undefined) return exchange(pool(request.caBundle), request, options.clock);
      const client = new Client(request.url.origin, clientOptions(request.caBundle));
      try {
        return await exchange(client, request, options.clock);
      } finally {
        void client.destroy();
      }
    },
    async close() {
      const open = [...pools.values()];
      pools.clear();
      await Promise.all(open.map((agent) => agent.destroy()));
    },
  };
}

function clientOptions(caBundle: string | undefined) {
  return {
    allowH2: false,
    // The deadline of the whole exchange is ours; undici's own timers would only give a second answer.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment changes nothing.
    connect: { rejectUnauthorized: true, ...(caBundle === undefined ? {} : { ca: caBundle }) },
  };
}

/** One exchange. undici follows no redirect and decompresses nothing here, so `maxBytes` bounds memory too. */
function exchange(dispatcher: Dispatcher, request: HttpRequest, clock: Clock): Promise<HttpResponse> {
  const { url, begin, signal } = request;
  return new Promise((resolve, reject) => {
    /** Whether a connection stands and the request may have left: from here on nothing is `not-sent`. */
    let started = false;
    let settled = false;
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let headers: Record<string, string> = {};
    let size = 0;
    const chunks: Buffer[] = [];

    function settle(): boolean {
      if (settled) return false;
      settled = true;
      deadline.cancel();
      signal?.removeEventListener('abort', onAbort);
      return true;
    }
    function stop(error: unknown) {
      if (!settle()) return;
      reject(error);
      if (controller !== undefined && !controller.aborted) controller.abort(new Error('given up'));
    }
    function fail(failure: TransportFailure, message: string, cause?: unknown) {
      stop(new TransportError(started ? failure : 'not-sent', message, cause));
    }
    const onAbort = () => fail('aborted', 'given up by the caller');
    const deadline = clock.after(request.deadline, () =>
      fail('timeout', `${started ? 'no complete answer' : 'no connection'} within ${request.deadline} ms`),
    );
    if (signal?.aborted) {
      onAbort();
      return;
    }
    signal?.addEventListener('abort', onAbort, { once: true });

    const handler: Dispatcher.DispatchHandler = {
      // undici calls this on a connection that stands, and writes the request in the same turn after it returns; when
      // it throws, nothing is written.
      onRequestStart(control) {
        controller = control;
        if (settled) throw new Error('given up before the connection stood');
        if (started) {
          // undici queues a request anew in rare cases; a request that may have left never goes out again.
          fail('reset', 'the connection ended before the answer');
          throw new Error('not sent twice');
        }
        if (begin !== undefined) {
          try {
            begin();
          } catch (error) {
            stop(error);
            throw error;
          }
        }
        started = true;
      },
      // Interim answers (1xx) come here too, before the final one.
      onResponseStart(_control, statusCode, incoming) {
        status = statusCode;
        headers = Object.fromEntries(
          Object.entries(incoming).map(([name, value]) => [
            name.toLowerCase(),
            Array.isArray(value) ? value.join(', ') : (value ?? ''),
          ]),
        );
      },
      onResponseData(_control, chunk) {
        size += chunk.length;
        if (size > request.maxBytes) {
          fail('too-large', `the answer is longer than ${request.maxBytes} bytes`);
          return;
        }
        chunks.push(chunk);
      },
      onResponseEnd() {
        if (settle()) resolve({ status, headers, body: Buffer.concat(chunks).toString('utf8') });
      },
      onResponseError(_control, error) {
        fail('reset', describe(error), quotesAnswer(error) ? undefined : error);
      },
    };
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, reveal(value)])),
        body: request.body === undefined ? null : reveal(request.body),
        reset: begin !== undefined,
      },
      handler,
    );
  });
}

function reveal(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}

/** Happy Eyeballs gives an AggregateError without words; its code tells. */
function describe(error: Error & { code?: unknown }): string {
  return error.message || (typeof error.code === 'string' ? error.code : error.name);
}

/** undici's parser error carries the bytes that it could not read, and those may hold a licence key. */
function quotesAnswer(error: Error): boolean {
  return 'data' in error && error.data !== undefined;
}
