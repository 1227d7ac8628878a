import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../base/clock.ts';
import type { Credentials, KubeConnection, TlsOptions } from './config.ts';
import { readStatus, type Status } from './answers.ts';
import { withDeadline } from './deadline.ts';
import { KubeError, KubeUnreachable } from './types.ts';

export interface KubeRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With query, as the API server knows it. */
  path: string;
  /** For errors: `servers.sdpf.freehold.dev/shop/web`. */
  target: string;
  body?: { contentType: string; content: unknown };
}

export interface KubeHttpOptions {
  connection: KubeConnection;
  clock: Clock;
  /** From the call to the last byte of the answer, ms; of a watch, to its headers. Default 30 s. */
  deadline?: number;
  /** One call ended, watches but for their start included; `status` undefined when nothing was answered. */
  onCall?: (call: { method: string; resource: string; status: number | undefined; milliseconds: number }) => void;
}

/** HTTP to one API server. Both calls throw KubeError for an answer that is not 2xx, KubeUnreachable for none. */
export interface KubeHttp {
  /** The JSON that was answered. */
  send(request: KubeRequest): Promise<unknown>;
  /** The bytes of an answer that goes on; undici's own error when it breaks, none when `signal` aborts. */
  stream(request: KubeRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Ends whatever is under way: wait for your calls first. */
  close(): Promise<void>;
}

type Answer = Dispatcher.ResponseData;

interface Pools {
  tls: TlsOptions;
  calls: Agent;
  /** Apart from the calls, so that no number of watches takes their connections. */
  watches: Agent;
  /** A renewal must not stand behind the writes of all workers: at a slow API server the lease would be lost. */
  leases: Agent;
}

export function createKubeHttp(options: KubeHttpOptions): KubeHttp {
  const { connection, clock, deadline = 30_000, onCall } = options;
  const prefix = connection.server.pathname.replace(/\/$/, '');
  let pools: Pools | undefined;

  /** New certificates need new connections; requests under way end on the old ones. */
  function poolsFor(tls: TlsOptions): Pools {
    if (pools?.tls !== tls) {
      void closePools(pools);
      pools = {
        tls,
        calls: new Agent(agentOptions(tls, 32)),
        watches: new Agent(agentOptions(tls)),
        leases: new Agent(agentOptions(tls)),
      };
    }
    return pools;
  }

  async function exchange(request: KubeRequest, use: keyof Omit<Pools, 'tls'>, signal: AbortSignal): Promise<Answer> {
    const credentials = await connection.credentials();
    const answer = await dispatch(request, credentials, use, signal);
    if (answer.statusCode !== 401) {
      return answer;
    }
    // A 401 proves that nothing was done, so that this is safe for a write too.
    await answer.body.dump();
    return dispatch(request, await connection.credentials(credentials), use, signal);
  }

  function dispatch(
    { method, path, body }: KubeRequest,
    { headers, tls }: Credentials,
    use: keyof Omit<Pools, 'tls'>,
    signal: AbortSignal,
  ): Promise<Answer> {
    return poolsFor(tls)[use].request({
      origin: connection.server.origin,
      path: prefix + path,
      method,
      headers: {
        accept: 'application/json',
        'user-agent': 'freehold',
        ...headers,
        ...(body && { 'content-type': body.contentType }),
      },
      body: body ? JSON.stringify(body.content) : null,
      signal,
    });
  }

  /** Runs one call under the deadline; whatever breaks becomes KubeUnreachable. */
  async function call<T>(request: KubeRequest, work: (signal: AbortSignal, seen: SeeStatus) => Promise<T>): Promise<T> {
    const began = clock.monotonic();
    let status: number | undefined;
    try {
      return await withDeadline(clock, deadline, (signal) =>
        work(signal, (answered) => {
          status = answered;
        }),
      );
    } catch (error) {
      throw error instanceof KubeError ? error : unreachable(request, error);
    } finally {
      onCall?.({
        method: request.method,
        resource: request.target.split('/')[0]!,
        status,
        milliseconds: clock.monotonic() - began,
      });
    }
  }

  return {
    send(request) {
      return call(request, async (signal, seen) => {
        for (let first = true; ; first = false) {
          try {
            const answer = await exchange(request, isOfLease(request) ? 'leases' : 'calls', signal);
            seen(answer.statusCode);
            const text = await answer.body.text();
            if (answer.statusCode < 200 || answer.statusCode > 299) {
              throw kubeError(request, answer, text);
            }
            return parse(text);
          } catch (error) {
            // The server may close an idle connection just as it is used again; only a read is safe to repeat.
            if (!first || request.method !== 'GET' || !isReset(error)) {
              throw error;
            }
          }
        }
      });
    },
    stream(request, signal) {
      return call(request, async (late, seen) => {
        const answer = await exchange(request, 'watches', AbortSignal.any([signal, late]));
        seen(answer.statusCode);
        if (answer.statusCode !== 200) {
          throw kubeError(request, answer, await answer.body.text());
        }
        return answer.body;
      });
    },
    async close() {
      await Promise.all([pools?.watches.destroy(), pools?.calls.destroy(), pools?.leases.destroy()]);
    },
  };
}

/** The parser's own words quote what it could not read, and that may be a Secret. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`an answer of ${text.length} characters that is not JSON`);
  }
}

const isOfLease = ({ path }: KubeRequest) => path.startsWith('/apis/coordination.k8s.io/');

type SeeStatus = (status: number) => void;

function agentOptions(tls: TlsOptions, connections?: number): Agent.Options {
  return {
    connections: connections ?? null,
    allowH2: false,
    keepAliveTimeout: 30_000,
    // Deadlines are ours, on the clock port; a watch may be silent for as long as its watchdog allows.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { ...tls, timeout: 10_000, rejectUnauthorized: true },
  };
}

async function closePools(pools: Pools | undefined): Promise<void> {
  await Promise.allSettled([pools?.calls.close(), pools?.watches.close(), pools?.leases.close()]);
}

function isReset(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

function unreachable({ method, target }: KubeRequest, error: unknown): KubeUnreachable {
  const { message, code } = error as Partial<NodeJS.ErrnoException>;
  const why = message || code || String(error);
  return new KubeUnreachable(`${method} ${target}: no answer from the API server: ${why}`, error);
}

/** What the API server said, from its metav1.Status where the body is one. */
function kubeError({ method, target }: KubeRequest, answer: Answer, text: string): KubeError {
  const { reason, message, retryAfterSeconds } = statusOf(text);
  const seconds = Number(answer.headers['retry-after'] ?? retryAfterSeconds);
  const said = [answer.statusCode, reason].filter(Boolean).join(' ');
  return new KubeError(
    answer.statusCode,
    reason,
    `${method} ${target}: ${said}: ${message}`,
    seconds >= 0 ? Math.min(seconds * 1000, longestPause) : undefined,
  );
}

/** A Retry-After beyond this is not believed, milliseconds. */
const longestPause = 10 * 60_000;

function statusOf(text: string): Status {
  try {
    return readStatus(JSON.parse(text));
  } catch {
    // Words of a proxy; what may be a part of an object is not shown.
    const words = /["{]/.test(text) ? '' : text.trim().slice(0, 200);
    return { reason: '', message: words || 'no message' };
  }
}
