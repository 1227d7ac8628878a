import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import type { Cluster } from '../../support/controlplane.ts';
import { root } from '../../support/docs.ts';
import type { Deployment } from './helm.ts';

const accountFiles = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The operator as a container of a Deployment's pod: its arguments, environment and service account, and nothing else. */
export interface Pod {
  name: string;
  /** Of its /metrics, /healthz and /readyz. */
  url: string;
  /** Everything that it printed. */
  output(): string;
  /** When SIGTERM was sent, `performance.now()`. */
  endingSince: number | undefined;
  /** As the kubelet: SIGTERM, and SIGKILL after the grace period. Resolves to its exit code. */
  end(): Promise<number | null>;
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>;
  exited: Promise<number | null>;
}

/** Of a pod, as unshare is told them; whoever is not root needs one of users besides. */
export const namespaces = ['--mount', '--uts', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];

/** Every pod has an address; here those of the loopback. */
let addresses = 1;
function nextAddress(): string {
  addresses += 1;
  return `127.${64 + ((process.pid >> 8) & 63)}.${process.pid & 255}.${addresses}`;
}

/**
 * Runs build/freehold where the image's entrypoint would stand, in a mount namespace with the files of the service account
 * where a pod has them, under the pod's name as its host name. One thing differs: a pod has a network of its own; here all
 * share that of the machine, so that an address to listen on without a host gets the pod's.
 */
export async function startPod(cluster: Cluster, deployment: Deployment, name: string): Promise<Pod> {
  const { namespace = 'default' } = deployment.metadata;
  const { spec } = deployment.spec.template;
  const [container] = spec.containers;
  if (!container || spec.containers.length > 1) throw new Error('the pod must have one container');
  for (const field of ['command', 'envFrom', 'volumeMounts'])
    if (container[field] !== undefined) throw new Error(`the kubelet of this test does not know ${field}`);
  const address = nextAddress();
  const account = await mountedAccount(cluster, namespace, spec);
  const args = container.args.map((argument) => argument.replace(/^--listen=:/, `--listen=${address}:`));
  const server = new URL(/server: (\S+)/.exec(readFileSync(cluster.kubeconfig, 'utf8'))![1]!);
  const fields: Record<string, string> = {
    'metadata.name': name,
    'metadata.namespace': namespace,
    'status.podIP': address,
  };
  const variables = (container.env ?? []).map(({ name: variable, value, valueFrom }) => {
    const field = (valueFrom as { fieldRef?: { fieldPath: string } } | undefined)?.fieldRef?.fieldPath;
    const given = field === undefined ? value : fields[field];
    if (given === undefined) throw new Error(`the kubelet of this test does not know the source of ${variable}`);
    return [variable, given];
  });
  const script = `hostname "$1"
    mount -t tmpfs none /var/run/
    mkdir -p ${accountFiles}
    if [ -n "$2" ]; then cp "$2"/* ${accountFiles}; rm -r "$2"; fi
    shift 2
    exec "$@"`;
  const program = [path.join(root, 'build/freehold'), ...args];
  const child = spawn('unshare', [...namespaces, 'sh', '-ec', script, 'sh', name, account ?? '', ...program], {
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      KUBERNETES_SERVICE_HOST: server.hostname,
      KUBERNETES_SERVICE_PORT: server.port,
      ...(Object.fromEntries(variables) as Record<string, string>),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const alive = () => child.exitCode === null && child.signalCode === null;
  const port = (container['ports'] as { name: string; containerPort: number }[]).find((one) => one.name === 'http')!;
  const pod: Pod = {
    name,
    url: `http://${address}:${port.containerPort}`,
    output: () => output,
    endingSince: undefined,
    end() {
      if (pod.endingSince === undefined && alive()) {
        pod.endingSince = performance.now();
        child.kill('SIGTERM');
        const patience = setTimeout(() => child.kill('SIGKILL'), spec.terminationGracePeriodSeconds * 1000);
        void exited.then(() => clearTimeout(patience));
      }
      return exited;
    },
    async kill() {
      if (alive()) child.kill('SIGKILL');
      await exited;
    },
    exited,
  };
  return pod;
}

/** A directory with the files that the kubelet projects; undefined where neither pod nor account wants them. */
async function mountedAccount(
  cluster: Cluster,
  namespace: string,
  spec: Deployment['spec']['template']['spec'],
): Promise<string | undefined> {
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.kubectl(['-n', namespace, ...args]);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  };
  const name = spec.serviceAccountName;
  const mounts =
    spec['automountServiceAccountToken'] ??
    (
      JSON.parse(await kubectl('get', 'serviceaccount', name, '-o', 'json')) as {
        automountServiceAccountToken?: boolean;
      }
    ).automountServiceAccountToken ??
    true;
  if (mounts !== true) return undefined;
  const directory = mkdtempSync(path.join(tmpdir(), 'freehold-pod-'));
  writeFileSync(path.join(directory, 'token'), await kubectl('create', 'token', name));
  writeFileSync(path.join(directory, 'ca.crt'), certificateAuthority(cluster));
  writeFileSync(path.join(directory, 'namespace'), namespace);
  return directory;
}

function certificateAuthority({ kubeconfig }: Cluster): Buffer {
  const { clusters } = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: { 'certificate-authority-data': string } }[];
  };
  return Buffer.from(clusters[0]!.cluster['certificate-authority-data'], 'base64');
}
