import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createSandbox } from './sandbox.ts';
import type { Sandbox, SandboxInfo, SandboxOptions } from './sandbox.ts';
import type { Answer, SandboxRequest } from './types.ts';

interface ServeOptions extends Partial<SandboxOptions> {
  /** Lets other machines use `/control`. Without it only loopback may: the control API has no authentication. */
  openControl?: boolean;
}

interface ListenOptions extends ServeOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
}

export interface Listening {
  url: string;
  info: SandboxInfo;
  /** Cuts every connection and stops. */
  close: () => Promise<void>;
}

const LARGEST_BODY = 4 * 1024 * 1024;

/** Puts a sandbox on HTTP. */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { host, port, openControl = false, ...rest } = options;
  const sandbox = createSandbox({ ...rest, now: rest.now ?? Date.now, random: rest.random ?? Math.random });
  const timers = new Set<NodeJS.Timeout>();
  const server = createServer((request, response) => {
    void serve(sandbox, request, response, timers, openControl);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const url = options.baseURL ?? addressURL(server.address());
  return {
    url,
    info: sandbox.info(url),
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearTimeout(timer);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface RunOptions extends ServeOptions {
  /** `HOST:PORT`; port 0 takes a free one. */
  listen: string;
}

/** The command `freehold sandbox`: prints nothing itself; `info` is the line to print. */
export async function runSandbox(options: RunOptions): Promise<{ info: SandboxInfo; close: () => Promise<void> }> {
  const { listen: address, ...rest } = options;
  const match = /^(.*):(\d{1,5})$/.exec(address);
  if (!match || Number(match[2]) > 65_535) {
    throw new Error(`--listen must be HOST:PORT, as in 127.0.0.1:8780; it is "${address}"`);
  }
  const host = (match[1] ?? '').replace(/^\[(.*)\]$/, '$1') || '0.0.0.0';
  const { info, close } = await listen({ ...rest, host, port: Number(match[2]) });
  return { info, close };
}

async function serve(
  sandbox: Sandbox,
  request: IncomingMessage,
  response: ServerResponse,
  timers: Set<NodeJS.Timeout>,
  openControl: boolean,
): Promise<void> {
  const path = request.url ?? '/';
  if (!openControl && path.startsWith('/control') && !isLoopback(request.socket.remoteAddress)) {
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: 'the control API answers on loopback only' }));
    return;
  }
  const body = await readBody(request);
  if (body === undefined) {
    request.socket.destroy();
    return;
  }
  const headers: SandboxRequest['headers'] = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const answer = sandbox.handle({ method: request.method ?? 'GET', path, headers, body });
  if (!answer.delayMs) {
    send(answer, request.socket, response);
    return;
  }
  const timer = setTimeout(() => {
    timers.delete(timer);
    send(answer, request.socket, response);
  }, answer.delayMs);
  timers.add(timer);
}

/** Does to the connection what the core decided. */
function send(answer: Answer, socket: Socket, response: ServerResponse): void {
  if (answer.reset) {
    socket.resetAndDestroy();
    return;
  }
  if (answer.drop) {
    socket.destroy();
    return;
  }
  const body = Buffer.from(answer.body);
  // 204 carries no body and no length (RFC 9110, 8.6).
  const length = answer.status === 204 ? {} : { 'content-length': String(body.length) };
  response.writeHead(answer.status, { ...answer.headers, ...length });
  if (answer.truncate === undefined) {
    response.end(body);
    return;
  }
  // The full length is promised, and the connection ends before it is kept.
  response.write(body.subarray(0, Math.min(answer.truncate, Math.max(body.length - 1, 0))), () => socket.destroy());
}

/** The body, or undefined where it broke off or is beyond reason. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      const bytes = Buffer.from(chunk);
      chunks.push(bytes);
      size += bytes.length;
      if (size > LARGEST_BODY) return undefined;
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address ?? '');
}

function addressURL(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') throw new Error('the sandbox listens on TCP only');
  // A wildcard address is no address to call.
  if (address.address === '0.0.0.0' || address.address === '::') return `http://127.0.0.1:${address.port}`;
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}
