import { describe, expect, it } from 'vitest';
import { CloudOS, told, UUID } from './sandbox-cloudos.ts';

const MAC = '74:ea:cb:75:1c:2b';

describe('a registered BMC', () => {
  it('turns away who has another password: verifying fails, and power', () => {
    const cloud = new CloudOS();
    cloud.control('PUT', 'bmcs', { address: '172.25.16.99', username: 'admin', password: 'right' });
    const { uuid } = cloud.enroll();
    cloud.verb(uuid, 'manage');
    cloud.later(1);
    expect(cloud.states(uuid)).toEqual(['enroll', null, null]);
    expect(cloud.node(uuid).last_error).toBe(
      `Failed to get power state for node ${uuid}. Error: IPMI call failed: power status.`,
    );
    cloud.plain('PUT', `/v1/nodes/${uuid}/states/power`, { target: 'power on' });
    cloud.later(1);
    expect(cloud.node(uuid)).toMatchObject({
      power_state: null,
      last_error: "Failed to change power state to 'power on': IPMI call failed: power status.",
    });
    cloud.plain('PATCH', `/v1/nodes/${uuid}`, [{ op: 'replace', path: '/driver_info/ipmi_password', value: 'right' }]);
    cloud.verb(uuid, 'manage');
    cloud.later(1);
    expect(cloud.states(uuid)).toEqual(['manageable', null, null]);
  });

  it('turns away who has another user name', () => {
    const cloud = new CloudOS();
    cloud.control('PUT', 'bmcs', { address: '172.25.16.99', username: 'operator', password: 'admin123' });
    const { uuid } = cloud.enroll();
    cloud.verb(uuid, 'manage');
    cloud.later(1);
    expect(cloud.states(uuid)[0]).toBe('enroll');
  });

  it('leaves every other address alone', () => {
    const cloud = new CloudOS();
    cloud.control('PUT', 'bmcs', { address: '172.25.16.98', username: 'admin', password: 'right' });
    expect(cloud.states(cloud.nodeIn('manageable'))[0]).toBe('manageable');
  });
});

describe('a crash of Ironic', () => {
  it.each([
    ['enroll', 'manage', 'verifying', 'enroll', null],
    ['manageable', 'inspect', 'inspecting', 'inspect failed', 'manageable'],
    ['manageable', 'provide', 'cleaning', 'clean failed', 'available'],
    ['manageable', 'clean', 'cleaning', 'clean failed', 'available'],
    ['available', 'active', 'deploying', 'deploy failed', 'active'],
    ['manageable', 'adopt', 'adopting', 'adopt failed', 'active'],
    ['active', 'deleted', 'deleting', 'error', null],
  ])('in %s under %s fails %s', (from, verb, during, state, target) => {
    const cloud = new CloudOS();
    const { uuid } = cloud.control('POST', 'nodes', { provision_state: from });
    cloud.verb(uuid, verb, verb === 'clean' ? { clean_steps: [{ interface: 'bios', step: 'x' }] } : {});
    expect(cloud.states(uuid)[0]).toBe(during);
    expect(cloud.control('POST', 'crash-ironic')).toEqual({ nodes: 1 });
    cloud.later(100);
    expect(cloud.states(uuid)).toEqual([state, target, null]);
    expect(cloud.node(uuid)).toMatchObject({
      maintenance: false,
      inspection_started_at: null,
      last_error: `The ${during} state can't be resumed by conductor sandbox-conductor. Moving to fail state.`,
    });
  });

  it('drops power actions and locks, and leaves the others alone', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    cloud.enroll();
    cloud.plain('PUT', `/v1/nodes/${uuid}/states/power`, { target: 'power on' });
    expect(cloud.control('POST', 'crash-ironic')).toEqual({ nodes: 1 });
    cloud.later(10);
    expect(cloud.node(uuid)).toMatchObject({
      power_state: null,
      target_power_state: null,
      reservation: null,
      last_error: 'Pending power operation was aborted due to conductor restart',
    });
  });
});

