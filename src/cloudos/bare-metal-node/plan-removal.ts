import type { Step } from '../../engine/kind.ts';
import type { Node } from '../wire-node.ts';
import { isBusy, motionOf, phaseOf, stateOf, takes } from './states.ts';

/**
 * What comes next towards none. In maintenance the remote would delete a node in any state, even one that an instance has,
 * so its refusals are not relied on.
 */
export function planRemoval(node: Node): Step {
  if (node.instance_uuid !== undefined)
    return {
      do: 'wait',
      reason: 'InUse',
      message: `node ${node.uuid} is used by instance ${node.instance_uuid}; it is deleted once that is gone (deletionPolicy: Retain lets go of it now)`,
    };
  const phase = phaseOf(node);
  if (phase === 'unknown')
    return {
      do: 'wait',
      reason: 'UnknownState',
      message: `node ${node.uuid} is in state "${stateOf(node)}", which this version does not know; waiting for one in which it can be deleted`,
    };
  if (phase === 'moving' || isBusy(node))
    return {
      do: 'wait',
      reason: 'InProgress',
      message:
        node.reservation === undefined
          ? `node ${node.uuid} is ${motionOf(node)}; it is deleted once the remote is done${takes(node, 'abort') ? '. If the machine does not call back, abort it at the remote' : ''}`
          : `node ${node.uuid} (${motionOf(node)}) is locked by ${node.reservation}; it is deleted once that lets go. If nobody works on it (a conductor that died), release the lock at the remote`,
    };
  if (phase === 'deployed' || phase === 'broken')
    return {
      do: 'wait',
      reason: 'InUse',
      message: `node ${node.uuid} is in state ${stateOf(node)}: it was deployed by other means. Undeploy it at the remote (that erases it), or set deletionPolicy: Retain to let go of it`,
    };
  if (['enroll', 'manageable', 'adopt failed'].includes(stateOf(node))) return { do: 'remove', remote: 'main' };
  // available, clean failed and inspect failed take it, and it takes effect at once (Ironic 21.4).
  return {
    do: 'act',
    remote: 'main',
    verb: 'manage',
    message: `manage of node ${node.uuid}, before its deletion`,
    fresh: true,
  };
}
