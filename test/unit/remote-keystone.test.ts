import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { apiSecret, remoteFixture, tenantID, tokenBody, tokenPrefix } from '../support/remote-fixture.ts';
import { answerJSON } from '../support/scripted-server.ts';

const minute = 60_000;

async function failureOf(call: Promise<unknown>): Promise<RemoteError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RemoteError);
  return error as RemoteError;
}

function catalogue(url: string, region = 'jp1') {
  const entry = { id: 'e', interface: 'public', region, region_id: region, url };
  return [{ type: 'broken' }, { type: 'dedicated-hypervisor', name: 'dh', endpoints: [entry, null] }];
}

const target = { serviceType: 'dedicated-hypervisor', region: 'jp1' };

describe('signing in', () => {
  test('sends what Keystone v3 documents and tells who we are', async () => {
    await using fixture = await remoteFixture();
    expect(await fixture.session.identity()).toEqual({
      projectID: tenantID,
      projectName: 'tenant-1',
      userName: 'api-key',
      roles: ['_member_'],
    });
    expect(fixture.server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /v3/auth/tokens']);
    expect(JSON.parse(fixture.server.requests[0]?.body ?? '')).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { domain: { id: 'default' }, name: 'api-key', password: apiSecret } },
        },
        scope: { project: { id: tenantID } },
      },
    });
  });

  test('is done once for many callers at the same time', async () => {
    await using fixture = await remoteFixture();
    await Promise.all([fixture.keystone.grant(), fixture.keystone.grant(), fixture.session.identity()]);
    expect(fixture.signIns()).toBe(1);
  });

  test('is repeated 5 minutes before a token of an hour expires, by its own two times', async () => {
    await using fixture = await remoteFixture();
    await fixture.keystone.grant();
    fixture.clock.advance(54 * minute);
    await fixture.keystone.grant();
    expect(fixture.signIns()).toBe(1);
    fixture.clock.advance(1 * minute);
    await fixture.keystone.grant();
    expect(fixture.signIns()).toBe(2);
  });

  test('is repeated after half the life of a short token', async () => {
    await using fixture = await remoteFixture();
    const body = tokenBody({ issued_at: '2018-11-28T01:00:00Z', expires_at: '2018-11-28T01:04:00Z' });
    fixture.answers.keystone = (_request, response) => answerJSON(response, 201, body, { 'x-subject-token': 't' });
    await fixture.keystone.grant();
    fixture.clock.advance(1.9 * minute);
    await fixture.keystone.grant();
    expect(fixture.signIns()).toBe(1);
    fixture.clock.advance(0.1 * minute);
    await fixture.keystone.grant();
    expect(fixture.signIns()).toBe(2);
  });

  test('that fails at renewal leaves the old token in use while it lives, asked again every 30 s', async () => {
    await using fixture = await remoteFixture();
    const first = await fixture.keystone.grant();
    fixture.answers.keystone = (_request, response) => answerJSON(response, 503, { error: { message: 'away' } });
    fixture.clock.advance(56 * minute);
    expect(await fixture.keystone.grant()).toBe(first);
    expect(await fixture.keystone.grant()).toBe(first);
    expect(fixture.signIns()).toBe(2);
    fixture.clock.advance(4 * minute);
    expect((await failureOf(fixture.keystone.grant())).reason).toBe('ServerError');
  });

  test('is repeated at once with other credentials', async () => {
    await using fixture = await remoteFixture();
    await fixture.keystone.grant();
    fixture.current.credentials = { username: 'api-key', password: new Secret('rotated') };
    await fixture.keystone.grant();
    expect(fixture.signIns()).toBe(2);
  });
});

