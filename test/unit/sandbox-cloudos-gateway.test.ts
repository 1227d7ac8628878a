import { describe, expect, it } from 'vitest';
import { CloudOS, INTERNAL, told, UUID } from './sandbox-cloudos.ts';

const order = {
  driver: 'pxe_ipmitool',
  driver_info: { ipmi_username: 'admin', ipmi_address: '172.25.16.99', ipmi_password: 'admin123' },
};

/** A node by the gateway, with the UUID of the document's samples. */
function withNode(): CloudOS {
  const cloud = new CloudOS();
  expect(cloud.gateway('POST', '/v1/nodes', { ...order, uuid: UUID }).status).toBe(200);
  return cloud;
}

const link = (path: string): unknown => [{ href: `${INTERNAL}/v1/${path}`, rel: 'self' }];

describe('the gateway, by the document', () => {
  it('answers a create with the short node (seed 004 L13727-L13752)', () => {
    const cloud = new CloudOS();
    expect(cloud.gateway('POST', '/v1/nodes', { ...order, uuid: UUID, name: 'n1', extra: { a: 1 } }).body).toEqual({
      uuid: UUID,
      instance_uuid: '',
      maintenance: '',
      provision_state: 'enroll',
      target_provision_state: '',
      power_state: '',
      target_power_state: '',
      maintenance_reason: '',
      last_error: '',
      reservation: '',
      driver: 'pxe_ipmitool',
      driver_info: {
        deploy_kernel: '',
        ipmi_address: '172.25.16.99',
        ipmi_username: 'admin',
        ipmi_password: '******',
        deploy_ramdisk: '',
      },
      instanceInfo: '',
      console_enabled: false,
      updated_at: '',
      created_at: '2026-01-01T00:00:00+00:00',
      chassis_uuid: '',
    });
  });

  it('shows nodes with 43 keys, and "" or {} where nothing is set (seed 004 L12684-L12808)', () => {
    const cloud = withNode();
    const node = {
      target_power_state: '',
      inspect_interface: '',
      links: link(`nodes/${UUID}`),
      target_provision_state: '',
      last_error: '',
      storage_interface: 'noop',
      updated_at: '',
      maintenance_reason: '',
      states: link(`nodes/${UUID}/states`),
      provision_state: 'enroll',
      clean_step: {},
      vendor_interface: '',
      uuid: UUID,
      console_enabled: false,
      extra: {},
      raid_config: {},
      provision_updated_at: '',
      power_state: '',
      target_raid_config: {},
      network_interface: 'neutron',
      inspection_started_at: '',
      inspection_finished_at: '',
      maintenance: false,
      power_interface: '',
      driver: 'pxe_ipmitool',
      volume: link(`nodes/${UUID}/volume`),
      raid_interface: '',
      boot_interface: '',
      reservation: '',
      management_interface: '',
      properties: {},
      instance_uuid: '',
      name: '',
      driver_info: { ipmi_address: '172.25.16.99', ipmi_username: 'admin', ipmi_password: '******' },
      resource_class: '',
      created_at: '2026-01-01T00:00:00+00:00',
      portgroups: link(`nodes/${UUID}/portgroups`),
      deploy_interface: '',
      ports: link(`nodes/${UUID}/ports`),
      console_interface: '',
      driver_internal_info: {},
      chassis_uuid: '',
      instance_info: {},
    };
    expect(Object.keys(node)).toHaveLength(43);
    expect(cloud.gateway('GET', `/v1/nodes/${UUID}`).body).toEqual(node);
    expect(cloud.gateway('GET', '/v1/nodes/detail').body).toEqual({ nodes: [node] });
  });

  it('shows ports with null where nothing is set, and extra as text in the list (seed 004 L14174-L14196)', () => {
    const cloud = withNode();
    const created = cloud.gateway('POST', '/v1/ports', {
      node_uuid: UUID,
      address: '74:EA:CB:75:1C:2B',
      local_link_connection: { port_id: 'Twenty-FiveGigE1/1/1', switch_id: '74:ea:cb:5a:30:52' },
    });
    const { uuid } = created.body;
    const port = {
      local_link_connection: { port_id: 'Twenty-FiveGigE1/1/1', switch_id: '74:ea:cb:5a:30:52' },
      node_uuid: UUID,
      uuid,
      links: link(`ports/${uuid}`),
      extra: null,
      pxe_enabled: true,
      portgroup_uuid: null,
      updated_at: '',
      physical_network: null,
      address: '74:ea:cb:75:1c:2b',
      internal_info: null,
      created_at: '2026-01-01T00:00:00+00:00',
    };
    expect([created.status, created.body]).toEqual([200, port]);
    expect(cloud.gateway('GET', `/v1/nodes/${UUID}/ports/detail`).body).toEqual({ ports: [port] });
    cloud.plain('PATCH', `/v1/ports/${uuid}`, [{ op: 'add', path: '/extra/rack', value: 'r1' }]);
    const extra = (): unknown => cloud.gateway('GET', `/v1/nodes/${UUID}/ports/detail`).body.ports[0].extra;
    expect(extra()).toBe('{"rack":"r1"}');
    cloud.set({ portExtra: 'object' });
    expect(extra()).toEqual({ rack: 'r1' });
  });

  it('shows port groups in a list with four keys, after a create with thirteen (seed 004 L14610-L14778)', () => {
    const cloud = withNode();
    const created = cloud.gateway('POST', '/v1/portgroups', { node_uuid: UUID });
    const { uuid } = created.body;
    expect([created.status, created.body]).toEqual([
      200,
      {
        node_uuid: UUID,
        uuid,
        links: link(`portgroups/${uuid}`),
        extra: null,
        created_at: '2026-01-01T00:00:00+00:00',
        updated_at: '',
        ports: link(`portgroups/${uuid}/ports`),
        standalone_ports_supported: true,
        mode: 'active-backup',
        address: '',
        internal_info: {},
        properties: {},
        name: '',
      },
    ]);
    expect(cloud.gateway('GET', `/v1/portgroups?node=${UUID}`).body).toEqual({
      portgroups: [{ links: link(`portgroups/${uuid}`), uuid, name: '', address: '' }],
    });
  });

  it('answers 200 and nothing to every call without a response body', () => {
    const cloud = withNode();
    const group = cloud.gateway('POST', '/v1/portgroups', { node_uuid: UUID }).body.uuid;
    const port = cloud.gateway('POST', '/v1/ports', { node_uuid: UUID, address: '11:11:11:11:11:11' }).body.uuid;
    const calls: [string, string, unknown?][] = [
      ['PATCH', `/v1/nodes/${UUID}`, [{ op: 'add', path: '/extra/a', value: 1 }]],
      ['PATCH', `/v1/ports/${port}`, [{ op: 'add', path: '/portgroup_uuid', value: group }]],
      ['DELETE', `/v1/ports/${port}`],
      ['DELETE', `/v1/portgroups/${group}`],
      ['PUT', `/v1/nodes/${UUID}/maintenance`, { reason: '' }],
      ['DELETE', `/v1/nodes/${UUID}/maintenance`],
      ['PUT', `/v1/nodes/${UUID}/states/provision`, { target: 'manage' }],
      ['PUT', `/v1/nodes/${UUID}/states/power`, { target: 'power on' }],
      ['DELETE', `/v1/nodes/${UUID}`],
    ];
    for (const [method, path, body] of calls) {
      const seen = cloud.gateway(method, path, body);
      expect([method, path, seen.status, seen.text]).toEqual([method, path, 200, '']);
      cloud.later(10);
    }
  });

  it('takes the power call under the path that the document prints, too', () => {
    const cloud = withNode();
    const headers = { 'h3cloudos-core-target': 'bare_metal', 'x-openstack-ironic-api-version': '1.34' };
    const path = `/cloudos/v1/nodes/${UUID}/states/power`;
    const sent = { ...headers, 'x-auth-token': cloud.token };
    expect(cloud.send('PUT', path, { target: 'power on' }, sent).status).toBe(200);
    expect(cloud.node(UUID).target_power_state).toBe('power on');
  });
});

