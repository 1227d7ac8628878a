import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import type { Call, RemoteSession } from '../../src/remote/call.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { TransportError } from '../../src/remote/transport.ts';
import { createSDPFClient } from '../../src/sdpf/client.ts';
import type { SDPFClient } from '../../src/sdpf/client.ts';
import { remoteFixture } from '../support/remote-fixture.ts';
import { answerJSON } from '../support/scripted-server.ts';
import * as samples from './sdpf-samples.ts';

const id = 'f42dbc37-0a2c-4a0d-9bb0-4f9c7c1d0c11';
const fence = vi.fn();

beforeEach(() => fence.mockClear());

/** A client whose remote answers every call with `status` and `body`. */
async function answering(status: number, body: unknown) {
  const fixture = await remoteFixture();
  fixture.answers.api = (_request, response) => answerJSON(response, status, body);
  return { fixture, client: createSDPFClient(fixture.session), [Symbol.asyncDispose]: fixture[Symbol.asyncDispose] };
}

/** What went out: method, path, and the body as data (undefined where there was none). */
function sent(fixture: Awaited<ReturnType<typeof remoteFixture>>) {
  return fixture.calls().map(({ method, path, body }) => [method, path, body === '' ? undefined : JSON.parse(body)]);
}

type Case = [
  name: string,
  call: (client: SDPFClient) => Promise<unknown>,
  request: [method: string, path: string, body?: unknown],
  answer: [status: number, body: unknown],
  result: unknown,
];

describe('reads of seed 000 send what it documents and understand its samples', () => {
  const cases: Case[] = [
    [
      'Show Server',
      (client) => client.showServer(id, 'motion'),
      ['GET', `/api/servers/${id}`],
      [200, { server: samples.fullServer }],
      samples.readServer,
    ],
    [
      'List Licenses',
      (client) => client.listLicenses('poll'),
      ['GET', '/api/licenses'],
      [200, { licenses: [samples.license, { ...samples.license, id: 'b', key: null, expires_at: null }] }],
      {
        items: [
          { ...samples.license, key: expect.any(Secret) as Secret },
          { ...samples.license, id: 'b', key: undefined, expires_at: undefined },
        ],
        dropped: [],
      },
    ],
    [
      'List Licenses of a type',
      (client) => client.listLicenses('poll', 'vCenter Server 5.5 Standard'),
      ['GET', '/api/licenses?license_type=vCenter+Server+5.5+Standard'],
      [200, { licenses: [] }],
      { items: [], dropped: [] },
    ],
    [
      'List LicenseTypes',
      (client) => client.listLicenseTypes('poll'),
      ['GET', '/api/license_types'],
      [200, { license_types: samples.licenseTypes }],
      { items: samples.licenseTypes, dropped: [] },
    ],
    [
      'List Usages',
      (client) => client.listUsages('poll'),
      ['GET', '/api/usages'],
      [200, samples.usages],
      { tenant_id: samples.usages.tenant_id, usages: { items: samples.usages.usages, dropped: [] } },
    ],
    [
      'List Usages with values as text and a filter',
      (client) => client.listUsages('poll', { from: '2025-07-01 00:00:00', license_type: 'Windows Server' }),
      ['GET', '/api/usages?from=2025-07-01+00%3A00%3A00&license_type=Windows+Server'],
      [
        200,
        {
          tenant_id: 't',
          usages: [
            { ...samples.usages.usages[0], value: '4' },
            { id: 'x', value: 'many' },
          ],
        },
      ],
      {
        tenant_id: 't',
        usages: {
          items: [samples.usages.usages[0]],
          dropped: [{ index: 1, id: 'x', problem: expect.stringContaining('value') as string }],
        },
      },
    ],
    [
      'Show Usage Histories',
      (client) => client.showUsageHistories(id, 'poll', { to: '2015-05-31' }),
      ['GET', `/api/usages/${id}/histories?to=2015-05-31`],
      [200, samples.histories],
      { ...samples.histories, histories: { items: samples.histories.histories, dropped: [] } },
    ],
    [
      'Get Result for add license to VM',
      (client) => client.getResultForAddLicenseToVM(id, 'b4f888dc2b9d4c41bb769cbd', 'motion'),
      [
        'POST',
        `/api/servers/${id}/action`,
        { 'get-result-for-add-license-to-vm': { job_id: 'b4f888dc2b9d4c41bb769cbd' } },
      ],
      [200, { job_id: 'b4f888dc2b9d4c41bb769cbd', status: 'SOMETHING_NEW', requested_param: { vm_id: 'v' } }],
      {
        job_id: 'b4f888dc2b9d4c41bb769cbd',
        status: 'SOMETHING_NEW',
        message: undefined,
        requested_param: { vm_id: 'v', vm_name: undefined, license_types: undefined },
      },
    ],
    [
      'Get Result for deploy GuestImage, whose answer is not documented',
      (client) => client.getResultForDeployGuestImage(id, 'j', 'motion'),
      ['POST', `/api/servers/${id}/action`, { 'get-result-for-deploy-guestimage': { job_id: 'j' } }],
      [200, {}],
      { job_id: undefined, status: undefined, message: undefined, requested_param: undefined },
    ],
    [
      'Show CFGW Connection',
      (client) => client.showCFGWConnection(id, 'poll'),
      ['GET', `/api/servers/${id}/cfgw_connection`],
      [200, { server: { id: 'string', cfgw_connection: samples.cfgwConnection } }],
      { ...samples.cfgwConnection, error_type: undefined },
    ],
    [
      'List Registered vCenters',
      (client) => client.listVCenters('poll'),
      ['GET', '/api/vcenters'],
      [200, { vcenters: [samples.meteredVCenter, { id: 'no address' }] }],
      {
        items: [samples.meteredVCenter],
        dropped: [{ index: 1, id: 'no address', problem: expect.stringContaining('link_local_address') as string }],
      },
    ],
    [
      'List Available IP Addresses of vCenter',
      (client) => client.listVCenterAddresses('poll'),
      ['GET', '/api/vcenters/addresses'],
      [200, { addresses: samples.addresses }],
      { items: samples.addresses, dropped: [] },
    ],
    [
      'List vSphere Contracts',
      (client) => client.listVSphereContracts('poll'),
      ['GET', '/api/vsphere_contracts'],
      [200, samples.contracts],
      {
        vsphere_contracts: { items: samples.contracts.vsphere_contracts, dropped: [] },
        all_server_cores: 64,
        vsphere_contracts_histories: {
          items: [
            {
              month: '2025-10',
              vsphere_contracts_summaries: {
                items: samples.contracts.vsphere_contracts_histories[0]?.vsphere_contracts_summaries,
                dropped: [],
              },
            },
          ],
          dropped: [],
        },
      },
    ],
  ];
  test.each(cases)('%s', async (_name, call, request, [status, body], result) => {
    await using setUp = await answering(status, body);
    expect(await call(setUp.client)).toEqual(result);
    expect(sent(setUp.fixture)).toEqual([[request[0], request[1], request[2]]]);
    expect(setUp.fixture.audited).toEqual([]);
  });
});

