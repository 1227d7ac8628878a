/*
 * The samples of the Dedicated Hypervisor reference 1.0.0 as data (its published text lost every `href`).
 */

const links = [{ rel: 'self' }, { rel: 'bookmark' }];
const bookmark = [{ rel: 'bookmark' }];

/** List Servers Detail, Show Server, Update Server. */
export const fullServer = {
  id: 'string',
  name: 'new-server-test',
  description: 'hogehoge',
  hypervisor_type: 'vsphere_esxi',
  imageRef: 'string',
  image_name: 'string',
  status: 'ACTIVE',
  baremetal_server: {
    'OS-EXT-STS:power_state': 'RUNNING',
    'OS-EXT-STS:task_state': 'None',
    'OS-EXT-STS:vm_state': 'ACTIVE',
    'OS-EXT-AZ:availability_zone': 'zone1-groupa',
    created: '2025-07-01T09:27:18Z',
    flavor: { id: 'string', links: bookmark },
    id: 'string',
    image: { id: 'string', links: bookmark },
    links,
    metadata: { 'My Server Name': 'Apache1' },
    name: 'new-server-test',
    progress: 0,
    status: 'ACTIVE',
    tenant_id: 'aaa8749130bc3d2886d6b9bb3fcb1715',
    updated: '2025-07-01T09:27:18Z',
    user_id: 'fake',
    raid_arrays: [
      {
        primary_storage: true,
        raid_card_hardware_id: 'fakeraid_card_uuid',
        disk_hardware_ids: ['disk0_uuid', 'disk1_uuid', 'disk2_uuid', 'disk3_uuid'],
        partitions: [
          { lvm: true, partition_label: 'partition_label' },
          { lvm: false, size: '100G', partition_label: 'var' },
        ],
      },
      {
        primary_storage: false,
        raid_card_hardware_id: 'fakeraid_card_uuid',
        disk_hardware_ids: ['disk4_uuid', 'disk5_uuid', 'disk6_uuid', 'disk7_uuid'],
        raid_level: 10,
        partitions: [{ lvm: true, partition_label: 'secondary-part1' }],
      },
    ],
    lvm_volume_groups: [
      {
        vg_label: 'VG_root',
        physical_volume_partition_labels: ['primary-part1', 'secondary-part1'],
        logical_volumes: [{ lv_label: 'LV_root' }, { size: '2G', lv_label: 'LV_swap' }],
      },
    ],
    filesystems: [
      { label: 'LV_root', mount_point: '/', fs_type: 'xfs' },
      { label: 'var', mount_point: '/var', fs_type: 'xfs' },
      { label: 'LV_swap', mount_point: 'swap' },
    ],
    nic_physical_ports: [
      {
        id: '39285bf9-12fb-4064-b98b-a552efc51cfc',
        mac_addr: '0a:31:c1:d5:6d:9c',
        network_physical_port_id: '38268d94-584a-4f14-96ff-732a68aa7301',
        plane: 'data',
        attached_ports: [
          {
            port_id: '61b7da1e-9571-4d63-b779-e003a56b8105',
            network_id: '9aa93722-1ec4-4912-b813-b975c21460a5',
            fixed_ips: [{ subnet_id: '0419bbde-2b82-4107-9d8a-6bba76e364af', ip_address: '192.168.10.2' }],
          },
        ],
        hardware_id: '063468e8-61ab-4afd-be38-c937254aeb9a',
      },
    ],
    'chassis-status': {
      'chassis-power': true,
      'power-supply': true,
      cpu: true,
      memory: true,
      fan: true,
      disk: 0,
      nic: true,
      'system-board': true,
      etc: true,
    },
    media_attachments: [{ image: { id: '3339fd5f-ec06-4ef8-9337-c1c70218a748', links: bookmark } }],
  },
  cfgw_connection_status: true,
};

/** What we make of it. */
export const readServer = {
  id: 'string',
  name: 'new-server-test',
  description: 'hogehoge',
  hypervisor_type: 'vsphere_esxi',
  imageRef: 'string',
  image_name: 'string',
  status: 'ACTIVE',
  cfgw_connection_status: true,
  baremetal_server: {
    'OS-EXT-STS:power_state': 'RUNNING',
    'OS-EXT-STS:task_state': 'None',
    'OS-EXT-AZ:availability_zone': 'zone1-groupa',
    created: '2025-07-01T09:27:18Z',
    updated: '2025-07-01T09:27:18Z',
    flavor: { id: 'string' },
    metadata: { 'My Server Name': 'Apache1' },
    'chassis-status': fullServer.baremetal_server['chassis-status'],
    nic_physical_ports: [
      {
        mac_addr: '0a:31:c1:d5:6d:9c',
        plane: 'data',
        attached_ports: [
          {
            fixed_ips: [{ ip_address: '192.168.10.2' }],
          },
        ],
      },
    ],
  },
};

