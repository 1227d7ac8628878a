import type { Act, Desired, Step } from '../../engine/kind.ts';
import type { Node } from '../wire-node.ts';
import { isForeign } from './maintenance.ts';
import { mayClean } from './provisioning.ts';
import type { Spec } from './schema.ts';
import { endsOf, errorOf, isInUse, phaseOf, stateOf, takes, type Verb } from './states.ts';

type Action = NonNullable<Spec['action']>;

/** The provision verb of an action; Reboot is a change of power. */
const verbs: Record<Exclude<Action['verb'], 'Reboot'>, Verb> = {
  Inspect: 'inspect',
  Clean: 'clean',
  Abort: 'abort',
  Adopt: 'adopt',
};

/** Does the spec ask for one from before the last? Git went back to it, and it was answered then: dates go forward only. */
export function isFormer(spec: Spec, action: Desired<Spec>['action']): boolean {
  if (spec.action === undefined || action === undefined || spec.action.requestedAt === action.requestedAt) return false;
  return Date.parse(spec.action.requestedAt) <= Date.parse(action.requestedAt);
}

/** The action that the spec asks for and that was not answered yet. */
function newAction({ spec, action }: Desired<Spec>): Action | undefined {
  if (spec.action === undefined || spec.action.requestedAt === action?.requestedAt || isFormer(spec, action))
    return undefined;
  return spec.action;
}

/** The verb of the action that was sent and whose result is not written down yet, whatever the spec asks for by now. */
function runningVerb({ action }: Desired<Spec>): Action['verb'] | undefined {
  return action?.sentAt !== undefined && action.finishedAt === undefined ? (action.verb as Action['verb']) : undefined;
}

const conclude = (result: 'Succeeded' | 'Failed', message: string): Step => ({ do: 'conclude', result, message });

/** When the remote last changed the state, in its own words. */
const changedAt = (node: Node): string => node.provision_updated_at ?? 'never';

/** What became of an action that was sent, now that the node is at rest. */
export function concludeAction(desired: Desired<Spec>, node: Node): Step | undefined {
  const running = runningVerb(desired);
  if (running === undefined) return undefined;
  const state = `node ${node.uuid} is ${stateOf(node) || 'in no state'}`;
  if (running === 'Reboot') {
    if (node.last_error !== undefined) return conclude('Failed', `the reboot failed: ${node.last_error}`);
    return node.power_state === 'power on'
      ? conclude('Succeeded', `the remote took the reboot, and node ${node.uuid} is on`)
      : conclude('Failed', `after the reboot node ${node.uuid} is ${node.power_state ?? 'in no power state'}`);
  }
  const verb = verbs[running];
  // States alone prove nothing: a clean begins and ends in the same one, and a quick one is never seen under way.
  if (verb !== 'abort' && desired.action?.before === changedAt(node))
    return conclude('Failed', `the remote took ${verb} and does not say that anything was done: ${state}, unchanged`);
  const reached = endsOf(verb).has(stateOf(node));
  // An abort leaves its own words in last_error.
  if (reached && (verb === 'abort' || node.last_error === undefined))
    return conclude('Succeeded', verb === 'abort' ? `it was aborted: ${state}` : `${verb} is done: ${state}`);
  if (verb === 'abort') return conclude('Failed', `nothing was left to abort: ${state}`);
  return conclude('Failed', `${verb} failed: ${state}${errorOf(node)}`);
}

/** A stop of what waits for the machine, the one action that a moving node takes. */
export function abortAction(desired: Desired<Spec>, node: Node): Act | undefined {
  const action = newAction(desired);
  if (action?.verb !== 'Abort' || node.instance_uuid !== undefined || !takes(node, 'abort')) return undefined;
  return {
    do: 'act',
    remote: 'main',
    verb: 'abort',
    message: `abort of ${stateOf(node)}`,
    obeys: 'action',
    fresh: true,
  };
}

/**
 * What a new action leads to on a node at rest; undefined: there is none, or (`mayFit`) the way to the spec leads through
 * a state in which it fits.
 */
export function planAction(desired: Desired<Spec>, node: Node, mayFit: boolean): Step | undefined {
  const { spec } = desired;
  const action = newAction(desired);
  if (!action) return undefined;
  const state = stateOf(node);
  if (isInUse(node))
    return conclude(
      'Failed',
      `${action.verb} was not sent: node ${node.uuid} (${state}) belongs to ${node.instance_uuid === undefined ? 'whoever deployed it' : `instance ${node.instance_uuid}`}`,
    );
  if (action.verb === 'Reboot') {
    if (spec.power === 'PoweredOff')
      return conclude('Failed', 'Reboot was not sent: spec.power is PoweredOff, and a reboot ends with the power on');
    if (isForeign(node))
      return {
        do: 'wait',
        reason: 'InMaintenance',
        message: `Reboot follows once node ${node.uuid} has left maintenance (${node.maintenance_reason ?? 'no reason given'})`,
      };
    if (phaseOf(node) === 'rest' && state !== 'enroll')
      return {
        do: 'act',
        remote: 'main',
        verb: 'rebooting',
        message: `reboot of node ${node.uuid}`,
        obeys: 'action',
        fresh: true,
      };
    if (mayFit) return undefined;
    return conclude(
      'Failed',
      `Reboot was not sent: node ${node.uuid} is ${state}; a node is rebooted in manageable or available`,
    );
  }
  if (action.verb === 'Clean' && !mayClean(spec))
    return conclude(
      'Failed',
      'Clean was not sent: the node is adopted, and cleaning may erase its disks; spec.allowCleaning: true allows it',
    );
  const verb = verbs[action.verb];
  if (takes(node, verb)) {
    if (node.maintenance && verb !== 'abort')
      return {
        do: 'wait',
        reason: 'InMaintenance',
        message: `${action.verb} follows once node ${node.uuid} has left maintenance (${node.maintenance_reason ?? 'no reason given'})`,
      };
    return {
      do: 'act',
      remote: 'main',
      verb,
      message: `${verb} of node ${node.uuid}`,
      obeys: 'action',
      before: changedAt(node),
      fresh: true,
    };
  }
  if (mayFit && verb !== 'abort') return undefined;
  return conclude('Failed', `${action.verb} was not sent: node ${node.uuid} is ${state}, which does not take ${verb}`);
}
