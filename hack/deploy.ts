/**
 * Writes the parts of deploy/ that are the chart, rendered: `node hack/deploy.ts`, with helm in build/tools or in PATH. With
 * `--check` only says whether they are up to date. Settings become a file for a configMapGenerator, where an overlay can change
 * them one by one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Document, parseAllDocuments, type YAMLMap } from 'yaml';
import { settings } from '../src/config.ts';
import { keepGeneratedFile } from './generated.ts';

const header = '# The chart, rendered by `make manifests`: do not edit.\n';
const check = process.argv.includes('--check');
const own = path.resolve('build/tools/helm');
const helm = existsSync(own) ? own : 'helm';

/** What the values require is named where nobody can have it; the owner ID is left out of the settings again. */
const required = { ownerID: 'unset', 'image.repository': 'registry.invalid/freehold' };

/** The manifests of the chart, without what is Helm's own. */
function rendered(values: Record<string, string>): Document[] {
  const set = Object.entries({ ...required, ...values }).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const text = execFileSync(helm, ['template', 'freehold', 'charts/freehold', '-n', 'freehold-system', ...set], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const documents = parseAllDocuments(text) as Document[];
  return documents
    .filter((document) => document.contents !== null && !document.hasIn(['metadata', 'annotations', 'helm.sh/hook']))
    .map((document) => {
      document.commentBefore = null;
      document.directives!.docStart = null;
      (document.contents as YAMLMap).commentBefore = null;
      for (const label of ['helm.sh/chart', 'app.kubernetes.io/managed-by'])
        document.deleteIn(['metadata', 'labels', label]);
      return document;
    });
}

const text = (documents: Document[]) =>
  header + documents.map((document) => document.toString({ lineWidth: 0, flowCollectionPadding: false })).join('---\n');

const kindOf = (document: Document) => document.get('kind') as string;

/** Takes the arguments out of the Deployment and gives them back as environment variables, with what they mean. */
function settingsOf(deployment: Document): string {
  const at = ['spec', 'template', 'spec', 'containers', 0];
  const [command, ...flags] = (deployment.toJS() as Deployment).spec.template.spec.containers[0]!.args;
  const given = new Map<string, string>();
  for (const flag of flags) {
    const [, name, value] = /^(--[a-z-]+)=(.*)$/.exec(flag) ?? [];
    if (name === undefined || value === undefined) throw new Error(`${flag} has no value to give to a variable`);
    given.set(name, value);
  }
  deployment.setIn([...at, 'args'], deployment.createNode([command], { flow: true }));
  deployment.setIn([...at, 'envFrom'], deployment.createNode([{ configMapRef: { name: 'freehold-settings' } }]));
  const lines = settings.map(({ flag, field, description }) => {
    const name = flag.split(' ')[0]!;
    const variable = `FREEHOLD_${name.slice(2).replaceAll('-', '_').toUpperCase()}`;
    const value = given.get(name);
    if (field === 'ownerID') return `# ${description}\n${variable}=\n`;
    if (value === undefined) return '';
    return `# ${description}\n${variable}=${value}\n`;
  });
  return `${header}#\n# Settings of the operator, changed by a configMapGenerator of an overlay: deploy/overlays/example.\n${lines.join('')}`;
}

interface Deployment {
  spec: { template: { spec: { containers: { args: string[] }[] } } };
}

const monitoring = ['serviceMonitor', 'prometheusRule', 'dashboard'].map((what) => [
  `monitoring.${what}.enabled`,
  'true',
]);
// An overlay may name another namespace.
monitoring.push(['monitoring.prometheusRule.absentByRelease', 'false']);
const base = rendered({});
const settingsFile = settingsOf(base.find((document) => kindOf(document) === 'Deployment')!);
const scoped = rendered({ watchNamespaces: '{freehold-system}' }).filter(
  (document) => kindOf(document).startsWith('Role') && document.getIn(['metadata', 'name']) === 'freehold',
);
const names = new Set(base.map((document) => `${kindOf(document)}/${String(document.getIn(['metadata', 'name']))}`));
const added = rendered(Object.fromEntries(monitoring)).filter(
  (document) => !names.has(`${kindOf(document)}/${String(document.getIn(['metadata', 'name']))}`),
);

keepGeneratedFile('deploy/base/operator.yaml', text(base), { check });
keepGeneratedFile('deploy/base/settings.env', settingsFile, { check });
keepGeneratedFile('deploy/components/namespace-scoped/role.yaml', text(scoped), { check });
keepGeneratedFile('deploy/components/monitoring/monitoring.yaml', text(added), { check });
