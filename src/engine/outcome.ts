import { RemoteError } from '../remote/errors.ts';
import type { Claim, Standing } from './conditions.ts';
import type { Context, Memory } from './context.ts';
import type { Kind, Observed, Obstacle } from './kind.ts';
import type { Resource } from './resource.ts';
import type { Owner } from './owner.ts';
import { isStalling, type Reason } from './reasons.ts';

/** One reconcile pass over one resource, handed from step to step. */
export interface Pass {
  readonly context: Context;
  readonly kind: Kind;
  readonly identifier: string;
  readonly owner: Owner;
  readonly memory: Memory;
  /** As last read or written by this pass: the report carries its resourceVersion. */
  resource: Resource;
}

/** What a pass came to: the one value from which report and schedule are made. */
export interface Outcome {
  standing: Standing;
  /** The remote object as observed; absent: status keeps what it shows. */
  remote?: unknown;
  /** Its parts as observed; absent: status keeps what it shows. */
  parts?: Observed;
  /** The object is proved gone: status shows nothing of it any more. */
  gone?: boolean;
  /** Conditions beside the standing. */
  conditions?: Claim[];
  /** A freehold.dev/reconcile-requested-at is still to be answered by a look at the remote. */
  unanswered?: boolean;
  /** The remote refused this step because of the spec: it is not sent again for the same spec. */
  refused?: string;
  /** Somebody else may mend what was refused: sent again after this, milliseconds. */
  refusedFor?: number;
  /** The remote was changed in this pass. */
  changed?: boolean;
  /** Wants lists at the pace of motion. */
  motion?: boolean;
  /** Runs again after the next list (of these collections, or of any), complete or not. */
  awaitList?: true | readonly string[];
  /** Runs again when its turn comes among those that wait behind this lock. */
  awaitTurn?: string;
  /** Runs again after this many milliseconds. */
  after?: number;
  /** Runs again with growing delay, not earlier than this many milliseconds. */
  backoff?: number;
  /** Nothing is written yet: a pass within seconds knows more. */
  quiet?: boolean;
  /** The resource was let go: there is nothing to report to. */
  released?: boolean;
}

/** Not ready, for a reason; more on how to go on in `rest`. */
export function unready(reason: Reason, message: string, rest: Omit<Outcome, 'standing'> = {}): Outcome {
  return { standing: { ready: false, reason, message }, ...rest };
}

/** Runs again at once: what this pass knew is no longer so. */
export class Stale extends Error {}

/** Reasons that pass by themselves carry the same name in RemoteFailure and Reason; only these two say more about the spec. */
const specFailures: Partial<Record<RemoteError['reason'], Reason>> = {
  Rejected: 'InvalidSpec',
  NotFound: 'InvalidSpec',
};

/** A refused mutating call: is it the spec (a person must act), or does it pass? `meaning` where the kind knows the words. */
export function refused(error: RemoteError, doing: string, meaning?: Obstacle, step = 'create'): Outcome {
  const reason: Reason = meaning?.reason ?? specFailures[error.reason] ?? error.reason;
  const stalled = isStalling(reason);
  const next = stalled
    ? 'Correct the spec, or ask again with the annotation freehold.dev/reconcile-requested-at'
    : 'It is tried again';
  const message = `${doing} was refused: ${meaning?.message ?? error.message}. ${next}`;
  return stalled
    ? unready(reason, message, { refused: step, awaitList: true })
    : unready(reason, message, { backoff: error.retryAfter ?? 0 });
}
