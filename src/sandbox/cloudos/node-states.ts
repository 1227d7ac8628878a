import type { Result } from '../types.ts';
import { refusal } from './bmc.ts';
import { badRequest, notAcceptable } from './errors.ts';
import { shown } from './fields.ts';
import { provision, refuseLocked } from './machine.ts';
import { nodeOf, objectOf } from './operation.ts';
import type { Call } from './operation.ts';
import { nodeView } from './views.ts';

/** `PUT states/provision`: 202 before anything happened. */
export function setProvisionState(call: Call): Result {
  const node = nodeOf(call);
  const body = objectOf(call);
  if (typeof body.target !== 'string') throw badRequest('Missing mandatory parameter: target');
  const steps: unknown[] = Array.isArray(body.clean_steps) ? body.clean_steps : [];
  provision(call.world, node, body.target, call.minor, steps);
  return accepted(call, node.uuid);
}

/** What each power target leads to, and since which version it is known. */
const POWER: Record<string, { state: string; since: number }> = {
  'power on': { state: 'power on', since: 1 },
  'power off': { state: 'power off', since: 1 },
  rebooting: { state: 'power on', since: 1 },
  'soft power off': { state: 'power off', since: 27 },
  'soft rebooting': { state: 'power on', since: 27 },
};

const FAILURE_STATES = ['clean failed', 'inspect failed', 'adopt failed', 'deploy failed', 'error'];

/** `PUT states/power`: 202. Taken in every state, `enroll` and maintenance included. */
export function setPowerState(call: Call): Result {
  const { world, minor } = call;
  const node = nodeOf(call);
  const { target, timeout } = objectOf(call);
  const action = typeof target === 'string' && Object.hasOwn(POWER, target) ? POWER[target] : undefined;
  if (target === undefined) throw badRequest('Missing mandatory parameter: target');
  if (typeof target !== 'string') throw badRequest(`Expected string for target: ${shown(target)}`);
  if (!action) {
    throw badRequest(
      `The requested action "${target}" can not be performed on node "${node.uuid}" while it is in state ` +
        `"${node.power_state ?? 'None'}".`,
    );
  }
  if (minor < action.since || (timeout !== undefined && minor < 27)) throw notAcceptable();
  if (timeout !== undefined && !(typeof timeout === 'number' && Number.isInteger(timeout) && timeout > 0)) {
    throw badRequest('timeout has to be positive integer');
  }
  refuseLocked(node);
  const { state } = action;
  const refused = refusal(world, node);
  const failed = world.settings.failPower || (refused && `Failed to change power state to '${state}': ${refused}`);
  if (!failed && target === state && node.power_state === state) {
    // Nothing to do: no target, hardly a lock (Ironic 21.4).
    node.last_error = null;
    return accepted(call, node.uuid);
  }
  // The error of a failed state is kept until something else fails.
  if (!FAILURE_STATES.includes(node.provision_state)) node.last_error = null;
  node.target_power_state = state;
  node.updatedAt = world.now();
  node.power = {
    endsAt: world.now() + world.settings.powerSeconds * 1000,
    state: failed ? node.power_state : state,
    lastError: failed || node.last_error,
  };
  return accepted(call, node.uuid);
}

/** `PUT maintenance`: a reason of "" stays "", none is null (Ironic 21.4). */
export function setMaintenance(call: Call): Result {
  const node = nodeOf(call);
  const { reason = null, ...rest } = objectOf(call);
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw badRequest(`Unexpected arguments: ${unknown}`);
  if (reason !== null && typeof reason !== 'string') throw badRequest(`Expected string for reason: ${shown(reason)}`);
  refuseLocked(node);
  Object.assign(node, { maintenance: true, maintenance_reason: reason, updatedAt: call.world.now() });
  return { status: 202 };
}

export function unsetMaintenance(call: Call): Result {
  const node = nodeOf(call);
  refuseLocked(node);
  Object.assign(node, { maintenance: false, maintenance_reason: null, updatedAt: call.world.now() });
  return { status: 202 };
}

export function getNodeStates(call: Call): Result {
  const view = nodeView(call, nodeOf(call));
  const names = ['console_enabled', 'last_error', 'power_state', 'provision_state', 'provision_updated_at'];
  const more = ['raid_config', 'target_power_state', 'target_provision_state', 'target_raid_config'];
  return { status: 200, body: Object.fromEntries([...names, ...more].map((name) => [name, view[name]])) };
}

function accepted(call: Call, uuid: string): Result {
  return { status: 202, headers: { location: `${call.links}/v1/nodes/${uuid}/states` } };
}
