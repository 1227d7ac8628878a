import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { created, node, nodesAnswer } from '../../src/cloudos/wire-node.ts';
import { portGroupsAnswer, portGroupsOfNodeAnswer, portsAnswer } from '../../src/cloudos/wire-port.ts';
import * as samples from './cloudos-client-samples.ts';

const readPort = (more: object) => portsAnswer.parse({ ports: [{ ...samples.port, ...more }] }).ports;
const readGroup = (group: object) => portGroupsAnswer.parse({ portgroups: [group] }).portgroups;

describe('a node', () => {
  test('of seed 004 is understood: what is empty is undefined, numbers stay text, a mask stays a mask', () => {
    expect(node.parse(samples.node)).toEqual({
      uuid: samples.nodeID,
      driver: 'pxe_ipmitool',
      driver_info: samples.node.driver_info,
      properties: { ...samples.node.properties, password: expect.any(Secret) as Secret },
      extra: {},
      instance_uuid: '136968d8-cc4f-41d6-9adc-2524053e076e',
      provision_state: 'active',
      power_state: 'power off',
      maintenance: false,
      network_interface: 'neutron',
      storage_interface: 'noop',
      created_at: '2018-10-09T08:37:39+00:00',
      provision_updated_at: '2018-11-19T00:11:08+00:00',
      inspection_finished_at: '2018-10-17T00:36:29+00:00',
    });
  });

  test('of a real Ironic, where what is empty is null, reads the same', () => {
    const nulls = Object.fromEntries(
      Object.entries(samples.node).map(([key, value]) => [key, value === '' ? null : value]),
    );
    expect(node.parse({ ...nulls, clean_step: null })).toEqual(node.parse(samples.node));
  });

  test('does not change when only what has no meaning does', () => {
    const later = { ...samples.node, updated_at: 'now', driver_internal_info: { agent_last_heartbeat: 'now' } };
    expect(JSON.stringify(node.parse(later))).toBe(JSON.stringify(node.parse(samples.node)));
  });

  test.each([
    [true, true],
    [false, false],
    ['True', true],
    ['true', true],
    ['False', false],
    ['', false],
    [null, false],
    [undefined, false],
    [{}, false],
  ])('with maintenance %j is in maintenance: %j', (maintenance, expected) => {
    expect(node.parse({ ...samples.node, maintenance }).maintenance).toBe(expected);
  });

  test.each([
    ['instance_uuid', 5],
    ['instance_uuid', { x: 1 }],
    ['provision_state', ['active']],
    ['maintenance', 'perhaps'],
    ['reservation', true],
    ['extra', 'not JSON'],
    ['extra', []],
    ['uuid', ''],
  ])('whose %s cannot be read as one is not guessed, and named by its uuid', (field, value) => {
    const { nodes } = nodesAnswer.parse({ nodes: [{ ...samples.node, [field]: value }, samples.node] });
    expect(nodes.items.map(({ uuid }) => uuid)).toEqual([samples.nodeID]);
    expect(nodes.dropped).toMatchObject([{ index: 0, problem: expect.stringContaining(field) as string }]);
    expect(nodes.dropped[0]?.id).toBe(field === 'uuid' ? undefined : samples.nodeID);
  });

  test('of which only what is for people cannot be read is there without it', () => {
    const read = node.parse({ ...samples.node, created_at: 5, provision_updated_at: [], clean_step: 'x' });
    expect(read).toMatchObject({ uuid: samples.nodeID, created_at: undefined, clean_step: undefined });
  });

  test('that lacks a field altogether reads as if it were empty', () => {
    const read = node.parse({ uuid: 'a' });
    expect(read).toEqual({ uuid: 'a', maintenance: false, driver_info: {}, properties: {}, extra: {} });
  });

  test('that is being cleaned tells the step', () => {
    const step = { interface: 'deploy', step: 'erase_devices', priority: 10 };
    expect(node.parse({ ...samples.node, clean_step: step }).clean_step).toEqual(step);
  });

  test('shows no password that the gateway does not mask', () => {
    const read = node.parse({
      ...samples.node,
      properties: { password: 'canary-1' },
      driver_info: { ipmi_password: 'canary-2', ipmi_username: 'admin' },
    });
    expect(JSON.stringify(read) + inspect(read, { depth: 9, showHidden: true })).not.toContain('canary');
    expect((read.driver_info['ipmi_password'] as Secret).reveal()).toBe('canary-2');
    expect(read.driver_info['ipmi_username']).toBe('admin');
  });
});

describe('a port', () => {
  test('of seed 004 is understood', () => {
    expect(readPort({}).items).toEqual([
      {
        uuid: samples.portID,
        address: '74:ea:cb:75:1c:2b',
        node_uuid: samples.nodeID,
        portgroup_uuid: samples.groupID,
        pxe_enabled: true,
        local_link_connection: samples.port.local_link_connection,
        extra: {},
        created_at: '2018-10-09T08:48:03+00:00',
      },
    ]);
  });

  test.each([
    [{ freehold: 'me' }, { freehold: 'me' }],
    ['{"freehold":"me"}', { freehold: 'me' }],
    ['', {}],
    ['null', {}],
    [null, {}],
    [undefined, {}],
    [{}, {}],
  ])('with extra %j carries %j', (extra, expected) => {
    expect(readPort({ extra }).items[0]?.extra).toEqual(expected);
  });

  test.each([['None'], ['[]'], [5]])('whose extra is %j may carry an owner that cannot be read', (extra) => {
    expect(readPort({ extra })).toMatchObject({ items: [], dropped: [{ id: samples.portID }] });
  });

  test('has its address in lower case, and no part of a connection that is not text', () => {
    const [read] = readPort({
      address: '74:EA:CB:75:1C:2B',
      local_link_connection: { port_id: 'a', switch_id: null, network_type: 5 },
    }).items;
    expect(read).toMatchObject({ address: '74:ea:cb:75:1c:2b', local_link_connection: { port_id: 'a' } });
  });

  test.each(['address', 'node_uuid', 'uuid'])('without %s cannot be read', (field) => {
    expect(readPort({ [field]: '' })).toMatchObject({ items: [], dropped: [{ index: 0 }] });
  });
});

describe('a port group', () => {
  test('of a real Ironic is understood', () => {
    const { internal_info: _info, updated_at: _at, ...rest } = samples.fullGroup;
    expect(readGroup(samples.fullGroup).items).toEqual([{ ...rest, address: undefined }]);
  });

  test('of the list of the gateway tells its ID only, and nothing that it does not say', () => {
    const { portgroups } = portGroupsOfNodeAnswer.parse({ portgroups: [samples.briefGroup] });
    expect(portgroups.items).toEqual([{ uuid: samples.groupID }]);
  });

  test.each([
    [0, '0'],
    ['802.3ad', '802.3ad'],
    ['', undefined],
    [null, undefined],
    [true, undefined],
  ])('with mode %j has %j', (mode, expected) => {
    expect(readGroup({ ...samples.fullGroup, mode }).items[0]?.mode).toBe(expected);
  });

  test("of the list of all without its node could be anybody's", () => {
    expect(readGroup(samples.briefGroup)).toMatchObject({ items: [], dropped: [{ id: samples.groupID }] });
  });
});

test('of the answer of a create only the ID is read, and an empty one is none', () => {
  expect(created.parse(samples.createdNode)).toEqual({ uuid: samples.nodeID });
  expect(created.safeParse({ ...samples.createdNode, uuid: '' }).success).toBe(false);
});
