import { ApiError, keystoneError, sdpfError } from './errors.ts';
import { discoverKeystone, issueToken, scopedProject, validToken } from './keystone.ts';
import { findOperation, OPERATIONS } from './sdpf/operations.ts';
import type { Result, SandboxRequest } from './types.ts';
import type { World } from './world.ts';

const KEYSTONE = '/keystone/v3';
const SDPF = '/dedicated-hypervisor/v1.0';

/** Every operation by the name that the call log and faults use. */
export const OPERATION_NAMES: readonly string[] = [
  'DiscoverKeystone',
  'IssueToken',
  ...OPERATIONS.map((operation) => operation.name),
  'Unknown',
];

/** A request whose operation is known and has not been carried out. */
export interface Resolved {
  operation: string;
  api: 'keystone' | 'sdpf';
  tenantID: string | null;
  run: (seq: number) => Result;
}

export function resolveRequest(
  world: World,
  request: SandboxRequest,
  path: string,
  search: string,
  baseURL: string,
): Resolved {
  if (path === KEYSTONE || path.startsWith(`${KEYSTONE}/`)) {
    return resolveKeystone(world, request, path, search, baseURL);
  }
  if (path.startsWith(`${SDPF}/`)) return resolveSDPF(world, request, path, search, baseURL);
  return { operation: 'Unknown', api: 'sdpf', tenantID: null, run: notThere };
}

function resolveKeystone(
  world: World,
  request: SandboxRequest,
  path: string,
  search: string,
  baseURL: string,
): Resolved {
  const rest = path.slice(KEYSTONE.length).replace(/\/$/, '');
  if (request.method === 'GET' && rest === '') {
    const run = (): Result => discoverKeystone(baseURL + KEYSTONE);
    return { operation: 'DiscoverKeystone', api: 'keystone', tenantID: null, run };
  }
  if (request.method === 'POST' && rest === '/auth/tokens') {
    let body: unknown;
    try {
      body = JSON.parse(request.body);
    } catch {
      body = undefined;
    }
    const endpoint = (tenantID: string): string => `${baseURL}${SDPF}/${tenantID}`;
    const catalog = !new URLSearchParams(search).has('nocatalog');
    const run = (): Result => issueToken(world, body, endpoint, catalog);
    return { operation: 'IssueToken', api: 'keystone', tenantID: scopedProject(body), run };
  }
  return { operation: 'Unknown', api: 'keystone', tenantID: null, run: noSuchKeystoneCall };
}

function notThere(): Result {
  return sdpfError(404);
}

function noSuchKeystoneCall(): Result {
  return keystoneError(404, 'The resource could not be found.');
}

function resolveSDPF(world: World, request: SandboxRequest, path: string, search: string, baseURL: string): Resolved {
  const [tenantID = '', ...segments] = path.slice(SDPF.length + 1).split('/');
  const found = findOperation(request.method, segments.join('/'));
  return {
    operation: found?.operation.name ?? 'Unknown',
    api: 'sdpf',
    tenantID,
    run(seq) {
      const token = validToken(world, request.headers['x-auth-token']);
      if (!token) return sdpfError(401);
      if (token.projectID !== tenantID) return sdpfError(403);
      // One text for a wrong URL and for a wrong method (seed 000: "request URL or method is invalid").
      if (!found) return sdpfError(405);
      const query = new URLSearchParams(search);
      try {
        const { params } = found;
        return found.operation.run({ world, tenantID, params, query, body: request.body, seq, baseURL });
      } catch (error) {
        if (error instanceof ApiError) return sdpfError(error.status, error.message);
        // A fault of the sandbox itself: tell it, in the form that the API has for it.
        return sdpfError(500, `Internal Server Error: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
}