describe('other hands', () => {
  it('register, change and remove a node at once, past every rule', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.control('POST', 'nodes', { name: 'stranger', provision_state: 'active', uuid: UUID });
    expect(cloud.plain('GET', '/v1/nodes/stranger').body.provision_state).toBe('active');
    const instance = '136968d8-cc4f-41d6-9adc-2524053e076e';
    const change = { instance_uuid: instance, power_state: 'power on', maintenance: true, reservation: 'elsewhere' };
    cloud.control('PATCH', `nodes/${uuid}`, { ...change, maintenance_reason: 'disk' });
    expect(cloud.node(uuid)).toMatchObject({ ...change, maintenance_reason: 'disk' });
    const locked = cloud.plain('PATCH', `/v1/nodes/${uuid}`, []);
    expect([locked.status, told(locked).faultstring]).toEqual([409, expect.stringContaining('by host elsewhere')]);
    cloud.control('POST', 'ports', { node_uuid: uuid, address: MAC });
    cloud.control('DELETE', `nodes/${uuid}`);
    expect(cloud.plain('GET', '/v1/ports').body.ports).toEqual([]);
    expect(cloud.plain('GET', `/v1/nodes/${uuid}`).status).toBe(404);
  });

  it('end the work that they interrupt', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    cloud.verb(uuid, 'manage');
    cloud.control('PATCH', `nodes/${uuid}`, { provision_state: 'available' });
    cloud.later(10);
    expect(cloud.states(uuid)).toEqual(['available', null, null]);
  });

  it('do the same to ports and port groups', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    const group = cloud.control('POST', 'portgroups', { node_uuid: uuid, name: 'bond0' }).uuid;
    const port = cloud.control('POST', 'ports', { node_uuid: uuid, address: MAC, portgroup_uuid: group }).uuid;
    cloud.control('PATCH', `ports/${port}`, { pxe_enabled: false });
    cloud.control('PATCH', `portgroups/${group}`, { mode: 'balance-rr' });
    expect(cloud.plain('GET', `/v1/ports/${port}`).body).toMatchObject({ pxe_enabled: false, portgroup_uuid: group });
    expect(cloud.plain('GET', '/v1/portgroups/bond0').body.mode).toBe('balance-rr');
    cloud.control('DELETE', `portgroups/${group}`);
    cloud.control('DELETE', `ports/${port}`);
    expect(cloud.plain('GET', `/v1/ports/${port}`).status).toBe(404);
  });

  it('are told what they cannot mean', () => {
    const cloud = new CloudOS();
    expect(() => cloud.control('POST', 'nodes', { bogus: 1 })).toThrow("'bogus' was unexpected");
    expect(() => cloud.control('POST', 'ports', { node_uuid: UUID, address: MAC })).toThrow('node_uuid');
    expect(() => cloud.control('PATCH', `nodes/${UUID}`, {})).toThrow('404');
    expect(() => cloud.control('PUT', 'bmcs', { address: 'x' })).toThrow('username is required');
    expect(() => cloud.set({ gatewayCodes: 'both' })).toThrow('gatewayCodes');
    expect(() => cloud.set({ minVersion: '2.0' })).toThrow('minVersion');
  });
});

describe('lists that lie', () => {
  it('lag behind creates, while the node is there by its ID', () => {
    const cloud = new CloudOS();
    cloud.set({ nodeListLagSeconds: 30 });
    const { uuid } = cloud.enroll();
    const listed = (): number => cloud.gateway('GET', '/v1/nodes/detail').body.nodes.length;
    expect([listed(), cloud.plain('GET', `/v1/nodes/${uuid}`).status]).toEqual([0, 200]);
    cloud.set({ showLag: true });
    expect(cloud.plain('GET', `/v1/nodes/${uuid}`).status).toBe(404);
    cloud.later(30);
    expect([listed(), cloud.plain('GET', `/v1/nodes/${uuid}`).status]).toEqual([1, 200]);
  });

  it('are empty pages of a proxy', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    const port = cloud.control('POST', 'ports', { node_uuid: uuid, address: MAC }).uuid;
    cloud.control('POST', 'portgroups', { node_uuid: uuid });
    cloud.set({ hidePorts: true });
    expect(cloud.gateway('GET', `/v1/nodes/${uuid}/ports/detail`).body).toEqual({ ports: [] });
    expect(cloud.gateway('GET', `/v1/portgroups?node=${uuid}`).body).toEqual({ portgroups: [] });
    expect(cloud.plain('GET', `/v1/ports/${port}`).status).toBe(404);
    cloud.set({ hideNodes: true });
    expect(cloud.gateway('GET', '/v1/nodes/detail').body).toEqual({ nodes: [] });
    expect(cloud.gateway('GET', `/v1/nodes/${uuid}`).status).toBe(404);
    cloud.set({ hideNodes: false });
    expect(cloud.gateway('GET', '/v1/nodes/detail').body.nodes).toHaveLength(1);
  });
});

