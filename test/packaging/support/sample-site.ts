import { filledSamples, type Sample } from '../../../hack/samples.ts';
import type { Resource } from '../../../src/engine/resource.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import { createScenario, type Scenario } from '../../support/scenario.ts';
import { conditionOf, passUntil } from '../../support/servers.ts';

/** A scenario with what deploy/samples ask for at the remote, and the samples filled in; nothing is applied yet. */
export interface SampleSite {
  s: Scenario;
  samples: Sample[];
  /** All of them as one text for `kubectl apply -f -`. */
  text: string;
  /** Resources of ours in the samples, as `[kind, name]`. */
  resources: [kind: string, name: string][];
  get(kind: string, name: string): Promise<Resource>;
  /** Moves time on until Ready has this reason, by the present spec. */
  reason(kind: string, name: string, reason: string): Promise<Resource>;
  /** Moves time on until all samples are Ready by their present specs. */
  allReady(): Promise<void>;
  /** Fails the test when kubectl does. Returns what it prints. */
  kubectl(...args: string[]): Promise<string>;
  /** As `kubectl`, with this on its standard input. */
  kubectlWith(input: string, ...args: string[]): Promise<string>;
}

/** Everything that is done at the remote is done at once, unless `settings` say otherwise. */
export async function sampleSite(
  options: Parameters<typeof createScenario>[0] = {},
  change: (object: KubeObject & { spec?: object }) => void = () => undefined,
): Promise<SampleSite> {
  const settings = { buildSeconds: 0, deleteSeconds: 0, meteringSeconds: 0, ...options.settings };
  const s = await createScenario({ ...options, settings });
  const samples = await filledSamples(s.sandbox.info);
  const objects = samples.flatMap((sample) => sample.objects);
  for (const object of objects) change(object);
  const resources = objects
    .filter(({ apiVersion }) => apiVersion.includes('freehold.dev/'))
    .map(({ kind, metadata }): [string, string] => [kind, metadata.name]);

  const kubectlWith = async (input: string, ...args: string[]) => {
    const { code, stdout, stderr } = await s.kubectl(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const get = async (kind: string, name: string) => {
    const found = await s.get(kind, name);
    if (!found) throw new Error(`there is no ${kind}/${name}`);
    return found;
  };
  const readyOf = async (kind: string, name: string) => {
    const found = await get(kind, name);
    const ready = conditionOf(found, 'Ready');
    return ready?.observedGeneration === found.metadata.generation ? ready : undefined;
  };
  return {
    s,
    samples,
    text: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    resources,
    get,
    async reason(kind, name, reason) {
      const holds = async () => (await readyOf(kind, name))?.reason === reason;
      await passUntil(s, `${kind}/${name} is ${reason}`, holds, 12 * 60_000, 5_000).catch(async (error: unknown) => {
        throw new Error(`${String(error)}; it is ${JSON.stringify((await get(kind, name)).status, undefined, 1)}`);
      });
      return get(kind, name);
    },
    async allReady() {
      const unready = async () => {
        const left: string[] = [];
        for (const [kind, name] of resources) {
          const ready = await readyOf(kind, name);
          if (ready?.status !== 'True') left.push(`${kind}/${name} ${ready?.reason}: ${ready?.message}`);
        }
        return left;
      };
      await passUntil(s, 'all are Ready', async () => (await unready()).length === 0, 10 * 60_000, 5_000).catch(
        async (error: unknown) => {
          throw new Error(`${String(error)}: ${(await unready()).join('; ')}`);
        },
      );
    },
    kubectl: (...args) => kubectlWith('', ...args),
    kubectlWith,
  };
}