describe('the gateway refuses, in its own envelope', () => {
  it.each([
    ['another core target', { 'h3cloudos-core-target': 'compute' }],
    ['no core target', { 'h3cloudos-core-target': undefined }],
    ['no version', { 'x-openstack-ironic-api-version': undefined }],
  ])('%s', (_, headers) => {
    const seen = new CloudOS().gateway('GET', '/v1/nodes/detail', undefined, headers);
    expect([seen.status, seen.body]).toEqual([400, { code: '400', msg: expect.any(String), data: null, total: 0 }]);
  });

  it('Accept on a call without a response body, unless told otherwise', () => {
    const cloud = withNode();
    const accept = { accept: 'application/json' };
    const refused = cloud.gateway('DELETE', `/v1/nodes/${UUID}`, undefined, accept);
    expect([refused.status, refused.body.code, cloud.node(UUID).uuid]).toEqual([400, '400', UUID]);
    expect(cloud.gateway('GET', '/v1/nodes/detail', undefined, accept).status).toBe(200);
    expect(cloud.gateway('POST', '/v1/portgroups', { node_uuid: UUID }, accept).status).toBe(200);
    cloud.set({ strictAccept: false });
    expect(cloud.gateway('DELETE', `/v1/nodes/${UUID}`, undefined, accept).status).toBe(200);
  });

  it.each([
    ['GET', '/v1/nodes'],
    ['GET', '/v1/ports/detail'],
    ['GET', '/v1/ports/d0ff7084-ab8c-40f9-9c0b-cac7065cf0a5'],
    ['GET', '/v1/portgroups/d0ff7084-ab8c-40f9-9c0b-cac7065cf0a5'],
    ['PATCH', '/v1/portgroups/d0ff7084-ab8c-40f9-9c0b-cac7065cf0a5'],
    ['GET', '/v1/portgroups/detail'],
    ['GET', `/v1/nodes/${UUID}/portgroups`],
  ])('%s %s, which the document does not have', (method, path) => {
    const seen = withNode().gateway(method, path, method === 'PATCH' ? [] : undefined);
    expect([seen.status, seen.body.data, seen.body.total]).toEqual([404, null, 0]);
  });
});

