import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { settings } from '../../src/config.ts';

export const root = path.resolve(import.meta.dirname, '../..');

/** The documents that people wrote, in the order in which a reader meets them. */
export const documents = [
  'README.md',
  'docs/install.md',
  'docs/image.md',
  'docs/operations.md',
  'docs/gitops.md',
  'docs/sandbox.md',
  'docs/architecture.md',
  'docs/security.md',
  'docs/metrics.md',
  'docs/alerts.md',
  'docs/testing.md',
  'CHANGELOG.md',
  'charts/freehold/README.md',
  ...globSync('docs/kinds/*.md', { cwd: root }).sort(),
];

export const textOf = (document: string) => readFileSync(path.join(root, document), 'utf8');

/** The fenced blocks of a language, without the indentation of a list they stand in. */
export function blocks(document: string, language: string): string[] {
  const fence = new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, 'gm');
  return [...textOf(document).matchAll(fence)].map(([, indent = '', body = '']) =>
    body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

/** The command blocks that run as they are: those with helm in the tests of the packaging, all others in the quickstart. */
export function commands(document: string, where: 'quickstart' | 'packaging'): string[] {
  return blocks(document, 'sh')
    .filter((text) => !text.startsWith('# not run in tests:'))
    .filter((text) => /\bhelm /.test(text) === (where === 'packaging'));
}

/** What stands between `<!-- name… -->` and `<!-- end -->`. */
export function section(document: string, name: string): string {
  const found = new RegExp(`<!-- ${name}\\b[^>]*-->\\n([\\s\\S]*?)<!-- end -->`).exec(textOf(document));
  if (!found) throw new Error(`${document} has no section ${name}`);
  return found[1]!;
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

/** Every setting of src/config.ts. */
export function settingsTable(): string {
  const rows = settings.map(({ flag, description }) => [`\`${flag}\``, description]);
  return table(['flag', 'meaning'], rows);
}

/** The table of calls in the doc comment of the sandbox's control API. */
export function controlTable(): string {
  const rows = [...textOf('src/sandbox/control.ts').matchAll(/^ \* (\|.*\|)$/gm)].map(([, row]) => `${row}\n`);
  return rows.join('');
}
