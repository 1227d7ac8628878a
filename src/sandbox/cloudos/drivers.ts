import type { JsonObject } from '../sdpf/input.ts';
import type { World } from '../world.ts';
import { badRequest } from './errors.ts';
import type { NodeFields } from './ironic.ts';

/** Implementations that belong to one driver; every other name fits all. */
const OWN: Record<string, string> = { fake: 'fake-hardware', ipmitool: 'ipmi', redfish: 'redfish' };

/** Interfaces that a driver brings where the client names none. A classic driver has but two (seed 004 L12684). */
export function interfacesOf(driver: unknown): JsonObject {
  const shared = { network_interface: 'noop', storage_interface: 'noop' };
  if (driver === 'pxe_ipmitool') return { ...shared, network_interface: 'neutron' };
  const real: Record<string, string> = {
    boot: 'pxe',
    deploy: 'direct',
    inspect: driver === 'redfish' ? 'redfish' : 'inspector',
    management: driver === 'redfish' ? 'redfish' : 'ipmitool',
    power: driver === 'redfish' ? 'redfish' : 'ipmitool',
  };
  const names = ['boot', 'console', 'deploy', 'inspect', 'management', 'power', 'raid', 'vendor'];
  const of = (name: string): string => (driver === 'fake-hardware' ? 'fake' : (real[name] ?? `no-${name}`));
  return { ...Object.fromEntries(names.map((name) => [`${name}_interface`, of(name)])), ...shared };
}

/** Refuses a driver that no conductor serves, and interfaces that it cannot have. */
export function checkDriver(world: World, fields: NodeFields): void {
  const { driver } = fields;
  if (!world.settings.drivers.includes(driver)) {
    throw badRequest(
      `No valid host was found. Reason: No conductor service registered which supports driver ${driver} for ` +
        'conductor group "".',
    );
  }
  for (const [name, value] of Object.entries(fields)) {
    if (!name.endsWith('_interface') || typeof value !== 'string') continue;
    if (!Object.hasOwn(OWN, value) || OWN[value] === driver || driver === 'pxe_ipmitool') continue;
    const face = name.replace('_interface', '');
    throw badRequest(`${face} interface implementation '${value}' is not supported by hardware type ${driver}.`);
  }
}
