import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

/** One question about this process. */
export interface Check {
  name: string;
  /** undefined when all is well, else what is wrong, in words for a person. */
  problem: () => string | undefined;
  /** What a person should know although nothing is wrong; it stands below the `ok`. */
  note?: () => string | undefined;
}

export interface TelemetryOptions {
  /** `host:port` or `:port` (all addresses); port 0 takes a free one. */
  listen: string;
  metrics: Pick<Metrics, 'text' | 'contentType'>;
  /** Answered at /healthz: while one fails, a restart is what helps. */
  healthy: readonly Check[];
  /** Answered at /readyz. */
  ready: readonly Check[];
}

export interface TelemetryServer {
  /** The port taken. */
  port: number;
  close(): Promise<void>;
}

/**
 * Serves /metrics, /healthz and /readyz over plain HTTP, and 404 for all else. Throws when the address is not
 * `host:port` or cannot be taken.
 */
export async function serveTelemetry(options: TelemetryOptions): Promise<TelemetryServer> {
  const { host, port } = parseListen(options.listen);
  const server = createServer((request, response) => {
    switch (request.method === 'GET' ? request.url!.split('?')[0]! : '') {
      case '/metrics':
        options.metrics.text().then(
          (text) => answer(response, 200, text, options.metrics.contentType),
          () => answer(response, 500, 'metrics could not be collected\n'),
        );
        return;
      case '/healthz':
        return answerChecks(response, options.healthy);
      case '/readyz':
        return answerChecks(response, options.ready);
      default:
        return answer(response, 404, 'not found\n');
    }
  });
  // Scrapers and kubelets are few; whoever opens more must not take the operator's sockets.
  server.maxConnections = 100;
  server.requestTimeout = 10_000;
  server.listen({ port, host });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function answerChecks(response: ServerResponse, checks: readonly Check[]): void {
  for (const { name, problem } of checks) {
    const words = problem();
    if (words !== undefined) {
      return answer(response, 503, `${name}: ${words}\n`);
    }
  }
  const notes = checks.flatMap(({ name, note }) => {
    const words = note?.();
    return words === undefined ? [] : [`\n${name}: ${words}`];
  });
  return answer(response, 200, `ok${notes.join('')}`);
}

function answer(
  response: ServerResponse,
  status: number,
  text: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': contentType, 'x-content-type-options': 'nosniff' });
  response.end(text);
}

function parseListen(listen: string): { host: string | undefined; port: number } {
  const [, v6, host, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(listen) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new Error(`"${listen}" is no address to listen on: write host:port, or :port for all addresses`);
  }
  return { host: v6 || host || undefined, port: Number(port) };
}