describe('writes of seed 000 send its request bodies and understand its samples', () => {
  const vcenter = {
    link_local_address: '169.254.127.132',
    password: new Secret('hogehoge'),
    license_id: 'bac8b95f-77b9-439a-ac43-53566502ff3f',
  };
  const vcenterSent = { vcenter: { ...vcenter, password: 'hogehoge' } };
  const registered = {
    ...samples.registeredVCenter,
    metering_health: undefined,
    metering_health_error_type: undefined,
    version: undefined,
    instance_name: undefined,
  };
  const [contract] = samples.contracts.vsphere_contracts;
  const cases: Case[] = [
    [
      'Create Server',
      (client) => client.createServer({ ...samples.createServer, adminPass: new Secret('aabbccddeeff') }, fence),
      ['POST', '/api/servers', { server: samples.createServer }],
      [200, { server: samples.createdServer }],
      { id: samples.createdServer.id, name: 'new-server-test', adminPass: expect.any(Secret) as Secret },
    ],
    [
      'Update Server',
      (client) => client.updateServer(id, { name: 'server-test-1' }, fence),
      ['PUT', `/api/servers/${id}`, { server: { name: 'server-test-1' } }],
      [200, { server: samples.fullServer }],
      samples.readServer,
    ],
    [
      'Delete Server',
      (client) => client.deleteServer(id, fence),
      ['DELETE', `/api/servers/${id}`],
      [204, undefined],
      undefined,
    ],
    [
      'Create License (no wrapper; 202 as its older page says)',
      (client) => client.createLicense('vCenter Server 5.5 Standard', fence),
      ['POST', '/api/licenses', { license_type: 'vCenter Server 5.5 Standard' }],
      [202, { license: samples.license }],
      { ...samples.license, key: expect.any(Secret) as Secret },
    ],
    [
      'Delete License',
      (client) => client.deleteLicense(id, fence),
      ['DELETE', `/api/licenses/${id}`],
      [202, {}],
      undefined,
    ],
    [
      'Add License to VM',
      (client) => client.addLicenseToVM(id, samples.addLicense, fence),
      ['POST', `/api/servers/${id}/action`, { 'add-license-to-vm': samples.addLicense }],
      [200, { job_id: 'b4f888dc2b9d4c41bb769cbd' }],
      'b4f888dc2b9d4c41bb769cbd',
    ],
    [
      'Deploy GuestImage',
      (client) => client.deployGuestImage(id, { anything: 1 }, fence),
      ['POST', `/api/servers/${id}/action`, { 'deploy-guestimage': { anything: 1 } }],
      [200, { job_id: 'j' }],
      'j',
    ],
    [
      'Update CFGW Connection Status (no body)',
      (client) => client.updateCFGWConnection(id, fence),
      ['POST', `/api/servers/${id}/cfgw_connection`],
      [200, { server: { id: 'string', cfgw_connection: samples.cfgwConnection }, info: 'Successfully updated' }],
      { ...samples.cfgwConnection, error_type: undefined },
    ],
    [
      'Register vCenter',
      (client) => client.registerVCenter(vcenter, fence),
      ['POST', '/api/vcenters', vcenterSent],
      [200, { vcenter: samples.registeredVCenter }],
      registered,
    ],
    [
      'Update Registered vCenter',
      (client) => client.updateVCenter(id, vcenter, fence),
      ['PUT', `/api/vcenters/${id}`, vcenterSent],
      [200, { vcenter: samples.registeredVCenter }],
      registered,
    ],
    [
      'Delete Registered vCenter',
      (client) => client.deleteVCenter(id, fence),
      ['DELETE', `/api/vcenters/${id}`],
      [204, undefined],
      undefined,
    ],
    [
      'Manage vSphere Contracts',
      (client) => client.manageVSphereContract({ contract_year: 1, cores: 16 }, fence),
      ['POST', '/api/vsphere_contracts', { vsphere_contract: { contract_year: 1, cores: 16 } }],
      [200, { vsphere_contract: contract }],
      contract,
    ],
    [
      'Enable/Disable Contract Renewal, false written out',
      (client) => client.updateVSphereContractRenewal({ contract_year: 1, contract_renewal: false }, fence),
      ['PUT', '/api/vsphere_contracts', { vsphere_contract: { contract_year: 1, contract_renewal: false } }],
      [200, { vsphere_contract: contract }],
      contract,
    ],
  ];
  test.each(cases)('%s', async (_name, call, request, [status, body], result) => {
    await using setUp = await answering(status, body);
    expect(await call(setUp.client)).toEqual(result);
    expect(sent(setUp.fixture)).toEqual([[request[0], request[1], request[2]]]);
    expect(fence).toHaveBeenCalledTimes(1);
    expect(setUp.fixture.audited).toMatchObject([{ outcome: 'done' }]);
  });

  test.each([{ vsphere_contract: null }, { vsphere_contract: {} }, {}, undefined])(
    'withdrawing a contract with the answer %j gives no contract',
    async (body) => {
      await using setUp = await answering(200, body);
      expect(await setUp.client.manageVSphereContract({ contract_year: 1, cores: 0 }, fence)).toBeUndefined();
    },
  );
});

