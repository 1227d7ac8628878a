import { describe, expect, it } from 'vitest';
import { CloudOS, told, UUID } from './sandbox-cloudos.ts';
import type { Seen } from './sandbox-cloudos.ts';

const MAC = '74:ea:cb:75:1c:2b';
const OTHER = '74:ea:cb:75:1c:2c';

function withNode(): CloudOS {
  const cloud = new CloudOS();
  cloud.enroll({ uuid: UUID, name: 'n1' });
  return cloud;
}

const createPort = (cloud: CloudOS, fields: Record<string, unknown> = {}): Seen =>
  cloud.plain('POST', '/v1/ports', { node_uuid: UUID, address: MAC, ...fields });
const createGroup = (cloud: CloudOS, fields: Record<string, unknown> = {}): Seen =>
  cloud.plain('POST', '/v1/portgroups', { node_uuid: UUID, ...fields });
const patch = (cloud: CloudOS, path: string, op: string, field: string, value?: unknown): Seen =>
  cloud.plain('PATCH', path, [{ op, path: field, ...(value !== undefined && { value }) }]);

describe('a port', () => {
  it('is created with 201, its 12 keys and the MAC in lower case', () => {
    const cloud = withNode();
    const seen = createPort(cloud, { address: MAC.toUpperCase(), extra: { slot: 1 } });
    const { uuid } = seen.body;
    expect([seen.status, seen.headers.location]).toEqual([201, `${cloud.info.plainEndpoint}/v1/ports/${uuid}`]);
    expect(Object.keys(seen.body)).toHaveLength(12);
    expect(seen.body).toMatchObject({
      address: MAC,
      node_uuid: UUID,
      extra: { slot: 1 },
      pxe_enabled: true,
      local_link_connection: {},
      portgroup_uuid: null,
      physical_network: null,
      updated_at: null,
    });
    expect(cloud.plain('GET', `/v1/ports/${uuid}`).body).toEqual(seen.body);
    for (const path of ['/v1/ports/detail', `/v1/nodes/${UUID}/ports/detail`, '/v1/ports/detail?node=n1']) {
      expect(cloud.plain('GET', path).body).toEqual({ ports: [seen.body] });
    }
    const short = cloud.plain('GET', `/v1/nodes/${UUID}/ports`).body.ports[0];
    expect(Object.keys(short).sort()).toEqual(['address', 'links', 'uuid']);
  });

  it('has a MAC and a UUID that no other has; a text that could name two names the UUID', () => {
    const cloud = withNode();
    const { uuid } = createPort(cloud).body;
    const other = createPort(cloud, { address: OTHER }).body.uuid;
    const taken = `A port with MAC address ${MAC} already exists.`;
    const again = createPort(cloud, { address: MAC.toUpperCase() });
    expect([again.status, told(again).faultstring]).toEqual([409, taken]);
    expect(told(createPort(cloud, { uuid })).faultstring).toBe(`A port with UUID ${uuid} already exists.`);
    const moved = patch(cloud, `/v1/ports/${other}`, 'replace', '/address', MAC);
    expect([moved.status, told(moved).faultstring]).toEqual([409, taken]);
  });

  it.each([
    ['a pasted password for a MAC', { address: 'admin123' }],
    ['dashes in the MAC', { address: '74-ea-cb-75-1c-2b' }],
    ['no MAC', { address: undefined }],
    ['no node', { node_uuid: undefined }],
    ['an unknown node', { node_uuid: 'd0ff7084-ab8c-40f9-9c0b-cac7065cf0a5' }],
    ['an unknown port group', { portgroup_uuid: 'd0ff7084-ab8c-40f9-9c0b-cac7065cf0a5' }],
    ['an unknown field', { bogus: 1 }],
    ['half a switch', { local_link_connection: { switch_id: MAC } }],
    ['a switch without a MAC', { local_link_connection: { switch_id: 'tor-1', port_id: 'Eth1' } }],
  ])('cannot be created with %s', (_, fields) => {
    expect(createPort(withNode(), fields).status).toBe(400);
  });

  it('is deleted once', () => {
    const cloud = withNode();
    const { uuid } = createPort(cloud).body;
    const path = `/v1/ports/${uuid}`;
    expect(['DELETE', 'DELETE', 'GET'].map((method) => cloud.plain(method, path).status)).toEqual([204, 404, 404]);
    expect(cloud.plain('DELETE', '/v1/ports/not-a-uuid').status).toBe(400);
  });

  it('goes into a group and out again, and again', () => {
    const cloud = withNode();
    const group = createGroup(cloud).body.uuid;
    const path = `/v1/ports/${createPort(cloud).body.uuid}`;
    expect(patch(cloud, path, 'add', '/portgroup_uuid', group).body.portgroup_uuid).toBe(group);
    expect(cloud.plain('GET', `/v1/portgroups/${group}/ports`).body.ports).toHaveLength(1);
    for (const _ of ['once', 'again']) {
      const seen = patch(cloud, path, 'remove', '/portgroup_uuid');
      expect([seen.status, seen.body.portgroup_uuid]).toEqual([200, null]);
    }
    expect(patch(cloud, path, 'add', '/portgroup_uuid', UUID).status).toBe(400);
    expect(patch(cloud, path, 'add', '/bogus', 1).status).toBe(400);
    expect(patch(cloud, path, 'add', '/node_uuid', UUID).status).toBe(200);
    expect(patch(cloud, path, 'add', '/node_uuid', cloud.enroll().uuid).status).toBe(500);
  });

  it('is in the same physical network as the others of its group, where none is one too', () => {
    const cloud = withNode();
    const group = createGroup(cloud).body.uuid;
    createPort(cloud, { portgroup_uuid: group });
    const path = `/v1/ports/${createPort(cloud, { address: OTHER, physical_network: 'physnet1' }).body.uuid}`;
    const refused = patch(cloud, path, 'add', '/portgroup_uuid', group);
    expect([refused.status, told(refused).faultstring]).toEqual([
      409,
      `Port with physical network physnet1 cannot become a member of port group ${group} which has ports in physical network None.`,
    ]);
    patch(cloud, path, 'remove', '/physical_network');
    expect(patch(cloud, path, 'add', '/portgroup_uuid', group).status).toBe(200);
    expect(patch(cloud, path, 'add', '/physical_network', 'physnet1').status).toBe(409);
  });

  it.each([
    ['enroll', 200],
    ['manageable', 200],
    ['available', 409],
    ['active', 409],
    ['clean failed', 409],
  ])('of a node in %s: a change of how it is connected is answered %i', (state, status) => {
    const cloud = withNode();
    const group = createGroup(cloud).body.uuid;
    const path = `/v1/ports/${createPort(cloud).body.uuid}`;
    cloud.control('PATCH', `nodes/${UUID}`, { provision_state: state });
    const changes: [string, unknown][] = [
      ['/pxe_enabled', false],
      ['/physical_network', 'physnet1'],
      ['/local_link_connection', { switch_id: MAC, port_id: 'Eth1' }],
      ['/portgroup_uuid', group],
    ];
    for (const [field, value] of changes)
      expect([field, patch(cloud, path, 'add', field, value).status]).toEqual([field, status]);
    expect(patch(cloud, path, 'add', '/extra/slot', 1).status).toBe(200);
    expect(patch(cloud, path, 'add', '/address', OTHER).status).toBe(state === 'active' ? 409 : 200);
    cloud.plain('PUT', `/v1/nodes/${UUID}/maintenance`);
    for (const [field, value] of changes) expect(patch(cloud, path, 'add', field, value).status).toBe(200);
  });
});

