import { bmcAddress } from './cloudos/bmc.ts';
import type { Committed } from './cloudos/ironic.ts';
import type { World } from './world.ts';

/**
 * Everything that was ever committed, dead or alive: what a bill would show. A test of "never twice" counts here, and
 * not in the lists, which may lag or lie.
 */
export function ledger(world: World): Record<string, unknown> {
  return {
    servers: [...world.servers.values()].map((server) => ({
      id: server.id,
      tenantID: server.tenantID,
      name: server.name,
      description: server.description,
      createdAt: time(server.createdAt),
      createdByCall: server.createdByCall,
      deletedAt: time(server.deletingSince),
      deletedByCall: server.deletedByCall,
      adminPassSHA256: server.adminPassSHA256,
    })),
    licenses: [...world.licenses.values()].map((license) => ({
      id: license.id,
      tenantID: license.tenantID,
      licenseType: license.licenseType,
      createdAt: time(license.assignedFrom),
      createdByCall: license.createdByCall,
      deletedAt: time(license.deletedAt),
      deletedByCall: license.deletedByCall,
    })),
    vcenters: [...world.vcenters.values()].map((vcenter) => ({
      id: vcenter.id,
      tenantID: vcenter.tenantID,
      linkLocalAddress: vcenter.address,
      licenseID: vcenter.licenseID,
      createdAt: time(vcenter.createdAt),
      createdByCall: vcenter.createdByCall,
      deletedAt: time(vcenter.deletedAt),
      deletedByCall: vcenter.deletedByCall,
    })),
    nodes: world.ironic.nodes.all.map((node) => ({
      ...committed(node),
      name: node.name,
      bmcAddress: bmcAddress(node.driver_info),
    })),
    ports: world.ironic.ports.all.map((port) => ({
      ...committed(port),
      nodeUUID: port.node_uuid,
      address: port.address,
    })),
    portgroups: world.ironic.portgroups.all.map((group) => ({
      ...committed(group),
      nodeUUID: group.node_uuid,
      name: group.name,
    })),
  };
}

function committed(record: Committed): Record<string, unknown> {
  return {
    id: record.uuid,
    createdAt: time(record.createdAt),
    createdByCall: record.createdByCall,
    deletedAt: time(record.deletedAt),
    deletedByCall: record.deletedByCall,
  };
}

/** Absent from the JSON where it never happened. */
function time(ms: number | null): string | undefined {
  return ms === null ? undefined : new Date(ms).toISOString();
}
