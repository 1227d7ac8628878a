import { describe, expect, test } from 'vitest';
import { remoteBMC, wantedBMC } from '../../src/cloudos/bare-metal-node/bmc.ts';
import { explain } from '../../src/cloudos/bare-metal-node/explain.ts';
import { nodeChanges } from '../../src/cloudos/bare-metal-node/node-changes.ts';
import type { Spec } from '../../src/cloudos/bare-metal-node/schema.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { createFakeIronic, drive, kind, nodeOf, password, plan, secretsFor, specOf } from './cloudos-node-samples.ts';

const created = async (spec: Spec) => {
  const ironic = createFakeIronic();
  await drive(ironic, spec);
  return JSON.parse(JSON.stringify(ironic.bodies[0])) as Record<string, Record<string, unknown>>;
};

describe('a change of the spec', () => {
  test('sends what differs and nothing else', async () => {
    const ironic = createFakeIronic(nodeOf({ name: 'old', properties: { cpus: '4', vendor: 'kept' } }));
    await drive(
      ironic,
      specOf({
        name: 'new',
        resourceClass: 'big',
        bmc: { address: '10.0.0.2', driverInfo: { deploy_kernel: 'http://k' } },
        interfaces: { network: 'noop' },
        properties: { cpus: 4, memoryMB: 1024, architecture: 'x86_64', extra: { vendor_id: '1' } },
      }),
    );
    expect(ironic.bodies).toEqual([
      [
        { op: 'replace', path: '/name', value: 'new' },
        { op: 'add', path: '/network_interface', value: 'noop' },
        { op: 'add', path: '/resource_class', value: 'big' },
        { op: 'add', path: '/properties/vendor_id', value: '1' },
        { op: 'add', path: '/properties/memory_mb', value: '1024' },
        { op: 'add', path: '/properties/cpu_arch', value: 'x86_64' },
        { op: 'add', path: '/driver_info/deploy_kernel', value: 'http://k' },
        { op: 'replace', path: '/driver_info/ipmi_address', value: '10.0.0.2' },
      ],
    ]);
  });

  test('says from what to what, but of driver_info, where a remote may hold a secret that nobody marked', () => {
    expect(plan(specOf({ name: 'new', bmc: { address: '10.0.0.2' } }), nodeOf({ name: 'old' }))).toEqual({
      do: 'update',
      remote: 'main',
      drift: ['name: wanted "new", is "old"', 'driver_info.ipmi_address: wanted "10.0.0.2", is another value'],
      fresh: true,
    });
  });

  test('leaves alone what it no longer names', () => {
    const node = nodeOf({
      name: 'kept',
      resource_class: 'kept',
      properties: { cpus: '8', capabilities: 'a:b' },
      driver_info: { ipmi_address: '10.0.0.1', ipmi_port: '6230', deploy_kernel: 'kept' },
    });
    expect(plan(specOf(), node).do).toBe('ready');
  });

  test('takes numbers and their text for the same', () => {
    const node = nodeOf({
      properties: { cpus: 8, local_gb: '10' },
      driver_info: { ipmi_address: '10.0.0.1', ipmi_port: 623 },
    });
    const spec = specOf({ bmc: { address: '10.0.0.1', port: 623 }, properties: { cpus: 8, localGB: 10 } });
    expect(plan(spec, node).do).toBe('ready');
  });

  test('merges capabilities into those that the remote has', () => {
    const spec = specOf({ properties: { capabilities: { raid_level: '1' } }, bootMode: 'UEFI' });
    const changes = (capabilities?: string) =>
      nodeChanges(spec, nodeOf({ properties: { capabilities } })).ready.map(({ patch }) => patch);
    expect(changes('cpu_vt:true,boot_mode:bios,flag')).toEqual([
      {
        op: 'replace',
        path: '/properties/capabilities',
        value: 'cpu_vt:true,boot_mode:uefi,flag,raid_level:1',
      },
    ]);
    expect(changes('boot_mode:uefi,cpu_vt:true, raid_level:1')).toEqual([]);
    expect(changes()).toEqual([{ op: 'add', path: '/properties/capabilities', value: 'raid_level:1,boot_mode:uefi' }]);
  });

  test('sends what of it the present state takes, and shows the rest', () => {
    const spec = specOf({ name: 'new', interfaces: { deploy: 'direct' } });
    const failed = nodeOf({ provision_state: 'clean failed', deploy_interface: 'iscsi' });
    expect(plan(spec, failed)).toMatchObject({ do: 'update', drift: ['name: wanted "new", is not set'] });
    expect(kind.differences({ spec: spec, name: 'web' }, failed)).toEqual([
      'interfaces.deploy: wanted "direct", is "iscsi" (the remote does not change it in clean failed)',
    ]);
    const inMaintenance = nodeOf({ provision_state: 'clean failed', maintenance: true });
    expect(nodeChanges(spec, inMaintenance)).toMatchObject({ ready: { length: 2 }, stuck: [] });
  });
});

