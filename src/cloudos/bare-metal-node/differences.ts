import type { ActionRecord } from '../../engine/resource.ts';
import type { Node } from '../wire-node.ts';
import { isFormer } from './plan-action.ts';
import { nodeChanges } from './node-changes.ts';
import { wayTo } from './provisioning.ts';
import { isForeign, reasonOf } from './maintenance.ts';
import type { Spec } from './schema.ts';
import { isInUse, phaseOf, stateOf } from './states.ts';

/** What differs from the spec and stays so: the state of the node, or who uses it, stands against it. */
export function standingDifferences(spec: Spec, node: Node, action?: ActionRecord): string[] {
  if (phaseOf(node) === 'moving' || phaseOf(node) === 'unknown') return [];
  const way = wayTo(spec, node);
  const left = spec.maintenance !== undefined && node.maintenance_reason !== reasonOf(spec);
  const why = isInUse(node) ? 'the node is in use' : "somebody else's; it is left alone";
  return [
    ...nodeChanges(spec, node).stuck.map(({ text }) => `${text} (the remote does not change it in ${stateOf(node)})`),
    ...(way && 'differs' in way ? [way.differs] : []),
    ...(isFormer(spec, action)
      ? [
          `action: ${spec.action?.verb} of ${spec.action?.requestedAt} is not sent, since the last one is of ${action?.requestedAt}; to ask for it, write the present date`,
        ]
      : []),
    ...(left && (isInUse(node) || isForeign(node))
      ? [`maintenance: wanted "${reasonOf(spec)}", is "${node.maintenance_reason ?? 'none'}" (${why})`]
      : []),
  ];
}
