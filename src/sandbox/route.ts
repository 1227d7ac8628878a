import { gatewayDoor, INTERNAL } from './cloudos/gateway.ts';
import { gatewayError, ironicFault } from './cloudos/errors.ts';
import { plainDoor } from './cloudos/plain.ts';
import type { Visit } from './cloudos/plain.ts';
import { ROUTES } from './cloudos/routes.ts';
import { ApiError, keystoneError, sdpfError } from './errors.ts';
import { discoverKeystone, issueToken, scopedProject, validToken } from './keystone.ts';
import type { Catalogue, Cloud } from './keystone.ts';
import { findOperation, OPERATIONS } from './sdpf/operations.ts';
import type { Result, SandboxRequest } from './types.ts';
import type { World } from './world.ts';

/** Where the parts of the sandbox are, below its base URL. */
export const PATHS = {
  sdpfKeystone: '/keystone/v3',
  sdpf: '/dedicated-hypervisor/v1.0',
  cloudosKeystone: '/cloudos/keystone/v3',
  gateway: '/cloudos',
  ironic: '/ironic',
} as const;

/** Every operation by the name that the call log and faults use. */
export const OPERATION_NAMES: readonly string[] = [
  'DiscoverKeystone',
  'IssueToken',
  ...OPERATIONS.map((operation) => operation.name),
  'DiscoverIronic',
  ...new Set(ROUTES.map((route) => route.name)),
  'Unknown',
];

/** A request whose operation is known and has not been carried out. */
export interface Resolved {
  operation: string;
  /** The project in the path, in the scope of a token request, or of the token. */
  tenantID: string | null;
  /** A delay of all answers holds for it. */
  delayed: boolean;
  run: (seq: number) => Result;
  /** An error in the form of the API that was asked. */
  refuse: (status: number) => Result;
}

export function resolveRequest(
  world: World,
  request: SandboxRequest,
  path: string,
  search: string,
  baseURL: string,
): Resolved {
  for (const [cloud, keystone] of [
    ['sdpf', PATHS.sdpfKeystone],
    ['cloudos', PATHS.cloudosKeystone],
  ] as const) {
    if (path === keystone || path.startsWith(`${keystone}/`)) {
      const rest = path.slice(keystone.length).replace(/\/$/, '');
      const wantsCatalogue = !new URLSearchParams(search).has('nocatalog');
      const catalogue = wantsCatalogue ? catalogueOf(world, cloud, baseURL) : undefined;
      return resolveKeystone(world, cloud, request, rest, baseURL + keystone, catalogue);
    }
  }
  if (path.startsWith(`${PATHS.sdpf}/`)) return resolveSDPF(world, request, path, search, baseURL);
  for (const door of [PATHS.gateway, PATHS.ironic]) {
    if (path === door || path.startsWith(`${door}/`)) {
      const query = new URLSearchParams(search);
      const rest = path.slice(door.length).replace(/\/$/, '');
      const authURL = baseURL + PATHS.cloudosKeystone;
      return resolveBareMetal({ world, request, path: rest, query, authURL, links: baseURL + door }, door);
    }
  }
  return { operation: 'Unknown', tenantID: null, delayed: true, run: () => sdpfError(404), refuse: sdpfError };
}

function catalogueOf(world: World, cloud: Cloud, baseURL: string): Catalogue {
  if (cloud === 'cloudos') {
    const service = { region: 'RegionOne', interfaces: ['public', 'internal', 'admin'] };
    return () => [
      { ...service, name: 'keystone', type: 'identity', url: baseURL + PATHS.cloudosKeystone },
      { ...service, name: 'ironic', type: 'baremetal', url: baseURL + PATHS.ironic },
    ];
  }
  const name = 'dedicated-hypervisor';
  return (projectID) => [
    { name, type: name, region: world.region, interfaces: ['public'], url: `${baseURL}${PATHS.sdpf}/${projectID}` },
  ];
}

function resolveKeystone(
  world: World,
  cloud: Cloud,
  request: SandboxRequest,
  rest: string,
  authURL: string,
  catalogue: Catalogue | undefined,
): Resolved {
  const refuse = (status: number): Result => keystoneError(status, 'Simulated fault');
  if (request.method === 'GET' && rest === '') {
    const run = (): Result => discoverKeystone(authURL);
    return { operation: 'DiscoverKeystone', tenantID: null, delayed: false, run, refuse };
  }
  if (request.method === 'POST' && rest === '/auth/tokens') {
    let body: unknown;
    try {
      body = JSON.parse(request.body);
    } catch {
      body = undefined;
    }
    const run = (): Result => issueToken(world, cloud, body, catalogue);
    return { operation: 'IssueToken', tenantID: scopedProject(world, cloud, body), delayed: false, run, refuse };
  }
  const run = (): Result => keystoneError(404, 'The resource could not be found.');
  return { operation: 'Unknown', tenantID: null, delayed: false, run, refuse };
}

/** The two doors of the one Ironic. */
function resolveBareMetal(visit: Visit, path: string): Resolved {
  const gateway = path === PATHS.gateway;
  const door = gateway ? gatewayDoor({ ...visit, links: INTERNAL }) : plainDoor(visit);
  const { operation, projectID, run } = door;
  const refuse = (status: number): Result =>
    gateway ? gatewayError(status, 'Simulated fault') : ironicFault(status, 'Simulated fault');
  return { operation, tenantID: projectID, delayed: true, run, refuse };
}

function resolveSDPF(world: World, request: SandboxRequest, path: string, search: string, baseURL: string): Resolved {
  const [tenantID = '', ...segments] = path.slice(PATHS.sdpf.length + 1).split('/');
  const found = findOperation(request.method, segments.join('/'));
  return {
    operation: found?.operation.name ?? 'Unknown',
    tenantID,
    delayed: true,
    refuse: sdpfError,
    run(seq) {
      const token = validToken(world, 'sdpf', request.headers['x-auth-token']);
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
