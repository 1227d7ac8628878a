import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, tokenRequest } from './sandbox-client.ts';

let client: Client;

beforeEach(async () => {
  client = await Client.start();
});

afterEach(async () => {
  await client.stop();
});

const names = async (): Promise<string[]> =>
  (await client.call('GET', 'servers')).body.servers.map((server: any) => server.name);
const fault = (spec: Record<string, unknown>): Promise<any> => client.control('POST', 'faults', spec);
const create = (name: string): Promise<any> => client.call('POST', 'servers', client.serverBody({ name }));

describe('a fault', () => {
  it('breaks the connection before the commit, and nothing was bought', async () => {
    for (const how of ['drop', 'reset']) {
      await fault({ operation: 'CreateServer', times: 1, [how]: 'before-commit' });
      await expect(create('lost')).rejects.toThrow('fetch failed');
    }
    expect(await names()).toEqual([]);
  });

  it('breaks the connection after the commit, and the server stands', async () => {
    for (const how of ['drop', 'reset']) {
      await fault({ operation: 'CreateServer', times: 1, [how]: 'after-commit' });
      await expect(create(how)).rejects.toThrow('fetch failed');
    }
    expect(await names()).toEqual(['drop', 'reset']);
    const { calls } = (await client.control('GET', 'calls')).body;
    const creates = calls.filter((call: any) => call.operation === 'CreateServer');
    expect(creates).toMatchObject([
      { committed: true, status: null, fault: 'fault-1' },
      { committed: true, status: null, fault: 'fault-2' },
    ]);
  });

  it('answers an error instead of the operation, or after it', async () => {
    await fault({ operation: 'CreateServer', times: 1, status: 503 });
    const refused = await create('a');
    expect([refused.status, refused.body.serviceUnavailable.code]).toEqual([503, 503]);
    expect(await names()).toEqual([]);
    await fault({ operation: 'CreateServer', times: 1, status: 503, commit: true });
    expect((await create('b')).status).toBe(503);
    expect(await names()).toEqual(['b']);
    expect((await create('c')).status).toBe(200);
  });

  it('answers a page of a proxy with 200, and the headers that were asked for', async () => {
    const headers = { 'content-type': 'text/html; charset=utf-8', 'retry-after': '7' };
    await fault({ operation: 'ListServers', status: 200, headers, body: '<html>hello</html>' });
    const seen = await client.call('GET', 'servers');
    expect([seen.status, seen.text, seen.headers.get('retry-after')]).toEqual([200, '<html>hello</html>', '7']);
    expect(seen.headers.get('content-type')).toBe('text/html; charset=utf-8');
  });

  it('empties a list, or answers 404 to it', async () => {
    await create('a');
    await fault({ operation: 'ListServersDetail', times: 1, emptyList: true });
    expect((await client.call('GET', 'servers/detail')).body).toEqual({ servers: [] });
    await fault({ operation: 'ListServersDetail', times: 1, status: 404 });
    expect((await client.call('GET', 'servers/detail')).status).toBe(404);
    expect((await client.call('GET', 'servers/detail')).body.servers).toHaveLength(1);
  });

  it('cuts a body short under its full length', async () => {
    await create('a');
    await fault({ operation: 'ListServers', times: 1, truncate: 20 });
    await expect(client.call('GET', 'servers')).rejects.toThrow('terminated');
  });

  it('delays the answer, not the commit', async () => {
    await fault({ operation: 'CreateServer', times: 1, delayMs: 1000 });
    let answered = false;
    const slow = create('slow').finally(() => {
      answered = true;
    });
    while ((await names()).length === 0) expect(answered).toBe(false);
    expect(answered).toBe(false);
    await slow;
  });

  it('lets calls pass first, strikes every nth, and only so often', async () => {
    await fault({ operation: 'ListServers', after: 1, every: 2, times: 2, status: 500 });
    const statuses: number[] = [];
    for (let n = 0; n < 8; n += 1) statuses.push((await client.call('GET', 'servers')).status);
    expect(statuses).toEqual([200, 200, 500, 200, 500, 200, 200, 200]);
  });

  it('strikes any operation, Keystone too, or one path, or one tenant', async () => {
    const { id } = (await fault({ operation: '*', status: 500 })).body;
    expect((await client.call('GET', 'licenses')).status).toBe(500);
    expect((await client.signIn()).status).toBe(500);
    await client.control('DELETE', `faults/${id}`);
    await client.signIn();
    await fault({ operation: '*', status: 500, pathIncludes: '/licenses' });
    await fault({ operation: 'ListUsages', status: 500, tenantID: 'b'.repeat(32) });
    expect((await client.call('GET', 'licenses')).status).toBe(500);
    expect((await client.call('GET', 'usages')).status).toBe(200);
    await client.control('DELETE', 'faults');
    expect((await client.call('GET', 'licenses')).status).toBe(200);
  });

  it('is refused when it names no operation or an unknown field', async () => {
    await expect(fault({ operation: 'Nothing' })).rejects.toThrow('unknown operation');
    await expect(fault({ operation: '*', staus: 500 })).rejects.toThrow('unknown field');
    await expect(client.set({ buildSecond: 1 })).rejects.toThrow('unknown setting');
  });
});

