import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BuiltImage } from './image.ts';

/** How a container differs from what the image says and a hardened pod gets. */
export interface ContainerOptions {
  /** After the image's entrypoint. */
  args?: string[];
  env?: Record<string, string>;
  /** Directories of this machine by where they stand in the container, to be read only. */
  volumes?: Record<string, string>;
  /** Bytes. */
  memoryLimit: number;
}

/** A container of {@link startContainer}. */
export interface Container {
  /** What it printed so far, standard output and error. */
  output(): string;
  /** What the kernel says of its first process: files in /proc by their name, e.g. `status`. */
  proc(file: string): string;
  /** As the kubelet: the signal goes to the container's first process. */
  signal(name: NodeJS.Signals): void;
  /** Resolves to its exit code. */
  exited: Promise<number | null>;
  /** SIGKILL, and removes what it left. */
  remove(): Promise<void>;
}

interface RuntimeSpec {
  process: Record<string, unknown> & { capabilities: Record<string, string[]> };
  root: object;
  mounts: object[];
  linux: { namespaces: { type: string }[]; [field: string]: unknown };
}

/**
 * Runs a real container by crun, as a pod with `runAsNonRoot`, `readOnlyRootFilesystem`, `allowPrivilegeEscalation: false`,
 * `capabilities.drop: [ALL]`, seccomp profile RuntimeDefault, a memory limit, and `hostNetwork`.
 */
export function startContainer(image: BuiltImage, options: ContainerOptions): Container {
  const bundle = mkdtempSync(path.join(tmpdir(), 'freehold-container-'));
  const id = `freehold-${randomUUID()}`;
  execFileSync('crun', ['spec'], { cwd: bundle });
  const file = path.join(bundle, 'config.json');
  const spec = JSON.parse(readFileSync(file, 'utf8')) as RuntimeSpec;
  writeFileSync(file, JSON.stringify(hardened(spec, image, options, id)));

  // crun 1.8 knows either kind of cgroups, not both at once: in a mount namespace of its own it sees those of version 1.
  const crun = (...args: string[]): [string, string[]] => {
    const oneKind = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec crun --root "$0" --cgroup-manager=cgroupfs "$@"';
    return ['unshare', ['--mount', '/bin/sh', '-c', oneKind, path.join(bundle, 'state'), ...args]];
  };
  const runCrun = (...args: string[]) => execFileSync(...crun(...args), { encoding: 'utf8' });
  const child = spawn(...crun('run', '--bundle', bundle, id), { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return {
    output: () => output,
    proc(name) {
      const { pid } = JSON.parse(runCrun('state', id)) as { pid: number };
      return readFileSync(`/proc/${pid}/${name}`, 'utf8');
    },
    signal: (name) => void runCrun('kill', id, name),
    exited,
    async remove() {
      // It may end at the same moment; crun run removes what it made when it ends.
      if (child.exitCode === null) spawnSync(...crun('kill', id, 'KILL'));
      await exited;
      rmSync(bundle, { recursive: true });
    },
  };
}

function hardened(
  spec: RuntimeSpec,
  { config, rootfs }: BuiltImage,
  options: ContainerOptions,
  id: string,
): RuntimeSpec {
  const { args = config.Cmd ?? [], env = {}, volumes = {}, memoryLimit } = options;
  const [uid, gid] = config.User.split(':').map(Number);
  const none = Object.fromEntries(Object.keys(spec.process.capabilities).map((set) => [set, []]));
  const volumeMounts = Object.entries(volumes).map(([destination, source]) => {
    // Whoever runs containers makes these places before the root is read-only.
    mkdirSync(path.join(rootfs, destination), { recursive: true });
    return { destination, source, type: 'bind', options: ['bind', 'ro', 'nosuid', 'nodev'] };
  });
  return {
    ...spec,
    process: {
      ...spec.process,
      terminal: false,
      user: { uid, gid },
      args: [...config.Entrypoint, ...args],
      env: [...config.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
      cwd: config.WorkingDir,
      capabilities: none,
      noNewPrivileges: true,
    },
    root: { path: rootfs, readonly: true },
    mounts: [...spec.mounts, ...volumeMounts],
    linux: {
      ...spec.linux,
      // The servers of the tests listen on this machine's loopback.
      namespaces: spec.linux.namespaces.filter(({ type }) => type !== 'network'),
      cgroupsPath: `/${id}`,
      resources: { memory: { limit: memoryLimit, swap: memoryLimit } },
      seccomp: runtimeDefault(),
    },
  };
}

interface Profile {
  defaultAction: string;
  defaultErrnoRet: number;
  syscalls: (object & { includes?: { caps?: string[]; arches?: string[] } })[];
}

/** The profile that container engines take by default, for a process without capabilities. */
function runtimeDefault(): object | undefined {
  const file = '/usr/share/containers/seccomp.json';
  if (!existsSync(file)) return undefined;
  const { defaultAction, defaultErrnoRet, syscalls } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const own = process.arch === 'x64' ? 'amd64' : process.arch;
  const taken = syscalls.filter(({ includes }) => !includes?.caps && (includes?.arches?.includes(own) ?? true));
  return { defaultAction, defaultErrnoRet, syscalls: taken.map((rule) => ({ ...rule, includes: undefined })) };
}
