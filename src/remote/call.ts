import type * as z from 'zod';
import type { Secret } from '../base/secret.ts';

/** Who goes first when the budget of a tenant is short: creates and deletes, then objects in motion, then polls. */
export type Priority = 'write' | 'motion' | 'poll';

/** JSON in which any value may be a Secret: it is revealed only while the request body is written. */
export type JsonBody = null | boolean | number | string | Secret | JsonBody[] | { [key: string]: JsonBody | undefined };

/** One call of a remote API, as a client's method describes it. */
export interface Call<T> {
  /** The document's name of the operation, e.g. `CreateServer`: the same in logs, metrics and errors. */
  operation: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the endpoint, each variable part already encoded: `servers/f42d…`. */
  path: string;
  query?: Record<string, string | number | undefined>;
  headers?: Record<string, string>;
  body?: JsonBody;
  /** What a 2xx answer must look like. Absent: the body is not read. */
  answer?: z.ZodType<T>;
  /** false: no `Accept` header at all, where a remote forbids it on calls that answer without a body. */
  accept?: false;
}

/**
 * May this mutating call begin? Called in the same turn as the write to the wire; throws (a lost lease) to stop it with nothing sent.
 */
export interface Fence {
  (): void;
  /** On whose behalf, for the audit line: `DedicatedHypervisor/shop/web@3` (resource and generation). */
  actor?: string;
}

/**
 * An authenticated way to one tenant of one remote API. Both methods throw RemoteError.
 */
export interface RemoteSession {
  /** A call that changes nothing: retried on failures that pass by themselves, a few times within its deadline. */
  read<T>(call: Call<T>, priority: Exclude<Priority, 'write'>): Promise<T>;
  /**
   * A call that changes something: never retried (but once after a 401 with the API's own body, which proves that nothing
   * was done), on a connection of its own. RemoteError.outcome tells what is known afterwards; what `fence` throws is
   * passed on and proves that nothing was sent.
   */
  write<T>(call: Call<T>, fence: Fence): Promise<T>;
  /** Where calls go, once authenticated: the endpoint given, or the catalogue's. */
  endpoint(): Promise<URL>;
  /** What the token says of us. Signs in when there is no valid token. */
  identity(): Promise<Identity>;
  close(): void;
}

/** From the token. */
export interface Identity {
  projectID: string;
  projectName: string;
  userName: string;
  roles: string[];
}
