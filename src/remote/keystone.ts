import * as z from 'zod';
import { backoff } from '../base/backoff.ts';
import type { Random } from '../base/random.ts';
import { Secret } from '../base/secret.ts';
import type { Identity } from './call.ts';
import { catalogueSchema, findEndpoint } from './catalogue.ts';
import type { CatalogueService, ServiceQuery } from './catalogue.ts';
import { refusedHere } from './classify.ts';
import type { AllowedEndpoint } from './endpoints.ts';
import { RemoteError } from './errors.ts';
import { exchange, operationText } from './exchange.ts';
import type { ExchangeOptions } from './exchange.ts';
import { otherProject, projectAnswer, scopeBody } from './project-scope.ts';
import type { ProjectScope } from './project-scope.ts';

export interface Credentials {
  /** User name; for SDPF the API key. */
  username: string;
  /** For SDPF the API secret key. */
  password: Secret;
  /** Domain of the user, by name; else by ID. */
  domainName?: string;
  /** Default `default`. */
  domainID?: string;
}

export type KeystoneOptions = ProjectScope & SignInOptions;

interface SignInOptions extends ExchangeOptions {
  random: Random;
  /** Keystone's v3 URL, ending in `/v3`. */
  authURL: URL;
  /** Asked at every use: other values than before bring a new sign-in. */
  credentials: () => Credentials;
  /** Where the API is, or which entry of the token's catalogue tells. */
  target: { endpoint: URL } | ServiceQuery;
  allowed: AllowedEndpoint;
  /** Milliseconds for one sign-in; default 30 000. */
  deadline?: number;
}

/** What a sign-in gives. */
export interface Grant {
  token: Secret;
  identity: Identity;
  /** Throws RemoteError when the catalogue lacks the service or its URL is not allowed. */
  endpoint(): URL;
}

/** Password authentication of Keystone v3 for one project: each token is scoped to it and must say so. */
export interface Keystone {
  /** The grant in use, or a new one shortly before the token expires. Throws RemoteError, never `NotFound` or `Rejected`. */
  grant(): Promise<Grant>;
  /** The API answered 401 to this grant: the next call signs in anew. */
  discard(grant: Grant): void;
  /** The API answered 401 even to this fresh grant: `CredentialsRefused` answers every call until a back-off is over. */
  refuse(grant: Grant): void;
}

const minute = 60_000;
const name = 'SignIn';
const path = 'auth/tokens';
const operation = operationText(name, 'POST', path);

interface Session extends Grant {
  credentials: Credentials;
  /** Monotonic. */
  renewAt: number;
  expiresAt: number;
}

