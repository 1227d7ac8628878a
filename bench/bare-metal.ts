/**
 * `node bench/bare-metal.ts [NODES]`: bare-metal nodes on a real Ironic, from their manifests to `available`, by one operator
 * with the default budget. Writes bench/results/bare-metal-NODES.json: time, calls of the remote API in all and per node,
 * writes of Kubernetes. Needs what `make test-ironic` needs, and `make build`.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import type { Resource } from '../src/engine/resource.ts';
import { startControlPlane } from '../test/support/controlplane.ts';
import { startOpenStack } from '../test/support/openstack.ts';
import { startRecorder } from '../test/support/recorder.ts';
import { until } from '../test/support/wait.ts';

const root = path.resolve(import.meta.dirname, '..');
const count = Number(process.argv[2] ?? 200);
const namespace = `bench-${randomUUID().slice(0, 8)}`;
const name = (at: number) => `node-${String(at).padStart(4, '0')}`;
const hex = (at: number) => at.toString(16).padStart(4, '0');

function manifests(info: Awaited<ReturnType<typeof startOpenStack>>['info'], endpoint: string): object[] {
  const secret = (of: string, stringData: object) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: of, namespace },
    type: 'freehold.dev/credentials',
    stringData,
  });
  const { authURL, project, domain, username, password, driver } = info;
  return [
    secret('cloud', { username, password }),
    secret('bmc', { username: 'root', password: 'not-a-real-one' }),
    {
      apiVersion: 'cloudos.freehold.dev/v1alpha1',
      kind: 'CloudOSTenant',
      metadata: { name: 'cloud', namespace },
      spec: {
        authURL,
        project,
        domain,
        endpoint,
        paths: { baremetal: '' },
        credentialsSecretRef: { name: 'cloud' },
      },
    },
    ...Array.from({ length: count }, (_, at) => ({
      apiVersion: 'cloudos.freehold.dev/v1alpha1',
      kind: 'BareMetalNode',
      metadata: { name: name(at), namespace },
      spec: {
        tenantRef: { name: 'cloud' },
        driver,
        bmc: { address: `bmc-${at}.example`, credentialsSecretRef: { name: 'bmc' } },
        ports: [{ macAddress: `52:54:00:00:${hex(at).slice(0, 2)}:${hex(at).slice(2)}` }],
        provisioning: 'Available',
      },
    })),
  ];
}

/** What a call is, without what differs from node to node. */
function operation(method: string, at: string, body: unknown): string {
  const route = at.replace(/\?.*/, '').replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '{id}');
  const target = (body as { target?: unknown } | null)?.target;
  return `${method} ${route}${typeof target === 'string' ? ` ${target}` : ''}`;
}

const plane = await startControlPlane();
const openStack = await startOpenStack();
const recorder = await startRecorder(openStack.info.endpoint);
const operator = spawn(
  path.join(root, 'build/freehold'),
  [
    ...['run', '--owner-id', 'bench', '--kubeconfig', plane.kubeconfig],
    ...['--watch-namespaces', namespace, '--lease-namespace', namespace],
    ...['--allowed-endpoints', '127.0.0.1:*', '--allow-insecure-endpoints', '--listen', '127.0.0.1:0'],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
let log = '';
operator.stdout.on('data', (data: Buffer) => (log += data.toString()));
try {
  const kubectl = async (args: string[], input?: string) => {
    const { code, stdout, stderr } = await plane.kubectl(args, input);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  };
  await kubectl(['apply', '--server-side', '-f', path.join(root, 'crds')]);
  await kubectl(['create', 'namespace', namespace]);
  const items = manifests(openStack.info, recorder.url);
  const began = performance.now();
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const applied = performance.now();
  let ready = 0;
  const milestones: Record<string, number> = {};
  await until(
    `${count} nodes are Ready (log: ${log.slice(-500)})`,
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const list = JSON.parse(await kubectl(['-n', namespace, 'get', 'bmn', '-o', 'json'])) as { items: Resource[] };
      ready = list.items.filter(({ status }) =>
        status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
      ).length;
      for (const share of [0.5, 0.9, 1]) {
        if (ready >= share * count) milestones[`${share * 100} %`] ??= Math.round((performance.now() - began) / 1000);
      }
      return ready === count;
    },
    60 * 60_000,
  );
  const seconds = (performance.now() - began) / 1000;
  const byOperation: Record<string, number> = {};
  for (const { method, path: at, requestBody } of recorder.calls) {
    const what = operation(method, at, requestBody);
    byOperation[what] = (byOperation[what] ?? 0) + 1;
  }
  const nodes = await openStack.ironic.nodes();
  const states = Object.groupBy(nodes, (node) => String(node['provision_state']));
  const atRest = recorder.calls.length;
  const rested = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 180_000));
  const result = {
    what: `${count} nodes with a port each, from manifests to available; Ironic 21.4 with fake-hardware; default budget (5 requests/s, burst 20), polls and motion interval`,
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cpus: cpus().length,
      model: cpus()[0]?.model,
      memoryGB: Math.round(totalmem() / 2 ** 30),
      node: process.version,
    },
    seconds: Math.round(seconds),
    secondsToApply: Math.round((applied - began) / 1000),
    readyAfterSeconds: milestones,
    states: Object.fromEntries(Object.entries(states).map(([state, of]) => [state, of!.length])),
    calls: atRest,
    callsPerNode: Number((atRest / count).toFixed(2)),
    mutatingCallsPerNode: Number(
      (recorder.calls.slice(0, atRest).filter(({ method }) => method !== 'GET').length / count).toFixed(2),
    ),
    byOperation,
    atRest: { seconds: Math.round((performance.now() - rested) / 1000), calls: recorder.calls.length - atRest },
    operatorMemoryMB: Math.round(
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${operator.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    ),
  };
  console.log(JSON.stringify(result, undefined, 2));
  writeFileSync(path.join(root, `bench/results/bare-metal-${count}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
} finally {
  operator.kill('SIGTERM');
  await once(operator, 'exit');
  await recorder.close();
  await openStack.stop();
  await plane.stop();
}
