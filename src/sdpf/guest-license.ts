import * as z from 'zod';
import type { Claim } from '../engine/conditions.ts';
import { defineKind, type Kind, type World } from '../engine/kind.ts';
import {
  commonColumns,
  commonRules,
  commonSpec,
  commonStatus,
  immutableOnceRecorded,
  objectName,
  requiredUnlessAdopted,
  secretKey,
  text,
} from '../engine/schema.ts';
import type { SDPFClient } from './client.ts';
import { readFromList } from './read-from-list.ts';
import type { License } from './wire-license.ts';
import type { VCenter } from './wire-vcenter.ts';

const noun = 'licence';

const spec = z
  .object({
    ...commonSpec(noun),
    licenseType: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe(
        "Name of the licence type, as the tenant's catalogue (status.licenseTypes of the SDPFTenant) writes it; it must be one with hasLicenseKey.",
      ),
    claim: z
      .enum(['Unclaimed', 'Never'])
      .optional()
      .describe(
        'What to do where the tenant holds licences of this type that no resource stands for. Unclaimed: take one of them before one is bought. Never: leave them alone and buy. There is no default: in a tenant where others buy, too (licenseBuyers: Shared), the resource is Stalled with reason UnclaimedLicensesExist until this is written.',
      ),
    keySecretRef: z
      .object({
        name: objectName('Name of the Secret to write.'),
        key: secretKey('Key in the Secret.').default('licenseKey'),
      })
      .optional()
      .describe('Where the licence key is stored. Default: the Secret <metadata.name>-license, key licenseKey.'),
  })
  .describe('The licence as it should be.');

const status = z
  .object({
    ...commonStatus(noun),
    licenseType: text('Name of its type, as the remote says.'),
    assignedAt: text('When it was assigned to the tenant, as the remote says.'),
    expiresAt: text('When it expires, as the remote says; absent: it does not expire.'),
  })
  .describe('The licence as it was last seen, written by the operator. The key itself stands in its Secret only.');

const day = 86_400_000;

/** From the last warning to the first. */
const warnings = [
  { days: 1, reason: 'ExpiresInOneDay' },
  { days: 7, reason: 'ExpiresInSevenDays' },
  { days: 30, reason: 'ExpiresInThirtyDays' },
] as const;

/** The condition `Expiring`, and when it changes next (milliseconds from now). Pure. */
export function expiry(expiresAt: string | undefined, now: number): { claim: Claim; next?: number } {
  const at = expiresAt === undefined ? NaN : Date.parse(expiresAt);
  if (Number.isNaN(at)) {
    const message =
      expiresAt === undefined
        ? 'the licence does not expire'
        : `the remote gives "${expiresAt}" as its end, which is no date`;
    return {
      claim: {
        type: 'Expiring',
        status: expiresAt === undefined ? 'False' : 'Unknown',
        reason: expiresAt === undefined ? 'NeverExpires' : 'NotReported',
        message,
      },
    };
  }
  const left = at - now;
  if (left <= 0)
    return {
      claim: {
        type: 'Expiring',
        status: 'True',
        reason: 'Expired',
        message: `the licence expired at ${expiresAt}`,
        warn: true,
      },
    };
  const warning = warnings.find(({ days }) => left <= days * day);
  const later = warnings.filter(({ days }) => left > days * day).map(({ days }) => left - days * day);
  const next = later.length > 0 ? Math.min(...later) : left;
  if (!warning)
    return {
      claim: {
        type: 'Expiring',
        status: 'False',
        reason: 'NotExpiring',
        message: `the licence expires at ${expiresAt}`,
      },
      next,
    };
  const message = `the licence expires at ${expiresAt}: order another one and register it before`;
  return { claim: { type: 'Expiring', status: 'True', reason: warning.reason, message, warn: true }, next };
}

/** Who uses a licence: a registered vCenter, or a resource that is about to register one. */
function userOf(id: string, name: string, world: World): string | undefined {
  for (const [vcenter, remote] of world.listed('vcenters') ?? []) {
    if ((remote as VCenter).license_id === id)
      return `registered vCenter ${vcenter} (${(remote as VCenter).link_local_address})`;
  }
  const registration = world.resources('VCenterRegistration').find(({ spec: other }) => {
    const { licenseRef, licenseID } = other as { licenseRef?: { name: string }; licenseID?: string };
    return licenseRef?.name === name || licenseID === id;
  });
  return registration && `VCenterRegistration ${registration.metadata.name}`;
}

