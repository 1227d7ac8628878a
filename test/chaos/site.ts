import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../../src/base/clock.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { kubeConnection } from '../../src/kube/config.ts';
import type { SandboxInfo } from '../../src/sandbox/sandbox.ts';
import { type ControlPlane, startControlPlane } from '../support/controlplane.ts';
import { type Proxy, startProxy } from '../support/proxy.ts';
import { startWire, type Wire } from './wire.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** One replica of the operator: the built program, started again under the same name whenever it was killed. */
export interface Replica {
  name: string;
  /** Between it and the API server. */
  kube: Proxy;
  log: string;
  starts: number;
  /** Where it serves its metrics. */
  listen: string;
  isUp(): boolean;
  start(): void;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  kill(name?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

/** Every process and every network of one run. */
export interface Site {
  speed: number;
  /** The time of operators and sandbox, milliseconds. */
  now(): number;
  plane: ControlPlane;
  /** A person's: straight to the API server. */
  api: KubeClient;
  replicas: Replica[];
  sandbox: {
    info: SandboxInfo;
    /** Where operators find it. */
    url: string;
    proxy: Proxy;
    wire: Wire;
    signal(name: 'SIGSTOP' | 'SIGCONT'): void;
    control<T = unknown>(method: string, route: string, body?: unknown): Promise<T>;
  };
  end(): Promise<void>;
}

/** Ordinary settings, but for the least settle window, and a lease that changes hands while a run lasts. */
const settings = [
  ['--owner-id', 'chaos'],
  ['--settle-window', '6m'],
  ['--lease-duration', '60s'],
  ['--renew-deadline', '40s'],
  ['--retry-period', '8s'],
  ['--lease-namespace', 'default'],
  ['--allowed-endpoints', '127.0.0.1:*'],
  ['--allow-insecure-endpoints'],
].flat();

export async function openSite(options: { directory: string; speed: number }): Promise<Site> {
  const { directory, speed } = options;
  const origin = Date.now();
  mkdirSync(directory, { recursive: true });
  const env = {
    ...process.env,
    NODE_OPTIONS: `--import=${path.join(import.meta.dirname, 'fast-time.ts')}`,
    NODE_NO_WARNINGS: '1',
    CHAOS_SPEED: String(speed),
    CHAOS_ORIGIN: String(origin),
  };
  const now = () => origin + (Date.now() - origin) * speed;
  const ends: (() => Promise<unknown> | void)[] = [];
  const end = async () => {
    for (const one of ends.splice(0).toReversed()) await Promise.resolve(one()).catch(() => undefined);
  };
  const program = path.join(root, 'build/freehold');

  /** SIGKILL reaches a process that stands still, too. */
  const kill = async (child: ChildProcess | undefined, name: NodeJS.Signals = 'SIGKILL') => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(name);
    await exited;
  };

  try {
    const plane = await startControlPlane();
    ends.push(() => plane.stop());
    const api = createKubeClient({ connection: kubeConnection({ kubeconfig: plane.kubeconfig }), clock: systemClock });
    ends.push(() => api.close());

    const cloud = spawn(program, ['sandbox', '--listen', '127.0.0.1:0'], {
      stdio: ['ignore', 'pipe', openSync(path.join(directory, 'sandbox.log'), 'a')],
      env,
    });
    ends.push(() => kill(cloud));
    const [line] = (await once(createInterface({ input: cloud.stdout! }), 'line')) as [string];
    const info = JSON.parse(line) as SandboxInfo;
    const direct = new URL(info.control).origin;
    const wire = await startWire(new URL(direct), now);
    ends.push(() => wire.close());
    const proxy = await startProxy(new URL(wire.url));
    ends.push(() => proxy.close());

    const replicas: Replica[] = [];
    for (const name of ['one', 'two']) {
      const kube = await startProxy(new URL(plane.url));
      ends.push(() => kube.close());
      const kubeconfig = path.join(directory, `kubeconfig-${name}`);
      writeFileSync(kubeconfig, readFileSync(plane.kubeconfig, 'utf8').replaceAll(plane.url, kube.url), {
        mode: 0o600,
      });
      const log = path.join(directory, `operator-${name}.log`);
      const listen = `127.0.0.1:${20_000 + ((process.pid * 2 + replicas.length) % 12_000)}`;
      // One of them tells everything: a secret has more places to slip out.
      const level = replicas.length === 0 ? 'info' : 'debug';
      const more = ['--kubeconfig', kubeconfig, '--identity', name, '--listen', listen, '--log-level', level];
      let child: ChildProcess | undefined;
      const replica: Replica = {
        name,
        kube,
        log,
        listen,
        starts: 0,
        isUp: () => child !== undefined && child.exitCode === null && child.signalCode === null,
        start() {
          if (replica.isUp()) return;
          replica.starts += 1;
          const out = openSync(log, 'a');
          child = spawn(program, ['run', ...settings, ...more], { stdio: ['ignore', out, out], env });
        },
        signal: (what) => void child?.kill(what),
        kill: (what) => kill(child, what),
      };
      ends.push(() => replica.kill());
      replicas.push(replica);
    }

    return {
      speed,
      now,
      plane,
      api,
      replicas,
      sandbox: {
        info,
        url: proxy.url,
        proxy,
        wire,
        signal: (what) => void cloud.kill(what),
        async control<T>(method: string, route: string, body?: unknown) {
          const response = await fetch(`${info.control}/${route}`, {
            method,
            // A kept connection may have died while the sandbox stood still.
            headers: { connection: 'close', ...(body !== undefined && { 'content-type': 'application/json' }) },
            ...(body !== undefined && { body: JSON.stringify(body) }),
          });
          const text = await response.text();
          if (!response.ok) throw new Error(`control ${method} ${route}: ${response.status} ${text}`);
          return (text === '' ? undefined : JSON.parse(text)) as T;
        },
      },
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
