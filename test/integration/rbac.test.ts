import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { sharedCluster } from '../support/controlplane.ts';
import { blocks } from '../support/docs.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';

const [rules = ''] = blocks('docs/security.md', 'yaml');
const directory = mkdtempSync(path.join(tmpdir(), 'freehold-rbac-'));
let s: Scenario;
/** Of the service account, with the documented rights and nothing more. */
let kubeconfig: string;

/** A kubeconfig of a user who may do what docs/security.md says, and no more. */
beforeAll(async () => {
  const cluster = await sharedCluster();
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
  rmSync(directory, { recursive: true });
});

it('the rights that docs/security.md names are enough for the life of a server', async () => {
  await s.apply(...s.tenant(), s.hypervisor('web', { deletionPolicy: 'Delete' }));
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
  const deleting = s.kubectl(['delete', 'dh/web', '--wait=false']);
  await deleting;
  await s.pass(20 * 60_000);
  await s.gone('dh', 'web');
  expect(await s.get('secret', 'web-admin-password')).toBeUndefined();
  await s.kubectl(['delete', 'sdpft/tenant', 'secret/tenant-credentials', '--wait=false']);
  await s.gone('sdpft', 'tenant');
  await s.gone('secret', 'tenant-credentials');
  expect((await s.kubectl(['get', 'events', '-o', 'name'])).stdout).not.toBe('');
  expect(operator.log()).not.toMatch(/orbidden/);
  await operator.stop();
});
