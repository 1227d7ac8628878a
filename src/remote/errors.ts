/**
 * Why a remote call gave no usable answer, in the words the conditions use. One class, so that whoever catches it can
 * tell every case by `reason` and a create's outcome by `outcome`.
 */
export type RemoteFailure =
  /** No connection, or no answer in time. Passes by itself. */
  | 'Unreachable'
  /** Keystone refused the credentials, or the API refuses a fresh token. */
  | 'CredentialsRefused'
  /** The token is for another project than the tenant's, or the catalogue lacks the service. */
  | 'WrongTenant'
  /** 403 of the API itself. */
  | 'Forbidden'
  /** A 2xx or error answer that cannot be read: HTML of a proxy, truncated JSON, wrong shape. */
  | 'BadAnswer'
  /** 404. */
  | 'NotFound'
  /** 400, 405, 422 …: the API's own words say that the request is wrong. */
  | 'Rejected'
  /** 406: the API does not speak the version that was asked for. */
  | 'VersionRefused'
  /** 409. */
  | 'Conflict'
  /** 413 or 429. */
  | 'RateLimited'
  /** 5xx. */
  | 'ServerError'
  /** Not sent: the budget of this tenant is used up for longer than the call may wait. */
  | 'BudgetExhausted'
  /** Not sent: the endpoint is not allowed by --allowed-endpoints. */
  | 'EndpointNotAllowed';

/**
 * What is known of a mutating call that did not answer 2xx. `definitely-not`: the remote did nothing (it never got the
 * request, or its own error body says no). `unknown`: it may have done it.
 */
export type FailureOutcome = 'definitely-not' | 'unknown';

export class RemoteError extends Error {
  readonly reason: RemoteFailure;
  readonly outcome: FailureOutcome;
  /** HTTP status, where there was one. */
  readonly status: number | undefined;
  /** How long to stay away, milliseconds. */
  readonly retryAfter: number | undefined;
  /** `ListServers GET …/servers/detail`: for logs, never with a query. */
  readonly operation: string;

  constructor(options: {
    reason: RemoteFailure;
    outcome: FailureOutcome;
    operation: string;
    message: string;
    status?: number;
    retryAfter?: number;
    cause?: unknown;
  }) {
    super(options.message, { cause: options.cause });
    this.name = 'RemoteError';
    this.reason = options.reason;
    this.outcome = options.outcome;
    this.operation = options.operation;
    this.status = options.status;
    this.retryAfter = options.retryAfter;
  }
}
