import { describe, expect, it } from 'vitest';
import { CloudOS, told } from './sandbox-cloudos.ts';

const steps = { clean_steps: [{ interface: 'bios', step: 'factory_reset' }] };

/** A node that somebody put into a state. */
function nodeWith(cloud: CloudOS, fields: Record<string, unknown>): string {
  return cloud.control('POST', 'nodes', { driver: 'ipmi', ...fields }).uuid;
}

describe('a verb', () => {
  it('is taken with 202, before the work is done under a lock', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    const seen = cloud.verb(uuid, 'manage');
    expect([seen.status, seen.text]).toEqual([202, '']);
    expect(seen.headers.location).toBe(`${cloud.info.plainEndpoint}/v1/nodes/${uuid}/states`);
    expect(cloud.states(uuid)).toEqual(['verifying', 'manageable', 'sandbox-conductor']);
    cloud.later(1);
    expect(cloud.states(uuid)).toEqual(['manageable', null, null]);
    expect(cloud.node(uuid)).toMatchObject({
      provision_updated_at: '2026-01-01T00:00:01+00:00',
      power_state: 'power off',
    });
  });

  it.each([
    ['enroll', 'manage', ['verifying', 'manageable'], 'manageable'],
    ['manageable', 'provide', ['cleaning', 'available'], 'available'],
    ['manageable', 'inspect', ['inspecting', 'manageable'], 'manageable'],
    ['inspect failed', 'inspect', ['inspecting', 'manageable'], 'manageable'],
    ['manageable', 'clean', ['cleaning', 'manageable'], 'manageable'],
    ['manageable', 'adopt', ['adopting', 'active'], 'active'],
    ['adopt failed', 'adopt', ['adopting', 'active'], 'active'],
    ['available', 'active', ['deploying', 'active'], 'active'],
    ['active', 'rebuild', ['deploying', 'active'], 'active'],
    ['active', 'deleted', ['deleting', 'available'], 'available'],
    ['error', 'deleted', ['deleting', 'available'], 'available'],
    ['available', 'manage', ['manageable', null], 'manageable'],
    ['clean failed', 'manage', ['manageable', null], 'manageable'],
    ['inspect failed', 'manage', ['manageable', null], 'manageable'],
    ['adopt failed', 'manage', ['manageable', null], 'manageable'],
    ['clean wait', 'abort', ['clean failed', 'available'], 'clean failed'],
  ])('leads from %s by %s through %j to %s', (from, verb, during, to) => {
    const cloud = new CloudOS();
    const uuid = nodeWith(cloud, { provision_state: from });
    expect(cloud.verb(uuid, verb, verb === 'clean' ? steps : {}).status).toBe(202);
    expect(cloud.states(uuid).slice(0, 2)).toEqual(during);
    cloud.later(10);
    expect(cloud.states(uuid)[0]).toBe(to);
  });

  it('deletes an instance by way of cleaning', () => {
    const cloud = new CloudOS();
    const instance = '136968d8-cc4f-41d6-9adc-2524053e076e';
    const uuid = nodeWith(cloud, { provision_state: 'active', instance_uuid: instance, instance_info: { a: 1 } });
    cloud.verb(uuid, 'deleted');
    expect(cloud.node(uuid).instance_uuid).toBe(instance);
    cloud.later(1);
    expect(cloud.states(uuid)).toEqual(['cleaning', 'available', 'sandbox-conductor']);
    expect(cloud.node(uuid)).toMatchObject({ instance_uuid: null, instance_info: {} });
    cloud.later(2);
    expect(cloud.states(uuid)).toEqual(['available', null, null]);
  });

  it('that the state does not take, is unknown or incomplete is refused', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    const text = (verb: string): string =>
      `The requested action "${verb}" can not be performed on node "${uuid}" while it is in state "enroll".`;
    for (const verb of ['provide', 'bogus', 'constructor']) {
      const seen = cloud.verb(uuid, verb);
      expect([seen.status, told(seen).faultstring]).toEqual([400, text(verb)]);
    }
    expect(cloud.plain('PUT', `/v1/nodes/${uuid}/states/provision`, {}).status).toBe(400);
    expect([cloud.verb(uuid, 'rescue').status, cloud.verb('nope', 'manage').status]).toEqual([406, 404]);
    const managed = cloud.nodeIn('manageable');
    expect(told(cloud.verb(managed, 'clean')).faultstring).toContain('"clean_steps" is required');
    const blind = nodeWith(cloud, { provision_state: 'manageable', inspect_interface: 'no-inspect' });
    expect(told(cloud.verb(blind, 'inspect')).faultstring).toContain('does not support inspect');
  });

  it('a clean with a step that the driver lacks is taken, and fails without maintenance', () => {
    const cloud = new CloudOS();
    const uuid = nodeWith(cloud, { provision_state: 'manageable', driver: 'fake-hardware' });
    const step = { interface: 'deploy', step: 'nope' };
    expect(cloud.verb(uuid, 'clean', { clean_steps: [step] }).status).toBe(202);
    cloud.later(60);
    expect(cloud.node(uuid)).toMatchObject({
      provision_state: 'clean failed',
      maintenance: false,
      last_error: expect.stringContaining('does not support this clean step'),
    });
  });

  it('in maintenance cleans for provide only, and does not deploy', () => {
    const cloud = new CloudOS();
    const uuid = nodeWith(cloud, { provision_state: 'manageable', maintenance: true });
    const clean = cloud.verb(uuid, 'clean', steps);
    expect([clean.status, told(clean).faultstring]).toEqual([400, expect.stringContaining('in maintenance mode')]);
    expect(cloud.verb(uuid, 'provide').status).toBe(202);
    cloud.later(10);
    expect(cloud.verb(uuid, 'active').status).toBe(400);
    expect([cloud.node(uuid).provision_state, cloud.node(uuid).maintenance]).toEqual(['available', true]);
  });

  it('is needed for work in the seconds that are set', () => {
    const cloud = new CloudOS();
    cloud.set({ verifySeconds: 30, inspectSeconds: 0 });
    const { uuid } = cloud.enroll();
    cloud.verb(uuid, 'manage');
    cloud.later(29);
    expect(cloud.states(uuid)[0]).toBe('verifying');
    cloud.later(1);
    cloud.verb(uuid, 'inspect');
    expect(cloud.states(uuid)).toEqual(['manageable', null, null]);
    expect(cloud.node(uuid).inspection_finished_at).toBe('2026-01-01T00:00:30+00:00');
  });
});

