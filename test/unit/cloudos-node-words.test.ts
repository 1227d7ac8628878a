import { describe, expect, test } from 'vitest';
import { createFakeIronic, drive, kind, mac, nodeOf, plan, specOf } from './cloudos-node-samples.ts';

const planRemoval = (fields: Record<string, unknown>) =>
  kind.planRemoval({ main: nodeOf(fields), parts: {}, name: 'web' }, {} as never);

describe('a node that an instance has', () => {
  const deployed = { provision_state: 'active', instance_uuid: 'i1', power_state: 'power on' };

  test('is left to it: no provisioning, no power, no maintenance, no ports', () => {
    const spec = specOf({
      provisioning: 'Available',
      power: 'PoweredOff',
      inspect: 'Once',
      maintenance: { reason: 'x' },
      ports: [{ macAddress: mac }],
    });
    expect(plan(spec, nodeOf(deployed))).toEqual({
      do: 'ready',
      message: 'node n1 is active, power on, used by instance i1',
    });
    expect(kind.differences({ spec: spec, name: 'web' }, nodeOf(deployed))).toEqual([
      'maintenance: wanted "freehold: x", is "none" (the node is in use)',
    ]);
  });

  test.each(['enroll', 'manageable', 'available', 'clean failed'])(
    'is left to it in %s too, where Ironic would take every verb',
    (provision_state) => {
      const node = nodeOf({ ...deployed, provision_state });
      const spec = specOf({ provisioning: 'Available', power: 'PoweredOff', inspect: 'Once' });
      expect(plan(spec, node, { retry: 'x' }).do).toBe('ready');
      for (const provisioning of ['Enrolled', 'Available'] as const)
        expect(kind.differences({ spec: specOf({ provisioning }), name: 'web' }, node)).toEqual([]);
    },
  );

  test('is not aborted either', () => {
    const spec = specOf({ action: { requestedAt: 'a', verb: 'Abort' } });
    expect(plan(spec, nodeOf({ ...deployed, provision_state: 'clean wait' }))).toMatchObject({ do: 'wait' });
  });

  test('gets a rotated BMC password all the same', () => {
    expect(plan(specOf(), nodeOf(deployed), { changedSecrets: ['ipmi_password'] })).toEqual({
      do: 'update',
      remote: 'main',
      drift: ['driver_info.ipmi_password: the Secret changed, or what it holds was never proved at the remote'],
      fresh: true,
    });
  });

  test('keeps driver and interfaces, which Ironic does not change then, and Synced says so', () => {
    const spec = specOf({ driver: 'redfish', bmc: { address: '10.0.0.1', keyPrefix: 'ipmi' }, resourceClass: 'big' });
    const node = nodeOf({ ...deployed, resource_class: 'small' });
    expect(plan(spec, node).do).toBe('ready');
    expect(kind.differences({ spec: spec, name: 'web' }, node)).toEqual([
      'driver: wanted "redfish", is "ipmi" (the remote does not change it in active)',
      'resourceClass: wanted "big", is "small" (the remote does not change it in active)',
    ]);
  });

  test('refuses one-off actions, in words', () => {
    const spec = specOf({ action: { requestedAt: 'a', verb: 'Reboot' } });
    expect(plan(spec, nodeOf(deployed))).toEqual({
      do: 'conclude',
      result: 'Failed',
      message: 'Reboot was not sent: node n1 (active) belongs to instance i1',
    });
  });

  test('is never deleted, not even in maintenance, where Ironic would', () => {
    for (const maintenance of [false, true])
      for (const provision_state of ['active', 'available', 'manageable', 'enroll', 'error'])
        expect(planRemoval({ ...deployed, provision_state, maintenance })).toMatchObject({
          do: 'wait',
          reason: 'InUse',
          message: expect.stringContaining('instance i1'),
        });
  });

  test('without an instance ID, an adopted active machine is ready, and a broken one needs those who deployed it', () => {
    expect(plan(specOf({ externalID: 'n1' }), nodeOf({ provision_state: 'active' })).do).toBe('ready');
    expect(plan(specOf(), nodeOf({ provision_state: 'deploy failed', last_error: 'no image' }))).toMatchObject({
      do: 'blocked',
      reason: 'RemoteError',
      message: expect.stringContaining('no image'),
    });
  });
});

