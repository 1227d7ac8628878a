import { derivedUUID, sha256 } from '../identifiers.ts';
import type { World } from '../world.ts';
import type { Image } from './catalogue.ts';

/** What a create asked for, checked. */
export interface ServerOrder {
  name: string;
  description: string | null;
  image: Image;
  flavorID: string;
  networks: NetworkRequest[];
  availabilityZone: string | null;
  metadata: Record<string, string>;
}

export interface NetworkRequest {
  networkID: string;
  portID: string | null;
  fixedIP: string | null;
  plane: 'data' | 'storage';
}

interface AttachedPort {
  portID: string;
  networkID: string;
  subnetID: string;
  address: string;
}

interface PhysicalPort {
  id: string;
  mac: string;
  networkPhysicalPortID: string;
  hardwareID: string;
  plane: 'data' | 'storage';
  attached: AttachedPort[];
}

interface CFGWState {
  status: boolean;
  errorType: string | null;
}

export interface ServerRecord {
  id: string;
  tenantID: string;
  name: string;
  description: string | null;
  image: Image;
  flavorID: string;
  availabilityZone: string;
  metadata: Record<string, string>;
  machineID: string;
  machineImageID: string;
  ports: PhysicalPort[];
  createdAt: number;
  updatedAt: number;
  /** When BUILD ends, in `outcome`. */
  readyAt: number;
  outcome: string;
  /** When the lists begin to hold it. */
  listedAt: number;
  /** Set by the portal: replaces the status that follows from the times. */
  status: string | null;
  taskState: string | null;
  powerState: string | null;
  deletingSince: number | null;
  goneAt: number | null;
  /** The connection as it is, which the platform learns only by looking. */
  cfgwActual: CFGWState;
  cfgwKnown: CFGWState & { establishedAt: number | null; checkedAt: number | null };
  /** Call that created it; null for the portal. */
  createdByCall: number | null;
  deletedByCall: number | null;
  /** Of the password that the create returned: the API never shows it again. */
  adminPassSHA256: string | null;
}

interface Origin {
  tenantID: string;
  call: number | null;
  adminPass: string | null;
  buildSeconds: number;
  lagSeconds: number;
}

const ZONES = ['zone1-groupa', 'zone1-groupb'];
/** Host parts of the addresses that are given where the order names none. */
const HOSTS = Array.from({ length: 250 }, (_, index) => index + 2);

/** Puts a new server on the books. */
export function commitServer(world: World, order: ServerOrder, origin: Origin): ServerRecord {
  const { ids, settings } = world;
  const now = world.now();
  const readyAt = now + origin.buildSeconds * 1000;
  const limit = settings.descriptionMaxLength ?? Number.POSITIVE_INFINITY;
  const server: ServerRecord = {
    id: ids.uuid(),
    tenantID: origin.tenantID,
    name: order.name,
    description: settings.keepDescription ? (order.description?.slice(0, limit) ?? null) : null,
    image: order.image,
    flavorID: order.flavorID,
    availabilityZone: order.availabilityZone ?? ids.pick(ZONES),
    metadata: settings.keepMetadata ? order.metadata : {},
    machineID: ids.uuid(),
    machineImageID: derivedUUID(`machine image of ${order.image.id}`),
    ports: physicalPorts(world, origin.tenantID, order.networks),
    createdAt: now,
    updatedAt: now,
    readyAt,
    outcome: settings.forceError ? 'ERROR' : 'ACTIVE',
    listedAt: now + origin.lagSeconds * 1000,
    status: null,
    taskState: null,
    powerState: null,
    deletingSince: null,
    goneAt: null,
    cfgwActual: { status: true, errorType: null },
    cfgwKnown: { status: true, errorType: null, establishedAt: readyAt, checkedAt: readyAt },
    createdByCall: origin.call,
    deletedByCall: null,
    adminPassSHA256: origin.adminPass === null ? null : sha256(origin.adminPass),
  };
  world.servers.set(server.id, server);
  return server;
}

/**
 * Two cards with a data and a storage port each, as on a real machine. Every data port also carries a port on the
 * common function gateway network, which the user never named.
 */
function physicalPorts(world: World, tenantID: string, networks: NetworkRequest[]): PhysicalPort[] {
  const { ids } = world;
  const cards = [ids.uuid(), ids.uuid()];
  const planes = ['data', 'storage', 'storage', 'data'] as const;
  const ports = planes.map(
    (plane, index): PhysicalPort => ({
      id: ids.uuid(),
      mac: ids.mac(),
      networkPhysicalPortID: ids.uuid(),
      hardwareID: cards[index < 2 ? 0 : 1] ?? '',
      plane,
      attached: [],
    }),
  );
  const attach = (port: PhysicalPort, networkID: string, portID: string | null, address: string): void => {
    port.attached.push({
      portID: portID ?? ids.uuid(),
      networkID,
      subnetID: derivedUUID(`subnet of ${networkID}`),
      address,
    });
  };
  for (const plane of ['data', 'storage'] as const) {
    const free = ports.filter((port) => port.plane === plane);
    for (const [index, network] of networks.filter((one) => one.plane === plane).entries()) {
      const port = free[index % free.length];
      const address = network.fixedIP ?? `192.168.10.${ids.pick(HOSTS)}`;
      if (port) attach(port, network.networkID, network.portID, address);
    }
  }
  for (const port of ports.filter((one) => one.plane === 'data')) {
    attach(port, derivedUUID(`CFGW network of ${tenantID}`), null, world.nextCFGWAddress());
  }
  return ports;
}

export interface ServerState {
  status: string;
  vmState: string;
  taskState: string;
  powerState: string;
  /** Between the create and the end of BUILD. */
  building: boolean;
}

/**
 * What a server reports now. While it is being deleted the outer status stays what it was and only `task_state` tells
 * (NTT's Terraform provider accepts nothing but ACTIVE until the 404). An idle `task_state` is the string "None"
 * (seed 000, Show Server).
 */
export function serverState(world: World, server: ServerRecord): ServerState {
  const building = server.status === null ? world.now() < server.readyAt : server.status === 'BUILD';
  const own = server.status ?? (building ? 'BUILD' : server.outcome);
  const status = world.settings.forceStatus ?? own;
  const idle = building ? 'BUILDING' : 'None';
  return {
    status,
    vmState: status,
    taskState: server.deletingSince !== null ? 'DELETING' : (server.taskState ?? idle),
    powerState: server.powerState ?? (status === 'ACTIVE' ? 'RUNNING' : 'SHUTDOWN'),
    building,
  };
}

/** When the server last changed, BUILD's end included. */
export function lastChange(world: World, server: ServerRecord): number {
  return server.readyAt <= world.now() ? Math.max(server.updatedAt, server.readyAt) : server.updatedAt;
}

export function isGone(world: World, server: ServerRecord): boolean {
  return server.goneAt !== null && server.goneAt <= world.now();
}
