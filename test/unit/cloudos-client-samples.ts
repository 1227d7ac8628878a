/** The samples of seed 004, 1.12, and what real Ironic 21.4 adds to them. */

export const nodeID = 'e15691cf-3c7e-437b-9f30-2a9fba829bd7';
export const portID = 'd0ff7084-ab8c-40f9-9c0b-cac7065cf0a5';
export const groupID = '1b7305bb-a418-4a6a-a81e-000d14af3a4f';

/** Seed 004, 1.12-1: L12684, without links. What is empty is `""` or `{}`. */
export const node = {
  target_power_state: '',
  inspect_interface: '',
  target_provision_state: '',
  last_error: '',
  storage_interface: 'noop',
  updated_at: '2018-11-19T02:48:45+00:00',
  maintenance_reason: '',
  provision_state: 'active',
  clean_step: {},
  vendor_interface: '',
  uuid: nodeID,
  console_enabled: false,
  extra: {},
  raid_config: {},
  provision_updated_at: '2018-11-19T00:11:08+00:00',
  power_state: 'power off',
  target_raid_config: {},
  network_interface: 'neutron',
  inspection_started_at: '',
  inspection_finished_at: '2018-10-17T00:36:29+00:00',
  maintenance: false,
  power_interface: '',
  driver: 'pxe_ipmitool',
  raid_interface: '',
  boot_interface: '',
  reservation: '',
  management_interface: '',
  properties: {
    system_vendor_product_name: 'UIS R390X G2',
    all_interfaces: "\\u007b'enp6s0f0': \\u007b'ip': '90.0.0.100', 'pxe': True\\u007d\\u007d",
    cpus: '16',
    cpu_arch: 'x86_64',
    password: 'admin',
    capabilities: 'cpu_hugepages:true,boot_option:local',
    local_gb: '4462',
    memory_mb: '262144',
    secondName: '',
  },
  instance_uuid: '136968d8-cc4f-41d6-9adc-2524053e076e',
  name: '',
  driver_info: {
    deploy_kernel: '',
    ipmi_address: '172.25.16.228',
    ipmi_username: 'admin',
    ipmi_password: '******',
    deploy_ramdisk: '',
  },
  resource_class: '',
  created_at: '2018-10-09T08:37:39+00:00',
  deploy_interface: '',
  console_interface: '',
  driver_internal_info: { agent_URI: 'http://100.0.0.2:9999', is_whole_disk_image: true },
  chassis_uuid: '',
  instance_info: { display_name: 'chengbm1', configdrive: '******' },
};

/** Seed 004, 1.12-5: L13723. */
export const createdNode = {
  uuid: nodeID,
  instance_uuid: '',
  maintenance: '',
  provision_state: '',
  driver: '',
  driver_info: { deploy_kernel: '', ipmi_address: '172.25.16.228', ipmi_password: '******' },
  instanceInfo: '',
  console_enabled: true,
  updated_at: '',
  chassis_uuid: '',
};

/** Seed 004, 1.12-10: L14172. */
export const port = {
  local_link_connection: { port_id: 'Twenty-FiveGigE1/1/1', switch_id: '74:ea:cb:5a:30:52' },
  node_uuid: nodeID,
  uuid: portID,
  links: [{ href: `http://api-kinton-service.default.svc.cloudos:9000/v1/ports/${portID}`, rel: 'self' }],
  extra: null,
  pxe_enabled: true,
  portgroup_uuid: groupID,
  updated_at: '2018-11-19T23:52:09+00:00',
  physical_network: null,
  address: '74:ea:cb:75:1c:2b',
  internal_info: null,
  created_at: '2018-10-09T08:48:03+00:00',
};

/** Seed 004, 1.12-14: L14606. */
export const briefGroup = {
  links: [{ href: `http://api-kinton-service.default.svc.cloudos:9000/v1/portgroups/${groupID}`, rel: 'self' }],
  uuid: groupID,
  name: '',
  address: '',
};

/** Ironic 21.4, GET /v1/portgroups/detail. */
export const fullGroup = {
  uuid: groupID,
  name: `${nodeID}-bond0`,
  address: null,
  node_uuid: nodeID,
  mode: 'active-backup',
  properties: { miimon: '100' },
  standalone_ports_supported: true,
  extra: { freehold: 'prod/shop/web' },
  internal_info: {},
  created_at: '2026-01-01T00:00:00+00:00',
  updated_at: null,
};