describe('an adopted node', () => {
  const adopted = { externalID: 'n1' };

  test('is neither made available nor taken back without the word that it may be cleaned', () => {
    const up = specOf({ ...adopted, provisioning: 'Available' });
    const down = specOf(adopted);
    expect(plan(up, nodeOf()).do).toBe('ready');
    expect(plan(down, nodeOf({ provision_state: 'available' })).do).toBe('ready');
    expect(kind.differences({ spec: up, name: 'web' }, nodeOf())[0]).toMatch(/provisioning.*allowCleaning/);
    expect(plan(specOf({ ...up, allowCleaning: true }), nodeOf())).toMatchObject({ verb: 'provide' });
    expect(plan(specOf({ ...adopted, allowCleaning: true }), nodeOf({ provision_state: 'available' }))).toMatchObject({
      verb: 'manage',
    });
  });

  test('is not cleaned by an action either', () => {
    const action = { requestedAt: 'a', verb: 'Clean' as const, cleanSteps: [{ interface: 'deploy', step: 'erase' }] };
    expect(plan(specOf({ ...adopted, action }), nodeOf())).toMatchObject({ do: 'conclude', result: 'Failed' });
    expect(plan(specOf({ ...adopted, action, allowCleaning: true }), nodeOf())).toMatchObject({ verb: 'clean' });
  });
});

describe('maintenance', () => {
  test('is entered with a reason that says who asked, changed, and left again', async () => {
    const ironic = createFakeIronic(nodeOf());
    await drive(ironic, specOf({ maintenance: { reason: 'new fan' } }));
    await drive(ironic, specOf({ maintenance: { reason: 'new disk' } }));
    await drive(ironic, specOf());
    expect(ironic.calls).toEqual([
      'maintenance: freehold: new fan',
      'maintenance: freehold: new disk',
      'leave maintenance',
    ]);
  });

  test('of somebody else is left alone, and holds back verbs and power', () => {
    const node = nodeOf({ maintenance: true, maintenance_reason: 'Bob has the lid open' });
    expect(plan(specOf(), node).do).toBe('ready');
    for (const wish of [{ provisioning: 'Available' }, { inspect: 'Once' }, { power: 'PoweredOn' }] as const)
      expect(plan(specOf(wish), node)).toMatchObject({
        do: 'wait',
        reason: 'InMaintenance',
        message: expect.stringContaining('Bob has the lid open'),
      });
  });

  test('of our own leaves the power to the spec', () => {
    const node = nodeOf({ maintenance: true, maintenance_reason: 'freehold: new fan', power_state: 'power on' });
    expect(plan(specOf({ maintenance: { reason: 'new fan' }, power: 'PoweredOff' }), node)).toMatchObject({
      verb: 'power off',
    });
  });
});

