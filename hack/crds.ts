/** Writes crds/, one CustomResourceDefinition a kind; with `--check` only says whether it is up to date. */
import { stringify } from 'yaml';
import { crd } from '../src/engine/crd.ts';
import { kinds } from '../src/kinds.ts';
import { keepGenerated } from './generated.ts';

const header = '# Generated from the schemas in src/ by `make generate`: do not edit.\n';

const files = kinds
  .map(crd)
  .map((definition) => [
    `${definition.spec.names.plural}.${definition.spec.group}.yaml`,
    header + stringify(definition, { lineWidth: 120, aliasDuplicateObjects: false, version: '1.1' }),
  ]);

keepGenerated('crds', Object.fromEntries(files), { check: process.argv.includes('--check') });