describe('a port group', () => {
  it('is created with 201 and 13 keys, and listed short or in detail', () => {
    const cloud = withNode();
    const seen = createGroup(cloud, { name: 'bond0', address: MAC.toUpperCase(), mode: '802.3ad' });
    expect([seen.status, Object.keys(seen.body).length]).toEqual([201, 13]);
    expect(seen.body).toMatchObject({ name: 'bond0', address: MAC, mode: '802.3ad', standalone_ports_supported: true });
    for (const path of ['/v1/portgroups/detail', `/v1/nodes/${UUID}/portgroups/detail`]) {
      expect(cloud.plain('GET', path).body).toEqual({ portgroups: [seen.body] });
    }
    for (const path of ['/v1/portgroups', `/v1/portgroups?node=${UUID}`, `/v1/nodes/n1/portgroups`]) {
      const [short] = cloud.plain('GET', path).body.portgroups;
      expect(Object.keys(short).sort()).toEqual(['address', 'links', 'name', 'uuid']);
    }
    expect(cloud.plain('GET', '/v1/portgroups/bond0').body).toEqual(seen.body);
    expect(createGroup(cloud).body.mode).toBe('active-backup');
  });

  it('has a name, a UUID and an address that no other has, on any node', () => {
    const cloud = withNode();
    const { uuid } = createGroup(cloud, { name: 'bond0', address: MAC }).body;
    const node = cloud.enroll().uuid;
    const texts = [{ name: 'bond0' }, { address: MAC }, { uuid }, { uuid, name: 'bond0' }].map((fields) => {
      const seen = createGroup(cloud, { node_uuid: node, ...fields });
      return [seen.status, told(seen).faultstring];
    });
    expect(texts).toEqual([
      [409, 'A portgroup with name bond0 already exists.'],
      [409, `A portgroup with MAC address ${MAC} already exists.`],
      [409, `A portgroup with UUID ${uuid} already exists.`],
      [409, 'A portgroup with name bond0 already exists.'],
    ]);
  });

  it('needs a node, and knows its fields', () => {
    const cloud = withNode();
    const unknown = 'd0ff7084-ab8c-40f9-9c0b-cac7065cf0a5';
    const wrong = [{ node_uuid: undefined }, { node_uuid: unknown }, { bogus: 1 }, { name: 'a/b' }];
    expect(wrong.map((fields) => createGroup(cloud, fields).status)).toEqual([400, 400, 400, 400]);
  });

  it('is changed by PATCH in every state', () => {
    const cloud = withNode();
    const path = `/v1/portgroups/${createGroup(cloud, { name: 'bond0' }).body.uuid}`;
    cloud.control('PATCH', `nodes/${UUID}`, { provision_state: 'active' });
    expect(patch(cloud, path, 'replace', '/mode', 'balance-rr').body.mode).toBe('balance-rr');
    expect(patch(cloud, path, 'add', '/properties/miimon', 100).body.properties).toEqual({ miimon: 100 });
    expect(patch(cloud, path, 'replace', '/name', 'bond1').body.name).toBe('bond1');
    expect(patch(cloud, path, 'add', '/uuid', UUID).status).toBe(400);
  });

  it('with ports cannot be deleted, with an error of the server', () => {
    const cloud = withNode();
    const group = createGroup(cloud).body.uuid;
    const port = createPort(cloud, { portgroup_uuid: group }).body.uuid;
    const remove = (path: string): number => cloud.plain('DELETE', path).status;
    expect(remove(`/v1/portgroups/${group}`)).toBe(500);
    expect([remove(`/v1/ports/${port}`), remove(`/v1/portgroups/${group}`), remove(`/v1/portgroups/${group}`)]).toEqual(
      [204, 204, 404],
    );
  });
});

describe('a list of an unknown node', () => {
  it('answers 404, below the node in words that speak of something else', () => {
    const cloud = withNode();
    const says = (path: string): unknown[] => {
      const seen = cloud.plain('GET', path);
      return [seen.status, told(seen).faultstring];
    };
    for (const path of ['/v1/nodes/nope/ports/detail', '/v1/nodes/nope/portgroups']) {
      expect(says(path)).toEqual([404, 'Portgroup None could not be found.']);
    }
    for (const path of ['/v1/portgroups?node=nope', '/v1/ports/detail?node=nope']) {
      expect(says(path)).toEqual([404, 'Node nope could not be found.']);
    }
  });
});
