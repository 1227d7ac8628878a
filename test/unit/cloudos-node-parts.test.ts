import { describe, expect, test } from 'vitest';
import { portGroupObject, shortName } from '../../src/cloudos/bare-metal-node/port-group.ts';
import { portObject } from '../../src/cloudos/bare-metal-node/port.ts';
import { reportParts } from '../../src/cloudos/bare-metal-node/report.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import {
  createFakeIronic,
  drive,
  groupOf,
  mac,
  mac2,
  nodeOf,
  partsOf,
  plan,
  portOf,
  specOf,
} from './cloudos-node-samples.ts';

const bond = (name: string, more: object = {}) => ({ name, ...more });

/** A node with two ports in bond0, as a former spec made it. */
async function bonded(provision_state = 'manageable') {
  const ironic = createFakeIronic(nodeOf({ provision_state }));
  const spec = specOf({
    provisioning: provision_state === 'available' ? 'Available' : 'Manageable',
    portGroups: [bond('bond0')],
    ports: [
      { macAddress: mac, portGroup: 'bond0', physicalNetwork: 'a' },
      { macAddress: mac2, portGroup: 'bond0', physicalNetwork: 'a' },
    ],
  });
  expect(await drive(ironic, spec)).toMatchObject({ do: 'ready' });
  ironic.calls.length = 0;
  return { ironic, spec };
}

