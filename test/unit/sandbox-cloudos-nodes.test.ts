import { describe, expect, it } from 'vitest';
import { CloudOS, told, UUID } from './sandbox-cloudos.ts';

const OTHER = '136968d8-cc4f-41d6-9adc-2524053e076e';

describe('a node', () => {
  it('is created with 201, a Location, all 43 keys, null where nothing is set, and secrets masked', () => {
    const cloud = new CloudOS();
    const seen = cloud.plain('POST', '/v1/nodes', {
      uuid: UUID,
      name: 'n1',
      driver: 'fake-hardware',
      driver_info: { ipmi_address: '10.0.0.1', ipmi_password: 'secret', my_password_too: 'secret' },
      instance_info: { configdrive: 'secret', root_gb: '10' },
      properties: { password: 'admin' },
    });
    expect([seen.status, seen.headers.location]).toEqual([201, `${cloud.info.plainEndpoint}/v1/nodes/${UUID}`]);
    expect(Object.keys(seen.body)).toHaveLength(43);
    expect(seen.body).toMatchObject({
      uuid: UUID,
      name: 'n1',
      provision_state: 'enroll',
      target_provision_state: null,
      power_state: null,
      reservation: null,
      instance_uuid: null,
      updated_at: null,
      extra: {},
      deploy_interface: 'fake',
      driver_info: { ipmi_address: '10.0.0.1', ipmi_password: '******', my_password_too: '******' },
      instance_info: { configdrive: '******', root_gb: '10' },
      properties: { password: 'admin' },
    });
    expect(cloud.plain('GET', '/v1/nodes/n1').body).toEqual(seen.body);
    expect(cloud.plain('GET', `/v1/nodes/${UUID}`).body).toEqual(seen.body);
  });

  it('keeps its UUID as it was sent, and is found by nothing else', () => {
    const cloud = new CloudOS();
    const uuid = UUID.toUpperCase();
    expect(cloud.enroll({ uuid }).uuid).toBe(uuid);
    expect([cloud.plain('GET', `/v1/nodes/${UUID}`).status, cloud.plain('GET', `/v1/nodes/${uuid}`).status]).toEqual([
      404, 200,
    ]);
    expect(cloud.enroll({ uuid: OTHER.replaceAll('-', '') }).uuid).toBe(OTHER.replaceAll('-', ''));
  });

  it('shares its BMC with others, but neither UUID, name nor instance; a text that could name two names the name', () => {
    const cloud = new CloudOS();
    cloud.enroll({ uuid: UUID, name: 'n1', instance_uuid: OTHER });
    cloud.enroll({ name: 'n2' });
    const create = (fields: Record<string, unknown>): unknown[] => {
      const seen = cloud.plain('POST', '/v1/nodes', { driver: 'ipmi', ...fields });
      return [seen.status, told(seen).faultstring];
    };
    expect(create({ uuid: UUID })).toEqual([409, `A node with UUID ${UUID} already exists.`]);
    expect(create({ uuid: UUID, name: 'n1' })).toEqual([409, 'A node with name n1 already exists.']);
    expect(create({ instance_uuid: OTHER })[0]).toBe(409);
    const patch = cloud.plain('PATCH', '/v1/nodes/n2', [{ op: 'add', path: '/name', value: 'n1' }]);
    expect([patch.status, told(patch).faultstring]).toEqual([409, 'A node with name n1 already exists.']);
  });

  it.each([
    ['no driver', { name: 'n1' }, "'driver' is a required property"],
    ['an unknown driver', { driver: 'ilo' }, 'No conductor service registered which supports driver ilo'],
    ['an unknown field', { driver: 'ipmi', bogus: 1 }, "'bogus' was unexpected"],
    ['a read-only field', { driver: 'ipmi', provision_state: 'active' }, "'provision_state' was unexpected"],
    ['a bad name', { driver: 'ipmi', name: 'a b' }, "Cannot create node with invalid name 'a b'"],
    ['a UUID for a name', { driver: 'ipmi', name: UUID }, 'Cannot create node with invalid name'],
    ['a bad UUID', { driver: 'ipmi', uuid: 'x' }, 'Expected UUID for uuid'],
    ['driver_info as a text', { driver: 'ipmi', driver_info: 'x' }, "'driver_info'"],
    ['an interface of another driver', { driver: 'ipmi', power_interface: 'redfish' }, 'is not supported'],
  ])('cannot be created with %s', (_, body, text) => {
    const seen = new CloudOS().plain('POST', '/v1/nodes', body);
    expect([seen.status, told(seen)]).toEqual([
      400,
      { faultcode: 'Client', faultstring: expect.stringContaining(text), debuginfo: null },
    ]);
  });

  it('cannot be created from what is not JSON, nor with a field of a later version', () => {
    const cloud = new CloudOS();
    const broken = cloud.plain('POST', '/v1/nodes', '{');
    expect([broken.status, told(broken).faultcode]).toEqual([500, 'Server']);
    const later = { driver: 'ipmi', rescue_interface: 'no-rescue' };
    expect(cloud.plain('POST', '/v1/nodes', later).status).toBe(406);
    const newer = { 'x-openstack-ironic-api-version': '1.38' };
    expect(cloud.plain('POST', '/v1/nodes', later, newer).status).toBe(201);
  });

  it('is not read from a body without a length', () => {
    const seen = new CloudOS().plain('POST', '/v1/nodes', { driver: 'ipmi' }, { 'transfer-encoding': 'chunked' });
    expect(seen.status).toBe(400);
  });
});

