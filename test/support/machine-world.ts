import { onTestFinished } from 'vitest';
import { chosenID } from '../../src/engine/owner.ts';
import { toyMachine } from './toy-machine.ts';
import { createToyWorld, type ToyWorldOptions } from './toy-world.ts';

/** A world of toy machines that ends with its test. */
export async function machineWorld(options: ToyWorldOptions = {}) {
  const made = await createToyWorld({ kind: toyMachine, ...options });
  onTestFinished(() => made.end());
  return {
    ...made,
    /** Lets milliseconds pass, until it is so. */
    async until(so: () => boolean | Promise<boolean>) {
      for (let turn = 0; turn < 100 && !(await so()); turn += 1) {
        made.clock.advance(1);
        await made.flush();
      }
    },
  };
}

/** The ID that the engine chooses for the resource of that name. */
export const idOf = (name: string) => chosenID({ ownerID: 'prod', namespace: 'shop', name });
