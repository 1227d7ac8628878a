import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  answer,
  expectClear,
  expectUnpolluted,
  foreignBody,
  hostileAnswer,
  hostileRemote,
  runs,
} from '../support/hostile.ts';
import { clientsOf } from '../support/hostile-operations.ts';
import { apiSecret, tenantID, tokenBody, tokenPrefix } from '../support/remote-fixture.ts';

const catalogOf = (url: string, more: object[] = []) => [
  { type: 'dedicated-hypervisor', endpoints: [{ interface: 'public', region: 'jp1', url }, ...more] },
];
const goodToken = tokenBody({ catalog: catalogOf('https://api.example/v1.0/t') });
const fromCatalogue = { target: { serviceType: 'dedicated-hypervisor', region: 'jp1' } };
const withToken = (value: unknown, status = 201) => answer(status, value, { 'x-subject-token': `${tokenPrefix}1` });

/** A list of licences of a tenant whose Keystone answers so. */
async function listed(keystone: ReturnType<typeof answer>, options: Parameters<typeof hostileRemote>[0] = {}) {
  const remote = hostileRemote(options);
  remote.answers.keystone = () => keystone;
  remote.answers.api = () => answer(200, { licenses: [] });
  const list = () => remote.settle(() => clientsOf(remote.session).sdpf.listLicenses('poll'));
  return { remote, list, end: await list() };
}

describe('whatever Keystone answers', () => {
  const subject = fc.option(fc.constantFrom('', `${tokenPrefix}1`, 'a b', ' '), { nil: undefined });

  test.each([
    ['with the endpoint given', {}],
    ['with the endpoint of the catalogue', { keystone: fromCatalogue }],
  ])('%s: the API is called for this very project at an allowed host, or not at all', async (_name, options) => {
    const property = fc.asyncProperty(hostileAnswer(goodToken), subject, async (given, token) => {
      const headers = { ...given.headers, ...(token !== undefined && { 'x-subject-token': token }) };
      const { remote, end } = await listed({ ...given, headers }, options);
      expectUnpolluted();
      expect(new Set(remote.signIns().map(({ method, url }) => method + url.pathname))).toEqual(
        new Set(['POST/v3/auth/tokens']),
      );
      expect(remote.signIns().length).toBeLessThanOrEqual(3);
      for (const { method, url } of remote.calls()) expect([method, url.host]).toEqual(['GET', 'api.example']);
      if (remote.calls().length > 0) {
        const { project } = (JSON.parse(given.body) as { token: { project: { id: string } } }).token;
        expect(project.id.replaceAll('-', '').toLowerCase()).toBe(tenantID);
        expect(given.status >= 200 && given.status <= 299 && Boolean(token)).toBe(true);
      }
      if (end.error === undefined) return;
      expectClear(end.error);
      // Of an object of the API nothing was said.
      expect(['NotFound', 'Rejected', 'Conflict', 'VersionRefused', 'Forbidden']).not.toContain(end.error.reason);
      expect([end.error.status, end.error.outcome]).toEqual([undefined, 'definitely-not']);
    });
    await fc.assert(property, runs(50));
  });

  test('a change is not begun, and its outcome is not in doubt', async () => {
    const bad = fc.oneof(
      foreignBody.map((body) => withToken(body)),
      fc.constantFrom(answer(201, goodToken), withToken(tokenBody({ project: { id: 'other' } })), withToken('{}', 401)),
    );
    const property = fc.asyncProperty(bad, async (given) => {
      const remote = hostileRemote();
      remote.answers.keystone = () => given;
      let begun = 0;
      const fence = () => void (begun += 1);
      const end = await remote.settle(() => clientsOf(remote.session).sdpf.createLicense('type', fence));
      expectClear(end.error);
      expect([end.error.outcome, begun, remote.calls().length]).toEqual(['definitely-not', 0, 0]);
    });
    await fc.assert(property, runs(40));
  });

  test('no lifetime of a token, however odd, makes every call sign in', async () => {
    const year = fc.constantFrom('0000', '0001', '1969', '1970', '2026', '9999');
    const zone = fc.constantFrom('Z', '+00:00', '-23:59', '+23:59');
    const fraction = fc.constantFrom('', '.0', '.999999999999999999999', '.1');
    const time = fc.tuple(year, fraction, zone).map(([y, f, z]) => `${y}-02-28T23:59:59${f}${z}`);
    const times = fc.record({ expires_at: time, issued_at: fc.oneof(time, fc.constantFrom(null, 'x', 5)) });
    const property = fc.asyncProperty(times, async (lifetime) => {
      const { remote, list, end } = await listed(withToken(tokenBody(lifetime)));
      expect(end).toHaveProperty('value');
      for (let again = 0; again < 5; again += 1) expect(await list()).toHaveProperty('value');
      expect([remote.signIns().length, remote.calls().length]).toEqual([1, 6]);
    });
    await fc.assert(property, runs(50));
  });

  test('what is refused is not asked for at once again, whatever the answer says of when', async () => {
    for (const after of ['garbage', '1e9', '1000000000', '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT']) {
      for (const status of [401, 429]) {
        const body = { error: { code: status, message: `no, not with ${apiSecret}` } };
        const { remote, list, end } = await listed(answer(status, body, { 'retry-after': after }));
        expectClear(end.error);
        await list();
        expect(remote.signIns()).toHaveLength(1);
        // Nor is it left alone for ever.
        remote.answers.keystone = () => withToken(goodToken);
        remote.clock.advance(11 * 60_000);
        expect(await list()).toHaveProperty('value');
      }
    }
  });
});