/** Create Server, request. */
export const createServer = {
  name: 'server-test-1',
  description: 'string',
  adminPass: 'aabbccddeeff',
  imageRef: 'b5660a6e-4b46-4be3-9707-6b47221b454f',
  flavorRef: '05184ba3-00ba-4fbc-b7a2-03b62b884931',
  networks: [
    { uuid: 'd32019d3-bc6e-4319-9c1d-6722fc136a22', fixed_ip: '10.0.0.100', segmentation_id: 2001 },
    { uuid: 'd32019d3-bc6e-4319-9c1d-6722fc136a22', fixed_ip: '10.0.0.101', segmentation_id: 2001 },
  ],
  availability_zone: 'zone1-groupa',
  metadata: { foo: 'bar' },
};

export const createdServer = {
  id: '05184ba3-00ba-4fbc-b7a2-03b62b884931',
  links,
  name: 'new-server-test',
  adminPass: 'aabbccddeeff',
};

/** List Licenses, Create License. */
export const license = {
  id: '05184ba3-00ba-4fbc-b7a2-03b62b884931',
  key: '4fbc-b7a2-03b62b884931aaaaaaaaa',
  assigned_from: '2016-06-01T00:00:00.000Z',
  expires_at: '2016-07-01T00:00:00.000Z',
  license_type: 'vCenter.Server 5.5 Standard',
};

export const licenseTypes = [
  {
    id: '69fcba22209347719e764e3eba862db1',
    name: 'vCenter Server 5.5 Standard',
    has_license_key: true,
    license_switch: false,
    unit: 'license',
    description: 'vCenter Server 5.5 Standard',
  },
  {
    id: '69fcba22209347719e764e3eba862db2',
    name: 'SQL Server 2014 Standard Edition',
    has_license_key: false,
    license_switch: true,
    unit: 'vCPU',
    description: 'SQL Server 2014 Standard Edition',
  },
];

export const usages = {
  tenant_id: '9da9116d-cc44-4ad8-aca5-7db398fcb477',
  usages: [
    {
      id: '9da9116d-cc44-4ad8-aca5-7db398fcb477',
      type: 'dedicated-hypervisor.guest-image.sql-server-2014-standard',
      value: 4,
      unit: 'vCPU',
      name: 'SQL Server 2014 Standard Edition',
      description: 'SQL Server 2014 Standard Edition',
      has_license_key: false,
      resource_id: 'd-cc44-4ad8-aca5-7db398fcb477aaaaaa',
    },
  ],
};

export const histories = {
  tenant_id: '9da9116d-cc44-4ad8-aca5-7db398fcb477',
  unit: 'VM',
  resource_id: '9da9116d-cc44-4ad8-aca5-7db398fcb488',
  license_type: 'Windows Server',
  histories: [
    { time: '2015-05-06 11:00:00', value: 0 },
    { time: '2015-05-06 12:00:00', value: 1 },
  ],
};

/** Server Actions, Add License to VM. */
export const addLicense = {
  vm_id: 'cd898512-d145-4198-a256-9c1351cd4fcf',
  license_types: ['Windows Server', 'SQL Server Standard 2014'],
};

export const cfgwConnection = {
  status: true,
  error_type: null,
  last_established_at: '2022-07-20T06:26:00.000Z',
  updated_at: '2022-07-20T06:26:00.000Z',
};

export const meteredVCenter = {
  id: 'string',
  link_local_address: '169.254.127.132',
  metering_health: false,
  metering_health_error_type: 'CONNECTION_ERROR',
  version: '8.0.2.00400',
  instance_name: 'production-vcenter',
  license_id: 'bac8b95f-77b9-439a-ac43-53566502ff3f',
};

/** Before metering has run. */
export const registeredVCenter = {
  id: '5eee721d-7390-4ed7-858b-2997e72e799e',
  link_local_address: '169.254.127.132',
  metering_health: null,
  metering_health_error_type: null,
  version: null,
  instance_name: null,
  license_id: 'bac8b95f-77b9-439a-ac43-53566502ff3f',
};

export const addresses = [
  { address: '169.254.127.132', in_use: true },
  { address: '169.254.127.133', in_use: false },
];

export const contracts = {
  vsphere_contracts: [
    {
      contract_year: 1,
      contract_renewal: true,
      cores: 16,
      start_month: '2025-10',
      end_month: '2026-09',
      pending_cores: 32,
      cores_in_next_month: 48,
    },
  ],
  all_server_cores: 64,
  vsphere_contracts_histories: [
    {
      month: '2025-10',
      vsphere_contracts_summaries: [
        { contract_year: 1, cores: 16 },
        { contract_year: 3, cores: 32 },
      ],
    },
  ],
};
