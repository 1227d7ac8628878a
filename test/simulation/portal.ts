import { markerOf } from '../../src/engine/owner.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { Act, Adopted, Blur, Planned, PortalChange } from './history.ts';
import { control, mainShelves } from './ledger.ts';
import { licenseTypeOf } from './manifests.ts';
import { ownerID, type PeopleOptions } from './people.ts';

export interface PortalOptions extends PeopleOptions {
  live(one: Planned): Resource | undefined;
}

/** What people do at the remote portals, past the operator. */
export interface Portal {
  act(act: Act, one: Planned | undefined): void;
  /** ID of the object that the resource names from the start, made when it is first asked for. */
  adopted(one: Planned): string | undefined;
  objectOf(one: Planned, adopted: Adopted): string;
  /** Are the objects of that kind kept from every list and read now? */
  hides(kind: string): boolean;
}

interface Made {
  id?: string;
  uuid?: string;
}

interface Books {
  servers: { id: string; description: string | null }[];
  vcenters: { linkLocalAddress: string; deletedAt?: string }[];
}

interface NodeView {
  provision_state: string;
  target_provision_state: string | null;
  instance_uuid: string | null;
  maintenance: boolean;
  maintenance_reason: string | null;
}

export function createPortal(options: PortalOptions): Portal {
  const { history, sandbox, info, ledger, scheduler, deeds, blurs, tell, live } = options;
  let strangers = 0;
  /** IDs of what resources name, by label. */
  const objects = new Map<string, string>();

  type Taker = 'never' | 'adoptable' | { by: string[] };

  function stranger(collection: string, fields: Record<string, unknown>, taker: Taker = 'never'): string {
    strangers += 1;
    const { id, uuid } = control(sandbox, 'POST', collection, fields) as Made;
    const given = (id ?? uuid)!;
    deeds.strangers.set(`${collection}/${given}`, taker);
    tell('somebody', () => `makes ${collection} ${given} ${JSON.stringify(fields)}`);
    return given;
  }

  const books = () => control(sandbox, 'GET', 'ledger') as Books;

  function lookalike({ kind, namespace, name, spec }: Planned, mark: 'none' | 'foreign' | 'damaged'): void {
    const other = markerOf({ ownerID: 'another', namespace, name });
    const broken = markerOf({ ownerID, namespace, name }).slice(0, 24);
    switch (kind) {
      case 'DedicatedHypervisor':
        stranger('servers', {
          name,
          description: { none: 'a web server', foreign: other, damaged: broken }[mark],
          ...(mark === 'foreign' && { metadata: { 'freehold-owner': `another/${namespace}/${name}` } }),
        });
        break;
      case 'GuestLicense':
        license(String(spec.type));
        break;
      case 'VCenterRegistration':
        usedLicense('second');
        break;
      case 'BareMetalNode':
        if (mark === 'none' && ledgerHas('nodes', name)) return;
        stranger('nodes', {
          ...(mark === 'none' && { name }),
          ...(mark === 'damaged' && { driver_info: { ipmi_address: `${name}.bmc.example` } }),
          ...(mark === 'foreign' && { extra: { freehold: `another/${namespace}/${name}` } }),
        });
    }
  }

  const ledgerHas = (shelf: string, title: string) =>
    [...ledger().values()].some((entry) => entry.shelf === shelf && entry.title === title && entry.alive);

  /** A licence in use, so that it is nobody's stock. */
  function usedLicense(type: string): void {
    // People keep the word that they gave.
    if (history.licenseBuyers === 'OnlyThisOperator') return;
    const taken = new Set(
      books().vcenters.flatMap((one) => (one.deletedAt === undefined ? [one.linkLocalAddress] : [])),
    );
    const address = [0, 1, 2].map((last) => `169.254.127.${132 + last}`).find((one) => !taken.has(one));
    if (address === undefined) return;
    const id = stranger('licenses', { license_type: licenseTypeOf(type, info) });
    stranger('vcenters', { link_local_address: address, license_id: id });
  }

  /** Somebody buys a licence. Whoever says so may take it; nobody may without a word. */
  function license(type: string): void {
    // People keep the word that they gave.
    if (history.licenseBuyers === 'OnlyThisOperator') return;
    stranger('licenses', { license_type: licenseTypeOf(type, info) }, mayBeTaken() ? 'adoptable' : 'never');
  }

  /** Is there a word, or might one come, that unclaimed licences may be used? */
  const mayBeTaken = () =>
    history.licenseBuyers === 'OnlyThisOperator' ||
    history.resources.some(({ spec }) => spec.claim === 'Unclaimed') ||
    history.acts.some((act) => act.do === 'edit' && act.spec.claim === 'Unclaimed');

  function objectOf({ kind }: Planned, { object, mark }: Adopted): string {
    const found = objects.get(object);
    if (found !== undefined) return found;
    const by = [
      ...history.resources.filter(({ adopts }) => adopts?.object === object).map(({ name }) => name),
      ...history.acts.flatMap((act) => (act.do === 'adopt' && act.object === object ? [act.of] : [])),
    ];
    const foreign = mark === 'foreign' && kind !== 'GuestLicense';
    const taker: Taker = foreign ? 'never' : kind === 'GuestLicense' && mayBeTaken() ? 'adoptable' : { by };
    const id = stranger(mainShelves[kind]!, fieldsOf(kind, mark), taker);
    objects.set(object, id);
    return id;
  }

  function fieldsOf(kind: Planned['kind'], mark: Adopted['mark']): Record<string, unknown> {
    const other = { ownerID: 'another', namespace: 'shop', name: `old${strangers}` };
    const extra = { freehold: `another/shop/${other.name}` };
    const state = { provision_state: strangers % 2 === 0 ? 'manageable' : 'available' };
    if (kind === 'BareMetalNode') return mark === 'foreign' ? { ...state, extra } : state;
    if (kind === 'GuestLicense') return { license_type: licenseTypeOf(strangers % 2 === 0 ? 'second' : 'first', info) };
    return { name: other.name, description: mark === 'foreign' ? markerOf(other) : 'bought by hand' };
  }

  /** What a resource stands for, where it stands. */
  function standing(one: Planned): string | undefined {
    const id = live(one)?.status?.externalID;
    return id !== undefined && ledger().get(`${mainShelves[one.kind]}/${id}`)?.alive ? id : undefined;
  }

  function remove(one: Planned): void {
    const id = standing(one);
    const shelf = mainShelves[one.kind]!;
    if (id === undefined) return;
    tell('somebody', () => `removes ${shelf} ${id}`);
    control(sandbox, 'DELETE', `${shelf}/${id}`);
    deeds.removed.add(`${shelf}/${id}`);
  }

  function foreignPort(one: Planned): void {
    const id = one.kind === 'BareMetalNode' ? standing(one) : undefined;
    if (id === undefined) return;
    stranger('ports', { node_uuid: id, address: `52:54:00:00:ee:${10 + strangers}` });
  }

  function change(one: Planned, what: PortalChange, seconds: number): void {
    const id = standing(one);
    if (id === undefined) return;
    if (one.kind === 'BareMetalNode') changeNode(id, what, seconds);
    if (one.kind !== 'DedicatedHypervisor') return;
    const description = books().servers.find((server) => server.id === id)?.description ?? '';
    const letter = description[9] === 'a' ? 'b' : 'a';
    const fields = {
      cut: { description: description.slice(0, 12 + (strangers % 9)) },
      letter: { description: `${description.slice(0, 9)}${letter}${description.slice(10)}` },
      // Not the last mark that it has: then nobody could know whose it is.
      metadata: description.startsWith('[fh1:') ? { metadata: {} } : {},
      maintenance: {},
      instance: {},
    }[what];
    tell('somebody', () => `changes servers ${id} ${JSON.stringify(fields)}`);
    control(sandbox, 'PATCH', `servers/${id}`, fields);
  }

  const patchNode = (id: string, fields: Record<string, unknown>) => {
    tell('somebody', () => `changes nodes ${id} ${JSON.stringify(fields)}`);
    return control(sandbox, 'PATCH', `nodes/${id}`, fields) as NodeView;
  };

  function changeNode(id: string, what: PortalChange, seconds: number): void {
    const node = patchNode(id, {});
    const later = (undo: (now: NodeView) => void) =>
      scheduler.at(scheduler.now() + seconds * 1000, () => {
        if (ledger().get(`nodes/${id}`)?.alive) undo(patchNode(id, {}));
      });
    if (what === 'maintenance' && !node.maintenance) {
      patchNode(id, { maintenance: true, maintenance_reason: 'disk' });
      later((now) => now.maintenance_reason === 'disk' && patchNode(id, { maintenance: false }));
    }
    if (what === 'instance' && node.provision_state === 'available' && !node.target_provision_state) {
      patchNode(id, { instance_uuid: '0f6e5f4e-0000-4000-8000-000000000001' });
      later(() => patchNode(id, { instance_uuid: null }));
    }
  }

  const hides: Record<string, string> = {
    hideServers: 'DedicatedHypervisor',
    hideLicenses: 'GuestLicense',
    hideVCenters: 'VCenterRegistration',
    hideNodes: 'BareMetalNode',
  };

  /** Where nothing is recorded, an empty list is the truth for everybody: nobody orders anything while one answers so. */
  function mayBeHidden(kind: string, seconds: number): boolean {
    const now = scheduler.now() / 1000;
    const soon = (at: number) => at > now && at < now + seconds + 150;
    const kindOf = (name: string) => history.resources.find((one) => one.name === name)?.kind;
    const ordered = history.resources.some((one) => {
      const resource = live(one);
      const open = resource && (resource.status?.externalID === undefined || resource.metadata.deletionTimestamp);
      return one.kind === kind && (soon(one.at) || Boolean(open));
    });
    const again = history.acts.some((act) =>
      act.do === 'rebuild-cluster'
        ? soon(act.at + act.for)
        : act.do === 'recreate' && soon(act.at) && kindOf(act.of) === kind,
    );
    return !ordered && !again && deeds.rebuilds === 0;
  }

  function setForSome(settings: Record<string, unknown>, seconds: number): void {
    const hidden = Object.keys(settings).flatMap((name) => hides[name] ?? []);
    if (!hidden.every((kind) => mayBeHidden(kind, seconds))) return;
    tell('somebody', () => `sets ${JSON.stringify(settings)} for ${seconds} s`);
    control(sandbox, 'PATCH', 'settings', settings);
    const usual = (value: unknown) => (typeof value === 'string' ? '' : false);
    const back = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, usual(value)]));
    scheduler.at(scheduler.now() + seconds * 1000, () => control(sandbox, 'PATCH', 'settings', back));
  }

  function blur(one: Planned, how: Blur, seconds: number): void {
    const id = standing(one);
    if (id === undefined) return;
    tell('somebody', () => `${id} is ${how} for ${seconds} s`);
    blurs.begin(id, how, seconds);
  }

  return {
    objectOf,
    hides: (kind) =>
      Object.entries(control(sandbox, 'GET', 'settings') as object).some(
        ([name, on]) => hides[name] === kind && on === true,
      ),
    adopted: (one) => one.adopts && objectOf(one, one.adopts),
    act(what, one) {
      if (what.do === 'portal-remove') remove(one!);
      else if (what.do === 'portal-edit') change(one!, what.change, what.for);
      else if (what.do === 'blur') blur(one!, what.how, what.for);
      else if (what.do === 'foreign-port') foreignPort(one!);
      else if (what.do === 'lookalike') lookalike(one!, what.mark);
      else if (what.do === 'portal-license') license(what.type);
      else if (what.do === 'settings') setForSome(what.settings, what.for);
      else if (what.do === 'expire-tokens' || what.do === 'crash-ironic') control(sandbox, 'POST', what.do, {});
      else if (what.do === 'used-license') {
        usedLicense(what.type);
        setForSome({ hideVCenters: true }, what.for);
      } else throw new Error(`${what.do} is not what people do`);
    },
  };
}
