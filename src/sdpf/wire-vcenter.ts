import * as z from 'zod';
import type { Secret } from '../base/secret.ts';
import { tolerantList } from '../remote/tolerant-list.ts';
import { id, lenient, optional } from './wire-common.ts';

/** List Registered vCenters, Register vCenter, Update Registered vCenter. */
const vcenter = z.object({
  id,
  /** Unique among registrations: recognises one of ours, so it must be readable. */
  link_local_address: z.string(),
  license_id: optional(z.string()),
  /** undefined until metering has run: unknown, not unhealthy. */
  metering_health: lenient(z.boolean()),
  metering_health_error_type: lenient(z.string()),
  version: lenient(z.string()),
  instance_name: lenient(z.string()),
});
export type VCenter = z.output<typeof vcenter>;

export const vcenterAnswer = z.object({ vcenter });
export const vcentersAnswer = z.object({ vcenters: tolerantList(vcenter) });

/** Register vCenter and Update Registered vCenter, request: an update sends all three as well. */
export type RegisterVCenter = {
  link_local_address: string;
  password: Secret;
  license_id: string;
};

const vcenterAddress = z.object({ address: z.string(), in_use: z.boolean() });
export type VCenterAddress = z.output<typeof vcenterAddress>;
export const vcenterAddressesAnswer = z.object({ addresses: tolerantList(vcenterAddress) });

const vsphereContract = z.object({
  /** The term in years, 1 or 3: it selects the contract. */
  contract_year: z.number(),
  contract_renewal: z.boolean(),
  /** Counted this month. */
  cores: z.number(),
  /** `YYYY-MM`, both ends inclusive. */
  start_month: z.string(),
  end_month: z.string(),
  /** Added from next month. */
  pending_cores: optional(z.number()),
  cores_in_next_month: optional(z.number()),
});
export type VSphereContract = z.output<typeof vsphereContract>;

export const vsphereContractAnswer = z.object({ vsphere_contract: vsphereContract });

/** Manage vSphere Contracts: a call that withdraws something answers null, `{}` or nothing, which is undefined here. */
export const managedContractAnswer = z
  .object({ vsphere_contract: z.union([vsphereContract, z.strictObject({}).transform(() => undefined)]).nullish() })
  .optional()
  .transform((answer) => answer?.vsphere_contract ?? undefined);

/** List vSphere Contracts: all three keys are always there. */
export const vsphereContractsAnswer = z.object({
  vsphere_contracts: tolerantList(vsphereContract),
  all_server_cores: z.number(),
  vsphere_contracts_histories: tolerantList(
    z.object({
      month: z.string(),
      vsphere_contracts_summaries: tolerantList(z.object({ contract_year: z.number(), cores: z.number() })),
    }),
  ),
});
export type VSphereContracts = z.output<typeof vsphereContractsAnswer>;
