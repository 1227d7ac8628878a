import { microTime } from './micro-time.ts';
import type { KubeObject, ResourceType } from './types.ts';

export const leaseType: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
};

/** What client-go calls the leader election record. */
export interface LeaseSpec {
  /** Empty once released. */
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

export interface Lease extends KubeObject {
  spec: LeaseSpec;
}

/** The lease as `identity` takes or renews it; `previous` absent: a new one. */
export function claimedBy(
  identity: string,
  previous: LeaseSpec | undefined,
  leaseDuration: number,
  now: number,
): LeaseSpec {
  const ours = !previous || previous.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseDuration / 1000),
    acquireTime: (ours && previous?.acquireTime) || microTime(now),
    renewTime: microTime(now),
    leaseTransitions: (previous?.leaseTransitions ?? 0) + (ours ? 0 : 1),
  };
}

/** The lease as its holder gives it up, free at once. leaseTransitions stays: the next holder counts on. */
export function releasedAt(now: number): LeaseSpec {
  return { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: microTime(now), renewTime: microTime(now) };
}
