import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubeConnection } from '../../src/kube/config.ts';

export interface SeenRequest {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export interface Answering {
  /** Answers once, as JSON. */
  json(status: number, body: unknown, headers?: Record<string, string>): void;
  /** A metav1.Status with that code. */
  status(code: number, reason: string, message: string, headers?: Record<string, string>): void;
  /** Begins an answer that goes on: a watch. Writes one event a call. */
  watch(): { event(type: string, object: unknown): void; write(bytes: string | Buffer): void; end(): void };
  /** Resets the connection. */
  reset(): void;
}

export interface ScriptedServer {
  url: URL;
  requests: SeenRequest[];
  connection: KubeConnection;
  close(): Promise<void>;
}

/** An HTTP server on the loopback that answers as the test says, one call of `answer` per request. */
export async function scriptedServer(
  answer: (request: SeenRequest, answering: Answering) => void,
): Promise<ScriptedServer> {
  const requests: SeenRequest[] = [];
  const server = http.createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('error', () => {});
    outgoing.on('error', () => {});
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => handle(incoming, outgoing, chunks));
  });

  function handle(incoming: http.IncomingMessage, outgoing: http.ServerResponse, chunks: Buffer[]): void {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://unused');
    const request: SeenRequest = {
      method: incoming.method ?? '',
      path: pathname,
      query: searchParams,
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    requests.push(request);
    const json: Answering['json'] = (status, body, headers = {}) => {
      outgoing.writeHead(status, { 'content-type': 'application/json', ...headers });
      outgoing.end(JSON.stringify(body));
    };
    answer(request, {
      json,
      status: (code, reason, message, headers) =>
        json(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }, headers),
      watch() {
        outgoing.writeHead(200, { 'content-type': 'application/json' });
        outgoing.flushHeaders();
        return {
          event: (type, object) => void outgoing.write(`${JSON.stringify({ type, object })}\n`),
          write: (bytes) => void outgoing.write(bytes),
          end: () => void outgoing.end(),
        };
      },
      reset: () => void incoming.socket.resetAndDestroy(),
    });
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const credentials = { headers: { authorization: 'Bearer test' }, tls: {} };
  return {
    url,
    requests,
    connection: { server: url, namespace: 'default', credentials: () => Promise.resolve(credentials) },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