describe('a fault', () => {
  it('answers in the form of the door that was asked', () => {
    const cloud = new CloudOS();
    cloud.control('POST', 'faults', { operation: 'ListNodesDetail', status: 503 });
    const [gateway, plain] = [cloud.gateway('GET', '/v1/nodes/detail'), cloud.plain('GET', '/v1/nodes/detail')];
    expect([gateway.status, gateway.body.code]).toEqual([503, '503']);
    expect([plain.status, told(plain).faultcode]).toEqual([503, 'Server']);
    cloud.control('POST', 'faults', { operation: 'IssueToken', status: 500, pathIncludes: '/cloudos/' });
    expect([cloud.signIn().status, cloud.signIn().body.error.code]).toEqual([500, 500]);
  });

  it('loses the answer to a create, and the node stands', () => {
    const cloud = new CloudOS();
    cloud.control('POST', 'faults', { operation: 'CreateNode', drop: 'after-commit', times: 1 });
    const { answer } = cloud.gateway('POST', '/v1/nodes', { driver: 'ipmi', uuid: UUID });
    expect([answer.drop, cloud.node(UUID).uuid]).toEqual(['after', UUID]);
    cloud.control('POST', 'faults', { operation: 'DeleteNode', reset: 'before-commit', times: 1 });
    expect([cloud.gateway('DELETE', `/v1/nodes/${UUID}`).answer.reset, cloud.node(UUID).uuid]).toEqual([
      'before',
      UUID,
    ]);
  });

  it('empties a list, delays an answer, and is for one project only', () => {
    const cloud = new CloudOS();
    cloud.enroll();
    const { tenantID } = cloud.control('GET', 'calls').calls.at(-1);
    cloud.control('POST', 'faults', { operation: 'ListNodesDetail', emptyList: true, delayMs: 500, tenantID });
    const seen = cloud.gateway('GET', '/v1/nodes/detail');
    expect([seen.body, seen.answer.delayMs]).toEqual([{ nodes: [] }, 500]);
  });
});

