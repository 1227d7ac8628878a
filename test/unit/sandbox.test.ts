import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runSandbox } from '../../src/sandbox/serve.ts';
import { Client, tokenRequest } from './sandbox-client.ts';

const TENANT = 'aaa8749130bc3d2886d6b9bb3fcb1715';
const NOT_AN_ID = '00000000-0000-4000-8000-000000000000';

let client: Client;

beforeEach(async () => {
  client = await Client.start();
});

afterEach(async () => {
  await client.stop();
});

describe('Keystone', () => {
  it('answers discovery with a numeric version, with and without the trailing slash', async () => {
    const { authURL } = client.sandbox.info.sdpf;
    for (const url of [authURL, `${authURL}/`]) {
      const { status, body } = await client.fetch('GET', url);
      expect(status).toBe(200);
      expect(body.version.id).toMatch(/^v3\.\d+$/);
      expect(body.version.status).toBe('stable');
      expect(new URL(body.version.links[0].href).pathname).toBe('/keystone/v3/');
    }
  });

  it('answers 201 with the token in a header, its end and one public endpoint', async () => {
    const { status, headers, body } = await client.signIn();
    expect(status).toBe(201);
    expect(headers.get('x-subject-token')).toMatch(/^[0-9a-f]{32}$/);
    expect(Date.parse(body.token.expires_at) - Date.parse(body.token.issued_at)).toBe(3_600_000);
    expect(body.token.project.id).toBe(TENANT);
    const [entry] = body.token.catalog;
    expect(entry.type).toBe('dedicated-hypervisor');
    expect(entry.endpoints).toHaveLength(1);
    expect(entry.endpoints[0]).toMatchObject({ interface: 'public', region: 'jp1' });
    expect(entry.endpoints[0].url).toBe(client.sandbox.info.sdpf.endpoint);
    expect(entry.endpoints[0].url).toMatch(/dedicated-hypervisor.*\/v1\.0\/[0-9a-f]{32}$/);
  });

  it('leaves the catalogue out on request', async () => {
    const { apiKey, apiSecret, authURL } = client.sandbox.info.sdpf;
    const body = tokenRequest(apiKey, apiSecret, TENANT);
    expect((await client.fetch('POST', `${authURL}/auth/tokens?nocatalog`, body)).body.token.catalog).toBeUndefined();
  });

  it('refuses a wrong key, a wrong secret and a wrong project with the same 401', async () => {
    const { apiKey, apiSecret, authURL } = client.sandbox.info.sdpf;
    const texts = new Set<string>();
    for (const [key, secret, project] of [
      ['nobody', apiSecret, TENANT],
      [apiKey, 'wrong', TENANT],
      [apiKey, apiSecret, 'b'.repeat(32)],
    ] as const) {
      const seen = await client.fetch('POST', `${authURL}/auth/tokens`, tokenRequest(key, secret, project));
      expect(seen.status).toBe(401);
      expect(seen.body.error).toMatchObject({ code: 401, title: 'Unauthorized' });
      texts.add(seen.text);
    }
    expect(texts.size).toBe(1);
  });

  it('lets a token end after its time', async () => {
    await client.set({ tokenTTLSeconds: 60 });
    await client.signIn();
    await client.advance(59);
    expect((await client.call('GET', 'servers')).status).toBe(200);
    await client.advance(1);
    expect((await client.call('GET', 'servers')).status).toBe(401);
  });

  it('refuses no token with 401, and the path of another tenant with 403', async () => {
    client.tenantID = 'b'.repeat(32);
    const stranger = await client.call('GET', 'servers');
    expect([stranger.status, stranger.body.forbidden.code]).toEqual([403, 403]);
    client.token = '';
    expect((await client.call('GET', 'servers')).status).toBe(401);
  });
});

