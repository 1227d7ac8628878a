import type { JsonObject } from '../sdpf/input.ts';
import type { Result } from '../types.ts';
import type { World } from '../world.ts';
import { checkDriver, interfacesOf } from './drivers.ts';
import { badRequest, IronicError } from './errors.ts';
import { isName, NODE_FIELDS, readFields, standardValues } from './fields.ts';
import type { NodeFields, NodeRecord } from './ironic.ts';
import { checkQuery, page, pick } from './listing.ts';
import { refuseLocked, settle, STATES } from './machine.ts';
import { chosenUUID, nodeOf, objectOf } from './operation.ts';
import type { Call } from './operation.ts';
import { brief, nodeView } from './views.ts';

const FILTERS = ['instance_uuid', 'associated', 'maintenance', 'provision_state', 'driver', 'resource_class'];
const BRIEF = ['uuid', 'name', 'instance_uuid', 'maintenance', 'power_state', 'provision_state', 'links'];

export function listNodesDetail(call: Call): Result {
  checkQuery(call, FILTERS);
  return page(call, 'nodes', 'Node', listed(call));
}

export function listNodes(call: Call): Result {
  checkQuery(call, [...FILTERS, 'fields']);
  const views = listed(call);
  return page(call, 'nodes', 'Node', call.query.has('fields') ? views : views.map((view) => brief(view, BRIEF)));
}

export function getNode(call: Call): Result {
  return { status: 200, body: pick(nodeView(call, nodeOf(call)), call.query.get('fields'), 400) };
}

/** POST: 201 and the whole node, in `enroll`; below version 1.11 in `available`. */
export function createNode(call: Call): Result {
  const { world, minor, seq } = call;
  const { uuid: chosen, ...body } = objectOf(call);
  const uuid = chosenUUID(chosen);
  const fields = readFields('node', NODE_FIELDS, body, minor);
  if (fields.driver === undefined) throw badRequest("Schema error for node: 'driver' is a required property");
  const given = { ...standardValues(NODE_FIELDS), ...interfacesOf(fields.driver), ...fields };
  const wanted = given as unknown as NodeFields;
  if (wanted.name !== null && !isName(wanted.name)) {
    throw badRequest(`Cannot create node with invalid name '${wanted.name}'`);
  }
  checkDriver(world, wanted);
  // With both taken, the text names the name (Ironic 21.4).
  refuseTaken(world, wanted, undefined);
  if (uuid !== undefined && world.ironic.nodes.get(uuid)) {
    throw new IronicError(409, `A node with UUID ${uuid} already exists.`);
  }
  const node = commitNode(world, uuid ?? world.ids.uuid(), wanted, seq);
  node.listedAt += world.settings.nodeListLagSeconds * 1000;
  if (minor < 11) node.provision_state = 'available';
  return {
    status: 201,
    headers: { location: `${call.links}/v1/nodes/${node.uuid}` },
    body: nodeView(call, node),
  };
}

/** Puts a new node on the books. */
export function commitNode(world: World, uuid: string, fields: NodeFields, call: number | null): NodeRecord {
  return world.ironic.nodes.add({
    ...fields,
    uuid,
    createdAt: world.now(),
    updatedAt: null,
    createdByCall: call,
    deletedAt: null,
    deletedByCall: null,
    listedAt: world.now(),
    maintenance_reason: null,
    provision_state: 'enroll',
    target_provision_state: null,
    power_state: null,
    target_power_state: null,
    last_error: null,
    provisionUpdatedAt: null,
    inspectionStartedAt: null,
    inspectionFinishedAt: null,
    stages: [],
    power: null,
    heldBy: null,
  });
}

const DELETE_STATES = ['manageable', 'enroll', 'adopt failed', 'available'];

/** DELETE: 204. Ports and port groups go with the node. */
export function deleteNode(call: Call): Result {
  const { world, seq } = call;
  const node = nodeOf(call);
  refuseLocked(node);
  if (!node.maintenance && node.instance_uuid !== null) {
    throw new IronicError(409, `Node ${node.uuid} is associated with instance ${node.instance_uuid}.`);
  }
  if (!node.maintenance && !DELETE_STATES.includes(node.provision_state)) {
    const states = DELETE_STATES.map((state) => `'${state}'`).join(', ');
    const text =
      `Can not delete node "${node.uuid}" while it is in provision state "${node.provision_state}". ` +
      `Valid provision states to perform deletion are: "(${states})", or set the node into maintenance mode`;
    throw new IronicError(409, text);
  }
  removeNode(world, node, seq);
  return { status: 204 };
}

export function removeNode(world: World, node: NodeRecord, call: number | null): void {
  const { nodes, ports, portgroups } = world.ironic;
  for (const port of ports.live()) if (port.node_uuid === node.uuid) ports.remove(port, world.now(), call);
  for (const group of portgroups.live()) {
    if (group.node_uuid === node.uuid) portgroups.remove(group, world.now(), call);
  }
  nodes.remove(node, world.now(), call);
}

/** Names and instances are unique among all nodes. */
export function refuseTaken(world: World, fields: NodeFields, self: NodeRecord | undefined): void {
  const { name, instance_uuid: instance } = fields;
  const others = world.ironic.nodes.live().filter((node) => node !== self);
  if (name !== null && others.some((node) => node.name === name)) {
    throw new IronicError(409, `A node with name ${name} already exists.`);
  }
  if (instance !== null && others.some((node) => node.instance_uuid === instance)) {
    const text = `Instance ${instance} is already associated with a node, it cannot be associated with this other node`;
    throw new IronicError(409, self ? `${text} ${self.uuid}` : text);
  }
}

/** The nodes that a list has, with filters applied, before paging. */
function listed(call: Call): JsonObject[] {
  const { world, query } = call;
  const state = query.get('provision_state');
  if (state !== null && !STATES.includes(state)) throw badRequest(`Provision state "${state}" is not valid`);
  if (world.settings.hideNodes) return [];
  const views: JsonObject[] = [];
  for (const node of world.ironic.nodes.live()) {
    settle(world, node);
    if (node.listedAt > world.now()) continue;
    const view = nodeView(call, node);
    if (FILTERS.every((name) => passes(view, name, query.get(name)))) views.push(view);
  }
  return views;
}

function passes(view: JsonObject, name: string, wanted: string | null): boolean {
  if (wanted === null) return true;
  if (name === 'associated') return (view.instance_uuid !== null) === /^(true|1|yes)$/i.test(wanted);
  if (name === 'maintenance') return view.maintenance === /^(true|1|yes)$/i.test(wanted);
  return view[name] === wanted;
}
