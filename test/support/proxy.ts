import { once } from 'node:events';
import net from 'node:net';

/** A TCP proxy on the loopback with the failures of a real network as levers. */
export interface Proxy {
  url: string;
  /** Cuts every connection now, by RST. Returns how many there were. */
  reset(): number;
  /** While true no byte passes, in either direction, and nobody is told. New connections are taken, and as silent. */
  blackhole(on: boolean): void;
  /** While true new connections are cut at once. */
  refuse(on: boolean): void;
  /** Each piece of an answer comes so much later, ms. */
  delay(milliseconds: number): void;
  /** Connections taken so far. */
  readonly connections: number;
  close(): Promise<void>;
}

export async function startProxy(target: URL): Promise<Proxy> {
  const pairs = new Set<[net.Socket, net.Socket]>();
  let connections = 0;
  let delay = 0;
  let refusing = false;
  let silent = false;

  const server = net.createServer((client) => {
    connections += 1;
    client.on('error', () => {});
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = net.connect(Number(target.port), target.hostname);
    const pair: [net.Socket, net.Socket] = [client, upstream];
    pairs.add(pair);
    upstream.on('error', () => {});
    client.on('data', (data) => void (silent || upstream.write(data)));
    upstream.on('data', (data) => {
      if (delay > 0) {
        setTimeout(() => silent || client.destroyed || client.write(data), delay);
      } else if (!silent) {
        client.write(data);
      }
    });
    for (const [one, other] of [pair, [upstream, client]] as const) {
      one.on('close', () => {
        pairs.delete(pair);
        // In a black hole a close is not heard either.
        if (!silent) {
          other.destroy();
        }
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;

  function cut(): number {
    const count = pairs.size;
    for (const [client, upstream] of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
    return count;
  }

  return {
    url: `${target.protocol}//127.0.0.1:${port}`,
    reset: cut,
    blackhole(on) {
      silent = on;
    },
    refuse(on) {
      refusing = on;
    },
    delay(milliseconds) {
      delay = milliseconds;
    },
    get connections() {
      return connections;
    },
    async close() {
      silent = false;
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
