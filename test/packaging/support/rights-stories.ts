import { setTimeout as sleep } from 'node:timers/promises';
import { configOf, type Deployment, type Manifest } from './helm.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import { credentialsSecret } from '../../support/credentials.ts';
import { license, password, registration } from '../../support/licenses.ts';
import type { Scenario } from '../../support/scenario.ts';
import { conditionOf } from '../../support/servers.ts';
import { until } from '../../support/wait.ts';
import { type LimitedOperator, startLimited } from './limited-operator.ts';

/** One verb of a rule. */
export interface Right {
  group: string;
  resource: string;
  verb: string;
}

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

export type Role = Manifest & { rules: Rule[] };

export const rightsOf = ({ rules }: Role): Right[] =>
  rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => ({ group, resource, verb })))),
  );

const isRole = (manifest: Manifest): manifest is Role => manifest.kind === 'Role';
export const rolesOf = (manifests: Manifest[]): Role[] => manifests.filter(isRole);

/** The same role without that right; rules are split into one for each resource, which means the same. */
function without(role: Role, removed: Right | undefined): Role {
  const rules = rightsOf(role)
    .filter(
      ({ group, resource, verb }) =>
        !removed || group !== removed.group || resource !== removed.resource || verb !== removed.verb,
    )
    .map(({ group, resource, verb }) => ({ apiGroups: [group], resources: [resource], verbs: [verb] }));
  return { ...role, rules };
}

/** Milliseconds: how long a step may take; and from the first refusal on the one that is expected not to come. */
const patience = { allowed: 40_000, refused: 4000 };

export interface Told {
  /** The step of the story that was not reached; undefined when it went to its end. */
  failed: string | undefined;
  /** What the API server forbade, in its words, each once. */
  refusals: string[];
}

/** One step of a story: what is done, and what must come of it. */
interface Step {
  name: string;
  act?: () => Promise<unknown>;
  holds: () => Promise<boolean> | boolean;
}

type Start = (...flags: string[]) => Promise<LimitedOperator>;
export type Story = (s: Scenario, start: Start) => AsyncIterable<Step>;

/** Plays a story with the rights of the chart, or with all but one, without which a step is expected not to come. */
export async function play(
  s: Scenario,
  manifests: Manifest[],
  story: Story,
  { removed, expected }: { removed?: Right | undefined; expected?: string | undefined },
): Promise<Told> {
  const started: LimitedOperator[] = [];
  const deployment = manifests.find(({ kind }) => kind === 'Deployment') as Deployment;
  const { args } = deployment.spec.template.spec.containers[0]!;
  const account = deployment.spec.template.spec.serviceAccountName;
  const rbac = manifests.filter(({ kind }) => ['ServiceAccount', 'Role', 'RoleBinding'].includes(kind));
  await s.apply(...rbac.map((manifest) => (isRole(manifest) ? without(manifest, removed) : manifest)));
  const start: Start = async (...flags) => {
    const operator = await startLimited(s, account, configOf([...args, ...flags]));
    started.push(operator);
    return operator;
  };
  const refusals = () => [
    ...new Set(
      started.flatMap(({ refusals: all }) => all.map((text) => /cannot .* in API group "\S*"/.exec(text)?.[0] ?? text)),
    ),
  ];
  try {
    for await (const { name, act, holds } of story(s, start)) {
      await act?.();
      const began = performance.now();
      let refusedSince: number | undefined;
      for (;;) {
        if (await holds()) break;
        const now = performance.now();
        if (name === expected && refusals().length > 0) refusedSince ??= now;
        const [since, most] = refusedSince === undefined ? [began, patience.allowed] : [refusedSince, patience.refused];
        if (now - since > most) return { failed: name, refusals: refusals() };
        await sleep(20);
      }
    }
    return { failed: undefined, refusals: refusals() };
  } finally {
    await Promise.all(started.map((operator) => operator.stop()));
  }
}

/** A Lease that outlasts every jump of the clock. */
const unending = ['--lease-duration=30h', '--renew-deadline=20h'];

