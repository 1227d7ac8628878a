import type { Claim } from '../../engine/conditions.ts';
import type { Observed } from '../../engine/kind.ts';
import type { Node } from '../wire-node.ts';
import type { Port, PortGroup } from '../wire-port.ts';
import { groupKey, portKey } from './port.ts';
import { shortName } from './port-group.ts';
import { powerDiffers, powerTarget } from './power.ts';
import type { Spec } from './schema.ts';
import { stateOf } from './states.ts';

/** Without what is undefined: it is compared with what was stored. */
const filled = (fields: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const text = (value: unknown) =>
  typeof value === 'string' ? value || undefined : typeof value === 'number' ? String(value) : undefined;

function hardware({ properties }: Node): Record<string, unknown> | undefined {
  const shown = filled({
    cpus: text(properties['cpus']),
    memoryMB: text(properties['memory_mb']),
    localGB: text(properties['local_gb']),
    architecture: text(properties['cpu_arch']),
    capabilities: text(properties['capabilities']),
  });
  return Object.keys(shown).length === 0 ? undefined : shown;
}

function power(spec: Spec, node: Node): Claim {
  const type = 'PowerMatches';
  const target = powerTarget(spec);
  const { power_state: state, instance_uuid: instance } = node;
  if (target === undefined)
    return { type, status: 'True', reason: 'PowerUnmanaged', message: 'spec.power leaves the power alone' };
  if (state === undefined)
    return { type, status: 'Unknown', reason: 'NotReported', message: 'the remote does not say whether it is on' };
  if (!powerDiffers(spec, node)) return { type, status: 'True', reason: 'PowerAsWished', message: `it is ${state}` };
  const left = instance === undefined ? '' : `; that is left to instance ${instance}`;
  return { type, status: 'False', reason: 'PowerDiffers', message: `wanted ${target}, is ${state}${left}` };
}

function maintenance({ maintenance: enabled, maintenance_reason: reason }: Node): Claim {
  const type = 'InMaintenance';
  return enabled
    ? { type, status: 'True', reason: 'InMaintenance', message: reason ?? 'no reason given' }
    : { type, status: 'False', reason: 'NotInMaintenance', message: 'the node is not in maintenance' };
}

function use({ instance_uuid: instance }: Node): Claim {
  const type = 'InUse';
  return instance === undefined
    ? { type, status: 'False', reason: 'NoInstance', message: 'no instance has the node' }
    : {
        type,
        status: 'True',
        reason: 'InstanceAttached',
        message: `instance ${instance} has the node: its provisioning and its power are left to that instance`,
      };
}

/** What status shows of a node. Of its driver_info nothing, for half of that is secret. */
export function report(node: Node, spec: Spec): { status: Record<string, unknown>; conditions: Claim[] } {
  return {
    status: {
      state: stateOf(node) || undefined,
      targetState: node.target_provision_state,
      powerState: node.power_state,
      targetPowerState: node.target_power_state,
      lastError: node.last_error,
      maintenance: filled({ enabled: node.maintenance, reason: node.maintenance_reason }),
      reservation: node.reservation,
      instanceID: node.instance_uuid,
      driver: node.driver,
      name: node.name,
      resourceClass: node.resource_class,
      hardware: hardware(node),
      createdAt: node.created_at,
      provisionUpdatedAt: node.provision_updated_at,
      inspectionFinishedAt: node.inspection_finished_at,
    },
    conditions: [power(spec, node), maintenance(node), use(node)],
  };
}

function presentOf<Remote>(parts: Observed, prefix: string): Remote[] {
  return Object.keys(parts)
    .sort()
    .flatMap((key) => {
      const part = parts[key];
      return key.startsWith(prefix) && part?.state === 'present' ? [part.remote as Remote] : [];
    });
}

/** What status shows of ports and port groups. */
export function reportParts(parts: Observed): { ports: unknown[]; portGroups: unknown[] } {
  return {
    ports: presentOf<Port>(parts, portKey('')).map((port) =>
      filled({
        macAddress: port.address,
        id: port.uuid,
        pxeEnabled: port.pxe_enabled,
        portGroupID: port.portgroup_uuid,
        physicalNetwork: port.physical_network,
      }),
    ),
    portGroups: presentOf<PortGroup>(parts, groupKey('')).map((group) =>
      filled({ name: shortName(group), id: group.uuid, address: group.address, mode: group.mode }),
    ),
  };
}
