import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { crd } from '../../src/engine/crd.ts';
import { isStalling, type Reason, reasons } from '../../src/engine/reasons.ts';
import { kinds } from '../../src/kinds.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { blocks, controlTable, documents, root, section, settingsTable, textOf } from '../support/docs.ts';

const operations = textOf('docs/operations.md');

describe('docs/operations.md', () => {
  test.each(Object.keys(reasons) as Reason[])('says what to do about %s', (reason) => {
    const part = isStalling(reason)
      ? (/### A person must act\n([\s\S]*?)\n### /.exec(operations)?.[1] ?? '')
      : operations;
    expect(part).toContain(`\`${reason}\``);
  });

  test('calls no reason a stalled one that passes by itself', () => {
    const listed = [
      ...(/### A person must act\n([\s\S]*?)\n### /.exec(operations)?.[1] ?? '').matchAll(/^\| `(\w+)`/gm),
    ];
    expect(listed.filter(([, reason]) => !isStalling(reason as Reason))).toEqual([]);
    expect(listed.length).toBeGreaterThan(5);
  });

  test('has the settings of the command line', () => {
    expect(section('docs/operations.md', 'settings')).toBe(settingsTable());
  });

  test('names every annotation', () => {
    const code = readFileSync(path.join(root, 'src/engine/annotations.ts'), 'utf8');
    const names = [...code.matchAll(/annotation\(object, '([\w-]+)'\)|\$\{prefix\}([\w-]+)/g)].map(
      ([, a, b]) => a ?? b,
    );
    expect(names.length).toBeGreaterThan(8);
    for (const name of new Set(names))
      expect(textOf('docs/security.md') + operations).toContain(`freehold.dev/${name}`);
  });
});

test('docs/sandbox.md has the calls of the control API', () => {
  expect(section('docs/sandbox.md', 'control')).toBe(controlTable());
});

const metrics = createMetrics({ ofProcess: false }).definitions.map(({ name }) => name);

describe.each(documents)('%s', (document) => {
  const text = textOf(document);

  it('names metrics that exist', () => {
    for (const [name] of text.matchAll(/\bfreehold_\w+/g)) expect(metrics).toContain(name);
  });

  it('has links that lead somewhere', () => {
    for (const [, target = ''] of text.replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file, anchor] = target.split('#');
      const linked = file === '' ? document : path.join(path.dirname(document), file!);
      expect(existsSync(path.join(root, linked)), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(linked), target).toContain(anchor);
    }
  });

  it('names make targets that exist', () => {
    const targets = [...textOf('Makefile').matchAll(/^([a-z-]+):/gm)].map(([, target]) => target);
    for (const [, target] of text.matchAll(/(?:`|^ *)make ([a-z][a-z-]*)/gm)) expect(targets).toContain(target);
  });

  it('names files that exist', () => {
    for (const [, file = ''] of text.matchAll(/`((?:src|test|hack|deploy|crds)\/[\w./-]+)`/g))
      expect(existsSync(path.join(root, file)), file).toBe(true);
  });

  it('has no command block of a kind that no test runs', () => {
    for (const [, language = ''] of text.matchAll(/^ *```(\w+)$/gm)) expect(['sh', 'yaml']).toContain(language);
    for (const block of blocks(document, 'sh'))
      if (block.includes('not run')) expect(block).toMatch(/^# not run in tests: \S.{10}/);
  });
});

/** Anchors of a document's headings, as the usual renderers make them. */
function anchorsOf(document: string): string[] {
  return [...textOf(document).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(/\s/g, '-'),
  );
}

interface Manifest {
  apiVersion: string;
  kind: string;
  spec: unknown;
}

const samples = globSync('deploy/samples/*.yaml', { cwd: root }).flatMap((file) =>
  parseAllDocuments(fill(textOf(file))).map((document) => [file, document.toJS() as Manifest] as const),
);

/** What a reader might put into the angle brackets. */
function fill(text: string): string {
  const values: Record<string, string> = {
    'tenant ID': '0'.repeat(32),
    'Keystone URL': 'https://keystone.example/v3',
    'gateway URL': 'https://cloudos.example',
    region: 'jp1',
  };
  return text.replaceAll(/<([^<>\n]+)>/g, (_, name: string) => values[name] ?? 'b5660a6e-4b46-4be3-9707-6b47221b454f');
}

test('there is a sample of every kind', () => {
  for (const { names } of kinds) expect(samples.map(([, { kind }]) => kind)).toContain(names.kind);
});

test.each(samples.filter(([, { apiVersion }]) => apiVersion.includes('freehold.dev/')))(
  '%s: its resources have only fields that their kind knows, with values that it takes',
  (_, manifest) => {
    const kind = kinds.find(({ names }) => names.kind === manifest.kind)!;
    expect(manifest.apiVersion).toBe(`${kind.group}/${kind.version}`);
    expect(problems(kind, manifest)).toEqual([]);
    expect(problems(kind, { ...manifest, spec: { ...(manifest.spec as object), imageref: 'x' } })).not.toEqual([]);
  },
);

function problems(kind: (typeof kinds)[number], manifest: Manifest): unknown[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { int64: true, 'date-time': true } });
  const { spec } = crd(kind).spec.versions[0].schema.openAPIV3Schema.properties!;
  const validate = ajv.compile(closed(structuredClone(spec!) as Record<string, unknown>));
  validate(manifest.spec);
  return validate.errors ?? [];
}

/** The API server refuses (kubectl asks it to) what a structural schema does not name; JSON Schema has to be told. */
function closed(node: Record<string, unknown>): Record<string, unknown> {
  const { properties, items } = node as {
    properties?: Record<string, Record<string, unknown>>;
    items?: Record<string, unknown>;
  };
  if (properties) {
    node['additionalProperties'] = false;
    Object.values(properties).forEach(closed);
  }
  if (items) closed(items);
  return node;
}
