import { ApiError, badRequest } from '../errors.ts';
import type { Result } from '../types.ts';
import type { World } from '../world.ts';
import { pathID, wrapped } from './input.ts';
import type { Context, JsonObject } from './input.ts';
import { liveLicense } from './licenses.ts';

export interface VCenterRecord {
  id: string;
  tenantID: string;
  address: string;
  licenseID: string;
  /** Metering reads the vCenter some time after this. */
  changedAt: number;
  listedAt: number;
  /** Set by the portal: replaces what metering would report. */
  metering: Partial<Metering> | null;
  createdAt: number;
  createdByCall: number | null;
  deletedAt: number | null;
  deletedByCall: number | null;
}

export interface Metering {
  metering_health: boolean | null;
  metering_health_error_type: string | null;
  version: string | null;
  instance_name: string | null;
}

/** After a registration or an update nothing has been metered yet, however soon it will be. */
const UNMETERED: Metering = {
  metering_health: null,
  metering_health_error_type: null,
  version: null,
  instance_name: null,
};

export function listVCenters(context: Context): Result {
  const { world, tenantID } = context;
  const vcenters = live(world, tenantID).filter(
    (vcenter) => vcenter.listedAt <= world.now() && !world.settings.hideVCenters,
  );
  return { status: 200, body: { vcenters: vcenters.map((vcenter) => vcenterView(world, vcenter)) } };
}

/** Register vCenter: the address must be offered and free, the licence a vCenter key of the tenant. */
export function registerVCenter(context: Context): Result {
  const { world, tenantID, seq } = context;
  const body = wrapped(context, 'vcenter');
  const fields = readFields(context, body, null);
  if (fields.address === undefined) throw badRequest('link_local_address is required');
  if (fields.licenseID === undefined) throw badRequest('license_id is required');
  if (body.password === undefined) throw badRequest('password is required');
  const lag = world.settings.vcenterListLagSeconds;
  const vcenter = commitVCenter(world, tenantID, fields.address, fields.licenseID, seq, lag);
  return { status: 200, body: { vcenter: { ...vcenterView(world, vcenter), ...UNMETERED } } };
}

export function commitVCenter(
  world: World,
  tenantID: string,
  address: string,
  licenseID: string,
  call: number | null,
  lagSeconds: number,
): VCenterRecord {
  const now = world.now();
  const vcenter: VCenterRecord = {
    id: world.ids.uuid(),
    tenantID,
    address,
    licenseID,
    changedAt: now,
    listedAt: now + lagSeconds * 1000,
    metering: null,
    createdAt: now,
    createdByCall: call,
    deletedAt: null,
    deletedByCall: null,
  };
  world.vcenters.set(vcenter.id, vcenter);
  return vcenter;
}

/** Update vCenter: a partial PUT. After it the metering fields are null until metering has run again. */
export function updateVCenter(context: Context): Result {
  const { world } = context;
  const vcenter = findVCenter(context);
  const body = wrapped(context, 'vcenter');
  const fields = readFields(context, body, vcenter);
  if (fields.address === undefined && fields.licenseID === undefined && body.password === undefined) {
    throw badRequest('nothing to update');
  }
  vcenter.address = fields.address ?? vcenter.address;
  vcenter.licenseID = fields.licenseID ?? vcenter.licenseID;
  vcenter.changedAt = world.now();
  vcenter.metering = null;
  return { status: 200, body: { vcenter: { ...vcenterView(world, vcenter), ...UNMETERED } } };
}

export function deleteVCenter(context: Context): Result {
  const vcenter = findVCenter(context);
  vcenter.deletedAt = context.world.now();
  vcenter.deletedByCall = context.seq;
  return { status: 204 };
}

/** No reservation: two clients may read the same address as free. */
export function listVCenterAddresses(context: Context): Result {
  const { world, tenantID } = context;
  const used = new Set(live(world, tenantID).map((vcenter) => vcenter.address));
  const addresses = world.settings.addresses.map((address) => ({ address, in_use: used.has(address) }));
  return { status: 200, body: { addresses } };
}

/** The document's sample shows both outcomes of metering with a version and a name (seed 000, List Registered vCenters). */
export function vcenterView(world: World, vcenter: VCenterRecord): JsonObject {
  const { meteringSeconds, meteringOutcome } = world.settings;
  const metered = vcenter.changedAt + meteringSeconds * 1000 <= world.now();
  const healthy = meteringOutcome === 'healthy';
  const metering: Metering = {
    metering_health: metered ? healthy : null,
    metering_health_error_type: metered && !healthy ? meteringOutcome : null,
    version: metered ? '8.0.2.00400' : null,
    instance_name: metered ? `vcenter-${vcenter.address.split('.').at(-1) ?? ''}` : null,
  };
  return {
    id: vcenter.id,
    link_local_address: vcenter.address,
    ...metering,
    ...vcenter.metering,
    license_id: vcenter.licenseID,
  };
}

function live(world: World, tenantID: string): VCenterRecord[] {
  return [...world.vcenters.values()].filter((one) => one.tenantID === tenantID && one.deletedAt === null);
}

function findVCenter(context: Context): VCenterRecord {
  const { world, tenantID } = context;
  const vcenter = world.vcenters.get(pathID(context));
  if (!vcenter || vcenter.tenantID !== tenantID || vcenter.deletedAt !== null || world.settings.hideVCenters) {
    throw new ApiError(404, 'vCenter not found');
  }
  return vcenter;
}

/** Letters, digits and some punctuation, at most 20 (NTT's Python SDK). */
const PASSWORD = /^[A-Za-z0-9.\-_/*+,!#$%&()~|]{1,20}$/;

function readFields(
  context: Context,
  body: JsonObject,
  own: VCenterRecord | null,
): { address?: string; licenseID?: string } {
  const { world, tenantID } = context;
  const { link_local_address: address, license_id: licenseID, password } = body;
  const fields: { address?: string; licenseID?: string } = {};
  if (password !== undefined && (typeof password !== 'string' || !PASSWORD.test(password))) {
    throw badRequest('password is invalid');
  }
  if (address !== undefined) {
    if (typeof address !== 'string' || !world.settings.addresses.includes(address)) {
      throw badRequest('link_local_address is not available');
    }
    for (const one of world.vcenters.values()) {
      if (one !== own && one.tenantID === tenantID && one.deletedAt === null && one.address === address) {
        throw badRequest('link_local_address is in use');
      }
    }
    fields.address = address;
  }
  if (licenseID !== undefined) {
    const license = typeof licenseID === 'string' ? liveLicense(world, tenantID, licenseID) : undefined;
    if (!license?.licenseType.startsWith('vCenter')) throw badRequest('license_id is not a vCenter license');
    fields.licenseID = license.id;
  }
  return fields;
}
