import { kinds } from '../../src/kinds.ts';
import type { KubeObject, ResourceType } from '../../src/kube/types.ts';
import type { Commit } from '../support/memory-kube/memory-kube.ts';
import type { Onlooker } from './onlooker.ts';
import type { Process } from './process.ts';

const plurals = kinds.map(({ names }) => names.plural);

const holderOf = (lease: (KubeObject & { spec?: { holderIdentity?: string } }) | undefined) =>
  lease?.spec?.holderIdentity;

/** One writer, which begins with what there is. */
export function leaderLaws({ note, leads, now }: Onlooker) {
  /** Since when a process holds the lease. */
  const since = new WeakMap<Process, number>();
  /** When its last list of each type left that was answered. */
  const listed = new WeakMap<Process, Map<string, number>>();

  return {
    /** In the turn in which a change leaves the process. */
    begins(by: Process, what: string): void {
      if (!leads(by)) note(8, 'one writer', `${by.name} began ${what} without the lease`);
      const unseen = plurals.filter((plural) => (listed.get(by)?.get(plural) ?? -1) < (since.get(by) ?? 0));
      if (unseen.length > 0)
        note(
          8,
          'a term begins with lists',
          `${by.name} began ${what} with no list of ${unseen.join(', ')} since it took the lease`,
        );
    },

    listed(by: Process, { plural }: ResourceType, begunAt: number): void {
      listed.set(by, (listed.get(by) ?? new Map<string, number>()).set(plural, begunAt));
    },

    committed({ before, after, type }: Commit, by: Process | undefined): void {
      if (type.plural !== 'leases' || !by) return;
      const holder = holderOf(after);
      if (holder?.startsWith(`${by.name}_`) && holderOf(before) !== holder) since.set(by, now());
    },
  };
}
