import type { Resource } from '../../src/engine/resource.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import type { Entry } from './ledger.ts';
import { typeNamed } from './manifests.ts';
import { identityOf, isOpen, licenseTypeOf, type Onlooker, shelfOfCreate } from './onlooker.ts';
import type { Process } from './process.ts';
import type { Asked } from './remote-network.ts';
import type { Told } from './told.ts';
import { grace, type Words } from './words.ts';

/** Licences carry nothing: they can only be counted, and are taken by a word. */
export function licenseLaws({ note, resources, kube, ledger, deeds, now }: Onlooker, words: Words, { knew }: Told) {
  /** Resources by licence type that ever stood for one. */
  const holders = new Map<string, Set<string>>();
  /** When a resource last stood for a licence, by its ID. */
  const heldUntil = new Map<string, number>();

  /** A person's word that this resource may take what nobody stands for: in its spec, or in that of its tenant. */
  function mayTakeStock({ metadata, spec }: Resource): boolean {
    const key = { namespace: metadata.namespace ?? '', name: spec.tenantRef.name };
    const tenant = kube().get<KubeObject & { spec?: { licenseBuyers?: string } }>(typeNamed('SDPFTenant'), key);
    return (spec as { claim?: string }).claim === 'Unclaimed' || tenant?.spec?.licenseBuyers === 'OnlyThisOperator';
  }

  const userOf = (id: string) =>
    [...ledger().values()].find(({ shelf, title, alive }) => shelf === 'vcenters' && alive && title === id);

  /** What a vCenter uses that its process knew of is not returned. */
  function returned({ method, path, by }: Asked): void {
    const id = /\/licenses\/([^/?]+)$/.exec(path)?.[1];
    const user = method === 'DELETE' && id !== undefined ? userOf(id) : undefined;
    if (user && knew(by, 'vcenters', id!))
      note(10, 'what is in use is not returned', `${method} ${path} was sent, and ${user.id} uses it`);
  }

  return {
    remember(before: Resource | undefined, after: Resource | undefined): void {
      const type = licenseTypeOf((after ?? before)?.spec);
      if (type === undefined) return;
      const id = before?.status?.externalID;
      if (id !== undefined && after?.status?.externalID !== id) heldUntil.set(id, now());
      if (!after) return;
      const known = holders.get(type) ?? new Set();
      holders.set(type, known.add(`${identityOf(after)} ${after.metadata.uid}`));
    },

    created(entry: Entry): void {
      const buyer = resources().find((one) => licenseTypeOf(one.spec) === entry.title && isOpen(one));
      if (buyer) deeds.boughtFor.set(entry.id, buyer.metadata.uid ?? '');
      const all = [...ledger().values()].filter(({ shelf, title }) => shelf === 'licenses' && title === entry.title);
      const bought = all.filter(({ byCall }) => byCall !== null).length;
      const removed = all.filter(({ id }) => deeds.removed.has(`licenses/${id}`)).length;
      const stand = holders.get(entry.title)?.size ?? 0;
      if (bought > stand + removed) {
        const why = `${bought} of ${entry.title} were bought for ${stand} resources, and others removed ${removed}`;
        note(1, 'licences are counted', why);
      }
    },

    /** Where one is there that nobody stands for, a person is asked before another one is bought. */
    sent(asked: Asked): void {
      returned(asked);
      if (shelfOfCreate(asked) !== 'licenses') return;
      const type = /"license_type":"([^"]+)"/.exec(asked.body)?.[1];
      const buyer = resources().find((one) => licenseTypeOf(one.spec) === type && isOpen(one));
      if (!buyer || words.lately(buyer).some(({ spec }) => (spec as { claim?: string }).claim !== undefined)) return;
      if (/\sretry$/.test(buyer.status?.lastResolve ?? '')) return;
      // Named by a resource is spoken for, too.
      const held = new Set(resources().flatMap(({ spec, status }) => [spec.externalID, status?.externalID]));
      const free = [...ledger().values()].find(
        ({ shelf, title, alive, id }) =>
          shelf === 'licenses' &&
          title === type &&
          alive &&
          !held.has(id) &&
          (heldUntil.get(id) ?? -Infinity) + grace < now() &&
          knew(asked.by, 'licenses', id),
      );
      if (free) {
        const why = `one of ${type} was ordered for ${identityOf(buyer)}, which says nothing of ${free.id} that nobody stands for`;
        note(1, 'asked before a licence is bought', why);
      }
    },

    /** What was not bought for this very resource is taken by a word, and never while somebody uses it. */
    recorded(before: Resource, after: Resource, by: Process): void {
      const id = after.status?.externalID;
      if (id === undefined || before.status?.externalID === id) return;
      if (deeds.boughtFor.get(id) === after.metadata.uid) return;
      const what = `${identityOf(after)} took ${id}`;
      const resolve = before.metadata.annotations?.['freehold.dev/resolve'] ?? '';
      if (before.spec.externalID === id || resolve.endsWith(`adopt=${id}`)) return;
      if (!mayTakeStock(before)) note(2, 'a licence is taken by a word', `${what}, and nobody said that it may`);
      const user = userOf(id);
      if (user && knew(by, 'vcenters', id)) note(2, 'what is in use is no stock', `${what}, which ${user.id} uses`);
    },
  };
}
