import type { Resource } from '../../src/engine/resource.ts';
import type { KubeObject, ResourceType } from '../../src/kube/types.ts';
import type { MemoryKube } from '../support/memory-kube/memory-kube.ts';
import { type Entry, type Ledger, mainShelves, type Shelf } from './ledger.ts';
import type { Deeds } from './laws.ts';
import { typeNamed } from './manifests.ts';
import type { Process } from './process.ts';
import type { Asked } from './remote-network.ts';

export interface OnlookerOptions {
  deeds: Deeds;
  kube: () => MemoryKube;
  ledger: () => Ledger;
  /** Milliseconds since the beginning. */
  now: () => number;
  /** The clouds' clock, milliseconds since 1970. */
  wall: () => number;
  /** How long a server stands after its DELETE was accepted, milliseconds. */
  serverStands: number;
}

/** Looks into every book, and touches nothing. */
export interface Onlooker extends OnlookerOptions {
  note(law: number, invariant: string, message: string): void;
  resources(): Resource[];
  leads(by: Process): boolean;
  holderOf(shelf: string, id: string): Resource | undefined;
  /** The resource that a remote object belongs to: by its record, or by its name. */
  ownerOf(target: { shelf: string; id: string }): Resource | undefined;
  /** Is it somebody else's, for whoever asks or for that resource? */
  isStranger(key: string, by?: string): boolean;
  /** Would a GET of it be answered 200? */
  stands(entry: Entry | undefined): boolean;
}

const leases: ResourceType = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease' };

export const identityOf = ({ kind, metadata }: KubeObject) => `${kind}/${metadata.namespace}/${metadata.name}`;

export const licenseTypeOf = (spec: unknown) => (spec as { licenseType?: string } | undefined)?.licenseType;

/** A create was sent for it, and its outcome is not written down. */
export const isOpen = ({ status }: Resource) => status?.creation !== undefined && status.creation.outcome === undefined;

/** The main object that a path names, or is a part of. */
export function targetOf(path: string, body: string): { shelf: string; id: string } | undefined {
  const match = /\/(servers|licenses|vcenters|nodes|ports|portgroups)\/([^/?]+)/.exec(path);
  if (match?.[1] !== undefined && match[2] !== undefined) return { shelf: match[1], id: match[2] };
  const node = /"node_uuid":"([^"]+)"/.exec(body)?.[1];
  return node === undefined ? undefined : { shelf: 'nodes', id: node };
}

/** Which main object a POST to this path makes. */
export const shelfOfCreate = ({ method, path }: Asked): Shelf | undefined =>
  method === 'POST' ? (/\/(servers|licenses|vcenters|nodes)$/.exec(path)?.[1] as Shelf | undefined) : undefined;

export function createOnlooker(options: OnlookerOptions, note: Onlooker['note']): Onlooker {
  const { deeds, kube, ledger, wall, serverStands } = options;

  function resources(): Resource[] {
    return Object.keys(mainShelves).flatMap((kind) => kube().list<Resource & KubeObject>(typeNamed(kind)).items);
  }

  const holderOf = (shelf: string, id: string) =>
    resources().find(({ kind, status }) => mainShelves[kind] === shelf && status?.externalID === id);

  return {
    ...options,
    note,
    resources,
    holderOf,
    leads(by) {
      const lease = kube().list<KubeObject & { spec?: { holderIdentity?: string } }>(leases).items[0];
      return lease?.spec?.holderIdentity?.startsWith(`${by.name}_`) ?? false;
    },
    ownerOf({ shelf, id }) {
      const entry = ledger().get(`${shelf}/${id}`);
      const main = entry?.nodeID === undefined ? { shelf, id } : { shelf: 'nodes', id: entry.nodeID };
      const holder = holderOf(main.shelf, main.id);
      if (holder) return holder;
      const owner = ledger().get(`${main.shelf}/${main.id}`)?.title;
      return resources().find(({ kind, metadata }) => mainShelves[kind] === main.shelf && metadata.name === owner);
    },
    isStranger(key, by) {
      const word = deeds.strangers.get(key);
      return word === 'never' || (by !== undefined && typeof word === 'object' && !word.by.includes(by));
    },
    stands(entry) {
      if (entry === undefined || entry.alive) return entry !== undefined;
      // What a person removes in the portal is gone at once.
      if (entry.shelf !== 'servers' || entry.deletedByCall === null) return false;
      return wall() < entry.deletedAt! + serverStands;
    },
  };
}
