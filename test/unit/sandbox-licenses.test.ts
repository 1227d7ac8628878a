import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client } from './sandbox-client.ts';

const TENANT = 'aaa8749130bc3d2886d6b9bb3fcb1715';
const NOT_AN_ID = '00000000-0000-4000-8000-000000000000';

let client: Client;

beforeEach(async () => {
  client = await Client.start();
});

afterEach(async () => {
  await client.stop();
});

describe('licences', () => {
  it('are created without a wrapper, listed with their key, and deleted', async () => {
    const name = 'vCenter Server 5.5 Standard';
    const created = await client.call('POST', 'licenses', { license_type: name });
    expect(created.status).toBe(200);
    const { license } = created.body;
    expect(license).toMatchObject({ license_type: name, key: expect.any(String), expires_at: expect.any(String) });
    expect(license.assigned_from).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const list = (query = ''): Promise<any> =>
      client.call('GET', `licenses${query}`).then((seen) => seen.body.licenses);
    expect(await list()).toEqual([license]);
    expect(await list(`?license_type=${encodeURIComponent(name)}`)).toEqual([license]);
    expect(await list('?license_type=other')).toEqual([]);
    expect((await client.call('DELETE', `licenses/${license.id}`)).status).toBe(204);
    expect(await list()).toEqual([]);
    expect((await client.call('DELETE', `licenses/${license.id}`)).status).toBe(404);
  });

  it('refuse an unknown type, a type without a key, and no type', async () => {
    for (const body of [{ license_type: 'nothing' }, { license_type: 'Windows Server' }, { license: {} }]) {
      expect((await client.call('POST', 'licenses', body)).status).toBe(400);
    }
  });

  it('come in the types of the document', async () => {
    const { license_types: types } = (await client.call('GET', 'license_types')).body;
    expect(types[1]).toEqual({
      id: '69fcba22209347719e764e3eba862db2',
      name: 'SQL Server 2014 Standard Edition',
      has_license_key: false,
      license_switch: true,
      unit: 'vCPU',
      description: 'SQL Server 2014 Standard Edition',
    });
    expect(types.map((type: any) => type.name)).toContain(client.sandbox.info.sdpf.vcenterLicenseType);
  });
});

describe('server actions and usages', () => {
  it('run as jobs that end after a while, and show in the usages', async () => {
    const { id } = await client.createServer();
    await client.advance(30);
    const requested = {
      vm_id: 'cd898512-d145-4198-a256-9c1351cd4fcf',
      license_types: ['Windows Server', 'SQL Server Standard 2014'],
    };
    const started = await client.call('POST', `servers/${id}/action`, { 'add-license-to-vm': requested });
    expect(started.status).toBe(200);
    const { job_id } = started.body;
    expect(job_id).toMatch(/^[0-9a-f]{24}$/);
    const result = (): Promise<any> =>
      client.call('POST', `servers/${id}/action`, { 'get-result-for-add-license-to-vm': { job_id } });
    expect((await result()).body.status).not.toBe('COMPLETED');
    await client.advance(5);
    expect((await result()).body).toMatchObject({ job_id, status: 'COMPLETED', requested_param: requested });

    const { usages, tenant_id } = (await client.call('GET', 'usages')).body;
    expect(tenant_id).toBe(TENANT);
    expect(usages[0]).toMatchObject({
      type: 'dedicated-hypervisor.guest-image.windows-server',
      value: 1,
      unit: 'VM',
      name: 'Windows Server',
      has_license_key: false,
      resource_id: requested.vm_id,
    });
    await client.set({ usageValueType: 'string' });
    expect((await client.call('GET', 'usages?license_type=Windows%20Server')).body.usages).toMatchObject([
      { value: '1' },
    ]);

    const histories = (await client.call('GET', `usages/${usages[0].id}/histories`)).body;
    expect(histories).toMatchObject({ unit: 'VM', license_type: 'Windows Server', resource_id: requested.vm_id });
    expect(histories.histories[0].time).toMatch(/^\d{4}-\d\d-\d\d \d\d:00:00$/);
  });

  it('take a span of time within one month, in both formats in use', async () => {
    for (const [query, status] of [
      ['from=2025-10-01+00:00:00&to=2025-10-31+23:59:59', 200],
      ['from=2025-10-01T00:00:00Z&to=2025-10-02T00:00:00Z', 200],
      ['from=2025-10-31+00:00:00&to=2025-11-01+00:00:00', 400],
      ['from=tomorrow', 400],
    ] as const) {
      expect([query, (await client.call('GET', `usages?${query}`)).status]).toEqual([query, status]);
    }
  });

  it('refuse an action that is not in the document, two at once, and a job of another kind', async () => {
    const { id } = await client.createServer();
    await client.advance(30);
    const act = (body: unknown): Promise<any> => client.call('POST', `servers/${id}/action`, body);
    const job = (await act({ 'deploy-guestimage': { anything: 1 } })).body.job_id;
    await client.advance(5);
    const done = await act({ 'get-result-for-deploy-guestimage': { job_id: job } });
    expect(done.body).toMatchObject({ job_id: job, status: 'COMPLETED', requested_param: { anything: 1 } });
    expect((await act({ 'get-result-for-add-license-to-vm': { job_id: job } })).status).toBe(404);
    expect((await act({ reboot: {} })).status).toBe(400);
    expect((await act({ 'add-license-to-vm': {}, 'deploy-guestimage': {} })).status).toBe(400);
    expect((await act({ 'add-license-to-vm': { vm_name: 'x', license_types: [] } })).status).toBe(400);
  });
});

