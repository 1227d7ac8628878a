import { Secret } from '../../src/base/secret.ts';
import { type CloudOSClient, createCloudOSClient } from '../../src/cloudos/client.ts';
import type { RemoteSession } from '../../src/remote/call.ts';
import { createSDPFClient, type SDPFClient } from '../../src/sdpf/client.ts';
import * as cloudos from '../unit/cloudos-client-samples.ts';
import * as sdpf from '../unit/sdpf-samples.ts';

/** What the samples hold that nobody may be shown. */
export const bodySecrets = ['canary-license-key', 'canary-root-password', 'canary-node-password'];
const [licenseKey, rootPassword, nodePassword] = bodySecrets as [string, string, string];
const password = new Secret('canary-sent-password');
export const sentSecret = 'canary-sent-password';

export interface Clients {
  sdpf: SDPFClient;
  cloudos: CloudOSClient;
}
export const clientsOf = (session: RemoteSession): Clients => ({
  sdpf: createSDPFClient(session),
  cloudos: createCloudOSClient(session, { paths: { baremetal: '/os/kinton/v1' }, microversion: '1.34' }),
});

type Body = Record<string, unknown>;

export interface Read {
  name: string;
  call: (clients: Clients) => Promise<unknown>;
  /** A good answer; of a list with pages the first. */
  valid: Body;
  /** Member of the body that is a list, and which member of an item names it. */
  list?: string;
  id?: 'id' | 'uuid';
  /** Ends a list with pages. */
  last?: Body;
}

const license = { ...sdpf.license, key: licenseKey };
const server = { ...sdpf.fullServer, id: 's1' };
const node = { ...cloudos.node, properties: { ...cloudos.node.properties, password: nodePassword } };
const nextLink = 'http://ironic.internal:6385/v1/nodes?marker=x';

export const lists: (Read & { list: string })[] = [
  {
    name: 'ListServersDetail',
    call: ({ sdpf: client }) => client.listServersDetail('poll'),
    valid: { servers: [server, { ...server, id: 's2', description: '[fh1:x] y' }] },
    ...{ list: 'servers', id: 'id', last: { servers: [] } },
  },
  {
    name: 'ListServers',
    call: ({ sdpf: client }) => client.listServers('poll'),
    valid: { servers: [{ id: 's1', name: 'n', baremetal_server: null }] },
    ...{ list: 'servers', id: 'id', last: { servers: [] } },
  },
  {
    name: 'ListLicenses',
    call: ({ sdpf: client }) => client.listLicenses('poll'),
    valid: { licenses: [license, { ...license, id: 'l2', expires_at: null }] },
    ...{ list: 'licenses', id: 'id' },
  },
  {
    name: 'ListLicenseTypes',
    call: ({ sdpf: client }) => client.listLicenseTypes('poll'),
    valid: { license_types: sdpf.licenseTypes },
    ...{ list: 'license_types', id: 'id' },
  },
  {
    name: 'ListVCenters',
    call: ({ sdpf: client }) => client.listVCenters('poll'),
    valid: { vcenters: [sdpf.meteredVCenter, sdpf.registeredVCenter] },
    ...{ list: 'vcenters', id: 'id' },
  },
  {
    name: 'ListVCenterAddresses',
    call: ({ sdpf: client }) => client.listVCenterAddresses('poll'),
    valid: { addresses: sdpf.addresses },
    list: 'addresses',
  },
  {
    name: 'ListNodesDetail',
    call: ({ cloudos: client }) => client.listNodes('poll'),
    valid: { nodes: [node, { ...node, uuid: 'n2' }], next: nextLink },
    ...{ list: 'nodes', id: 'uuid', last: { nodes: [] } },
  },
  {
    name: 'ListPortsDetail',
    call: ({ cloudos: client }) => client.listPorts('poll'),
    valid: { ports: [cloudos.port], next: nextLink },
    ...{ list: 'ports', id: 'uuid', last: { ports: [] } },
  },
  {
    name: 'ListNodePorts',
    call: ({ cloudos: client }) => client.listNodePorts('n', 'poll'),
    valid: { ports: [cloudos.port] },
    ...{ list: 'ports', id: 'uuid', last: { ports: [] } },
  },
  {
    name: 'ListPortGroupsDetail',
    call: ({ cloudos: client }) => client.listPortGroups('poll'),
    valid: { portgroups: [cloudos.fullGroup], next: null },
    ...{ list: 'portgroups', id: 'uuid', last: { portgroups: [] } },
  },
  {
    name: 'ListNodePortGroups',
    call: ({ cloudos: client }) => client.listNodePortGroups('n', 'poll'),
    valid: { portgroups: [cloudos.briefGroup, { ...cloudos.briefGroup, uuid: 'g2' }] },
    ...{ list: 'portgroups', id: 'uuid', last: { portgroups: [] } },
  },
];

export const reads: Read[] = [
  { name: 'ShowServer', call: ({ sdpf: client }) => client.showServer('s', 'poll'), valid: { server } },
  { name: 'ListUsages', call: ({ sdpf: client }) => client.listUsages('poll'), valid: sdpf.usages },
  { name: 'Histories', call: ({ sdpf: client }) => client.showUsageHistories('u', 'poll'), valid: sdpf.histories },
  { name: 'Contracts', call: ({ sdpf: client }) => client.listVSphereContracts('poll'), valid: sdpf.contracts },
  { name: 'GetNode', call: ({ cloudos: client }) => client.getNode('n', 'poll'), valid: node },
  {
    name: 'ShowCFGWConnection',
    call: ({ sdpf: client }) => client.showCFGWConnection('s', 'poll'),
    valid: { server: { id: 's', cfgw_connection: sdpf.cfgwConnection } },
  },
];