describe('secrets', () => {
  test('a license key, a root password and a vCenter password are told to nobody but their reader', async () => {
    await using setUp = await answering(200, { licenses: [samples.license] });
    const { fixture, client } = setUp;
    const { items } = await client.listLicenses('poll');
    expect(items[0]?.key?.reveal()).toBe(samples.license.key);
    fixture.answers.api = (_request, response) => answerJSON(response, 200, { server: samples.createdServer });
    const server = { ...samples.createServer, adminPass: new Secret('aabbccddeeff') };
    const created = await client.createServer(server, fence);
    expect(created.adminPass?.reveal()).toBe('aabbccddeeff');
    const vcenter = { link_local_address: 'a', password: new Secret('hogehoge'), license_id: 'l' };
    await client.registerVCenter(vcenter, fence).catch(() => undefined);
    const told = JSON.stringify([items, created, server, fixture.audited, fixture.observed]);
    for (const secret of [samples.license.key, 'aabbccddeeff', 'hogehoge']) expect(told).not.toContain(secret);
    expect(fixture.audited.map((record) => record.body)).toEqual([
      expect.stringContaining('"adminPass":"[redacted]"'),
      '{"vcenter":{"link_local_address":"a","password":"[redacted]","license_id":"l"}}',
    ]);
  });
});

