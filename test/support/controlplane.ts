import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const build = path.resolve(import.meta.dirname, '../../build');

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** A Kubernetes API server that a test may write to. */
export interface Cluster {
  kubeconfig: string;
  /** Never throws for an exit code. `input` goes to its standard input (`apply -f -`). */
  kubectl(args: string[], input?: string): Promise<CommandResult>;
}

/** A real kube-apiserver with etcd, a process of our own. */
export interface ControlPlane extends Cluster {
  url: string;
  port: number;
  dataDir: string;
  /** SIGKILL, as a machine that fails; the data stays for restart(). */
  kill(): Promise<void>;
  /** Starts again on the same data and port, after a SIGTERM if it still runs. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export async function startControlPlane(): Promise<ControlPlane> {
  const directory = await mkdtemp(path.join(tmpdir(), 'freehold-controlplane-'));
  const dataDir = path.join(directory, 'data');
  const kubeconfig = path.join(directory, 'kubeconfig');
  let { child, url } = await launch(directory, dataDir, kubeconfig, 0);
  const port = Number(new URL(url).port);

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      // It was let go of at its start; without this the process would be over before the rest is done.
      child.ref();
      child.kill(signal);
      await once(child, 'exit');
    }
  }

  return {
    ...clusterAt(kubeconfig),
    url,
    port,
    dataDir,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM');
      ({ child, url } = await launch(directory, dataDir, kubeconfig, port));
    },
    async stop() {
      await end('SIGTERM');
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Where the control plane that all test files share is told to them; a person may name a cluster of theirs with it. */
export const sharedKubeconfig = 'FREEHOLD_TEST_KUBECONFIG';

let own: Promise<ControlPlane> | undefined;

/**
 * The API server that the integration tests share (each test file in namespaces of its own): the one that global setup
 * started, else one of this file's own, which ends with the process.
 */
export async function sharedCluster(): Promise<Cluster> {
  const kubeconfig = process.env[sharedKubeconfig];
  if (kubeconfig) {
    return clusterAt(kubeconfig);
  }
  own ??= startControlPlane();
  return own;
}

function clusterAt(kubeconfig: string): Cluster {
  return {
    kubeconfig,
    kubectl: (args, input) => run(path.join(build, 'kubectl'), ['--kubeconfig', kubeconfig, ...args], input),
  };
}

function run(file: string, args: string[], input = ''): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(file, args, { timeout: 60_000, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? 1 : 0;
      resolve({ code, stdout, stderr: stderr || (error?.message ?? '') });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

async function launch(
  directory: string,
  dataDir: string,
  kubeconfig: string,
  port: number,
): Promise<{ child: ChildProcess; url: string }> {
  const logFile = path.join(directory, 'log');
  const log = await open(logFile, 'a');
  const args = ['--data', dataDir, '--port', String(port), '--kubeconfig', kubeconfig, '--until-stdin-closes'];
  const child = spawn(path.join(build, 'controlplane'), args, { stdio: ['pipe', 'pipe', log.fd] });
  await log.close();
  const ready = new Promise<string | undefined>((resolve) => {
    createInterface({ input: child.stdout! }).on('line', (line) => resolve(/https:\/\/\S+/.exec(line)?.[0]));
    child.on('error', () => resolve(undefined));
    child.on('exit', () => resolve(undefined));
    setTimeout(() => resolve(undefined), 90_000).unref();
  });
  const url = await ready;
  if (!url) {
    child.kill('SIGKILL');
    const tail = (await readFile(logFile, 'utf8')).split('\n').slice(-20).join('\n');
    throw new Error(`build/controlplane did not start (is it built?):\n${tail}`);
  }
  // The process must not keep a finished test run alive; its standard input closes with us, and so it ends too.
  child.unref();
  (child.stdout as unknown as { unref(): void }).unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return { child, url };
}
