import { keystoneError } from './errors.ts';
import { derivedUUID } from './identifiers.ts';
import { isObject } from './sdpf/input.ts';
import type { Result } from './types.ts';
import type { World } from './world.ts';

/** Each simulated cloud has a Keystone of its own: nobody of the one can sign in to the other. */
export type Cloud = 'sdpf' | 'cloudos';

/** A project and the user that opens it. Tenants may share a user. */
export interface Tenant {
  cloud: Cloud;
  /** Of the project: 32 hexadecimal digits. */
  id: string;
  /** Of the project. SDPF knows projects by ID only: there the name is the ID. */
  name: string;
  /** Name of the domain of project and user. */
  domain: string;
  /** SDPF: the API key. */
  user: string;
  /** Password; SDPF: the API secret. */
  secret: string;
}

export interface Token {
  id: string;
  cloud: Cloud;
  /** null: an unscoped token. */
  projectID: string | null;
  user: string;
  domain: string;
  issuedAt: number;
  expiresAt: number;
}

/** One service of the catalogue. */
interface Service {
  name: string;
  type: string;
  region: string;
  interfaces: readonly string[];
  url: string;
}

/** What the services of a cloud are, for a token of this project. */
export type Catalogue = (projectID: string) => Service[];

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

/**
 * `POST /v3/auth/tokens`: 201, the token in X-Subject-Token. Every refusal of credentials looks the same. `catalogue`
 * is undefined where the client wants none.
 */
export function issueToken(world: World, cloud: Cloud, body: unknown, catalogue: Catalogue | undefined): Result {
  const auth = read(body, 'auth');
  const methods = read(auth, 'identity', 'methods');
  if (!Array.isArray(methods)) {
    return keystoneError(400, "Invalid input for field 'identity/methods': it is a required property");
  }
  const method: unknown = methods[0];
  const user =
    method === 'password'
      ? passwordUser(world, cloud, auth)
      : method === 'token'
        ? tokenUser(world, cloud, auth)
        : undefined;
  if (!user) return keystoneError(401, UNAUTHORIZED);

  const scope = read(auth, 'scope');
  const scoped = scope !== undefined && scope !== 'unscoped';
  const tenant = scoped ? scopedTenant(world, cloud, body) : undefined;
  if (scoped && (tenant?.user !== user.name || tenant.domain !== user.domain)) return keystoneError(401, UNAUTHORIZED);

  const token: Token = {
    id: world.ids.hex(32),
    cloud,
    projectID: tenant?.id ?? null,
    user: user.name,
    domain: user.domain,
    issuedAt: world.now(),
    expiresAt: world.now() + world.settings.tokenTTLSeconds * 1000,
  };
  for (const old of world.tokens.values()) if (old.expiresAt <= world.now()) world.tokens.delete(old.id);
  world.tokens.set(token.id, token);
  return {
    status: 201,
    headers: { 'x-subject-token': token.id, vary: 'X-Auth-Token' },
    body: { token: tokenBody(token, tenant, String(method), catalogue) },
  };
}

/** ID of the project that a token request asks for: what it names by ID, or what its name stands for. */
export function scopedProject(world: World, cloud: Cloud, body: unknown): string | null {
  const id = read(body, 'auth', 'scope', 'project', 'id');
  return typeof id === 'string' ? id : (scopedTenant(world, cloud, body)?.id ?? null);
}

/** The token of a request, or undefined where it is unknown, has expired, or is another cloud's. */
export function validToken(world: World, cloud: Cloud, id: string | undefined): Token | undefined {
  const token = id === undefined ? undefined : world.tokens.get(id);
  return token?.cloud === cloud && token.expiresAt > world.now() ? token : undefined;
}

/** Forgets every token (of one project): the next call of each client gets 401 and has to sign in again. */
export function expireTokens(world: World, projectID?: string): number {
  let count = 0;
  for (const token of world.tokens.values()) {
    if (projectID !== undefined && token.projectID !== projectID) continue;
    world.tokens.delete(token.id);
    count += 1;
  }
  return count;
}

/** The project of a token request, by ID or by name and domain. */
function scopedTenant(world: World, cloud: Cloud, body: unknown): Tenant | undefined {
  const project = read(body, 'auth', 'scope', 'project');
  for (const tenant of world.tenants.values()) {
    if (tenant.cloud !== cloud) continue;
    if (read(project, 'id') === tenant.id) return tenant;
    if (read(project, 'name') === tenant.name && isDomain(read(project, 'domain'), tenant.domain)) return tenant;
  }
  return undefined;
}

interface User {
  name: string;
  domain: string;
}

function passwordUser(world: World, cloud: Cloud, auth: unknown): User | undefined {
  const user = read(auth, 'identity', 'password', 'user');
  for (const tenant of world.tenants.values()) {
    if (tenant.cloud !== cloud || tenant.secret !== read(user, 'password')) continue;
    const id = read(user, 'id');
    const byID = id === userID(tenant.user) || (cloud === 'sdpf' && id === tenant.user);
    // A user by name belongs to a domain.
    const byName = read(user, 'name') === tenant.user && isDomain(read(user, 'domain'), tenant.domain);
    if (byID || byName) return { name: tenant.user, domain: tenant.domain };
  }
  return undefined;
}

function tokenUser(world: World, cloud: Cloud, auth: unknown): User | undefined {
  const id = read(auth, 'identity', 'token', 'id');
  const token = typeof id === 'string' ? validToken(world, cloud, id) : undefined;
  return token && { name: token.user, domain: token.domain };
}

function isDomain(wanted: unknown, name: string): boolean {
  return read(wanted, 'name') === name || read(wanted, 'id') === domainID(name);
}

function domainID(name: string): string {
  return name === 'Default' ? 'default' : hexID(`domain:${name}`);
}

function userID(name: string): string {
  return hexID(`user:${name}`);
}

/** Keystone's own IDs have no dashes. */
function hexID(text: string): string {
  return derivedUUID(text).replaceAll('-', '');
}

function tokenBody(
  token: Token,
  tenant: Tenant | undefined,
  method: string,
  catalogue: Catalogue | undefined,
): Record<string, unknown> {
  const domain = { id: domainID(token.domain), name: token.domain };
  const body: Record<string, unknown> = {
    methods: [method],
    issued_at: keystoneTime(token.issuedAt),
    expires_at: keystoneTime(token.expiresAt),
    user: { id: userID(token.user), name: token.user, domain },
    extras: {},
    audit_ids: [token.id.slice(0, 22)],
  };
  if (!tenant) return body;
  body.project = { id: tenant.id, name: tenant.name, domain };
  const role = token.cloud === 'sdpf' ? '_member_' : 'admin';
  body.roles = [{ id: hexID(`role:${role}`), name: role }];
  if (token.cloud === 'cloudos') body.is_domain = false;
  if (!catalogue) return body;
  body.catalog = catalogue(tenant.id).map(({ name, type, region, interfaces, url }) => ({
    id: hexID(`service:${type}`),
    name,
    type,
    endpoints: interfaces.map((face) => ({
      id: hexID(`endpoint:${type}:${face}:${region}`),
      interface: face,
      region,
      region_id: region,
      url,
    })),
  }));
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