describe('servers that differ from the sample', () => {
  const only = (server: unknown) => answering(200, { server });

  test('nulls, unknown values, unknown fields and odd decoration are understood', async () => {
    await using setUp = await only({
      id,
      name: 'n',
      description: null,
      status: 'NEW_STATUS',
      imageRef: null,
      baremetal_server: { metadata: { a: 1 }, nic_physical_ports: null, 'chassis-status': { disk: 0 }, x: [] },
      surprise: { deep: [[]] },
    });
    const server = await setUp.client.showServer(id, 'poll');
    expect(server).toMatchObject({ id, name: 'n', status: 'NEW_STATUS' });
    expect([server.description, server.imageRef, server.baremetal_server?.metadata]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect('surprise' in server).toBe(false);
  });

  test.each([null, {}, undefined])('a machine that is %j while it is being built', async (baremetal_server) => {
    await using setUp = await only({ id, name: 'n', status: 'BUILD', baremetal_server });
    expect((await setUp.client.showServer(id, 'poll')).status).toBe('BUILD');
  });

  test('a description that is no text is not read as absent, since it would carry the owner', async () => {
    await using setUp = await only({ id, name: 'n', status: 'ACTIVE', description: ['x'] });
    await expect(setUp.client.showServer(id, 'poll')).rejects.toMatchObject({ reason: 'BadAnswer' });
  });

  test('a create whose answer shows no id has an unknown outcome', async () => {
    await using setUp = await only({ name: 'n' });
    const server = { ...samples.createServer, adminPass: new Secret('aabbccddeeff') };
    await expect(setUp.client.createServer(server, fence)).rejects.toMatchObject({
      reason: 'BadAnswer',
      outcome: 'unknown',
    });
  });
});

describe('IDs', () => {
  test.each(['', '.', '..'])('%j reaches no other object', async (bad) => {
    await using setUp = await answering(204, undefined);
    await expect(setUp.client.deleteServer(bad, fence)).rejects.toBeInstanceOf(RemoteError);
    await expect(setUp.client.deleteLicense(bad, fence)).rejects.toBeInstanceOf(RemoteError);
    await expect(setUp.client.deleteVCenter(bad, fence)).rejects.toBeInstanceOf(RemoteError);
    expect(setUp.fixture.calls()).toEqual([]);
  });

  test('with reserved characters stay one part of the path', async () => {
    await using setUp = await answering(204, undefined);
    await setUp.client.deleteServer('a/../b?c#d%2e', fence);
    expect(setUp.fixture.calls()[0]?.path).toBe('/api/servers/a%2F..%2Fb%3Fc%23d%252e');
  });
});

describe('the pages of a server list', () => {
  const server = (name: string) => ({ ...samples.fullServer, id: name, name });

  /** A remote that honours limit and marker, with pages of at most `largest`. */
  async function paged(ids: string[], largest: number, make: (id: string) => unknown = server) {
    const setUp = await answering(200, {});
    setUp.fixture.answers.api = (request, response) => {
      const query = new URL(request.path, setUp.fixture.server.url).searchParams;
      const from = query.get('marker') === null ? 0 : ids.indexOf(query.get('marker') ?? '') + 1;
      const size = Math.min(largest, Number(query.get('limit')));
      answerJSON(response, 200, { servers: ids.slice(from, from + size).map(make) });
    };
    return setUp;
  }

  test('are followed to the empty one, also where the remote gives fewer than asked for', async () => {
    const ids = Array.from({ length: 250 }, (_value, index) => `s${index}`);
    await using setUp = await paged(ids, 40);
    const { items, dropped } = await setUp.client.listServersDetail('poll');
    expect([items.map((each) => each.id), dropped]).toEqual([ids, []]);
    expect(setUp.fixture.calls()).toHaveLength(8);
    expect(setUp.fixture.calls()[1]?.path).toBe('/api/servers/detail?limit=1000&marker=s39');
  });

  const limits = (fixture: Awaited<ReturnType<typeof remoteFixture>>) =>
    fixture.calls().map(({ path }) => new URL(path, 'http://x').searchParams.get('limit'));

  test.each([
    [400, { badRequest: { message: 'limit is too large', code: 400 } }],
    [413, { overLimit: { message: 'parameter over the maximum', code: 413 } }],
  ])('are asked for smaller where the remote refuses large ones with %i, and stay so', async (status, body) => {
    await using setUp = await paged(['a', 'b'], 100);
    const { api } = setUp.fixture.answers;
    setUp.fixture.answers.api = (request, response) =>
      request.path.includes('limit=1000') ? answerJSON(response, status, body) : api(request, response);
    const ids = async () => (await setUp.client.listServersDetail('poll')).items.map((each) => each.id);
    expect([await ids(), await ids()]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    const first = limits(setUp.fixture).indexOf('100');
    expect(
      limits(setUp.fixture)
        .slice(0, first)
        .every((limit) => limit === '1000'),
    ).toBe(true);
    expect(limits(setUp.fixture).slice(first)).toEqual(['100', '100', '100', '100']);
  });

  test('are asked for smaller where a large one is more than an answer may be', async () => {
    const ids = Array.from({ length: 150 }, (_value, index) => `s${index}`);
    await using setUp = await paged(ids, 1000, (name) => ({ ...server(name), padding: 'x'.repeat(150_000) }));
    const { items } = await setUp.client.listServersDetail('poll');
    expect(items).toHaveLength(150);
    expect(limits(setUp.fixture)).toEqual(['1000', '100', '100', '100']);
  });

  test('are asked for smaller the next time when a large one did not come in time', async () => {
    const asked: unknown[] = [];
    const late = new RemoteError({
      ...{ reason: 'Unreachable', outcome: 'definitely-not', operation: 'ListServersDetail', message: 'late' },
      cause: new TransportError('timeout', 'no complete answer within 30000 ms'),
    });
    const session = {
      read: ({ query }: Call<unknown>) => {
        asked.push(query?.['limit']);
        return asked.length === 1 ? Promise.reject(late) : Promise.resolve({ servers: { items: [], dropped: [] } });
      },
    };
    const client = createSDPFClient(session as unknown as RemoteSession);
    await expect(client.listServersDetail('poll')).rejects.toThrow('late');
    expect(asked).toEqual([1000]);
    await client.listServersDetail('poll');
    expect(asked).toEqual([1000, 100]);
  });

  test('are refused as ever where small ones are refused as well', async () => {
    await using setUp = await answering(400, { badRequest: { message: 'no', code: 400 } });
    await expect(setUp.client.listServersDetail('poll')).rejects.toThrow('no');
    await expect(setUp.client.listServersDetail('poll')).rejects.toThrow('no');
    expect(limits(setUp.fixture)).toEqual(['1000', '100', '1000', '100']);
  });

  test('keep a filter on every page, and the brief list has the same pages', async () => {
    await using setUp = await paged(['a', 'b'], 1, (name) => ({ id: name, name, links: [], baremetal_server: null }));
    const { items } = await setUp.client.listServers('poll', { name: 'x y' });
    expect(items.map((each) => each.id)).toEqual(['a', 'b']);
    expect(setUp.fixture.calls().map((call) => call.path)).toEqual([
      '/api/servers?name=x+y&limit=1000',
      '/api/servers?name=x+y&limit=1000&marker=a',
      '/api/servers?name=x+y&limit=1000&marker=b',
    ]);
  });

  test('go on behind a server that cannot be read, and name it', async () => {
    await using setUp = await paged(['a', 'b', 'c'], 2, (name) => (name === 'b' ? { id: 'b' } : server(name)));
    const { items, dropped } = await setUp.client.listServersDetail('poll');
    expect(items.map((each) => each.id)).toEqual(['a', 'c']);
    expect(dropped).toEqual([{ index: 1, id: 'b', problem: expect.stringContaining('name') as string }]);
    expect(setUp.fixture.calls()[1]?.path).toContain('marker=b');
  });

  test('that repeat are no complete list', async () => {
    await using setUp = await answering(200, { servers: [server('a'), server('b')] });
    await expect(setUp.client.listServersDetail('poll')).rejects.toMatchObject({ reason: 'BadAnswer' });
    expect(setUp.fixture.calls()).toHaveLength(2);
  });

  test.each([{}, { servers: null }, { servers: {} }, []])('%j is no empty list', async (body) => {
    await using setUp = await answering(200, body);
    await expect(setUp.client.listServersDetail('poll')).rejects.toMatchObject({ reason: 'BadAnswer' });
  });
});