describe('servers', () => {
  it('answer a create with 200, and with what was sent', async () => {
    const { status, body } = await client.call('POST', 'servers', client.serverBody({ adminPass: 'aabbccddeeff' }));
    expect(status).toBe(200);
    expect(Object.keys(body.server)).toEqual(['id', 'links', 'name', 'adminPass']);
    expect(body.server).toMatchObject({ name: 'server-test-1', adminPass: 'aabbccddeeff' });
    expect(body.server.links.map((link: any) => link.rel)).toEqual(['self', 'bookmark']);
  });

  it('are built over time, then ACTIVE in the documented shape', async () => {
    const { flavorRef, imageRef, networkID } = client.sandbox.info.sdpf;
    const fields = { description: 'hogehoge', metadata: { foo: 'bar' }, availability_zone: 'zone1-groupa' };
    const { id } = await client.createServer(fields);
    const building = (await client.call('GET', `servers/${id}`)).body.server;
    expect(building.status).toBe('BUILD');
    expect(building.baremetal_server['OS-EXT-STS:task_state']).toBe('BUILDING');
    await client.advance(30);

    const { server } = (await client.call('GET', `servers/${id}`)).body;
    expect(server).toMatchObject({
      id,
      name: 'server-test-1',
      description: 'hogehoge',
      hypervisor_type: 'vsphere_esxi',
      imageRef,
      image_name: expect.any(String),
      status: 'ACTIVE',
      cfgw_connection_status: true,
    });
    const machine = server.baremetal_server;
    expect(machine).toMatchObject({
      'OS-EXT-STS:power_state': 'RUNNING',
      'OS-EXT-STS:task_state': 'None',
      'OS-EXT-STS:vm_state': 'ACTIVE',
      'OS-EXT-AZ:availability_zone': 'zone1-groupa',
      metadata: { foo: 'bar' },
      tenant_id: TENANT,
    });
    expect(machine.flavor.id).toBe(flavorRef);
    expect(machine.image.id).not.toBe(imageRef);
    expect(machine.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(machine['chassis-status']).toMatchObject({ disk: 0, nic: true, 'system-board': true });
    expect(server).not.toHaveProperty('metadata');
    expect(server).not.toHaveProperty('flavorRef');
    expect(server).not.toHaveProperty('adminPass');

    const attached = machine.nic_physical_ports.flatMap((port: any) => port.attached_ports);
    const addresses = (named: boolean): string[] =>
      attached
        .filter((port: any) => (port.network_id === networkID) === named)
        .flatMap((port: any) => port.fixed_ips.map((ip: any) => ip.ip_address));
    expect(addresses(true)).toEqual(['10.0.0.100', '10.0.0.101']);
    expect(addresses(false)).toHaveLength(2);
    for (const address of addresses(false)) expect(address).toMatch(/^169\.254\.0\.\d+$/);
    expect(new Set(machine.nic_physical_ports.map((port: any) => port.mac_addr)).size).toBe(4);
    expect((await client.call('GET', 'servers/detail')).body.servers).toEqual([server]);
  });

  it('have a null description when none was sent', async () => {
    const { id } = await client.createServer();
    expect((await client.call('GET', `servers/${id}`)).body.server.description).toBeNull();
  });

  it('are listed in brief without status or description', async () => {
    const { id } = await client.createServer({ description: 'x' });
    const { servers } = (await client.call('GET', 'servers')).body;
    expect(Object.keys(servers[0])).toEqual(['id', 'name', 'links', 'baremetal_server']);
    expect(servers[0].id).toBe(id);
    expect(Object.keys(servers[0].baremetal_server)).toEqual(['id', 'links', 'name']);
  });

  it('come in pages: limit, marker, a default and a maximum', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push((await client.createServer({ name: `s-${n}` })).id);
    await client.set({ defaultLimit: 2, maxLimit: 3 });
    const list = async (query: string): Promise<string[]> =>
      (await client.call('GET', `servers/detail${query}`)).body.servers.map((server: any) => server.id);
    expect(await list('')).toEqual(ids.slice(0, 2));
    expect(await list('?limit=1')).toEqual(ids.slice(0, 1));
    expect(await list('?limit=1000')).toEqual(ids.slice(0, 3));
    expect(await list(`?limit=3&marker=${ids[2]}`)).toEqual(ids.slice(3));
    expect(await list(`?marker=${ids[4]}`)).toEqual([]);
    expect((await client.call('GET', `servers?marker=${NOT_AN_ID}`)).status).toBe(400);
    expect((await client.call('GET', 'servers?limit=x')).status).toBe(400);
  });

  it('are filtered by name, image, flavor, status and the time of their last change', async () => {
    const { imageRef, flavorRef } = client.sandbox.info.sdpf;
    const one = await client.createServer({ name: 'one' });
    await client.advance(100);
    const two = await client.createServer({ name: 'two' });
    const list = async (query: string): Promise<string[]> =>
      (await client.call('GET', `servers?${query}`)).body.servers.map((server: any) => server.name);
    expect(await list('name=two')).toEqual(['two']);
    expect(await list('name=tw')).toEqual([]);
    expect(await list('status=BUILD')).toEqual(['two']);
    expect(await list('status=ACTIVE')).toEqual(['one']);
    expect(await list(`image=https://host/images/${imageRef}&flavor=${flavorRef}`)).toEqual(['one', 'two']);
    expect(await list(`flavor=https://host/flavors/${NOT_AN_ID}`)).toEqual([]);
    const created = (await client.call('GET', `servers/${two.id}`)).body.server.baremetal_server.created;
    expect(await list(`changes-since=${created}`)).toEqual(['two']);
    expect(one.id).not.toBe(two.id);
  });

  it('refuse an order that cannot be read, with the text and envelope of the document', async () => {
    const network = client.sandbox.info.sdpf.networkID;
    const wrong: unknown[] = [
      'not json',
      {},
      client.serverBody({ name: '' }),
      client.serverBody({ name: 'a b' }),
      client.serverBody({ networks: [] }),
      client.serverBody({ networks: undefined }),
      client.serverBody({ networks: [{ uuid: 'x' }] }),
      client.serverBody({ networks: [{ uuid: network, segmentation_id: 4094 }] }),
      client.serverBody({ networks: [{ uuid: network, fixed_ip: '10.0.0' }] }),
      client.serverBody({ networks: [{ uuid: network, plane: 'storage' }] }),
      client.serverBody({ metadata: { a: 'x'.repeat(256) } }),
      client.serverBody({ imageRef: undefined }),
    ];
    for (const body of wrong) {
      const seen = await client.call('POST', 'servers', body);
      expect([body, seen.status, Object.keys(seen.body)]).toEqual([body, 400, ['badRequest']]);
      // A backslash and an n, two characters.
      expect(seen.body.badRequest.message).toMatch(/^Request Parameter Error:.*\\n$/);
    }
    expect((await client.call('GET', 'servers')).body.servers).toEqual([]);
  });

  it('take what NTT clients send besides: full URLs, empty planes, null networks', async () => {
    const { imageRef, networkID } = client.sandbox.info.sdpf;
    const network = { uuid: networkID, plane: '', segmentation_id: 0 };
    await client.createServer({ imageRef: `https://host/v2/images/${imageRef}`, networks: [network, network] });
    await client.createServer({ networks: null });
    expect((await client.call('GET', 'servers')).body.servers).toHaveLength(2);
  });

  it('answer 404 to an unknown image, flavor and server', async () => {
    for (const fields of [{ imageRef: NOT_AN_ID }, { flavorRef: NOT_AN_ID }]) {
      const seen = await client.call('POST', 'servers', client.serverBody(fields));
      expect([seen.status, seen.body.itemNotFound.code]).toEqual([404, 404]);
    }
    for (const method of ['GET', 'DELETE']) {
      expect((await client.call(method, `servers/${NOT_AN_ID}`)).status).toBe(404);
    }
  });

  it('change their name and nothing else, whatever else is sent', async () => {
    const { id } = await client.createServer({ description: 'kept' });
    const body = { server: { name: 'renamed', id, description: 'lost' } };
    const seen = await client.call('PUT', `servers/${id}`, body);
    expect(seen.status).toBe(200);
    expect(seen.body.server).toMatchObject({ name: 'renamed', description: 'kept' });
    expect(seen.body.server.baremetal_server.name).toBe('renamed');
    expect((await client.call('PUT', `servers/${id}`, { server: {} })).status).toBe(400);
  });

  it('are deleted only in ACTIVE or ERROR, stay readable as ACTIVE, and then are gone', async () => {
    const { id } = await client.createServer();
    const early = await client.call('DELETE', `servers/${id}`);
    expect([early.status, early.body.conflictingRequest.code]).toEqual([409, 409]);
    await client.advance(30);
    const deleted = await client.call('DELETE', `servers/${id}`);
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    const { server } = (await client.call('GET', `servers/${id}`)).body;
    expect(server.status).toBe('ACTIVE');
    expect(server.baremetal_server['OS-EXT-STS:task_state']).toBe('DELETING');
    expect((await client.call('DELETE', `servers/${id}`)).status).toBe(409);
    await client.advance(15);
    expect((await client.call('GET', `servers/${id}`)).status).toBe(404);
    expect((await client.call('GET', 'servers')).body.servers).toEqual([]);
  });

  it('answer 405 to a wrong method and a wrong URL, in the words of the document', async () => {
    for (const [method, path] of [
      ['PATCH', `servers/${NOT_AN_ID}`],
      ['GET', 'nothing'],
    ] as const) {
      const seen = await client.call(method, path);
      expect(seen.status).toBe(405);
      expect(seen.body.badMethod.message).toContain('request URL or method is invalid');
    }
  });
});

