import type { Resource } from '../../src/engine/resource.ts';
import { mainShelves } from './ledger.ts';
import { identityOf, type Onlooker } from './onlooker.ts';
import { longestKept } from './remote-network.ts';
import { grace } from './words.ts';

/** What a resource stands for: nothing but its own, and for as long as that is there. */
export function recordLaws({ note, ledger, resources, isStranger, stands, wall }: Onlooker) {
  /** What was recorded is never forgotten while it is there, and nothing else than ours is. */
  function recorded(shelf: string, before: Resource, after: Resource): void {
    const former = before.status?.externalID;
    const id = after.status?.externalID;
    if (former === id) return;
    const what = identityOf(after);
    if (former !== undefined && stands(ledger().get(`${shelf}/${former}`))) {
      note(1, 'the record stays', `${what} forgot ${former} for ${id ?? 'nothing'}, and ${former} is alive`);
    }
    if (id === undefined) return;
    if (isStranger(`${shelf}/${id}`, after.metadata.name))
      note(2, "never a stranger's", `${what} took ${id}, which somebody else made`);
    const other = resources().find(
      (one) => one.status?.externalID === id && mainShelves[one.kind] === shelf && identityOf(one) !== what,
    );
    if (other) note(2, "never a stranger's", `${what} took ${id}, which ${identityOf(other)} stands for`);
    // Whatever list it went by was told after that; what a person named is theirs to see to.
    const deletedAt = ledger().get(`${shelf}/${id}`)?.deletedAt;
    if (deletedAt !== undefined && deletedAt + longestKept * 1000 + grace < wall() && before.spec.externalID !== id)
      note(1, 'what is being deleted is not taken', `${what} took ${id}, whose deletion began long ago`);
  }

  /** Nothing counts as gone while it is there. */
  function judgedGone(shelf: string, resource: Resource): void {
    const id = resource.status?.externalID;
    if (isLost(resource) && ledger().get(`${shelf}/${id}`)?.alive)
      note(3, 'absent needs two witnesses', `${identityOf(resource)} says that ${id} is lost, and it is alive`);
  }

  return {
    /** A process wrote it. */
    committed(shelf: string, before: Resource | undefined, after: Resource): void {
      if (before) recorded(shelf, before, after);
      if (!isLost(before)) judgedGone(shelf, after);
    },
  };
}

const isLost = (resource: Resource | undefined) =>
  resource?.status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'RemoteLost') ?? false;
