import type { Condition } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { Planned } from './history.ts';
import { control, type Ledger, mainShelves } from './ledger.ts';
import { licenseTypeOf, typeNamed } from './manifests.ts';
import type { PeopleOptions } from './people.ts';

/** What people are asked, and what they see to. */
type Question =
  | 'CreateOutcomeAmbiguous'
  | 'CreationForgotten'
  | 'UnclaimedLicensesExist'
  | 'RemoteLost'
  | 'BreakerOpen'
  | 'SecretExists'
  | 'BMCTaken'
  | 'NameTaken'
  | 'AddressTaken'
  | 'InvalidSpec'
  | 'CleanFailed'
  | 'InspectFailed'
  | 'AdoptFailed'
  | 'InMaintenance';

export interface AnswersOptions extends PeopleOptions {
  planned: ReadonlyMap<string, Planned>;
  live(one: Planned): Resource | undefined;
  edit(name: string, spec: Record<string, unknown>): void;
  annotate(name: string, annotations: Record<string, string | null>): void;
  acceptLoss(tenantKind: string, namespace: string, hash: string): void;
  removeSecret(one: Planned): void;
}

/** What people answer: the truth, as the portals and books have it. */
export interface Answers {
  answer(): void;
  /** What the operator made for this resource, as the books have it: alive, and recorded nowhere. */
  madeFor(one: Planned): string | undefined;
}

export function createAnswers(options: AnswersOptions): Answers {
  const { sandbox, info, kube, deeds, planned, live, edit, annotate } = options;
  const ledger = (): Ledger => options.ledger();

  /** What a resource asks of a person now: its Stalled, or a wait that only a person ends. */
  function question({ status }: Resource): Condition | undefined {
    const { conditions = [] } = status ?? {};
    return (
      conditions.find(({ type, status: is }) => type === 'Stalled' && is === 'True') ??
      conditions.find(({ type }) => type === 'Ready')
    );
  }

  const today = () => new Date(options.now()).toISOString();

  function answerOne(one: Planned, resource: Resource, { reason, message }: Condition): void {
    const { name } = one;
    const id = resource.status?.externalID;
    switch (reason as Question) {
      case 'CreateOutcomeAmbiguous':
      case 'CreationForgotten': {
        const attempt = /"(\S+) retry"/.exec(message)?.[1];
        const mine = madeFor(one);
        const says = mine === undefined ? 'retry' : `adopt=${mine}`;
        return attempt === undefined ? undefined : annotate(name, { 'freehold.dev/resolve': `${attempt} ${says}` });
      }
      case 'UnclaimedLicensesExist':
        return edit(name, { claim: 'Never' });
      case 'RemoteLost':
        return edit(name, { recreatePolicy: 'Always' });
      case 'BreakerOpen': {
        const hash = /accept-loss: (\w+)/.exec(message)?.[1];
        // Whoever looks at the portal sees whether they are really gone.
        const there = ledger().get(`${mainShelves[one.kind]!}/${id}`)?.alive === true;
        if (hash === undefined || id === undefined || there || isHidden()) return undefined;
        return options.acceptLoss(one.kind === 'BareMetalNode' ? 'CloudOSTenant' : 'SDPFTenant', one.namespace, hash);
      }
      case 'SecretExists':
        options.removeSecret(one);
        return annotate(name, { 'freehold.dev/reconcile-requested-at': today() });
      case 'BMCTaken':
      case 'NameTaken': {
        // What carries no mark, and was bought for it before the cluster was lost.
        const mine = madeFor(one);
        if (mine !== undefined && resource.spec.externalID === undefined) return edit(name, { externalID: mine });
        return annotate(name, { 'freehold.dev/reconcile-requested-at': today() });
      }
      case 'InvalidSpec': {
        const wished = resource.spec.externalID;
        // The licence that it names is gone for good, and a registration may wait for it: another one is bought.
        if (one.kind === 'GuestLicense' && wished !== undefined && ledger().get(`licenses/${wished}`)?.alive !== true) {
          const licenseType = licenseTypeOf(String(one.spec.type), info);
          return edit(name, { licenseType, externalID: null });
        }
        return annotate(name, { 'freehold.dev/reconcile-requested-at': today() });
      }
      case 'AddressTaken':
        return annotate(name, { 'freehold.dev/reconcile-requested-at': today() });
      case 'CleanFailed':
      case 'InspectFailed':
      case 'AdoptFailed':
        return annotate(name, { 'freehold.dev/retry': today() });
      case 'InMaintenance':
        return id === undefined ? undefined : void control(sandbox, 'PATCH', `nodes/${id}`, { maintenance: false });
      default:
        return undefined;
    }
  }

  const isHidden = () =>
    Object.entries(control(sandbox, 'GET', 'settings') as object).some(
      ([name, on]) => name.startsWith('hide') && on === true,
    );

  function madeFor({ name, kind, spec, namespace }: Planned): string | undefined {
    const shelf = mainShelves[kind]!;
    const recorded = new Set([...planned.values()].map((one) => live(one)?.status?.externalID));
    let title = name;
    // The node of another machine is not its own.
    const bmc = (live(planned.get(name)!)?.spec as { bmc?: { address: string } } | undefined)?.bmc;
    if (kind === 'BareMetalNode') title = bmc?.address.split('.')[0] ?? name;
    if (kind === 'GuestLicense') title = licenseTypeOf(String(spec.type), info);
    if (kind === 'VCenterRegistration') {
      const license = (spec.licenseRef as { name: string }).name;
      const key = { namespace, name: license };
      title = kube().get<Resource>(typeNamed('GuestLicense'), key)?.status?.externalID ?? '';
    }
    return [...ledger().values()].find(
      (entry) =>
        entry.shelf === shelf &&
        entry.alive &&
        entry.byCall !== null &&
        entry.title === title &&
        !recorded.has(entry.id) &&
        (shelf !== 'licenses' || deeds.boughtFor.get(entry.id) === live(planned.get(name)!)?.metadata.uid),
    )?.id;
  }

  return {
    answer() {
      for (const one of planned.values()) {
        const resource = live(one);
        const asked = resource && question(resource);
        if (resource && asked && asked.status !== undefined) answerOne(one, resource, asked);
      }
    },
    madeFor,
  };
}