describe('the CFGW connection', () => {
  it('is shown, and looked at again by a POST without a body', async () => {
    const { id } = await client.createServer();
    await client.advance(30);
    const shown = await client.call('GET', `servers/${id}/cfgw_connection`);
    expect(shown.body.server).toMatchObject({ id, cfgw_connection: { status: true, error_type: null } });
    expect(shown.body.server.cfgw_connection.updated_at).toMatch(/\.\d{3}Z$/);

    await client.control('PATCH', `servers/${id}`, { cfgw: { status: false, error_type: 'TIMEOUT', noticed: false } });
    expect((await client.call('GET', `servers/${id}`)).body.server.cfgw_connection_status).toBe(true);
    const checked = await client.call('POST', `servers/${id}/cfgw_connection`);
    expect(checked.status).toBe(200);
    expect(checked.body.info).toBe('Successfully updated');
    expect(checked.body.server.cfgw_connection).toMatchObject({ status: false, error_type: 'TIMEOUT' });
    expect((await client.call('GET', `servers/${id}`)).body.server.cfgw_connection_status).toBe(false);
  });
});

describe('the command', () => {
  it('tells in one object where everything is', async () => {
    const sandbox = await runSandbox({ listen: '127.0.0.1:0', region: 'us1' });
    const { control, sdpf } = sandbox.info;
    expect(control).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/control$/);
    expect(sdpf).toMatchObject({ region: 'us1', tenantID: TENANT });
    expect((await fetch(`${control}/settings`)).status).toBe(200);
    await sandbox.close();
    await expect(fetch(`${control}/settings`)).rejects.toThrow('fetch failed');
    await expect(runSandbox({ listen: 'nowhere' })).rejects.toThrow('HOST:PORT');
  });
});
