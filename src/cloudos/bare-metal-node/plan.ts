import type { Act, Desired, Observed, Step } from '../../engine/kind.ts';
import type { Reason } from '../../engine/reasons.ts';
import type { Node } from '../wire-node.ts';
import { isForeign, isOurs, leaveMaintenance, planMaintenance } from './maintenance.ts';
import { nodeChanges } from './node-changes.ts';
import { abortAction, concludeAction, planAction } from './plan-action.ts';
import { planParts } from './plan-parts.ts';
import { powerDiffers, powerTarget } from './power.ts';
import { wayTo } from './provisioning.ts';
import type { Spec } from './schema.ts';
import { errorOf, isBusy, isInUse, motionOf, phaseOf, stateOf, takes, type Verb } from './states.ts';

const minute = 60_000;

const wait = (reason: Reason, message: string): Step => ({ do: 'wait', reason, message });

const act = (verb: string, message: string, more: Omit<Act, 'do' | 'remote' | 'verb' | 'message'> = {}): Act => ({
  do: 'act',
  remote: 'main',
  verb,
  message,
  ...more,
});

/**
 * What comes next for a node that is there. It is left alone while the remote works on it; one that is locked at this very
 * moment may be ready, but nothing is sent to it.
 */
export function planNode(desired: Desired<Spec>, node: Node, parts: Observed): Step {
  const phase = phaseOf(node);
  if (phase === 'unknown')
    return wait(
      'UnknownState',
      `node ${node.uuid} is in state "${stateOf(node)}", which this version does not know; waiting for another one. If it stays, look at the remote, or update this operator`,
    );
  const locked = node.reservation !== undefined;
  if (phase === 'moving') {
    const abort = isBusy(node) ? undefined : abortAction(desired, node);
    const waits = takes(node, 'abort')
      ? ': it waits for the machine to call back; if it does not, spec.action Abort ends it'
      : '';
    return abort ?? wait('InProgress', `node ${node.uuid} is ${motionOf(node)}${waits}`);
  }
  if (node.target_power_state !== undefined)
    return wait('InProgress', `the power of node ${node.uuid} is being changed to ${node.target_power_state}`);
  const step = atRest(desired, node, parts);
  if (locked && ['create', 'update', 'act', 'remove', 'conclude'].includes(step.do))
    return wait(
      'InProgress',
      `node ${node.uuid} (${motionOf(node)}) is locked by ${node.reservation}; waiting until it lets go. A lock that stays for hours is that of a conductor that died: restart it, or release the lock at the remote`,
    );
  return step;
}

function atRest(desired: Desired<Spec>, node: Node, parts: Observed): Step {
  const { spec, changedSecrets } = desired;
  const concluded = concludeAction(desired, node);
  if (concluded) return concluded;

  const { ready: drift } = nodeChanges(spec, node, changedSecrets);
  // Fresh: what the spec does not name among the capabilities is sent back as it is at that moment.
  if (drift.length > 0) return { do: 'update', remote: 'main', drift: drift.map(({ text }) => text), fresh: true };

  const way = wayTo(spec, node);
  const verb = way && 'verb' in way ? way.verb : undefined;
  if (isInUse(node)) return planAction(desired, node, false) ?? inUse(node);

  const maintenance = planMaintenance(spec, node);
  if (maintenance) return maintenance;

  if (phaseOf(node) === 'failed') return planAction(desired, node, false) ?? failed(desired, node);

  const { step, later } = planParts(spec, node, parts);
  if (step) return step;

  return (
    planAction(desired, node, verb !== undefined) ??
    planInspection(desired, node) ??
    (verb && planProvisioning(verb, node)) ??
    planPower(spec, node) ??
    later ?? { do: 'ready', message: readyMessage(node) }
  );
}

/** Provisioning and power are left to whoever deployed it; one that went wrong there needs them. */
function inUse(node: Node): Step {
  if (phaseOf(node) === 'broken' && node.instance_uuid === undefined)
    return {
      do: 'blocked',
      reason: 'RemoteError',
      message: `node ${node.uuid} is in state ${stateOf(node)}${errorOf(node)}. It was deployed by other means, and this operator neither rebuilds nor undeploys a machine (that erases it): do so at the remote`,
    };
  return { do: 'ready', message: readyMessage(node) };
}

const failures: Record<string, { reason: Reason; what: string }> = {
  'clean failed': { reason: 'CleanFailed', what: 'cleaning' },
  'inspect failed': { reason: 'InspectFailed', what: 'inspection' },
  'adopt failed': { reason: 'AdoptFailed', what: 'adoption' },
};

