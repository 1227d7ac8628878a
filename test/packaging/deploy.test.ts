import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { readConfig } from '../../src/config.ts';
import { type Cluster, type ControlPlane, sharedCluster, startControlPlane } from '../support/controlplane.ts';
import { blocks, commands, root } from '../support/docs.ts';
import { configOf, deployments, helmEnvironment, type Manifest, manifests, ofKind, render } from './support/helm.ts';

const namespace = 'packaging-deploy';
const directory = path.join(root, 'build', 'test-overlays');
let cluster: Cluster;

beforeAll(async () => {
  cluster = await sharedCluster();
  const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await cluster.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(manifest));
  const definitions = path.join(import.meta.dirname, 'support/monitoring-crds.yaml');
  expect((await cluster.kubectl(['apply', '--server-side', '-f', definitions])).code).toBe(0);
  mkdirSync(directory, { recursive: true });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What `kubectl kustomize` makes of a directory below deploy/. */
async function built(where: string): Promise<Manifest[]> {
  const { code, stdout, stderr } = await cluster.kubectl(['kustomize', where]);
  if (code !== 0) throw new Error(stderr);
  return manifests(stdout);
}

/** An overlay of somebody who uses one of ours in another namespace. */
function moved(overlay: string): Promise<Manifest[]> {
  const own = mkdtempSync(path.join(directory, 'overlay-'));
  const resources = [path.relative(own, path.join(root, 'deploy', overlay))];
  writeFileSync(path.join(own, 'kustomization.yaml'), stringify({ namespace, resources }));
  return built(own);
}

/** The settings of the ConfigMap that the Deployment reads, and of its own environment. */
function environmentOf(all: Manifest[]): NodeJS.ProcessEnv {
  const [container] = deployments(all)[0]!.spec.template.spec.containers;
  const { name } = container!.envFrom![0]!.configMapRef;
  const map = ofKind(all, 'ConfigMap').find(({ metadata }) => metadata.name === name);
  return map!['data'] as NodeJS.ProcessEnv;
}

const argsOf = (all: Manifest[]) => deployments(all)[0]!.spec.template.spec.containers[0]!.args;

it('is the chart as it stands: node hack/deploy.ts --check', { timeout: 30_000 }, async () => {
  const said = await new Promise<string>((resolve) => {
    execFile(process.execPath, ['hack/deploy.ts', '--check'], { cwd: root }, (error, stdout, stderr) =>
      resolve(error ? stdout + stderr || error.message : ''),
    );
  });
  expect(said).toBe('');
});

describe.each(['base', 'overlays/example', 'overlays/monitoring', 'overlays/namespace-scoped'])(
  'deploy/%s',
  (overlay) => {
    it('makes objects that the API server takes to the last field, in another namespace, too', async () => {
      const all = await moved(overlay);
      const there = all.filter(({ metadata }) => metadata.namespace !== undefined);
      for (const { metadata } of there) expect(metadata.namespace).toBe(namespace);
      for (const { subjects } of [...ofKind(all, 'ClusterRoleBinding'), ...ofKind(all, 'RoleBinding')] as (Manifest & {
        subjects: object[];
      })[])
        expect(subjects).toEqual([{ kind: 'ServiceAccount', name: 'freehold', namespace }]);
      const input = all.map((manifest) => JSON.stringify(manifest)).join('\n');
      const args = [
        'apply',
        '--server-side',
        '--force-conflicts',
        '--dry-run=server',
        '--validate=strict',
        '-o',
        'name',
        '-f',
        '-',
      ];
      const { code, stdout, stderr } = await cluster.kubectl(args, input);
      expect(code, stderr).toBe(0);
      expect(stdout.trim().split('\n')).toHaveLength(all.length);
    });

    it('holds nothing whose end would take resources along: no definition, no namespace', async () => {
      const all = await built(path.join(root, 'deploy', overlay));
      expect([...ofKind(all, 'CustomResourceDefinition'), ...ofKind(all, 'Namespace')]).toEqual([]);
    });

    it('has nothing of Helm in it', async () => {
      expect(JSON.stringify(await built(path.join(root, 'deploy', overlay)))).not.toMatch(/helm/i);
    });
  },
);

describe('the base', () => {
  it('does not start before an overlay names the owner ID, and says so', async () => {
    const all = await built(path.join(root, 'deploy/base'));
    expect(() => configOf(argsOf(all), environmentOf(all))).toThrow(
      /^--owner-id \(FREEHOLD_OWNER_ID\) is required: .*it must outlive the cluster/,
    );
  });

  it('has the settings and the objects of the chart', async () => {
    const all = await built(path.join(root, 'deploy/base'));
    const ofChart = await render({ ownerID: 'x' });
    expect(readConfig({ ownerID: 'x' }, environmentOf(all))).toEqual(configOf(argsOf(ofChart)));
    const names = (list: Manifest[]) =>
      list
        .filter(({ kind }) => !['Namespace', 'CustomResourceDefinition', 'ConfigMap', 'Pod'].includes(kind))
        .map(({ kind, metadata }) => `${kind}/${metadata.name}`)
        .sort();
    expect(names(all)).toEqual(names(ofChart));
  });

  it('has definitions that Argo CD neither prunes nor deletes; the chart has the same', () => {
    const files = readdirSync(path.join(root, 'crds'));
    expect(files.length).toBeGreaterThan(5);
    const read = (...at: string[]) => parse(readFileSync(path.join(root, ...at), 'utf8')) as Manifest;
    for (const file of files) {
      const own = read('crds', file);
      const annotations = { 'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false' };
      const expected = { ...own, metadata: { ...own.metadata, annotations } };
      expect(read('deploy/crds', file)).toEqual(expected);
      expect(read('charts/freehold/crds', file)).toEqual(expected);
    }
  });
});

it('the example starts with its own owner ID, image and endpoints, all else by default', async () => {
  const all = await built(path.join(root, 'deploy/overlays/example'));
  const config = configOf(argsOf(all), environmentOf(all));
  expect(config).toMatchObject({ ownerID: 'my-company-prod', settleWindow: 15 * 60_000, workers: 64 });
  expect(config.allowedEndpoints).toContain('cloudos.example:11000');
  expect(deployments(all)[0]!.spec.template.spec.containers[0]!.image).toMatch(/^registry\.example\/freehold:/);
});

it('the namespace-scoped overlay has rights in its own namespace only, and watches no other', async () => {
  const all = await moved('overlays/namespace-scoped');
  expect(ofKind(all, 'ClusterRoleBinding')).toEqual([]);
  const [rights] = blocks('docs/security.md', 'yaml').flatMap(manifests);
  expect(ofKind(all, 'Role')).toContainEqual(expect.objectContaining({ rules: rights!['rules'] }));
  expect(ofKind(all, 'ClusterRole').map(({ metadata }) => metadata.name)).not.toContain('freehold');
  expect(deployments(all)[0]!.spec.template.spec.containers[0]!.env).toEqual([
    {
      name: 'FREEHOLD_WATCH_NAMESPACES',
      valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } },
    },
  ]);
});

