import { setTimeout as sleep } from 'node:timers/promises';
import { startOpenStack } from '../../test/support/openstack.ts';
import { type RecordedCall, startRecorder } from '../../test/support/recorder.ts';
import { openCluster } from '../cluster.ts';
import { credentials, macOf, manifest, nameOf, password, secretType, types } from '../manifests.ts';
import { median, quantile, rounded, secondsSince } from '../measure.ts';
import { atMost, figureAt, type Figures, type Scenario } from '../scenario.ts';

/** What a call is, without what differs from node to node. */
function operation({ method, path, requestBody }: RecordedCall): string {
  const route = path.replace(/\?.*/, '').replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '{id}');
  const target = (requestBody as { target?: unknown } | null)?.target;
  return `${method} ${route}${typeof target === 'string' ? ` ${target}` : ''}`;
}

export const ironic: Scenario = {
  name: 'ironic',
  about:
    'Bare-metal nodes with a port each on a real Ironic with fake hardware, from manifests to available, with the default budget; then three minutes at rest.',
  defaults: { n: 200, runs: 1, kind: 'BareMetalNode', budget: 5 },
  byHand: true,
  shown: {
    'time to all Ready, s': 'seconds',
    'remote calls': 'calls',
    'remote calls per node': 'callsPerNode',
    'remote calls per node without list pages': 'callsPerNodeWithoutPages',
    'remote changes per node': 'changesPerNode',
    'calls in three minutes at rest': 'callsAtRest',
    'peak RSS, MB': 'peakMB',
  },
  async *measure({ n, runs, poll, budget, motion }) {
    for (let run = 0; run < runs; run += 1) {
      await using cluster = await openCluster();
      const openStack = await startOpenStack();
      cluster.before(() => openStack.stop());
      const recorder = await startRecorder(openStack.info.endpoint);
      cluster.before(() => recorder.close());
      const { authURL, project, domain, username, driver } = openStack.info;
      await cluster.api.create(secretType, credentials('cloud', { username, password: openStack.info.password }));
      await cluster.api.create(secretType, credentials('bmc', { username: 'root', password }));
      const tenant = {
        ...{ authURL, project, domain, endpoint: recorder.url, paths: { baremetal: '' }, pollInterval: poll },
        credentialsSecretRef: { name: 'cloud' },
        limits: { requestsPerSecond: budget, burst: 20 },
      };
      await cluster.api.create(types.CloudOSTenant, manifest(types.CloudOSTenant, 'cloud', { spec: tenant }));
      const operator = await cluster.operator('ironic', ['--motion-interval', motion]);
      await operator.ready();
      const began = performance.now();
      const spec = (index: number) => ({
        ...{ tenantRef: { name: 'cloud' }, driver, provisioning: 'Available' },
        bmc: { address: `bmc-${index}.example`, credentialsSecretRef: { name: 'bmc' } },
        ports: [{ macAddress: macOf(index) }],
      });
      await cluster.apply(
        Array.from({ length: n }, (_, index) => ({
          kind: 'BareMetalNode' as const,
          object: manifest(types.BareMetalNode, nameOf('BareMetalNode', index), { spec: spec(index) }),
        })),
      );
      await cluster.allReady();
      const seconds = secondsSince(began);
      const calls = [...recorder.calls];
      const ready = [...cluster.following.resources.values()].map(({ at }) => (at - began) / 1000);
      const pages = calls.filter(
        ({ method, path }) => method === 'GET' && /\/(nodes|ports|portgroups)\/detail/.test(path),
      );
      const byOperation: Record<string, number> = {};
      for (const call of calls) byOperation[operation(call)] = (byOperation[operation(call)] ?? 0) + 1;
      const { peakMB } = operator.memory();
      await sleep(180_000);
      const figures: Figures = {
        seconds: rounded(seconds),
        readyAfter: { p50: rounded(median(ready)), p90: rounded(quantile(ready, 0.9)) },
        calls: calls.length,
        callsPerNode: rounded(calls.length / n),
        callsPerNodeWithoutPages: rounded((calls.length - pages.length) / n),
        changesPerNode: rounded(calls.filter(({ method }) => method !== 'GET').length / n),
        byOperation,
        callsAtRest: recorder.calls.length - calls.length,
        peakMB: rounded(peakMB, 0),
      };
      yield figures;
    }
  },
  bounds: (figures) => [
    atMost(
      'remote calls per node on a real Ironic, beyond shared list pages',
      figureAt(figures, 'callsPerNodeWithoutPages'),
      8,
    ),
  ],
};
