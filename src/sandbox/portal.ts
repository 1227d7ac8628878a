import { hands } from './cloudos/hands.ts';
import { PATHS } from './route.ts';
import { isObject } from './sdpf/input.ts';
import type { JsonObject } from './sdpf/input.ts';
import { commitLicense, licenseView } from './sdpf/licenses.ts';
import type { LicenseRecord } from './sdpf/licenses.ts';
import { commitServer } from './sdpf/server-record.ts';
import type { ServerRecord } from './sdpf/server-record.ts';
import { fullServer } from './sdpf/server-view.ts';
import { markDeleted } from './sdpf/servers.ts';
import { commitVCenter, vcenterView } from './sdpf/vcenters.ts';
import type { Metering, VCenterRecord } from './sdpf/vcenters.ts';
import type { World } from './world.ts';

/** A person in the customer portal, another client of Ironic, or the platform's own staff: past every rule of the API. */
export interface Portal {
  create(fields: JsonObject): JsonObject;
  update(id: string, fields: JsonObject): JsonObject | undefined;
  remove(id: string): boolean;
}

/** The portal's hands on one collection. Unknown fields are refused: a lever that does nothing lies. */
export function portal(world: World, collection: string, baseURL: string): Portal | undefined {
  switch (collection) {
    case 'servers':
      return serverPortal(world, baseURL);
    case 'licenses':
      return licensePortal(world);
    case 'vcenters':
      return vcenterPortal(world);
    default:
      return hands(world, collection, baseURL + PATHS.ironic);
  }
}

const SERVER_FIELDS = [
  'name',
  'description',
  'metadata',
  'status',
  'taskState',
  'powerState',
  'availabilityZone',
  'imageRef',
  'flavorRef',
  'cfgw',
] as const;

function serverPortal(world: World, baseURL: string): Portal {
  return {
    create(fields) {
      only(fields, ['tenantID', ...SERVER_FIELDS]);
      const { images, flavors } = world.settings;
      const image = images.find((one) => one.id === fields.imageRef) ?? images[0] ?? { id: '', name: '' };
      const order = {
        name: text(fields.name, 'name') ?? 'portal-server',
        description: null,
        image,
        flavorID: text(fields.flavorRef, 'flavorRef') ?? flavors[0]?.id ?? '',
        networks: [],
        availabilityZone: null,
        metadata: {},
      };
      const tenantID = text(fields.tenantID, 'tenantID') ?? world.defaultTenantID;
      const origin = { tenantID, call: null, adminPass: null, buildSeconds: 0, lagSeconds: 0 };
      const server = commitServer(world, order, origin);
      server.outcome = 'ACTIVE';
      changeServer(world, server, fields);
      return fullServer(world, server, baseURL);
    },
    update(id, fields) {
      only(fields, SERVER_FIELDS);
      const server = world.servers.get(id);
      if (!server) return undefined;
      changeServer(world, server, fields);
      return fullServer(world, server, baseURL);
    },
    remove(id) {
      const server = world.servers.get(id);
      if (!server) return false;
      markDeleted(world, server, 0, null);
      return true;
    },
  };
}

/** `null` for status, taskState or powerState gives back what follows from the server's own course. */
function changeServer(world: World, server: ServerRecord, fields: JsonObject): void {
  server.updatedAt = world.now();
  server.name = text(fields.name, 'name') ?? server.name;
  if (fields.description !== undefined) server.description = text(fields.description, 'description') ?? null;
  if (fields.metadata !== undefined) server.metadata = texts(fields.metadata);
  if (fields.status !== undefined) server.status = text(fields.status, 'status') ?? null;
  if (fields.taskState !== undefined) server.taskState = text(fields.taskState, 'taskState') ?? null;
  if (fields.powerState !== undefined) server.powerState = text(fields.powerState, 'powerState') ?? null;
  server.availabilityZone = text(fields.availabilityZone, 'availabilityZone') ?? server.availabilityZone;
  const imageID = text(fields.imageRef, 'imageRef');
  if (imageID !== undefined) {
    server.image = world.settings.images.find((one) => one.id === imageID) ?? { id: imageID, name: imageID };
  }
  server.flavorID = text(fields.flavorRef, 'flavorRef') ?? server.flavorID;
  if (fields.cfgw !== undefined) changeConnection(world, server, fields.cfgw);
}

