/**
 * Bundles the operator: `node hack/build.ts [entry [directory]]`, by default src/main.ts into build/. Makes
 * `freehold.mjs`, its source map, and the launcher `freehold`.
 */
import { chmod, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

/**
 * Leaves out what nothing here uses of two large packages, a third of the bundle and some 16 MB of memory: of client-node
 * only the configuration is used, whose modules do nothing but define; of undici the connections, not fetch and the like.
 */
const slim: Plugin = {
  name: 'slim',
  setup(to) {
    const clientNode = /client-node[/\\]dist[/\\]/;
    to.onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ resolveDir }) =>
      to.resolve('@kubernetes/client-node/dist/config.js', { resolveDir, kind: 'import-statement' }).then(pure),
    );
    to.onResolve({ filter: /^\.{1,2}\// }, async ({ path, importer, resolveDir, kind, with: how, pluginData }) => {
      if (pluginData === slim || !clientNode.test(importer)) return undefined;
      return pure(await to.resolve(path, { resolveDir, kind, importer, with: how, pluginData: slim }));
    });
    to.onResolve({ filter: /^undici$/ }, ({ resolveDir }) => ({ path: resolveDir, namespace: 'undici' }));
    to.onLoad({ filter: /./, namespace: 'undici' }, ({ path: resolveDir }) => ({ resolveDir, contents: undici }));
  },
};

/** As undici's own index.js, with nothing but what is called here; fetch is only imported. */
const undici = `
  import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
  import request from 'undici/lib/api/api-request.js';
  export { default as Agent } from 'undici/lib/dispatcher/agent.js';
  export { default as Client } from 'undici/lib/dispatcher/client.js';
  export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js';
  Object.assign(Dispatcher.prototype, { request });
  export const { fetch } = globalThis;
`;

const pure = <R extends object>(resolved: R) => ({ ...resolved, sideEffects: false });

const [entry = 'src/main.ts', directory = 'build'] = process.argv.slice(2);

await mkdir(directory, { recursive: true });
for (const name of await readdir(directory)) if (/^freehold.*\.mjs/.test(name)) await rm(join(directory, name));
const { outputFiles } = await build({
  entryPoints: [entry],
  outfile: join(directory, 'freehold.mjs'),
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  sourcemap: true,
  logLevel: 'warning',
  write: false,
  plugins: [slim],
  // CommonJS packages in the bundle call require() for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
});
for (const { path, text } of outputFiles) {
  // Code is ASCII already. One other character in a comment, and V8 holds the whole text with two bytes for each.
  await writeFile(path, path.endsWith('.mjs') ? text.replace(/[^\0-\x7f]/g, '?') : text);
}
const launcher = join(directory, 'freehold');
await copyFile('hack/launcher.sh', launcher);
await chmod(launcher, 0o755);
