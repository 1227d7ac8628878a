import type { KubeObject } from '../kube/types.ts';

const prefix = 'freehold.dev/';

export const finalizer = `${prefix}remote`;
/** On a credentials Secret while its tenant has users. */
export const inUseFinalizer = `${prefix}in-use`;
/** On a Secret that we wrote: whose it is. */
export const ownerAnnotation = `${prefix}owner`;
/** Ours: the remote tenant that a resource was bound to before its first remote write. */
export const targetAnnotation = `${prefix}target`;
/** Type of every Secret that the operator reads or writes. */
export const secretType = `${prefix}credentials`;

function annotation(object: KubeObject, name: string): string | undefined {
  const value = object.metadata.annotations?.[prefix + name]?.trim();
  return value === '' ? undefined : value;
}

/** Is somebody waiting for this resource to go? */
export const isDeleting = (object: KubeObject) => object.metadata.deletionTimestamp !== undefined;

/** `freehold.dev/paused`: any value but `false`, and an empty one too. */
export function isPaused(object: KubeObject): boolean {
  const value = object.metadata.annotations?.[`${prefix}paused`];
  return value !== undefined && value.trim() !== 'false';
}

export const targetOf = (object: KubeObject): string | undefined => annotation(object, 'target');

/** `freehold.dev/reconcile-requested-at`: any text; a new one asks for a fresh look, answered in status.lastHandledReconcileAt. */
export const reconcileRequestOf = (object: KubeObject): string | undefined =>
  annotation(object, 'reconcile-requested-at')?.slice(0, 256);

/** `freehold.dev/retry: <date>`: any text; a new one is the word to leave a failed state, answered in status.lastRetry. */
export const retryOf = (object: KubeObject): string | undefined => annotation(object, 'retry')?.slice(0, 256);

/** `freehold.dev/take-over: <marker>`: the word that an object with this very marker of another owner may be adopted. */
export const takeOverOf = (object: KubeObject): string | undefined => annotation(object, 'take-over');

/** `freehold.dev/accept-loss: <hash>` on a tenant. */
export const acceptLossOf = (object: KubeObject): string | undefined => annotation(object, 'accept-loss');

export type Resolution =
  | { text: string; attemptID: string; answer: 'retry' | 'forget' }
  | { text: string; attemptID: string; answer: 'adopt'; externalID: string };

/**
 * `freehold.dev/resolve: <attempt ID> adopt=<ID> | retry | forget`. undefined when there is none; a message when it cannot
 * be read.
 */
export function resolutionOf(object: KubeObject): Resolution | { problem: string } | undefined {
  const text = annotation(object, 'resolve');
  if (text === undefined) return undefined;
  const match = /^(\S+)\s+(?:(retry|forget)|adopt=(\S+))$/.exec(text);
  const [, attemptID, word, externalID] = match ?? [];
  if (attemptID === undefined) {
    return {
      problem: `annotation ${prefix}resolve is "${text.slice(0, 200)}"; it must be "<attempt ID> adopt=<ID>", "<attempt ID> retry" or "<attempt ID> forget"`,
    };
  }
  if (externalID !== undefined) return { text, attemptID, answer: 'adopt', externalID };
  return { text, attemptID, answer: word === 'retry' ? 'retry' : 'forget' };
}