describe('ports and port groups', () => {
  test('are taken away in the order that Ironic demands: the ports leave before the group goes', async () => {
    const { ironic, spec } = await bonded();
    const alone = { ...spec, portGroups: undefined, ports: [{ macAddress: mac, physicalNetwork: 'a' }] };
    expect(await drive(ironic, alone)).toMatchObject({ do: 'ready' });
    expect(ironic.calls).toEqual([
      `PATCH port ${mac} remove /portgroup_uuid`,
      `DELETE port ${mac2}`,
      'DELETE group n1-bond0',
    ]);
  });

  test('move to another bond without being alone in between', async () => {
    const { ironic, spec } = await bonded();
    const moved = {
      ...spec,
      portGroups: [bond('bond1')],
      ports: spec.ports!.map((port) => ({ ...port, portGroup: 'bond1' })),
    };
    expect(await drive(ironic, moved)).toMatchObject({ do: 'ready' });
    expect(ironic.calls).toEqual([
      'POST group n1-bond1',
      `PATCH port ${mac} replace /portgroup_uuid`,
      `PATCH port ${mac2} replace /portgroup_uuid`,
      'DELETE group n1-bond0',
    ]);
  });

  test('of one bond come into another physical network together', async () => {
    const { ironic, spec } = await bonded();
    const ports = spec.ports!.map((port) => ({ ...port, physicalNetwork: 'b' }));
    expect(await drive(ironic, { ...spec, ports })).toMatchObject({ do: 'ready' });
    expect([...ironic.ports.values()]).toMatchObject([
      { physical_network: 'b', portgroup_uuid: 'portGroup-bond0' },
      { physical_network: 'b', portgroup_uuid: 'portGroup-bond0' },
    ]);
  });

  test('stop booting from the network before their bond stops supporting it, and the other way round', async () => {
    const { ironic, spec } = await bonded();
    const narrow = {
      ...spec,
      portGroups: [bond('bond0', { standalonePortsSupported: false })],
      ports: spec.ports!.map((port) => ({ ...port, pxeEnabled: false })),
    };
    await drive(ironic, narrow);
    expect(ironic.calls.at(-1)).toBe('PATCH group /standalone_ports_supported');
    ironic.calls.length = 0;
    const wide = {
      ...spec,
      portGroups: [bond('bond0', { standalonePortsSupported: true })],
      ports: spec.ports!.map((port) => ({ ...port, pxeEnabled: true })),
    };
    await drive(ironic, wide);
    expect(ironic.calls[0]).toBe('PATCH group /standalone_ports_supported');
    expect(ironic.calls).toHaveLength(3);
  });

  test('are not changed in available, where Ironic would refuse it; the message says what to do', async () => {
    const { ironic, spec } = await bonded('available');
    const ports = spec.ports!.map((port) => ({ ...port, pxeEnabled: false }));
    expect(await drive(ironic, { ...spec, ports })).toMatchObject({
      do: 'wait',
      reason: 'NotChangeableNow',
      message: expect.stringMatching(/pxeEnabled.*node n1 is available.*provisioning: Manageable.*spec\.maintenance/),
    });
    expect(ironic.calls).toEqual([]);
    await drive(ironic, { ...spec, ports, maintenance: { reason: 'ports' } });
    expect(ironic.calls).toEqual([
      'maintenance: freehold: ports',
      `PATCH port ${mac} replace /pxe_enabled`,
      `PATCH port ${mac2} replace /pxe_enabled`,
    ]);
  });

  test('that cannot be changed now do not keep the node from where they can', async () => {
    const { ironic, spec } = await bonded('available');
    const ports = spec.ports!.map((port) => ({ ...port, pxeEnabled: false }));
    expect(await drive(ironic, { ...spec, ports, provisioning: 'Manageable' })).toMatchObject({ do: 'ready' });
    expect(ironic.calls[0]).toBe('manage');
  });

  test('keep a bond that still needs them to boot from the network', async () => {
    const { ironic, spec } = await bonded('available');
    const ports = spec.ports!.map((port) => ({ ...port, pxeEnabled: false }));
    const portGroups = [bond('bond0', { standalonePortsSupported: false })];
    expect(await drive(ironic, { ...spec, ports, portGroups })).toMatchObject({ reason: 'NotChangeableNow' });
    expect(ironic.calls).toEqual([]);
  });

  test('that a group still holds because of that keep their group', async () => {
    const { ironic, spec } = await bonded('available');
    const ports = spec.ports!.map(({ macAddress, physicalNetwork }) => ({ macAddress, physicalNetwork }));
    expect(await drive(ironic, { ...spec, ports, portGroups: [] })).toMatchObject({ reason: 'NotChangeableNow' });
    expect(ironic.calls).toEqual([]);
  });

  test('of somebody else are used where the spec names them: an inspected port, a group by its bare name', async () => {
    const ironic = createFakeIronic(nodeOf());
    ironic.groups.set('theirs', groupOf({ uuid: 'theirs', name: 'bond0' }));
    ironic.ports.set('found', portOf({ uuid: 'found', pxe_enabled: false }));
    const spec = specOf({
      portGroups: [bond('bond0')],
      ports: [{ macAddress: mac, portGroup: 'bond0', pxeEnabled: true }],
    });
    expect(await drive(ironic, spec)).toMatchObject({ do: 'ready' });
    expect(ironic.calls).toEqual([`PATCH port ${mac} replace /pxe_enabled add /portgroup_uuid`]);
  });

  test('leave no group that the spec never named', () => {
    const port = portOf({ portgroup_uuid: 'theirs' });
    const spec = specOf({ ports: [{ macAddress: mac }] });
    expect(plan(spec, nodeOf(), {}, partsOf([port])).do).toBe('ready');
    expect(plan(spec, nodeOf(), {}, partsOf([port], [groupOf({ uuid: 'theirs' })]))).toMatchObject({ do: 'update' });
  });

  test('that nobody can read are waited for', () => {
    const parts = { [`port/${mac}`]: { state: 'unknown', reason: 'BadAnswer', message: 'unreadable' } as const };
    expect(plan(specOf({ ports: [{ macAddress: mac }] }), nodeOf(), {}, parts)).toEqual({
      do: 'wait',
      reason: 'BadAnswer',
      message: 'unreadable',
    });
  });

  test('keep what the spec does not name, and what a link has beside it', async () => {
    const ironic = createFakeIronic(nodeOf());
    ironic.ports.set('p1', portOf({ local_link_connection: { port_id: '1', switch_id: 's', switch_info: 'kept' } }));
    const localLinkConnection = { portID: '2', switchID: 'S' };
    await drive(ironic, specOf({ ports: [{ macAddress: mac, localLinkConnection }] }));
    expect(ironic.bodies).toEqual([
      [
        {
          op: 'replace',
          path: '/local_link_connection',
          value: { port_id: '2', switch_id: 's', switch_info: 'kept' },
        },
      ],
    ]);
  });

  test('are created with all that the spec says, the owner, and the group', async () => {
    const ironic = createFakeIronic(nodeOf());
    const localLinkConnection = { portID: '2', switchID: 's', switchInfo: 'i' };
    await drive(
      ironic,
      specOf({
        portGroups: [
          { name: 'b', address: mac2, mode: '802.3ad', properties: { miimon: '100' }, standalonePortsSupported: true },
        ],
        ports: [{ macAddress: mac, portGroup: 'b', pxeEnabled: false, physicalNetwork: 'a', localLinkConnection }],
      }),
    );
    expect(ironic.bodies).toEqual([
      {
        uuid: 'portGroup-b',
        node_uuid: 'n1',
        name: 'n1-b',
        address: mac2,
        mode: '802.3ad',
        properties: { miimon: '100' },
        standalone_ports_supported: true,
        extra: { freehold: 'o/n/web#portGroup#b' },
      },
      {
        uuid: `port-${mac}`,
        node_uuid: 'n1',
        address: mac,
        pxe_enabled: false,
        physical_network: 'a',
        local_link_connection: { port_id: '2', switch_id: 's', switch_info: 'i' },
        portgroup_uuid: 'portGroup-b',
        extra: { freehold: `o/n/web#port#${mac}` },
      },
    ]);
  });

  test('of a gateway, which tells a group by name and address only, are not compared further', () => {
    const short = groupOf({ mode: undefined, properties: undefined });
    const spec = specOf({
      portGroups: [bond('bond0', { mode: '802.3ad', address: mac, properties: { miimon: '1' } })],
    });
    expect(plan(spec, nodeOf(), {}, partsOf([], [short])).do).toBe('ready');
    expect(plan(spec, nodeOf(), {}, partsOf([], [groupOf()]))).toMatchObject({
      do: 'update',
      remote: 'portGroup',
      instance: 'bond0',
      drift: [
        `portGroups[bond0].address: wanted "${mac}", is not set`,
        'portGroups[bond0].mode: wanted "802.3ad", is "active-backup"',
        'portGroups[bond0].properties.miimon: wanted "1", is not set',
      ],
    });
  });
});

