import { once } from 'node:events';
import net from 'node:net';
import type { Passing } from './records.ts';

/** Looks at what goes by on a TCP connection to the sandbox, and changes nothing. */
export interface Wire {
  url: string;
  /** Every change that was asked for, sign-ins left out. */
  passed: Passing[];
  /** Every token that was ever seen, whole. */
  tokens: Set<string>;
  close(): Promise<void>;
}

/** What is written in one go begins with the request line: clients send a request at a time on each connection. */
const request = /^(POST|PUT|PATCH|DELETE) (\S+) HTTP\/1\.1\r\n/;

export async function startWire(target: URL, now: () => number): Promise<Wire> {
  const sockets = new Set<net.Socket>();
  const passed: Passing[] = [];
  const tokens = new Set<string>();

  function look(head: string): void {
    const token = /\r\nx-(?:auth|subject)-token: (\S+)\r\n/i.exec(head)?.[1];
    if (token !== undefined) tokens.add(token);
    const [, method, path] = request.exec(head) ?? [];
    if (method !== undefined && path !== undefined && !path.endsWith('/auth/tokens'))
      passed.push({ at: now(), method, path, token: token ?? '' });
  }

  const server = net.createServer((client) => {
    const upstream = net.connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('data', (data: Buffer) => {
        look(data.subarray(0, 4096).toString('latin1'));
        other.write(data);
      });
      one.on('close', () => {
        sockets.delete(one);
        // A reset stays a reset on the other side.
        if (one.errored) other.resetAndDestroy();
        else other.end();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `${target.protocol}//127.0.0.1:${port}`,
    passed,
    tokens,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
