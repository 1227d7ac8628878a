import type { Resource } from '../../src/engine/resource.ts';
import { KubeError } from '../../src/kube/types.ts';
import type { Dice } from '../simulation/seeded.ts';
import { manifestFor, remoteName, rotate, type Slot, somePorts, type Space, typeOfSlot } from './manifests.ts';
import { deletedAt, last, type Ledger, type Life, shelfOf, type Spec } from './records.ts';
import { until } from '../support/wait.ts';
import type { Site } from './site.ts';
import type { Watching } from './watching.ts';

/** How often people did what. */
export type Tally = Record<string, number>;

export const count = (tally: Tally, what: string) => {
  tally[what] = (tally[what] ?? 0) + 1;
};

/** Those who write manifests, and those who use the portal. What they do is chosen by dice. */
export interface People {
  /** One thing that somebody does. */
  act(): Promise<void>;
  /** Fills a slot that is empty. */
  create(slot: Slot): Promise<void>;
  /** Merges into spec or metadata, and notes the word. */
  change(slot: Slot, patch: { spec?: object; annotations?: Record<string, string | null> }): Promise<void>;
  remove(slot: Slot): Promise<void>;
  slotOf(life: Life): Slot | undefined;
  empty(): Slot[];
  /** Runs alone: neither people nor the API server's killer come between. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** IDs that somebody removed in the portal. */
  removed: Set<string>;
  tally: Tally;
}

interface Story {
  site: Site;
  watching: Watching;
  slots: Slot[];
  spaces: Space[];
  dice: Dice;
}

/** People's; without a name their writes would look like the operator's. */
const fieldManager = 'people';

