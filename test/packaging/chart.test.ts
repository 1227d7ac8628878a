import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { configSchema } from '../../src/config.ts';
import { type Cluster, sharedCluster } from '../support/controlplane.ts';
import { root, textOf } from '../support/docs.ts';
import {
  chart,
  configOf,
  deployments,
  helm,
  type Manifest,
  ofKind,
  render,
  required,
  template,
} from './support/helm.ts';

const namespace = 'packaging-chart';
let cluster: Cluster;

beforeAll(async () => {
  cluster = await sharedCluster();
  const ok = async (args: string[], input?: string) => {
    const { code, stderr } = await cluster.kubectl(args, input);
    expect(code, stderr).toBe(0);
  };
  for (const name of [namespace, 'packaging-shop', 'packaging-lab'])
    await ok(
      ['apply', '--server-side', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    );
  await ok(['label', '--overwrite', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  const definitions = readFileSync(path.join(import.meta.dirname, 'support/monitoring-crds.yaml'), 'utf8');
  await ok(
    ['apply', '--server-side', '-f', '-'],
    parseAllDocuments(definitions)
      .map((each) => JSON.stringify(each))
      .join('\n'),
  );
  await ok([
    'wait',
    '--for=condition=Established',
    'crd/servicemonitors.monitoring.coreos.com',
    'crd/prometheusrules.monitoring.coreos.com',
  ]);
});

const defaults = configSchema.parse({ ownerID: required.ownerID });

const watched = { watchNamespaces: ['packaging-shop', 'packaging-lab'] };
const monitored = {
  monitoring: {
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '30s', scrapeTimeout: '10s' },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    dashboard: { enabled: true, annotations: { grafana_folder: 'Freehold' } },
  },
};
const hardened = {
  replicas: 3,
  image: { ...required.image, digest: `sha256:${'0'.repeat(64)}`, pullSecrets: [{ name: 'registry' }] },
  allowedEndpoints: ['keystone.example:5000', 'cloudos.example:11000'],
  networkPolicy: {
    enabled: true,
    ingressFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    remoteTo: [{ ipBlock: { cidr: '203.0.113.0/24' } }],
    apiServerPorts: [6443],
  },
  priorityClassName: 'system-cluster-critical',
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
  affinity: { podAntiAffinity: {} },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' },
  ],
  resources: { requests: { cpu: '100m', memory: '512Mi' }, limits: { memory: '1Gi' } },
  userRoles: { create: false },
  extraVolumes: [{ name: 'ca', configMap: { name: 'company-ca' } }],
  extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/ca', readOnly: true }],
  extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/ca/ca.crt' }],
  extraEnvFrom: [{ configMapRef: { name: 'more', optional: true } }],
  podAnnotations: { team: 'platform' },
  podLabels: { team: 'platform' },
  commonLabels: { 'app.kubernetes.io/part-of': 'infrastructure' },
  deploymentAnnotations: { 'example.com/owner': 'platform' },
};
const variants = { defaults: {}, namespaced: watched, sharded: { shards: 3 }, monitoring: monitored, hardened };

const identity = ({ kind, metadata }: Manifest) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

describe.each(Object.entries(variants))('with the values of "%s" it', (_, given) => {
  it('passes helm lint --strict', async () => {
    const { code, stdout, stderr } = await helm(
      ['lint', '--strict', chart, '--values', '-'],
      JSON.stringify({ ...required, ...given }),
    );
    expect(code, stdout + stderr).toBe(0);
  });

  it('renders the same twice', async () => {
    expect((await template({ ...required, ...given })).stdout).toBe((await template({ ...required, ...given })).stdout);
  });

  it('makes objects that the API server takes to the last field', async () => {
    const all = await render(given, 'freehold', namespace);
    const input = all.map((manifest) => JSON.stringify(manifest)).join('\n');
    const args = ['apply', '--dry-run=server', '--validate=strict', '-o', 'name', '-f', '-'];
    const { code, stdout, stderr } = await cluster.kubectl(args, input);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(all.length);
    expect(new Set(all.map(identity)).size).toBe(all.length);
  });

  it('makes pods that the Pod Security Standard "restricted" admits', async () => {
    const all = await render(given, 'freehold', namespace);
    const { metadata, spec } = deployments(all)[0]!.spec.template;
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'pod', namespace }, spec };
    const input = [pod, ...ofKind(all, 'Pod')].map((each) => JSON.stringify(each)).join('\n');
    const args = ['create', '--dry-run=server', '--validate=strict', '-f', '-'];
    const { code, stderr } = await cluster.kubectl(args, input);
    expect(code, stderr).toBe(0);
    const [container] = spec.containers;
    expect(container).toMatchObject({
      securityContext: {
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      },
    });
    expect(spec).toMatchObject({
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    });
  });

  it('starts the operator with flags that it takes', async () => {
    for (const { spec } of deployments(await render(given)))
      expect(configOf(spec.template.spec.containers[0]!.args).ownerID).toBe(required.ownerID);
  });
});

