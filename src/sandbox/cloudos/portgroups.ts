import type { JsonObject } from '../sdpf/input.ts';
import type { Result } from '../types.ts';
import type { World } from '../world.ts';
import { badRequest, IronicError, notAcceptable, notFound } from './errors.ts';
import { isLater, isName, PORTGROUP_FIELDS, readFields, standardValues } from './fields.ts';
import type { PortGroupFields, PortGroupRecord } from './ironic.ts';
import { checkQuery, page, pick } from './listing.ts';
import { refuseLocked, settle } from './machine.ts';
import { bodyOf, chosenUUID, findNode, objectOf } from './operation.ts';
import type { Call } from './operation.ts';
import { applyPatch, changedNames, readPatch, refuseOthers } from './patch.ts';
import { brief, portGroupView } from './views.ts';

const FILTERS = ['node', 'address'];
const BRIEF = ['uuid', 'address', 'name', 'links'];

/** `GET /v1/portgroups[?node=]`, `/v1/portgroups/detail`, `/v1/nodes/{id}/portgroups` and `…/portgroups/detail`. */
export function listPortGroups(call: Call): Result {
  const { query, path } = call;
  const detail = path.endsWith('/detail');
  checkQuery(call, detail ? FILTERS : [...FILTERS, 'fields']);
  const wanted = call.params[0] ?? query.get('node');
  const node = wanted === null ? undefined : findNode(call, wanted);
  // The words of Ironic 21.4 where the node is a part of the path.
  if (wanted !== null && !node) throw call.params[0] ? notFound('Portgroup', 'None') : notFound('Node', wanted);
  const address = query.get('address')?.toLowerCase();
  const groups = call.world.settings.hidePorts ? [] : call.world.ironic.portgroups.live();
  const views = groups
    .filter((group) => (!node || group.node_uuid === node.uuid) && (!address || group.address === address))
    .map((group) => portGroupView(call, group))
    .map((view) => (detail || query.has('fields') ? view : brief(view, BRIEF)));
  return page(call, 'portgroups', 'Portgroup', views);
}

export function getPortGroup(call: Call): Result {
  return { status: 200, body: pick(portGroupView(call, groupOf(call)), call.query.get('fields'), 400) };
}

/** POST: 201. Names and addresses are unique everywhere. */
export function createPortGroup(call: Call): Result {
  const { world, minor, seq } = call;
  const { uuid: chosen, ...body } = objectOf(call);
  const uuid = chosenUUID(chosen);
  if (body.node_uuid === undefined) throw badRequest("Schema error for portgroup: 'node_uuid' is a required property");
  const fields = readFields('portgroup', PORTGROUP_FIELDS, body, minor);
  const wanted = complete({ ...standardValues(PORTGROUP_FIELDS), ...fields }, 'Cannot create portgroup with');
  // It takes no lock: a node at work gets its group all the same (Ironic 21.4).
  if (!findNode(call, wanted.node_uuid)) throw badRequest(`Node ${wanted.node_uuid} could not be found.`);
  // With both taken, the text names the name (Ironic 21.4).
  refuseTaken(world, wanted, undefined);
  if (uuid !== undefined && world.ironic.portgroups.get(uuid)) {
    throw new IronicError(409, `A portgroup with UUID ${uuid} already exists.`);
  }
  const group = commitPortGroup(world, uuid ?? world.ids.uuid(), wanted, seq);
  return {
    status: 201,
    headers: { location: `${call.links}/v1/portgroups/${group.uuid}` },
    body: portGroupView(call, group),
  };
}

/** Puts a new port group on the books. */
export function commitPortGroup(
  world: World,
  uuid: string,
  fields: PortGroupFields,
  call: number | null,
): PortGroupRecord {
  return world.ironic.portgroups.add({
    ...fields,
    uuid,
    createdAt: world.now(),
    updatedAt: null,
    createdByCall: call,
    deletedAt: null,
    deletedByCall: null,
  });
}

export function patchPortGroup(call: Call): Result {
  const { world, minor } = call;
  const group = groupOf(call);
  const steps = readPatch(bodyOf(call));
  if (steps.some(({ path }) => isLater(path[0] ?? '', minor))) throw notAcceptable();
  refuseOthers(
    steps,
    Object.keys(PORTGROUP_FIELDS).filter((name) => name !== 'node_uuid'),
  );
  if (steps.some(({ op, path }) => op === 'remove' && path.join() === 'mode')) {
    throw badRequest("'mode' is a mandatory attribute and can not be removed");
  }
  const before = fieldsOf(group);
  const patched = applyPatch(before, steps, standardValues(PORTGROUP_FIELDS));
  const changes = Object.fromEntries(changedNames(before, patched).map((name) => [name, patched[name]]));
  const read = readFields('portgroup', PORTGROUP_FIELDS, changes, minor);
  const wanted = complete({ ...before, ...read }, `Portgroup ${call.params[0]}: Cannot change name to`);
  refuseBusyNode(world, group);
  refuseTaken(world, wanted, group);
  Object.assign(group, wanted, { updatedAt: world.now() });
  return { status: 200, body: portGroupView(call, group) };
}

/** DELETE: 204. With ports on it, an error of the server: its own check never fires (Ironic 21.4). */
export function deletePortGroup(call: Call): Result {
  const { world, seq } = call;
  const group = groupOf(call);
  refuseBusyNode(world, group);
  if (world.ironic.ports.find((port) => port.portgroup_uuid === group.uuid)) {
    throw new IronicError(500, '(sqlite3.IntegrityError) FOREIGN KEY constraint failed');
  }
  world.ironic.portgroups.remove(group, world.now(), seq);
  return { status: 204 };
}

/** By UUID or name. */
function groupOf(call: Call): PortGroupRecord {
  const id = call.params[0] ?? '';
  const { ironic, settings } = call.world;
  const group = settings.hidePorts
    ? undefined
    : (ironic.portgroups.get(id) ?? ironic.portgroups.find((one) => one.name === id));
  if (!group) throw notFound('Portgroup', id);
  return group;
}

function refuseBusyNode(world: World, group: PortGroupRecord): void {
  const node = world.ironic.nodes.get(group.node_uuid);
  if (!node) return;
  settle(world, node);
  refuseLocked(node);
}

/** Refuses a bad name, in words that begin with what cannot be done. */
function complete(fields: JsonObject, cannot: string): PortGroupFields {
  const wanted = fields as unknown as PortGroupFields;
  if (wanted.name === '') wanted.name = null;
  if (wanted.name !== null && !isName(wanted.name)) {
    throw badRequest(`${cannot} invalid name '${wanted.name}'`);
  }
  wanted.mode ??= 'active-backup';
  return wanted;
}

function fieldsOf(group: PortGroupRecord): JsonObject {
  return Object.fromEntries(Object.keys(PORTGROUP_FIELDS).map((name) => [name, group[name as keyof PortGroupFields]]));
}

function refuseTaken(world: World, wanted: PortGroupFields, self: PortGroupRecord | undefined): void {
  const others = world.ironic.portgroups.live().filter((group) => group !== self);
  if (wanted.name !== null && others.some((group) => group.name === wanted.name)) {
    throw new IronicError(409, `A portgroup with name ${wanted.name} already exists.`);
  }
  if (wanted.address !== null && others.some((group) => group.address === wanted.address)) {
    throw new IronicError(409, `A portgroup with MAC address ${wanted.address} already exists.`);
  }
}
