import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type ControlPlane, startControlPlane } from '../support/controlplane.ts';
import { blocks } from '../support/docs.ts';
import { credentialsSecret } from '../support/credentials.ts';
import { license, password, registration } from '../support/licenses.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';
import { conditionOf, passUntil } from '../support/servers.ts';
import { until } from '../support/wait.ts';

const [rules = ''] = blocks('docs/security.md', 'yaml');
const directory = mkdtempSync(path.join(tmpdir(), 'freehold-rbac-'));
/** Of its own: the operator here watches all namespaces, and would act in those of other tests. */
let cluster: ControlPlane;
let s: Scenario;
/** Of the service account, with the documented rights and nothing more. */
let kubeconfig: string;

/** A kubeconfig of a user who may do what docs/security.md says, and no more. */
beforeAll(async () => {
  cluster = await startControlPlane();
  const admin = async (args: string[], input?: string) => {
    const { code, stdout, stderr } = await cluster.kubectl(args, input);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  };
  const account = 'default:freehold-rbac';
  await admin(['apply', '-n', 'default', '-f', '-'], rules);
  await admin(['create', 'serviceaccount', '-n', 'default', 'freehold-rbac']);
  await admin([
    'create',
    'clusterrolebinding',
    'freehold-rbac',
    '--clusterrole=freehold',
    `--serviceaccount=${account}`,
  ]);
  const leader = ['create', 'rolebinding', '-n', 'default', 'freehold-rbac', '--role=freehold-leader'];
  await admin([...leader, `--serviceaccount=${account}`]);
  const token = (await admin(['create', 'token', '-n', 'default', 'freehold-rbac'])).trim();
  const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { user: object }[] };
  for (const entry of config.users) entry.user = { token };
  kubeconfig = path.join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, stringify(config));
  s = await createScenario({ cluster });
}, 60_000);
afterAll(async () => {
  await s?.end();
  await cluster?.stop();
  rmSync(directory, { recursive: true });
});

/** A CloudOSTenant and a node in it, with their Secrets. */
function rack(): object[] {
  const { authURL, endpoint, project, username, password: secret, driver } = s.sandbox.info.cloudos;
  const credentials = (name: string, user: string, value: string) =>
    credentialsSecret(s.namespace, name, { username: user, password: value });
  const apiVersion = 'cloudos.freehold.dev/v1alpha1';
  return [
    credentials('cloud-credentials', username, secret),
    credentials('bmc', 'bmc-user', 'bmc-password'),
    {
      apiVersion,
      kind: 'CloudOSTenant',
      metadata: { name: 'cloud' },
      spec: { authURL, endpoint, project, credentialsSecretRef: { name: 'cloud-credentials' } },
    },
    {
      apiVersion,
      kind: 'BareMetalNode',
      metadata: { name: 'node' },
      spec: {
        tenantRef: { name: 'cloud' },
        deletionPolicy: 'Delete',
        driver,
        bmc: { address: '192.0.2.1', credentialsSecretRef: { name: 'bmc' } },
        portGroups: [{ name: 'bond0' }],
        ports: [{ macAddress: '52:54:00:00:00:01', portGroup: 'bond0' }],
        action: { verb: 'Inspect', requestedAt: '2099-01-01T00:00:00Z' },
      },
    },
  ];
}

const licenseKey = async () =>
  ((await s.get('secret', 'vc-license')) as unknown as { data: { licenseKey: string } }).data.licenseKey;

it('the rights that docs/security.md names are enough for the life of a server, a licence and a vCenter', async () => {
  const deletionPolicy = 'Delete';
  await s.apply(
    ...s.tenant(),
    s.hypervisor('web', { deletionPolicy }),
    password(),
    license(s, 'vc', { deletionPolicy }),
    registration('vc', { deletionPolicy, licenseRef: { name: 'vc' } }),
  );
  const operator = await s.start({
    kubeconfig,
    leaderElect: true,
    leaseNamespace: 'default',
    leaseName: 'rbac',
    watchNamespaces: '',
  });
  await s.condition('dh', 'web', 'Ready', 'False', 'Building');
  await s.pass(60_000);
  await s.ready();
  await s.condition('vcreg', 'vc', 'Ready', 'True');
  const key = await licenseKey();
  expect(key).not.toBe('');
  await s.kubectl(['patch', 'secret/vc-license', '-p', '{"stringData": {"licenseKey": "altered"}}']);
  await s.kubectl(['annotate', 'gl/vc', 'freehold.dev/reconcile-requested-at=now']);
  await until('the key is as it was', async () => (await licenseKey()) === key);
  await s.kubectl(['delete', 'dh/web', 'vcreg/vc', 'gl/vc', '--wait=false']);
  await s.pass(20 * 60_000);
  await s.gone('dh', 'web');
  await s.gone('vcreg', 'vc');
  await s.gone('gl', 'vc');
  expect(await s.get('secret', 'web-admin-password')).toBeUndefined();
  expect(await s.get('secret', 'vc-license')).toBeUndefined();
  await s.kubectl(['delete', 'sdpft/tenant', 'secret/tenant-credentials', '--wait=false']);
  await s.gone('sdpft', 'tenant');
  await s.gone('secret', 'tenant-credentials');
  expect((await s.kubectl(['get', 'events', '-o', 'name'])).stdout).not.toBe('');
  expect(operator.log()).not.toMatch(/orbidden/);
  await operator.stop();
});

it('the rights that docs/security.md names are enough for the life of a bare-metal node', async () => {
  await s.apply(...rack());
  const operator = await s.start({
    kubeconfig,
    leaderElect: true,
    leaseNamespace: 'default',
    leaseName: 'rbac',
    watchNamespaces: '',
  });
  await passUntil(
    s,
    'the node is Ready and inspected',
    async () => {
      const node = await s.get('bmn', 'node');
      return (
        node !== undefined && conditionOf(node, 'Ready')?.status === 'True' && node.status?.action?.result !== undefined
      );
    },
    10 * 60_000,
    5_000,
  );
  expect((await s.get('bmn', 'node'))?.status?.action?.result).toBe('Succeeded');
  await s.kubectl(['delete', 'bmn/node', '--wait=false']);
  await passUntil(s, 'the node is gone', async () => (await s.get('bmn', 'node')) === undefined, 30 * 60_000, 5_000);
  await s.kubectl(['delete', 'cost/cloud', 'secret/cloud-credentials', '--wait=false']);
  await s.gone('cost', 'cloud');
  await s.gone('secret', 'cloud-credentials');
  expect(operator.log()).not.toMatch(/orbidden/);
  await operator.stop();
});

it('the rights that docs/security.md names are enough for a shard that waits for another count, and then leads', async () => {
  const ofRBAC = { kubeconfig, leaderElect: true, leaseNamespace: 'default', leaseName: 'rbac-shards' };
  const former = await s.start({ ...ofRBAC, shards: 2, shard: 1 });
  await until('the former leads', () => former.operator.term() !== undefined);
  const next = await s.start({ ...ofRBAC, shards: 1 });
  const note = () => next.operator.ready.find(({ name }) => name === 'shards')?.note?.();
  await until('the next waits', () => note()?.includes('rbac-shards-1-of-2') ?? false);
  await former.stop();
  await s.pass(10_000, 500);
  await until('the next leads', () => next.operator.term() !== undefined);
  expect(note()).toBeUndefined();
  expect(former.log() + next.log()).not.toMatch(/orbidden/);
  await next.stop();
});
