import type { PartObject } from '../../engine/kind.ts';
import type { CloudOSClient } from '../client.ts';
import type { PortGroup } from '../wire-port.ts';
import { explain } from './explain.ts';
import { type Change, change, mapChanges } from './patch.ts';
import { listedOn, ownerIn } from './port.ts';
import type { PortGroupSpec } from './schema-ports.ts';
import type { Spec } from './schema.ts';

/** Names of port groups are unique in the whole of Ironic, so that of the node stands before ours. */
const remoteName = (nodeID: string, name: string) => `${nodeID}-${name}`;

function nameOn(nodeID: string, { name, node_uuid: node }: PortGroup): string | undefined {
  if (node !== nodeID || name === undefined) return undefined;
  const prefix = remoteName(nodeID, '');
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/** The name that status shows. */
export const shortName = (group: PortGroup): string => nameOn(group.node_uuid, group) ?? group.uuid;

/** What of the group is not as the spec says. Nothing is known to differ where the remote tells no mode: a gateway's list. */
export function groupChanges(wanted: PortGroupSpec, group: PortGroup): Change[] {
  if (group.mode === undefined) return [];
  const { name, address, mode, properties = {}, standalonePortsSupported: standalone } = wanted;
  const at = (field: string) => `portGroups[${name}].${field}`;
  return [
    ...(address === undefined || address === group.address
      ? []
      : [change(['address'], address, group.address, at('address'))]),
    ...(mode === undefined || mode === group.mode ? [] : [change(['mode'], mode, group.mode, at('mode'))]),
    ...mapChanges('properties', properties, group.properties ?? {}, { name: at('properties') }),
    ...(standalone === undefined || standalone === group.standalone_ports_supported
      ? []
      : [
          change(
            ['standalone_ports_supported'],
            standalone,
            group.standalone_ports_supported,
            at('standalonePortsSupported'),
          ),
        ]),
  ];
}

const specOf = ({ portGroups }: Spec, name: string) => portGroups?.find((group) => group.name === name);

/** A port group, told by the ID that we chose and by its name on our node. */
export const portGroupObject: PartObject<Spec, PortGroup, CloudOSClient> = {
  noun: 'port group',
  collection: 'portgroups',
  identity: {
    level: 'chosen-id',
    // A gateway's list has no extra (seed 004, 1.12-14): there the name alone says whose it is.
    owner: ({ extra }) => ownerIn(extra),
    instanceOf: (group, mainID) => nameOn(mainID, group),
    mainOf: ({ node_uuid: node }) => node,
  },
  instances: ({ portGroups }) => (portGroups ?? []).map(({ name }) => name),
  listOf: (client, node) => listedOn(client.listNodePortGroups(node, 'motion')),
  taken: 'NameTaken',
  explain,
  async create({ client, spec, owner, mainID = '', fence }, { instance, id }) {
    const wanted = specOf(spec, instance);
    const { uuid } = await client.createPortGroup(
      {
        uuid: id,
        node_uuid: mainID,
        name: remoteName(mainID, instance),
        ...(wanted?.address !== undefined && { address: wanted.address }),
        ...(wanted?.mode !== undefined && { mode: wanted.mode }),
        ...(wanted?.properties && { properties: wanted.properties }),
        ...(wanted?.standalonePortsSupported !== undefined && {
          standalone_ports_supported: wanted.standalonePortsSupported,
        }),
        extra: { freehold: owner },
      },
      fence,
    );
    return { id: uuid };
  },
  async update({ client, spec, fence }, { instance, id, remote }) {
    const wanted = specOf(spec, instance);
    const patch = wanted ? groupChanges(wanted, remote).map((one) => one.patch) : [];
    await client.patchPortGroup(id, patch, fence);
  },
  async remove({ client, fence }, id) {
    await client.deletePortGroup(id, fence);
  },
};
