import { setTimeout as sleep } from 'node:timers/promises';
import { typeOf } from '../../src/engine/kind.ts';
import { remoteKinds } from '../../src/kinds.ts';
import { atRest, rounded } from '../measure.ts';
import { namespace } from '../manifests.ts';
import { atMost, type Bound, figureAt, type Scenario } from '../scenario.ts';
import { applyAll, openWorld, type World } from '../world.ts';

/** All resources as JSON without managedFields, bytes. */
async function jsonOf(world: World): Promise<number> {
  let bytes = 0;
  for (const kind of remoteKinds) {
    const { items } = await world.api.list(typeOf(kind), { namespace });
    for (const item of items) bytes += Buffer.byteLength(JSON.stringify(item));
  }
  return bytes;
}

export const memory: Scenario = {
  name: 'memory',
  about:
    'RSS at rest, and heap after a full collection: with nothing to do, after a restart on all resources, and at most while they were created. Heap per resource, with what is remembered of its remote object, is compared with the JSON of the resource without managedFields.',
  defaults: { n: 100, runs: 5 },
  sizes: [{ n: 200, runs: 2 }],
  shown: {
    'RSS idle, MB': 'idle.rssMB',
    'heap idle, MB': 'idle.heapMB',
    'RSS at rest, MB': 'full.rssMB',
    'heap at rest, MB': 'full.heapMB',
    'peak RSS while all was created, MB': 'peakMB',
    'JSON of a resource, bytes': 'jsonBytes',
    'heap per resource, bytes': 'heapBytes',
    'heap per resource ÷ JSON': 'heapPerJSON',
  },
  async *measure(parameters) {
    await using world = await openWorld(parameters);
    const first = await world.operator('memory');
    await applyAll(world, parameters);
    await world.allReady();
    await atRest(first);
    const { peakMB } = first.memory();
    await first.end();
    const jsonBytes = (await jsonOf(world)) / parameters.n;
    for (let run = 0; run < parameters.runs; run += 1) {
      const look = async (name: string, least: number, args: string[]) => {
        const operator = await world.operator(`${name}-${run}`, args);
        await operator.ready();
        await atRest(operator, 5000, least);
        await sleep(20_000);
        const { rssMB, peakMB } = operator.memory();
        const heap = await operator.heap();
        await operator.end();
        return { rssMB: rounded(rssMB, 1), peakMB: rounded(peakMB, 1), heap, heapMB: rounded(heap / 2 ** 20, 1) };
      };
      const idle = await look('idle', 0, ['--watch-namespaces', 'default', '--lease-name', 'idle']);
      const full = await look('full', parameters.n, []);
      const heapBytes = (full.heap - idle.heap) / parameters.n;
      yield {
        idle,
        full,
        peakMB: rounded(peakMB, 1),
        jsonBytes: rounded(jsonBytes, 0),
        heapBytes: rounded(heapBytes, 0),
        heapPerJSON: rounded(heapBytes / jsonBytes),
      };
    }
  },
  bounds(figures, { n, kind }) {
    const rss = figureAt(figures, 'full.rssMB');
    const heap = figureAt(figures, 'heapPerJSON');
    const bounds: Bound[] = [atMost('RSS idle', figureAt(figures, 'idle.rssMB'), 110, ' MB')];
    // What a few resources add is lost in what code and caches take.
    if (n >= 1000) bounds.push(atMost('heap after GC per cached resource, as a multiple of its JSON', heap, 1.3));
    if (n === 1000 && kind === 'BareMetalNode') bounds.push(atMost('RSS with 1,000 nodes', rss, 160, ' MB'));
    if (n === 10_000) bounds.push(atMost('RSS with 10,000 resources', rss, 300, ' MB'));
    return bounds;
  },
};