interface Write {
  name: string;
  call: (clients: Clients, fence: () => void) => Promise<unknown>;
  /** A good answer. */
  valid: Body;
  /** Where a good answer has the ID of what was made: nothing else proves it. Absent: the body is not read. */
  made?: [string, ...string[]];
}

const vcenter = { link_local_address: '169.254.0.1', password, license_id: 'l' };

export const writes: Write[] = [
  {
    name: 'CreateServer',
    call: ({ sdpf: client }, fence) => client.createServer({ ...sdpf.createServer, adminPass: password }, fence),
    valid: { server: { ...sdpf.createdServer, adminPass: rootPassword } },
    made: ['server', 'id'],
  },
  {
    name: 'CreateLicense',
    call: ({ sdpf: client }, fence) => client.createLicense('type', fence),
    valid: { license },
    made: ['license', 'id'],
  },
  {
    name: 'RegisterVCenter',
    call: ({ sdpf: client }, fence) => client.registerVCenter(vcenter, fence),
    valid: { vcenter: sdpf.registeredVCenter },
    made: ['vcenter', 'id'],
  },
  {
    name: 'AddLicenseToVM',
    call: ({ sdpf: client }, fence) => client.addLicenseToVM('s', sdpf.addLicense, fence),
    valid: { job_id: 'j' },
    made: ['job_id'],
  },
  {
    name: 'CreateNode',
    call: ({ cloudos: client }, fence) =>
      client.createNode({ driver: 'ipmi', driver_info: { ipmi_password: password } }, fence),
    valid: cloudos.createdNode,
    made: ['uuid'],
  },
  {
    name: 'CreatePort',
    call: ({ cloudos: client }, fence) => client.createPort({ node_uuid: 'n', address: 'aa:bb' }, fence),
    valid: cloudos.port,
    made: ['uuid'],
  },
  {
    name: 'CreatePortGroup',
    call: ({ cloudos: client }, fence) => client.createPortGroup({ node_uuid: 'n' }, fence),
    valid: cloudos.fullGroup,
    made: ['uuid'],
  },
  {
    name: 'UpdateServer',
    call: ({ sdpf: client }, fence) => client.updateServer('s', { name: 'n' }, fence),
    valid: { server },
    made: ['server', 'id'],
  },
  { name: 'DeleteServer', call: ({ sdpf: client }, fence) => client.deleteServer('s', fence), valid: {} },
  { name: 'DeleteNode', call: ({ cloudos: client }, fence) => client.deleteNode('n', fence), valid: {} },
  {
    name: 'SetProvisionState',
    call: ({ cloudos: client }, fence) => client.setProvisionState('n', { target: 'manage' }, fence),
    valid: {},
  },
];

const open = () => {};

/** Every call that carries an ID of the remote into a request. */
export const addressed: [name: string, call: (clients: Clients, id: string) => Promise<unknown>][] = [
  ['ShowServer', ({ sdpf: client }, id) => client.showServer(id, 'poll')],
  ['UpdateServer', ({ sdpf: client }, id) => client.updateServer(id, { name: 'n' }, open)],
  ['DeleteServer', ({ sdpf: client }, id) => client.deleteServer(id, open)],
  ['AddLicenseToVM', ({ sdpf: client }, id) => client.addLicenseToVM(id, sdpf.addLicense, open)],
  ['GetResultForAddLicenseToVM', ({ sdpf: client }, id) => client.getResultForAddLicenseToVM(id, 'j', 'poll')],
  ['DeployGuestImage', ({ sdpf: client }, id) => client.deployGuestImage(id, {}, open)],
  ['GetResultForDeployGuestImage', ({ sdpf: client }, id) => client.getResultForDeployGuestImage(id, 'j', 'poll')],
  ['ShowCFGWConnection', ({ sdpf: client }, id) => client.showCFGWConnection(id, 'poll')],
  ['UpdateCFGWConnection', ({ sdpf: client }, id) => client.updateCFGWConnection(id, open)],
  ['DeleteLicense', ({ sdpf: client }, id) => client.deleteLicense(id, open)],
  ['ShowUsageHistories', ({ sdpf: client }, id) => client.showUsageHistories(id, 'poll')],
  ['UpdateVCenter', ({ sdpf: client }, id) => client.updateVCenter(id, vcenter, open)],
  ['DeleteVCenter', ({ sdpf: client }, id) => client.deleteVCenter(id, open)],
  ['GetNode', ({ cloudos: client }, id) => client.getNode(id, 'poll')],
  ['PatchNode', ({ cloudos: client }, id) => client.patchNode(id, [], open)],
  ['DeleteNode', ({ cloudos: client }, id) => client.deleteNode(id, open)],
  ['SetProvisionState', ({ cloudos: client }, id) => client.setProvisionState(id, { target: 'manage' }, open)],
  ['SetPowerState', ({ cloudos: client }, id) => client.setPowerState(id, { target: 'power on' }, open)],
  ['SetMaintenance', ({ cloudos: client }, id) => client.setMaintenance(id, { reason: 'r' }, open)],
  ['UnsetMaintenance', ({ cloudos: client }, id) => client.unsetMaintenance(id, open)],
  ['ListNodePorts', ({ cloudos: client }, id) => client.listNodePorts(id, 'poll')],
  ['ListNodePortGroups', ({ cloudos: client }, id) => client.listNodePortGroups(id, 'poll')],
  ['PatchPort', ({ cloudos: client }, id) => client.patchPort(id, [], open)],
  ['DeletePort', ({ cloudos: client }, id) => client.deletePort(id, open)],
  ['PatchPortGroup', ({ cloudos: client }, id) => client.patchPortGroup(id, [], open)],
  ['DeletePortGroup', ({ cloudos: client }, id) => client.deletePortGroup(id, open)],
];
