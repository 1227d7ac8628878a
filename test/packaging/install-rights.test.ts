import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/controlplane.ts';
import { createScenario } from '../support/scenario.ts';
import { type Manifest, render } from './support/helm.ts';
import {
  cloudos,
  leadership,
  play,
  type Right,
  rightsOf,
  rolesOf,
  sdpf,
  type Story,
  type Told,
} from './support/rights-stories.ts';

/** In the place of the namespace, which is another one for each story. */
const placeholder = 'namespace-of-the-story';
const rendered = await render(
  {
    watchNamespaces: [placeholder],
    allowedEndpoints: ['127.0.0.1:*'],
    allowInsecureEndpoints: true,
    settings: { motionInterval: '1s', absenceInterval: '1s', secretInterval: '1s' },
  },
  'freehold',
  placeholder,
);
const rights = rolesOf(rendered).flatMap(rightsOf);

let cluster: ControlPlane;
beforeAll(async () => {
  cluster = await startControlPlane();
}, 120_000);
afterAll(() => cluster?.stop(), 60_000);

async function told(story: Story, how: { removed?: Right; expected?: string | undefined } = {}): Promise<Told> {
  const settings = { buildSeconds: 0, deleteSeconds: 0, meteringSeconds: 0, jobSeconds: 0 };
  const s = await createScenario({ cluster, settings });
  try {
    const manifests = JSON.parse(JSON.stringify(rendered).replaceAll(placeholder, s.namespace)) as Manifest[];
    return await play(s, manifests, story, how);
  } finally {
    await s.sandbox.close();
  }
}

/** Which story needs a right. */
function storyOf({ group, resource }: Right): Story {
  if (resource === 'leases') return leadership;
  return group.startsWith('cloudos') ? cloudos : sdpf;
}

const ready: Record<string, string> = {
  sdpftenants: 'the tenant is Ready',
  dedicatedhypervisors: 'the server is Ready',
  guestlicenses: 'the licence is Ready',
  vcenterregistrations: 'the vCenter is Ready',
  cloudostenants: 'the project is Ready',
  baremetalnodes: 'the machine is Ready',
};

const others: Record<string, string> = {
  'watch sdpftenants': 'the tenant cannot be removed while it is in use',
  'patch sdpftenants': 'the tenant cannot be removed while it is in use',
  'watch cloudostenants': 'the project cannot be removed while it is in use',
  'patch cloudostenants': 'the project cannot be removed while it is in use',
  // Its only user is not seen.
  'watch baremetalnodes': 'the project cannot be removed while it is in use',
  'get secrets': 'the tenant is Ready',
  'create secrets': 'the server is Ready',
  'patch secrets': 'the credentials cannot be removed while they are in use',
  'delete secrets': 'the deleted server, licence and vCenter are gone, and their Secrets',
  'create events': 'an event says that the server was ordered',
  'patch events': 'an event that comes again is counted',
  'get leases': 'a pod leads',
  'create leases': 'a pod leads',
  'patch leases': 'the standby leads as soon as the leader ended',
  'watch leases': 'the standby leads as soon as the leader ended',
  'list leases': 'a shard leads',
};

/** Which step of the story does not come without it. */
function consequenceOf({ resource, verb }: Right): string | undefined {
  const kind = resource.split('/')[0]!;
  return others[`${verb} ${resource}`] ?? (verb === 'list' ? 'the pod is ready' : ready[kind]);
}

describe.concurrent('the operator with the rights of the chart', () => {
  it.each([
    ['servers, licences and vCenters', sdpf],
    ['machines', cloudos],
    ['pods that take over from one another', leadership],
  ] as const)('goes the whole way: %s', async (_, story) => {
    expect(await told(story)).toEqual({ failed: undefined, refusals: [] });
  });

  it.each(rights.map((right) => [right.verb, right.resource, right] as const))(
    'does not go it without the right to %s %s',
    async (verb, resource, right) => {
      const refusal = `cannot ${verb} resource "${resource}" in API group "${right.group}"`;
      const expected = consequenceOf(right);
      expect(expected).toBeDefined();
      expect(await told(storyOf(right), { removed: right, expected })).toEqual({
        failed: expected,
        refusals: [refusal],
      });
    },
  );
});