describe('an inspection', () => {
  it('notes its times, and what it found out', () => {
    const cloud = new CloudOS();
    cloud.set({ inspectedProperties: { cpus: '16' } });
    const uuid = cloud.nodeIn('manageable', { properties: { cpus: '1', rack: 'r1' } });
    cloud.verb(uuid, 'inspect');
    expect(cloud.node(uuid)).toMatchObject({
      inspection_started_at: '2026-01-01T00:00:10+00:00',
      inspection_finished_at: null,
    });
    cloud.later(2);
    expect(cloud.node(uuid)).toMatchObject({
      inspection_started_at: null,
      inspection_finished_at: '2026-01-01T00:00:12+00:00',
      properties: { cpus: '16', rack: 'r1' },
    });
  });
});

describe('work that fails', () => {
  it.each([
    ['failVerify', 'enroll', 'manage', ['enroll', null, null]],
    ['failInspect', 'manageable', 'inspect', ['inspect failed', 'manageable', null]],
    ['failClean', 'manageable', 'provide', ['clean failed', 'available', null]],
    ['failClean', 'manageable', 'clean', ['clean failed', 'manageable', null]],
    ['failAdopt', 'manageable', 'adopt', ['adopt failed', 'active', null]],
  ])('by %s in %s under %s', (setting, from, verb, states) => {
    const cloud = new CloudOS();
    cloud.set({ [setting]: 'it broke' });
    const uuid = nodeWith(cloud, { provision_state: from, last_error: 'old' });
    cloud.verb(uuid, verb, verb === 'clean' ? steps : {});
    expect(cloud.node(uuid).last_error).toBeNull();
    cloud.later(10);
    expect(cloud.states(uuid)).toEqual(states);
    const maintenance = setting === 'failClean';
    expect(cloud.node(uuid)).toMatchObject({
      last_error: 'it broke',
      maintenance,
      maintenance_reason: maintenance ? 'it broke' : null,
    });
  });

  it('leaves its error behind: manage goes on from there with the error and the maintenance as they are', () => {
    const cloud = new CloudOS();
    cloud.set({ failClean: 'it broke' });
    const uuid = cloud.nodeIn('manageable');
    cloud.plain('PATCH', `/v1/nodes/${uuid}`, [{ op: 'add', path: '/maintenance', value: true }]);
    cloud.plain('PUT', `/v1/nodes/${uuid}/maintenance`, { reason: 'mine' });
    cloud.verb(uuid, 'provide');
    cloud.later(2);
    cloud.verb(uuid, 'manage');
    expect(cloud.node(uuid)).toMatchObject({
      provision_state: 'manageable',
      last_error: 'it broke',
      maintenance: true,
      maintenance_reason: 'mine',
    });
  });
});

