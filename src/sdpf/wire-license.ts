import * as z from 'zod';
import { tolerantList } from '../remote/tolerant-list.ts';
import { id, lenient, numeric, optional, secretText } from './wire-common.ts';

/** List Licenses, Create License. */
const license = z.object({
  id,
  key: optional(secretText),
  /** RFC 3339. */
  assigned_from: lenient(z.string()),
  /** RFC 3339; absent for a key without an end. */
  expires_at: lenient(z.string()),
  /** The name of a license type. */
  license_type: z.string(),
});
export type License = z.output<typeof license>;

export const licenseAnswer = z.object({ license });
export const licensesAnswer = z.object({ licenses: tolerantList(license) });

/** List LicenseTypes: what this tenant is offered; names are data, never an enum. */
const licenseType = z.object({
  id,
  name: z.string().max(255),
  /** Whether Create License gives a key of it. */
  has_license_key: z.boolean(),
  /** Whether it can be put on a VM that exists. */
  license_switch: lenient(z.boolean()),
  unit: lenient(z.string()),
  description: lenient(z.string()),
});
export type LicenseType = z.output<typeof licenseType>;

export const licenseTypesAnswer = z.object({ license_types: tolerantList(licenseType) });

const usage = z.object({
  id,
  type: lenient(z.string()),
  value: numeric,
  unit: lenient(z.string()),
  name: lenient(z.string()),
  description: lenient(z.string()),
  has_license_key: lenient(z.boolean()),
  /** A VM's or tenant's ID, not always a UUID. */
  resource_id: lenient(z.string()),
});

/** List Usages: no wrapper. */
export const usagesAnswer = z.object({ tenant_id: lenient(z.string()), usages: tolerantList(usage) });
export type Usages = z.output<typeof usagesAnswer>;

/** Show Usage Histories: no wrapper. `time` is `YYYY-MM-DD hh:mm:ss` without a zone. */
export const usageHistories = z.object({
  tenant_id: lenient(z.string()),
  unit: lenient(z.string()),
  resource_id: lenient(z.string()),
  license_type: lenient(z.string()),
  histories: tolerantList(z.object({ time: z.string(), value: numeric })),
});
export type UsageHistories = z.output<typeof usageHistories>;
