import { keystoneError } from './errors.ts';
import { derivedUUID } from './identifiers.ts';
import { isObject } from './sdpf/input.ts';
import type { Result } from './types.ts';
import type { World } from './world.ts';

/** A project and the API key pair that opens it. Tenants may share a key pair. */
export interface Tenant {
  id: string;
  apiKey: string;
  apiSecret: string;
}

export interface Token {
  id: string;
  /** null: an unscoped token. */
  projectID: string | null;
  apiKey: string;
  issuedAt: number;
  expiresAt: number;
}

const UNAUTHORIZED = 'The request you have made requires authentication.';

/**
 * Version discovery, which clients ask for with or without the trailing slash before they sign in. The ID must be
 * numeric: keystoneauth parses it.
 */
export function discoverKeystone(authURL: string): Result {
  return {
    status: 200,
    body: {
      version: {
        id: 'v3.8',
        status: 'stable',
        updated: '2017-02-22T00:00:00Z',
        links: [{ rel: 'self', href: `${authURL}/` }],
        'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
      },
    },
  };
}

/** `POST /v3/auth/tokens`: 201, the token in X-Subject-Token. Every refusal of credentials looks the same. */
export function issueToken(
  world: World,
  body: unknown,
  endpoint: (tenantID: string) => string,
  catalog: boolean,
): Result {
  const auth = read(body, 'auth');
  const methods = read(auth, 'identity', 'methods');
  if (!Array.isArray(methods)) {
    return keystoneError(400, "Invalid input for field 'identity/methods': it is a required property");
  }
  const method: unknown = methods[0];
  const apiKey =
    method === 'password' ? passwordUser(world, auth) : method === 'token' ? tokenUser(world, auth) : undefined;
  if (apiKey === undefined) return keystoneError(401, UNAUTHORIZED);

  const scope = read(auth, 'scope');
  const projectID = scope === undefined || scope === 'unscoped' ? null : read(scope, 'project', 'id');
  if (projectID !== null && (typeof projectID !== 'string' || world.tenants.get(projectID)?.apiKey !== apiKey)) {
    return keystoneError(401, UNAUTHORIZED);
  }

  const token: Token = {
    id: world.ids.hex(32),
    projectID,
    apiKey,
    issuedAt: world.now(),
    expiresAt: world.now() + world.settings.tokenTTLSeconds * 1000,
  };
  for (const old of world.tokens.values()) if (old.expiresAt <= world.now()) world.tokens.delete(old.id);
  world.tokens.set(token.id, token);
  return {
    status: 201,
    headers: { 'x-subject-token': token.id, vary: 'X-Auth-Token' },
    body: { token: tokenBody(world, token, String(method), endpoint, catalog) },
  };
}

/** The project that a token request asks for, where it names one by ID. */
export function scopedProject(body: unknown): string | null {
  const id = read(body, 'auth', 'scope', 'project', 'id');
  return typeof id === 'string' ? id : null;
}

/** The token of a request, or undefined where it is unknown or has expired. */
export function validToken(world: World, id: string | undefined): Token | undefined {
  const token = id === undefined ? undefined : world.tokens.get(id);
  return token !== undefined && token.expiresAt > world.now() ? token : undefined;
}

/** Forgets every token (of one tenant): the next call of each client gets 401 and has to sign in again. */
export function expireTokens(world: World, tenantID?: string): number {
  let count = 0;
  for (const token of world.tokens.values()) {
    if (tenantID !== undefined && token.projectID !== tenantID) continue;
    world.tokens.delete(token.id);
    count += 1;
  }
  return count;
}

function passwordUser(world: World, auth: unknown): string | undefined {
  const user = read(auth, 'identity', 'password', 'user');
  const name = read(user, 'name') ?? read(user, 'id');
  const secret = read(user, 'password');
  // A user by name belongs to a domain; NTT documents `default` only.
  const domain = read(user, 'domain', 'id') ?? read(user, 'domain', 'name');
  if (read(user, 'id') === undefined && domain !== 'default' && domain !== 'Default') return undefined;
  for (const tenant of world.tenants.values()) {
    if (tenant.apiKey === name && tenant.apiSecret === secret) return tenant.apiKey;
  }
  return undefined;
}

function tokenUser(world: World, auth: unknown): string | undefined {
  const id = read(auth, 'identity', 'token', 'id');
  return typeof id === 'string' ? validToken(world, id)?.apiKey : undefined;
}

function tokenBody(
  world: World,
  token: Token,
  method: string,
  endpoint: (tenantID: string) => string,
  catalog: boolean,
): Record<string, unknown> {
  const domain = { id: 'default', name: 'Default' };
  const body: Record<string, unknown> = {
    methods: [method],
    issued_at: keystoneTime(token.issuedAt),
    expires_at: keystoneTime(token.expiresAt),
    user: { id: derivedUUID(`user:${token.apiKey}`).replaceAll('-', ''), name: token.apiKey, domain },
    extras: {},
    audit_ids: [token.id.slice(0, 22)],
  };
  if (token.projectID === null) return body;
  body.project = { id: token.projectID, name: token.projectID, domain };
  body.roles = [{ id: derivedUUID('role:_member_').replaceAll('-', ''), name: '_member_' }];
  if (!catalog) return body;
  body.catalog = [
    {
      id: derivedUUID('service:dedicated-hypervisor').replaceAll('-', ''),
      name: 'dedicated-hypervisor',
      type: 'dedicated-hypervisor',
      endpoints: [
        {
          id: derivedUUID(`endpoint:${world.region}`).replaceAll('-', ''),
          interface: 'public',
          region: world.region,
          region_id: world.region,
          url: endpoint(token.projectID),
        },
      ],
    },
  ];
  return body;
}

/** Keystone writes microseconds. */
function keystoneTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function read(value: unknown, ...path: string[]): unknown {
  let current = value;
  for (const name of path) {
    if (!isObject(current)) return undefined;
    current = current[name];
  }
  return current;
}