describe('power', () => {
  const power = (cloud: CloudOS, uuid: string, target: unknown, more = {}): number =>
    cloud.plain('PUT', `/v1/nodes/${uuid}/states/power`, { target, ...more }).status;

  it.each([
    ['power on', 'power on'],
    ['power off', 'power off'],
    ['rebooting', 'power on'],
    ['soft rebooting', 'power on'],
    ['soft power off', 'power off'],
  ])('%s leads to %s under a lock, in every state', (target, state) => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    expect(power(cloud, uuid, target)).toBe(202);
    expect(cloud.node(uuid)).toMatchObject({
      power_state: null,
      target_power_state: state,
      reservation: 'sandbox-conductor',
    });
    cloud.later(1);
    expect(cloud.node(uuid)).toMatchObject({ power_state: state, target_power_state: null, reservation: null });
  });

  it('that is there already needs no work', () => {
    const cloud = new CloudOS();
    const uuid = nodeWith(cloud, { power_state: 'power on', last_error: 'old' });
    expect(power(cloud, uuid, 'power on')).toBe(202);
    expect(cloud.node(uuid)).toMatchObject({ target_power_state: null, reservation: null, last_error: null });
  });

  it('is refused without a target, with a wrong one, or without time', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    expect([power(cloud, uuid, undefined), power(cloud, uuid, 'bogus'), power(cloud, uuid, 5)]).toEqual([
      400, 400, 400,
    ]);
    const soft = 'soft power off';
    expect([power(cloud, uuid, soft, { timeout: 0 }), power(cloud, uuid, soft, { timeout: 9 })]).toEqual([400, 202]);
    expect(power(cloud, 'nope', 'power on')).toBe(404);
  });

  it('takes an old error away, but not that of a failed state', () => {
    const cloud = new CloudOS();
    const errors = ['manageable', 'clean failed'].map((state) => {
      const uuid = nodeWith(cloud, { provision_state: state, last_error: 'old' });
      power(cloud, uuid, 'power on');
      cloud.later(1);
      return cloud.node(uuid).last_error;
    });
    expect(errors).toEqual([null, 'old']);
  });

  it('that fails stays what it was', () => {
    const cloud = new CloudOS();
    cloud.set({ failPower: 'no answer' });
    const uuid = nodeWith(cloud, { power_state: 'power off' });
    power(cloud, uuid, 'power on');
    cloud.later(1);
    expect(cloud.node(uuid)).toMatchObject({
      power_state: 'power off',
      target_power_state: null,
      last_error: 'no answer',
    });
  });
});

describe('maintenance', () => {
  it('begins and ends with 202, again and again, and keeps a reason as it was given', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    const path = `/v1/nodes/${uuid}/maintenance`;
    const after = (method: string, body?: unknown): unknown[] => {
      const seen = cloud.plain(method, path, body);
      const { maintenance, maintenance_reason: reason } = cloud.node(uuid);
      return [seen.status, seen.text, maintenance, reason];
    };
    expect(after('PUT', { reason: 'disk' })).toEqual([202, '', true, 'disk']);
    expect(after('PUT', { reason: '' })).toEqual([202, '', true, '']);
    expect(after('PUT')).toEqual([202, '', true, null]);
    expect(after('DELETE')).toEqual([202, '', false, null]);
    expect(after('DELETE')).toEqual([202, '', false, null]);
    cloud.plain('PUT', path, { reason: 'disk' });
    cloud.plain('PATCH', `/v1/nodes/${uuid}`, [{ op: 'replace', path: '/maintenance', value: false }]);
    expect(cloud.node(uuid).maintenance_reason).toBeNull();
    expect(cloud.plain('PUT', path, { bogus: 1 }).status).toBe(400);
    expect(cloud.plain('PUT', '/v1/nodes/nope/maintenance').status).toBe(404);
  });
});

describe('a locked node', () => {
  it('refuses everything that would change it, and no read', () => {
    const cloud = new CloudOS();
    const { uuid } = cloud.enroll();
    const port = cloud.plain('POST', '/v1/ports', { node_uuid: uuid, address: '11:11:11:11:11:11' }).body.uuid;
    const group = cloud.plain('POST', '/v1/portgroups', { node_uuid: uuid }).body.uuid;
    cloud.verb(uuid, 'manage');
    const calls: [string, string, unknown?][] = [
      ['PATCH', `/v1/nodes/${uuid}`, []],
      ['DELETE', `/v1/nodes/${uuid}`],
      ['PUT', `/v1/nodes/${uuid}/states/power`, { target: 'power on' }],
      ['PUT', `/v1/nodes/${uuid}/states/provision`, { target: 'manage' }],
      ['PUT', `/v1/nodes/${uuid}/maintenance`],
      ['DELETE', `/v1/nodes/${uuid}/maintenance`],
      ['POST', '/v1/ports', { node_uuid: uuid, address: '22:22:22:22:22:22' }],
      ['PATCH', `/v1/ports/${port}`, []],
      ['DELETE', `/v1/ports/${port}`],
      ['PATCH', `/v1/portgroups/${group}`, []],
      ['DELETE', `/v1/portgroups/${group}`],
    ];
    const text = `Node ${uuid} is locked by host sandbox-conductor, please retry after the current operation is completed.`;
    for (const [method, path, body] of calls) {
      const seen = cloud.plain(method, path, body);
      expect([method, path, seen.status, told(seen).faultstring]).toEqual([method, path, 409, text]);
    }
    expect(cloud.plain('POST', '/v1/portgroups', { node_uuid: uuid }).status).toBe(201);
  });
});