const ready = (s: Scenario, kind: string, name: string) => async () =>
  conditionOf(await s.get(kind, name), 'Ready')?.status === 'True';

const gone =
  (s: Scenario, ...objects: [kind: string, name: string][]) =>
  async () => {
    // Between two looks time must pass.
    s.clock.advance(200);
    const found = await Promise.all(objects.map(([kind, name]) => s.get(kind, name)));
    return found.every((object) => object === undefined);
  };

/** Nobody can remove it: a finalizer is on it. */
const held = (s: Scenario, kind: string, name: string) => async () =>
  ((await s.get(kind, name))?.metadata.finalizers ?? []).length > 0;

/** Milliseconds; what is younger is not taken for gone, since its create may be under way. */
const settled = 16 * 60_000;

function remove(s: Scenario, ...names: string[]): () => Promise<unknown> {
  return () => {
    s.clock.advance(settled);
    return s.kubectl(['delete', ...names, '--wait=false']);
  };
}

interface Event extends KubeObject {
  reason: string;
  regarding: { kind: string; name: string };
  series?: { count: number };
}

const eventType = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event' };

async function events(s: Scenario, kind: string, name: string): Promise<Event[]> {
  const { items } = await s.api.list<Event>(eventType, { namespace: s.namespace });
  return items.filter(({ regarding }) => regarding.kind === kind && regarding.name === name);
}

const deletionPolicy = 'Delete';

const machine = (name: string, tenant: string, driver: string) => ({
  apiVersion: 'cloudos.freehold.dev/v1alpha1',
  kind: 'BareMetalNode',
  metadata: { name },
  spec: {
    tenantRef: { name: tenant },
    deletionPolicy,
    driver,
    bmc: { address: '192.0.2.1', credentialsSecretRef: { name: 'bmc' } },
  },
});

/** A pod that begins. What is applied from then on it can only know by its watches: it lists no more. */
async function* beginning(s: Scenario, start: Start, before: KubeObject): AsyncGenerator<Step> {
  await s.apply(before);
  const pod = await start(...unending);
  yield { name: 'the pod is ready', holds: pod.ready };
  const judged = async () => conditionOf(await s.get(before.kind, before.metadata.name), 'Ready') !== undefined;
  yield { name: 'the pod works', holds: judged };
}

/** The life of a server, a licence and a vCenter, that come and go while the operator runs. */
export async function* sdpf(s: Scenario, start: Start): AsyncGenerator<Step> {
  yield* beginning(s, start, machine('of-others', 'nobody', 'ipmi'));
  const resources = [
    ...s.tenant(),
    password(),
    s.hypervisor('web', { deletionPolicy }),
    license(s, 'vc', { deletionPolicy }),
    registration('vc', { deletionPolicy, licenseRef: { name: 'vc' } }),
  ];
  yield {
    name: 'the tenant cannot be removed while it is in use',
    act: () => s.apply(...resources),
    holds: held(s, 'sdpft', 'tenant'),
  };
  yield { name: 'the tenant is Ready', holds: ready(s, 'sdpft', 'tenant') };
  yield { name: 'the server is Ready', holds: ready(s, 'dh', 'web') };
  yield {
    name: 'the credentials cannot be removed while they are in use',
    holds: held(s, 'secret', 'tenant-credentials'),
  };
  yield { name: 'the licence is Ready', holds: ready(s, 'gl', 'vc') };
  yield { name: 'the vCenter is Ready', holds: ready(s, 'vcreg', 'vc') };
  yield {
    name: 'an event says that the server was ordered',
    holds: async () => (await events(s, 'DedicatedHypervisor', 'web')).some(({ reason }) => reason === 'Created'),
  };
  const reason = async () => conditionOf(await s.get('sdpft', 'tenant'), 'Ready')?.reason;
  const annotations = ['freehold.dev/paused=true', 'freehold.dev/paused-'];
  for (const annotation of [...annotations, ...annotations])
    yield {
      name: `the tenant takes note of ${annotation}`,
      act: () => s.kubectl(['annotate', 'sdpft/tenant', annotation]),
      holds: async () => ((await reason()) === 'Paused') === annotation.endsWith('true'),
    };
  yield {
    name: 'an event that comes again is counted',
    holds: async () => (await events(s, 'SDPFTenant', 'tenant')).some(({ series }) => (series?.count ?? 1) > 1),
  };
  const key = async () =>
    ((await s.get('secret', 'vc-license')) as unknown as { data: { licenseKey: string } }).data.licenseKey;
  const bought = await key();
  yield {
    name: 'a licence key that somebody changed is put back',
    async act() {
      await s.kubectl(['patch', 'secret/vc-license', '-p', '{"stringData": {"licenseKey": "altered"}}']);
      await s.kubectl(['annotate', 'gl/vc', 'freehold.dev/reconcile-requested-at=now']);
    },
    holds: async () => (await key()) === bought,
  };
  yield {
    name: 'the deleted server, licence and vCenter are gone, and their Secrets',
    act: remove(s, 'dh/web', 'vcreg/vc', 'gl/vc'),
    holds: gone(
      s,
      ['dh', 'web'],
      ['vcreg', 'vc'],
      ['gl', 'vc'],
      ['secret', 'web-admin-password'],
      ['secret', 'vc-license'],
    ),
  };
  yield {
    name: 'the deleted tenant is gone, and its credentials',
    act: remove(s, 'sdpft/tenant', 'secret/tenant-credentials'),
    holds: gone(s, ['sdpft', 'tenant'], ['secret', 'tenant-credentials']),
  };
}

