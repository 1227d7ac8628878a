import type { Observed, Step } from '../../engine/kind.ts';
import type { Node } from '../wire-node.ts';
import type { Port, PortGroup } from '../wire-port.ts';
import type { Change } from './patch.ts';
import { groupKey, portChanges, portKey } from './port.ts';
import { groupChanges } from './port-group.ts';
import type { PortGroupSpec, PortSpec } from './schema-ports.ts';
import type { Spec } from './schema.ts';
import { stateOf, takesConnectivity } from './states.ts';

type Wait = Extract<Step, { do: 'wait' }>;

/** `later`: a change that the remote does not take in the present state; it must not keep the node from another one. */
interface PartsPlan {
  step?: Step;
  later?: Wait;
}

interface Update {
  instance: string;
  changes: Change[];
}

const update = (remote: 'port' | 'portGroup', { instance, changes }: Update): Step => ({
  do: 'update',
  remote,
  instance,
  drift: changes.map(({ text }) => text),
});

/**
 * Ports and port groups in the order that Ironic demands: a group before its ports; out of one group before into another
 * (ports of a group are in one physical network); what boots from the network only in a group that supports standalone
 * ports; a group goes last, when it is empty.
 */
export function planParts(spec: Spec, node: Node, parts: Observed): PartsPlan {
  const unclear = Object.values(parts).find((part) => part.state === 'unknown');
  if (unclear?.state === 'unknown') return { step: { do: 'wait', reason: unclear.reason, message: unclear.message } };

  const groups = spec.portGroups ?? [];
  const ports = spec.ports ?? [];
  const isThere = (key: string) => parts[key]?.state === 'present';

  const missingGroup = groups.find((group) => !isThere(groupKey(group.name)) && !inTheWay(groups, group, parts));
  if (missingGroup) return { step: { do: 'create', remote: 'portGroup', instance: missingGroup.name } };

  const groupUpdates = groups.flatMap((wanted) => groupUpdate(wanted, parts));
  const widened = groupUpdates.find(({ instance }) => !narrows(groups, instance));
  if (widened) return { step: update('portGroup', widened) };

  const portUpdates = ports.flatMap((wanted) => portUpdate(wanted, parts));
  const connectable = takesConnectivity(node);
  const leaving = portUpdates.find(({ changes }) => changes.some(({ patch }) => patch.op === 'remove'));
  if (leaving && connectable) return { step: update('port', leaving) };

  const missingPort = ports.find(({ macAddress }) => !isThere(portKey(macAddress)));
  if (missingPort) return { step: { do: 'create', remote: 'port', instance: missingPort.macAddress } };

  const [changed] = portUpdates;
  if (changed && connectable) return { step: update('port', changed) };
  const later = changed && notNow(node, changed);

  const surplusPort = surplus(
    parts,
    portKey(''),
    ports.map(({ macAddress }) => macAddress),
  );
  if (surplusPort !== undefined) return { step: { do: 'remove', remote: 'port', instance: surplusPort } };

  const [narrowed] = groupUpdates;
  if (narrowed && !later) return { step: update('portGroup', narrowed) };

  // A port that could not leave it yet is still in it.
  const surplusGroup = surplus(
    parts,
    groupKey(''),
    groups.map(({ name }) => name),
  );
  if (surplusGroup !== undefined && !later)
    return { step: { do: 'remove', remote: 'portGroup', instance: surplusGroup } };
  return later ? { later } : {};
}

/** Has a group of ours that is to go the address of this one? Addresses are unique, so that one goes first. */
const inTheWay = (groups: PortGroupSpec[], { address }: PortGroupSpec, parts: Observed): boolean =>
  address !== undefined &&
  Object.entries(parts).some(
    ([key, part]) =>
      key.startsWith(groupKey('')) &&
      part.state === 'present' &&
      (part.remote as PortGroup).address === address &&
      !groups.some(({ name }) => groupKey(name) === key),
  );

function groupUpdate(wanted: PortGroupSpec, parts: Observed): Update[] {
  const group = parts[groupKey(wanted.name)];
  const changes = group?.state === 'present' ? groupChanges(wanted, group.remote as PortGroup) : [];
  return changes.length === 0 ? [] : [{ instance: wanted.name, changes }];
}

function portUpdate(wanted: PortSpec, parts: Observed): Update[] {
  const port = parts[portKey(wanted.macAddress)];
  const changes = port?.state === 'present' ? portChanges(wanted, port.remote as Port, parts) : [];
  return changes.length === 0 ? [] : [{ instance: wanted.macAddress, changes }];
}

/** Is the group no longer to support standalone ports? Then its ports must stop booting from the network first. */
const narrows = (groups: PortGroupSpec[], instance: string) =>
  groups.some(({ name, standalonePortsSupported }) => name === instance && standalonePortsSupported === false);

/** The first one there that the spec does not name; only those of ours are among the parts then. */
const surplus = (parts: Observed, prefix: string, wanted: string[]) =>
  Object.entries(parts)
    .flatMap(([key, { state }]) => (key.startsWith(prefix) && state === 'present' ? [key.slice(prefix.length)] : []))
    .find((instance) => !wanted.includes(instance));

function notNow(node: Node, { changes }: Update): Wait {
  return {
    do: 'wait',
    reason: 'NotChangeableNow',
    drift: changes.map(({ text }) => text),
    message: `${changes.map(({ text }) => text).join('; ')}: the remote takes this in enroll, manageable or maintenance only, and node ${node.uuid} is ${stateOf(node)}. Set spec.provisioning: Manageable until it is done (making the node available again may clean it), or spec.maintenance`,
  };
}
