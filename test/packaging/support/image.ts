import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(import.meta.dirname, '../../..');
const node = realpathSync(path.join(root, 'node_modules/.bin/node'));

/** What an image says of how it is to be run. */
export interface ImageConfig {
  User: string;
  Env: string[];
  Entrypoint: string[];
  Cmd?: string[];
  WorkingDir: string;
  Labels: Record<string, string>;
}

/** An image that was built from the Dockerfile, with its root filesystem unpacked. */
export interface BuiltImage {
  config: ImageConfig;
  /** Directory. */
  rootfs: string;
  /** Removes it with all that buildah stored. */
  remove(): Promise<void>;
}

/**
 * Builds it by buildah without any registry: the base image for running is nothing but this machine's Node.js and the libraries
 * that it is linked to, the one for building is empty and borrows the machine's own programs.
 */
export async function buildImage(buildArguments: Record<string, string>): Promise<BuiltImage> {
  const store = mkdtempSync(path.join(tmpdir(), 'freehold-image-'));
  const where = ['--storage-driver', 'vfs', '--root', path.join(store, 'root'), '--runroot', path.join(store, 'run')];
  const buildah = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)('buildah', [...where, ...args], { cwd: root, maxBuffer: 64 << 20 });
    return stdout.trim();
  };

  async function baseImage(name: string, fill: (directory: string) => void, config: string[]): Promise<void> {
    const container = await buildah('from', 'scratch');
    fill(await buildah('mount', container));
    await buildah('umount', container);
    await buildah('config', ...config, container);
    await buildah('commit', '--rm', '--quiet', container, name);
  }

  const remove = async () => {
    await buildah('umount', '--all');
    rmSync(store, { recursive: true, force: true });
  };

  try {
    await baseImage('localhost/run', fillWithNode, []);
    const npm = (setting: string) => execFileSync('npm', ['config', 'get', setting], { encoding: 'utf8' }).trim();
    const buildEnvironment = {
      PATH: '/opt/node:/usr/bin:/bin',
      // What `make deps` fetched before is not fetched again.
      npm_config_cache: '/opt/npm-cache',
      npm_config_prefer_offline: 'true',
      npm_config_registry: npm('registry'),
      ...(process.env['NODE_EXTRA_CA_CERTS'] && { NODE_EXTRA_CA_CERTS: process.env['NODE_EXTRA_CA_CERTS'] }),
    };
    const settings = Object.entries(buildEnvironment).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    await baseImage('localhost/build', fillWithMountPoints, settings);
    const npmCache = npm('cache');
    mkdirSync(npmCache, { recursive: true });
    const volumes = [
      '/usr:/usr:ro',
      '/etc/ssl:/etc/ssl:ro',
      `${path.dirname(node)}:/opt/node:ro`,
      `${npmCache}:/opt/npm-cache`,
    ];
    const values = { BUILD_IMAGE: 'localhost/build', RUNTIME_IMAGE: 'localhost/run', ...buildArguments };
    await buildah(
      ...['bud', '--isolation', 'chroot', '--net', 'host', '--pull-never', '--tag', 'localhost/freehold'],
      ...volumes.flatMap((volume) => ['--volume', volume]),
      ...Object.entries(values).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
      '.',
    );
    const inspected = JSON.parse(await buildah('inspect', '--type', 'image', 'localhost/freehold')) as {
      OCIv1: { config: ImageConfig };
    };
    const container = await buildah('from', '--pull-never', 'localhost/freehold');
    return { config: inspected.OCIv1.config, rootfs: await buildah('mount', container), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** As a distroless image: Node.js in /nodejs/bin, its libraries, no shell. */
function fillWithNode(directory: string): void {
  const copy = (from: string, to: string) => {
    mkdirSync(path.dirname(path.join(directory, to)), { recursive: true });
    copyFileSync(from, path.join(directory, to));
  };
  copy(node, '/nodejs/bin/node');
  const linked = execFileSync('ldd', [node], { encoding: 'utf8' });
  for (const library of linked.match(/\/\S+/g) ?? []) copy(library, library);
}

/** /usr comes from this machine while it builds; what leads into it on a Debian does so here. */
function fillWithMountPoints(directory: string): void {
  for (const name of ['usr', 'tmp']) mkdirSync(path.join(directory, name));
  for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, path.join(directory, name));
}
