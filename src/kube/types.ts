/** What this operator needs to know of any Kubernetes object. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: unknown[];
  managedFields?: unknown;
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** A resource of the API: where it is served, not what it holds. */
export interface ResourceType {
  /** Empty for the core group. */
  group: string;
  version: string;
  plural: string;
  kind: string;
}

export interface Key {
  namespace: string;
  name: string;
}

export type Patch = Record<string, unknown>;

export interface ListOptions {
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Page size; default 500. */
  limit?: number;
}

export interface ListResult<T> {
  items: T[];
  /** Where a watch goes on. */
  resourceVersion: string;
}

export interface WatchOptions {
  namespace?: string;
  fieldSelector?: string;
  resourceVersion: string;
  /** How long the server keeps the watch open, seconds. */
  timeoutSeconds: number;
  signal: AbortSignal;
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  /** Only metadata.resourceVersion is filled in. */
  | { type: 'BOOKMARK'; object: T };

/**
 * The Kubernetes port: every call the operator makes to an API server. Each call has a deadline, and throws KubeError
 * (a status answered) or KubeUnreachable (no answer). Nothing is retried here: who calls knows whether that is safe.
 */
export interface KubeApi {
  /** undefined when the API server answers 404. */
  get<T extends KubeObject>(type: ResourceType, key: Key): Promise<T | undefined>;
  /** A consistent list (quorum read), in pages. A page token that expired (410) starts the list again, once. */
  list<T extends KubeObject>(type: ResourceType, options?: ListOptions): Promise<ListResult<T>>;
  create<T extends KubeObject>(type: ResourceType, object: T, options?: WriteOptions): Promise<T>;
  /** JSON merge patch. Put metadata.resourceVersion (and uid) into the patch to lock it: 409 when it no longer matches. */
  mergePatch<T extends KubeObject>(type: ResourceType, key: Key, patch: Patch, options?: WriteOptions): Promise<T>;
  /** Server-side apply, forced. `object` needs apiVersion, kind and metadata.name; with metadata.resourceVersion it is locked. */
  apply<T extends KubeObject>(
    type: ResourceType,
    key: Key,
    object: Patch,
    options: WriteOptions & { fieldManager: string },
  ): Promise<T>;
  /** false when it was not there. A precondition that does not hold is KubeError 409. */
  delete(type: ResourceType, key: Key, preconditions?: { uid?: string; resourceVersion?: string }): Promise<boolean>;
  /**
   * The events of one watch connection, until the server ends it (the iteration ends), `signal` aborts (it ends), or
   * something breaks (it throws; KubeError 410 when the resourceVersion is too old, also when told by an ERROR event).
   */
  watch<T extends KubeObject>(type: ResourceType, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
}

export interface WriteOptions {
  fieldManager?: string;
  subresource?: 'status';
}

/** The API server answered, and said no. */
export class KubeError extends Error {
  /** HTTP status. */
  readonly status: number;
  /** metav1.Status reason, e.g. `Conflict`, `NotFound`, `Expired`, `Invalid`; empty when the body was none. */
  readonly reason: string;
  /** From Retry-After, milliseconds. */
  readonly retryAfter: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfter?: number) {
    super(message);
    this.name = 'KubeError';
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

/** No answer from the API server: refused, reset, timed out, or unreadable. A write may or may not have happened. */
export class KubeUnreachable extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'KubeUnreachable';
  }
}

export function isConflict(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409;
}

/** `namespace/name`, the usual key of a namespaced object. */
export function keyOf(object: { metadata: ObjectMeta }): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}
