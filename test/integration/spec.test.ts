import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kube/types.ts';
import { change, changes, conditionOf, hypervisors, inScenario, passUntilReason, refusal } from '../support/servers.ts';

const network = 'd32019d3-bc6e-4319-9c1d-6722fc136a22';
const networks = (entry: object, count = 1) => ({ networks: Array.from({ length: count }, () => entry) });
const long = (length: number) => 'x'.repeat(length);

/** What is wrong, the fields of spec (undefined takes one away), and what the API server must say. */
const bad: [string, object, RegExp][] = [
  [
    'a network by uuid and by port',
    networks({ uuid: network, port: network }),
    /networks\[0\].*a network needs either uuid or port, not both/,
  ],
  [
    'a network without uuid and port',
    networks({ segmentationID: 5 }),
    /networks\[0\].*a network needs either uuid or port, not both/,
  ],
  ['no network', { networks: [] }, /spec\.networks.*at least 1/],
  ['more networks than NICs', networks({ uuid: network }, 5), /spec\.networks.*(at most|must have at most) 4/],
  ['a VLAN below 4', networks({ uuid: network, segmentationID: 3 }), /segmentationID.*greater than or equal to 4/],
  [
    'a VLAN above 4093',
    networks({ uuid: network, segmentationID: 4094 }),
    /segmentationID.*less than or equal to 4093/,
  ],
  [
    'an unknown plane',
    networks({ uuid: network, plane: 'management' }),
    /plane: Unsupported value: "management": supported values: "data", "storage"/,
  ],
  [
    'no image',
    { imageRef: undefined },
    /spec\.imageRef is required, unless spec\.externalID adopts an existing object/,
  ],
  [
    'no flavor',
    { flavorRef: undefined },
    /spec\.flavorRef is required, unless spec\.externalID adopts an existing object/,
  ],
  [
    'no networks at all',
    { networks: undefined },
    /spec\.networks is required, unless spec\.externalID adopts an existing object/,
  ],
  ['an image with a blank', { imageRef: 'ESXi 8' }, /spec\.imageRef.*should match/],
  ['an empty name', { name: '' }, /spec\.name.*at least 1/],
  ['a name that is too long', { name: long(256) }, /spec\.name: Too long: may not be more than 255/],
  [
    'a description that leaves no room for the marker',
    { description: long(181) },
    /spec\.description: Too long: may not be more than 180/,
  ],
  [
    'our own key in metadata',
    { metadata: { 'freehold-owner': 'me' } },
    /spec\.metadata.*the key freehold-owner is written by the operator: choose another key/,
  ],
  [
    'a metadata value that is too long',
    { metadata: { note: long(256) } },
    /spec\.metadata\.note: Too long: may not be more than 255/,
  ],
  [
    'too much metadata',
    { metadata: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`key${i}`, 'x'])) },
    /spec\.metadata: Too many: 33: must have at most 32/,
  ],
  ['an unknown managementPolicy', { managementPolicy: 'Plan' }, /managementPolicy: Unsupported value: "Plan"/],
  [
    'an unknown deletionPolicy',
    { deletionPolicy: 'delete' },
    /deletionPolicy: Unsupported value: "delete": supported values: "Retain", "Delete"/,
  ],
  ['an unknown recreatePolicy', { recreatePolicy: 'Sometimes' }, /recreatePolicy: Unsupported value: "Sometimes"/],
  ['an externalID that is a path', { externalID: '../servers' }, /spec\.externalID.*should match/],
  ['no tenant', { tenantRef: undefined }, /spec\.tenantRef: Required value/],
  ['a tenant that cannot exist', { tenantRef: { name: 'My Tenant' } }, /spec\.tenantRef\.name.*should match/],
  [
    'a Secret key that cannot exist',
    { adminPasswordSecretRef: { name: 'root', key: 'a/b' } },
    /adminPasswordSecretRef\.key.*should match/,
  ],
];