describe('the call log', () => {
  it('names every call in order and hides secrets', async () => {
    await client.call('POST', 'servers', client.serverBody({ adminPass: 'canary-pass' }));
    await client.call('GET', 'nothing');
    const { calls } = (await client.control('GET', 'calls')).body;
    expect(calls.map((call: any) => [call.seq, call.operation, call.status, call.committed])).toEqual([
      [1, 'IssueToken', 201, true],
      [2, 'CreateServer', 200, true],
      [3, 'Unknown', 405, false],
    ]);
    expect(calls[1]).toMatchObject({ tenantID: client.tenantID, requestBody: { server: { name: 'server-test-1' } } });
    const text = JSON.stringify(calls);
    for (const secret of ['canary-pass', client.sandbox.info.sdpf.apiSecret, client.token]) {
      expect(text).not.toContain(secret);
    }
    expect((await client.control('GET', 'calls?since=2')).body.calls).toHaveLength(1);
    await client.control('DELETE', 'calls');
    expect((await client.control('GET', 'calls')).body.calls).toEqual([]);
  });
});

describe('settings', () => {
  it('make new servers late in the lists, and in Show on request', async () => {
    await client.set({ listLagSeconds: 60 });
    const { id } = (await create('late')).body.server;
    expect(await names()).toEqual([]);
    expect((await client.call('GET', `servers/${id}`)).status).toBe(200);
    await client.set({ showLag: true });
    expect((await client.call('GET', `servers/${id}`)).status).toBe(404);
    await client.advance(60);
    expect(await names()).toEqual(['late']);
    expect((await client.call('GET', `servers/${id}`)).status).toBe(200);
  });

  it('lose or cut descriptions and metadata', async () => {
    const show = async (): Promise<any> => {
      const { id } = await client.createServer({ description: 'abcdef', metadata: { a: 'b' } });
      return (await client.call('GET', `servers/${id}`)).body.server;
    };
    await client.set({ descriptionMaxLength: 3 });
    expect((await show()).description).toBe('abc');
    await client.set({ keepDescription: false, keepMetadata: false });
    const server = await show();
    expect([server.description, server.baremetal_server.metadata]).toEqual([null, {}]);
  });

  it('end builds in ERROR, report an unknown status, or hide the machine during BUILD', async () => {
    await client.set({ forceError: true, buildSeconds: 0 });
    const { id } = await client.createServer();
    const show = async (): Promise<any> => (await client.call('GET', `servers/${id}`)).body.server;
    expect((await show()).status).toBe('ERROR');
    await client.set({ forceStatus: 'MIGRATING' });
    expect((await show()).status).toBe('MIGRATING');
    expect((await client.call('DELETE', `servers/${id}`)).status).toBe(409);
    await client.set({ forceStatus: null });
    expect((await client.call('DELETE', `servers/${id}`)).status).toBe(204);
    await client.set({ machineDuringBuild: 'null', buildSeconds: 60 });
    await client.createServer();
    const { servers } = (await client.call('GET', 'servers/detail?status=BUILD')).body;
    expect(servers[0].baremetal_server).toBeNull();
  });

  it('hide everything, as a wrong endpoint would', async () => {
    const { id } = (await create('hidden')).body.server;
    await client.set({ hideServers: true });
    expect(await names()).toEqual([]);
    expect((await client.call('GET', `servers/${id}`)).status).toBe(404);
    await client.set({ hideServers: false });
    expect(await names()).toEqual(['hidden']);
  });

  it('run out of stock', async () => {
    const { licenseType } = client.sandbox.info.sdpf;
    await client.set({ licenseStock: { [licenseType]: 1 }, serverStock: 0 });
    const buy = (): Promise<any> => client.call('POST', 'licenses', { license_type: licenseType });
    expect((await buy()).status).toBe(200);
    expect((await buy()).status).toBe(503);
    expect((await create('a')).status).toBe(503);
  });

  it('slow the API down, and Keystone not', async () => {
    await client.set({ latencyMs: 100 });
    const begin = Date.now();
    await client.call('GET', 'servers');
    expect(Date.now() - begin).toBeGreaterThanOrEqual(95);
  });
});