/** `noticed: false`: the connection changes, and the platform does not know until it is asked to look again. */
function changeConnection(world: World, server: ServerRecord, cfgw: unknown): void {
  if (!isObject(cfgw) || typeof cfgw.status !== 'boolean')
    throw new Error('cfgw must be {status, error_type?, noticed?}');
  only(cfgw, ['status', 'error_type', 'noticed']);
  const errorType = text(cfgw.error_type, 'cfgw.error_type') ?? null;
  server.cfgwActual = { status: cfgw.status, errorType };
  if (cfgw.noticed === false) return;
  const establishedAt = cfgw.status ? world.now() : server.cfgwKnown.establishedAt;
  server.cfgwKnown = { ...server.cfgwActual, establishedAt, checkedAt: world.now() };
}

function licensePortal(world: World): Portal {
  return {
    create(fields) {
      only(fields, ['tenantID', 'license_type', 'expires_at', 'assigned_from']);
      const tenantID = text(fields.tenantID, 'tenantID') ?? world.defaultTenantID;
      const licenseType = text(fields.license_type, 'license_type');
      if (licenseType === undefined) throw new Error('license_type is required');
      const license = commitLicense(world, { tenantID, licenseType, call: null });
      changeLicense(license, fields);
      return licenseView(license);
    },
    update(id, fields) {
      only(fields, ['license_type', 'expires_at', 'assigned_from']);
      const license = world.licenses.get(id);
      if (!license) return undefined;
      changeLicense(license, fields);
      return licenseView(license);
    },
    remove(id) {
      const license = world.licenses.get(id);
      if (!license) return false;
      license.deletedAt = world.now();
      license.deletedByCall = null;
      return true;
    },
  };
}

function changeLicense(license: LicenseRecord, fields: JsonObject): void {
  license.licenseType = text(fields.license_type, 'license_type') ?? license.licenseType;
  if (fields.expires_at !== undefined) license.expiresAt = date(fields.expires_at, 'expires_at');
  if (fields.assigned_from !== undefined) {
    license.assignedFrom = date(fields.assigned_from, 'assigned_from') ?? license.assignedFrom;
  }
}

const METERING_FIELDS = ['metering_health', 'metering_health_error_type', 'version', 'instance_name'] as const;

function vcenterPortal(world: World): Portal {
  return {
    create(fields) {
      only(fields, ['tenantID', 'link_local_address', 'license_id', ...METERING_FIELDS]);
      const tenantID = text(fields.tenantID, 'tenantID') ?? world.defaultTenantID;
      const address = text(fields.link_local_address, 'link_local_address');
      const licenseID = text(fields.license_id, 'license_id');
      if (address === undefined || licenseID === undefined) {
        throw new Error('link_local_address and license_id are required');
      }
      const vcenter = commitVCenter(world, tenantID, address, licenseID, null, 0);
      changeVCenter(vcenter, fields);
      return vcenterView(world, vcenter);
    },
    update(id, fields) {
      only(fields, ['link_local_address', 'license_id', ...METERING_FIELDS]);
      const vcenter = world.vcenters.get(id);
      if (!vcenter) return undefined;
      changeVCenter(vcenter, fields);
      return vcenterView(world, vcenter);
    },
    remove(id) {
      const vcenter = world.vcenters.get(id);
      if (!vcenter) return false;
      vcenter.deletedAt = world.now();
      vcenter.deletedByCall = null;
      return true;
    },
  };
}

function changeVCenter(vcenter: VCenterRecord, fields: JsonObject): void {
  vcenter.address = text(fields.link_local_address, 'link_local_address') ?? vcenter.address;
  vcenter.licenseID = text(fields.license_id, 'license_id') ?? vcenter.licenseID;
  const given = METERING_FIELDS.filter((name) => fields[name] !== undefined);
  if (given.length === 0) return;
  const changes = Object.fromEntries(given.map((name) => [name, fields[name]])) as Partial<Metering>;
  vcenter.metering = { ...vcenter.metering, ...changes };
}

function only(fields: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`unknown field "${unknown}"; known: ${known.join(', ')}`);
}

function text(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new Error(`${name} must be a string`);
  return value;
}

function texts(value: unknown): Record<string, string> {
  if (value !== null && !isObject(value)) throw new Error('metadata must be an object');
  return Object.fromEntries(Object.entries(value ?? {}).map(([key, item]) => [key, String(item)]));
}

function date(value: unknown, name: string): number | null {
  if (value === null) return null;
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw new Error(`${name} must be a date-time`);
  return ms;
}