describe('a BMC password', () => {
  test('is sent when its Secret changed, and with it nothing else', async () => {
    const ironic = createFakeIronic(nodeOf());
    await drive(ironic, specOf(), { changedSecrets: ['ipmi_password'] });
    expect(ironic.calls).toEqual(['PATCH node /driver_info/ipmi_password']);
    const [[{ op, value }]] = ironic.bodies as [[{ op: string; value: { reveal(): string } }]];
    expect([op, value.reveal(), JSON.stringify(ironic.bodies)]).toEqual([
      'replace',
      password,
      expect.not.stringContaining(password),
    ]);
  });

  test('is not sent with any other change', async () => {
    const ironic = createFakeIronic(nodeOf());
    await drive(ironic, specOf({ name: 'new' }));
    expect(ironic.calls).toEqual(['PATCH node /name']);
  });

  test('that the remote masks is no difference, and the mask is never sent back', () => {
    const spec = specOf({ bmc: { address: '10.0.0.1', driverInfo: { snmp_community: 'x' } } });
    const node = nodeOf({ driver_info: { ipmi_address: '10.0.0.1', snmp_community: '******' } });
    expect(plan(spec, node).do).toBe('ready');
  });

  test('is a new one under the keys of another driver', () => {
    const names = (spec: Spec) => Object.keys(kind.secrets!(spec, 'web'));
    expect(names(specOf())).toEqual(['ipmi_username', 'ipmi_password']);
    expect(names(specOf({ driver: 'redfish' }))).toEqual(['redfish_username', 'redfish_password']);
  });

  test('and further secret values come by reference, in the create as well', async () => {
    const driverInfoFrom = [{ key: 'snmp_auth_key', secretKeyRef: { name: 'snmp', key: 'auth' } }];
    const spec = specOf({
      bmc: { address: '10.0.0.1', credentialsSecretRef: { name: 'bmc', passwordKey: 'p' }, driverInfoFrom },
    });
    expect(kind.secrets!(spec, 'web')).toEqual({
      ipmi_username: { name: 'bmc', key: 'username', live: true, public: true },
      ipmi_password: { name: 'bmc', key: 'p', live: true },
      snmp_auth_key: { name: 'snmp', key: 'auth', live: true },
    });
    expect((await created(spec))['driver_info']).toMatchObject({ snmp_auth_key: '[redacted]' });
    expect(Object.keys(secretsFor(spec))).toHaveLength(3);
  });
});

