/** Writes docs/kinds/, a reference page a kind; with `--check` only says whether they are up to date. */
import { kinds } from '../src/kinds.ts';
import { keepGenerated } from './generated.ts';
import { kindPage, reasonsPage } from './kind-page.ts';

const pages = kinds.map((kind) => [`${kind.names.kind.toLowerCase()}.md`, kindPage(kind)]);

keepGenerated('docs/kinds', Object.fromEntries([...pages, ['reasons.md', reasonsPage()]]), {
  check: process.argv.includes('--check'),
});
