import { Secret } from '../../src/base/secret.ts';
import {
  type HttpRequest,
  type HttpResponse,
  type RemoteTransport,
  TransportError,
  type TransportFailure,
} from '../../src/remote/transport.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Blurs } from './blurs.ts';
import type { Channel, FaultName } from './history.ts';
import { faultText } from './kube-network.ts';
import type { Network } from './network.ts';
import { answers, html, notThere, strangeItem } from './odd-answers.ts';
import type { Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import type { Tell } from './trace.ts';

/** What a process asked of a simulated cloud. */
export interface Asked {
  by: Process;
  method: HttpRequest['method'];
  /** With query. */
  path: string;
  body: string;
  /** When it left, milliseconds since the beginning. */
  sentAt: number;
  /** The status that it was answered; absent while it was not carried out. */
  answered?: number;
  /** What a read of `path` would say at this moment; undefined where it would be refused. */
  look: (path: string) => unknown;
}

export interface RemoteNetworkOptions {
  sandbox: Sandbox;
  process: Process;
  network: Network;
  scheduler: Scheduler;
  tell: Tell;
  /** In the turn in which a change leaves the process. */
  onSend(asked: Asked): void;
  /** When the process hears the good answer to a read. */
  onTold(path: string, body: string): void;
  /** Carries it out. */
  carryOut(asked: Asked, effect: () => void): void;
  /** A token that was given out, a password that was sent. */
  onSecret(value: string): void;
  /** What proxies remember: the last good answer to each path. */
  kept: Map<string, { at: number; response: HttpResponse }>;
  blurs: Blurs;
}

/** No proxy answers again and again with what is older, seconds: with the lag of a list well below the settle window. */
export const longestKept = 120;

/** The way from one process to the simulated clouds, with what can go wrong on it. */
export function remoteThrough(options: RemoteNetworkOptions): RemoteTransport {
  const { sandbox, process, network, scheduler, tell } = options;

  const headersOf = (request: HttpRequest) =>
    Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), reveal(value)]));

  function look(request: HttpRequest, path: string): unknown {
    const { status, body } = sandbox.handle({ method: 'GET', path, headers: headersOf(request), body: '' });
    return status === 200 ? JSON.parse(body) : undefined;
  }

  function serve(request: HttpRequest, asked: Asked): HttpResponse & { delayMs: number } {
    const headers = headersOf(request);
    let response: HttpResponse | undefined;
    let delayMs = 0;
    options.carryOut(asked, () => {
      const answer = sandbox.handle({ method: request.method, path: asked.path, headers, body: asked.body });
      delayMs = answer.delayMs ?? 0;
      asked.answered = answer.status;
      response = { status: answer.status, headers: answer.headers, body: answer.body };
    });
    return { ...response!, delayMs };
  }

  return {
    send(request) {
      if (!process.alive) return new Promise(() => {});
      const { method, url } = request;
      const path = url.pathname + url.search;
      const change = request.begin !== undefined;
      const channel: Channel = path.includes('/auth/tokens') ? 'sign-in' : change ? 'remote-change' : 'remote-read';
      const crossing = network.cross(channel, process);
      const { fault, there, back } = crossing;
      const body = request.body === undefined ? '' : reveal(request.body);
      tell(
        process,
        () => `⇒ ${method} ${path} ${channel === 'sign-in' ? '' : body.slice(0, 300)}${faultText(crossing)}`,
      );
      if (fault?.what === 'crash-before') process.kill();
      if (!process.alive) return new Promise(() => {});
      if (fault?.what === 'stop-before') process.pause((fault.for ?? 30) * 1000);

      return new Promise((resolve, reject) => {
        let settled = false;
        let started = false;
        const settle = (how: () => void, says: () => string) => {
          if (settled) return;
          settled = true;
          deadline.cancel();
          request.signal?.removeEventListener('abort', onAbort);
          tell(process, () => `⇐ ${method} ${path}: ${says()}`);
          how();
        };
        const fail = (failure: TransportFailure, message: string) =>
          settle(
            () => reject(new TransportError(started ? failure : 'not-sent', message)),
            () => message,
          );
        const onAbort = () => fail('aborted', 'given up by the caller');
        const deadline = process.deliver(scheduler.now() + request.deadline, () =>
          fail('timeout', `no complete answer within ${request.deadline} ms`),
        );
        if (request.signal?.aborted) {
          onAbort();
          return;
        }
        request.signal?.addEventListener('abort', onAbort, { once: true });
        const tellAt = (time: number, response: HttpResponse) =>
          process.deliver(time, () =>
            settle(
              () => {
                if (channel === 'remote-read' && response.status === 200) options.onTold(path, response.body);
                resolve(response);
              },
              () => `${response.status} ${channel === 'sign-in' ? '' : response.body.slice(0, 300)}`,
            ),
          );

        // The connection stands.
        process.deliver(scheduler.now() + there / 2, () => {
          if (settled) return;
          if (network.weather('remote-down', process) || fault?.what === 'refuse') {
            fail('not-sent', 'connection refused');
            return;
          }
          const sentAt = scheduler.now();
          const asked: Asked = { by: process, method, path, body, sentAt, look: (other) => look(request, other) };
          try {
            request.begin?.();
          } catch (error) {
            settle(
              () => reject(error),
              () => `not begun: ${(error as Error).message}`,
            );
            return;
          }
          if (change) options.onSend(asked);
          started = true;
          const early =
            (fault?.what === '404-before' && method === 'DELETE' ? notThere(path) : undefined) ??
            (fault && instead[fault.what]) ??
            (network.weather('remote-429', process) && answers(429, { error: { message: 'too many requests' } }, 5)) ??
            (network.weather('remote-503', process) && answers(503, html));
          const now = scheduler.now();
          if (fault?.what === 'reset-before') {
            process.deliver(now + there + back, () => fail('reset', 'connection reset'));
            return;
          }
          if (fault?.what === 'silence-before') return;
          if (early) {
            tellAt(now + there + back, early);
            return;
          }
          const stale = fault?.what === 'stale' && !change ? options.kept.get(path) : undefined;
          if (stale && now - stale.at < (fault?.for ?? longestKept) * 1000) {
            tellAt(now + there + back, stale.response);
            return;
          }
          const late = fault?.what === 'late' ? (fault.for ?? 90) * 1000 : 0;
          scheduler.at(now + there / 2 + late, () => {
            let response: HttpResponse & { delayMs: number } = serve(request, asked);
            if (fault?.what === 'twice' && ['GET', 'PUT', 'DELETE'].includes(method)) response = serve(request, asked);
            const token = response.headers['x-subject-token'];
            if (token !== undefined) options.onSecret(token);
            if (change) for (const [, key] of response.body.matchAll(/"key":"([^"]+)"/g)) options.onSecret(key!);
            for (const [, password] of asked.body.matchAll(/"admin_?[pP]ass(?:word)?":"([^"]+)"/g))
              options.onSecret(password!);
            if (!change) response = options.blurs.through(path, response);
            if (!change && response.status === 200) options.kept.set(path, { at: scheduler.now(), response });
            if (fault?.what === 'crash-after') process.kill();
            if (fault?.what === 'stop-after') process.pause((fault.for ?? 30) * 1000);
            if (fault?.what === 'silence-after') return;
            const at =
              scheduler.now() + response.delayMs + back + (fault?.what === 'slow' ? (fault.for ?? 10) * 1000 : 0);
            if (fault?.what === 'reset-after') process.deliver(at, () => fail('reset', 'connection reset'));
            else tellAt(at, (fault && afterwards[fault.what]?.(response)) ?? response);
          });
        });
      });
    },
  };
}

function reveal(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}

/** What a proxy answers in the place of the cloud. */
const instead: Partial<Record<FaultName, HttpResponse>> = {
  '503-before': answers(503, html),
  '500-before': answers(500, { error: { message: 'internal error' } }),
  '429-before': answers(429, { error: { message: 'too many requests' } }, 2),
  'html-before': answers(200, html),
};

/** What becomes of the answer of something that was carried out. */
const afterwards: Partial<Record<FaultName, (response: HttpResponse) => HttpResponse>> = {
  '503-after': () => answers(503, html),
  '500-after': () => answers(500, { error: { message: 'internal error' } }),
  'html-after': () => answers(200, html),
  'truncated-after': (response) => ({ ...response, body: response.body.slice(0, response.body.length >> 1) }),
  'strange-item': (response) => strangeItem(response),
};
