import type { JsonObject } from '../sdpf/input.ts';
import type { Result } from '../types.ts';
import type { World } from '../world.ts';
import { badRequest, IronicError, notAcceptable, notFound } from './errors.ts';
import { isLater, PORT_FIELDS, readFields, standardValues } from './fields.ts';
import type { NodeRecord, PortFields, PortRecord } from './ironic.ts';
import { checkQuery, page, pick } from './listing.ts';
import { refuseLocked, settle } from './machine.ts';
import { bodyOf, chosenUUID, findNode, objectOf, uuidParam } from './operation.ts';
import type { Call } from './operation.ts';
import { applyPatch, changedNames, readPatch, refuseOthers } from './patch.ts';
import { brief, portView } from './views.ts';

const FILTERS = ['node', 'node_uuid', 'address', 'portgroup'];

export function listPortsDetail(call: Call): Result {
  checkQuery(call, FILTERS);
  return page(call, 'ports', 'Port', filtered(call));
}

export function listPorts(call: Call): Result {
  checkQuery(call, [...FILTERS, 'fields']);
  return page(call, 'ports', 'Port', shortened(call, filtered(call)));
}

export function listNodePortsDetail(call: Call): Result {
  checkQuery(call, ['address']);
  return page(call, 'ports', 'Port', ofNode(call));
}

export function listNodePorts(call: Call): Result {
  checkQuery(call, ['address', 'fields']);
  return page(call, 'ports', 'Port', shortened(call, ofNode(call)));
}

export function getPort(call: Call): Result {
  return { status: 200, body: pick(portView(call, portOf(call)), call.query.get('fields'), 400) };
}

/** POST: 201. The MAC is unique everywhere, and lower case from here on. */
export function createPort(call: Call): Result {
  const { world, minor, seq } = call;
  const { uuid: chosen, ...body } = objectOf(call);
  const uuid = chosenUUID(chosen);
  for (const name of ['address', 'node_uuid']) {
    if (body[name] === undefined) throw badRequest(`Schema error for port: '${name}' is a required property`);
  }
  const fields = readFields('port', PORT_FIELDS, body, minor);
  const wanted = { ...standardValues(PORT_FIELDS), ...fields } as unknown as PortFields;
  const node = findNode(call, wanted.node_uuid);
  if (!node) throw badRequest(`Node ${wanted.node_uuid} could not be found.`);
  const group = wanted.portgroup_uuid === null ? undefined : world.ironic.portgroups.get(wanted.portgroup_uuid);
  if (wanted.portgroup_uuid !== null && !group) {
    throw badRequest(`Portgroup ${wanted.portgroup_uuid} could not be found.`);
  }
  if (group && group.node_uuid !== node.uuid) {
    throw new IronicError(500, 'Port can not be added to a portgroup belonging to a different node.');
  }
  refuseLocked(node);
  refuseOtherNetwork(world, wanted, undefined);
  // With both taken, the text names the UUID (Ironic 21.4).
  if (uuid !== undefined && world.ironic.ports.get(uuid)) {
    throw new IronicError(409, `A port with UUID ${uuid} already exists.`);
  }
  refuseTaken(world, wanted.address, undefined);
  const port = commitPort(world, uuid ?? world.ids.uuid(), wanted, seq);
  return {
    status: 201,
    headers: { location: `${call.links}/v1/ports/${port.uuid}` },
    body: portView(call, port),
  };
}

/** Puts a new port on the books. */
export function commitPort(world: World, uuid: string, fields: PortFields, call: number | null): PortRecord {
  return world.ironic.ports.add({
    ...fields,
    uuid,
    createdAt: world.now(),
    updatedAt: null,
    createdByCall: call,
    deletedAt: null,
    deletedByCall: null,
  });
}

const CONNECTIVITY = ['portgroup_uuid', 'pxe_enabled', 'local_link_connection', 'physical_network'];
const OPEN_STATES = ['enroll', 'inspecting', 'inspect wait', 'manageable'];

/** PATCH: how a port is connected changes only while nobody can be using it. */
export function patchPort(call: Call): Result {
  const { world, minor } = call;
  const port = portOf(call);
  const steps = readPatch(bodyOf(call));
  for (const { op, path } of steps) {
    const [top = ''] = path;
    if (isLater(top, minor)) throw notAcceptable();
    if (op !== 'remove' || path.length > 1) continue;
    if (top === 'address' || top === 'node_uuid') throw badRequest(`'/${top}' is a mandatory attribute`);
    if (top === 'pxe_enabled') throw new IronicError(500, "Field `pxe_enabled' cannot be None");
  }
  refuseOthers(steps, Object.keys(PORT_FIELDS));
  const before = fieldsOf(port);
  const patched = applyPatch(before, steps, standardValues(PORT_FIELDS));
  const changed = changedNames(before, patched);
  const changes = Object.fromEntries(changed.map((name) => [name, patched[name]]));
  const wanted = { ...before, ...readFields('port', PORT_FIELDS, changes, minor) } as unknown as PortFields;
  // To move a port to another node is an error of the server (Ironic 21.4).
  if (changed.includes('node_uuid')) throw new IronicError(500, 'Unexpected error');
  // Here, another node's group will do (Ironic 21.4).
  if (wanted.portgroup_uuid !== null && !world.ironic.portgroups.get(wanted.portgroup_uuid)) {
    throw badRequest(`Portgroup ${wanted.portgroup_uuid} could not be found.`);
  }
  const node = world.ironic.nodes.get(port.node_uuid);
  if (node) {
    settle(world, node);
    refuseLocked(node);
    refuseInUse(port, node, changed);
  }
  if (changed.includes('portgroup_uuid') || changed.includes('physical_network')) {
    refuseOtherNetwork(world, wanted, port);
  }
  refuseTaken(world, wanted.address, port);
  Object.assign(port, wanted, { updatedAt: world.now() });
  return { status: 200, body: portView(call, port) };
}

