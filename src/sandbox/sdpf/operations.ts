import type { Result } from '../types.ts';
import { showCFGWConnection, updateCFGWConnection } from './cfgw.ts';
import { listVSphereContracts, manageVSphereContract, updateVSphereContractRenewal } from './contracts.ts';
import type { Context } from './input.ts';
import { createLicense, deleteLicense, listLicenses, listLicenseTypes } from './licenses.ts';
import { serverAction } from './server-actions.ts';
import { createServer } from './server-create.ts';
import { deleteServer, listServers, listServersDetail, showServer, updateServer } from './servers.ts';
import { listUsages, showUsageHistories } from './usages.ts';
import { deleteVCenter, listVCenterAddresses, listVCenters, registerVCenter, updateVCenter } from './vcenters.ts';

export interface Operation {
  name: string;
  method: string;
  /** Below `/v1.0/{tenant_id}`; `*` stands for one variable segment. */
  path: string;
  run: (context: Context) => Result;
}

/** The 23 operations of the Dedicated Hypervisor API 1.0.0 (seed 000). Fixed segments stand before variable ones. */
export const OPERATIONS: readonly Operation[] = [
  { name: 'ListServers', method: 'GET', path: 'servers', run: listServers },
  { name: 'CreateServer', method: 'POST', path: 'servers', run: createServer },
  { name: 'ListServersDetail', method: 'GET', path: 'servers/detail', run: listServersDetail },
  { name: 'ShowServer', method: 'GET', path: 'servers/*', run: showServer },
  { name: 'DeleteServer', method: 'DELETE', path: 'servers/*', run: deleteServer },
  { name: 'UpdateServer', method: 'PUT', path: 'servers/*', run: updateServer },
  { name: 'ListLicenses', method: 'GET', path: 'licenses', run: listLicenses },
  { name: 'CreateLicense', method: 'POST', path: 'licenses', run: createLicense },
  { name: 'DeleteLicense', method: 'DELETE', path: 'licenses/*', run: deleteLicense },
  { name: 'ListLicenseTypes', method: 'GET', path: 'license_types', run: listLicenseTypes },
  { name: 'ListUsages', method: 'GET', path: 'usages', run: listUsages },
  { name: 'ShowUsageHistories', method: 'GET', path: 'usages/*/histories', run: showUsageHistories },
  { name: 'ServerAction', method: 'POST', path: 'servers/*/action', run: serverAction },
  { name: 'ShowCFGWConnection', method: 'GET', path: 'servers/*/cfgw_connection', run: showCFGWConnection },
  { name: 'UpdateCFGWConnection', method: 'POST', path: 'servers/*/cfgw_connection', run: updateCFGWConnection },
  { name: 'ListVCenters', method: 'GET', path: 'vcenters', run: listVCenters },
  { name: 'RegisterVCenter', method: 'POST', path: 'vcenters', run: registerVCenter },
  { name: 'ListVCenterAddresses', method: 'GET', path: 'vcenters/addresses', run: listVCenterAddresses },
  { name: 'UpdateVCenter', method: 'PUT', path: 'vcenters/*', run: updateVCenter },
  { name: 'DeleteVCenter', method: 'DELETE', path: 'vcenters/*', run: deleteVCenter },
  { name: 'ListVSphereContracts', method: 'GET', path: 'vsphere_contracts', run: listVSphereContracts },
  { name: 'ManageVSphereContract', method: 'POST', path: 'vsphere_contracts', run: manageVSphereContract },
  { name: 'UpdateVSphereContractRenewal', method: 'PUT', path: 'vsphere_contracts', run: updateVSphereContractRenewal },
];

/** The operation that a method and path name, and the variable segments of the path. */
export function findOperation(method: string, path: string): { operation: Operation; params: string[] } | undefined {
  const segments = path.split('/');
  for (const operation of OPERATIONS) {
    if (operation.method !== method) continue;
    const pattern = operation.path.split('/');
    if (pattern.length !== segments.length) continue;
    if (!pattern.every((part, index) => part === segments[index] || (part === '*' && segments[index] !== ''))) continue;
    return { operation, params: segments.filter((_, index) => pattern[index] === '*').map(decodeSegment) };
  }
  return undefined;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
