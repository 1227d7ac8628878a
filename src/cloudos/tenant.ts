import * as z from 'zod';
import { immutable, tenantColumns, tenantSpec, tenantStatus, url } from '../engine/schema-tenant.ts';
import { openSession } from '../engine/tenant-session.ts';
import { defineTenant, type ConnectOptions, type TenantKind, type TenantSpec } from '../engine/tenant.ts';
import { listed } from '../remote/tolerant-list.ts';
import { createCloudOSClient, type CloudOSClient } from './client.ts';
import type { Node } from './wire-node.ts';
import type { Port, PortGroup } from './wire-port.ts';

const keystoneName = (most: number) => z.string().min(1).max(most);

const path = (normal: string, of: string) =>
  z
    .string()
    .max(255)
    .regex(/^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/)
    .default(normal)
    .describe(`Path of ${of} at the gateway. Empty: a plain OpenStack without the gateway.`);

const spec = z
  .object({
    authURL: url('Keystone v3 URL, e.g. http://keystone.example:5000/v3.'),
    project: keystoneName(64).describe(
      'Name of the project (also called tenant or organisation) that tokens are for. It cannot be changed.',
    ),
    domain: keystoneName(64)
      .default('Default')
      .describe('Name of the Keystone domain of the project and of the user. It cannot be changed.'),
    region: keystoneName(255)
      .optional()
      .describe(
        'Region of the tenant, needed where the service catalogue has bare metal in several. It can be neither added, changed nor removed.',
      ),
    endpoint: url(
      'Base URL of the gateway, e.g. http://cloudos.example:11000, or of a plain Ironic, without /v1. Default: what the service catalogue says for service type baremetal in the region, which is Ironic itself.',
    ).optional(),
    paths: z
      .object({
        baremetal: path('/os/kinton/v1', 'the bare-metal API'),
        compute: path('/os/compute/v1', 'the compute API'),
        image: path('/os/image/v1', 'the image API'),
      })
      .prefault({})
      .describe("Where the gateway has the APIs: each path stands before the API's own."),
    microversion: z
      .string()
      .max(5)
      .regex(/^1\.\d{1,3}$/)
      .default('1.34')
      .describe('API version of Ironic that is asked for, in quotes. CloudOS documents 1.34.'),
    portInterval: z
      .int()
      .min(60)
      .max(86400)
      .default(3600)
      .describe(
        'Seconds between two reads of the ports and port groups of a node at rest. It matters at the gateway only, which has no list of all.',
      ),
    ...tenantSpec('username and password', {
      maxBareMetalNodes: z
        .int()
        .min(0)
        .max(10000)
        .optional()
        .describe(
          'Most bare-metal nodes that may be owned in this tenant; a create beyond it waits with reason LimitReached. Default: no bound.',
        ),
    }),
  })
  .describe('Which tenant, and how to act in it.');

export type CloudOSTenantSpec = z.output<typeof spec>;

const elsewhere = 'what was made in one project does not exist in another; create another CloudOSTenant';

/** A CloudOS tenant, or a project of a plain OpenStack: one user, one project, one budget. */
export const cloudOSTenant: TenantKind = defineTenant<typeof spec, CloudOSClient>({
  group: 'cloudos.freehold.dev',
  version: 'v1alpha1',
  names: { kind: 'CloudOSTenant', plural: 'cloudostenants', shortNames: ['cost'], categories: ['freehold'] },
  description:
    'A CloudOSTenant is a project of an H3C CloudOS, or of a plain OpenStack with Ironic, with the credentials to act in it. Resources of the same namespace name it by spec.tenantRef.',
  spec,
  status: tenantStatus({}).describe('The tenant as it was last seen, written by the operator.'),
  printerColumns: tenantColumns([
    { name: 'Project', type: 'string', jsonPath: '.spec.project' },
    { name: 'Region', type: 'string', jsonPath: '.spec.region', priority: 1 },
  ]),
  rules: [
    immutable('project', elsewhere),
    immutable('domain', elsewhere),
    {
      rule: 'has(self.spec.region) == has(oldSelf.spec.region) && (!has(self.spec.region) || self.spec.region == oldSelf.spec.region)',
      message:
        'spec.region cannot be added, changed or removed: what was made in one region does not exist in another; create another CloudOSTenant',
      fieldPath: '.spec.region',
      reason: 'FieldValueForbidden',
    },
    {
      rule: "has(self.spec.endpoint) || self.spec.paths.baremetal == ''",
      message:
        'spec.endpoint is required behind the gateway, since the service catalogue names Ironic itself: write the base URL of the gateway, or paths.baremetal: "" for a plain OpenStack',
      fieldPath: '.spec.endpoint',
      reason: 'FieldValueRequired',
    },
  ],
  secretKeys: ['username', 'password'],
  remoteKey: ({ region }, { projectID }) => `cloudos/${region ?? '-'}/${projectID}`,
  connect,
  collections: {
    nodes: {
      list: async (client) => listed(await client.listNodes('poll')),
      id: (item) => (item as Node).uuid,
      since: (item) => (item as Node).created_at,
    },
    ports: {
      list: async (client) => listed(await client.listPorts('poll')),
      id: (item) => (item as Port).uuid,
      since: (item) => (item as Port).created_at,
      perMain: readByNode,
      part: true,
    },
    portgroups: {
      list: async (client) => listed(await client.listPortGroups('poll')),
      id: (item) => (item as PortGroup).uuid,
      since: (item) => (item as PortGroup).created_at,
      perMain: readByNode,
      part: true,
    },
  },
  factFields: [],
  facts: async () => ({}),
});

/** The gateway has a list of the ports of one node only, and of its port groups. */
function readByNode(spec: TenantSpec): number | undefined {
  const { paths, portInterval } = spec as CloudOSTenantSpec;
  return paths.baremetal === '' ? undefined : portInterval;
}

function connect(options: ConnectOptions<CloudOSTenantSpec>) {
  const { spec: wanted, credentials } = options;
  const { authURL, caBundle, endpoint, region, project, domain } = wanted;
  const session = openSession(options, {
    authURL,
    caBundle,
    credentials: {
      username: credentials['username']!.reveal(),
      password: credentials['password']!,
      domainName: domain,
    },
    project: { projectName: project, domainName: domain },
    target:
      endpoint === undefined
        ? { serviceType: 'baremetal', ...(region !== undefined && { region }) }
        : { endpoint: new URL(endpoint) },
  });
  return { client: createCloudOSClient(session, wanted), session };
}
