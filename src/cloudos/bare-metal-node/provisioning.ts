import type { Node } from '../wire-node.ts';
import type { Spec } from './schema.ts';
import { isInUse, stateOf } from './states.ts';

/** May the node be cleaned? What an adopted one has on its disks was not put there for us. */
export const mayClean = ({ externalID, allowCleaning }: Pick<Spec, 'externalID' | 'allowCleaning'>): boolean =>
  externalID === undefined || allowCleaning;

/** The verb that leads towards the wished state, or what stands against the wish, or neither where it is reached. */
export function wayTo(
  spec: Spec,
  node: Node,
): { verb: 'manage' | 'provide'; from: string } | { differs: string } | undefined {
  const state = stateOf(node);
  const { provisioning } = spec;
  const differs = (why: string) => ({ differs: `provisioning: wanted "${provisioning}", is "${state}" (${why})` });
  if (isInUse(node)) return undefined;
  switch (state) {
    case 'enroll':
      return provisioning === 'Enrolled' ? undefined : { verb: 'manage', from: state };
    case 'manageable':
      if (provisioning === 'Enrolled') return differs('the remote has no way back to enroll');
      if (provisioning === 'Manageable') return undefined;
      return mayClean(spec)
        ? { verb: 'provide', from: state }
        : differs('making an adopted node available may erase its disks; spec.allowCleaning: true allows it');
    case 'available':
      if (provisioning === 'Available') return undefined;
      return mayClean(spec)
        ? { verb: 'manage', from: state }
        : differs(
            'making an adopted node available again would clean it, so it is not taken back; spec.allowCleaning: true allows it',
          );
    default:
      return undefined;
  }
}
