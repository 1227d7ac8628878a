import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { spec } from '../../src/cloudos/bare-metal-node/schema.ts';
import { crd } from '../../src/engine/crd.ts';
import { kind, specOf } from './cloudos-node-samples.ts';

const schema = crd(kind).spec.versions[0].schema.openAPIV3Schema;

test('nothing that erases disks, switches power or reboots is a default', () => {
  const { properties } = schema.properties!.spec!;
  const defaults = Object.fromEntries(
    Object.entries(properties!).flatMap(([name, field]) =>
      field.default === undefined ? [] : [[name, field.default]],
    ),
  );
  expect(defaults).toEqual({
    managementPolicy: 'Manage',
    deletionPolicy: 'Retain',
    recreatePolicy: 'Never',
    provisioning: 'Manageable',
    allowCleaning: false,
    power: 'Unmanaged',
    inspect: 'Never',
  });
  expect(properties!.provisioning!.description).toContain('cleaning may erase all disks');
  expect(properties!.power!.description).toContain('hard power off');
});

test('ports go by MAC address and port groups by name', () => {
  const { properties } = schema.properties!.spec!;
  expect(properties!.ports!['x-kubernetes-list-map-keys']).toEqual(['macAddress']);
  expect(properties!.portGroups!['x-kubernetes-list-map-keys']).toEqual(['name']);
});

test.each<[string, object]>([
  ['a MAC address in capitals', { ports: [{ macAddress: '52:54:00:00:00:0A' }] }],
  ['a port group with a slash', { portGroups: [{ name: 'a/b' }] }],
  ['a port beyond 65535', { bmc: { address: 'a', port: 65_536 } }],
  ['user information in the address', { bmc: { address: 'https://admin@bmc' } }],
  ['a maintenance without a reason', { maintenance: { reason: '' } }],
  ['a capability with a comma', { properties: { capabilities: { a: 'b,c' } } }],
])('%s is refused', (_, fields) => {
  expect(spec.safeParse({ ...specOf(), ...fields }).success).toBe(false);
});

test('what the API server can check by rules says what to do instead', () => {
  const messages = JSON.stringify(schema);
  for (const words of [
    'a password does not belong into a resource',
    'a key is made of letters, digits, _ and -',
    'must name an entry of spec.portGroups',
    'give it pxeEnabled: false',
    'cleanSteps are required with verb Clean',
    'spec.driver is required, unless spec.externalID',
    'spec.bmc is required, unless spec.externalID',
    'spec.bmc needs spec.driver or spec.bmc.keyPrefix',
  ])
    expect(messages).toContain(words);
});

test('the sample has a node with two ports in a port group, and writes its deletionPolicy out', () => {
  const objects = parseAllDocuments(
    readFileSync('deploy/samples/cloudos.yaml', 'utf8').replaceAll(/<[^>\n]+>/g, 'filled'),
  ).map((document) => document.toJS() as { kind: string; spec?: Record<string, unknown>; type?: string });
  expect(objects.map((object) => object.kind)).toEqual(['Secret', 'CloudOSTenant', 'Secret', 'BareMetalNode']);
  const node = spec.parse(objects[3]!.spec);
  expect(objects[3]!.spec).toHaveProperty('deletionPolicy', 'Retain');
  expect(node.ports!.map(({ portGroup }) => portGroup)).toEqual(['bond0', 'bond0']);
  expect(node.portGroups!.map(({ name }) => name)).toEqual(['bond0']);
});
