import { timestamp, type Clock } from '../base/clock.ts';
import type { KubeApi, Patch } from '../kube/types.ts';
import { finalizer, targetAnnotation } from './annotations.ts';
import type { Kind } from './kind.ts';
import type { ActionRecord, Creation, Resource } from './resource.ts';
import { typeOf } from './kind.ts';

const journalManager = 'freehold-journal';

/**
 * What the operator must not forget, written by locked patches under a field manager of its own: the report never
 * contains these fields, so that no stale cache can erase the memory. Every method returns the resource as written and
 * throws KubeError 409 when the resource is no longer the one that was read.
 */
export interface Journal {
  /** Finalizer and pinned target in one patch; nothing when both are there. */
  bind(kind: Kind, resource: Resource, target: string): Promise<Resource>;
  /** Before a create leaves. Not written: nothing left the house. */
  sending(kind: Kind, resource: Resource, creation: Omit<Creation, 'sentAt' | 'holder'>): Promise<Resource>;
  /** The ID, and how it was learnt; `lastResolve` when a person said so. */
  record(
    kind: Kind,
    resource: Resource,
    id: string,
    outcome: 'Created' | 'Found',
    lastResolve?: string,
  ): Promise<Resource>;
  /** A create that was sent once more did nothing then; what it did before (`open`) is not known. */
  reopen(kind: Kind, resource: Resource, open: Creation): Promise<Resource>;
  /** The create did definitely nothing, or a person said `retry`. */
  clear(kind: Kind, resource: Resource, lastResolve?: string): Promise<Resource>;
  /** A person said `forget`. */
  forget(kind: Kind, resource: Resource, lastResolve: string): Promise<Resource>;
  /** The recorded object is gone and another one may be made. */
  lost(kind: Kind, resource: Resource): Promise<Resource>;
  /** Before a DELETE leaves. */
  deleting(kind: Kind, resource: Resource): Promise<Resource>;
  /** Before a call that a person's word asks for at most once. */
  obeying(
    kind: Kind,
    resource: Resource,
    word: { action: ActionRecord } | { lastRetry: string | undefined },
  ): Promise<Resource>;
  /** What came of the last action. */
  concluding(kind: Kind, resource: Resource, action: ActionRecord | undefined): Promise<Resource>;
  /** Lets the resource go. */
  unbind(kind: Kind, resource: Resource): Promise<void>;
}

/** As a merge patch: what is absent is taken away. */
const whole = (action: ActionRecord): Patch => ({
  requestedAt: action.requestedAt,
  verb: action.verb,
  sentAt: action.sentAt ?? null,
  before: action.before ?? null,
  acceptedAt: action.acceptedAt ?? null,
  finishedAt: action.finishedAt ?? null,
  result: action.result ?? null,
  message: action.message ?? null,
});

export function createJournal(
  kube: KubeApi,
  clock: Clock,
  holder: string,
  written: (kind: Kind, resource: Resource) => void,
): Journal {
  const lock = (resource: Resource) => ({
    uid: resource.metadata.uid,
    resourceVersion: resource.metadata.resourceVersion,
  });
  const keyOf = ({ metadata }: Resource) => ({ namespace: metadata.namespace ?? '', name: metadata.name });

  async function write(kind: Kind, resource: Resource, patch: Patch, subresource?: 'status'): Promise<Resource> {
    const options = { fieldManager: journalManager, ...(subresource && { subresource }) };
    const answer = await kube.mergePatch<Resource>(typeOf(kind), keyOf(resource), patch, options);
    written(kind, answer);
    return answer;
  }

  const status = (kind: Kind, resource: Resource, fields: Patch) =>
    write(kind, resource, { metadata: lock(resource), status: fields }, 'status');

  return {
    async bind(kind, resource, target) {
      const { finalizers = [], annotations } = resource.metadata;
      if (finalizers.includes(finalizer) && annotations?.[targetAnnotation] === target) return resource;
      const all = finalizers.includes(finalizer) ? finalizers : [...finalizers, finalizer];
      return write(kind, resource, {
        metadata: { ...lock(resource), finalizers: all, annotations: { [targetAnnotation]: target } },
      });
    },
    sending: (kind, resource, { attemptID, idsBefore, choice, key }) =>
      status(kind, resource, {
        creation: {
          attemptID,
          sentAt: timestamp(clock.now()),
          holder,
          outcome: null,
          idsBefore: idsBefore ?? null,
          choice: choice ?? null,
          key: key ?? null,
        },
      }),
    record(kind, resource, id, outcome, lastResolve) {
      const creation = resource.status?.creation ? { outcome, idsBefore: null, key: null } : undefined;
      return status(kind, resource, {
        externalID: id,
        ...(creation && { creation }),
        ...(lastResolve && { lastResolve }),
      });
    },
    reopen: (kind, resource, { sentAt, holder: sender }) =>
      status(kind, resource, { creation: { sentAt, holder: sender } }),
    clear: (kind, resource, lastResolve) =>
      status(kind, resource, { creation: null, ...(lastResolve && { lastResolve }) }),
    forget: (kind, resource, lastResolve) =>
      status(kind, resource, { creation: { outcome: 'Forgotten', idsBefore: null }, lastResolve }),
    // What a person said about the lost one's create says nothing about the next.
    lost: (kind, resource) => status(kind, resource, { externalID: null, creation: null, lastResolve: null }),
    deleting: (kind, resource) => status(kind, resource, { deletion: { sentAt: timestamp(clock.now()) } }),
    obeying: (kind, resource, word) =>
      status(kind, resource, 'action' in word ? { action: whole(word.action) } : { lastRetry: word.lastRetry ?? null }),
    concluding: (kind, resource, action) => status(kind, resource, { action: action ? whole(action) : null }),
    async unbind(kind, resource) {
      const finalizers = resource.metadata.finalizers ?? [];
      if (!finalizers.includes(finalizer)) return;
      const patch = { metadata: { ...lock(resource), finalizers: finalizers.filter((name) => name !== finalizer) } };
      await kube.mergePatch(typeOf(kind), keyOf(resource), patch, { fieldManager: journalManager });
    },
  };
}
