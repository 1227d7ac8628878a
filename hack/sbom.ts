/**
 * Writes the bill of materials of the production packages, CycloneDX: `node hack/sbom.ts [file]`, by default
 * build/sbom.cdx.json. It is npm's own (`npm sbom`), which must not see the packages that are for development: with
 * `--omit dev`, npm 11 also leaves out what both need.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

interface Locked {
  dev?: boolean;
  optional?: boolean;
  [field: string]: unknown;
}

const [file = 'build/sbom.cdx.json'] = process.argv.slice(2);

/** Without the packages for development, and without the Node.js that is optional: it comes with the base image. */
const production = (manifest: Locked): Locked =>
  Object.fromEntries(
    Object.entries(manifest).filter(([field]) => field !== 'devDependencies' && field !== 'optionalDependencies'),
  );

const manifest = production(JSON.parse(readFileSync('package.json', 'utf8')) as Locked);
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> };
const { '': root = {}, ...packages } = lock.packages;
const kept = Object.entries(packages).filter(([, { dev, optional }]) => !dev && !optional);

const scratch = mkdtempSync(path.join(tmpdir(), 'freehold-sbom-'));
try {
  // npm takes the name of the directory for that of the package.
  const directory = path.join(scratch, String(manifest['name']));
  mkdirSync(directory);
  const write = (name: string, value: object) => writeFileSync(path.join(directory, name), JSON.stringify(value));
  write('package.json', manifest);
  write('package-lock.json', { ...lock, packages: { '': production(root), ...Object.fromEntries(kept) } });
  const what = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--omit', 'dev'];
  const sbom = execFileSync('npm', [...what, '--package-lock-only', '--loglevel=error'], { cwd: directory });
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, sbom);
} finally {
  rmSync(scratch, { recursive: true });
}
