import { expect } from 'vitest';
import { filledSamples, isWell } from '../../../hack/samples.ts';
import type { Resource } from '../../../src/engine/resource.ts';
import { type CommandResult, startControlPlane } from '../../support/controlplane.ts';
import { createScenario, type LoggedCall, type Scenario } from '../../support/scenario.ts';
import { conditionOf } from '../../support/servers.ts';
import { until } from '../../support/wait.ts';
import { chart, helm, required } from './helm.ts';
import { type Node, startNode } from './node.ts';
import type { Pod } from './pod.ts';

/** What a user sets for the sandbox, and to wait less. */
const values = {
  ...required,
  allowedEndpoints: ['127.0.0.1:*'],
  allowInsecureEndpoints: true,
  settings: { motionInterval: '1s', absenceInterval: '1s' },
  leaderElection: { leaseDuration: '6s', renewDeadline: '4s', retryPeriod: '1s' },
};

/** As a person who waits until the pods are ready. */
export const patience = ['--wait', '--timeout', '55s'];

/** A cluster that nothing of ours was ever installed in, and a person with helm and kubectl. Each throws with their words. */
export interface FreshCluster {
  node: Node;
  /** Never throws for an exit code. */
  helm(...args: string[]): Promise<CommandResult>;
  install(name: string, namespace: string, more?: object): Promise<void>;
  /** As docs/install.md has it: the CRDs first, which Helm leaves alone. */
  upgrade(name: string, namespace: string, setting: string): Promise<void>;
  uninstall(name: string, namespace: string): Promise<void>;
  kubectl(...args: string[]): Promise<string>;
  /** A namespace and a sandbox of its own; only once the CRDs are there. */
  site(): Promise<Scenario>;
  /** Resources of ours in the site's namespace. */
  resources(s: Scenario): Promise<Resource[]>;
  /** Applies all samples, and waits until they are well. */
  samplesReady(s: Scenario): Promise<void>;
  /** The pod that leads, as the Lease names it, as soon as there is one that runs. */
  leader(name: string, namespace: string): Promise<Pod>;
  end(): Promise<void>;
}

export async function freshCluster(): Promise<FreshCluster> {
  const cluster = await startControlPlane();
  const node = startNode(cluster);
  const sites: Scenario[] = [];

  const run = (args: string[], input?: string) => helm([...args, '--kubeconfig', cluster.kubeconfig], input);
  async function must(result: Promise<CommandResult>): Promise<string> {
    const { code, stdout, stderr } = await result;
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }
  const kubectl = (...args: string[]) => must(cluster.kubectl(args));

  const fresh: FreshCluster = {
    node,
    helm: (...args) => run(args),
    async install(name, namespace, more = {}) {
      const how = ['--namespace', namespace, '--create-namespace', ...patience, '--values', '-'];
      await must(run(['install', name, chart, ...how], JSON.stringify({ ...values, ...more })));
    },
    async upgrade(name, namespace, setting) {
      const crds = await must(run(['show', 'crds', chart]));
      // Without --force-conflicts, which is for definitions that differ: these are the ones that Helm installed.
      await must(cluster.kubectl(['apply', '--server-side', '-f', '-'], crds));
      const how = ['--reset-then-reuse-values', '--set', setting, ...patience];
      await must(run(['upgrade', name, chart, '--namespace', namespace, ...how]));
    },
    async uninstall(name, namespace) {
      await must(run(['uninstall', name, '--namespace', namespace, ...patience]));
    },
    kubectl,
    async site() {
      const s = await createScenario({ cluster, now: Date.now, settings: { buildSeconds: 0, meteringSeconds: 0 } });
      sites.push(s);
      return s;
    },
    async resources({ namespace }) {
      const text = await kubectl('-n', namespace, 'get', 'freehold', '-o', 'json');
      return (JSON.parse(text) as { items: Resource[] }).items;
    },
    async samplesReady(s) {
      const samples = await filledSamples(s.sandbox.info);
      for (const { text } of samples) await must(s.kubectl(['apply', '-f', '-'], text));
      let items: Resource[] = [];
      const well = async () => (items = await fresh.resources(s)).every(isWell);
      await until('all samples are well', well, 60_000).catch((error: unknown) => {
        const told = items.map((item) => `${item.metadata.name}: ${JSON.stringify(conditionOf(item, 'Ready'))}`);
        throw new Error([String(error), ...told, ...node.history().map((pod) => pod.output())].join('\n'));
      });
      const wanted = samples.flatMap(({ resources }) => resources).sort();
      expect(items.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort()).toEqual(wanted);
    },
    async leader(name, namespace) {
      let found: Pod | undefined;
      const leads = async () => {
        const holder = await kubectl('-n', namespace, 'get', 'lease', name, '-o', 'jsonpath={.spec.holderIdentity}');
        found = node.pods().find((pod) => holder.startsWith(`${pod.name}_`));
        return found !== undefined;
      };
      await until('a pod leads', leads, 30_000);
      return found!;
    },
    async end() {
      await node.stop();
      for (const { sandbox } of sites) await sandbox.close();
      await cluster.stop();
    },
  };
  return fresh;
}

/** What was asked of the simulated clouds and changes something there. */
export async function changesAt(s: Scenario): Promise<LoggedCall[]> {
  return (await s.sandbox.calls()).filter(({ method, path }) => method !== 'GET' && !path.endsWith('/auth/tokens'));
}

/** Renames a server by its resource, and waits until it is called so at the remote. */
export async function rename(s: Scenario, resource: string, name: string): Promise<void> {
  const { code, stderr } = await s.kubectl([
    'patch',
    'dh',
    resource,
    '--type=merge',
    '-p',
    `{"spec":{"name":"${name}"}}`,
  ]);
  if (code !== 0) throw new Error(stderr);
  const renamed = async () => (await s.sandbox.servers()).some((server) => server.name === name);
  await until(`the server is called ${name}`, renamed, 30_000);
}