describe('a patch of a node', () => {
  const patch = (cloud: CloudOS, steps: unknown): [number, any] => {
    const seen = cloud.plain('PATCH', `/v1/nodes/${UUID}`, steps);
    return [seen.status, seen.status < 400 ? seen.body : told(seen).faultstring];
  };
  const enrolled = (fields: Record<string, unknown> = {}): CloudOS => {
    const cloud = new CloudOS();
    cloud.enroll({ uuid: UUID, ...fields });
    return cloud;
  };

  it('adds, replaces and removes, and shows the lock that it held', () => {
    const cloud = enrolled({ extra: { a: 1, b: 2 }, name: 'n1' });
    cloud.later(5);
    const [status, node] = patch(cloud, [
      { op: 'replace', path: '/extra/a', value: 9 },
      { op: 'remove', path: '/extra/b' },
      { op: 'add', path: '/properties/cpus', value: '16' },
      { op: 'remove', path: '/name' },
      { op: 'add', path: '/maintenance', value: true },
    ]);
    expect([status, node.extra, node.properties, node.name]).toEqual([200, { a: 9 }, { cpus: '16' }, null]);
    expect([node.maintenance, node.updated_at]).toEqual([true, '2026-01-01T00:00:05+00:00']);
    expect([node.reservation, cloud.node(UUID).reservation]).toEqual([expect.any(String), null]);
    expect(patch(cloud, [])[0]).toBe(200);
  });

  it('is applied as a whole or not at all', () => {
    const cloud = enrolled();
    const [status] = patch(cloud, [
      { op: 'add', path: '/extra/a', value: 1 },
      { op: 'remove', path: '/extra/missing' },
    ]);
    expect([status, cloud.node(UUID).extra]).toEqual([400, {}]);
  });

  it.each([
    [[{ op: 'replace', path: '/extra/missing', value: 1 }], 'non-existent object'],
    [[{ op: 'add', path: '/uuid', value: OTHER }], 'Cannot patch /uuid. Only the following can be updated: '],
    [[{ op: 'replace', path: '/provision_state', value: 'active' }], 'Cannot patch /provision_state'],
    [[{ op: 'add', path: '/bogus', value: 1 }], 'Cannot patch /bogus'],
    [[{ op: 'remove', path: '/portgroup_uuid', value: OTHER }], 'Cannot patch /portgroup_uuid'],
    [[{ op: 'remove', path: '/driver' }], "'/driver' is a mandatory attribute"],
    [[{ op: 'test', path: '/extra', value: 1 }], "is not one of ['add', 'replace', 'remove']"],
    [[{ op: 'add', path: 'extra', value: 1 }], 'does not match'],
    [[{ op: 'add', path: '/extra/example.org~1owner', value: 1 }], 'does not match'],
    [[{ op: 'add', path: '/extra' }], "does not contain a 'value' member"],
    [[{ op: 'add', path: '/extra', value: 'text' }], "not valid for 'extra'"],
    [[{ op: 'add', path: '/name', value: 'a b' }], "Cannot change name to invalid name 'a b'"],
    [[{ op: 'add', path: '/driver', value: 'ilo' }], 'supports driver ilo'],
    [[{ op: 'add', path: '/driver', value: 'redfish' }], 'is not supported by hardware type redfish'],
    [{}, "is not of type 'array'"],
  ])('%j is refused', (steps, text) => {
    expect(patch(enrolled(), steps)).toEqual([400, expect.stringContaining(text)]);
  });

  it('of a field of a later version, an unknown node or no JSON has codes of its own', () => {
    const cloud = enrolled();
    expect(patch(cloud, [{ op: 'add', path: '/rescue_interface', value: 'x' }])[0]).toBe(406);
    expect(cloud.plain('PATCH', '/v1/nodes/nope', []).status).toBe(404);
    expect(cloud.plain('PATCH', `/v1/nodes/${UUID}`, '{').status).toBe(500);
  });

  it('with six asterisks stores six asterisks, and the BMC turns the node away', () => {
    const cloud = enrolled();
    cloud.control('PUT', 'bmcs', { address: '172.25.16.99', username: 'admin', password: 'admin123' });
    cloud.verb(UUID, 'manage');
    cloud.later(2);
    expect(cloud.states(UUID)).toEqual(['manageable', null, null]);
    patch(cloud, [{ op: 'add', path: '/driver_info/ipmi_password', value: '******' }]);
    cloud.plain('PUT', `/v1/nodes/${UUID}/states/power`, { target: 'power on' });
    cloud.later(2);
    expect(cloud.node(UUID).last_error).toContain('IPMI call failed');
  });

  it('of an interface waits for the end of the use, or for maintenance; one of the resource class for the end', () => {
    const cloud = new CloudOS();
    const uuid = cloud.nodeIn('active', { resource_class: 'big' });
    const change = (path: string): number =>
      cloud.plain('PATCH', `/v1/nodes/${uuid}`, [{ op: 'add', path, value: 'new' }]).status;
    expect([change('/boot_interface'), change('/resource_class'), change('/extra/a')]).toEqual([409, 409, 200]);
    cloud.plain('PUT', `/v1/nodes/${uuid}/maintenance`);
    expect([change('/boot_interface'), change('/resource_class')]).toEqual([200, 409]);
  });
});

