import type { Secret } from '../base/secret.ts';
import { parseErrorBody } from './error-body.ts';
import { RemoteError } from './errors.ts';
import type { FailureOutcome, RemoteFailure } from './errors.ts';
import { TransportError } from './transport.ts';
import type { HttpResponse } from './transport.ts';

/** What the words of an error need to know of the call. */
export interface CallContext {
  /** The document's name, e.g. `CreateServer`. */
  name: string;
  /** `CreateServer POST …/servers`: RemoteError.operation. */
  operation: string;
  /** Scheme, host and port. */
  origin: string;
  mutating: boolean;
  /** Of the request: replaced wherever the answer quotes them. */
  secrets: readonly Secret[];
  /** Wall clock, for a Retry-After that is a date. */
  now: number;
}

/** The RemoteError for an exchange that broke. */
export function brokenExchange(context: CallContext, error: TransportError): RemoteError {
  const outcome = !context.mutating || error.failure === 'not-sent' ? 'definitely-not' : 'unknown';
  const reason = error.failure === 'too-large' ? 'BadAnswer' : 'Unreachable';
  const problem = error.failure === 'not-sent' ? `no connection: ${error.message}` : error.message;
  return remoteError(context, { reason, outcome, problem, cause: error });
}

/** The RemoteError for an answer that is not 2xx. */
export function refusedAnswer(context: CallContext, response: HttpResponse): RemoteError {
  const { status, headers, body } = response;
  const { own, message } = parseErrorBody(headers['content-type'] ?? '', body, context.secrets);
  // Only the API itself can say that it did nothing; a proxy may answer after it passed the request on.
  const refused = own && status >= 400 && status < 500 && status !== 408;
  return remoteError(context, {
    reason: reasonOf(status, own, body.trim() === ''),
    outcome: !context.mutating || refused ? 'definitely-not' : 'unknown',
    problem: `HTTP ${status}${describe(status, own, message)}`,
    status,
    retryAfter: retryAfter(headers['retry-after'], context.now),
  });
}

/** The RemoteError for a 2xx answer that cannot be used; `problem` says why, without quoting values. */
export function unusableAnswer(
  context: CallContext,
  status: number | undefined,
  problem: string,
  cause?: unknown,
): RemoteError {
  const outcome = context.mutating ? 'unknown' : 'definitely-not';
  return remoteError(context, {
    reason: 'BadAnswer',
    outcome,
    problem: status === undefined ? problem : `HTTP ${status} ${problem}`,
    status,
    cause,
  });
}

/** The RemoteError for a call that is refused here, before anything is sent. */
export function refusedHere(
  context: Pick<CallContext, 'name' | 'operation' | 'origin'>,
  reason: RemoteFailure,
  problem: string,
): RemoteError {
  return remoteError(context, { reason, outcome: 'definitely-not', problem });
}

function remoteError(
  context: Pick<CallContext, 'name' | 'operation' | 'origin'>,
  failure: {
    reason: RemoteFailure;
    outcome: FailureOutcome;
    problem: string;
    status?: number | undefined;
    retryAfter?: number | undefined;
    cause?: unknown;
  },
): RemoteError {
  const { problem, ...rest } = failure;
  const next = failure.outcome === 'unknown' ? 'whether it was done is not known' : advice[failure.reason];
  return new RemoteError({
    ...rest,
    operation: context.operation,
    message: `${context.name} at ${context.origin}: ${problem}${next === '' ? '' : `; ${next}`}`,
  });
}

/** An empty error body has no words, but the status still speaks; a foreign page with the same status does not. */
function reasonOf(status: number, own: boolean, empty: boolean): RemoteFailure {
  if (status === 429 || status === 413) return 'RateLimited';
  if (status >= 500) return 'ServerError';
  if (status === 408) return 'Unreachable';
  if (own || empty) {
    if (status === 401) return 'CredentialsRefused';
    if (status === 403) return 'Forbidden';
    if (status === 404) return 'NotFound';
    if (own && status === 406) return 'VersionRefused';
    if (status === 409) return 'Conflict';
    if (own && status >= 400) return 'Rejected';
  }
  return 'BadAnswer';
}

function describe(status: number, own: boolean, message: string): string {
  if (status >= 300 && status < 400) return ', a redirect, which is not followed';
  if (own) return message === '' ? '' : `: ${message}`;
  return message === '' ? ' with an empty body' : ` with a body that is not the API's: ${message}`;
}

/** What happens next, or who must do what. */
const advice: Record<RemoteFailure, string> = {
  Unreachable: 'it will be tried again',
  CredentialsRefused: 'check the credentials Secret, and that they belong to this tenant (project) ID',
  WrongTenant: 'check the tenant ID, the region and whose API key it is',
  Forbidden: 'check the roles of the API key',
  BadAnswer: 'check that the endpoint is the API itself, not a proxy or a portal',
  NotFound: '',
  Rejected: 'correct what it names',
  VersionRefused:
    "the remote does not speak the API version that was asked for: check the tenant's spec.microversion and spec.endpoint",
  Conflict: 'it will be tried again',
  RateLimited: 'calls pause for a while',
  ServerError: 'it will be tried again',
  BudgetExhausted: 'it will be tried again',
  EndpointNotAllowed: 'add the host to --allowed-endpoints, or correct the endpoint',
};

/** A Retry-After beyond this is not believed, milliseconds. */
const longestPause = 10 * 60_000;

/** A date as HTTP writes it: of other texts (`-1`, `1.5`, `try 2`) Date.parse makes dates long past, which would mean "now". */
const httpDate = /^[A-Z][a-z]+, \d\d[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d:\d\d GMT$/;

/** Milliseconds of a Retry-After header (seconds or a date), at most 10 minutes; undefined when there is none or it cannot be read. */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, longestPause);
  const date = httpDate.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), longestPause);
}
