import { isStalling, type Reason } from './reasons.ts';

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** metav1.Condition. */
export interface Condition {
  type: string;
  status: ConditionStatus;
  reason: Reason;
  message: string;
  observedGeneration: number;
  lastTransitionTime: string;
}

/** A condition as a kind or the engine states it; the clock and the generation are added on the way out. */
export interface Claim {
  type: string;
  status: ConditionStatus;
  reason: Reason;
  message: string;
  /** A Warning event goes out when it comes to this reason. */
  warn?: true;
}

/** Where a resource stands: the one value from which Ready, Reconciling and Stalled are made. */
export interface Standing {
  ready: boolean;
  reason: Reason;
  message: string;
}

/**
 * Ready, and kstatus's Reconciling and Stalled only while true and never both: helm and Argo CD give up at the first
 * Stalled, so only a reason that needs a person may set it.
 */
export function standingConditions(standing: Standing): Claim[] {
  const { ready, reason, message } = standing;
  if (ready) return [{ type: 'Ready', status: 'True', reason, message }];
  const why = isStalling(reason) ? 'Stalled' : 'Reconciling';
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type: why, status: 'True', reason, message },
  ];
}

/** Longest message that the API server takes in a metav1.Condition is 32768; people read less. */
const longestMessage = 1024;

/** Never through the middle of a character: the API server would store another text than we compare with. */
function cut(message: string): string {
  return (message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message).toWellFormed();
}

/** Conditions to write: `lastTransitionTime` moves only when the status of that type does. */
export function mergeConditions(
  previous: readonly Condition[],
  claims: readonly Claim[],
  generation: number,
  now: string,
): Condition[] {
  return claims.map((claim) => {
    const before = previous.find((condition) => condition.type === claim.type);
    return {
      type: claim.type,
      status: claim.status,
      reason: claim.reason,
      message: cut(claim.message),
      observedGeneration: generation,
      lastTransitionTime: before?.status === claim.status ? before.lastTransitionTime : now,
    };
  });
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