const vcenterLicense = async (): Promise<string> => {
  const type = client.sandbox.info.sdpf.vcenterLicenseType;
  return (await client.call('POST', 'licenses', { license_type: type })).body.license.id;
};

describe('vCenters', () => {
  it('are registered at a free address, metered after a while, changed in part, and removed', async () => {
    const license_id = await vcenterLicense();
    const vcenter = { link_local_address: '169.254.127.132', password: 'hogehoge', license_id };
    const created = await client.call('POST', 'vcenters', { vcenter });
    expect(created.status).toBe(200);
    const { id } = created.body.vcenter;
    const fresh = { metering_health: null, metering_health_error_type: null, version: null, instance_name: null };
    expect(created.body.vcenter).toEqual({ id, link_local_address: '169.254.127.132', ...fresh, license_id });
    const { addresses } = (await client.call('GET', 'vcenters/addresses')).body;
    expect(addresses[0]).toEqual({ address: '169.254.127.132', in_use: true });
    expect(addresses[1].in_use).toBe(false);

    await client.advance(60);
    const list = (): Promise<any> => client.call('GET', 'vcenters').then((seen) => seen.body.vcenters);
    expect(await list()).toMatchObject([{ metering_health: true, version: '8.0.2.00400' }]);
    await client.set({ meteringOutcome: 'CONNECTION_ERROR' });
    expect(await list()).toMatchObject([{ metering_health: false, metering_health_error_type: 'CONNECTION_ERROR' }]);

    const changed = await client.call('PUT', `vcenters/${id}`, { vcenter: { password: 'q' } });
    expect(changed.body.vcenter).toMatchObject({ ...fresh, link_local_address: '169.254.127.132', license_id });
    expect((await client.call('DELETE', `licenses/${license_id}`)).status).toBe(409);
    expect((await client.call('DELETE', `vcenters/${id}`)).status).toBe(204);
    expect((await client.call('DELETE', `vcenters/${id}`)).status).toBe(404);
    expect((await client.call('DELETE', `licenses/${license_id}`)).status).toBe(204);
  });

  it('refuse an address that is taken or not offered, a key of another product, and a password out of rule', async () => {
    const license_id = await vcenterLicense();
    const good = { link_local_address: '169.254.127.132', password: 'hogehoge', license_id };
    await client.call('POST', 'vcenters', { vcenter: good });
    const free = { ...good, link_local_address: '169.254.127.133' };
    for (const vcenter of [
      good,
      { ...free, link_local_address: '10.0.0.1' },
      { ...free, license_id: NOT_AN_ID },
      { ...free, password: 'x'.repeat(21) },
      { ...free, password: undefined },
    ]) {
      expect([vcenter, (await client.call('POST', 'vcenters', { vcenter })).status]).toEqual([vcenter, 400]);
    }
    expect((await client.call('PUT', `vcenters/${NOT_AN_ID}`, { vcenter: good })).status).toBe(404);
  });
});
