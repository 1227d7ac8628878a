import type { World } from '../world.ts';
import type { NodeRecord } from './ironic.ts';

/** Where a node's BMC is: `driver_info.ipmi_address`, `redfish_address` and so on. */
export function bmcAddress(driverInfo: Record<string, unknown>): string | null {
  return textAt(driverInfo, '_address');
}

/** Why the BMC turns Ironic away, in Ironic's words; null: it does not. One that was never registered takes anything. */
export function refusal(world: World, node: NodeRecord): string | null {
  const bmc = world.ironic.bmcs.get(bmcAddress(node.driver_info) ?? '');
  if (!bmc) return null;
  const user = textAt(node.driver_info, '_username');
  const password = textAt(node.driver_info, '_password');
  if (user === bmc.username && password === bmc.password) return null;
  return 'IPMI call failed: power status.';
}

function textAt(driverInfo: Record<string, unknown>, ending: string): string | null {
  const name = Object.keys(driverInfo).find((key) => key.endsWith(ending));
  const value = name === undefined ? undefined : driverInfo[name];
  return typeof value === 'string' ? value : null;
}
