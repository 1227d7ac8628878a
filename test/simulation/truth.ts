import { isStalling, type Reason } from '../../src/engine/reasons.ts';
import { findCondition } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { Deeds } from './laws.ts';
import { type Ledger, mainShelves } from './ledger.ts';

/** Ready by the present spec, or with a question to a person; `all` are those that may wait for each other. */
export function rests({ metadata, status }: Resource, all: (Resource | undefined)[]): boolean {
  const { generation, deletionTimestamp } = metadata;
  const ready = findCondition(status?.conditions, 'Ready');
  if (ready?.observedGeneration !== generation) return false;
  if (deletionTimestamp !== undefined && ready?.reason === 'InUse') return true;
  // The licence that it names is being deleted, and cannot go because of it: people have to decide.
  if (ready?.reason === 'LicenseNotReady' && all.some((one) => one?.metadata.deletionTimestamp !== undefined))
    return true;
  return (deletionTimestamp === undefined && ready?.status === 'True') || isStalling(ready?.reason as Reason);
}

/** What is wrong with what a resource says at rest; undefined when it is the truth. */
export function untrue({ kind, metadata, spec, status }: Resource, ledger: Ledger, deeds: Deeds): string | undefined {
  const ready = findCondition(status?.conditions, 'Ready');
  const shelf = mainShelves[kind]!;
  const id = status?.externalID;
  const recorded = id === undefined ? undefined : ledger.get(`${shelf}/${id}`);
  const strangers = [...deeds.strangers].filter(([key]) => key.startsWith(`${shelf}/`));
  const reason = ready?.reason ?? 'nothing';
  const named = () => (namesAlive(ready!.message, id, ledger) ? undefined : 'nothing of what it names is there');
  if (['LicenseNotReady', 'AlreadyClaimed', 'MarkerNotKept'].includes(reason)) return undefined;
  if (reason === 'Ready' || reason === 'Observed') return recorded?.alive ? undefined : `${id} is not alive`;
  if (reason === 'RemoteLost') {
    if (recorded?.alive) return `${id} is alive`;
    return spec.recreatePolicy === 'Always' ? 'it may be made again' : undefined;
  }
  if (reason === 'InUse') return /VCenterRegistration \S+: /.test(ready!.message) ? undefined : named();
  if (reason === 'AddressTaken') return named();
  if (['NameTaken', 'BMCTaken', 'OwnedElsewhere'].includes(reason))
    return strangers.length > 0 || namesAlive(ready!.message, id, ledger)
      ? undefined
      : 'nobody else has anything there';
  if (reason === 'InvalidSpec') {
    if (ready!.message.includes('link_local_address is in use'))
      return isAt((spec as { linkLocalAddress?: string }).linkLocalAddress, id, ledger)
        ? undefined
        : 'nobody else has that address';
    const wished = spec.externalID;
    if (wished === undefined || !ready!.message.includes(wished)) return 'nothing is wrong with the spec';
    return ledger.get(`${shelf}/${wished}`)?.alive ? `${wished} is alive` : undefined;
  }
  return `that is no end${metadata.deletionTimestamp === undefined ? '' : ' of a deletion'}`;
}

/** Is another vCenter registered at that address? */
function isAt(address: unknown, own: string | undefined, ledger: Ledger): boolean {
  return [...ledger.values()].some((one) => one.alive && one.id !== own && one.address === address);
}

/** Does the message name something that is there, other than what the resource stands for? */
function namesAlive(message: string, own: string | undefined, ledger: Ledger): boolean {
  return [...ledger.values()].some(({ id, alive }) => alive && id !== own && message.includes(id));
}
