/**
 * Writes what the chart and deploy/ have of other files: the CustomResourceDefinitions of crds/, the version of
 * package.json, and the chart's README.md from the comments of its values. With `--check` only says whether they are up to date.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isMap, isNode, isScalar, parse, parseDocument, type Scalar, stringify, type YAMLMap } from 'yaml';
import { keepGenerated, keepGeneratedFile } from './generated.ts';

const chart = 'charts/freehold';
const check = process.argv.includes('--check');
const read = (file: string) => readFileSync(file, 'utf8');

/** Argo CD is never to remove a definition by itself, whatever brought it: with it goes every resource of its kind. */
function kept(definition: string): string {
  const { metadata } = parse(definition) as { metadata: { annotations?: object } };
  if (metadata.annotations) throw new Error('a definition has annotations already: put the one of Argo CD beside them');
  const annotation = '  annotations:\n    argocd.argoproj.io/sync-options: Prune=false,Delete=false\n';
  return definition.replace(/^metadata:\n/m, `metadata:\n${annotation}`);
}

interface Value {
  path: string;
  value: unknown;
  meaning: string;
  /** The heading that stands above it. */
  heading: string | undefined;
}

/** All values with the comment above each. A map is one value if it has a comment, else each of its keys is. */
function valuesOf(map: YAMLMap<Scalar<string>>, above: string[] = []): Value[] {
  return map.items.flatMap(({ key, value }, index) => {
    // The comment above the first key belongs to the map.
    const comment = key.commentBefore ?? (index === 0 ? map.commentBefore : undefined) ?? '';
    const paragraphs = comment.split('\n\n').map((text) => text.replaceAll(/\s*\n\s*/g, ' ').trim());
    const heading = paragraphs.find((text) => text.startsWith('# '))?.slice(2);
    const last = paragraphs.at(-1)!;
    const meaning = last.startsWith('# ') ? '' : last;
    const here = [...above, key.value];
    if (isMap(value) && meaning === '') {
      const [first, ...rest] = valuesOf(value as YAMLMap<Scalar<string>>, here);
      return [{ ...first!, heading: heading ?? first!.heading }, ...rest];
    }
    if (meaning === '') throw new Error(`${chart}/values.yaml: no comment above ${here.join('.')}`);
    const plain: unknown = isScalar(value) ? value.value : isNode(value) ? value.toJS(document) : value;
    return [{ path: here.join('.'), value: plain, meaning, heading }];
  });
}

const document = parseDocument(read(`${chart}/values.yaml`));

function readme(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const rows = valuesOf(document.contents as YAMLMap<Scalar<string>>).map(({ path: name, value, meaning, heading }) => {
    const head = heading === undefined ? '' : `\n## ${heading}\n\n| value | default | meaning |\n| --- | --- | --- |\n`;
    return `${head}| \`${name}\` | \`${cell(JSON.stringify(value))}\` | ${cell(meaning)} |\n`;
  });
  const { description } = parse(read(`${chart}/Chart.yaml`)) as { description: string };
  return `<!-- Generated from values.yaml by \`make generate\`: do not edit. -->

# freehold

${description}.

How to install and upgrade, which includes the CustomResourceDefinitions, and what an uninstall leaves: [docs/install.md](../../docs/install.md).
${rows.join('')}`;
}

function versioned(): string {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  return read(`${chart}/Chart.yaml`)
    .replace(/^version: .*$/m, `version: ${version}`)
    .replace(/^appVersion: .*$/m, `appVersion: "${version}"`);
}

const crds = readdirSync('crds').sort();
const definitions = Object.fromEntries(crds.map((file) => [file, kept(read(path.join('crds', file)))]));
const kustomization = stringify({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  resources: crds,
});

keepGenerated(`${chart}/crds`, definitions, { check });
keepGenerated('deploy/crds', { ...definitions, 'kustomization.yaml': kustomization }, { check });
keepGeneratedFile(`${chart}/Chart.yaml`, versioned(), { check });
keepGeneratedFile(`${chart}/README.md`, readme(), { check });
