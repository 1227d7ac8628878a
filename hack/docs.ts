/**
 * Writes docs/kinds/, a reference page a kind, and docs/metrics.md; with `--check` only says whether they are up to date.
 */
import { kinds } from '../src/kinds.ts';
import { keepGenerated, keepGeneratedFile } from './generated.ts';
import { kindPage, reasonsPage } from './kind-page.ts';
import { metricsPage } from './metrics-page.ts';

const pages = kinds.map((kind) => [`${kind.names.kind.toLowerCase()}.md`, kindPage(kind)]);
const check = process.argv.includes('--check');

keepGenerated('docs/kinds', Object.fromEntries([...pages, ['reasons.md', reasonsPage()]]), { check });
keepGeneratedFile('docs/metrics.md', metricsPage(), { check });
