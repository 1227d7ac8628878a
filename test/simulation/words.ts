import type { Resource } from '../../src/engine/resource.ts';
import { identityOf } from './onlooker.ts';

/**
 * So long an operator may act on what it read, milliseconds: a read, a watch and a call are under way, and what was stopped
 * goes on until its lease ends.
 */
export const grace = 90_000;

/** What people said of each resource, now and a moment ago. */
export interface Words {
  remember(before: Resource | undefined, after: Resource | undefined): void;
  /** Every version of its words that stood within the grace, the present one among them. */
  lately(resource: Resource): Resource[];
}

export function createWords(now: () => number): Words {
  const former = new Map<string, { resource: Resource; until: number }[]>();
  return {
    remember(before, after) {
      if (!before) return;
      const { metadata: was } = before;
      const is = after?.metadata;
      const same =
        is?.generation === was.generation &&
        is?.deletionTimestamp === was.deletionTimestamp &&
        is?.annotations === was.annotations;
      if (same) return;
      const identity = identityOf(before);
      const kept = (former.get(identity) ?? []).filter(({ until }) => until + grace > now());
      former.set(identity, [...kept, { resource: before, until: now() }]);
    },
    lately(resource) {
      const kept = former.get(identityOf(resource)) ?? [];
      return [resource, ...kept.filter(({ until }) => until + grace > now()).map((one) => one.resource)];
    },
  };
}
