import { patchNode } from './node-patch.ts';
import { createNode, deleteNode, getNode, listNodes, listNodesDetail } from './nodes.ts';
import { getNodeStates, setMaintenance, setPowerState, setProvisionState, unsetMaintenance } from './node-states.ts';
import type { Operation } from './operation.ts';
import { createPortGroup, deletePortGroup, getPortGroup, listPortGroups, patchPortGroup } from './portgroups.ts';
import {
  createPort,
  deletePort,
  getPort,
  listNodePorts,
  listNodePortsDetail,
  listPortGroupPorts,
  listPorts,
  listPortsDetail,
  patchPort,
} from './ports.ts';

export interface Route {
  name: string;
  method: string;
  /** `*` stands for one variable segment. */
  path: string;
  run: Operation;
  /** The minor version of the API before which there is no such route. */
  since?: number;
}

/** Ironic's operations that matter, by the names of the call log. Fixed segments stand before variable ones. */
export const ROUTES: readonly Route[] = [
  { name: 'ListNodesDetail', method: 'GET', path: '/v1/nodes/detail', run: listNodesDetail },
  { name: 'ListNodes', method: 'GET', path: '/v1/nodes', run: listNodes },
  { name: 'CreateNode', method: 'POST', path: '/v1/nodes', run: createNode },
  { name: 'GetNode', method: 'GET', path: '/v1/nodes/*', run: getNode },
  { name: 'PatchNode', method: 'PATCH', path: '/v1/nodes/*', run: patchNode },
  { name: 'DeleteNode', method: 'DELETE', path: '/v1/nodes/*', run: deleteNode },
  { name: 'GetNodeStates', method: 'GET', path: '/v1/nodes/*/states', run: getNodeStates },
  { name: 'SetProvisionState', method: 'PUT', path: '/v1/nodes/*/states/provision', run: setProvisionState },
  { name: 'SetPowerState', method: 'PUT', path: '/v1/nodes/*/states/power', run: setPowerState },
  { name: 'SetMaintenance', method: 'PUT', path: '/v1/nodes/*/maintenance', run: setMaintenance },
  { name: 'UnsetMaintenance', method: 'DELETE', path: '/v1/nodes/*/maintenance', run: unsetMaintenance },
  { name: 'ListNodePorts', method: 'GET', path: '/v1/nodes/*/ports', run: listNodePorts },
  { name: 'ListNodePorts', method: 'GET', path: '/v1/nodes/*/ports/detail', run: listNodePortsDetail },
  { name: 'ListNodePortGroups', method: 'GET', path: '/v1/nodes/*/portgroups', run: listPortGroups, since: 23 },
  { name: 'ListNodePortGroups', method: 'GET', path: '/v1/nodes/*/portgroups/detail', run: listPortGroups, since: 23 },
  { name: 'ListPortsDetail', method: 'GET', path: '/v1/ports/detail', run: listPortsDetail },
  { name: 'ListPorts', method: 'GET', path: '/v1/ports', run: listPorts },
  { name: 'CreatePort', method: 'POST', path: '/v1/ports', run: createPort },
  { name: 'GetPort', method: 'GET', path: '/v1/ports/*', run: getPort },
  { name: 'PatchPort', method: 'PATCH', path: '/v1/ports/*', run: patchPort },
  { name: 'DeletePort', method: 'DELETE', path: '/v1/ports/*', run: deletePort },
  { name: 'ListPortGroupsDetail', method: 'GET', path: '/v1/portgroups/detail', run: listPortGroups, since: 23 },
  { name: 'ListPortGroups', method: 'GET', path: '/v1/portgroups', run: listPortGroups, since: 23 },
  { name: 'CreatePortGroup', method: 'POST', path: '/v1/portgroups', run: createPortGroup, since: 23 },
  { name: 'GetPortGroup', method: 'GET', path: '/v1/portgroups/*', run: getPortGroup, since: 23 },
  { name: 'PatchPortGroup', method: 'PATCH', path: '/v1/portgroups/*', run: patchPortGroup, since: 23 },
  { name: 'DeletePortGroup', method: 'DELETE', path: '/v1/portgroups/*', run: deletePortGroup, since: 23 },
  { name: 'ListPortGroupPorts', method: 'GET', path: '/v1/portgroups/*/ports', run: listPortGroupPorts, since: 24 },
  {
    name: 'ListPortGroupPorts',
    method: 'GET',
    path: '/v1/portgroups/*/ports/detail',
    run: listPortGroupPorts,
    since: 24,
  },
];

export interface Match {
  route: Route;
  params: string[];
}

/** The route of a method and a path. */
export function findRoute(method: string, path: string): Match | undefined {
  return matches(path).find((match) => match.route.method === method);
}

/** The methods that a path has; none where it is no path of the API. */
export function methodsOf(path: string): string[] {
  return [...new Set(matches(path).map(({ route }) => route.method))];
}

/** The name of a match in the log: port groups that are asked for by node are the list of that node. */
export function operationName(match: Match | undefined, query: URLSearchParams): string {
  const name = match?.route.name ?? 'Unknown';
  return name === 'ListPortGroups' && query.has('node') ? 'ListNodePortGroups' : name;
}

function matches(path: string): Match[] {
  const segments = path.split('/');
  const found: Match[] = [];
  for (const route of ROUTES) {
    const pattern = route.path.split('/');
    if (pattern.length !== segments.length) continue;
    if (!pattern.every((part, index) => part === segments[index] || (part === '*' && segments[index] !== ''))) continue;
    found.push({ route, params: segments.filter((_, index) => pattern[index] === '*').map(decode) });
  }
  return found;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
