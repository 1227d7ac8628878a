import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScenario, type Scenario } from '../support/scenario.ts';

let s: Scenario;
beforeEach(async () => {
  s = await createScenario();
});
afterEach(() => s.end());

describe('one server from apply to Ready', () => {
  it('is bought once, carries the marker of its owner, and is Ready when it is ACTIVE', async () => {
    await s.apply(...s.tenant(), s.hypervisor());
    await s.start();
    await s.condition('dh', 'web', 'Ready', 'False', 'Building');
    await s.pass(60_000);
    const resource = await s.ready();
    const servers = await s.sandbox.servers();
    expect(servers).toHaveLength(1);
    expect(servers[0]!.description).toMatch(/^\[fh1:/);
    expect(resource.status).toMatchObject({
      externalID: servers[0]!.id,
      state: 'ACTIVE',
      hypervisorType: 'vsphere_esxi',
    });
  });

  it('is bought once when the reply is dropped after the commit', async () => {
    await s.sandbox.fault({ operation: 'CreateServer', drop: 'after-commit', times: 1 });
    await s.apply(...s.tenant(), s.hypervisor());
    await s.start();
    await s.pass(60_000);
    await s.ready();
    expect(await s.sandbox.servers()).toHaveLength(1);
    expect(await s.sandbox.calls('CreateServer')).toHaveLength(1);
  });
});
