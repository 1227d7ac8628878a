import { isDeleting, isPaused } from '../../src/engine/annotations.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { Entry } from './ledger.ts';
import { mainShelves, ownerOf } from './ledger.ts';
import { identityOf, isOpen, licenseTypeOf, type Onlooker, shelfOfCreate } from './onlooker.ts';
import type { Sent } from './kube-network.ts';
import type { Asked } from './remote-network.ts';
import type { Words } from './words.ts';

/** What only the journal may write. */
const journalFields = ['externalID', 'creation', 'deletion', 'lastResolve', 'action', 'lastRetry'];

/** What must be written down before a call, and under which lock: the memory that "never twice" rests on. */
export function journalLaws({ note, resources, ledger, deeds, holderOf, now }: Onlooker, words: Words) {
  /** Of the open creates those that this call may be. */
  function openFor(asked: Asked, shelf: string): Resource[] {
    const open = resources().filter((one) => mainShelves[one.kind] === shelf && isOpen(one));
    if (shelf === 'servers') {
      const name = /"name":"([^"]+)"/.exec(asked.body)?.[1] ?? '';
      return open.filter(({ metadata }) => metadata.name === ownerOf(name));
    }
    if (shelf === 'nodes') {
      const owner = /"freehold":"[^"/]+\/([^"]+)"/.exec(asked.body)?.[1];
      return open.filter(({ metadata }) => `${metadata.namespace}/${metadata.name}` === owner);
    }
    if (shelf === 'licenses') {
      const type = /"license_type":"([^"]+)"/.exec(asked.body)?.[1];
      return open.filter(({ spec }) => licenseTypeOf(spec) === type);
    }
    const license = /"license_id":"([^"]+)"/.exec(asked.body)?.[1] ?? '';
    const of = holderOf('licenses', license);
    return open.filter(({ metadata, spec }) => {
      const { licenseRef, licenseID } = spec as { licenseRef?: { name: string }; licenseID?: string };
      if (licenseID === license) return true;
      return of?.metadata.namespace === metadata.namespace && of?.metadata.name === licenseRef?.name;
    });
  }

  return {
    /** A create leaves only when it is journalled, and where nothing tells two apart one at a time. */
    sent(asked: Asked): void {
      const shelf = shelfOfCreate(asked);
      if (shelf === undefined) return;
      const open = openFor(asked, shelf);
      const what = `${asked.method} ${asked.path}`;
      if (open.length === 0)
        note(
          1,
          'journalled before it is sent',
          `${asked.by.name} sent ${what}, and no journal holds it: ${asked.body}`,
        );
      if (shelf === 'licenses' && open.length > 1)
        note(
          1,
          'one create at a time',
          `${what} was sent while these are not settled: ${open.map(identityOf).join(', ')}`,
        );
    },

    /** Nothing is written over what somebody else wrote meanwhile, and the memory by the journal alone. */
    sentToKube({ verb, type, body, subresource }: Sent): void {
      if (subresource !== 'status' || body === undefined) return;
      const { metadata, status } = body as { metadata?: { resourceVersion?: string }; status?: object };
      if (metadata?.resourceVersion === undefined)
        note(1, 'the status is locked', `${verb} of the status of ${type.plural} was sent without resourceVersion`);
      const field = verb === 'apply' && journalFields.find((name) => name in (status ?? {}));
      if (typeof field === 'string' && mainShelves[type.kind])
        note(1, "the memory is the journal's", `the report of ${type.plural} was sent with status.${field}`);
    },

    /** Each line of the journal is written on words that stand: `before` is what it was merged into, and it was locked. */
    committed(shelf: string, before: Resource, after: Resource): void {
      const former = before.status;
      const status = after.status;
      if (former === status) return;
      const attempt = status?.creation?.attemptID;
      if (attempt !== undefined && !deeds.journalled.has(attempt)) deeds.journalled.set(attempt, now());
      const what = identityOf(after);
      const { spec } = before;
      const observed = spec.managementPolicy === 'Observe';
      const off = isPaused(before) || observed;
      // A word that is given back shows an earlier one again.
      const written = (field: 'creation' | 'deletion' | 'action') =>
        (status?.[field]?.sentAt ?? '') > (former?.[field]?.sentAt ?? '');
      if (written('creation') && (isDeleting(before) || off))
        note(
          10,
          'journalled on what stands',
          `a create was journalled for ${what}, which is being deleted, observed or paused`,
        );
      if (written('deletion') && (!isDeleting(before) || spec.deletionPolicy !== 'Delete' || off))
        note(
          10,
          'journalled on what stands',
          `a delete was journalled for ${what}, which is not being deleted with Delete, or observed or paused`,
        );
      if (written('action') && (off || status?.action?.requestedAt !== spec.action?.requestedAt))
        note(
          10,
          'journalled on what stands',
          `an action of ${status?.action?.requestedAt} was journalled for ${what}, which does not ask for it`,
        );
      const lost = former?.externalID;
      if (
        lost !== undefined &&
        status?.externalID === undefined &&
        !isDeleting(before) &&
        spec.recreatePolicy !== 'Always'
      )
        note(
          10,
          'nothing lost is bought again',
          `${what} forgot ${shelf}/${lost} without a word that another one may be made`,
        );
    },

    /** What somebody removed is bought again by a word only. */
    created(entry: Entry, owner: Resource | undefined): void {
      const recorded = owner?.status?.externalID;
      if (!owner || recorded === undefined || recorded === entry.id) return;
      const { shelf } = entry;
      const dead = deeds.removed.has(`${shelf}/${recorded}`) || !ledger().get(`${shelf}/${recorded}`)?.alive;
      const said = words.lately(owner).some(({ spec }) => spec.recreatePolicy === 'Always');
      if (dead && !said)
        note(
          10,
          'nothing lost is bought again',
          `${shelf} ${entry.id} was made for ${identityOf(owner)} in the place of ${recorded}`,
        );
    },
  };
}
