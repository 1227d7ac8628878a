import { setTimeout as sleep } from 'node:timers/promises';
import { typeOf } from '../../src/engine/kind.ts';
import { remoteKinds } from '../../src/kinds.ts';
import { atRest, rounded } from '../measure.ts';
import { namespace } from '../manifests.ts';
import type { Operator } from '../operator.ts';
import { atMost, type Bound, type Figures, figureAt, type Parameters, type Scenario } from '../scenario.ts';
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

type Look = Awaited<ReturnType<typeof lookAt>>;

/** After a while at rest. */
async function lookAt(operator: Operator) {
  await sleep(20_000);
  const { rssMB } = operator.memory();
  const heap = await operator.heap();
  return { rssMB: rounded(rssMB, 1), heap, heapMB: rounded(heap / 2 ** 20, 1) };
}

/**
 * Three operators, each in its turn: one with nothing to do, one that leads, and a standby beside that one, which holds the
 * same resources in its caches and nothing else.
 */
export async function memoryOf(world: World, { n }: Parameters, run: number): Promise<Figures> {
  const jsonBytes = (await jsonOf(world)) / n;
  const alone = async (name: string, least: number, args: string[], meanwhile?: () => Promise<Look>) => {
    const operator = await world.operator(`${name}-${run}`, args);
    await operator.ready();
    await atRest(operator, 5000, least);
    const look = await lookAt(operator);
    const other = await meanwhile?.();
    await operator.end();
    return { look, other: other ?? look };
  };
  const idle = await alone('idle', 0, ['--watch-namespaces', 'default', '--lease-name', 'idle']);
  const full = await alone('full', n, [], async () => (await alone('standby', 0, [])).look);
  const perResource = ({ heap }: Look) => (heap - idle.look.heap) / n;
  return {
    idle: idle.look,
    full: full.look,
    standby: full.other,
    jsonBytes: rounded(jsonBytes, 0),
    heapBytes: rounded(perResource(full.look), 0),
    heapPerJSON: rounded(perResource(full.look) / jsonBytes),
    cachedBytes: rounded(perResource(full.other), 0),
    cachedPerJSON: rounded(perResource(full.other) / jsonBytes),
  };
}

export const memoryShown = {
  'RSS idle, MB': 'idle.rssMB',
  'heap idle, MB': 'idle.heapMB',
  'RSS at rest, MB': 'full.rssMB',
  'heap at rest, MB': 'full.heapMB',
  'RSS of a standby, MB': 'standby.rssMB',
  'peak RSS while all was created, MB': 'peakMB',
  'JSON of a resource, bytes': 'jsonBytes',
  'heap of the cache per resource, bytes': 'cachedBytes',
  'that ÷ JSON': 'cachedPerJSON',
  'heap per resource with all that is known of its remote object, bytes': 'heapBytes',
  'the same ÷ JSON': 'heapPerJSON',
};

export function memoryBounds(figures: Figures, { n, kind }: Parameters): Bound[] {
  const rss = figureAt(figures, 'full.rssMB');
  const bounds: Bound[] = [atMost('RSS idle', figureAt(figures, 'idle.rssMB'), 110, ' MB')];
  // What a few resources add is lost in what code and caches take.
  if (n >= 1000) {
    const [cached, all] = [figureAt(figures, 'cachedPerJSON'), figureAt(figures, 'heapPerJSON')];
    bounds.push(atMost('heap after GC per cached resource (a standby), as a multiple of its JSON', cached, 1.3));
    bounds.push(atMost('the same with all that is known of its remote object (the leader)', all, 1.3));
  }
  if (n === 1000 && kind === 'BareMetalNode') bounds.push(atMost('RSS with 1,000 nodes', rss, 160, ' MB'));
  if (n === 10_000) bounds.push(atMost('RSS with 10,000 resources', rss, 300, ' MB'));
  return bounds;
}

export const memory: Scenario = {
  name: 'memory',
  about:
    'RSS at rest, and heap after a full collection: with nothing to do, after a restart on all resources, of a standby beside that, and at most while they were created. Heap per resource is compared with the JSON of the resource without managedFields.',
  defaults: { n: 100, runs: 5 },
  sizes: [{ n: 200, runs: 2 }],
  shown: memoryShown,
  async *measure(parameters) {
    await using world = await openWorld(parameters);
    const first = await world.operator('memory');
    await applyAll(world, parameters);
    await world.allReady();
    await atRest(first, 5000, 0, parameters.n);
    const { peakMB } = first.memory();
    await first.end();
    for (let run = 0; run < parameters.runs; run += 1)
      yield { ...(await memoryOf(world, parameters, run)), peakMB: rounded(peakMB, 1) };
  },
  bounds: memoryBounds,
};