describe('a project that is named', () => {
  const scope = { projectID: undefined, projectName: 'bm', domainName: 'Corp' };
  const project = { id: 'p1', name: 'bm', domain: { id: 'd', name: 'Corp' } };

  /** A session for project bm of domain Corp, whose token is for `project`. */
  async function named(project: unknown) {
    const fixture = await remoteFixture({ keystone: scope });
    const state = { project };
    fixture.current.credentials = { ...fixture.current.credentials, domainName: 'Corp' };
    fixture.answers.keystone = (_request, response) =>
      answerJSON(response, 201, tokenBody({ project: state.project }), { 'x-subject-token': 't' });
    return { fixture, state, [Symbol.asyncDispose]: fixture[Symbol.asyncDispose] };
  }

  test('is asked for with its domain, as is the user, and the token tells its ID', async () => {
    await using setUp = await named(project);
    expect(await setUp.fixture.session.identity()).toMatchObject({ projectID: 'p1', projectName: 'bm' });
    expect(JSON.parse(setUp.fixture.server.requests[0]?.body ?? '')).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { domain: { name: 'Corp' }, name: 'api-key', password: apiSecret } },
        },
        scope: { project: { name: 'bm', domain: { name: 'Corp' } } },
      },
    });
  });

  test('is believed where the token does not name its domain', async () => {
    await using setUp = await named({ id: 'p1', name: 'bm' });
    expect(await setUp.fixture.session.identity()).toMatchObject({ projectID: 'p1' });
  });

  test.each([
    ['another project', { ...project, name: 'other' }, 'for other of domain Corp, not for project bm of domain Corp'],
    ['another domain', { ...project, domain: { name: 'Default' } }, 'for bm of domain Default, not for project bm'],
    ['a project without a name', { id: 'p1' }, 'for p1 of domain Corp, not for project bm of domain Corp'],
    ['no project', undefined, 'for no project, not for project bm of domain Corp'],
  ])('and a token for %s is WrongTenant', async (_name, project, words) => {
    await using setUp = await named(project);
    const error = await failureOf(setUp.fixture.session.read({ operation: 'X', method: 'GET', path: 'x' }, 'poll'));
    expect(error).toMatchObject({ reason: 'WrongTenant', outcome: 'definitely-not' });
    expect(error.message).toContain(words);
    expect(setUp.fixture.calls()).toEqual([]);
  });

  test('is the one that the first token told: another under the same name is WrongTenant', async () => {
    await using setUp = await named(project);
    await setUp.fixture.keystone.grant();
    setUp.state.project = { ...project, id: 'p2' };
    setUp.fixture.clock.advance(56 * minute);
    const error = await failureOf(setUp.fixture.keystone.grant());
    expect(error.reason).toBe('WrongTenant');
    expect(error.message).toContain('the token is for p2, not for p1');
  });

  test('a user of another domain is another user', async () => {
    await using setUp = await named(project);
    await setUp.fixture.keystone.grant();
    setUp.fixture.current.credentials = { ...setUp.fixture.current.credentials, domainName: 'Default' };
    await setUp.fixture.keystone.grant();
    expect(setUp.fixture.signIns()).toBe(2);
  });
});

describe('refusals', () => {
  test('wrong credentials are answered from memory for 30 s, then longer, up to 5 minutes', async () => {
    await using fixture = await remoteFixture({ keystone: { random: { next: () => 0, bytes: Buffer.alloc } } });
    fixture.answers.keystone = (_request, response) =>
      answerJSON(response, 401, {
        error: { code: 401, message: 'The request you have made requires authentication.' },
      });
    const first = await failureOf(fixture.session.read({ operation: 'X', method: 'GET', path: 'x' }, 'poll'));
    expect(first).toMatchObject({ reason: 'CredentialsRefused', outcome: 'definitely-not' });
    expect(first.message).toBe(
      `SignIn at ${fixture.server.url.origin}: HTTP 401: The request you have made requires authentication.; ` +
        'check the credentials Secret, and that they belong to this tenant (project) ID',
    );
    expect(await failureOf(fixture.keystone.grant())).toBe(first);
    for (const [seconds, signIns] of [
      [29, 1],
      [1, 2],
      [59, 2],
      [1, 3],
      [120, 4],
      [240, 5],
      [300, 6],
      [299, 6],
      [1, 7],
    ] as const) {
      fixture.clock.advance(seconds * 1000);
      await failureOf(fixture.keystone.grant());
      expect(fixture.signIns()).toBe(signIns);
    }
  });

  test('other credentials are tried at once after a refusal', async () => {
    await using fixture = await remoteFixture();
    const ordinary = fixture.answers.keystone;
    fixture.answers.keystone = (_request, response) => answerJSON(response, 401, { error: { message: 'no' } });
    await failureOf(fixture.keystone.grant());
    fixture.answers.keystone = ordinary;
    fixture.current.credentials = { username: 'api-key', password: new Secret('right') };
    await fixture.keystone.grant();
    expect(fixture.signIns()).toBe(2);
  });

  test.each([
    ['another project', { project: { id: 'bbb8749130bc3d2886d6b9bb3fcb1715' } }],
    ['no project', { project: undefined }],
  ])('a token for %s is WrongTenant, and no call goes out with it', async (_name, more) => {
    await using fixture = await remoteFixture();
    fixture.answers.keystone = (_request, response) =>
      answerJSON(response, 201, tokenBody(more), { 'x-subject-token': 't' });
    const error = await failureOf(fixture.session.read({ operation: 'X', method: 'GET', path: 'x' }, 'poll'));
    expect(error).toMatchObject({ reason: 'WrongTenant', outcome: 'definitely-not' });
    expect(error.message).toContain(tenantID);
    await failureOf(fixture.keystone.grant());
    expect([fixture.signIns(), fixture.calls().length]).toEqual([1, 0]);
  });

  test('a tenant ID with hyphens is the same tenant', async () => {
    await using fixture = await remoteFixture();
    const project = { id: 'AAA87491-30bc-3d28-86d6-b9bb3fcb1715' };
    fixture.answers.keystone = (_request, response) =>
      answerJSON(response, 201, tokenBody({ project }), { 'x-subject-token': 't' });
    await fixture.keystone.grant();
  });

  test.each([
    [404, { error: { message: 'nothing here' } }, 'BadAnswer'],
    [400, { error: { message: 'bad' } }, 'BadAnswer'],
    [409, { error: { message: 'bad' } }, 'BadAnswer'],
    [406, { error: { message: 'bad' } }, 'BadAnswer'],
    [403, { error: { message: 'API availability' } }, 'CredentialsRefused'],
    [503, { error: { message: 'away' } }, 'ServerError'],
    [429, { error: { message: 'slow' } }, 'RateLimited'],
    [201, { token: 'x' }, 'BadAnswer'],
    [201, tokenBody(), 'BadAnswer'], // without X-Subject-Token
  ])('HTTP %d of Keystone never passes for an answer of the API', async (status, body, reason) => {
    await using fixture = await remoteFixture();
    fixture.answers.keystone = (_request, response) => answerJSON(response, status, body);
    const write = fixture.session.write({ operation: 'X', method: 'DELETE', path: 'servers/1' }, () => undefined);
    const error = await failureOf(write);
    expect(error).toMatchObject({ reason, outcome: 'definitely-not', status: undefined });
    expect(fixture.calls()).toEqual([]);
  });
});

