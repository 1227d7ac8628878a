import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { filledSamples, isWell } from '../../hack/samples.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { blocks, textOf } from '../support/docs.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';
import { until } from '../support/wait.ts';
import { type Container, startContainer } from './support/container.ts';
import { type BuiltImage, buildImage } from './support/image.ts';

const megabyte = 2 ** 20;
const mountPoint = '/var/run/secrets/kubernetes.io/serviceaccount';
/** As a pod has them mounted. */
const account = mkdtempSync(path.join(tmpdir(), 'freehold-account-'));

let image: BuiltImage;
let s: Scenario;
const containers: Container[] = [];

const kubectl = async (args: string[], input?: string): Promise<string> => {
  const { code, stdout, stderr } = await s.kubectl(args, input);
  if (code !== 0) throw new Error(stderr);
  return stdout;
};

beforeAll(async () => {
  [image, s] = await Promise.all([
    buildImage({ VERSION: '1.2.3', REVISION: 'c0ffee' }),
    createScenario({ now: Date.now, settings: { meteringSeconds: 0 } }),
  ]);
  await serviceAccount();
}, 300_000);

afterAll(async () => {
  for (const container of containers) await container.remove();
  await s?.end();
  await image?.remove();
  rmSync(account, { recursive: true });
}, 30_000);

/** An account with the rights of docs/security.md within the namespace, and the files that a pod gets of it. */
async function serviceAccount(): Promise<void> {
  const [documented = ''] = blocks('docs/security.md', 'yaml');
  const rules = parseAllDocuments(documented).flatMap((document) => (document.toJS() as { rules: object[] }).rules);
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await s.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'freehold' } },
    { apiVersion, kind: 'Role', metadata: { name: 'freehold' }, rules },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata: { name: 'freehold' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'freehold' },
      subjects: [{ kind: 'ServiceAccount', name: 'freehold', namespace: s.namespace }],
    },
  );
  const kubeconfig = parse(readFileSync(s.kubeconfig, 'utf8')) as {
    clusters: { cluster: { 'certificate-authority-data': string } }[];
  };
  const authority = kubeconfig.clusters[0]!.cluster['certificate-authority-data'];
  writeFileSync(path.join(account, 'ca.crt'), Buffer.from(authority, 'base64'));
  writeFileSync(path.join(account, 'token'), await kubectl(['create', 'token', 'freehold']));
  writeFileSync(path.join(account, 'namespace'), s.namespace);
  // The kubelet gives them to the user of the pod.
  chmodSync(account, 0o755);
}

function started(options: { memoryMB: number; args?: string[]; env?: Record<string, string> }): Container {
  const server = new URL(/server: (\S+)/.exec(readFileSync(s.kubeconfig, 'utf8'))![1]!);
  const container = startContainer(image, {
    args: options.args ?? [],
    env: {
      KUBERNETES_SERVICE_HOST: server.hostname,
      KUBERNETES_SERVICE_PORT: server.port,
      FREEHOLD_OWNER_ID: 'image',
      FREEHOLD_LISTEN: '127.0.0.1:0',
      FREEHOLD_WATCH_NAMESPACES: s.namespace,
      FREEHOLD_ALLOWED_ENDPOINTS: '127.0.0.1:*',
      FREEHOLD_ALLOW_INSECURE_ENDPOINTS: 'true',
      FREEHOLD_MOTION_INTERVAL: '1s',
      FREEHOLD_ABSENCE_INTERVAL: '1s',
      ...options.env,
    },
    volumes: { [mountPoint]: account },
    memoryLimit: options.memoryMB * megabyte,
  });
  containers.push(container);
  return container;
}

interface Beginning {
  telemetry: number;
  memoryLimitMB?: number;
  heapLimitMB: number;
}

/** The line with which the operator begins. */
async function beginning(container: Container): Promise<Beginning> {
  let ended = false;
  void container.exited.then(() => (ended = true));
  const line = () => container.output().match(/^\{.*"freehold begins".*$/m)?.[0];
  await until('the operator begins', () => line() !== undefined || ended, 30_000);
  if (line() === undefined) throw new Error(`the container ended:\n${container.output()}`);
  return JSON.parse(line()!) as Beginning;
}

/** Every file of the image with its size and time of change. */
function contents(): string[] {
  return readdirSync(image.rootfs, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { mode, size, mtimeMs } = lstatSync(path.join(image.rootfs, name));
      return `${name} ${mode.toString(8)} ${size} ${mtimeMs}`;
    })
    .sort();
}

