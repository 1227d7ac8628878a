import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request as the server saw it. */
export interface Recorded {
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Which connection it came on, from 1. */
  connection: number;
}

/** An HTTP server on the loopback that records every request and answers as the test says. */
export async function scriptedServer(answer: (request: Recorded, response: ServerResponse) => void) {
  const requests: Recorded[] = [];
  const numbers = new Map<Socket, number>();
  let opened = 0;
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8');
    incoming.on('error', () => undefined);
    incoming.on('data', (text: string) => {
      body += text;
    });
    incoming.on('end', () => {
      const { method = '', url: path = '', headers, socket } = incoming;
      const request = { method, path, headers, body, connection: numbers.get(socket) ?? 0 };
      requests.push(request);
      answer(request, response);
    });
  });
  server.on('connection', (socket) => {
    opened++;
    numbers.set(socket, opened);
    socket.on('close', () => numbers.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    requests,
    /** Connections that are open now. */
    open: () => numbers.size,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers with JSON. */
export function answerJSON(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