describe('driver_info', () => {
  test.each<[string, number | undefined, string, Record<string, unknown>]>([
    ['ipmi', 6230, '10.0.0.1', { ipmi_address: '10.0.0.1', ipmi_port: '6230' }],
    ['pxe_ipmitool', undefined, 'bmc.lab', { ipmi_address: 'bmc.lab' }],
    ['fake-hardware', undefined, 'bmc.lab', { ipmi_address: 'bmc.lab' }],
    ['redfish', undefined, 'https://bmc.lab', { redfish_address: 'https://bmc.lab' }],
    ['redfish', 8443, 'https://bmc.lab/redfish', { redfish_address: 'https://bmc.lab:8443/redfish' }],
    ['redfish', 8443, 'bmc.lab', { redfish_address: 'bmc.lab:8443' }],
    ['redfish', 8443, 'fe80::1', { redfish_address: '[fe80::1]:8443' }],
    ['idrac', 443, '10.0.0.1', { drac_address: '10.0.0.1', drac_port: '443' }],
    ['pxe_drac', undefined, '10.0.0.1', { drac_address: '10.0.0.1' }],
    ['ilo5', 443, '10.0.0.1', { ilo_address: '10.0.0.1', client_port: '443' }],
    ['irmc', 443, '10.0.0.1', { irmc_address: '10.0.0.1', irmc_port: '443' }],
    ['xclarity', 443, '10.0.0.1', { xclarity_manager_ip: '10.0.0.1', xclarity_port: '443' }],
    ['ibmc', undefined, 'https://bmc.lab', { ibmc_address: 'https://bmc.lab' }],
    ['kilo-driver', undefined, 'bmc.lab', { ipmi_address: 'bmc.lab' }],
  ])('of %s, port %s, at %s', async (driver, port, address, info) => {
    const spec = specOf({ driver, bmc: { address, port } });
    expect((await created(spec))['driver_info']).toEqual(info);
  });

  test('that a Secret gives is neither sent nor compared as text', async () => {
    const driverInfoFrom = [{ key: 'snmp_auth_key', secretKeyRef: { name: 'snmp', key: 'auth' } }];
    const spec = specOf({ bmc: { address: '10.0.0.1', driverInfo: { snmp_auth_key: 'plain' }, driverInfoFrom } });
    expect((await created(spec))['driver_info']).toEqual({ ipmi_address: '10.0.0.1', snmp_auth_key: '[redacted]' });
    expect(plan(spec, nodeOf()).do).toBe('ready');
  });

  test('may not be given twice', () => {
    const validate = (bmc: object, more: object = {}) =>
      kind.validate!({ spec: specOf({ bmc: { address: 'a', ...bmc }, ...more }), name: 'web' }, {});
    expect(validate({})).toBeUndefined();
    expect(validate({ driverInfo: { ipmi_address: 'b' } })).toBe(
      'spec.bmc.driverInfo has the key ipmi_address, which spec.bmc.address is for',
    );
    expect(validate({ driverInfo: { ipmi_username: 'b' } })).toContain('credentialsSecretRef');
    expect(validate({}, { properties: { extra: { memory_mb: '1' } } })).toContain('spec.properties.memoryMB');
    expect(validate({}, { properties: { capabilities: { 'a:b': '1' } } })).toContain('"a:b"');
  });
});

describe('one BMC', () => {
  const wanted = (address: string, port?: number, driver = 'ipmi') =>
    wantedBMC(specOf({ driver, bmc: { address, port } }));

  test.each([
    ['10.0.0.1', undefined, 'ipmi', '10.0.0.1:623'],
    ['BMC.lab.', 6230, 'ipmi', 'bmc.lab:6230'],
    ['bmc.lab:6230', undefined, 'ipmi', 'bmc.lab:6230'],
    ['FE80:0::1', undefined, 'ipmi', '[fe80::1]:623'],
    ['https://BMC.lab/redfish/v1', undefined, 'redfish', 'bmc.lab:443'],
    ['http://bmc.lab', undefined, 'redfish', 'bmc.lab:80'],
    ['bmc.lab', 8443, 'redfish', 'bmc.lab:8443'],
    ['10.0.0.1', undefined, 'idrac', '10.0.0.1:443'],
  ])('%s, port %s of %s is %s', (address, port, driver, key) => {
    expect(wanted(address, port, driver)).toBe(key);
  });

  test.each<[Record<string, unknown>, string | undefined, string | undefined]>([
    [{ ipmi_address: '10.0.0.1' }, 'ipmi', '10.0.0.1:623'],
    [{ ipmi_address: '10.0.0.1', ipmi_port: 6230 }, 'fake-hardware', '10.0.0.1:6230'],
    [{ redfish_address: 'https://BMC.lab:443/' }, 'redfish', 'bmc.lab:443'],
    [{ ipmi_address: 'old', redfish_address: 'https://new' }, 'redfish', 'new:443'],
    [{ oem_address: '10.0.0.9', oem_port: '99', ipmi_target_address: '0x20' }, 'unheard-of', '10.0.0.9:99'],
    [{ xclarity_manager_ip: '10.0.0.1' }, 'xclarity', '10.0.0.1:443'],
    [{}, undefined, undefined],
    [{ ipmi_address: '' }, 'ipmi', undefined],
  ])('of a node with %s, driver %s, is %s', (driver_info, driver, key) => {
    expect(remoteBMC(nodeOf({ driver_info, driver }))).toBe(key);
  });

  test('serves one node only, and so does a name', () => {
    expect(kind.main.unique!.map(({ noun, taken }) => [noun, taken])).toEqual([
      ['BMC', 'BMCTaken'],
      ['name', 'NameTaken'],
    ]);
    const desired = { spec: specOf({ name: 'web-1' }), name: 'web' };
    expect(kind.main.unique!.map(({ of }) => of(desired))).toEqual(['10.0.0.1:623', 'web-1']);
    const node = nodeOf({ name: 'web-1' });
    expect(kind.main.unique!.map(({ ofRemote }) => ofRemote(node))).toEqual(['10.0.0.1:623', 'web-1']);
  });
});