it('the monitoring overlay scrapes the Service', async () => {
  const all = await built(path.join(root, 'deploy/overlays/monitoring'));
  const [monitor] = ofKind(all, 'ServiceMonitor') as (Manifest & {
    spec: { selector: { matchLabels: object }; endpoints: { port: string }[] };
  })[];
  const [service] = ofKind(all, 'Service') as (Manifest & { spec: { ports: { name: string }[] } })[];
  expect(service!.metadata.labels).toMatchObject(monitor!.spec.selector.matchLabels);
  expect(service!.spec.ports.map(({ name }) => name)).toContain(monitor!.spec.endpoints[0]!.port);
  expect(ofKind(all, 'PrometheusRule')).toHaveLength(1);
  expect(ofKind(all, 'ConfigMap').map(({ metadata }) => metadata.name)).toContain('freehold-dashboard');
});

describe('the commands of the documents', () => {
  let own: ControlPlane;
  const home = mkdtempSync(path.join(tmpdir(), 'freehold-reader-'));
  beforeAll(async () => {
    own = await startControlPlane();
  });
  afterAll(async () => {
    await own?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const bash = (script: string) =>
    new Promise<{ problem: string; stdout: string }>((resolve) => {
      const env = { ...helmEnvironment(home), KUBECONFIG: own.kubeconfig };
      execFile(
        '/bin/bash',
        ['-euo', 'pipefail', '-c', script],
        { cwd: root, env, timeout: 60_000 },
        (error, stdout, stderr) => resolve({ problem: error ? stderr || error.message : '', stdout }),
      );
    });

  it('with helm run one after the other, from the first install to the uninstall', async () => {
    let ran = 0;
    for (const document of ['README.md', 'docs/install.md']) {
      for (const block of commands(document, 'packaging')) {
        const { problem } = await bash(block);
        expect(problem, `${document}:\n${block}`).toBe('');
        ran += 1;
      }
    }
    expect(ran).toBeGreaterThan(4);
    const left = await bash('kubectl get deployments -A -o name; kubectl get crds -o name');
    expect(left.stdout).toContain('deployment.apps/shop-freehold');
    expect(left.stdout).not.toContain('deployment.apps/freehold\n');
    expect(left.stdout).toContain('/sdpftenants.sdpf.freehold.dev\n');
  });

  it('the values of docs/install.md are ones that the chart takes', async () => {
    const all = await render(parse(blocks('docs/install.md', 'yaml')[0]!) as object);
    expect(ofKind(all, 'NetworkPolicy')).toHaveLength(1);
  });
});
