import fc from 'fast-check';
import { portGroups, ports } from '../../src/cloudos/bare-metal-node/schema-ports.ts';
import { spec as specSchema, type Spec } from '../../src/cloudos/bare-metal-node/schema.ts';
import { node as nodeSchema, type Node } from '../../src/cloudos/wire-node.ts';
import type { Observed } from '../../src/engine/kind.ts';
import { groupOf, mac, mac2, partsOf, password, portOf, specOf } from './cloudos-node-samples.ts';

/** Which verbs each state takes, tried on Ironic 21.4: kept apart from the table of the kind. */
export const takes: Record<string, string[]> = {
  enroll: ['manage'],
  manageable: ['inspect', 'provide', 'clean', 'adopt'],
  available: ['manage'],
  'clean wait': ['abort'],
  'inspect wait': ['abort'],
  'clean failed': ['manage'],
  'inspect failed': ['inspect', 'manage'],
  'adopt failed': ['adopt', 'manage'],
};
export const moving = [
  'verifying',
  'inspecting',
  'inspect wait',
  'cleaning',
  'clean wait',
  'adopting',
  'deploying',
  'wait call-back',
  'deleting',
  'rescuing',
  'unrescuing',
];
export const deployed = ['active', 'rescue', 'deploy failed', 'error'];
export const states = [...new Set([...Object.keys(takes), ...moving, ...deployed, 'dreaming', ''])];

export const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const words = fc.dictionary(word, word, { maxKeys: 3 });
const anything = fc.anything({ maxDepth: 2, maxKeys: 3, withNullPrototype: false });
const value = fc.oneof({ weight: 6, arbitrary: word }, { weight: 2, arbitrary: fc.nat(99) }, anything);
const capabilities = fc
  .array(
    fc.oneof(
      fc.tuple(word, word).map((pair) => pair.join(':')),
      word,
      fc.constant(''),
    ),
    { maxLength: 4 },
  )
  .map((list) => list.join(','));

/** Nodes as the remote may answer them, read by the wire schema: whatever that lets through, a pass must bear. */
export const nodes: fc.Arbitrary<Node> = fc
  .record(
    {
      name: fc.oneof(word, fc.constant(null)),
      driver: fc.constantFrom('ipmi', 'redfish', 'fake-hardware'),
      driver_info: fc.dictionary(
        fc.oneof(word, fc.constantFrom('ipmi_address', 'redfish_address', 'ipmi_port', 'ipmi_password', 'constructor')),
        fc.oneof(value, fc.constant('******'), fc.constant(password)),
        { maxKeys: 5 },
      ),
      properties: fc
        .record(
          {
            cpus: value,
            memory_mb: value,
            capabilities: fc.oneof(capabilities, anything),
            password: fc.constant(password),
          },
          { requiredKeys: [] },
        )
        .chain((known) => fc.dictionary(word, value, { maxKeys: 2 }).map((more) => ({ ...more, ...known }))),
      extra: fc.oneof(words, fc.constant(null)),
      resource_class: fc.oneof(word, fc.constant('')),
      instance_uuid: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.uuid()),
      provision_state: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...states) }, fc.string()),
      target_provision_state: fc.oneof(fc.constant(null), word),
      power_state: fc.constantFrom('power on', 'power off', 'error', null, ''),
      target_power_state: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, fc.constant('power on')),
      last_error: fc.oneof(fc.constant(null), fc.string()),
      maintenance: fc.constantFrom(false, true, 'True', ''),
      maintenance_reason: fc.oneof(fc.constantFrom(null, 'freehold: x', 'freehold: ', 'Bob'), fc.string()),
      reservation: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, word),
      network_interface: fc.oneof(word, fc.constant('')),
      inspection_finished_at: fc.constantFrom(null, '2026-01-01'),
      provision_updated_at: fc.constantFrom(null, '2026-01-01', 7),
    },
    { requiredKeys: ['provision_state'] },
  )
  .map((answer) => nodeSchema.parse({ uuid: 'n1', ...(JSON.parse(JSON.stringify(answer)) as object) }));

const groupSpecs = fc.uniqueArray(
  fc.record(
    { name: fc.constantFrom('bond0', 'bond1'), mode: word, properties: words, standalonePortsSupported: fc.boolean() },
    { requiredKeys: ['name'] },
  ),
  { selector: ({ name }) => name, maxLength: 2 },
);

