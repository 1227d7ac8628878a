import { setTimeout as sleep } from 'node:timers/promises';
import { counting, rounded, secondsSince, total } from '../measure.ts';
import { namespace, secretType } from '../manifests.ts';
import type { Scenario } from '../scenario.ts';
import { applyAll, openWorld } from '../world.ts';

export const rotation: Scenario = {
  name: 'rotation',
  about:
    'While resources are being created at a budget, the API key is changed at the remote, all its tokens end, and the Secret follows a second later: refused calls, and time until the new key is in use.',
  defaults: { n: 200, runs: 3, kind: 'DedicatedHypervisor', budget: 20, motion: '1s' },
  sizes: [{ n: 100, runs: 1 }],
  shown: {
    'calls that were refused': 'refused',
    'from the new Secret to the next good call, s': 'secondsToRecover',
    'longest pause between two good calls, s': 'longestPause',
    'time to all Ready, s': 'seconds',
    'resources that were created': 'created',
    'Kubernetes writes': 'writes',
  },
  async *measure(parameters) {
    for (let run = 0; run < parameters.runs; run += 1) {
      await using world = await openWorld(parameters);
      const { apiKey, tenantID } = world.remote.info.sdpf;
      const operator = await world.operator('rotation');
      await operator.ready();
      const end = await counting(world, operator);
      const began = performance.now();
      await applyAll(world, parameters);
      // A third of the time that the budget gives it.
      await sleep((parameters.n / parameters.budget / 3) * 1000);
      const apiSecret = `new-secret-${run}`;
      await world.remote.control('PUT', 'credentials', { tenantID, apiKey, apiSecret });
      const changedAt = Date.now();
      await sleep(1000);
      await world.api.mergePatch(secretType, { namespace, name: 'sdpf' }, { stringData: { apiSecret } });
      const writtenAt = Date.now();
      await world.allReady();
      const seconds = secondsSince(began);
      const log = (await world.remote.calls()).map(({ at, status, ...call }) => ({
        ...call,
        status,
        at: Date.parse(at),
      }));
      const good = log.filter(({ status, operation }) => status !== null && status < 400 && operation !== 'IssueToken');
      const pauses = good.map(({ at }, index) => at - (good[index - 1]?.at ?? at));
      const next = good.find(({ at }) => at >= writtenAt)?.at ?? NaN;
      const { calls, kubernetes } = await end(operator);
      yield {
        seconds: rounded(seconds),
        refused: log.filter(({ status, at }) => status === 401 && at >= changedAt).length,
        secondsToRecover: rounded((next - writtenAt) / 1000),
        longestPause: rounded(Math.max(...pauses) / 1000),
        created: log.filter(({ operation, committed }) => operation === 'CreateServer' && committed).length,
        writes: total(kubernetes.writes),
        calls,
        kubernetes,
      };
    }
  },
};
