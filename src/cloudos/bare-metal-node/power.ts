import type { Node } from '../wire-node.ts';
import type { Spec } from './schema.ts';

/** The power state that the spec asks for, in the API's words; undefined where it leaves the power alone. */
export function powerTarget({ power }: Spec): 'power on' | 'power off' | undefined {
  switch (power) {
    case 'PoweredOn':
      return 'power on';
    case 'PoweredOff':
      return 'power off';
    case 'Unmanaged':
      return undefined;
  }
}

/** Is the power not known to be as the spec says? After verification Ironic may know none before it is first asked for one. */
export const powerDiffers = (spec: Spec, node: Node): boolean =>
  powerTarget(spec) !== undefined && node.power_state !== powerTarget(spec);
