import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { answer, expectClear, hostileRemote, runs } from '../support/hostile.ts';
import { addressed, clientsOf } from '../support/hostile-operations.ts';
import { createServer, fullServer } from './sdpf-samples.ts';

const nasty = [
  ...[
    '.',
    '..',
    '...',
    '/',
    '//',
    '../..',
    '%2e',
    '%2e%2e',
    '%2F',
    '..%2f',
    '%',
    '%00',
    '\\',
    '..\\',
    'a/../../v3/auth',
  ],
  ...[
    '?',
    'a?limit=1',
    '#',
    ';',
    'a;b',
    '@',
    '@evil.example',
    '//evil.example/',
    ':8080',
    'http://evil.example/',
    '&x=y',
  ],
  ...[
    'a\nb',
    'a\r\nX-Header: 1',
    '\u0000',
    'a\u0000b',
    '\t',
    ' ',
    ' a ',
    '+',
    '*',
    '\u202e',
    '\u2028',
    'é',
    '💥',
    '%ud800',
  ],
  ...['detail', 'addresses', '__proto__', 'constructor', 'toString', 'null', 'undefined', '0', '-1', "'", '"', '<b>'],
];
const ids = fc.oneof(
  fc.constantFrom(...nasty),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
  fc.array(fc.constantFrom(...nasty), { minLength: 2, maxLength: 4 }).map((parts) => parts.join('')),
);

/** The one request of a call that names an object `id`; undefined where the client refused to send it. */
async function sent(call: (typeof addressed)[number][1], id: string) {
  const remote = hostileRemote();
  const end = await remote.settle(() => call(clientsOf(remote.session), id));
  if (end.error !== undefined) expectClear(end.error);
  const calls = remote.calls();
  expect(calls.length).toBeLessThanOrEqual(1);
  if (calls.length === 0) {
    expect(end.error).toBeInstanceOf(RemoteError);
    expect((end.error as RemoteError).outcome).toBe('definitely-not');
  }
  return calls[0];
}

describe('an ID that a remote made up', () => {
  test.each(addressed)('%s asks for that very object or for none', async (_name, call) => {
    const known = (await sent(call, 'ID'))!;
    await fc.assert(
      fc.asyncProperty(ids, async (id) => {
        const request = await sent(call, id);
        if (request === undefined) return;
        const { url } = request;
        expect([request.method, url.origin, url.hash]).toEqual([known.method, 'https://api.example', '']);
        const place = known.url.pathname.split('/').indexOf('ID');
        const parts = url.pathname.split('/');
        const inPath = place < 0 ? undefined : decodeURIComponent(parts.splice(place, 1, 'ID')[0]!);
        expect(parts.join('/')).toBe(known.url.pathname);
        const query = [...url.searchParams].filter(([, value]) => value !== id);
        expect(query).toEqual([...known.url.searchParams].filter(([, value]) => value !== 'ID'));
        expect(inPath ?? url.searchParams.get('node')).toBe(id);
      }),
      runs(15),
    );
  });

  test('reaches, from a list into a read and a deletion, what it names and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(ids, async (id) => {
        const remote = hostileRemote();
        remote.answers.api = ({ url }) =>
          answer(200, { servers: url.searchParams.has('marker') ? [] : [{ ...fullServer, id }] });
        const { sdpf } = clientsOf(remote.session);
        const list = await remote.settle(() => sdpf.listServersDetail('poll'));
        if (!('value' in list)) return expectClear(list.error);
        const before = remote.calls().length;
        expect(remote.calls().map(({ url }) => url.searchParams.get('marker'))).toEqual([null, id]);
        for (const { id: listed } of list.value.items) {
          await remote.settle(() => sdpf.showServer(listed, 'poll'));
          await remote.settle(() => sdpf.deleteServer(listed, () => {}));
        }
        for (const { url } of remote.calls().slice(before)) {
          expect(url.pathname).toMatch(/^\/api\/servers\/[^/]+$/);
          expect(decodeURIComponent(url.pathname.slice('/api/servers/'.length))).toBe(id);
          expect([url.search, url.hash]).toEqual(['', '']);
        }
      }),
      runs(30),
    );
  });

  test('with half a character makes no exception of the language', async () => {
    const remote = hostileRemote();
    const half = { servers: [{ ...fullServer, id: 'a\ud800' }] };
    remote.answers.api = ({ url }) => answer(200, url.searchParams.has('marker') ? { servers: [] } : half);
    const { sdpf } = clientsOf(remote.session);
    const list = await remote.settle(() => sdpf.listServersDetail('poll'));
    for (const { id } of 'value' in list ? list.value.items : []) {
      const end = await remote.settle(() => sdpf.deleteServer(id, () => {}));
      if (end.error !== undefined) expectClear(end.error);
    }
  });

  test('that status.externalID cannot hold, in the answer of a create, is no success', async () => {
    const remote = hostileRemote();
    const order = { ...createServer, adminPass: new Secret('aabbccddeeff') };
    remote.answers.api = () => answer(200, { server: { id: 'x'.repeat(129) } });
    const end = await remote.settle(() => clientsOf(remote.session).sdpf.createServer(order, () => {}));
    expectClear(end.error);
    expect(end.error.outcome).toBe('unknown');
  });
});
