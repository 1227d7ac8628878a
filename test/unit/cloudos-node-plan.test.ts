import { describe, expect, test } from 'vitest';
import { kind, mac, mac2, nodeOf, plan, specOf, createFakeIronic, drive } from './cloudos-node-samples.ts';

const planRemoval = (fields: Record<string, unknown>) =>
  kind.planRemoval({ main: nodeOf(fields), parts: {}, name: 'web' }, {} as never);

describe('with every default, a node', () => {
  test('is registered with its port and verified, and nothing more is done to it', async () => {
    const ironic = createFakeIronic();
    const last = await drive(ironic, specOf({ ports: [{ macAddress: mac }] }));
    expect(ironic.calls).toEqual(['POST node', `POST port ${mac}`, 'manage']);
    expect(last).toMatchObject({ do: 'ready', message: 'node n1 is manageable, power off' });
  });

  test('is sent with nothing that the spec does not say, and the owner', async () => {
    const ironic = createFakeIronic();
    await drive(ironic, specOf());
    expect(JSON.parse(JSON.stringify(ironic.bodies[0]))).toEqual({
      uuid: 'n1',
      driver: 'ipmi',
      driver_info: { ipmi_address: '10.0.0.1', ipmi_username: '[redacted]', ipmi_password: '[redacted]' },
      extra: { freehold: 'o/n/web' },
    });
  });

  test('is not created while nobody knows whether it is there', () => {
    const main = { state: 'unknown', reason: 'BadAnswer', message: 'who knows' } as const;
    expect(kind.plan({ spec: specOf(), name: 'web' }, { main, parts: {} })).toEqual({
      do: 'wait',
      reason: 'BadAnswer',
      message: 'who knows',
    });
  });
});

describe('the whole way', () => {
  test('to a node that is inspected, available, switched on and in a bond', async () => {
    const ironic = createFakeIronic();
    const spec = specOf({
      portGroups: [{ name: 'bond0', mode: '802.3ad' }],
      ports: [
        { macAddress: mac, portGroup: 'bond0' },
        { macAddress: mac2, portGroup: 'bond0' },
      ],
      provisioning: 'Available',
      inspect: 'Once',
      power: 'PoweredOn',
    });
    expect(await drive(ironic, spec)).toMatchObject({ do: 'ready', message: 'node n1 is available, power on' });
    expect(ironic.calls).toEqual([
      'POST node',
      'POST group n1-bond0',
      `POST port ${mac}`,
      `POST port ${mac2}`,
      'manage',
      'inspect',
      'provide',
      'power on',
    ]);
    expect([...ironic.ports.values()].map((port) => port.portgroup_uuid)).toEqual([
      'portGroup-bond0',
      'portGroup-bond0',
    ]);
  });

  test('back from available is manage alone', async () => {
    const ironic = createFakeIronic(nodeOf({ provision_state: 'available' }));
    await drive(ironic, specOf());
    expect(ironic.calls).toEqual(['manage']);
  });

  test('from manageable to Enrolled does not exist: the node stays, and Synced says so', async () => {
    const ironic = createFakeIronic(nodeOf());
    const spec = specOf({ provisioning: 'Enrolled' });
    expect(await drive(ironic, spec)).toMatchObject({ do: 'ready' });
    expect(ironic.calls).toEqual([]);
    expect(kind.differences({ spec: spec, name: 'web' }, nodeOf())).toEqual([
      'provisioning: wanted "Enrolled", is "manageable" (the remote has no way back to enroll)',
    ]);
  });

  test('an inspection is made once: not again on a node that was inspected', () => {
    const inspected = nodeOf({ inspection_finished_at: '2026-01-01' });
    expect(plan(specOf({ inspect: 'Once' }), inspected).do).toBe('ready');
  });

  test.each(['provide', 'manage', 'power on'])('%s is planned again on a read of the moment', (verb) => {
    const wish = { provide: { provisioning: 'Available' }, manage: {}, 'power on': { power: 'PoweredOn' } }[
      verb
    ] as object;
    const state = verb === 'manage' ? 'available' : 'manageable';
    expect(plan(specOf(wish), nodeOf({ provision_state: state }))).toMatchObject({ do: 'act', verb, fresh: true });
  });
});

