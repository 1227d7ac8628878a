import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { Config } from '../../../src/config.ts';
import { createKubeClient } from '../../../src/kube/client.ts';
import { kubeConnection } from '../../../src/kube/config.ts';
import { type KubeApi, KubeError } from '../../../src/kube/types.ts';
import { createOperator } from '../../../src/operator.ts';
import { createTransport } from '../../../src/remote/undici.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import type { Scenario } from '../../support/scenario.ts';

/** An operator inside this process, on the scenario's clock, under the rights of a service account. */
export interface LimitedOperator {
  /** What the API server forbade it, in its words. */
  refusals: string[];
  /** How often it began to watch Leases. */
  leaseWatches(): number;
  leads(): boolean;
  /** As /readyz says. */
  ready(): boolean;
  stop(): Promise<void>;
}

/** Starts an operator as that service account of the scenario's namespace. */
export async function startLimited(s: Scenario, account: string, config: Config): Promise<LimitedOperator> {
  const { code, stdout, stderr } = await s.kubectl(['create', 'token', account]);
  if (code !== 0) throw new Error(stderr);
  const kubeconfig = parse(readFileSync(s.kubeconfig, 'utf8')) as { users: { user: object }[] };
  for (const entry of kubeconfig.users) entry.user = { token: stdout.trim() };
  const directory = mkdtempSync(path.join(tmpdir(), 'freehold-limited-'));
  const file = path.join(directory, 'kubeconfig');
  writeFileSync(file, stringify(kubeconfig));
  // On real time: a jump of the scenario's clock is not to cut calls.
  const kube = createKubeClient({ connection: kubeConnection({ kubeconfig: file }), clock: systemClock });
  const refusals: string[] = [];
  let leaseWatches = 0;
  const transport = createTransport({ clock: systemClock });
  const operator = createOperator(config, {
    kube: overheard(kube, refusals, (resource) => (leaseWatches += resource === 'leases' ? 1 : 0)),
    namespace: s.namespace,
    transport,
    clock: s.clock,
    random: systemRandom,
    log: createLog({ level: 'silent' }),
    metrics: createMetrics({ ofProcess: false }),
  });
  const stopping = new AbortController();
  const running = operator.run(stopping.signal);
  return {
    refusals,
    leaseWatches: () => leaseWatches,
    ready: () => operator.ready.every(({ problem }) => problem() === undefined),
    leads: () => operator.term() !== undefined,
    async stop() {
      stopping.abort();
      await running;
      await Promise.all([kube.close(), transport.close()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The same API; what it forbids is written down, and what is watched is told. */
function overheard(api: KubeApi, refusals: string[], watching: (resource: string) => void): KubeApi {
  const noted = (error: unknown): never => {
    if (error instanceof KubeError && error.status === 403) refusals.push(error.message);
    throw error;
  };
  const watch: KubeApi['watch'] = async function* (type, options) {
    watching(type.plural);
    try {
      yield* api.watch(type, options);
    } catch (error) {
      noted(error);
    }
  };
  return {
    get: (...of) => api.get<any>(...of).catch(noted),
    list: (...of) => api.list<any>(...of).catch(noted),
    create: (...of) => api.create(...of).catch(noted),
    mergePatch: (...of) => api.mergePatch<any>(...of).catch(noted),
    apply: (...of) => api.apply<any>(...of).catch(noted),
    delete: (...of) => api.delete(...of).catch(noted),
    watch,
  };
}
