import type { Act } from '../../engine/kind.ts';
import type { Node } from '../wire-node.ts';
import type { Spec } from './schema.ts';

/** Begins the reason of a maintenance that this operator asked for: another one is somebody else's. */
const ours = 'freehold: ';

export const reasonOf = (spec: Spec): string => `${ours}${spec.maintenance?.reason ?? ''}`;

export const isOurs = ({ maintenance, maintenance_reason: reason }: Node): boolean =>
  maintenance && reason?.startsWith(ours) === true;

/** Is it in maintenance, and not by us? */
export const isForeign = (node: Node): boolean => node.maintenance && !isOurs(node);

export function planMaintenance(spec: Spec, node: Node): Act | undefined {
  if (spec.maintenance) {
    // Somebody else's is not taken over: it must outlive ours.
    if (isForeign(node) || (node.maintenance && node.maintenance_reason === reasonOf(spec))) return undefined;
    return {
      do: 'act',
      remote: 'main',
      verb: 'maintenance',
      message: `maintenance of node ${node.uuid}: ${spec.maintenance.reason}`,
      fresh: true,
    };
  }
  return isOurs(node) ? leaveMaintenance(node) : undefined;
}

export const leaveMaintenance = (node: Node): Act => ({
  do: 'act',
  remote: 'main',
  verb: 'leave maintenance',
  message: `end of the maintenance of node ${node.uuid} (${node.maintenance_reason ?? 'no reason given'})`,
  fresh: true,
});
