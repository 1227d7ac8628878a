/**
 * Bundles the operator: `node hack/build.ts [entry [directory]]`, by default src/main.ts into build/. Makes
 * `freehold.mjs`, its source map, and the launcher `freehold`.
 */
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const [entry = 'src/main.ts', directory = 'build'] = process.argv.slice(2);

await mkdir(directory, { recursive: true });
await build({
  entryPoints: [entry],
  outfile: join(directory, 'freehold.mjs'),
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  sourcemap: true,
  logLevel: 'warning',
  // CommonJS packages in the bundle call require() for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
});
const launcher = join(directory, 'freehold');
await copyFile('hack/launcher.sh', launcher);
await chmod(launcher, 0o755);
