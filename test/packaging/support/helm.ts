import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type Config, readConfig, settings } from '../../../src/config.ts';
import type { CommandResult } from '../../support/controlplane.ts';
import { root } from '../../support/docs.ts';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [field: string]: unknown;
}

interface PodSpec {
  containers: {
    args: string[];
    image: string;
    env?: { name: string; value?: string; valueFrom?: unknown }[];
    envFrom?: { configMapRef: { name: string } }[];
    [field: string]: unknown;
  }[];
  serviceAccountName: string;
  terminationGracePeriodSeconds: number;
  [field: string]: unknown;
}

export interface Deployment extends Manifest {
  spec: {
    replicas: number;
    strategy: { type: string; rollingUpdate?: { maxUnavailable: number; maxSurge: number } };
    selector: { matchLabels: Record<string, string> };
    template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
  };
}

export const chart = path.join(root, 'charts/freehold');

/** Helm as test/packaging/tools.sh brings it, else that of the machine. */
const tools = path.join(root, 'build/tools');
const program = existsSync(path.join(tools, 'helm')) ? path.join(tools, 'helm') : 'helm';

/** An environment in which Helm reads and writes nothing of the person who runs the tests. */
export function helmEnvironment(home: string): NodeJS.ProcessEnv {
  const foreign = /^(HELM_|KUBE|FREEHOLD_)/;
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  const homes = ['CACHE', 'CONFIG', 'DATA'].map((what) => [`HELM_${what}_HOME`, path.join(home, what)]);
  const build = path.join(root, 'build');
  return { ...own, ...Object.fromEntries(homes), PATH: `${tools}:${build}:${process.env['PATH']}` };
}

export function helm(args: string[], input = ''): Promise<CommandResult> {
  const home = mkdtempSync(path.join(tmpdir(), 'freehold-helm-'));
  return new Promise((resolve) => {
    const options = { env: helmEnvironment(home), timeout: 60_000, maxBuffer: 64 << 20 };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      rmSync(home, { recursive: true, force: true });
      resolve({ code: error ? 1 : 0, stdout, stderr: stderr || (error?.message ?? '') });
    });
    child.stdin!.on('error', () => undefined);
    child.stdin!.end(input);
  });
}

/** What must be given. */
export const required = { ownerID: 'my-company-prod', image: { repository: 'registry.example/freehold' } };

export const template = (values: object, release = 'freehold', namespace = 'default') =>
  helm(['template', release, chart, '--namespace', namespace, '--values', '-'], JSON.stringify(values));

/** Everything that the chart makes of the required values and these. Throws with Helm's words. */
export async function render(values: object = {}, release?: string, namespace?: string): Promise<Manifest[]> {
  const { code, stdout, stderr } = await template({ ...required, ...values }, release, namespace);
  if (code !== 0) throw new Error(stderr);
  return manifests(stdout);
}

export const manifests = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap((document) => (document.toJS() as Manifest | null) ?? []);

export const ofKind = (all: Manifest[], kind: string) => all.filter((manifest) => manifest.kind === kind);

export const deployments = (all: Manifest[]) => ofKind(all, 'Deployment') as Deployment[];

/** The operator's settings from the arguments of a container, read as its command line reads them. Throws on an unknown flag. */
export function configOf(args: string[], environment: NodeJS.ProcessEnv = {}): Config {
  const [command, ...flags] = args;
  if (command !== 'run') throw new Error(`the command is ${command}`);
  const given = flags.map((argument) => {
    const [flag, value] = argument.split(/=(.*)/s) as [string, string?];
    const setting = settings.find((known) => known.flag.split(' ')[0] === flag);
    if (!setting) throw new Error(`the operator knows no flag ${flag}`);
    if ((value === undefined) !== (setting.boolean === true))
      throw new Error(`${argument}: a value too many or too few`);
    return [setting.field, value ?? true];
  });
  return readConfig(Object.fromEntries(given) as Record<string, unknown>, environment);
}
