import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import * as z from 'zod';
import { systemClock } from '../../src/base/clock.ts';
import { exchange } from '../../src/remote/exchange.ts';
import type { ExchangeRequest } from '../../src/remote/exchange.ts';
import { createTransport } from '../../src/remote/undici.ts';
import { remoteFixture } from '../support/remote-fixture.ts';

const transport = createTransport({ clock: systemClock });
afterEach(() => transport.close());

const begin = (): void => undefined;

/** The header lines of one exchange as the bytes on the wire say them, in lower case and without their values. */
async function headersOf(more: Partial<ExchangeRequest<unknown>>): Promise<string[]> {
  let received = '';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      received += bytes.toString();
      if (received.includes('\r\n\r\n')) socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await exchange(
      { transport, clock: systemClock },
      {
        name: 'Call',
        method: 'PUT',
        url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`),
        path: 'x',
        headers: {},
        mutating: false,
        deadline: 5_000,
        ...more,
      },
    );
  } finally {
    server.close();
  }
  const [head = ''] = received.split('\r\n\r\n');
  return head
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(':')[0]!.toLowerCase());
}

test.each([
  ['a read', { method: 'GET' as const }],
  ['a write with a body', { method: 'PATCH' as const, body: [], mutating: true, begin }],
  ['a write without one', { method: 'DELETE' as const, mutating: true, begin }],
])('%s that must not carry Accept carries none on the wire, and nobody adds one', async (_name, more) => {
  expect(await headersOf({ ...more, accept: false })).not.toContain('accept');
  expect(await headersOf(more)).toContain('accept');
});

test('a session passes it on, for writes as for reads', async () => {
  await using fixture = await remoteFixture();
  const call = { operation: 'X', path: 'x', accept: false as const };
  await fixture.session.write({ ...call, method: 'PUT', body: {} }, () => undefined);
  await fixture.session.read({ ...call, method: 'GET' }, 'poll');
  await fixture.session.read({ operation: 'X', path: 'x', method: 'GET', answer: z.object({}) }, 'poll');
  expect(fixture.calls().map(({ headers }) => headers.accept)).toEqual([undefined, undefined, 'application/json']);
});