/** The life of a machine. */
export async function* cloudos(s: Scenario, start: Start): AsyncGenerator<Step> {
  yield* beginning(s, start, s.hypervisor('of-others', { tenantRef: { name: 'nobody' } }) as KubeObject);
  const { authURL, endpoint, project, username, password: secret, driver } = s.sandbox.info.cloudos;
  const credentials = (name: string, user: string, value: string) =>
    credentialsSecret(s.namespace, name, { username: user, password: value });
  const apiVersion = 'cloudos.freehold.dev/v1alpha1';
  const credentialsSecretRef = { name: 'cloud-credentials' };
  const resources = [
    credentials('cloud-credentials', username, secret),
    credentials('bmc', 'bmc-user', 'bmc-password'),
    {
      apiVersion,
      kind: 'CloudOSTenant',
      metadata: { name: 'cloud' },
      spec: { authURL, endpoint, project, credentialsSecretRef },
    },
    machine('node', 'cloud', driver),
  ];
  yield {
    name: 'the project cannot be removed while it is in use',
    act: () => s.apply(...resources),
    holds: held(s, 'cost', 'cloud'),
  };
  yield { name: 'the project is Ready', holds: ready(s, 'cost', 'cloud') };
  yield { name: 'the machine is Ready', holds: ready(s, 'bmn', 'node') };
  yield { name: 'the deleted machine is gone', act: remove(s, 'bmn/node'), holds: gone(s, ['bmn', 'node']) };
  yield {
    name: 'the deleted project is gone, and its credentials',
    act: remove(s, 'cost/cloud', 'secret/cloud-credentials'),
    holds: gone(s, ['cost', 'cloud'], ['secret', 'cloud-credentials']),
  };
}

/** Two pods, the first of which ends; then a shard takes their place. The Lease is looked at too seldom to be of help. */
export async function* leadership(_: Scenario, start: Start): AsyncGenerator<Step> {
  const seldom = ['--lease-duration=120s', '--renew-deadline=100s', '--retry-period=80s'];
  const first = await start(...seldom);
  yield { name: 'a pod leads', holds: () => first.leads() };
  const second = await start(...seldom);
  await until('the standby watches', () => second.leaseWatches() > 0, 30_000);
  yield { name: 'the standby leads as soon as the leader ended', act: () => first.stop(), holds: () => second.leads() };
  await second.stop();
  const shard = await start(...seldom, '--shards=2', '--shard=0');
  yield { name: 'a shard leads', holds: () => shard.leads() };
}