describe('where the API is', () => {
  test("the catalogue's public endpoint of the region, bad entries passed over", async () => {
    await using fixture = await remoteFixture({ keystone: { target } });
    const url = `http://127.0.0.1:1/v1.0/${tenantID}`;
    fixture.answers.keystone = (_request, response) =>
      answerJSON(response, 201, tokenBody({ catalog: catalogue(url) }), { 'x-subject-token': 't' });
    expect((await fixture.session.endpoint()).href).toBe(url);
  });

  test.each([
    [[], 'the catalogue has no service dedicated-hypervisor (public)'],
    [undefined, 'the catalogue has no service dedicated-hypervisor (public)'],
    [catalogue('http://127.0.0.1:1/', 'jp2'), 'not in region jp1 but in jp2'],
    [[...catalogue('http://127.0.0.1:1/'), ...catalogue('http://127.0.0.1:2/')], 'several'],
    [catalogue('nonsense'), 'is none'],
  ])('a catalogue %# that does not tell is WrongTenant with the reason', async (catalog, problem) => {
    await using fixture = await remoteFixture({ keystone: { target } });
    fixture.answers.keystone = (_request, response) =>
      answerJSON(response, 201, tokenBody({ catalog }), { 'x-subject-token': 't' });
    const error = await failureOf(fixture.session.endpoint());
    expect(error.reason).toBe('WrongTenant');
    expect(error.message).toContain(problem);
    // Who we are is known all the same.
    expect((await fixture.session.identity()).projectID).toBe(tenantID);
  });

  test('several regions and none named: the message offers them', async () => {
    await using fixture = await remoteFixture({ keystone: { target: { serviceType: 'dedicated-hypervisor' } } });
    const catalog = [...catalogue('http://127.0.0.1:1/'), ...catalogue('http://127.0.0.1:2/', 'jp2')];
    fixture.answers.keystone = (_request, response) =>
      answerJSON(response, 201, tokenBody({ catalog }), { 'x-subject-token': 't' });
    expect((await failureOf(fixture.session.endpoint())).message).toContain('several regions (jp1, jp2)');
  });

  test('a catalogue that points elsewhere gets no token', async () => {
    await using fixture = await remoteFixture({ keystone: { target } });
    fixture.answers.keystone = (_request, response) =>
      answerJSON(response, 201, tokenBody({ catalog: catalogue('https://evil.example/') }), { 'x-subject-token': 't' });
    const error = await failureOf(fixture.session.read({ operation: 'X', method: 'GET', path: 'x' }, 'poll'));
    expect(error).toMatchObject({ reason: 'EndpointNotAllowed', outcome: 'definitely-not' });
    expect(error.message).toContain('catalogue URL of dedicated-hypervisor: evil.example');
  });

  test('an authURL or endpoint that is not allowed gets neither credentials nor token', async () => {
    await using forbidden = await remoteFixture({ keystone: { allowed: () => 'not allowed' } });
    expect((await failureOf(forbidden.session.identity())).reason).toBe('EndpointNotAllowed');
    expect(forbidden.server.requests).toEqual([]);
    const allowed = (url: URL) => (url.pathname === '/v3' ? undefined : 'not allowed');
    await using endpoint = await remoteFixture({ keystone: { allowed } });
    const error = await failureOf(endpoint.session.read({ operation: 'X', method: 'GET', path: 'x' }, 'poll'));
    expect(error.reason).toBe('EndpointNotAllowed');
    expect(endpoint.calls()).toEqual([]);
  });
});

test('neither the API secret nor the token can be read from what is handed out', async () => {
  await using fixture = await remoteFixture();
  const grant = await fixture.keystone.grant();
  expect(grant.token.reveal()).toBe(`${tokenPrefix}1`);
  fixture.keystone.discard(grant);
  fixture.answers.keystone = (_request, response) =>
    answerJSON(response, 400, { error: { message: `password ${apiSecret} is bad` } });
  const error = await failureOf(fixture.session.identity());
  expect(error.message).toContain('password [redacted] is bad');
  const shown = inspect([grant, error], { depth: 20, showHidden: true }) + JSON.stringify([grant, error]);
  expect(shown).not.toContain(apiSecret);
  expect(shown).not.toContain(tokenPrefix);
});
