import type { World } from '../world.ts';
import { wireSeconds } from './input.ts';
import type { JsonObject } from './input.ts';
import { lastChange, serverState } from './server-record.ts';
import type { ServerRecord } from './server-record.ts';
import { derivedUUID } from '../identifiers.ts';

/** The brief form, of List Servers: no status, no description (seed 000, List Servers). */
export function briefServer(server: ServerRecord, baseURL: string): JsonObject {
  return {
    id: server.id,
    name: server.name,
    links: serverLinks(server, baseURL),
    baremetal_server: { id: server.machineID, links: machineLinks(server, baseURL), name: server.name },
  };
}

/** The links of a server. They are as malformed as the real ones, which nobody may follow. */
export function serverLinks(server: ServerRecord, baseURL: string): JsonObject[] {
  const root = `${baseURL}/dedicated-hypervisor/v1.0/`;
  return [
    { rel: 'self', href: `${root}/v2/${server.tenantID}/servers/${server.id}` },
    { rel: 'bookmark', href: `${root}/${server.tenantID}/servers/${server.id}` },
  ];
}

/** The full form, of List Servers Detail, Show Server and Update Server (seed 000). */
export function fullServer(world: World, server: ServerRecord, baseURL: string): JsonObject {
  const { status, building } = serverState(world, server);
  const form = building ? world.settings.machineDuringBuild : 'full';
  return {
    id: server.id,
    name: server.name,
    description: server.description,
    hypervisor_type: 'vsphere_esxi',
    imageRef: server.image.id,
    image_name: server.image.name,
    status,
    baremetal_server: form === 'full' ? machine(world, server, baseURL) : form === 'empty' ? {} : null,
    cfgw_connection_status: building ? null : server.cfgwKnown.status,
  };
}

/** The physical machine under the server. Flavor, zone and metadata are here and nowhere else. */
function machine(world: World, server: ServerRecord, baseURL: string): JsonObject {
  const { status, taskState, vmState, powerState, building } = serverState(world, server);
  return {
    'OS-EXT-STS:power_state': powerState,
    'OS-EXT-STS:task_state': taskState,
    'OS-EXT-STS:vm_state': vmState,
    'OS-EXT-AZ:availability_zone': server.availabilityZone,
    created: wireSeconds(server.createdAt),
    flavor: { id: server.flavorID, links: [bookmark(server, baseURL, 'flavors', server.flavorID)] },
    id: server.machineID,
    image: { id: server.machineImageID, links: [bookmark(server, baseURL, 'images', server.machineImageID)] },
    links: machineLinks(server, baseURL),
    metadata: server.metadata,
    name: server.name,
    progress: building ? 0 : 100,
    status,
    tenant_id: server.tenantID,
    updated: wireSeconds(lastChange(world, server)),
    user_id: derivedUUID(`user of ${server.tenantID}`).replaceAll('-', ''),
    ...storage(server),
    nic_physical_ports: server.ports.map((port) => ({
      id: port.id,
      mac_addr: port.mac,
      network_physical_port_id: port.networkPhysicalPortID,
      plane: port.plane,
      attached_ports: port.attached.map((attached) => ({
        port_id: attached.portID,
        network_id: attached.networkID,
        fixed_ips: [{ subnet_id: attached.subnetID, ip_address: attached.address }],
      })),
      hardware_id: port.hardwareID,
    })),
    'chassis-status': {
      'chassis-power': true,
      'power-supply': true,
      cpu: true,
      memory: true,
      fan: true,
      // An integer among booleans (seed 000, Show Server).
      disk: 0,
      nic: true,
      'system-board': true,
      etc: true,
    },
    media_attachments: [],
    managed_by_service: 'dedicated-hypervisor',
    managed_service_resource_id: server.id,
  };
}

/** The layout of the document's sample (seed 000, Show Server); real ESXi machines report null for most of it. */
function storage(server: ServerRecord): JsonObject {
  const card = derivedUUID(`raid card of ${server.machineID}`);
  const disks = (from: number): string[] =>
    [0, 1, 2, 3].map((n) => derivedUUID(`disk ${from + n} of ${server.machineID}`));
  return {
    raid_arrays: [
      {
        primary_storage: true,
        raid_card_hardware_id: card,
        disk_hardware_ids: disks(0),
        partitions: [
          { lvm: true, partition_label: 'primary-part1' },
          { lvm: false, size: '100G', partition_label: 'var' },
        ],
      },
      {
        primary_storage: false,
        raid_card_hardware_id: card,
        disk_hardware_ids: disks(4),
        raid_level: 10,
        partitions: null,
      },
    ],
    lvm_volume_groups: [
      {
        vg_label: 'VG_root',
        physical_volume_partition_labels: ['primary-part1'],
        logical_volumes: [{ lv_label: 'LV_root' }, { size: '2G', lv_label: 'LV_swap' }],
      },
    ],
    filesystems: [
      { label: 'LV_root', mount_point: '/', fs_type: 'xfs' },
      { label: 'var', mount_point: '/var', fs_type: 'xfs' },
      { label: 'LV_swap', mount_point: 'swap' },
    ],
  };
}

function machineLinks(server: ServerRecord, baseURL: string): JsonObject[] {
  const path = `${server.tenantID}/servers/${server.machineID}`;
  return [
    { rel: 'self', href: `${baseURL}/baremetal-server/v2/${path}` },
    { rel: 'bookmark', href: `${baseURL}/baremetal-server/${path}` },
  ];
}

function bookmark(server: ServerRecord, baseURL: string, collection: string, id: string): JsonObject {
  return { rel: 'bookmark', href: `${baseURL}/baremetal-server/${server.tenantID}/${collection}/${id}` };
}
