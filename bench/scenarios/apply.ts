import { floorOf } from '../bare-calls.ts';
import { kubeFloorOf } from '../kube-floor.ts';
import { atRest, counting, median, quantile, rounded, secondsSince, total } from '../measure.ts';
import { type Call, countCalls } from '../remote.ts';
import {
  atLeast,
  atMost,
  type Bound,
  type Figures,
  figureAt,
  type KindName,
  kindNames,
  type Scenario,
} from '../scenario.ts';
import { applyAll, openWorld } from '../world.ts';
import { writesPer } from '../writes.ts';

/** When the calls of that name began, seconds after the first one. */
function spread(calls: readonly Call[], operation: string): Figures | undefined {
  const times = calls.filter((call) => call.operation === operation).map(({ at }) => Date.parse(at));
  return times.length === 0 ? undefined : { seconds: rounded((times.at(-1)! - times[0]!) / 1000), calls: times.length };
}

const creates = ['CreateServer', 'CreateLicense', 'RegisterVCenter', 'CreateNode'];

const mostWrites: Record<KindName, number> = {
  DedicatedHypervisor: 6,
  GuestLicense: 6,
  VCenterRegistration: 6,
  BareMetalNode: 9,
};

export const apply: Scenario = {
  name: 'apply',
  about:
    'Resources from their manifests to Ready: time, remote calls, Kubernetes writes; and the time that as many bare calls take in the same run.',
  defaults: { n: 100, runs: 3, motion: '1s' },
  sizes: [
    { n: 100 },
    { n: 400, kind: 'DedicatedHypervisor', budget: 20, runs: 1 },
    ...kindNames.map((kind) => ({ n: 200, kind, runs: 1 })),
  ],
  shown: {
    'time to all Ready, s': 'seconds',
    'of it until all manifests are applied, s': 'secondsToApply',
    'time to Ready of one resource, median, s': 'readyAfter.p50',
    'until the last create, s': 'secondsToLastCreate',
    'as many bare calls, s': 'floor.seconds',
    'pace of bare calls reached': 'ofFloor',
    'as many bare requests to Kubernetes, s': 'kubeFloor.seconds',
    'pace of both, one after the other, reached': 'ofBoth',
    'budget used until the last create': 'budgetUsed',
    'remote calls': 'calls.all',
    'list pages': 'calls.listPages',
    'remote calls per resource without list pages': 'callsPerResource',
    'passes per resource': 'passesPerResource',
    'CPU seconds of the operator': 'cpuSeconds',
    'Kubernetes writes per server': 'writesPer.DedicatedHypervisor.all',
    'Kubernetes writes per licence': 'writesPer.GuestLicense.all',
    'Kubernetes writes per registration': 'writesPer.VCenterRegistration.all',
    'Kubernetes writes per node': 'writesPer.BareMetalNode.all',
    events: 'events',
    'wait in the queue, mean, s': 'queue.meanSeconds',
    'peak RSS, MB': 'peakMB',
  },
  async *measure(parameters) {
    for (let run = 0; run < parameters.runs; run += 1) {
      await using world = await openWorld(parameters);
      const operator = await world.operator('apply');
      await atRest(operator, 2000);
      const end = await counting(world, operator);
      const began = performance.now();
      const beganAt = Date.now();
      await applyAll(world, parameters);
      const secondsToApply = secondsSince(began);
      await world.allReady();
      const seconds = secondsSince(began);
      const log = await world.remote.calls();
      // Events come a little later.
      await atRest(operator, 3000);
      const { cpuSeconds, calls, kubernetes, queue, reconciles, reconcilesOf } = await end(operator);
      const memory = operator.memory();
      const inTime = log.filter(({ at }) => Date.parse(at) - beganAt <= seconds * 1000);
      const lastCreate = Date.parse(log.findLast(({ operation }) => creates.includes(operation))?.at ?? '') - beganAt;
      const upTo = log.filter(
        ({ at, operation }) => Date.parse(at) - beganAt <= lastCreate && operation !== 'IssueToken',
      );
      const ready = [...world.following.resources.values()].map(({ at }) => (at - began) / 1000);
      const tenants = new Set(upTo.map(({ tenantID }) => tenantID)).size;
      await operator.end();
      const counted = countCalls(inTime);
      const unlimited = parameters.budget >= 1000;
      const floor = unlimited ? await floorOf(world, inTime) : undefined;
      const kubeFloor = unlimited ? await kubeFloorOf(world, kubernetes) : undefined;
      // What was saved up, the burst, is worth one second of it (world.ts).
      const allowed = (lastCreate / 1000 + 1) * parameters.budget * tenants;
      yield {
        seconds: rounded(seconds),
        secondsToApply: rounded(secondsToApply),
        secondsToLastCreate: rounded(lastCreate / 1000),
        readyAfter: { p50: rounded(median(ready)), p90: rounded(quantile(ready, 0.9)) },
        ...(floor && {
          floor: { ...floor, seconds: rounded(floor.seconds) },
          ofFloor: rounded(floor.seconds / seconds, 3),
        }),
        ...(floor &&
          kubeFloor && {
            kubeFloor: { ...kubeFloor, seconds: rounded(kubeFloor.seconds) },
            ofBoth: rounded((floor.seconds + kubeFloor.seconds) / seconds, 3),
          }),
        ...(!unlimited && { budgetUsed: rounded(upTo.length / allowed, 3) }),
        calls: counted,
        callsPerResource: rounded((counted.changes + counted.others) / parameters.n),
        callsPerServer: rounded(
          ((counted.byOperation['ShowServer'] ?? 0) + (counted.byOperation['UpdateServer'] ?? 0)) /
            (counted.byOperation['CreateServer'] ?? NaN),
        ),
        creates: Object.fromEntries(creates.map((operation) => [operation, spread(log, operation)])),
        callsAfterReady: calls.all - counted.all,
        cpuSeconds,
        passesPerResource: rounded(reconciles / parameters.n),
        passesOf: reconcilesOf,
        writesPer: writesPer(world, kubernetes.writes),
        events: total(kubernetes.writes, / events/),
        kubernetes,
        queue,
        peakMB: rounded(memory.peakMB, 0),
      };
    }
  },
  bounds(figures, { n, budget, kind }) {
    const bounds: Bound[] = [];
    for (const name of kindNames) {
      const measured = figureAt(figures, `writesPer.${name}.all`);
      if (!Number.isNaN(measured))
        bounds.push(
          atMost(`Kubernetes writes per ${name} from apply to Ready, with its Secret`, measured, mostWrites[name]),
        );
    }
    if (kind === undefined || kind === 'DedicatedHypervisor')
      bounds.push(
        atMost(
          'remote calls per created server beyond the POST and list pages',
          figureAt(figures, 'callsPerServer'),
          2,
        ),
      );
    if (kind === undefined && n === 1000 && budget >= 1000)
      bounds.push(atLeast('pace of bare calls of the same count', figureAt(figures, 'ofFloor'), 0.8));
    if (budget < 1000) bounds.push(atLeast('share of the budget that is used', figureAt(figures, 'budgetUsed'), 0.9));
    return bounds;
  },
};
