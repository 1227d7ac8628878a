import type { Condition } from '../../src/engine/conditions.ts';
import type { KubeObject } from '../../src/kube/types.ts';

/** What kstatus (Helm 4 `--wait`, Flux) takes an object for. */
export type KStatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating';

/** An object with as much of a status as kstatus reads. */
export type StatusObject = KubeObject & {
  status?: { observedGeneration?: number; conditions?: Condition[]; [field: string]: unknown };
};

/** The rules of kstatus (fluxcd/cli-utils v1.3.0) for a kind that it knows nothing special of. */
export function kstatus({ metadata, status }: StatusObject): KStatus {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (status?.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    return 'InProgress';
  const conditions = status?.conditions ?? [];
  for (const { type, status: is } of conditions) {
    if (type === 'Reconciling' && is === 'True') return 'InProgress';
    if (type === 'Stalled' && is === 'True') return 'Failed';
  }
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready !== undefined && ready.status !== 'True') return 'InProgress';
  return 'Current';
}
