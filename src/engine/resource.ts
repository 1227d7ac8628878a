import type { KubeObject } from '../kube/types.ts';
import type { Condition } from './conditions.ts';

/** What every resource that stands for a remote object has in its spec. */
export interface CommonSpec {
  tenantRef: { name: string };
  managementPolicy: 'Manage' | 'Observe';
  deletionPolicy: 'Retain' | 'Delete';
  recreatePolicy?: 'Never' | 'Always' | undefined;
  externalID?: string | undefined;
  /** A one-off action; a new `requestedAt` asks anew. */
  action?: { requestedAt: string; verb: string } | undefined;
}

/** The journal of a create: written before the call under field manager `freehold-journal`, never by the report. */
export interface Creation {
  attemptID: string;
  sentAt: string;
  /** Which operator process sent it. */
  holder: string;
  /** Absent: sent, and its outcome is not known. */
  outcome?: 'Created' | 'Found' | 'Forgotten';
  /** IDs that the remote held before the call; only where the object cannot be recognised otherwise. */
  idsBefore?: string[];
  /** What was chosen for the create, e.g. an address. */
  choice?: string;
  /** Natural key that it was sent with: what the spec refers to may be another one by now. */
  key?: string;
}

/** Journal of the last one-off action (spec.action), written before its call: it is sent at most once. */
export interface ActionRecord {
  /** spec.action.requestedAt that it answers. */
  requestedAt: string;
  verb: string;
  /** Absent: it was answered without any call. */
  sentAt?: string;
  /** What the remote said of its last change when it was sent. */
  before?: string;
  /** When the remote took it. Absent while that is not known. */
  acceptedAt?: string;
  finishedAt?: string;
  /** Absent: still running. Unknown: the answer was lost, and nothing tells whether it was carried out. */
  result?: 'Succeeded' | 'Failed' | 'Unknown';
  message?: string;
}

export interface CommonStatus {
  observedGeneration?: number;
  externalID?: string;
  creation?: Creation;
  /** When the DELETE was sent; written before it. */
  deletion?: { sentAt: string };
  /** The last freehold.dev/resolve that was obeyed. */
  lastResolve?: string;
  /** Journal of the last one-off action. */
  action?: ActionRecord;
  /** The last freehold.dev/retry that was obeyed. */
  lastRetry?: string;
  lastHandledReconcileAt?: string;
  lastSyncTime?: string;
  /** Which state of each live Secret was last proved at the remote. */
  provedSecrets?: Record<string, { uid: string; resourceVersion: string }>;
  conditions?: Condition[];
}

export interface Resource<Spec extends CommonSpec = CommonSpec> extends KubeObject {
  spec: Spec;
  status?: CommonStatus & Record<string, unknown>;
}

/** The name under which a resource of this kind is queued and logged. */
export function identifier(kind: string, object: KubeObject): string {
  return `${kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** A create was sent and nobody knows what came of it. */
export function isUnsettled({ status }: Resource): boolean {
  return status?.creation !== undefined && status.creation.outcome === undefined;
}
