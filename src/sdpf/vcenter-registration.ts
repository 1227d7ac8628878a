import * as z from 'zod';
import { type Claim, findCondition } from '../engine/conditions.ts';
import { defineKind, type Desired, type Kind, type Step, type World } from '../engine/kind.ts';
import { commonColumns, commonRules, commonSpec, commonStatus, objectName, secretKey, text } from '../engine/schema.ts';
import type { SDPFClient } from './client.ts';
import { readFromList } from './read-from-list.ts';
import type { VCenter } from './wire-vcenter.ts';

const noun = 'vCenter registration';

const spec = z
  .object({
    ...commonSpec(noun),
    linkLocalAddress: z
      .string()
      .max(15)
      .regex(/^169\.254\.(25[0-5]|2[0-4]\d|1?\d?\d)\.(25[0-5]|2[0-4]\d|1?\d?\d)$/)
      .optional()
      .describe(
        'Link-local address (169.254.x.y) under which the platform reaches the vCenter. Default: a free one of those that the platform offers; status.linkLocalAddress shows it.',
      ),
    passwordSecretRef: z
      .object({
        name: objectName('Name of the Secret in this namespace, of type freehold.dev/credentials.'),
        key: secretKey('Key in the Secret.').default('password'),
      })
      .describe(
        'Password of the vCenter user that the platform meters with: 1 to 20 characters, letters, digits and .-_/*+,!#$%&()~|. A changed Secret is sent on within 5 minutes.',
      ),
    licenseRef: z
      .object({ name: objectName('Name of the GuestLicense in this namespace.') })
      .optional()
      .describe(
        'The GuestLicense that this vCenter uses. Either this or licenseID. One licence serves one registration.',
      ),
    licenseID: z
      .string()
      .min(1)
      .max(128)
      .regex(/^[A-Za-z0-9][-A-Za-z0-9]*$/)
      .optional()
      .describe('ID of a licence that no resource stands for. Either this or licenseRef.'),
  })
  .describe('The registration as it should be.');

const status = z
  .object({
    ...commonStatus(noun),
    linkLocalAddress: text('Address under which the vCenter is registered.'),
    licenseID: text('ID of the licence that it is registered with.'),
    version: text('Version of the vCenter, as metering found it.'),
    instanceName: text('Name of the vCenter, as metering found it.'),
  })
  .describe('The registration as it was last seen, written by the operator.');

type Spec = z.output<typeof spec>;

