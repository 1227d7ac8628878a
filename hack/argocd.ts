/** Writes deploy/argocd/argocd-cm.yaml from health.lua beside it; with `--check` only says whether it is up to date. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { kinds } from '../src/kinds.ts';
import { keepGeneratedFile } from './generated.ts';

const directory = path.resolve(import.meta.dirname, '../deploy/argocd');
const file = path.join(directory, 'argocd-cm.yaml');

const indented = (text: string, by: number) => text.replaceAll(/^(?=.)/gm, ' '.repeat(by));

/** The script once a group: a wildcard is legal here, and in no other key of the ConfigMap. */
const script = readFileSync(path.join(directory, 'health.lua'), 'utf8');
const groups = [...new Set(kinds.map(({ group }) => group))].sort();
const customizations = groups.map((group) => `${group}/*:\n  health.lua: |\n${indented(script, 4)}`).join('');

const text = `# Generated from health.lua by \`make generate\`: do not edit.
#
# What Argo CD needs to know of the kinds of Freehold: when each is Healthy, Progressing, Suspended or Degraded. Differences
# need not be ignored anywhere. It is a part of Argo CD's own ConfigMap, so merge it in rather than replace that:
#
#   kubectl -n argocd patch configmap argocd-cm --patch-file deploy/argocd/argocd-cm.yaml
#
# Where resource.customizations has entries already, add these to them: the key is one text, and a patch replaces it.
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
  labels:
    app.kubernetes.io/name: argocd-cm
    app.kubernetes.io/part-of: argocd
data:
  resource.customizations: |
${indented(customizations, 4)}`;

keepGeneratedFile(file, text, { check: process.argv.includes('--check') });
