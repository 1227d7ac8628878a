import type { JsonObject } from '../sdpf/input.ts';
import { asOf, NODE_FIELDS, PORT_FIELDS, PORTGROUP_FIELDS } from './fields.ts';
import type { NodeRecord, PortGroupRecord, PortRecord } from './ironic.ts';
import { reservation } from './machine.ts';
import type { Call } from './operation.ts';

const MASK = '******';

/** Who looks: with which version, and on which host links lead. */
type Viewer = Pick<Call, 'minor' | 'links'>;

/** A node as Ironic answers it: 43 keys at 1.34. */
export function nodeView(call: Viewer, node: NodeRecord): JsonObject {
  const own = `nodes/${node.uuid}`;
  return asOf(call.minor, NODE_FIELDS, {
    boot_interface: node.boot_interface,
    chassis_uuid: node.chassis_uuid,
    clean_step: {},
    console_enabled: false,
    console_interface: node.console_interface,
    created_at: wireTime(node.createdAt),
    deploy_interface: node.deploy_interface,
    driver: node.driver,
    driver_info: masked(node.driver_info, (key) => key.includes('password')),
    driver_internal_info: {},
    extra: node.extra,
    inspect_interface: node.inspect_interface,
    inspection_finished_at: wireTime(node.inspectionFinishedAt),
    inspection_started_at: wireTime(node.inspectionStartedAt),
    instance_info: masked(node.instance_info, (key) => key === 'configdrive'),
    instance_uuid: node.instance_uuid,
    last_error: node.last_error,
    links: links(call, own),
    maintenance: node.maintenance,
    maintenance_reason: node.maintenance_reason,
    management_interface: node.management_interface,
    name: node.name,
    network_interface: node.network_interface,
    portgroups: links(call, `${own}/portgroups`),
    ports: links(call, `${own}/ports`),
    power_interface: node.power_interface,
    power_state: node.power_state,
    properties: node.properties,
    provision_state: node.provision_state,
    provision_updated_at: wireTime(node.provisionUpdatedAt),
    raid_config: {},
    raid_interface: node.raid_interface,
    reservation: reservation(node),
    resource_class: node.resource_class,
    states: links(call, `${own}/states`),
    storage_interface: node.storage_interface,
    target_power_state: node.target_power_state,
    target_provision_state: node.target_provision_state,
    target_raid_config: {},
    updated_at: wireTime(node.updatedAt),
    uuid: node.uuid,
    vendor_interface: node.vendor_interface,
    volume: links(call, `${own}/volume`),
  });
}

/** 12 keys. */
export function portView(call: Viewer, port: PortRecord): JsonObject {
  return asOf(call.minor, PORT_FIELDS, {
    address: port.address,
    created_at: wireTime(port.createdAt),
    extra: port.extra,
    internal_info: {},
    links: links(call, `ports/${port.uuid}`),
    local_link_connection: port.local_link_connection,
    node_uuid: port.node_uuid,
    physical_network: port.physical_network,
    portgroup_uuid: port.portgroup_uuid,
    pxe_enabled: port.pxe_enabled,
    updated_at: wireTime(port.updatedAt),
    uuid: port.uuid,
  });
}

/** 13 keys. */
export function portGroupView(call: Viewer, group: PortGroupRecord): JsonObject {
  return asOf(call.minor, PORTGROUP_FIELDS, {
    address: group.address,
    created_at: wireTime(group.createdAt),
    extra: group.extra,
    internal_info: {},
    links: links(call, `portgroups/${group.uuid}`),
    mode: group.mode,
    name: group.name,
    node_uuid: group.node_uuid,
    ports: links(call, `portgroups/${group.uuid}/ports`),
    properties: group.properties,
    standalone_ports_supported: group.standalone_ports_supported,
    updated_at: wireTime(group.updatedAt),
    uuid: group.uuid,
  });
}

/** What a list without `/detail` has of each. */
export function brief(view: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(view, name)).map((name) => [name, view[name]]));
}

/** `2018-10-09T08:37:39+00:00` (seed 004 L12773); null: never. */
function wireTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString().replace(/\.\d+Z$/, '+00:00');
}

function links(call: Viewer, path: string): JsonObject[] {
  return [
    { href: `${call.links}/v1/${path}`, rel: 'self' },
    { href: `${call.links}/${path}`, rel: 'bookmark' },
  ];
}

/** Secrets never leave: six asterisks, whatever was stored. */
function masked(info: JsonObject, isSecret: (key: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(info).map(([key, value]) => [key, isSecret(key) ? MASK : value]));
}