describe('a one-off action', () => {
  const asked = (verb: string, more: object = {}) =>
    specOf({ action: { requestedAt: '2026-01-01', verb, ...more } as never });
  const steps = { cleanSteps: [{ interface: 'deploy', step: 'erase_devices', args: { tags: ['a'] } }] };

  test.each([
    ['Reboot', {}, 'rebooting'],
    ['Inspect', {}, 'inspect'],
    ['Clean', steps, 'clean'],
  ])('%s runs once and leaves its result', async (verb, more, call) => {
    const ironic = createFakeIronic(nodeOf());
    const spec = asked(verb, more);
    const { action } = await drive(ironic, spec);
    expect(action).toMatchObject({ requestedAt: '2026-01-01', verb, result: 'Succeeded' });
    expect(await drive(ironic, spec, { action: action! })).toMatchObject({ do: 'ready' });
    expect(ironic.calls).toEqual([call]);
    if (verb === 'Clean')
      expect(ironic.bodies).toEqual([
        {
          target: 'clean',
          clean_steps: [{ interface: 'deploy', step: 'erase_devices', args: { tags: ['a'] } }],
        },
      ]);
  });

  test('Adopt takes the machine as deployed', async () => {
    const ironic = createFakeIronic(nodeOf());
    expect(await drive(ironic, asked('Adopt'))).toMatchObject({ do: 'ready', action: { result: 'Succeeded' } });
    expect(ironic.node?.provision_state).toBe('active');
  });

  test('Abort stops a cleaning that waits, and nothing else', async () => {
    const ironic = createFakeIronic(nodeOf({ provision_state: 'clean wait', last_error: undefined }));
    expect(await drive(ironic, asked('Abort'))).toMatchObject({
      do: 'blocked',
      reason: 'CleanFailed',
      action: { result: 'Succeeded' },
    });
    expect(plan(asked('Abort'), nodeOf({ provision_state: 'wait call-back' }))).toMatchObject({ do: 'wait' });
    expect(plan(asked('Abort'), nodeOf({ provision_state: 'clean wait', reservation: 'c' }))).toMatchObject({
      do: 'wait',
    });
    expect(plan(asked('Abort'), nodeOf())).toMatchObject({ do: 'conclude', result: 'Failed' });
  });

  test('waits where the way to the spec leads to a state that takes it', async () => {
    const ironic = createFakeIronic(nodeOf({ provision_state: 'available' }));
    expect(await drive(ironic, asked('Inspect'))).toMatchObject({ action: { result: 'Succeeded' } });
    expect(ironic.calls).toEqual(['manage', 'inspect']);
  });

  test('is refused in words where no way leads there', () => {
    const spec = specOf({ provisioning: 'Available', action: { requestedAt: 'a', verb: 'Inspect' } });
    expect(plan(spec, nodeOf({ provision_state: 'available' }))).toEqual({
      do: 'conclude',
      result: 'Failed',
      message: 'Inspect was not sent: node n1 is available, which does not take inspect',
    });
    expect(plan(asked('Reboot'), nodeOf({ provision_state: 'clean failed' }))).toMatchObject({ do: 'conclude' });
    expect(plan(specOf({ ...asked('Reboot'), power: 'PoweredOff' }), nodeOf())).toMatchObject({ do: 'conclude' });
  });

  test('waits for the end of a maintenance; a reboot for that of somebody else only', () => {
    const node = nodeOf({ maintenance: true, maintenance_reason: 'Bob has the lid open' });
    expect(plan(asked('Inspect'), node)).toMatchObject({
      do: 'wait',
      reason: 'InMaintenance',
      message: expect.stringContaining('Bob has the lid open'),
    });
    expect(plan(asked('Reboot'), node)).toMatchObject({ do: 'wait', reason: 'InMaintenance' });
    const own = nodeOf({ maintenance: true, maintenance_reason: 'freehold: new fan' });
    const spec = specOf({ ...asked('Reboot'), maintenance: { reason: 'new fan' } });
    expect(plan(spec, own)).toMatchObject({ do: 'act', verb: 'rebooting' });
  });

  test('is sent for a later date only: Git may go back to a former one', () => {
    const last = { requestedAt: '2026-01-02T00:00:00Z', verb: 'Reboot', sentAt: 'then', finishedAt: 'then' };
    const clean = { verb: 'Clean' as const, cleanSteps: [{ interface: 'deploy', step: 'erase' }] };
    const wish = (requestedAt: string) => specOf({ action: { requestedAt, ...clean } });
    expect(plan(wish('2026-01-01T00:00:00Z'), nodeOf(), { action: last })).toMatchObject({ do: 'ready' });
    expect(plan(wish('2026-01-03T00:00:00Z'), nodeOf(), { action: last })).toMatchObject({ verb: 'clean' });
  });

  test('that the remote took and did nothing about is not called done', () => {
    const spec = specOf({ action: { requestedAt: 'a', verb: 'Clean', cleanSteps: [{ interface: 'i', step: 's' }] } });
    const at = '2026-01-01T00:00:00+00:00';
    const action = { requestedAt: 'a', verb: 'Clean', sentAt: 'then', before: at };
    expect(plan(spec, nodeOf({ provision_updated_at: at }), { action })).toMatchObject({ result: 'Failed' });
    const later = nodeOf({ provision_updated_at: '2026-01-01T00:05:00+00:00' });
    expect(plan(spec, later, { action })).toMatchObject({ result: 'Succeeded' });
  });

  test('that failed says so first; then the node is stopped', () => {
    const spec = asked('Inspect');
    const action = { requestedAt: '2026-01-01', verb: 'Inspect', sentAt: 'then' };
    const node = nodeOf({ provision_state: 'inspect failed', last_error: 'timeout' });
    expect(plan(spec, node, { action })).toEqual({
      do: 'conclude',
      result: 'Failed',
      message: 'inspect failed: node n1 is inspect failed: timeout',
    });
    const over = { ...action, finishedAt: 'now' };
    expect(plan(spec, node, { action: over })).toMatchObject({ do: 'blocked', reason: 'InspectFailed' });
  });

  test('that runs is not judged before the node is at rest', () => {
    const action = { requestedAt: '2026-01-01', verb: 'Reboot', sentAt: 'then' };
    expect(plan(asked('Reboot'), nodeOf({ reservation: 'c' }), { action })).toMatchObject({ do: 'wait' });
    expect(plan(asked('Reboot'), nodeOf({ target_power_state: 'power on' }), { action })).toMatchObject({ do: 'wait' });
  });
});