export function createPeople({ site, watching, slots, spaces, dice }: Story): People {
  const { api, sandbox, now } = site;
  const tally: Tally = {};
  const removed = new Set<string>();
  let turn: Promise<unknown> = Promise.resolve();
  const bySlot = new Map(slots.map((slot) => [`${slot.kind}/${slot.namespace}/${slot.name}`, slot]));

  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const lifeIn = ({ kind, namespace, name }: Slot) => watching.alive(kind, namespace, name);
  const isHere = (slot: Slot) => {
    const life = lifeIn(slot);
    return life !== undefined && deletedAt(life) === undefined;
  };
  const spaceOf = ({ namespace }: Slot) => spaces.find((space) => space.namespace === namespace)!;

  /** What was written is a word, whatever becomes of it. */
  function note(resource: Resource): void {
    const life = watching.seen(resource);
    const { generation = 0 } = resource.metadata;
    if (last(life.words)?.generation !== generation)
      life.words.push({ at: now(), generation, spec: resource.spec as Spec });
  }

  async function create(slot: Slot): Promise<void> {
    if (lifeIn(slot)) return;
    const manifest = manifestFor(slot, site, dice, spaceOf(slot));
    note(await api.create<Resource>(typeOfSlot(slot), manifest as Resource, { fieldManager }));
    count(tally, `${slot.kind} created`);
  }

  async function change(slot: Slot, { spec, annotations }: Parameters<People['change']>[1]): Promise<void> {
    const patch = { ...(spec && { spec }), ...(annotations && { metadata: { annotations } }) };
    try {
      note(await api.mergePatch<Resource>(typeOfSlot(slot), slot, patch, { fieldManager }));
    } catch (error) {
      // It went while somebody thought about it.
      if (error instanceof KubeError && error.status === 404) return;
      await noteWhatStands(slot);
      throw error;
    }
  }

  /** An answer that was lost says nothing: what was written is a word all the same. */
  async function noteWhatStands(slot: Slot): Promise<void> {
    await until(
      `${slot.name} can be read again`,
      async () => {
        const resource = await api.get<Resource>(typeOfSlot(slot), slot).catch(() => 'not now' as const);
        if (resource !== 'not now' && resource) note(resource);
        return resource !== 'not now';
      },
      60_000,
    );
  }

  async function remove(slot: Slot): Promise<void> {
    const life = lifeIn(slot);
    if (!life || deletedAt(life) !== undefined) return;
    const word = last(life.words)!;
    life.words.push({ ...word, at: now(), deletes: true });
    await api.delete(typeOfSlot(slot), slot, { uid: life.uid });
    count(tally, `${slot.kind} deleted (${word.spec.deletionPolicy})`);
    // What uses a licence goes with it; else it would wait for ever.
    const user = slots.find(({ kind, index }) => kind === 'VCenterRegistration' && index === slot.index);
    if (slot.kind === 'GuestLicense' && user) await remove(user);
  }

  async function edit(slot: Slot): Promise<void> {
    const fields: Record<Slot['kind'], () => object> = {
      DedicatedHypervisor: () => ({ name: remoteName(slot) + dice.pick(['', '-renamed']) }),
      GuestLicense: () => ({ recreatePolicy: dice.pick(['Never', 'Always']) }),
      VCenterRegistration: () => ({ recreatePolicy: dice.pick(['Never', 'Always']) }),
      BareMetalNode: () =>
        dice.pick([
          { resourceClass: dice.pick(['small', 'large']) },
          { ports: somePorts(slot, dice) },
          { provisioning: dice.pick(['Manageable', 'Available']) },
          { power: dice.pick(['PoweredOn', 'PoweredOff', 'Unmanaged']) },
          { maintenance: dice.pick([{ reason: 'chaos' }, null]) },
          { action: { verb: 'Reboot', requestedAt: new Date().toISOString() } },
        ]),
    };
    await change(slot, { spec: fields[slot.kind]() });
    count(tally, `${slot.kind} edited`);
  }

  async function switchPolicy(slot: Slot): Promise<void> {
    if (lifeIn(slot)) await change(slot, { spec: { deletionPolicy: dice.pick(['Retain', 'Delete']) } });
  }

  /** Look-alikes: the same name, and somebody else's mark, or none. */
  async function plant(): Promise<void> {
    const slot = dice.pick(slots);
    const space = spaceOf(slot);
    const { sdpf } = sandbox.info;
    if (slot.kind === 'BareMetalNode') {
      const extra = dice.pick([{}, { freehold: `chaos/${slot.namespace}/${slot.name}x` }]);
      await sandbox.control('POST', 'nodes', { name: `${remoteName(slot)}-twin-${dice.int(1e6)}`, extra });
    } else if (slot.kind === 'DedicatedHypervisor') {
      const description = dice.pick([null, 'made by chaos', '[fh1:abcdefghijklmnopqrstuvwxyz:vgnk] of another owner']);
      await sandbox.control('POST', 'servers', {
        tenantID: space.tenantID,
        name: remoteName(slot),
        ...(description !== null && { description }),
      });
    } else if (space.shared) {
      const license_type = dice.pick([sdpf.licenseType, sdpf.vcenterLicenseType]);
      await sandbox.control('POST', 'licenses', { tenantID: space.tenantID, license_type });
    }
    count(tally, 'stranger planted in the portal');
  }

  /** Somebody removes one of ours in the portal: one at a time of each kind and namespace, and never the last ones. */
  async function removeInPortal(): Promise<void> {
    const kind = dice.pick(['DedicatedHypervisor', 'GuestLicense', 'BareMetalNode'] as const);
    const { namespace } = dice.pick(spaces);
    const peers = [...watching.lives.values()].filter(
      (life) =>
        life.kind === kind && life.namespace === namespace && life.goneAt === undefined && last(life.versions)?.ready,
    );
    const lost = [...watching.lives.values()].some(
      (life) => life.kind === kind && life.goneAt === undefined && removed.has(last(life.versions)?.externalID ?? ''),
    );
    const life = peers.length < 6 || lost ? undefined : dice.pick(peers);
    if (!life || deletedAt(life) !== undefined) return;
    const id = last(life.versions)!.externalID!;
    const ledger = await sandbox.control<Ledger>('GET', 'ledger');
    if (ledger.vcenters.some(({ licenseID, deletedAt }) => licenseID === id && deletedAt === undefined)) return;
    removed.add(id);
    await sandbox.control('DELETE', `${shelfOf[kind]}/${id}`);
    count(tally, 'removed in the portal');
  }

  type Deed = (slot: Slot) => Promise<unknown>;
  const ifHere = (deed: Deed) => async (slot: Slot) => (isHere(slot) ? deed(slot) : undefined);
  const annotate = (slot: Slot, name: string, value: string | null) =>
    change(slot, { annotations: { [`freehold.dev/${name}`]: value } });
  const deeds: [number, Deed][] = [
    [24, () => create(dice.pick(slots.filter((slot) => !lifeIn(slot)).concat(slots)))],
    [18, remove],
    [22, ifHere(edit)],
    // Also while it is on its way out.
    [8, (slot) => switchPolicy(slot)],
    [5, ifHere((slot) => annotate(slot, 'reconcile-requested-at', new Date().toISOString()))],
    [2, ifHere((slot) => annotate(slot, 'paused', dice.pick(['true', null])))],
    [1, () => rotate(site, dice, spaces)],
    [3, plant],
    [1.5, removeInPortal],
  ];
  const all = deeds.reduce((sum, [weight]) => sum + weight, 0);

  return {
    tally,
    removed,
    alone,
    create,
    change,
    remove,
    slotOf: ({ kind, namespace, name }) => bySlot.get(`${kind}/${namespace}/${name}`),
    empty: () => slots.filter((slot) => !lifeIn(slot)),
    async act() {
      // Of two places the one that is not empty.
      const [one, other] = [dice.pick(slots), dice.pick(slots)];
      const slot = isHere(one) ? one : other;
      let left = dice.between(0, all);
      const deed = deeds.find(([weight]) => (left -= weight) <= 0)?.[1];
      await alone(async () => deed?.(slot));
    },
  };
}
