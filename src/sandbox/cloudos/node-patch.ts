import type { JsonObject } from '../sdpf/input.ts';
import type { Result } from '../types.ts';
import { checkDriver, interfacesOf } from './drivers.ts';
import { badRequest, IronicError, notAcceptable } from './errors.ts';
import { isLater, isName, NODE_FIELDS, readFields, standardValues } from './fields.ts';
import { CONDUCTOR } from './ironic.ts';
import type { NodeFields, NodeRecord } from './ironic.ts';
import { refuseLocked } from './machine.ts';
import { refuseTaken } from './nodes.ts';
import { bodyOf, nodeOf } from './operation.ts';
import type { Call } from './operation.ts';
import { applyPatch, changedNames, readPatch, refuseOthers } from './patch.ts';
import type { PatchStep } from './patch.ts';
import { nodeView } from './views.ts';

/** States in which the hardware side of a node may change. */
const OPEN_STATES = ['enroll', 'inspecting', 'inspect wait', 'manageable', 'available'];

/** PATCH: all or nothing. The answer carries the lock that the call itself held. */
export function patchNode(call: Call): Result {
  const { world, minor } = call;
  const node = nodeOf(call);
  const steps = readPatch(bodyOf(call));
  refuseSteps(steps, minor);
  const before = fieldsOf(node);
  const patched = applyPatch(before, steps, { ...standardValues(NODE_FIELDS), ...interfacesOf(node.driver) });
  const changed = changedNames(before, patched);
  const changes = readFields('node', NODE_FIELDS, only(patched, changed), minor);
  const after = { ...before, ...changes } as unknown as NodeFields;
  if (after.name === '') after.name = null;
  if (changed.includes('name') && after.name !== null && !isName(after.name)) {
    throw badRequest(`Node ${node.uuid}: Cannot change name to invalid name '${after.name}'`);
  }
  if (changed.some((name) => name === 'driver' || name.endsWith('_interface'))) checkDriver(world, after);
  refuseInUse(node, changed, after.maintenance);
  refuseLocked(node);
  if (changed.includes('instance_uuid') && node.instance_uuid !== null && after.instance_uuid !== null) {
    throw new IronicError(409, `Node ${node.uuid} is associated with instance ${node.instance_uuid}.`);
  }
  refuseTaken(world, after, node);
  Object.assign(node, after);
  if (changed.includes('maintenance') && !node.maintenance) node.maintenance_reason = null;
  node.updatedAt = world.now();
  return { status: 200, body: { ...nodeView(call, node), reservation: CONDUCTOR } };
}

function refuseSteps(steps: PatchStep[], minor: number): void {
  for (const { op, path } of steps) {
    const [top = ''] = path;
    if (Object.hasOwn(NODE_FIELDS, top) ? minor < (NODE_FIELDS[top]?.since ?? 1) : isLater(top, minor)) {
      throw notAcceptable();
    }
    if (op === 'remove' && path.length === 1 && top === 'driver') {
      throw badRequest("'/driver' is a mandatory attribute and can not be removed");
    }
  }
  if (steps.some(({ op, path }) => op === 'remove' && path.join() === 'maintenance')) {
    throw new IronicError(500, "Field `maintenance' cannot be None");
  }
  refuseOthers(steps, Object.keys(NODE_FIELDS));
}

/** What belongs to a machine in use stays. The resource class stays in maintenance too: Nova would not notice. */
function refuseInUse(node: NodeRecord, changed: string[], maintenance: boolean): void {
  if (OPEN_STATES.includes(node.provision_state)) return;
  const allowed = `(${OPEN_STATES.join(', ')})`;
  const face = changed.find((name) => name.endsWith('_interface'));
  if (face !== undefined && !maintenance) {
    const text = `Node ${node.uuid} can not have ${face} updated unless it is in one of allowed ${allowed} states or in maintenance mode.`;
    throw new IronicError(409, text);
  }
  // Ironic 21.4 was seen to let it pass in the failed states.
  if (changed.includes('resource_class') && node.resource_class !== null && node.provision_state === 'active') {
    const text = `Node ${node.uuid} can not have resource_class updated unless it is in one of allowed ${allowed} states.`;
    throw new IronicError(409, text);
  }
}

function only(fields: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}

function fieldsOf(node: NodeRecord): JsonObject {
  return Object.fromEntries(Object.keys(NODE_FIELDS).map((name) => [name, node[name as keyof NodeFields]]));
}
