import { setTimeout as sleep } from 'node:timers/promises';
import { atRest, counting, median, rounded, secondsSince, total } from '../measure.ts';
import { nameOf } from '../manifests.ts';
import type { Figures, Scenario } from '../scenario.ts';
import { inParallel } from '../cluster.ts';
import { applyAll, openWorld } from '../world.ts';

/** Calls by which a name is put right, and what its body then holds. */
const mends = ['UpdateServer', 'PatchNode'];

export const drift: Scenario = {
  name: 'drift',
  about:
    'Somebody renames 1 % of the servers and nodes at the remote: time until each is put right, and what that takes. It is noticed by the next list.',
  defaults: { n: 100, runs: 3 },
  sizes: [{ n: 200, runs: 1 }],
  shown: {
    'objects that were changed': 'changed',
    'time until mended, median, s': 'mendedAfter.p50',
    'time until mended, last one, s': 'mendedAfter.last',
    'from the first mend to the last, s': 'mendedWithin',
    'remote calls per changed object without list pages': 'callsPerObject',
    'Kubernetes writes per changed object': 'writesPerObject',
  },
  async *measure(parameters) {
    await using world = await openWorld(parameters);
    const operator = await world.operator('drift');
    await applyAll(world, parameters);
    await world.allReady();
    await atRest(operator);
    for (let run = 0; run < parameters.runs; run += 1) {
      const changed = await strange(parameters, world, run);
      const end = await counting(world, operator);
      const began = Date.now();
      const since = performance.now();
      await inParallel(changed, ({ route }) => world.remote.control('PATCH', route, { name: `renamed-${run}` }));
      const times: number[] = [];
      while (times.length < changed.length) {
        if (secondsSince(since) > 10 * parameters.poll + 60)
          throw new Error(`only ${times.length} of ${changed.length} were mended`);
        await sleep(1000);
        const calls = await world.remote.calls();
        const mended = calls.filter(({ operation, committed }) => committed && mends.includes(operation));
        times.splice(0, times.length, ...mended.map(({ at }) => (Date.parse(at) - began) / 1000));
      }
      await sleep(5000);
      await world.allReady();
      const { calls, kubernetes } = await end(operator);
      const figures: Figures = {
        changed: changed.length,
        mendedAfter: { p50: rounded(median(times)), last: rounded(Math.max(...times)) },
        mendedWithin: rounded(Math.max(...times) - Math.min(...times)),
        callsPerObject: rounded((calls.changes + calls.others) / changed.length),
        writesPerObject: rounded(total(kubernetes.writes) / changed.length),
        calls,
        kubernetes,
      };
      yield figures;
      await atRest(operator);
    }
  },
};

/** Remote objects of 1 % of the servers and nodes, others in each run. */
async function strange(
  { n, kind }: { n: number; kind: string | undefined },
  { remote }: { remote: { control<T>(method: string, route: string): Promise<T> } },
  run: number,
): Promise<{ route: string }[]> {
  type Entry = { id: string; name?: string; bmcAddress?: string };
  const ledger = await remote.control<{ servers: Entry[]; nodes: Entry[] }>('GET', 'ledger');
  const share = Math.max(1, Math.round(n / (kind === undefined ? 200 : 100)));
  const some = Array.from({ length: share }, (_, at) => run * share + at);
  const routes = some.flatMap((index) => {
    const server = ledger.servers.find(({ name }) => name === nameOf('DedicatedHypervisor', index));
    const node = ledger.nodes.find(({ bmcAddress }) => bmcAddress === `${nameOf('BareMetalNode', index)}.example`);
    return [...(server ? [`servers/${server.id}`] : []), ...(node ? [`nodes/${node.id}`] : [])];
  });
  return routes.map((route) => ({ route }));
}
