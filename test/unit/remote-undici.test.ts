import { execFileSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTCPServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTLSServer } from 'node:https';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { TransportError } from '../../src/remote/transport.ts';
import type { HttpRequest } from '../../src/remote/transport.ts';
import { createTransport } from '../../src/remote/undici.ts';
import { answerJSON, scriptedServer } from '../support/scripted-server.ts';

const transport = createTransport({ clock: systemClock, connections: 1 });
const opened: Server[] = [];

afterEach(async () => {
  await transport.close();
  for (const server of opened.splice(0)) server.close();
});

function request(url: URL, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url, headers: {}, deadline: 5_000, maxBytes: 10_000, ...more };
}

async function listen(server: Server): Promise<number> {
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A TCP server that does with the first bytes of a request what the test says. */
async function rawServer(onBytes: (write: (text: string) => void, reset: () => void) => void) {
  const received: string[] = [];
  let connections = 0;
  const server = createTCPServer((socket) => {
    connections++;
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      received.push(bytes.toString());
      onBytes(
        (text) => socket.write(text),
        () => socket.resetAndDestroy(),
      );
    });
  });
  const url = new URL(`http://127.0.0.1:${await listen(server)}/servers?secret-filter=1`);
  return { url, received, connections: () => connections };
}

async function failureOf(sent: Promise<unknown>): Promise<TransportError> {
  const error = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TransportError);
  return error as TransportError;
}

describe('connections', () => {
  test('reads share a connection, every write has one of its own that ends with it', async () => {
    await using server = await scriptedServer((_request, response) => answerJSON(response, 200, {}));
    await transport.send(request(server.url));
    await transport.send(request(server.url));
    await transport.send(request(server.url, { method: 'POST', begin: () => undefined, body: '{}' }));
    await transport.send(request(server.url, { method: 'POST', begin: () => undefined, body: '{}' }));
    await transport.send(request(server.url));
    expect(server.requests.map((each) => each.connection)).toEqual([1, 1, 2, 3, 1]);
    await vi.waitFor(() => expect(server.open()).toBe(1));
  });

  test('a write begins when its connection stands, in the turn in which it is written', async () => {
    const order: string[] = [];
    const onConnected = () => order.push('connected');
    const onSent = () => order.push('written');
    subscribe('undici:client:connected', onConnected);
    subscribe('undici:client:sendHeaders', onSent);
    try {
      await using server = await scriptedServer((_request, response) => answerJSON(response, 200, {}));
      const begin = () => {
        order.push('begun');
        queueMicrotask(() => order.push('turn over'));
      };
      await transport.send(request(server.url, { method: 'POST', begin, body: '{}' }));
    } finally {
      unsubscribe('undici:client:connected', onConnected);
      unsubscribe('undici:client:sendHeaders', onSent);
    }
    expect(order).toEqual(['connected', 'begun', 'written', 'turn over']);
  });

  test('a write that may not begin sends no byte and fails with the very error', async () => {
    const server = await rawServer((write) => write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    const lost = new Error('the lease is lost');
    const sent = transport.send(
      request(server.url, {
        method: 'POST',
        body: '{}',
        begin: () => {
          throw lost;
        },
      }),
    );
    await expect(sent).rejects.toBe(lost);
    // A read afterwards proves that the server works and that what it got came from the read alone.
    await transport.send(request(server.url));
    expect(server.connections()).toBe(2);
    expect(server.received.map((text) => text.split(' ')[0])).toEqual(['GET']);
  });
});

describe('what is known after a failure', () => {
  test('a refused connection is not-sent and never begins', async () => {
    const server = createTCPServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const begin = vi.fn();
    const error = await failureOf(
      transport.send(request(new URL(`http://127.0.0.1:${port}/`), { method: 'POST', begin, body: '{}' })),
    );
    expect(error.failure).toBe('not-sent');
    expect(error.message).toContain('ECONNREFUSED');
    expect(begin).not.toHaveBeenCalled();
  });

  test('a deadline that passes during the TLS handshake is not-sent', async () => {
    const port = await listen(createTCPServer((socket) => socket.on('error', () => undefined)));
    const begin = vi.fn();
    const error = await failureOf(
      transport.send(request(new URL(`https://127.0.0.1:${port}/`), { method: 'POST', begin, deadline: 50 })),
    );
    expect(error.failure).toBe('not-sent');
    expect(begin).not.toHaveBeenCalled();
  });

  test.each(['GET', 'POST'] as const)('a reset after the request of a %s is a reset', async (method) => {
    const server = await rawServer((_write, reset) => reset());
    const begin = method === 'POST' ? { begin: () => undefined } : {};
    const error = await failureOf(transport.send(request(server.url, { method, ...begin })));
    expect(error.failure).toBe('reset');
    expect(server.received).toHaveLength(1);
  });

  test('an answer that ends before its length is a reset', async () => {
    const server = await rawServer((write, reset) => {
      write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"servers": [');
      setImmediate(reset);
    });
    expect((await failureOf(transport.send(request(server.url)))).failure).toBe('reset');
  });

  test('no answer within the deadline is a timeout', async () => {
    const server = await rawServer(() => undefined);
    const error = await failureOf(
      transport.send(request(server.url, { method: 'POST', begin: () => undefined, deadline: 50 })),
    );
    expect(error.failure).toBe('timeout');
  });

  test('an answer that drips past the deadline is a timeout', async () => {
    const server = await rawServer((write) => {
      write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
      const drip = setInterval(() => write(' '), 10);
      drip.unref();
      opened.at(-1)?.once('close', () => clearInterval(drip));
    });
    expect((await failureOf(transport.send(request(server.url, { deadline: 100 })))).failure).toBe('timeout');
  });

  test('an answer without end is cut at the size bound', async () => {
    await using server = await scriptedServer((_request, response) => {
      response.on('error', () => undefined);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(1000)));
      };
      response.on('drain', more);
      more();
    });
    const error = await failureOf(transport.send(request(server.url, { maxBytes: 5000 })));
    expect(error.failure).toBe('too-large');
    await vi.waitFor(() => expect(server.open()).toBe(0));
  });

  test('a caller that gives up after the request left is told so', async () => {
    const giveUp = new AbortController();
    await using server = await scriptedServer(() => giveUp.abort());
    const error = await failureOf(transport.send(request(server.url, { signal: giveUp.signal })));
    expect(error.failure).toBe('aborted');
  });
});

