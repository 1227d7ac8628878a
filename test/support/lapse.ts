import { findCondition } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { KubeEvent } from './history.ts';
import type { ResourceType } from '../../src/kube/types.ts';
import type { RunningOperator, Scenario } from './scenario.ts';
import { until } from './wait.ts';

/** A scenario with its operator, and time that passes only as fast as the operator can follow. */
export interface Lapse {
  /** Lets time pass, in steps, until `holds`; fails, saying `what`, after 500 steps. */
  until(what: string, holds: () => Promise<boolean>, step?: number): Promise<void>;
  /** Lets so much time pass, milliseconds. */
  pass(milliseconds: number, step?: number): Promise<void>;
  /** Until the server's resource is gone. */
  gone(name: string, step?: number): Promise<void>;
  /** Until Ready has this reason. */
  reason(name: string, reason: string, step?: number): Promise<Resource>;
  /** Notes of the events about a resource, with this reason. */
  notes(name: string, reason: string): Promise<string[]>;
}

const mostSteps = 500;
const events: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event' };

export function lapse(s: Scenario, running: () => RunningOperator): Lapse {
  /** Everything that runs now has ended; a step of time never overtakes it. */
  async function rest(): Promise<void> {
    let quiet = 0;
    await until('the operator comes to rest', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const queue = running().operator.term()?.queue;
      quiet = queue === undefined || queue.depth + queue.running === 0 ? quiet + 1 : 0;
      return quiet >= 4;
    });
  }
  const reasonOf = async (name: string) => {
    const resource = await s.get('dh', name);
    const ready = findCondition(resource?.status?.conditions, 'Ready');
    return ready?.observedGeneration === resource?.metadata.generation ? ready?.reason : undefined;
  };
  const explained = (name: string, waiting: Promise<void>) =>
    waiting.catch(async (error: unknown) => {
      throw new Error(`${String(error)}; it is ${JSON.stringify((await s.get('dh', name))?.status, undefined, 1)}`);
    });
  const lapsed: Lapse = {
    async until(what, holds, step = 5_000) {
      await rest();
      for (let steps = 0; !(await holds()); steps += 1) {
        if (steps >= mostSteps) throw new Error(`not within ${(steps * step) / 1000} s of its time: ${what}`);
        s.clock.advance(step);
        await rest();
      }
    },
    async pass(milliseconds, step = 10_000) {
      for (let left = milliseconds; left > 0; left -= step) {
        s.clock.advance(Math.min(step, left));
        await rest();
      }
    },
    gone: (name, step) =>
      explained(
        name,
        lapsed.until(`dh/${name} gone`, async () => (await s.get('dh', name)) === undefined, step),
      ),
    async reason(name, reason, step) {
      await explained(
        name,
        lapsed.until(`dh/${name} ${reason}`, async () => (await reasonOf(name)) === reason, step),
      );
      return (await s.get('dh', name))!;
    },
    async notes(name, reason) {
      const { items } = await s.api.list<KubeEvent>(events, { namespace: s.namespace });
      return items.filter((event) => event.regarding.name === name && event.reason === reason).map(({ note }) => note);
    },
  };
  return lapsed;
}