export function deletePort(call: Call): Result {
  const { world, seq } = call;
  const port = portOf(call);
  const node = world.ironic.nodes.get(port.node_uuid);
  if (node) {
    settle(world, node);
    refuseLocked(node);
  }
  world.ironic.ports.remove(port, world.now(), seq);
  return { status: 204 };
}

function portOf(call: Call): PortRecord {
  const id = uuidParam(call, 'port_uuid');
  const port = call.world.settings.hidePorts ? undefined : call.world.ironic.ports.get(id);
  if (!port) throw notFound('Port', id);
  return port;
}

function fieldsOf(port: PortRecord): JsonObject {
  return Object.fromEntries(Object.keys(PORT_FIELDS).map((name) => [name, port[name as keyof PortFields]]));
}

function refuseInUse(port: PortRecord, node: NodeRecord, changed: string[]): void {
  if (node.maintenance) return;
  if (changed.includes('address') && (node.provision_state === 'active' || node.instance_uuid !== null)) {
    const text = `Cannot update hardware address for port ${port.uuid} as node ${node.uuid} is active or has instance UUID assigned`;
    throw new IronicError(409, text);
  }
  if (OPEN_STATES.includes(node.provision_state) || !changed.some((name) => CONNECTIVITY.includes(name))) return;
  const names = CONNECTIVITY.map((name) => name.replace('_uuid', '_id'));
  const text =
    `Port ${port.uuid} can not have any connectivity attributes (${names.join(', ')}) updated unless node ` +
    `${node.uuid} is in a ${OPEN_STATES.join(', ')} state or in maintenance mode. ` +
    `The current state is ${node.provision_state}.`;
  throw new IronicError(409, text);
}

/** All ports of a group are in one physical network, where none is one too. */
function refuseOtherNetwork(world: World, wanted: PortFields, self: PortRecord | undefined): void {
  const { portgroup_uuid: group, physical_network: network } = wanted;
  const mate = world.ironic.ports.find((port) => port !== self && group !== null && port.portgroup_uuid === group);
  if (!mate || mate.physical_network === network) return;
  const text =
    `Port with physical network ${network ?? 'None'} cannot become a member of port group ${group} which has ports in ` +
    `physical network ${mate.physical_network ?? 'None'}.`;
  throw new IronicError(409, text);
}

function refuseTaken(world: World, address: string, self: PortRecord | undefined): void {
  if (world.ironic.ports.find((port) => port !== self && port.address === address)) {
    throw new IronicError(409, `A port with MAC address ${address} already exists.`);
  }
}

function ofNode(call: Call): JsonObject[] {
  const node = findNode(call, call.params[0] ?? '');
  // The words of Ironic 21.4.
  if (!node) throw notFound('Portgroup', 'None');
  return views(call, (port) => port.node_uuid === node.uuid);
}

export function listPortGroupPorts(call: Call): Result {
  checkQuery(call, ['fields']);
  // By UUID only (Ironic 21.4).
  const id = call.params[0] ?? '';
  const group = call.world.ironic.portgroups.get(id);
  if (!group) throw notFound('Portgroup', id);
  const found = views(call, (port) => port.portgroup_uuid === group.uuid);
  return page(call, 'ports', 'Port', call.path.endsWith('/detail') ? found : shortened(call, found));
}

function filtered(call: Call): JsonObject[] {
  const { query } = call;
  const wanted = query.get('node') ?? query.get('node_uuid');
  const node = wanted === null ? undefined : findNode(call, wanted);
  if (wanted !== null && !node) throw notFound('Node', wanted);
  const named = query.get('portgroup');
  const group = call.world.ironic.portgroups.find((one) => one.uuid === named || one.name === named);
  if (named !== null && !group) throw notFound('Portgroup', named);
  return views(
    call,
    (port) => (!node || port.node_uuid === node.uuid) && (!group || port.portgroup_uuid === group.uuid),
  );
}

function views(call: Call, wanted: (port: PortRecord) => boolean): JsonObject[] {
  if (call.world.settings.hidePorts) return [];
  const address = call.query.get('address')?.toLowerCase();
  const ports = call.world.ironic.ports.live().filter((port) => address === undefined || port.address === address);
  return ports.filter(wanted).map((port) => portView(call, port));
}

function shortened(call: Call, found: JsonObject[]): JsonObject[] {
  return call.query.has('fields') ? found : found.map((view) => brief(view, ['uuid', 'address', 'links']));
}