describe('a refusal', () => {
  test.each([
    [409, 'Node n1 is locked by host lab-conductor, please retry after the current operation is completed.', 'Locked'],
    [
      400,
      'No valid host was found. Reason: No conductor service registered which supports driver ipmx',
      'DriverUnknown',
    ],
    [
      409,
      'Port p can not have any connectivity attributes (pxe_enabled) updated unless node n1 is in a manageable state',
      'NotChangeableNow',
    ],
    [409, 'Can not delete node "n1" while it is in provision state "active".', 'NotChangeableNow'],
    [
      400,
      'The requested action "provide" can not be performed on node "n1" while it is in state "enroll".',
      'NotChangeableNow',
    ],
    [500, '(sqlite3.IntegrityError) FOREIGN KEY constraint failed', 'NotChangeableNow'],
    [409, 'A node with name web already exists.', undefined],
    [409, 'A port with MAC address 52:54:00:00:00:01 already exists.', undefined],
    [400, 'Unknown argument: "x"', undefined],
  ])('%s %s means %s', (status, message, reason) => {
    const error = new RemoteError({
      reason: status === 409 ? 'Conflict' : 'Rejected',
      outcome: 'definitely-not',
      operation: 'x',
      status,
      message,
    });
    expect(explain(error)?.reason).toBe(reason);
    if (reason !== undefined) expect(explain(error)?.message).toContain(message);
  });
});

describe('what is shown of a node', () => {
  const report = (fields: Record<string, unknown>, spec = specOf()) => kind.report(nodeOf(fields), 0, spec);

  test('is what the remote says of it, and nothing of its driver_info', () => {
    const { status } = report({
      name: 'web-1',
      properties: { cpus: '8', memory_mb: 1024, password: password },
      last_error: 'none yet',
      maintenance: true,
      maintenance_reason: 'freehold: x',
      driver_info: { ipmi_address: '10.0.0.1', ipmi_password: password },
    });
    expect(status).toMatchObject({
      state: 'manageable',
      powerState: 'power off',
      lastError: 'none yet',
      maintenance: { enabled: true, reason: 'freehold: x' },
      driver: 'ipmi',
      name: 'web-1',
      hardware: { cpus: '8', memoryMB: '1024' },
    });
    expect(JSON.stringify(status)).not.toMatch(/canary|10\.0\.0\.1/);
  });

  test.each<[object, Record<string, unknown>, string, string]>([
    [{}, {}, 'PowerMatches', 'True PowerUnmanaged'],
    [{ power: 'PoweredOff' }, {}, 'PowerMatches', 'True PowerAsWished'],
    [{ power: 'PoweredOn' }, {}, 'PowerMatches', 'False PowerDiffers'],
    [{ power: 'PoweredOn' }, { power_state: null }, 'PowerMatches', 'Unknown NotReported'],
    [{}, {}, 'InMaintenance', 'False NotInMaintenance'],
    [{}, { maintenance: true }, 'InMaintenance', 'True InMaintenance'],
    [{}, {}, 'InUse', 'False NoInstance'],
    [{}, { instance_uuid: 'i1' }, 'InUse', 'True InstanceAttached'],
  ])('spec %o, node %o: %s is %s', (wish, fields, type, expected) => {
    const claim = report(fields, specOf(wish)).conditions.find((condition) => condition.type === type)!;
    expect(`${claim.status} ${claim.reason}`).toBe(expected);
  });
});
