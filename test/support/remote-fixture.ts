import type { ServerResponse } from 'node:http';
import { systemRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import { createBudget } from '../../src/remote/budget.ts';
import { allowedEndpoints } from '../../src/remote/endpoints.ts';
import type { ObservedExchange } from '../../src/remote/exchange.ts';
import { createKeystone } from '../../src/remote/keystone.ts';
import type { Credentials, KeystoneOptions } from '../../src/remote/keystone.ts';
import { createSession } from '../../src/remote/session.ts';
import type { AuditRecord, SessionOptions } from '../../src/remote/session.ts';
import { createTransport } from '../../src/remote/undici.ts';
import { createTestClock } from './clock.ts';
import { answerJSON, scriptedServer } from './scripted-server.ts';
import type { Recorded } from './scripted-server.ts';

export const tenantID = 'aaa8749130bc3d2886d6b9bb3fcb1715';
export const apiSecret = 'canary-api-secret';
export const tokenPrefix = 'canary-token-';

export type Answer = (request: Recorded, response: ServerResponse) => void;

/** A Keystone answer; `more` overrides parts of the token. */
export function tokenBody(more: Record<string, unknown> = {}): unknown {
  return {
    token: {
      methods: ['password'],
      issued_at: '2018-11-28T01:48:52.111227Z',
      expires_at: '2018-11-28T02:48:52.111201Z',
      project: { id: tenantID, name: 'tenant-1' },
      user: { id: 'u', name: 'api-key' },
      roles: [{ id: 'r', name: '_member_' }],
      ...more,
    },
  };
}

/**
 * A session against a loopback Keystone (`/v3`) and API (`/api`), over real sockets. Each sign-in gives the next token;
 * `answers.api` and `answers.keystone` may be changed at any time.
 */
export async function remoteFixture(
  options: { keystone?: Partial<KeystoneOptions>; session?: Partial<SessionOptions> } = {},
) {
  const clock = createTestClock();
  const transport = createTransport({ clock, connections: 1 });
  let signIns = 0;
  const answers: { keystone: Answer; api: Answer } = {
    keystone: (_request, response) =>
      answerJSON(response, 201, tokenBody(), { 'x-subject-token': `${tokenPrefix}${signIns}` }),
    api: (_request, response) => answerJSON(response, 200, {}),
  };
  const server = await scriptedServer((request, response) => {
    if (!request.path.startsWith('/v3/')) return answers.api(request, response);
    signIns++;
    answers.keystone(request, response);
  });
  const credentials: Credentials = { username: 'api-key', password: new Secret(apiSecret) };
  const observed: ObservedExchange[] = [];
  const audited: AuditRecord[] = [];
  const budget = createBudget(clock, { rate: 1000, burst: 1000 });
  const common = {
    transport,
    clock,
    random: systemRandom,
    observe: (exchange: ObservedExchange) => void observed.push(exchange),
  };
  const current = { credentials };
  const keystone = createKeystone({
    ...common,
    authURL: new URL('/v3', server.url),
    credentials: () => current.credentials,
    projectID: tenantID,
    target: { endpoint: new URL('/api/', server.url) },
    allowed: allowedEndpoints({ patterns: ['127.0.0.1:*'], insecure: true }),
    ...options.keystone,
  });
  const session = createSession({
    ...common,
    keystone,
    budget,
    audit: (record) => void audited.push(record),
    ...options.session,
  });
  return {
    clock,
    server,
    answers,
    session,
    keystone,
    budget,
    observed,
    audited,
    current,
    /** Requests that reached the API, not Keystone. */
    calls: () => server.requests.filter((request) => !request.path.startsWith('/v3/')),
    signIns: () => signIns,
    async [Symbol.asyncDispose]() {
      session.close();
      await transport.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