describe.concurrent('a bad manifest', () => {
  it(
    'is refused by the API server, which says what is wrong and where',
    inScenario(async (s) => {
      for (const [what, spec, message] of bad) {
        const manifest = s.hypervisor('web', spec) as KubeObject;
        manifest.metadata.namespace = s.namespace;
        expect(await refusal(s.api.create(hypervisors, manifest)), what).toMatch(message);
      }
      expect(bad.length).toBeGreaterThan(20);
    }),
  );

  it(
    'is refused for a name from which no other name can be made, and for a field that is misspelt',
    inScenario(async (s) => {
      await expect(s.apply(s.hypervisor(long(64)))).rejects.toThrow(
        /metadata\.name is longer than 63 characters: choose a shorter one/,
      );
      await s.apply(s.hypervisor(long(63)));
      await expect(s.apply(s.hypervisor('web', { imgeRef: 'x' }))).rejects.toThrow(/unknown field "(spec\.)?imgeRef"/);
    }),
  );
});

/** Fields that the remote cannot change, each with another value. */
const fixed: [string, unknown][] = [
  ['description', 'another'],
  ['imageRef', 'another'],
  ['flavorRef', 'another'],
  ['availabilityZone', 'zone1-groupb'],
  ['networks', [{ uuid: network }]],
  ['metadata', { rack: '8' }],
  ['adminPasswordSecretRef', { name: 'another' }],
];
const refused = (field: string) =>
  new RegExp(
    `spec\\.${field}: (Forbidden|Invalid value).*spec\\.${field} cannot be changed: the server was bought .* Put it back, or delete this resource and create another one`,
    's',
  );

describe.concurrent('a field that the platform cannot change', () => {
  it(
    'can be edited until something was bought or sent, and then no more',
    inScenario(async (s) => {
      // No tenant yet: nothing is bought, and every field can still be mended.
      await s.apply(s.hypervisor());
      await s.start();
      await s.condition('dh', 'web', 'Ready', 'False', 'TenantNotFound');
      for (const [field, value] of fixed) await change(s, 'web', { spec: { [field]: value } });
      const { imageRef, flavorRef, networkID } = s.sandbox.info.sdpf;
      const good = {
        imageRef,
        flavorRef,
        networks: [{ uuid: networkID }, { uuid: networkID }],
        description: 'rack 7',
        availabilityZone: 'zone1-groupa',
        metadata: { rack: '7' },
      };
      await change(s, 'web', { spec: { ...good, adminPasswordSecretRef: null } });
      expect(await refusal(change(s, 'web', { spec: { tenantRef: { name: 'other' } } }))).toMatch(
        /spec\.tenantRef: Forbidden: spec\.tenantRef cannot be changed: delete this resource .* create one under the other tenant/,
      );

      // Sent, and its outcome is not known: what was sent stays what it was.
      await s.sandbox.fault({ operation: 'CreateServer', drop: 'before-commit', times: 1 });
      await s.apply(...s.tenant());
      await passUntilReason(s, 'web', 'CreateOutcomeUnknown');
      for (const [field, value] of fixed) {
        expect(await refusal(change(s, 'web', { spec: { [field]: value } })), field).toMatch(refused(field));
      }

      // Bought.
      const bought = await passUntilReason(s, 'web', 'Ready', 20 * 60_000);
      expect(conditionOf(bought, 'Synced')?.status).toBe('True');
      for (const [field, value] of fixed) {
        expect(await refusal(change(s, 'web', { spec: { [field]: value } })), field).toMatch(refused(field));
      }
      for (const field of ['description', 'availabilityZone', 'metadata']) {
        expect(await refusal(change(s, 'web', { spec: { [field]: null } })), field).toMatch(refused(field));
      }
      expect(await refusal(change(s, 'web', { spec: { tenantRef: { name: 'other' } } }))).toMatch(
        /spec\.tenantRef: Forbidden/,
      );

      // What costs nothing and breaks nothing may change: the same manifest again, the name, and the policies.
      await s.apply(s.hypervisor('web', good));
      const policies = {
        name: 'web-01',
        deletionPolicy: 'Delete',
        recreatePolicy: 'Always',
        managementPolicy: 'Observe',
      };
      await change(s, 'web', { spec: policies });
      expect((await passUntilReason(s, 'web', 'Observed')).status?.externalID).toBe(bought.status?.externalID);
      expect((await changes(s)).map(({ operation }) => operation)).toEqual(['CreateServer', 'CreateServer']);
    }),
  );
});
