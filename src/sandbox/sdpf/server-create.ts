import { isIPv4 } from 'node:net';
import { ApiError, badRequest } from '../errors.ts';
import type { Result } from '../types.ts';
import type { World } from '../world.ts';
import { isObject, isUUID, requiredText, wrapped } from './input.ts';
import type { Context, JsonObject } from './input.ts';
import { commitServer } from './server-record.ts';
import type { NetworkRequest, ServerOrder } from './server-record.ts';
import { serverLinks } from './server-view.ts';

/** Create Server: answers at once with 200 while the machine is still being built (seed 000, Create Server). */
export function createServer(context: Context): Result {
  const { world, tenantID, seq, baseURL } = context;
  const body = wrapped(context, 'server');
  const order = readOrder(world, body);
  const { settings } = world;
  if (!settings.cfgwGateway) throw badRequest('no common function gateway exists in the tenant');
  if (settings.serverStock === 0) throw new ApiError(503, 'Service Unavailable');
  if (settings.serverStock !== null) settings.serverStock -= 1;

  const adminPass = readAdminPass(body) ?? world.ids.hex(12);
  const server = commitServer(world, order, {
    tenantID,
    call: seq,
    adminPass,
    buildSeconds: settings.buildSeconds,
    lagSeconds: settings.listLagSeconds,
  });
  return {
    status: 200,
    body: { server: { id: server.id, links: serverLinks(server, baseURL), name: server.name, adminPass } },
  };
}

/** A name becomes the machine's host name; the exact rule is not documented. */
export function readName(body: JsonObject): string {
  const name = requiredText(body, 'name');
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/.test(name)) throw badRequest('name is invalid');
  return name;
}

function readOrder(world: World, body: JsonObject): ServerOrder {
  const name = readName(body);
  const description = body.description ?? null;
  if (description !== null && typeof description !== 'string') throw badRequest('description must be a string');
  const networks = readNetworks(body);
  const metadata = readMetadata(body.metadata);
  const zone = body.availability_zone ?? '';
  if (typeof zone !== 'string') throw badRequest('availability_zone must be a string');

  const imageID = referenceID(requiredText(body, 'imageRef'));
  const flavorID = referenceID(requiredText(body, 'flavorRef'));
  const image = world.settings.images.find((one) => one.id === imageID);
  if (!image) throw new ApiError(404, 'Image not found');
  if (!world.settings.flavors.some((one) => one.id === flavorID)) throw new ApiError(404, 'Flavor not found');
  return { name, description, image, flavorID, networks, metadata, availabilityZone: zone === '' ? null : zone };
}

/** `imageRef` and `flavorRef` are an ID or a full URL that ends in one. */
export function referenceID(reference: string): string {
  return reference.replace(/\/+$/, '').split('/').at(-1) ?? '';
}

function readAdminPass(body: JsonObject): string | undefined {
  const value = body.adminPass;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value === '') throw badRequest('adminPass must be a string');
  return value;
}

/**
 * One to four entries, two for each logical network (one a physical port), at most one network on each plane.
 * A `null` is let pass, because NTT's Go SDK sends it; the empty plane and segmentation ID 0 likewise.
 */
function readNetworks(body: JsonObject): NetworkRequest[] {
  if (body.networks === null) return [];
  if (!Array.isArray(body.networks)) throw badRequest('networks is required');
  if (body.networks.length < 1 || body.networks.length > 4) throw badRequest('networks must have 1 to 4 entries');
  const seen = new Map<string, 'data' | 'storage'>();
  const networks = body.networks.map((entry: unknown) => readNetwork(entry, seen));
  const planes = [...seen.values()];
  if (!planes.includes('data')) throw badRequest('networks must hold a network of the data plane');
  if (planes.length > new Set(planes).size) throw badRequest('networks may hold one network of each plane');
  for (const id of seen.keys()) {
    if (networks.filter((one) => one.networkID === id).length > 2) {
      throw badRequest('networks may name a network twice, once for each physical port');
    }
  }
  const addresses = networks.flatMap((one) => one.fixedIP ?? []);
  if (addresses.length > new Set(addresses).size) throw badRequest('fixed_ip is used twice');
  return networks;
}

function readNetwork(entry: unknown, seen: Map<string, 'data' | 'storage'>): NetworkRequest {
  if (!isObject(entry)) throw badRequest('networks must hold objects');
  const portID = isUUID(entry.port) ? entry.port : null;
  const networkID = isUUID(entry.uuid) ? entry.uuid : portID;
  if (networkID === null) throw badRequest('networks.uuid must be a UUID');
  const fixedIP = entry.fixed_ip ?? null;
  if (fixedIP !== null && (typeof fixedIP !== 'string' || !isIPv4(fixedIP))) {
    throw badRequest('networks.fixed_ip must be an IPv4 address');
  }
  const segment = entry.segmentation_id ?? 0;
  const isVLAN = typeof segment === 'number' && Number.isInteger(segment) && segment >= 4 && segment <= 4093;
  if (segment !== 0 && !isVLAN) {
    throw badRequest('networks.segmentation_id must be 4 to 4093');
  }
  return { networkID, portID, fixedIP, plane: readPlane(entry.plane, networkID, seen) };
}

/** The 1.0.0 document has no plane: where none is given, the first network is the data one and the next the storage one. */
function readPlane(value: unknown, networkID: string, seen: Map<string, 'data' | 'storage'>): 'data' | 'storage' {
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  if ((value ?? '') !== '' && text !== 'data' && text !== 'storage') {
    throw badRequest('networks.plane must be data or storage');
  }
  const known = seen.get(networkID);
  const implied = known ?? ([...seen.values()].includes('data') ? 'storage' : 'data');
  const plane = text === 'data' || text === 'storage' ? text : implied;
  if (known !== undefined && known !== plane) throw badRequest('networks.plane differs for one network');
  // A third network without a plane would be a second storage one: kept apart by its ID, refused by the count.
  seen.set(networkID, plane);
  return plane;
}

/** Keys and values of at most 255 bytes. */
function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw badRequest('metadata must be an object');
  const metadata: Record<string, string> = {};
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw badRequest('metadata values must be strings');
    if (Buffer.byteLength(key) > 255 || Buffer.byteLength(text) > 255) throw badRequest('metadata is too long');
    metadata[key] = text;
  }
  return metadata;
}