describe('a delete of a node', () => {
  it('takes its ports and port groups along', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    cloud.plain('POST', '/v1/ports', { node_uuid: uuid, address: '11:11:11:11:11:11' });
    cloud.plain('POST', '/v1/portgroups', { node_uuid: uuid });
    expect(cloud.plain('DELETE', `/v1/nodes/${uuid}`).status).toBe(204);
    expect(cloud.plain('GET', '/v1/ports').body.ports).toEqual([]);
    expect(cloud.plain('GET', '/v1/portgroups').body.portgroups).toEqual([]);
    expect(cloud.plain('DELETE', `/v1/nodes/${uuid}`).status).toBe(404);
  });

  it('is refused in the wrong state and with an instance, unless in maintenance', () => {
    for (const [fields, text] of [
      [{ provision_state: 'active' }, 'while it is in provision state "active". Valid provision states'],
      [{ provision_state: 'manageable', instance_uuid: OTHER }, `is associated with instance ${OTHER}`],
    ] as const) {
      const cloud = new CloudOS();
      const { uuid } = cloud.control('POST', 'nodes', fields);
      const seen = cloud.plain('DELETE', `/v1/nodes/${uuid}`);
      expect([seen.status, told(seen).faultstring]).toEqual([409, expect.stringContaining(text)]);
      cloud.plain('PUT', `/v1/nodes/${uuid}/maintenance`);
      expect(cloud.plain('DELETE', `/v1/nodes/${uuid}`).status).toBe(204);
    }
  });

  it.each(['enroll', 'manageable', 'available', 'adopt failed'])('is taken in %s', (state) => {
    const cloud = new CloudOS();
    const { uuid } = cloud.control('POST', 'nodes', { provision_state: state });
    expect(cloud.plain('DELETE', `/v1/nodes/${uuid}`).status).toBe(204);
    expect(cloud.enroll({ uuid }).uuid).toBe(uuid);
  });
});