describe('a URL of the catalogue', () => {
  test.each([
    ...['http://api.example/', 'https://evil.example/', 'https://api.example@evil.example/', 'javascript:alert(1)', ''],
    ...['//api.example/', 'https://user:pass@api.example/', 'https://api.example/?x=', 'https://api.example/#x', 'x'],
    ...[
      'https://api.example:444/',
      'file:///etc/passwd',
      'https://api.example.evil.example/',
      'https://[::1]/',
      '\u0000',
    ],
    ...['https://api%2eexample.evil.example', 'data:,x', 'https://'],
  ])('%j gets no token', async (url) => {
    const { remote, end } = await listed(withToken(tokenBody({ catalog: catalogOf(url) })), {
      keystone: fromCatalogue,
    });
    expectClear(end.error);
    expect(remote.calls()).toEqual([]);
  });

  test('beside others that cannot be read is found all the same', async () => {
    const broken = [null, 5, {}, { interface: 5, url: 'https://evil.example/' }, { interface: 'public', url: null }];
    const catalog = [
      null,
      'x',
      { type: 5 },
      ...catalogOf('https://api.example/v1.0/t', broken as object[]),
      { endpoints: 1 },
    ];
    const { remote, end } = await listed(withToken(tokenBody({ catalog })), { keystone: fromCatalogue });
    expect(end).toHaveProperty('value');
    expect(remote.calls().map(({ url }) => url.href)).toEqual(['https://api.example/v1.0/t/licenses']);
  });
});

describe('what Keystone says of itself', () => {
  const long = '\u202e\u0007x'.repeat(5_000);
  const catalogue = { target: { serviceType: 'baremetal', region: 'jp1' } };
  test.each([
    ['the project of the token', { project: { id: long } }, {}],
    [
      'regions',
      { catalog: [{ type: 'baremetal', endpoints: [{ interface: 'public', region: long, url: 'x' }] }] },
      catalogue,
    ],
  ])('of %s is told shortly and cleanly', async (_name, token, keystone) => {
    const remote = hostileRemote({ keystone });
    remote.answers.keystone = () => answer(201, tokenBody(token), { 'x-subject-token': 't' });
    expectClear((await remote.settle(() => clientsOf(remote.session).sdpf.listLicenses('poll'))).error);
  });
});