describe('answers', () => {
  test('a redirect is not followed', async () => {
    await using server = await scriptedServer((_request, response) => {
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    const answer = await transport.send(request(server.url));
    expect([answer.status, answer.headers['location']]).toEqual([302, '/elsewhere']);
    expect(server.requests).toHaveLength(1);
  });

  test('no encoding is asked for, repeated headers are joined, interim answers are passed over', async () => {
    await using server = await scriptedServer((_request, response) => {
      response.writeEarlyHints({ link: '</x>; rel=preload' });
      response.setHeader('x-name', ['a', 'b']);
      answerJSON(response, 200, { ok: 'ü' });
    });
    const answer = await transport.send(request(server.url));
    expect(server.requests[0]?.headers['accept-encoding']).toBeUndefined();
    expect(answer).toMatchObject({ status: 200, body: '{"ok":"ü"}', headers: { 'x-name': 'a, b' } });
  });
});

describe('TLS', () => {
  test('an untrusted certificate is not-sent; the CA bundle of the call makes it trusted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'freehold-tls-'));
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-subj', '/CN=loopback', '-addext', 'subjectAltName=IP:127.0.0.1'],
        ...['-keyout', keyFile, '-out', certFile],
      ],
      { stdio: 'ignore' },
    );
    const [key, cert] = [readFileSync(keyFile, 'utf8'), readFileSync(certFile, 'utf8')];
    rmSync(folder, { recursive: true });
    const server = createTLSServer({ key, cert }, (_incoming, response) => response.end('{}'));
    const url = new URL(`https://127.0.0.1:${await listen(server)}/`);
    const begin = vi.fn();

    const error = await failureOf(transport.send(request(url, { method: 'POST', begin })));
    expect([error.failure, begin.mock.calls.length]).toEqual(['not-sent', 0]);
    const trusted = { caBundle: cert };
    expect((await transport.send(request(url, trusted))).status).toBe(200);
    expect((await transport.send(request(url, { ...trusted, method: 'POST', begin }))).status).toBe(200);
    // The bundle of one call is no other call's: nor is its pooled connection.
    expect((await failureOf(transport.send(request(url)))).failure).toBe('not-sent');
  });
});

describe('secrets', () => {
  const canary = 'canary-4711';
  const secret = {
    headers: { 'x-auth-token': new Secret(canary) },
    body: new Secret(`{"adminPass":"${canary}"}`),
    method: 'POST' as const,
  };

  test('are revealed on the wire', async () => {
    await using server = await scriptedServer((_request, response) => answerJSON(response, 200, {}));
    await transport.send(request(server.url, { ...secret, begin: () => undefined }));
    expect(server.requests[0]?.headers['x-auth-token']).toBe(canary);
    expect(server.requests[0]?.body).toBe(`{"adminPass":"${canary}"}`);
  });

  test('and queries are in no error, nor is what an unreadable answer said', async () => {
    const server = await rawServer((write, reset) => {
      write(`HTTP/1.1 200 OK\r\nbad header ${canary}\r\n\r\n`);
      reset();
    });
    const unreadable = await failureOf(transport.send(request(server.url, { ...secret, begin: () => undefined })));
    expect(unreadable.failure).toBe('reset');
    const badHeader = { headers: { 'x-auth-token': new Secret(`${canary}\r\n`) } };
    const refused = await failureOf(transport.send(request(server.url, { ...badHeader, begin: () => undefined })));
    expect(refused.failure).toBe('not-sent');
    for (const error of [unreadable, refused]) {
      const shown = inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error);
      expect(shown).not.toContain(canary);
      expect(shown).not.toContain('secret-filter');
    }
  });
});