describe('what failed', () => {
  test('a BMC that cannot be used is said to be that, and tried again after five minutes', () => {
    const node = nodeOf({ provision_state: 'enroll', last_error: 'Failed to get power state: timed out' });
    expect(plan(specOf(), node)).toMatchObject({
      do: 'act',
      verb: 'manage',
      failing: {
        reason: 'VerifyFailed',
        message:
          'the BMC of node n1 could not be used with this address and these credentials: Failed to get power state: timed out. Correct spec.bmc or its Secret, and it is tried at once',
        again: 300_000,
      },
    });
  });

  test.each([
    ['clean failed', 'CleanFailed'],
    ['inspect failed', 'InspectFailed'],
    ['adopt failed', 'AdoptFailed'],
  ])('%s stops the node until a person says that it may go on', (state, reason) => {
    const node = nodeOf({ provision_state: state, last_error: 'disk 0: no' });
    expect(plan(specOf({ provisioning: 'Available', power: 'PoweredOn' }), node)).toMatchObject({
      do: 'blocked',
      reason,
    });
    expect(JSON.stringify(plan(specOf(), node))).toMatch(/disk 0: no.*freehold\.dev\/retry/);
    expect(plan(specOf(), node, { retry: '2026-01-01' })).toMatchObject({
      do: 'act',
      verb: 'manage',
      obeys: 'retry',
      fresh: true,
    });
  });

  test('after a failed cleaning the word of a person ends the maintenance that Ironic began, and cleans once more', async () => {
    const fields = {
      provision_state: 'clean failed',
      maintenance: true,
      maintenance_reason: 'Node n1 failed step erase',
    };
    const ironic = createFakeIronic(nodeOf(fields));
    const last = await drive(ironic, specOf({ provisioning: 'Available' }), { retry: 'today' });
    expect(ironic.calls).toEqual(['leave maintenance', 'manage', 'provide']);
    expect(last.do).toBe('ready');
  });

  test('after a failed cleaning the word of a person does not end the maintenance of another one', async () => {
    const fields = {
      provision_state: 'clean failed',
      maintenance: true,
      maintenance_reason: 'Bob has the disk in hand',
    };
    const ironic = createFakeIronic(nodeOf(fields));
    const last = await drive(ironic, specOf({ provisioning: 'Available' }), { retry: 'today' });
    expect(ironic.calls).toEqual(['manage']);
    expect(last).toMatchObject({ do: 'wait', reason: 'InMaintenance' });
  });

  test('a failed inspection is made again by that word only where the spec still asks for it', () => {
    const node = nodeOf({ provision_state: 'inspect failed' });
    expect(plan(specOf({ inspect: 'Once' }), node, { retry: 'x' })).toMatchObject({ verb: 'inspect', obeys: 'retry' });
    expect(plan(specOf(), node, { retry: 'x' })).toMatchObject({ verb: 'manage', obeys: 'retry' });
  });

  test('a changed wish does not leave a failed state', () => {
    const node = nodeOf({ provision_state: 'clean failed' });
    for (const provisioning of ['Enrolled', 'Manageable', 'Available'] as const)
      expect(plan(specOf({ provisioning }), node).do).toBe('blocked');
  });

  test('power that the remote does not know yet is switched where the spec wants it', () => {
    expect(plan(specOf({ power: 'PoweredOff' }), nodeOf({ power_state: null }))).toMatchObject({ verb: 'power off' });
    expect(plan(specOf(), nodeOf({ power_state: null })).do).toBe('ready');
  });

  test('power is left alone before the BMC was verified', () => {
    const spec = specOf({ provisioning: 'Enrolled', power: 'PoweredOn' });
    expect(plan(spec, nodeOf({ provision_state: 'enroll' })).do).toBe('ready');
  });

  test('power that does not come is said to have failed', () => {
    expect(plan(specOf({ power: 'PoweredOn' }), nodeOf({ last_error: 'no answer' }))).toMatchObject({
      failing: { reason: 'PowerFailed', again: 300_000, message: expect.stringContaining('no answer') },
    });
  });
});