/** NTT's SDK, vCenters: 1 to 20 characters of this alphabet. */
export function passwordProblem(password: string): string | undefined {
  if (password.length === 0) return 'is empty; a vCenter password has 1 to 20 characters';
  if (password.length > 20) return `has ${password.length} characters; a vCenter password has 1 to 20`;
  // Never the character itself: it is a piece of the password.
  if (!/^[A-Za-z0-9.\-_/*+,!#$%&()~|]+$/.test(password))
    return 'holds a character that is not allowed; allowed are letters, digits and .-_/*+,!#$%&()~|';
  return undefined;
}

/** The licence this registration is for, once it is known, and whether it may be used. */
function licenseOf(
  wanted: Spec,
  world: World,
): { value: string } | { value?: string; reason: 'LicenseNotReady'; message: string } {
  if (wanted.licenseID !== undefined) return { value: wanted.licenseID };
  const name = wanted.licenseRef?.name ?? '';
  const license = world.resource('GuestLicense', name);
  const id = license?.status?.externalID;
  if (!license) return { reason: 'LicenseNotReady', message: `GuestLicense ${name} does not exist in this namespace` };
  const stalled = findCondition(license.status?.conditions, 'Stalled');
  // It will not pass by itself: whoever reads this has to look there.
  const asks = stalled?.status === 'True' ? `; it is stalled (${stalled.reason}): its message says what to do` : '';
  const message = `waiting for GuestLicense ${name} to be Ready${asks}`;
  if (id === undefined) return { reason: 'LicenseNotReady', message };
  if (findCondition(license.status?.conditions, 'Ready')?.status === 'True') return { value: id };
  return { value: id, reason: 'LicenseNotReady', message };
}

function drift({ spec: wanted, reference, changedSecrets = [] }: Desired<Spec>, vcenter: VCenter): string[] {
  const differs: string[] = [];
  if (wanted.linkLocalAddress !== undefined && wanted.linkLocalAddress !== vcenter.link_local_address) {
    differs.push(`linkLocalAddress: wanted "${wanted.linkLocalAddress}", is "${vcenter.link_local_address}"`);
  }
  if (reference !== undefined && reference !== vcenter.license_id)
    differs.push(`licence: wanted "${reference}", is "${vcenter.license_id ?? 'none'}"`);
  if (changedSecrets.includes('password'))
    differs.push('password: the Secret changed, or what it holds was never proved at the remote');
  return differs;
}

function metering(vcenter: VCenter): Claim {
  const { metering_health: healthy, metering_health_error_type: error } = vcenter;
  const type = 'MeteringHealthy';
  if (healthy === undefined)
    return { type, status: 'Unknown', reason: 'NotReported', message: 'metering has not run yet' };
  if (healthy) return { type, status: 'True', reason: 'Metered', message: 'the platform meters this vCenter' };
  return {
    type,
    status: 'False',
    reason: 'MeteringFailed',
    message: `metering fails with ${error ?? 'no error type'}: check that the vCenter answers at its address and takes the password; NTT may stop a service that it cannot meter`,
    warn: true,
  };
}

/** A vCenter known to NTT SDPF, so that it can be metered: one address, one licence, one password. */
export const vcenterRegistration: Kind = defineKind<typeof spec, VCenter, SDPFClient>({
  group: 'sdpf.freehold.dev',
  version: 'v1alpha1',
  names: {
    kind: 'VCenterRegistration',
    plural: 'vcenterregistrations',
    shortNames: ['vcreg'],
    categories: ['freehold'],
  },
  description:
    'A VCenterRegistration tells the Smart Data Platform of a vCenter: the address, the licence key and the password by which it is metered.',
  spec,
  status,
  conditions: [
    {
      type: 'MeteringHealthy',
      description: 'The platform meters the vCenter; Unknown until metering has run.',
      reasons: ['Metered', 'MeteringFailed', 'NotReported'],
    },
  ],
  printerColumns: commonColumns([
    { name: 'Address', type: 'string', jsonPath: '.status.linkLocalAddress' },
    { name: 'Metering', type: 'string', jsonPath: '.status.conditions[?(@.type=="MeteringHealthy")].status' },
    { name: 'Synced', type: 'string', jsonPath: '.status.conditions[?(@.type=="Synced")].status' },
    { name: 'External-ID', type: 'string', jsonPath: '.status.externalID', priority: 1 },
    { name: 'License', type: 'string', jsonPath: '.status.licenseID', priority: 1 },
    { name: 'Version', type: 'string', jsonPath: '.status.version', priority: 1 },
  ]),
  rules: [
    ...commonRules(noun),
    {
      rule: 'has(self.spec.licenseRef) != has(self.spec.licenseID)',
      message: 'write either spec.licenseRef (a GuestLicense) or spec.licenseID, not both and not none',
      fieldPath: '.spec.licenseRef',
      reason: 'FieldValueInvalid',
    },
  ],
  tenantKind: 'SDPFTenant',
  refers: ({ licenseRef }) => (licenseRef ? [['GuestLicense', licenseRef.name]] : []),
  main: {
    noun,
    identity: { level: 'natural-key', keyOf: (vcenter) => vcenter.license_id },
    collection: 'vcenters',
    read: readFromList((client) => client.listVCenters('motion')),
    // seed 000, List Available IP Addresses of vCenter: nothing reserves one.
    async choose(client, { spec: wanted }, world) {
      for (const [id, remote] of world.listed('vcenters') ?? []) {
        const { link_local_address: address, license_id: license } = remote as VCenter;
        if (address === wanted.linkLocalAddress) {
          return {
            reason: 'AddressTaken',
            message: `${address} is registered as ${id} with ${license === undefined ? 'no licence' : `licence ${license}`}; choose another address, or adopt that registration by spec.externalID`,
          };
        }
      }
      const { items } = await client.listVCenterAddresses('motion');
      const free = items
        .filter(({ in_use, address }) => !in_use && !world.reserved(address))
        .map(({ address }) => address);
      if (wanted.linkLocalAddress === undefined) {
        return free[0] === undefined
          ? {
              reason: 'NoFreeAddress',
              message:
                'the platform offers no free link-local address; one becomes free when a registration is deleted',
            }
          : { choice: free[0] };
      }
      if (free.includes(wanted.linkLocalAddress)) return { choice: wanted.linkLocalAddress };
      const offered = items.some(({ address }) => address === wanted.linkLocalAddress);
      return offered
        ? {
            reason: 'AddressTaken',
            message: `${wanted.linkLocalAddress} is in use; choose another address, or adopt the registration by spec.externalID`,
          }
        : {
            reason: 'InvalidSpec',
            message: `linkLocalAddress ${wanted.linkLocalAddress} is not among those that the platform offers; free: ${free.join(', ') || 'none'}`,
          };
    },
    async create({ client, secrets, reference, choice, fence }) {
      const { id } = await client.registerVCenter(
        { link_local_address: choice ?? '', password: secrets['password']!, license_id: reference ?? '' },
        fence,
      );
      return { id };
    },
    async update({ client, spec: wanted, secrets, reference, fence }, { id, remote }) {
      // NTT's SDK sends a part, seed 000, Update Registered vCenter shows all three: all three are always right.
      await client.updateVCenter(
        id,
        {
          link_local_address: wanted.linkLocalAddress ?? remote.link_local_address,
          password: secrets['password']!,
          license_id: reference ?? remote.license_id ?? '',
        },
        fence,
      );
    },
    remove: ({ client, fence }, id) => client.deleteVCenter(id, fence),
  },
  secrets: ({ passwordSecretRef: ref }) => ({
    password: { name: ref.name, key: ref.key, live: true, check: passwordProblem },
  }),
  reference: licenseOf,
  plan(desired, { main }): Step {
    if (main.state !== 'present') return { do: 'create', remote: 'main' };
    const differs = drift(desired, main.remote);
    if (differs.length > 0) return { do: 'update', remote: 'main', drift: differs };
    return { do: 'ready', message: `vCenter is registered at ${main.remote.link_local_address}` };
  },
  planRemoval: () => ({ do: 'remove', remote: 'main' }),
  differences: () => [],
  report: (vcenter) => ({
    status: {
      linkLocalAddress: vcenter.link_local_address,
      licenseID: vcenter.license_id,
      version: vcenter.version,
      instanceName: vcenter.instance_name,
    },
    conditions: [metering(vcenter)],
  }),
});