describe('the image', () => {
  it('has nothing in it but Node.js with its libraries, the bundle and its source map: no shell', () => {
    const files = readdirSync(image.rootfs, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(image.rootfs, path.join(entry.parentPath, entry.name)))
      .filter(
        (name) => !/^(usr\/)?lib(64)?\/.*\.so(\.\d+)*$/.test(name) && !name.startsWith('freehold/compile-cache/'),
      );
    expect(files.sort()).toEqual([
      'freehold/LICENSE',
      'freehold/freehold.mjs',
      'freehold/freehold.mjs.map',
      'nodejs/bin/node',
    ]);
  });

  it('brings nothing that anybody but root may write to', () => {
    const bundle = path.join(image.rootfs, 'freehold');
    const names = readdirSync(bundle, { recursive: true, encoding: 'utf8' });
    expect(names).toContain('compile-cache');
    for (const name of ['.', ...names]) {
      const { uid, mode } = lstatSync(path.join(bundle, name));
      expect([name, uid, mode & 0o022]).toEqual([name, 0, 0]);
    }
  });

  it('says what it is, and that it runs as user 65532', () => {
    expect(image.config.User).toBe('65532:65532');
    expect(image.config.Labels).toMatchObject({
      'org.opencontainers.image.title': 'Freehold',
      'org.opencontainers.image.description': expect.stringContaining('operator') as string,
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.version': '1.2.3',
      'org.opencontainers.image.revision': 'c0ffee',
    });
  });

  it('spares memory by the same settings as the launcher', () => {
    const launcher = textOf('hack/launcher.sh');
    const [, flags = ''] = /exec "\$node" (.*?) "/.exec(launcher)!;
    expect(image.config.Entrypoint).toEqual(expect.arrayContaining(flags.split(' ')));
    const variables = [...launcher.matchAll(/^export (MALLOC_\w+)="\$\{\1:-(\d+)\}"$/gm)];
    expect(variables).toHaveLength(3);
    for (const [, name, value] of variables) expect(image.config.Env).toContain(`${name}=${value}`);
  });

  it('uses the code that was compiled when it was made, whatever the memory limit', async () => {
    for (const memoryMB of [160, 512]) {
      const container = started({ memoryMB, args: ['crds'], env: { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' } });
      expect(await container.exited).toBe(0);
      expect(container.output()).toMatch(/V8 code cache for ESM file:\/\/\/freehold\/freehold\.mjs was accepted/);
    }
  });

  it('brings all samples to Ready without privileges and on a read-only root, and ends by SIGTERM with code 0', async () => {
    const container = started({ memoryMB: 256 });
    const { telemetry, memoryLimitMB, heapLimitMB } = await beginning(container);
    const status = container.proc('status');
    expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
    for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(status).toMatch(new RegExp(`^${set}:\\t0+$`, 'm'));
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
    expect(container.proc('mounts')).toMatch(/^\S+ \/ \S+ ro\b/m);

    const before = contents();
    const samples = await filledSamples(s.sandbox.info);
    for (const { text } of samples) await kubectl(['apply', '-f', '-'], text);
    const wanted = samples.flatMap(({ resources }) => resources).sort();
    let items: Resource[] = [];
    await until(
      'all samples are Ready',
      async () => {
        ({ items } = JSON.parse(await kubectl(['get', 'freehold', '-o', 'json'])) as { items: Resource[] });
        return items.length > 0 && items.every(isWell);
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${JSON.stringify(items, undefined, 1)}\n${container.output()}`);
    });
    expect(items.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort()).toEqual(wanted);

    for (const check of ['healthz', 'readyz'])
      expect((await fetch(`http://127.0.0.1:${telemetry}/${check}`)).status, check).toBe(200);
    expect(memoryLimitMB).toBe(256);
    // V8 counts the young generation on top of the share in the entrypoint.
    expect(heapLimitMB).toBeGreaterThanOrEqual(0.6 * 256 - 1);
    expect(heapLimitMB).toBeLessThan(0.6 * 256 + 16);

    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
    expect(contents()).toEqual(before);
  });

  it('may have a larger heap in more memory, and finds everything as the container before it left it', async () => {
    const bought = await s.sandbox.servers();
    const container = started({ memoryMB: 512 });
    const { telemetry, heapLimitMB } = await beginning(container);
    expect(heapLimitMB).toBeGreaterThanOrEqual(0.6 * 512 - 1);
    expect(heapLimitMB).toBeLessThan(0.6 * 512 + 16);
    await until('it is ready', async () => (await fetch(`http://127.0.0.1:${telemetry}/readyz`)).ok);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
    expect(await s.sandbox.servers()).toEqual(bought);
  });
});