/** A licence key of NTT SDPF: bought by the month, and it carries nothing by which its owner could be told. */
export const guestLicense: Kind = defineKind<typeof spec, License, SDPFClient>({
  group: 'sdpf.freehold.dev',
  version: 'v1alpha1',
  names: { kind: 'GuestLicense', plural: 'guestlicenses', shortNames: ['gl'], categories: ['freehold'] },
  description:
    'A GuestLicense is a licence key of the Smart Data Platform, e.g. for a vCenter. Creating one buys it: it costs money by the month. The key is stored in a Secret.',
  spec,
  status,
  conditions: [
    {
      type: 'Expiring',
      description: 'The licence ends within 30, 7 or 1 days, or has ended.',
      reasons: [
        'NotExpiring',
        'NeverExpires',
        'ExpiresInThirtyDays',
        'ExpiresInSevenDays',
        'ExpiresInOneDay',
        'Expired',
        'NotReported',
      ],
    },
  ],
  printerColumns: commonColumns([
    { name: 'Type', type: 'string', jsonPath: '.spec.licenseType' },
    { name: 'Expires', type: 'string', jsonPath: '.status.expiresAt' },
    { name: 'External-ID', type: 'string', jsonPath: '.status.externalID' },
  ]),
  rules: [
    ...commonRules(noun),
    requiredUnlessAdopted('licenseType'),
    immutableOnceRecorded('licenseType', true, noun),
    immutableOnceRecorded('keySecretRef', true, noun),
  ],
  tenantKind: 'SDPFTenant',
  limit: 'maxGuestLicenses',
  main: {
    noun,
    identity: {
      level: 'none',
      pool: (desired) => desired.licenseType ?? '',
      poolOf: (license) => license.license_type,
      // A licence that a registered vCenter uses is never stock, whoever registered it.
      usersIn: 'vcenters',
      spare: (id, world) => userOf(id, '', world) === undefined,
      onlyBuyer: (tenant) => (tenant as { licenseBuyers?: string }).licenseBuyers === 'OnlyThisOperator',
      claim: ({ claim }) => claim,
      unclaimed: 'UnclaimedLicensesExist',
    },
    collection: 'licenses',
    read: readFromList((client) => client.listLicenses('motion')),
    async create({ client, spec: wanted, fence }) {
      const { id } = await client.createLicense(wanted.licenseType ?? '', fence);
      return { id };
    },
    // seed 002, Create License: 503 means out of stock, or some other error.
    unavailable: 'OutOfStock',
    remove: ({ client, fence }, id) => client.deleteLicense(id, fence),
  },
  output: ({ spec: wanted, name }, license) => ({
    name: wanted.keySecretRef?.name ?? `${name}-license`,
    key: wanted.keySecretRef?.key ?? 'licenseKey',
    value: license?.key,
  }),
  validate({ spec: wanted }, facts) {
    const offered = (facts['licenseTypes'] as { name: string; hasLicenseKey: boolean }[] | undefined)
      ?.filter(({ hasLicenseKey }) => hasLicenseKey)
      .map(({ name }) => name);
    if (wanted.licenseType === undefined || offered === undefined || offered.includes(wanted.licenseType))
      return undefined;
    return `licenseType "${wanted.licenseType}" is not offered to this tenant with a key; offered: ${offered.length > 0 ? offered.join(', ') : 'none'}`;
  },
  plan: (_desired, { main }) =>
    main.state === 'present'
      ? { do: 'ready', message: `licence ${main.remote.id} is assigned` }
      : { do: 'create', remote: 'main' },
  planRemoval({ main: license, name }, world) {
    const user = userOf(license.id, name, world);
    if (user !== undefined)
      return {
        do: 'wait',
        reason: 'InUse',
        message: `licence ${license.id} is used by ${user}: it can be deleted once that is gone`,
      };
    if (world.listed('vcenters') === undefined)
      return {
        do: 'wait',
        reason: 'Listing',
        message: 'waiting for the list of vCenters, which shows whether one uses the licence',
      };
    return { do: 'remove', remote: 'main' };
  },
  differences: ({ spec: wanted }, license) =>
    wanted.licenseType !== undefined && wanted.licenseType !== license.license_type
      ? [`licenseType: wanted "${wanted.licenseType}", is "${license.license_type}"`]
      : [],
  report(license, now) {
    const { claim, next } = expiry(license.expires_at, now);
    return {
      status: { licenseType: license.license_type, assignedAt: license.assigned_from, expiresAt: license.expires_at },
      conditions: [claim],
      ...(next !== undefined && { changesIn: next }),
    };
  },
});
