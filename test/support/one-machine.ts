import { findCondition } from '../../src/engine/conditions.ts';
import { machineWorld } from './machine-world.ts';
import type { ToyWorldOptions } from './toy-world.ts';

/** One machine, `web`, that is Ready, and nothing was sent since; it ends with its test. */
export async function oneMachine(spec: object = {}, options: ToyWorldOptions = {}) {
  const world = await machineWorld(options);
  await world.start();
  await world.make('web', spec);
  await world.pass(90);
  const status = async () => (await world.get('web'))!.status!;
  if (findCondition((await status()).conditions, 'Ready')?.status !== 'True') throw new Error('it is not Ready');
  world.remote.calls = [];
  world.remote.reads = [];
  const [node] = world.remote.held.nodes.values();
  return {
    ...world,
    node: node!,
    ask: (requestedAt: string, verb = 'reboot') => world.patch('web', { spec: { action: { requestedAt, verb } } }),
    annotate: (name: string, value: string) =>
      world.patch('web', { metadata: { annotations: { [`freehold.dev/${name}`]: value } } }),
    action: async () => (await status()).action,
    lastRetry: async () => (await status()).lastRetry,
    /** Lets all happen that needs no time. */
    async settle() {
      for (let turn = 0; turn < 5; turn += 1) await world.flush();
    },
  };
}
export type OneMachine = Awaited<ReturnType<typeof oneMachine>>;
