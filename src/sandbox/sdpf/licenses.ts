import { ApiError, badRequest } from '../errors.ts';
import type { Result } from '../types.ts';
import type { World } from '../world.ts';
import { bodyObject, pathID, requiredText, wireMilliseconds } from './input.ts';
import type { Context, JsonObject } from './input.ts';

export interface LicenseRecord {
  id: string;
  tenantID: string;
  key: string;
  licenseType: string;
  assignedFrom: number;
  expiresAt: number | null;
  listedAt: number;
  createdByCall: number | null;
  deletedAt: number | null;
  deletedByCall: number | null;
}

export function listLicenseTypes(context: Context): Result {
  return { status: 200, body: { license_types: context.world.settings.licenseTypes } };
}

/** List Licenses: the key is in every answer. There is no other way to read a licence. */
export function listLicenses(context: Context): Result {
  const { world, tenantID, query } = context;
  const type = query.get('license_type');
  const licenses = [...world.licenses.values()].filter(
    (license) =>
      license.tenantID === tenantID &&
      license.deletedAt === null &&
      license.listedAt <= world.now() &&
      !world.settings.hideLicenses &&
      (type === null || license.licenseType === type),
  );
  return { status: 200, body: { licenses: licenses.map(licenseView) } };
}

/** Create License: the body has no wrapper, the answer has one (seed 000, Create License). */
export function createLicense(context: Context): Result {
  const { world, tenantID, seq } = context;
  const name = requiredText(bodyObject(context), 'license_type');
  const type = world.settings.licenseTypes.find((one) => one.name === name);
  if (!type) throw badRequest('license_type is unknown');
  if (!type.has_license_key) throw badRequest('license_type has no license key');
  const left = world.settings.licenseStock[name];
  // Out of stock is 503 (seed 002, Create License).
  if (left === 0) throw new ApiError(503, 'Service Unavailable');
  if (left !== undefined) world.settings.licenseStock[name] = left - 1;
  const license = commitLicense(world, { tenantID, licenseType: name, call: seq });
  return { status: 200, body: { license: licenseView(license) } };
}

interface LicenseOrigin {
  tenantID: string;
  licenseType: string;
  call: number | null;
}

/** Puts a licence on the books. Keys of vCenter 6 and later do not expire; the sample's older one lasts a month. */
export function commitLicense(world: World, origin: LicenseOrigin): LicenseRecord {
  const { ids } = world;
  const now = world.now();
  const expiry = new Date(now);
  expiry.setUTCMonth(expiry.getUTCMonth() + 1);
  const license: LicenseRecord = {
    id: ids.uuid(),
    tenantID: origin.tenantID,
    key: Array.from({ length: 5 }, () => ids.hex(5).toUpperCase()).join('-'),
    licenseType: origin.licenseType,
    assignedFrom: now,
    expiresAt: origin.licenseType === 'vCenter Server 5.5 Standard' ? expiry.getTime() : null,
    listedAt: origin.call === null ? now : now + world.settings.licenseListLagSeconds * 1000,
    createdByCall: origin.call,
    deletedAt: null,
    deletedByCall: null,
  };
  world.licenses.set(license.id, license);
  return license;
}

/** Delete License: 409 while a registered vCenter uses the key. The reason for 409 is not documented. */
export function deleteLicense(context: Context): Result {
  const { world, tenantID, seq } = context;
  const license = liveLicense(world, tenantID, pathID(context));
  if (!license || world.settings.hideLicenses) throw new ApiError(404, 'License not found');
  for (const vcenter of world.vcenters.values()) {
    if (vcenter.deletedAt === null && vcenter.licenseID === license.id) {
      throw new ApiError(409, 'Conflict: license is used by a vCenter');
    }
  }
  license.deletedAt = world.now();
  license.deletedByCall = seq;
  return { status: 204 };
}

export function liveLicense(world: World, tenantID: string, id: string): LicenseRecord | undefined {
  const license = world.licenses.get(id);
  return license?.tenantID === tenantID && license.deletedAt === null ? license : undefined;
}

export function licenseView(license: LicenseRecord): JsonObject {
  return {
    id: license.id,
    key: license.key,
    assigned_from: wireMilliseconds(license.assignedFrom),
    expires_at: license.expiresAt === null ? null : wireMilliseconds(license.expiresAt),
    license_type: license.licenseType,
  };
}
