import { stringify } from 'yaml';
import { crd } from './engine/crd.ts';
import { kinds } from './kinds.ts';

/** The CustomResourceDefinitions as YAML. A module of its own: only one command needs the YAML writer. */
export function printedCRDs(): string {
  return kinds.map((kind) => stringify(crd(kind), { lineWidth: 120, aliasDuplicateObjects: false })).join('---\n');
}
