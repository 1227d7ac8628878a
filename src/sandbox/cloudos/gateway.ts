import { validToken } from '../keystone.ts';
import { isObject } from '../sdpf/input.ts';
import type { Result, SandboxRequest } from '../types.ts';
import type { World } from '../world.ts';
import { gatewayError } from './errors.ts';
import { nodeOfGateway, portGroupOfGateway, portOfGateway, shortNode } from './gateway-view.ts';
import { serveIronic } from './plain.ts';
import type { Door, Visit } from './plain.ts';
import { findRoute, operationName } from './routes.ts';

/** Where links of the gateway's answers lead: into the cluster, out of the client's reach (seed 004 L12690). */
export const INTERNAL = 'http://api-kinton-service.default.svc.cloudos:9000';

const PREFIX = '/os/kinton/v1';

/** One operation that the document has (seed 004, 1.12-1 to 1.12-16). */
interface Documented {
  method: string;
  path: RegExp;
  /** The document shows a response body. Where it shows none, `Accept` must not be sent. */
  answers: boolean;
  view?: (world: World, body: unknown) => unknown;
}

const NODE = '/v1/nodes/[^/]+';
const documented = (method: string, path: string, view?: Documented['view']): Documented => ({
  method,
  path: new RegExp(`^${path}$`),
  answers: view !== undefined,
  ...(view && { view }),
});

const DOCUMENTED: readonly Documented[] = [
  documented('GET', '/v1/nodes/detail', (_, body) => listOf(body, 'nodes', nodeOfGateway)),
  documented('GET', NODE, (_, body) => nodeOfGateway(body)),
  documented('PATCH', NODE),
  documented('DELETE', NODE),
  documented('POST', '/v1/nodes', (world, body) =>
    world.settings.gatewayCodes === 'seed' ? shortNode(body) : nodeOfGateway(body),
  ),
  documented('PUT', `${NODE}/states/provision`),
  documented('PUT', `${NODE}/maintenance`),
  documented('DELETE', `${NODE}/maintenance`),
  documented('PUT', `${NODE}/states/power`),
  documented('GET', `${NODE}/ports/detail`, (world, body) => {
    const asText = world.settings.portExtra === 'string';
    return listOf(body, 'ports', (port) => portOfGateway(port, asText));
  }),
  documented('POST', '/v1/ports', (_, body) => portOfGateway(body, false)),
  documented('DELETE', '/v1/ports/[^/]+'),
  documented('PATCH', '/v1/ports/[^/]+'),
  documented('GET', '/v1/portgroups', (_, body) => listOf(body, 'portgroups', portGroupOfGateway)),
  documented('POST', '/v1/portgroups', (_, body) => portGroupOfGateway(body)),
  documented('DELETE', '/v1/portgroups/[^/]+'),
];

/** The gateway of CloudOS in front of Ironic: a prefix, a header, and answers of its own. */
export function gatewayDoor(visit: Visit): Door {
  const { world, request, query } = visit;
  const path = innerPath(request.method, visit.path);
  const found = DOCUMENTED.find((one) => one.method === request.method && path !== null && one.path.test(path));
  const match = found && path !== null ? findRoute(request.method, path) : undefined;
  const token = validToken(world, 'cloudos', request.headers['x-auth-token']);
  return {
    operation: operationName(match, query),
    projectID: token?.projectID ?? null,
    run(seq) {
      if (!token?.projectID) return gatewayError(401, 'Unauthorized');
      if (!found || path === null) return gatewayError(404, `no such interface: ${request.method} ${visit.path}`);
      return refusal(visit, found, path) ?? forward(visit, found, path, seq);
    },
  };
}

/** Ironic's path behind one of the gateway. Power is printed without the prefix (seed 004 L14003): both work. */
function innerPath(method: string, path: string): string | null {
  if (path.startsWith(`${PREFIX}/v1/`)) return path.slice(PREFIX.length);
  return method === 'PUT' && /^\/v1\/nodes\/[^/]+\/states\/power$/.test(path) ? path : null;
}

/** What the gateway itself has against a request. */
function refusal({ world, request, query }: Visit, found: Documented, path: string): Result | undefined {
  const { headers } = request;
  if (headers['h3cloudos-core-target'] !== 'bare_metal') {
    return gatewayError(400, 'header H3CloudOS-Core-Target must be bare_metal');
  }
  if (!headers['x-openstack-ironic-api-version']) {
    return gatewayError(400, 'header X-OpenStack-Ironic-API-Version is required');
  }
  if (!found.answers && world.settings.strictAccept && headers.accept !== undefined) {
    return gatewayError(400, 'header Accept must not be sent: this interface has no response body');
  }
  if (request.method === 'GET' && path === '/v1/portgroups' && !query.has('node')) {
    return gatewayError(400, 'query parameter node is required');
  }
  return undefined;
}

function forward(visit: Visit, found: Documented, path: string, seq: number): Result {
  const { world } = visit;
  const { gatewayCodes, wrapErrors } = world.settings;
  const request = { ...visit.request, body: forwardedBody(visit) };
  const result = serveIronic({ ...visit, request, path }, seq);
  if (result.status >= 400) {
    return wrapErrors ? gatewayError(result.status, messageOf(result.body)) : { ...result, headers: {} };
  }
  if (gatewayCodes === 'seed' && !found.answers) return { status: 200 };
  const body = found.view ? found.view(world, result.body) : patched(path, result.body);
  return { status: gatewayCodes === 'seed' ? 200 : result.status, ...(body !== undefined && { body }) };
}

/** A create without what this gateway does not let through. */
function forwardedBody({ world, request }: Visit): SandboxRequest['body'] {
  const { keepUUID, keepExtra } = world.settings;
  if (request.method !== 'POST' || (keepUUID && keepExtra)) return request.body;
  try {
    const body: unknown = JSON.parse(request.body);
    if (!isObject(body)) return request.body;
    const { uuid, extra, ...rest } = body;
    return JSON.stringify({
      ...rest,
      ...(keepUUID && uuid !== undefined && { uuid }),
      ...(keepExtra && extra !== undefined && { extra }),
    });
  } catch {
    return request.body;
  }
}

/** With Ironic's own codes come its own answers to a PATCH. */
function patched(path: string, body: unknown): unknown {
  if (body === undefined) return undefined;
  return path.startsWith('/v1/nodes/') ? nodeOfGateway(body) : portOfGateway(body, false);
}

function listOf(body: unknown, key: string, view: (item: unknown) => unknown): unknown {
  if (!isObject(body)) return body;
  const items = body[key];
  return { ...body, [key]: Array.isArray(items) ? items.map(view) : [] };
}

/** The text of an error of Ironic. */
function messageOf(body: unknown): string {
  const text = isObject(body) && typeof body.error_message === 'string' ? body.error_message : '{}';
  const inner: unknown = JSON.parse(text);
  if (!isObject(inner)) return '';
  const { faultstring, description } = inner;
  return typeof faultstring === 'string' ? faultstring : JSON.stringify(description ?? '');
}
