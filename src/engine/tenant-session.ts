import type { RemoteSession } from '../remote/call.ts';
import type { ServiceQuery } from '../remote/catalogue.ts';
import type { ObservedExchange } from '../remote/exchange.ts';
import { createKeystone, type Credentials } from '../remote/keystone.ts';
import type { ProjectScope } from '../remote/project-scope.ts';
import { createSession } from '../remote/session.ts';
import type { ConnectOptions } from './tenant.ts';

/** How a tenant signs in at Keystone, and where its calls go then. */
export interface SignIn {
  /** Keystone's v3 URL. */
  authURL: string;
  /** PEM bundle that replaces the system's roots. */
  caBundle: string | undefined;
  credentials: Credentials;
  project: ProjectScope;
  target: { endpoint: URL } | ServiceQuery;
}

/** The session of a tenant behind Keystone: what every provider's `connect` makes its client from. Nothing is sent yet. */
export function openSession(
  { budget, clock, random, tenant, ports }: Omit<ConnectOptions<unknown>, 'spec' | 'credentials'>,
  { authURL, caBundle, credentials, project, target }: SignIn,
): RemoteSession {
  const { transport, allowed, readDeadline, writeDeadline } = ports;
  const shared = {
    transport,
    clock,
    random,
    ...(caBundle !== undefined && { caBundle }),
    observe: (exchange: ObservedExchange) => ports.observe(tenant(), exchange),
  };
  const keystone = createKeystone({
    ...shared,
    ...project,
    authURL: new URL(authURL),
    credentials: () => credentials,
    target,
    allowed,
    deadline: readDeadline,
  });
  return createSession({
    ...shared,
    keystone,
    budget,
    readDeadline,
    writeDeadline,
    audit: (record) => ports.audit(tenant(), record),
  });
}
