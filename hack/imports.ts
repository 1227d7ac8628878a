/**
 * Holds the direction of imports between the rooms of src/: `node hack/imports.ts [src]` prints every import that points
 * up or sideways, and exits 1 when there is one. docs/architecture.md has the picture.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

const below = ['base', 'telemetry', 'kube', 'remote', 'engine'];

/** Which rooms a room may import from. Files right in src/ are the top and may use all of them. */
const mayImport: Record<string, readonly string[]> = {
  base: [],
  telemetry: ['base'],
  kube: ['base', 'telemetry'],
  remote: ['base', 'telemetry'],
  engine: ['base', 'telemetry', 'kube', 'remote'],
  sdpf: below,
  cloudos: below,
  // Plays the other side: it shares no knowledge of the APIs with the operator that it tests.
  sandbox: ['base'],
};

/** The operator itself never runs simulators; only a command does. */
const withoutSandbox = ['operator.ts', 'config.ts', 'kinds.ts'];

/** One line for each import that breaks the direction: `src/kube/x.ts:3 imports ../engine/y.ts: …`. */
export function violations(src: string): string[] {
  return globSync('**/*.ts', { cwd: src }).flatMap((file) => {
    const text = readFileSync(join(src, file), 'utf8');
    return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]*)['"]/g)].flatMap(({ 1: specifier, index }) => {
      const target = relative(src, resolve(src, dirname(file), specifier!));
      const why = objection(file, target);
      const line = text.slice(0, index).split('\n').length;
      return why ? [`${join(src, file)}:${line} imports ${specifier}: ${why}`] : [];
    });
  });
}

function objection(file: string, target: string): string | undefined {
  const from = roomOf(file);
  const to = roomOf(target);
  if (to === '..') {
    return 'it is outside of src';
  }
  if (from === undefined) {
    return to === 'sandbox' && withoutSandbox.includes(file) ? 'the operator does not run the sandbox' : undefined;
  }
  const allowed = mayImport[from];
  if (!allowed) {
    return `the room ${from} is not in the table of hack/imports.ts`;
  }
  if (to === from || (to !== undefined && allowed.includes(to))) {
    return undefined;
  }
  return `${from} may import from ${allowed.length > 0 ? allowed.join(', ') : 'no other room'}`;
}

/** First folder of a path below src; undefined for a file right in src. */
function roomOf(path: string): string | undefined {
  const [first, ...rest] = path.split(sep);
  return rest.length === 0 ? undefined : first;
}

if (import.meta.main) {
  const found = violations(process.argv[2] ?? 'src');
  for (const line of found) {
    console.error(line);
  }
  process.exitCode = found.length > 0 ? 1 : 0;
}
