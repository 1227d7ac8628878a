import * as z from 'zod';
import { immutable, tenantColumns, tenantSpec, tenantStatus, url } from '../engine/schema-tenant.ts';
import { defineTenant, type ConnectOptions, type TenantKind } from '../engine/tenant.ts';
import { openSession } from '../engine/tenant-session.ts';
import { listed } from '../remote/tolerant-list.ts';
import { createSDPFClient, type SDPFClient } from './client.ts';
import type { License } from './wire-license.ts';
import type { Server } from './wire-server.ts';
import type { VCenter } from './wire-vcenter.ts';

const spec = z
  .object({
    region: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[a-z0-9-]+$/)
      .describe('Region of the tenant, e.g. jp1. It cannot be changed.'),
    tenantID: z
      .string()
      .regex(/^[0-9a-f]{32}$/)
      .max(32)
      .describe(
        'Tenant ID: 32 lower-case hexadecimal digits without hyphens, as the SDPF portal shows it. It cannot be changed.',
      ),
    authURL: url('Keystone v3 URL, e.g. https://keystone-jp1-ecl.api.ntt.com/v3.'),
    licenseBuyers: z
      .enum(['Shared', 'OnlyThisOperator'])
      .default('Shared')
      .describe(
        'Who buys licences in this tenant; nothing at a licence tells who bought it. Shared: others may, so no licence is taken for ours without a word of a person. OnlyThisOperator: your word that nobody else does, neither in the portal nor by another tool; then unclaimed licences are stock that is used before one is bought, and what appears after a lost answer is ours.',
      ),
    endpoint: url(
      'Base URL of the Dedicated Hypervisor API, ending in /v1.0/<tenant ID>. Default: what the service catalogue says for the region.',
    ).optional(),
    ...tenantSpec('apiKey and apiSecret', {
      maxDedicatedHypervisors: z
        .int()
        .min(0)
        .max(10000)
        .optional()
        .describe(
          'Most dedicated hypervisors that may be owned in this tenant; a create beyond it waits with reason LimitReached. Default: no bound.',
        ),
      maxGuestLicenses: z
        .int()
        .min(0)
        .max(10000)
        .optional()
        .describe(
          'Most guest licences that may be owned in this tenant; a create beyond it waits with reason LimitReached. Default: no bound.',
        ),
    }),
  })
  .describe('Which tenant, and how to act in it.');

const status = tenantStatus({
  licenseTypes: z
    .array(
      z.object({
        name: z.string().describe('Name, as other resources must write it.'),
        hasLicenseKey: z.boolean().describe('A key of this type can be ordered.'),
        unit: z.string().optional().describe('What is counted.'),
      }),
    )
    .optional()
    .describe("The tenant's catalogue of licence types.")
    .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
}).describe('The tenant as it was last seen, written by the operator.');

/** An SDPF tenant: one API key pair, one region, one budget. */
export const sdpfTenant: TenantKind = defineTenant<typeof spec, SDPFClient>({
  group: 'sdpf.freehold.dev',
  version: 'v1alpha1',
  names: { kind: 'SDPFTenant', plural: 'sdpftenants', shortNames: ['sdpft'], categories: ['freehold'] },
  description:
    'An SDPFTenant is a tenant of the Smart Data Platform with the credentials to act in it. Resources of the same namespace name it by spec.tenantRef.',
  spec,
  status,
  printerColumns: tenantColumns([
    { name: 'Region', type: 'string', jsonPath: '.spec.region' },
    { name: 'Project', type: 'string', jsonPath: '.status.identity.projectName', priority: 1 },
  ]),
  rules: [
    immutable('tenantID', 'what was bought in one tenant does not exist in another; create another SDPFTenant'),
    immutable('region', 'what was bought in one region does not exist in another; create another SDPFTenant'),
  ],
  secretKeys: ['apiKey', 'apiSecret'],
  remoteKey: ({ region, tenantID }) => `sdpf/${region}/${tenantID}`,
  connect,
  collections: {
    servers: {
      list: async (client) => listed(await client.listServersDetail('poll')),
      id: (item) => (item as Server).id,
      since: (item) => (item as Server).baremetal_server?.created,
    },
    licenses: {
      list: async (client) => listed(await client.listLicenses('poll')),
      id: (item) => (item as License).id,
      since: (item) => (item as License).assigned_from,
    },
    vcenters: {
      list: async (client) => listed(await client.listVCenters('poll')),
      id: (item) => (item as VCenter).id,
      since: () => undefined,
    },
  },
  factFields: ['licenseTypes'],
  async facts(client) {
    const { items } = await client.listLicenseTypes('poll');
    const licenseTypes = items.map(({ name, has_license_key, unit }) => ({
      name,
      hasLicenseKey: has_license_key,
      ...(unit !== undefined && { unit }),
    }));
    // An object of Kubernetes has an end.
    return { licenseTypes: licenseTypes.sort((a, b) => a.name.localeCompare(b.name)).slice(0, 500) };
  },
});

function connect(options: ConnectOptions<z.output<typeof spec>>) {
  const { spec: wanted, credentials } = options;
  const session = openSession(options, {
    authURL: wanted.authURL,
    caBundle: wanted.caBundle,
    credentials: { username: credentials['apiKey']!.reveal(), password: credentials['apiSecret']! },
    project: { projectID: wanted.tenantID },
    // sdpf.ntt.com, API common information: the catalogue's public entry of this type ends in /v1.0/{tenant_id}.
    target:
      wanted.endpoint === undefined
        ? { serviceType: 'dedicated-hypervisor', region: wanted.region }
        : { endpoint: new URL(wanted.endpoint) },
  });
  return { client: createSDPFClient(session), session };
}