describe('the call log', () => {
  it('names every operation', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    const group = cloud.plain('POST', '/v1/portgroups', { node_uuid: uuid }).body.uuid;
    const port = cloud.plain('POST', '/v1/ports', { node_uuid: uuid, address: MAC }).body.uuid;
    cloud.control('DELETE', 'calls');
    const expected: [string, string, string][] = [
      ['ListNodesDetail', 'GET', '/v1/nodes/detail'],
      ['GetNode', 'GET', `/v1/nodes/${uuid}`],
      ['PatchNode', 'PATCH', `/v1/nodes/${uuid}`],
      ['SetProvisionState', 'PUT', `/v1/nodes/${uuid}/states/provision`],
      ['SetPowerState', 'PUT', `/v1/nodes/${uuid}/states/power`],
      ['SetMaintenance', 'PUT', `/v1/nodes/${uuid}/maintenance`],
      ['UnsetMaintenance', 'DELETE', `/v1/nodes/${uuid}/maintenance`],
      ['ListNodePorts', 'GET', `/v1/nodes/${uuid}/ports/detail`],
      ['ListPortsDetail', 'GET', '/v1/ports/detail'],
      ['GetPort', 'GET', `/v1/ports/${port}`],
      ['PatchPort', 'PATCH', `/v1/ports/${port}`],
      ['ListNodePortGroups', 'GET', `/v1/portgroups?node=${uuid}`],
      ['ListPortGroupsDetail', 'GET', '/v1/portgroups/detail'],
      ['GetPortGroup', 'GET', `/v1/portgroups/${group}`],
      ['PatchPortGroup', 'PATCH', `/v1/portgroups/${group}`],
      ['DeletePort', 'DELETE', `/v1/ports/${port}`],
      ['DeletePortGroup', 'DELETE', `/v1/portgroups/${group}`],
      ['CreatePort', 'POST', '/v1/ports'],
      ['CreatePortGroup', 'POST', '/v1/portgroups'],
      ['DeleteNode', 'DELETE', `/v1/nodes/${uuid}`],
      ['CreateNode', 'POST', '/v1/nodes'],
      ['Unknown', 'GET', '/v1/bogus'],
    ];
    for (const [, method, path] of expected) cloud.plain(method, path, method === 'PATCH' ? [] : {});
    cloud.signIn();
    const { calls } = cloud.control('GET', 'calls');
    expect(calls.map((call: any) => call.operation)).toEqual([...expected.map(([name]) => name), 'IssueToken']);
  });

  it('has no secret of a create, a patch or a sign-in', () => {
    const cloud = new CloudOS();
    const info = { ipmi_address: '10.0.0.1', ipmi_password: 'S3cret-1' };
    cloud.gateway('POST', '/v1/nodes', { uuid: UUID, driver: 'ipmi', driver_info: info });
    cloud.gateway('PATCH', `/v1/nodes/${UUID}`, [
      { op: 'replace', path: '/driver_info/ipmi_password', value: 'S3cret-2' },
      { op: 'add', path: '/driver_info', value: { ipmi_password: 'S3cret-3' } },
      { op: 'add', path: '/instance_info/configdrive', value: { user_data: 'S3cret-4' } },
      { op: 'add', path: '/extra/rack', value: 'r1' },
    ]);
    const text = JSON.stringify(cloud.control('GET', 'calls'));
    expect(text).not.toMatch(/S3cret|sandbox-password/);
    expect(text).not.toContain(cloud.token);
    expect(text).toContain('{"op":"add","path":"/extra/rack","value":"r1"}');
  });
});

describe('the ledger', () => {
  it('has every node, port and port group that was ever committed, and what did it', () => {
    const cloud = new CloudOS();
    cloud.gateway('POST', '/v1/nodes', { uuid: UUID, name: 'n1', driver: 'ipmi', driver_info: { ipmi_address: 'a' } });
    const create = cloud.control('GET', 'calls').calls.at(-1).seq;
    cloud.control('POST', 'ports', { node_uuid: UUID, address: MAC });
    cloud.plain('POST', '/v1/portgroups', { node_uuid: UUID, name: 'bond0' });
    cloud.plain('POST', '/v1/nodes', { uuid: UUID, driver: 'ipmi' });
    cloud.later(60);
    cloud.gateway('DELETE', `/v1/nodes/${UUID}`);
    cloud.gateway('POST', '/v1/nodes', { uuid: UUID, driver: 'ipmi' });
    const deletedAt = '2026-01-01T00:01:00.000Z';
    expect(cloud.control('GET', 'ledger')).toMatchObject({
      nodes: [
        { id: UUID, name: 'n1', bmcAddress: 'a', createdByCall: create, deletedAt, deletedByCall: create + 3 },
        { id: UUID, name: null, bmcAddress: null, createdByCall: create + 4, deletedByCall: null },
      ],
      ports: [{ nodeUUID: UUID, address: MAC, createdByCall: null, deletedAt }],
      portgroups: [{ nodeUUID: UUID, name: 'bond0', createdByCall: create + 1, deletedAt }],
    });
  });
});

it('freehold sandbox says where CloudOS is and how to sign in', () => {
  expect(new CloudOS().info).toEqual({
    authURL: 'http://sandbox/cloudos/keystone/v3',
    endpoint: 'http://sandbox/cloudos',
    plainEndpoint: 'http://sandbox/ironic',
    project: 'admin',
    username: 'admin',
    password: 'sandbox-password',
    domain: 'Default',
    driver: 'fake-hardware',
  });
});
