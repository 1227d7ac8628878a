import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client } from './sandbox-client.ts';

let client: Client;

beforeEach(async () => {
  client = await Client.start({ settings: { month: '2025-09' } });
});

afterEach(async () => {
  await client.stop();
});

const manage = (contract_year: number, cores: number): Promise<any> =>
  client.call('POST', 'vsphere_contracts', { vsphere_contract: { contract_year, cores } });
const renew = (contract_renewal: boolean): Promise<any> =>
  client.call('PUT', 'vsphere_contracts', { vsphere_contract: { contract_year: 1, contract_renewal } });
const list = (): Promise<any> => client.call('GET', 'vsphere_contracts').then((seen) => seen.body);

describe('vSphere contracts', () => {
  it('have three keys in the list even when there is nothing', async () => {
    expect(await list()).toEqual({ vsphere_contracts: [], all_server_cores: 0, vsphere_contracts_histories: [] });
    await client.createServer();
    expect((await list()).all_server_cores).toBe(32);
  });

  it('case 1: begin next month, are replaced before that, and deleted by 0', async () => {
    expect((await manage(1, 0)).status).toBe(400);
    expect((await manage(1, 8)).body.vsphere_contract).toEqual({
      contract_year: 1,
      contract_renewal: false,
      cores: 0,
      start_month: '2025-10',
      end_month: '2026-09',
      pending_cores: 8,
      cores_in_next_month: 8,
    });
    expect((await manage(1, 16)).body.vsphere_contract.cores_in_next_month).toBe(16);
    const withdrawn = await manage(1, 0);
    expect([withdrawn.status, withdrawn.body]).toEqual([200, { vsphere_contract: null }]);
    expect((await list()).vsphere_contracts).toEqual([]);
  });

  it('case 2: the same order in a later month buys more, and only that month can take it back', async () => {
    await manage(1, 16);
    await client.set({ month: '2025-10' });
    expect((await list()).vsphere_contracts).toMatchObject([
      { cores: 16, pending_cores: null, cores_in_next_month: 16 },
    ]);
    expect((await manage(1, 16)).body.vsphere_contract).toMatchObject({ pending_cores: 16, cores_in_next_month: 32 });
    expect((await manage(1, 32)).body.vsphere_contract).toMatchObject({
      cores: 16,
      pending_cores: 32,
      cores_in_next_month: 48,
    });
    expect((await manage(1, 0)).body.vsphere_contract).toBeNull();
    await manage(1, 32);
    await client.set({ month: '2025-11' });
    expect((await manage(1, 0)).status).toBe(400);
    expect(await list()).toMatchObject({
      vsphere_contracts: [{ cores: 48, pending_cores: null }],
      vsphere_contracts_histories: [
        { month: '2025-10', vsphere_contracts_summaries: [{ contract_year: 1, cores: 16 }] },
        { month: '2025-11', vsphere_contracts_summaries: [{ contract_year: 1, cores: 48 }] },
      ],
    });
  });

  it('case 3: a successor needs renewal on, and its deletion renewal off', async () => {
    await manage(1, 16);
    await client.set({ month: '2026-09' });
    expect((await manage(1, 24)).status).toBe(400);
    expect((await renew(true)).body.vsphere_contract).toMatchObject({
      contract_renewal: true,
      cores_in_next_month: 16,
    });
    expect((await manage(1, 24)).body.vsphere_contract).toMatchObject({ start_month: '2026-10', pending_cores: 24 });
    expect((await manage(1, 0)).status).toBe(400);
    expect((await renew(false)).status).toBe(200);
    expect((await manage(1, 0)).body.vsphere_contract).toBeNull();
    await client.set({ month: '2026-10' });
    expect((await list()).vsphere_contracts).toEqual([]);
  });

  it('renew with the same cores, or are replaced by their successor', async () => {
    await manage(1, 16);
    await client.set({ month: '2025-10' });
    await renew(true);
    await client.set({ month: '2026-10' });
    expect((await list()).vsphere_contracts).toMatchObject([
      { cores: 16, start_month: '2026-10', end_month: '2027-09' },
    ]);
    await client.set({ month: '2027-09' });
    await manage(1, 24);
    await manage(3, 8);
    await client.set({ month: '2027-10' });
    expect((await list()).vsphere_contracts).toMatchObject([
      { contract_year: 1, cores: 24, end_month: '2028-09' },
      { contract_year: 3, cores: 8, end_month: '2030-09' },
    ]);
  });

  it('refuse a term that is not offered, a wrong number, and renewal of nothing', async () => {
    expect((await manage(2, 16)).status).toBe(400);
    expect((await manage(1, -1)).status).toBe(400);
    expect((await renew(true)).status).toBe(400);
  });
});