describe('what belongs to a node', () => {
  const { identity: ofPort } = portObject;
  const { identity: ofGroup } = portGroupObject;

  test('is told by its address, and by its name with or without the ID of the node', () => {
    if (ofPort.level !== 'chosen-id' || ofGroup.level !== 'chosen-id') throw new Error('by a chosen ID');
    expect(ofPort.instanceOf!(portOf({ address: mac.toUpperCase() }), 'n1')).toBe(mac);
    expect(ofPort.instanceOf!(portOf({ node_uuid: 'n2' }), 'n1')).toBeUndefined();
    expect(ofGroup.instanceOf!(groupOf(), 'n1')).toBe('bond0');
    expect(ofGroup.instanceOf!(groupOf({ name: 'bond0' }), 'n1')).toBe('bond0');
    expect(ofGroup.instanceOf!(groupOf({ name: 'n1-bond0', node_uuid: 'n2' }), 'n1')).toBeUndefined();
    expect(ofGroup.instanceOf!(groupOf({ name: undefined }), 'n1')).toBeUndefined();
    expect([ofPort.mainOf!(portOf()), ofGroup.mainOf!(groupOf())]).toEqual(['n1', 'n1']);
    expect(ofPort.owner(portOf({ extra: { freehold: 'o/n/web' } }))).toBe('o/n/web');
    expect(ofPort.owner(portOf({ extra: { freehold: 7 } }))).toBeUndefined();
  });

  test('is listed by node where there is no list of all, and a node that is not there has no list', async () => {
    const client = {
      listNodePorts: async () => ({ items: [portOf()], dropped: [{ index: 1, id: 'p2', problem: 'x' }] }),
      listNodePortGroups: () =>
        Promise.reject(
          new RemoteError({
            reason: 'NotFound',
            outcome: 'definitely-not',
            operation: 'List',
            message: 'no such node',
          }),
        ),
    };
    expect(await portObject.listOf!(client as never, 'n1')).toEqual({ items: [portOf()], unreadable: ['p2'] });
    expect(await portGroupObject.listOf!(client as never, 'n1')).toBeUndefined();
  });

  test('shows in status, in an order that does not change', () => {
    const parts = partsOf([portOf({ uuid: 'p2', address: mac2 }), portOf({ portgroup_uuid: 'g1' })], [groupOf()]);
    expect(reportParts(parts)).toEqual({
      ports: [
        { macAddress: mac, id: 'p1', pxeEnabled: true, portGroupID: 'g1' },
        { macAddress: mac2, id: 'p2', pxeEnabled: true },
      ],
      portGroups: [{ name: 'bond0', id: 'g1', mode: 'active-backup' }],
    });
    expect(reportParts({})).toEqual({ ports: [], portGroups: [] });
    expect(shortName(groupOf({ name: undefined }))).toBe('g1');
  });
});