export function createKeystone(options: KeystoneOptions): Keystone {
  const { clock, authURL } = options;
  const context = { name, operation, origin: authURL.origin };
  /** Of a project that is named: learnt from the first token. A later one under that name is another tenant. */
  let knownID = options.projectID;
  let current: Session | undefined;
  let inFlight: { credentials: Credentials; session: Promise<Session> } | undefined;
  /** A refusal does not pass by asking again: it is answered from memory, lest the account be locked. */
  let refusal: { credentials: Credentials; error: RemoteError; until: number } | undefined;
  let refusals = 0;

  function remember(credentials: Credentials, error: RemoteError) {
    const pause =
      error.reason === 'RateLimited'
        ? Math.min(error.retryAfter ?? 30_000, 5 * minute)
        : backoff(refusals++, { base: 30_000, max: 5 * minute }, options.random);
    refusal = { credentials, error, until: clock.monotonic() + pause };
  }

  async function signIn(credentials: Credentials): Promise<Session> {
    const forbidden = options.allowed(authURL);
    if (forbidden !== undefined) throw refusedHere(context, 'EndpointNotAllowed', `authURL: ${forbidden}`);
    try {
      return (current = await requestToken(credentials));
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      const { reason } = error;
      const passes = reason === 'Unreachable' || reason === 'ServerError' || reason === 'RateLimited';
      const old = current;
      if (passes && old !== undefined && same(old.credentials, credentials) && clock.monotonic() < old.expiresAt) {
        // Keystone is away for a moment: the old token still serves.
        old.renewAt = clock.monotonic() + (error.retryAfter ?? 30_000);
        return old;
      }
      if (reason === 'CredentialsRefused' || reason === 'WrongTenant' || reason === 'RateLimited') {
        remember(credentials, error);
      }
      throw error;
    }
  }

  return {
    async grant() {
      const credentials = options.credentials();
      if (current !== undefined && same(current.credentials, credentials)) {
        if (clock.monotonic() < current.renewAt) return current;
        refusals = 0; // a token that lived its life: nothing is wrong with these credentials
      }
      if (refusal !== undefined) {
        if (!same(refusal.credentials, credentials)) refusals = 0;
        else if (clock.monotonic() < refusal.until) throw refusal.error;
      }
      if (inFlight === undefined || !same(inFlight.credentials, credentials)) {
        const begun = { credentials, session: signIn(credentials) };
        inFlight = begun;
        const end = () => {
          if (inFlight === begun) inFlight = undefined;
        };
        begun.session.then(end, end);
      }
      return inFlight.session;
    },
    discard(grant) {
      if (current === grant) current = undefined;
    },
    refuse(grant) {
      if (current !== grant) return;
      const { credentials } = current;
      current = undefined;
      remember(credentials, refusedHere(context, 'CredentialsRefused', 'the API refuses even a fresh token'));
    },
  };

  async function requestToken(credentials: Credentials): Promise<Session> {
    const { username, password, domainName, domainID = 'default' } = credentials;
    const domain = domainName === undefined ? { id: domainID } : { name: domainName };
    const answer = await exchange(options, {
      name,
      method: 'POST',
      path,
      url: new URL(`${authURL.href.replace(/\/+$/, '')}/${path}`),
      headers: {},
      body: {
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { domain, name: username, password } },
          },
          scope: { project: scopeBody(options) },
        },
      },
      answer: tokenAnswer,
      mutating: false,
      deadline: options.deadline ?? 30_000,
    }).catch((error: unknown) => {
      throw error instanceof RemoteError ? signInError(error) : error;
    });
    const { token } = answer.value;
    const value = answer.response.headers['x-subject-token'];
    if (value === undefined || value === '') {
      throw refusedHere(context, 'BadAnswer', 'the answer has no X-Subject-Token header');
    }
    const { project } = token;
    const other = otherProject(project, options, knownID);
    if (!project || other !== undefined) throw refusedHere(context, 'WrongTenant', `the token is for ${other}`);
    knownID ??= project.id;
    const { lifetime, renewAfter } = lifetimeOf(token.issued_at, token.expires_at, clock.now());
    return {
      token: new Secret(value),
      identity: {
        projectID: project.id,
        projectName: project.name ?? '',
        userName: token.user?.name ?? '',
        roles: (token.roles ?? []).map((role) => role.name),
      },
      endpoint: () => endpointOf(token.catalog),
      credentials,
      renewAt: clock.monotonic() + renewAfter,
      expiresAt: clock.monotonic() + lifetime,
    };
  }

  function endpointOf(catalogue: readonly CatalogueService[]): URL {
    const { target } = options;
    const found = 'endpoint' in target ? target.endpoint : findEndpoint(catalogue, target);
    if (typeof found === 'string') throw refusedHere(context, 'WrongTenant', found);
    const forbidden = options.allowed(found);
    if (forbidden === undefined) return found;
    const origin = 'endpoint' in target ? 'endpoint' : `catalogue URL of ${target.serviceType}`;
    throw refusedHere({ ...context, origin: found.origin }, 'EndpointNotAllowed', `${origin}: ${forbidden}`);
  }
}

const tokenAnswer = z.object({
  token: z.object({
    expires_at: z.iso.datetime({ offset: true }),
    issued_at: z.iso.datetime({ offset: true }).optional().catch(undefined),
    project: projectAnswer.nullish(),
    user: z
      .object({ name: z.string().max(255) })
      .nullish()
      .catch(undefined),
    roles: z
      .array(z.object({ name: z.string() }))
      .nullish()
      .catch(undefined),
    catalog: catalogueSchema,
  }),
});

/**
 * How long a token lives and when to renew it, in milliseconds from now: 5 minutes before its end, or after half its life
 * where that is less. Keystone's own two times are compared where both are there, so that clocks may differ. It serves
 * for 30 s in any case: with a wrong clock every call would sign in.
 */
function lifetimeOf(issuedAt: string | undefined, expiresAt: string, now: number) {
  const from = issuedAt === undefined ? now : Date.parse(issuedAt);
  const lifetime = Math.max(30_000, Date.parse(expiresAt) - from);
  return { lifetime, renewAfter: Math.max(30_000, lifetime - Math.min(5 * minute, lifetime / 2)) };
}

/**
 * What went wrong at Keystone must not pass for an answer of the API: a 404 here is a wrong authURL, not an object that
 * is gone. So it carries no status.
 */
function signInError(error: RemoteError): RemoteError {
  const { reason, retryAfter } = error;
  const atAuthURL = ['NotFound', 'Rejected', 'Conflict', 'VersionRefused'].includes(reason);
  return new RemoteError({
    reason: atAuthURL ? 'BadAnswer' : reason === 'Forbidden' ? 'CredentialsRefused' : reason,
    outcome: 'definitely-not',
    operation: error.operation,
    message: atAuthURL ? `${error.message}; check that authURL is Keystone's v3 URL, ending in /v3` : error.message,
    cause: error.cause,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

function same(a: Credentials, b: Credentials): boolean {
  return (
    a.username === b.username &&
    a.domainName === b.domainName &&
    a.domainID === b.domainID &&
    a.password.reveal() === b.password.reveal()
  );
}