describe('tenants and credentials', () => {
  it('keep tenants apart', async () => {
    await create('mine');
    const other = { tenantID: 'c'.repeat(32), apiKey: 'other', apiSecret: 'other-secret' };
    await client.control('POST', 'tenants', other);
    const { authURL } = client.sandbox.info.sdpf;
    const body = tokenRequest('other', 'other-secret', other.tenantID);
    client.token = (await client.fetch('POST', `${authURL}/auth/tokens`, body)).headers.get('x-subject-token') ?? '';
    expect((await client.call('GET', 'servers')).status).toBe(403);
    client.tenantID = other.tenantID;
    expect(await names()).toEqual([]);
  });

  it('end all tokens, and rotate keys', async () => {
    await client.control('POST', 'expire-tokens');
    expect((await client.call('GET', 'servers')).status).toBe(401);
    expect((await client.signIn()).status).toBe(201);
    const { tenantID, apiKey } = client.sandbox.info.sdpf;
    await client.control('PUT', 'credentials', { tenantID, apiKey, apiSecret: 'new' });
    expect((await client.call('GET', 'servers')).status).toBe(401);
    expect((await client.signIn()).status).toBe(401);
    const { authURL } = client.sandbox.info.sdpf;
    const body = tokenRequest(apiKey, 'new', tenantID);
    expect((await client.fetch('POST', `${authURL}/auth/tokens`, body)).status).toBe(201);
  });
});

describe('a person in the portal', () => {
  it('creates, changes and removes servers', async () => {
    const { id } = (await client.control('POST', 'servers', { name: 'look-alike', description: 'mine' })).body;
    const show = async (): Promise<any> => (await client.call('GET', `servers/${id}`)).body.server;
    expect(await show()).toMatchObject({ name: 'look-alike', description: 'mine', status: 'ACTIVE' });
    await client.control('PATCH', `servers/${id}`, { name: 'other', description: null, status: 'ERROR' });
    expect(await show()).toMatchObject({ name: 'other', description: null, status: 'ERROR' });
    await client.control('DELETE', `servers/${id}`);
    expect((await client.call('GET', `servers/${id}`)).status).toBe(404);
    const { servers } = (await client.control('GET', 'ledger')).body;
    expect(servers).toMatchObject([{ id, createdByCall: null, deletedByCall: null, deletedAt: expect.any(String) }]);
  });

  it('buys licences and registers vCenters', async () => {
    const license = (await client.control('POST', 'licenses', { license_type: 'vCenter Server 8.0 Standard' })).body;
    expect((await client.call('GET', 'licenses')).body.licenses).toEqual([license]);
    const fields = { link_local_address: '169.254.127.140', license_id: license.id };
    const { id } = (await client.control('POST', 'vcenters', fields)).body;
    await client.control('PATCH', `vcenters/${id}`, { metering_health: false, metering_health_error_type: 'X' });
    const list = async (): Promise<any> => (await client.call('GET', 'vcenters')).body.vcenters;
    expect(await list()).toMatchObject([{ id, metering_health: false, metering_health_error_type: 'X' }]);
    await client.control('DELETE', `vcenters/${id}`);
    await client.control('DELETE', `licenses/${license.id}`);
    expect(await list()).toEqual([]);
  });
});

