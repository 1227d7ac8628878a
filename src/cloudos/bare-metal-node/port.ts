import type { Observed, PartObject } from '../../engine/kind.ts';
import { RemoteError } from '../../remote/errors.ts';
import type { Listed } from '../../remote/collection.ts';
import { listed, type TolerantList } from '../../remote/tolerant-list.ts';
import type { CloudOSClient } from '../client.ts';
import type { Port } from '../wire-port.ts';
import { explain } from './explain.ts';
import { type Change, change, removal } from './patch.ts';
import type { PortSpec } from './schema-ports.ts';
import type { Spec } from './schema.ts';

export const portKey = (macAddress: string) => `port/${macAddress}`;
export const groupKey = (name: string) => `portGroup/${name}`;

/** ID of the group of that name, once it is there. */
function groupID(parts: Observed, name: string): string | undefined {
  const group = parts[groupKey(name)];
  return group?.state === 'present' ? group.id : undefined;
}

const linkOf = ({ portID, switchID, switchInfo }: NonNullable<PortSpec['localLinkConnection']>) => ({
  port_id: portID,
  // Ironic 21.4 answers it in lower case, whatever was sent.
  switch_id: switchID.toLowerCase(),
  ...(switchInfo !== undefined && { switch_info: switchInfo }),
});

/** What of the port is not as the spec says. All of it is about how the port is connected. */
export function portChanges(wanted: PortSpec, port: Port, parts: Observed): Change[] {
  const changes: Change[] = [];
  const name = `ports[${port.address}]`;
  const { pxeEnabled, physicalNetwork, localLinkConnection, portGroup } = wanted;
  if (pxeEnabled !== undefined && port.pxe_enabled !== pxeEnabled)
    changes.push(change(['pxe_enabled'], pxeEnabled, port.pxe_enabled, `${name}.pxeEnabled`));
  const moves = physicalNetwork !== undefined && port.physical_network !== physicalNetwork;
  if (moves)
    changes.push(change(['physical_network'], physicalNetwork, port.physical_network, `${name}.physicalNetwork`));
  const link = localLinkConnection && linkOf(localLinkConnection);
  const have: Record<string, string> = port.local_link_connection;
  if (link && Object.entries(link).some(([key, value]) => have[key] !== value)) {
    const is = Object.keys(have).length === 0 ? undefined : have;
    changes.push(change(['local_link_connection'], { ...have, ...link }, is, `${name}.localLinkConnection`));
  }
  const group = portGroup === undefined ? undefined : groupID(parts, portGroup);
  // Ironic: all ports of a group are in one physical network, so a port that moves to another one leaves its group first.
  const leaves =
    port.portgroup_uuid !== undefined && (moves || (group === undefined && isOurs(parts, port.portgroup_uuid)));
  if (leaves) changes.push(removal('portgroup_uuid', `${name}.portGroup`, port.portgroup_uuid));
  else if (group !== undefined && port.portgroup_uuid !== group && !moves)
    changes.push(change(['portgroup_uuid'], group, port.portgroup_uuid, `${name}.portGroup`));
  return changes;
}

/** A group that the spec names, or that it named once. */
const isOurs = (parts: Observed, id: string) =>
  Object.entries(parts).some(
    ([key, part]) => key.startsWith(groupKey('')) && part.state === 'present' && part.id === id,
  );

const specOf = ({ ports }: Spec, macAddress: string) => ports?.find((port) => port.macAddress === macAddress);

/** A port, told by the ID that we chose and by its MAC address on our node. */
export const portObject: PartObject<Spec, Port, CloudOSClient> = {
  noun: 'port',
  collection: 'ports',
  identity: {
    level: 'chosen-id',
    owner: ({ extra }) => ownerIn(extra),
    instanceOf: ({ node_uuid: node, address }, mainID) => (node === mainID ? address : undefined),
    mainOf: ({ node_uuid: node }) => node,
  },
  instances: ({ ports }) => (ports ?? []).map(({ macAddress }) => macAddress),
  listOf: (client, node) => listedOn(client.listNodePorts(node, 'motion')),
  taken: 'AddressTaken',
  explain,
  async create({ client, spec, owner, mainID = '', parts = {}, fence }, { instance, id }) {
    const wanted = specOf(spec, instance);
    const group = wanted?.portGroup === undefined ? undefined : groupID(parts, wanted.portGroup);
    const { uuid } = await client.createPort(
      {
        uuid: id,
        node_uuid: mainID,
        address: instance,
        ...(wanted?.pxeEnabled !== undefined && { pxe_enabled: wanted.pxeEnabled }),
        ...(wanted?.physicalNetwork !== undefined && { physical_network: wanted.physicalNetwork }),
        ...(wanted?.localLinkConnection && { local_link_connection: linkOf(wanted.localLinkConnection) }),
        ...(group !== undefined && { portgroup_uuid: group }),
        extra: { freehold: owner },
      },
      fence,
    );
    return { id: uuid };
  },
  async update({ client, spec, parts = {}, fence }, { instance, id, remote }) {
    const wanted = specOf(spec, instance);
    const patch = wanted ? portChanges(wanted, remote, parts).map((one) => one.patch) : [];
    await client.patchPort(id, patch, fence);
  },
  async remove({ client, fence }, id) {
    await client.deletePort(id, fence);
  },
};

/** `extra.freehold`, which every create of ours sends. */
export function ownerIn(extra: Record<string, unknown> | undefined): string | undefined {
  const owner = extra?.['freehold'];
  return typeof owner === 'string' ? owner : undefined;
}

/** A list of what belongs to a node that is not there is undefined. */
export async function listedOn<T>(list: Promise<TolerantList<T>>): Promise<Listed<T> | undefined> {
  try {
    return listed(await list);
  } catch (error) {
    if (error instanceof RemoteError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}