describe('the gateway', () => {
  it('passes errors of Ironic on as they are, or in its envelope', () => {
    const cloud = withNode();
    const passed = cloud.gateway('GET', '/v1/nodes/nope');
    expect([passed.status, told(passed).faultstring]).toEqual([404, 'Node nope could not be found.']);
    cloud.set({ wrapErrors: true });
    const wrapped = cloud.gateway('GET', '/v1/nodes/nope');
    expect(wrapped.status).toBe(404);
    expect(wrapped.body).toEqual({ code: '404', msg: 'Node nope could not be found.', data: null, total: 0 });
    const versionless = cloud.gateway('GET', '/v1/nodes/nope', undefined, {
      'x-openstack-ironic-api-version': '1.999',
    });
    expect([versionless.status, versionless.body.msg]).toEqual([406, expect.stringContaining('Version 1.999')]);
  });

  it("has Ironic's own codes and answers when told to", () => {
    const cloud = new CloudOS();
    cloud.set({ gatewayCodes: 'ironic' });
    const created = cloud.gateway('POST', '/v1/nodes', { ...order, uuid: UUID, name: 'n1' });
    expect([created.status, created.body.name, Object.keys(created.body).length]).toEqual([201, 'n1', 43]);
    const patched = cloud.gateway('PATCH', `/v1/nodes/${UUID}`, [{ op: 'add', path: '/extra/a', value: 1 }]);
    expect([patched.status, patched.body.extra]).toEqual([200, { a: 1 }]);
    expect(cloud.gateway('PUT', `/v1/nodes/${UUID}/maintenance`, {}).status).toBe(202);
    expect([cloud.gateway('DELETE', `/v1/nodes/${UUID}`)].map(({ status, text }) => [status, text])).toEqual([
      [204, ''],
    ]);
  });

  it('may drop the UUID and the extra of a create', () => {
    const cloud = new CloudOS();
    cloud.set({ keepUUID: false, keepExtra: false });
    const { uuid } = cloud.gateway('POST', '/v1/nodes', { ...order, uuid: UUID, extra: { a: 1 }, name: 'n1' }).body;
    expect(uuid).not.toBe(UUID);
    expect([cloud.node(uuid).extra, cloud.node(uuid).name]).toEqual([{}, 'n1']);
    // The other door is not the gateway.
    expect(cloud.enroll({ uuid: UUID, extra: { a: 1 } })).toMatchObject({ uuid: UUID, extra: { a: 1 } });
  });

  it('pages as Ironic does, with a next that leads into the cluster', () => {
    const cloud = withNode();
    cloud.enroll();
    const { nodes, next } = cloud.gateway('GET', '/v1/nodes/detail?limit=1').body;
    expect([nodes.length, next]).toEqual([1, `${INTERNAL}/v1/nodes/detail?limit=1&marker=${UUID}`]);
  });
});
