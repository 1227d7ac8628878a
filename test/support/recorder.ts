import { createServer, request as send, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A call as it went by. */
export interface RecordedCall {
  /** From 1, in the order of arrival. */
  seq: number;
  method: string;
  /** With the query. */
  path: string;
  /** What the remote answered. Undefined while it has not; 503 where nobody answers at the upstream. */
  status: number | undefined;
  /** The answer never reached the caller. */
  cut: boolean;
  requestHeaders: IncomingHttpHeaders;
  /** Parsed where it is JSON, else text. */
  requestBody: unknown;
}

/** A reverse proxy on the loopback that writes down every call, for one remote or, by its levers, a lying one. */
export interface Recorder {
  /** Where callers go: the upstream's path on our own host and port. */
  url: string;
  readonly calls: readonly RecordedCall[];
  /** Where calls go from now on. Only scheme, host and port count. */
  upstream: string;
  /** Cuts the connection of the next `count` (1) calls of this kind, after the remote has done them and answered. */
  drop(call: { method: string; path: RegExp; count?: number }): void;
  close(): Promise<void>;
}

interface Drop {
  method: string;
  path: RegExp;
  left: number;
}

/** Nothing is changed on its way, the Host header included. */
export async function startRecorder(upstream: string): Promise<Recorder> {
  const calls: RecordedCall[] = [];
  const drops: Drop[] = [];

  const server = createServer((incoming, response) => {
    void (async () => {
      const { method = '', url: path = '', headers } = incoming;
      const call: RecordedCall = {
        seq: calls.length + 1,
        method,
        path,
        status: undefined,
        cut: false,
        requestHeaders: headers,
        requestBody: '',
      };
      calls.push(call);
      const body = await bytesOf(incoming);
      call.requestBody = readable(body);
      const drop = drops.find((one) => one.left > 0 && one.method === method && one.path.test(path));
      if (drop) {
        drop.left -= 1;
        call.cut = true;
      }
      const answer = await forward(recorder.upstream, incoming, body);
      call.status = answer.status;
      if (call.cut) {
        incoming.socket.destroy();
        return;
      }
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    })().catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const recorder: Recorder = {
    url: own + new URL(upstream).pathname.replace(/\/$/, ''),
    calls,
    upstream,
    drop({ method, path, count = 1 }) {
      drops.push({ method, path, left: count });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return recorder;
}

interface Answer {
  status: number;
  /** As they came: name, value, name, value. */
  headers: string[];
  body: Buffer;
}

function forward(upstream: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(upstream);
    // A connection a call: the remote may be killed or changed between two.
    const headers = withoutConnection(incoming.rawHeaders);
    const outgoing = send({ hostname, port, agent: false, method: incoming.method, path: incoming.url, headers });
    outgoing.on('response', (response) => {
      const { statusCode: status = 0, rawHeaders } = response;
      bytesOf(response).then((body) => resolve({ status, headers: withoutConnection(rawHeaders), body }), reject);
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') {
        // What a load balancer says in that case.
        resolve({ status: 503, headers: ['content-type', 'text/html'], body: Buffer.from('<h1>503</h1>') });
      } else {
        reject(error);
      }
    });
    outgoing.end(body);
  });
}

/** Each of the two connections has a life of its own. */
function withoutConnection(raw: string[]): string[] {
  return raw.filter((_, index) => !/^(connection|keep-alive)$/i.test(raw[index - (index % 2)] ?? ''));
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function readable(body: Buffer): unknown {
  const text = body.toString();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