describe('while the remote is at work', () => {
  test.each([
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
  ])('a node that is %s is waited on, whatever the spec wants', (state) => {
    const fields = { provision_state: state, target_provision_state: 'available', provision_updated_at: '2026-01-02' };
    const spec = specOf({ name: 'new', power: 'PoweredOn', provisioning: 'Available', maintenance: { reason: 'x' } });
    const step = plan(spec, nodeOf(fields), { retry: 'x' });
    expect(step).toMatchObject({ do: 'wait', reason: 'InProgress' });
    const { message } = step as { message: string };
    expect(message.startsWith(`node n1 is ${state} (on its way to available) since 2026-01-02`)).toBe(true);
    expect(message.includes('Abort')).toBe(state === 'clean wait' || state === 'inspect wait');
    expect(planRemoval(fields)).toMatchObject({ do: 'wait' });
  });

  test('nothing is called a difference that may be over in a moment', () => {
    const spec = specOf({ driver: 'redfish', bmc: { address: '10.0.0.1', keyPrefix: 'ipmi' } });
    expect(kind.differences({ spec, name: 'web' }, nodeOf({ provision_state: 'cleaning' }))).toEqual([]);
    expect(kind.differences({ spec, name: 'web' }, nodeOf({ provision_state: 'clean failed' }))).toHaveLength(1);
  });

  test('a state that this version does not know is waited on', () => {
    expect(plan(specOf({ power: 'PoweredOn' }), nodeOf({ provision_state: 'dreaming' }))).toMatchObject({
      do: 'wait',
      reason: 'UnknownState',
      message: expect.stringContaining('"dreaming"'),
    });
    expect(planRemoval({ provision_state: 'dreaming' })).toMatchObject({ do: 'wait', reason: 'UnknownState' });
  });

  test('power that is being changed is waited on', () => {
    expect(plan(specOf(), nodeOf({ target_power_state: 'power on' }))).toMatchObject({ reason: 'InProgress' });
  });

  test('a locked node gets nothing sent, and is ready where nothing is to do', () => {
    const locked = nodeOf({ reservation: 'conductor-1' });
    expect(plan(specOf(), locked).do).toBe('ready');
    expect(plan(specOf({ power: 'PoweredOn' }), locked)).toMatchObject({
      do: 'wait',
      reason: 'InProgress',
      message: expect.stringContaining('conductor-1'),
    });
  });
});

describe('towards none', () => {
  test.each<[string, object]>([
    ['enroll', { do: 'remove', remote: 'main' }],
    ['manageable', { do: 'remove', remote: 'main' }],
    ['adopt failed', { do: 'remove', remote: 'main' }],
    ['available', { do: 'act', verb: 'manage', fresh: true }],
    ['clean failed', { do: 'act', verb: 'manage', fresh: true }],
    ['inspect failed', { do: 'act', verb: 'manage', fresh: true }],
    ['active', { do: 'wait', reason: 'InUse' }],
    ['error', { do: 'wait', reason: 'InUse' }],
    ['deploy failed', { do: 'wait', reason: 'InUse' }],
  ])('%s', (provision_state, step) => {
    expect(planRemoval({ provision_state })).toMatchObject(step);
    expect(planRemoval({ provision_state, reservation: 'c' }).do).toBe('wait');
  });

  test('it is read anew right before the delete', () => {
    expect(kind.main.removeFresh).toBe(true);
  });
});
