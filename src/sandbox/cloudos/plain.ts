import { derivedUUID } from '../identifiers.ts';
import { validToken } from '../keystone.ts';
import type { Result, SandboxRequest } from '../types.ts';
import type { World } from '../world.ts';
import { IronicError, ironicFault, ironicUnauthorized, routeFault } from './errors.ts';
import type { Call } from './operation.ts';
import { findRoute, methodsOf, operationName } from './routes.ts';
import { negotiate } from './version.ts';

/** A request as it stands before one of the two doors. */
export interface Visit {
  world: World;
  request: SandboxRequest;
  /** Path below the door, without a slash at its end. */
  path: string;
  query: URLSearchParams;
  authURL: string;
  /** What links begin with. */
  links: string;
}

/** What the router needs to know about a call before it is carried out. */
export interface Door {
  operation: string;
  projectID: string | null;
  run: (seq: number) => Result;
}

/** Ironic itself, without a gateway: no prefix, no header but the version, its own status codes. */
export function plainDoor(visit: Visit): Door {
  const { world, request, path, query } = visit;
  if (request.method === 'GET' && (path === '' || path === '/v1')) {
    // The root and the version are for everybody.
    return { operation: 'DiscoverIronic', projectID: null, run: () => discover(visit) };
  }
  const token = validToken(world, 'cloudos', request.headers['x-auth-token']);
  return {
    operation: operationName(findRoute(request.method, path), query),
    projectID: token?.projectID ?? null,
    run: (seq) => (token?.projectID ? serveIronic(asRead(visit), seq) : ironicUnauthorized(visit.authURL)),
  };
}

/** A body without a Content-Length is read as empty (Ironic 21.4). */
function asRead(visit: Visit): Visit {
  const { request } = visit;
  return request.headers['transfer-encoding'] === undefined ? visit : { ...visit, request: { ...request, body: '' } };
}

/** One call of Ironic by somebody whose token is good. */
export function serveIronic(visit: Visit, seq: number): Result {
  const { world, request, path, query, links } = visit;
  const negotiated = negotiate(world.settings, request.headers);
  if ('refusal' in negotiated) return negotiated.refusal;
  const { minor } = negotiated;
  const headers = { ...negotiated.headers, 'openstack-request-id': `req-${derivedUUID(`request ${seq}`)}` };
  const match = findRoute(request.method, path);
  if (!match) return noRoute(path, headers);
  const call: Call = { world, minor, params: match.params, path, query, body: request.body, seq, links };
  const tooNew = minor < (match.route.since ?? 1);
  return withHeaders(
    tooNew ? ironicFault(404, 'Resource could not be found.') : refusing(call, match.route.run),
    headers,
  );
}

function refusing(call: Call, run: (call: Call) => Result): Result {
  try {
    return run(call);
  } catch (error) {
    if (error instanceof IronicError) return ironicFault(error.status, error.message);
    // A fault of the sandbox itself: tell it, in the form that the API has for it.
    return ironicFault(500, `Internal Server Error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** No such route: 404, or 405 with what is allowed, without a version; below a node it passes for a field (Ironic 21.4). */
function noRoute(path: string, headers: Record<string, string>): Result {
  const methods = methodsOf(path);
  if (methods.length > 0) return routeFault(405, '', { allow: methods.join(', ') });
  const [, field] = /^\/v1\/nodes\/[^/]+\/([^/]+)$/.exec(path) ?? [];
  if (field === undefined) return routeFault(404, '');
  return withHeaders(ironicFault(400, `Field ${field} is not a valid field.`), headers);
}

function withHeaders(result: Result, headers: Record<string, string>): Result {
  return { ...result, headers: { ...headers, ...result.headers } };
}

function discover(visit: Visit): Result {
  const { world, path, links } = visit;
  const { minVersion, maxVersion } = world.settings;
  const version = {
    id: 'v1',
    links: [{ href: `${links}/v1/`, rel: 'self' }],
    status: 'CURRENT',
    min_version: minVersion,
    version: maxVersion,
  };
  if (path === '') {
    return { status: 200, body: { name: 'OpenStack Ironic API', default_version: version, versions: [version] } };
  }
  const negotiated = negotiate(world.settings, visit.request.headers);
  if ('refusal' in negotiated) return negotiated.refusal;
  const resources = ['nodes', 'ports', 'portgroups'].map((name) => [
    name,
    [{ href: `${links}/v1/${name}/`, rel: 'self' }],
  ]);
  return {
    status: 200,
    headers: negotiated.headers,
    body: { id: 'v1', links: version.links, version, ...Object.fromEntries(resources) },
  };
}