const portSpecs = (groups: { name: string; standalonePortsSupported?: boolean }[]) =>
  fc.uniqueArray(
    fc.record(
      {
        macAddress: fc.constantFrom(mac, mac2),
        pxeEnabled: fc.boolean(),
        physicalNetwork: fc.constant('physnet1'),
        localLinkConnection: fc.record({ portID: word, switchID: fc.constantFrom('AA:bb', 'x') }),
        portGroup: groups.length === 0 ? fc.constant(undefined) : fc.constantFrom(...groups.map(({ name }) => name)),
      },
      { requiredKeys: ['macAddress', 'physicalNetwork'] },
    ),
    { selector: ({ macAddress }) => macAddress, maxLength: 2 },
  );

export const wishes: fc.Arbitrary<Spec> = groupSpecs.chain((groups) =>
  fc
    .record(
      {
        externalID: fc.constant('n1'),
        name: word,
        driver: fc.constantFrom('ipmi', 'redfish'),
        resourceClass: word,
        bmc: fc.record(
          {
            address: fc.oneof(
              fc.ipV4(),
              fc.ipV6(),
              fc.webUrl().filter((url) => !url.includes('@')),
              word,
            ),
            port: fc.integer({ min: 1, max: 65_535 }),
            credentialsSecretRef: fc.constant({ name: 'bmc' }),
            driverInfo: words,
          },
          { requiredKeys: ['address'] },
        ),
        properties: fc.record(
          { cpus: fc.integer({ min: 1, max: 9 }), architecture: word, capabilities: words, extra: words },
          { requiredKeys: [] },
        ),
        bootMode: fc.constantFrom('BIOS' as const, 'UEFI' as const),
        interfaces: fc.record({ network: word }),
        portGroups: fc.constant(portGroups.parse(groups)),
        ports: portSpecs(groups as never).map((list) => ports.parse(list)),
        provisioning: fc.constantFrom('Enrolled' as const, 'Manageable' as const, 'Available' as const),
        allowCleaning: fc.boolean(),
        power: fc.constantFrom('PoweredOn' as const, 'PoweredOff' as const, 'Unmanaged' as const),
        maintenance: fc.record({ reason: fc.constantFrom('x', 'y') }),
        inspect: fc.constantFrom('Never' as const, 'Once' as const),
        action: fc.constantFrom('Reboot', 'Inspect', 'Clean', 'Abort', 'Adopt').map((verb) => ({
          requestedAt: '2026-01-01T00:00:00Z',
          verb,
          ...(verb === 'Clean' && { cleanSteps: [{ interface: 'deploy', step: 'erase' }] }),
        })),
      },
      { requiredKeys: ['portGroups', 'ports'] },
    )
    .map((fields) => specSchema.parse({ ...specOf(), ...fields })),
);

export const partsThere = fc
  .record({
    first: fc.boolean(),
    second: fc.boolean(),
    group: fc.boolean(),
    bound: fc.boolean(),
    unknown: fc.integer({ min: 0, max: 9 }),
  })
  .map(
    ({ first, second, group, bound, unknown }): Observed => ({
      ...partsOf(
        [
          ...(first ? [portOf({ portgroup_uuid: bound && group ? 'g1' : null })] : []),
          ...(second ? [portOf({ uuid: 'p2', address: mac2, physical_network: 'physnet1' })] : []),
        ],
        group ? [groupOf()] : [],
      ),
      ...(unknown === 0 && {
        [`port/${mac}`]: { state: 'unknown', reason: 'BadAnswer', message: 'unreadable' } as const,
      }),
    }),
  );

export const more = fc.record(
  {
    retry: fc.constant('today'),
    changedSecrets: fc.subarray(['ipmi_username', 'ipmi_password', 'redfish_password']),
    action: fc.record(
      {
        requestedAt: fc.constantFrom('2026-01-01T00:00:00Z', 'before'),
        verb: fc.constant('Reboot'),
        finishedAt: fc.constant('now'),
      },
      { requiredKeys: ['requestedAt', 'verb'] },
    ),
  },
  { requiredKeys: [] },
);