/** A failed state is left by a person's word only: a changed spec must not clean or reboot a machine over and over. */
function failed(desired: Desired<Spec>, node: Node): Step {
  const { spec, retry } = desired;
  const verb = wayOut(spec, node);
  const cleaning = stateOf(node) === 'clean failed';
  // Ironic puts a node whose cleaning failed into maintenance, and cleans none that is in it.
  const leaves = cleaning && isForeign(node) && isOfFailure(node);
  if (retry !== undefined) {
    if (leaves) return leaveMaintenance(node);
    if (verb === 'manage' || !node.maintenance)
      return act(verb, `${verb} of node ${node.uuid}, by freehold.dev/retry: ${retry}`, {
        obeys: 'retry',
        fresh: true,
      });
    return inMaintenance(verb, node);
  }
  const { reason, what } = failures[stateOf(node)]!;
  const also = leaves ? ' (it also ends the maintenance that the failure left)' : '';
  return {
    do: 'blocked',
    reason,
    message: `${what} of node ${node.uuid} failed${errorOf(node)}. Once the cause is gone, annotate this resource with freehold.dev/retry: "<date>"${also}`,
  };
}

/** Is it the maintenance that the failed cleaning left? Ironic gives it the words of the error, and keeps a reason that was there. */
const isOfFailure = ({ maintenance_reason: reason, last_error: error }: Node): boolean =>
  reason === undefined || reason === error || /failed (?:clean )?step/i.test(reason);

/** The verb that leaves a failed state: once more what failed, where the spec still asks for it. */
function wayOut(spec: Spec, node: Node): Verb {
  if (takes(node, 'adopt') && spec.action?.verb === 'Adopt') return 'adopt';
  return takes(node, 'inspect') && wantsInspection(spec, node) ? 'inspect' : 'manage';
}

const wantsInspection = (spec: Spec, node: Node) =>
  spec.inspect === 'Once' && node.inspection_finished_at === undefined;

function planInspection({ spec, retry }: Desired<Spec>, node: Node): Step | undefined {
  if (stateOf(node) !== 'manageable' || !wantsInspection(spec, node)) return undefined;
  if (node.maintenance) return inMaintenance('inspect', node);
  return act('inspect', `inspection of node ${node.uuid}`, {
    fresh: true,
    ...(retry !== undefined && { obeys: 'retry' as const }),
    failing: {
      reason: 'InspectFailed',
      message: `node ${node.uuid} was sent to inspection, which reboots it, and the remote does not say that it was finished${errorOf(node)}. To send it once more, annotate this resource with freehold.dev/retry: "<date>"`,
      again: Infinity,
    },
  });
}

function planProvisioning(verb: 'manage' | 'provide', node: Node): Step {
  if (node.maintenance) return inMaintenance(verb, node);
  if (stateOf(node) !== 'enroll') return act(verb, `${verb} of node ${node.uuid}`, { fresh: true });
  return act(verb, `verification of the BMC of node ${node.uuid}`, {
    failing: {
      reason: 'VerifyFailed',
      message:
        node.last_error === undefined
          ? `manage was taken, and node ${node.uuid} is still in enroll; the remote does not say why`
          : `the BMC of node ${node.uuid} could not be used with this address and these credentials${errorOf(node)}. Correct spec.bmc or its Secret, and it is tried at once`,
      again: 5 * minute,
      ...(node.last_error !== undefined &&
        node.provision_updated_at !== undefined && { since: node.provision_updated_at }),
    },
  });
}

function inMaintenance(verb: string, node: Node): Step {
  const whose = isOurs(node) ? 'by spec.maintenance' : 'by somebody else';
  return wait(
    'InMaintenance',
    `node ${node.uuid} is in maintenance ${whose} (${node.maintenance_reason ?? 'no reason given'}); ${verb} follows once it has left it`,
  );
}

/** Not before the BMC was verified, and not while somebody else may have their hands in the machine. */
function planPower(spec: Spec, node: Node): Step | undefined {
  const target = powerTarget(spec);
  if (target === undefined || !powerDiffers(spec, node) || stateOf(node) === 'enroll') return undefined;
  if (isForeign(node)) return inMaintenance(target, node);
  return act(target, `${target} of node ${node.uuid}`, {
    fresh: true,
    failing: {
      reason: 'PowerFailed',
      message: `node ${node.uuid} is ${node.power_state ?? 'in no known power state'} after ${target} was sent${errorOf(node)}: either the BMC did not obey, or somebody else switches it`,
      again: 5 * minute,
    },
  });
}

function readyMessage(node: Node): string {
  const power = node.power_state ?? 'power not reported';
  const user = node.instance_uuid === undefined ? '' : `, used by instance ${node.instance_uuid}`;
  return `node ${node.uuid} is ${stateOf(node)}, ${power}${user}`;
}