describe('by default it', () => {
  it('never has less than the wanted replicas, and lets a drain take one', async () => {
    const all = await render();
    const [deployment] = deployments(all);
    expect(deployment!.spec).toMatchObject({
      replicas: 2,
      strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    });
    expect(ofKind(all, 'PodDisruptionBudget')).toMatchObject([
      { spec: { maxUnavailable: 1, selector: deployment!.spec.selector } },
    ]);
  });

  it('starts the operator as it starts without flags, but for the hosts', async () => {
    const [deployment] = deployments(await render());
    const { identity: _, ...config } = configOf(deployment!.spec.template.spec.containers[0]!.args);
    expect(config).toEqual({
      ...Object.fromEntries(Object.entries(defaults).filter(([field]) => field !== 'identity')),
      allowedEndpoints: ['keystone-*-ecl.api.ntt.com', 'dedicated-hypervisor-*-ecl.api.ntt.com'],
    });
    expect(readFileSync(path.join(root, 'docs/security.md'), 'utf8')).toContain(
      `\`${config.allowedEndpoints.join(',')}\``,
    );
  });

  it('makes no object that only some clusters know, and nothing that people edit with', async () => {
    const all = await render();
    expect([...new Set(all.map(({ apiVersion }) => apiVersion))].sort()).toEqual([
      'apps/v1',
      'policy/v1',
      'rbac.authorization.k8s.io/v1',
      'v1',
    ]);
    const aggregated = all
      .flatMap(({ metadata }) => Object.keys(metadata.labels ?? {}))
      .filter((label) => label.includes('aggregate-to'));
    expect(aggregated).toEqual(['rbac.authorization.k8s.io/aggregate-to-view']);
  });

  it('lets a test pod ask the Service, which does not take that pod for an operator', async () => {
    const all = await render({}, 'freehold', namespace);
    const pod = ofKind(all, 'Pod')[0] as Manifest & { spec: { containers: { args: string[] }[] } };
    const [service] = ofKind(all, 'Service') as (Manifest & {
      spec: { selector: Record<string, string>; ports: { port: number }[] };
    })[];
    const { selector, ports } = service!.spec;
    expect(pod.spec.containers[0]!.args.at(-1)).toBe(
      `http://${service!.metadata.name}.${namespace}.svc:${ports[0]!.port}`,
    );
    expect(pod.metadata.labels).not.toMatchObject(selector);
    expect(deployments(all)[0]!.spec.template.metadata.labels).toMatchObject(selector);
  });
});

it('the test pod runs a command of the operator, which asks both questions', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    response.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const pod = ofKind(await render(), 'Pod')[0] as Manifest & { spec: { containers: { args: string[] }[] } };
  const args = pod.spec.containers[0]!.args.slice(0, -1);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stdout = await new Promise<string>((resolve) => {
    execFile(path.join(root, 'build/freehold'), [...args, url], (_error, out) => resolve(out));
  });
  server.close();
  expect(stdout).toBe('/healthz: 200 ok\n/readyz: 200 ok\n');
  expect(asked.sort()).toEqual(['/healthz', '/readyz']);
});

it('the schema knows no value that values.yaml does not explain', () => {
  const schema = JSON.parse(readFileSync(path.join(chart, 'values.schema.json'), 'utf8')) as Schema;
  const paths = (node: Schema, at: string): string[] =>
    Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
      child.properties ? [...paths(child, `${at}${name}.`)] : [`${at}${name}`],
    );
  const explained = [...textOf('charts/freehold/README.md').matchAll(/^\| `([\w.]+)` \|/gm)].map(([, name]) => name);
  const freeForm = /^(global|enabled|(resources|affinity)\.\w+)$/;
  expect(paths(schema, '').filter((name) => !explained.includes(name) && !freeForm.test(name))).toEqual([]);
  const open = (node: Schema): boolean =>
    (node.properties !== undefined && node.additionalProperties !== false) ||
    Object.values(node.properties ?? {}).some(open);
  expect([schema, ...Object.values(schema.definitions ?? {})].filter(open)).toEqual([]);
});

interface Schema {
  properties?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
  additionalProperties?: unknown;
}