describe('the ledger', () => {
  it('holds what was ever bought, by which call, and a print of the password', async () => {
    const { id, adminPass } = await client.createServer({ adminPass: 'secret' });
    await client.advance(30);
    await client.call('DELETE', `servers/${id}`);
    await client.advance(30);
    const { servers } = (await client.control('GET', 'ledger')).body;
    const adminPassSHA256 = createHash('sha256').update(adminPass).digest('hex');
    expect(servers).toMatchObject([{ id, createdByCall: 2, deletedByCall: 3, adminPassSHA256 }]);
  });

  it('is empty after a reset, and so is the rest', async () => {
    await create('a');
    await client.set({ buildSeconds: 1 });
    await client.control('POST', 'reset');
    expect((await client.control('GET', 'ledger')).body.servers).toEqual([]);
    expect((await client.control('GET', 'settings')).body.buildSeconds).toBe(30);
    expect((await client.call('GET', 'servers')).status).toBe(401);
  });
});

describe('the core without a network', () => {
  it('repeats itself to the byte under the same clock and random numbers', () => {
    expect(conversation()).toBe(conversation());
  });

  it('hands broken connections and delays to its transport', () => {
    const sandbox = createSandbox({ now: () => 0, random: () => 0.5 });
    const send = (method: string, path: string, body = ''): ReturnType<typeof sandbox.handle> =>
      sandbox.handle({ method, path, headers: {}, body });
    send(
      'POST',
      '/control/faults',
      JSON.stringify({ operation: 'DiscoverKeystone', drop: 'after-commit', delayMs: 5 }),
    );
    expect(send('GET', '/keystone/v3')).toMatchObject({ drop: 'after', delayMs: 5 });
  });
});

/** All that a sandbox answers from a sign-in to a listed server, on a clock and random numbers of its own. */
function conversation(): string {
  let state = 7;
  let clock = Date.UTC(2025, 8, 1);
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const sandbox = createSandbox({ now: () => clock, random, baseURL: 'http://sandbox' });
  const { sdpf } = sandbox.info('http://sandbox');
  const send = (method: string, path: string, token: string, body: unknown = ''): ReturnType<typeof sandbox.handle> =>
    sandbox.handle({
      method,
      path,
      headers: { 'x-auth-token': token },
      body: body === '' ? '' : JSON.stringify(body),
    });
  const signIn = tokenRequest(sdpf.apiKey, sdpf.apiSecret, sdpf.tenantID);
  const token = send('POST', '/keystone/v3/auth/tokens', '', signIn).headers['x-subject-token'] ?? '';
  const base = new URL(sdpf.endpoint).pathname;
  const server = {
    name: 'a',
    imageRef: sdpf.imageRef,
    flavorRef: sdpf.flavorRef,
    networks: [{ uuid: sdpf.networkID }],
  };
  const created = send('POST', `${base}/servers`, token, { server });
  clock += 30_000;
  const listed = send('GET', `${base}/servers/detail`, token);
  expect(JSON.parse(listed.body).servers[0].status).toBe('ACTIVE');
  return created.body + listed.body;
}
