import { beforeEach, describe, expect, test } from 'vitest';
import { sharedOpenStack, startOpenStack } from '../support/openstack.ts';
import { startRecorder } from '../support/recorder.ts';
import { until } from '../support/wait.ts';

/** What the other tests of this folder rest on: that there is a real Ironic, and what it does when its power fails. */
const openStack = await sharedOpenStack();
const { ironic, info } = openStack;

const enroll = (more: Record<string, unknown> = {}) => ironic.post('/v1/nodes', { driver: info.driver, ...more });

async function manageable(more?: Record<string, unknown>): Promise<string> {
  const { uuid } = await enroll(more);
  await ironic.provision(uuid, 'manage');
  expect(await ironic.settled(uuid)).toMatchObject({ provision_state: 'manageable' });
  return uuid;
}

async function brokenOffWhile(verb: string): Promise<string> {
  const id = await manageable();
  await openStack.delay(30);
  await ironic.provision(id, verb);
  await openStack.crash();
  return id;
}

beforeEach(async () => {
  await openStack.delay(0);
  await ironic.clear();
});

describe('a real Ironic', () => {
  test('enrolls a node, manages it, makes it available and deletes it', async () => {
    const id = await manageable({ name: 'rack-1' });
    await ironic.provision(id, 'provide');
    await until('the node is available', async () => (await ironic.node('rack-1'))['provision_state'] === 'available');
    await ironic.delete(`/v1/nodes/${id}`);
    expect(await ironic.nodes()).toEqual([]);
  });

  test('loses a cleaning that its conductor does not survive, and puts the node into no maintenance', async () => {
    const id = await brokenOffWhile('provide');
    expect(await ironic.node(id)).toMatchObject({
      provision_state: 'clean failed',
      target_provision_state: 'available',
      last_error: expect.stringMatching(/^The cleaning state can't be resumed by conductor/),
      maintenance: false,
      maintenance_reason: null,
      reservation: null,
    });
    await ironic.provision(id, 'manage');
    expect(await ironic.node(id)).toMatchObject({ provision_state: 'manageable', last_error: expect.any(String) });
  });

  test('shows a clean step that fails while it runs as clean failed in maintenance, which manage does not end', async () => {
    const id = await manageable();
    const step = { interface: 'bios', step: 'apply_configuration', args: { settings: [{ no: 'name' }] } };
    await ironic.provision(id, 'clean', { clean_steps: [step] });
    const node = await ironic.settled(id);
    expect(node).toMatchObject({ provision_state: 'clean failed', maintenance: true });
    expect(node['maintenance_reason']).toBe(node['last_error']);
    await ironic.provision(id, 'manage');
    expect(await ironic.node(id)).toMatchObject({ provision_state: 'manageable', maintenance: true });
  });

  test('refuses to verify a node whose BMC does not answer', async () => {
    const bmc = { redfish_address: 'http://127.0.0.1:1', redfish_system_id: '/redfish/v1/Systems/1' };
    const { uuid } = await ironic.post('/v1/nodes', { driver: 'redfish', driver_info: bmc });
    await ironic.provision(uuid, 'manage');
    expect(await ironic.settled(uuid)).toMatchObject({
      provision_state: 'enroll',
      last_error: expect.stringMatching(/^Failed to get power state for node/),
    });
  });

  test('changes the power of a node, and finds it changed', async () => {
    const id = await manageable();
    await ironic.power(id, 'power on');
    expect(await ironic.settled(id)).toMatchObject({ power_state: 'power on' });
  });

  test('keeps ports and port groups with the node, and lets them go with it', async () => {
    const id = await manageable();
    const group = await ironic.post('/v1/portgroups', { node_uuid: id, name: 'bond0' });
    const port = { node_uuid: id, address: '52:54:00:00:00:01', portgroup_uuid: group.uuid };
    const { uuid } = await ironic.post('/v1/ports', port);
    const extra = [{ op: 'add', path: '/extra/rack', value: '7' } as const];
    expect(await ironic.patch(`/v1/ports/${uuid}`, extra)).toMatchObject({ extra: { rack: '7' } });
    expect(await ironic.get(`/v1/ports/${uuid}`)).toMatchObject(port);
    expect([await ironic.ports(), await ironic.portGroups()]).toMatchObject([[port], [{ uuid: group.uuid }]]);
    await ironic.clear();
    expect([await ironic.ports(), await ironic.portGroups()]).toEqual([[], []]);
  });

  test('refuses a change to a node on which work is under way', async () => {
    const id = await manageable();
    await openStack.delay(8);
    await ironic.provision(id, 'inspect');
    const refusal = await ironic.call('PATCH', `/v1/nodes/${id}`, [{ op: 'add', path: '/extra/rack', value: '7' }]);
    expect(refusal.status).toBe(409);
    expect(JSON.stringify(refusal.body)).toContain(`Node ${id} is locked by host conductor`);
    expect(await ironic.settled(id)).toMatchObject({ provision_state: 'manageable' });
  });
});

describe('around it', () => {
  test('another Ironic behind the same Keystone is empty, and another one', async () => {
    await enroll();
    const other = await openStack.emptyIronic();
    expect(await other.ironic.nodes()).toEqual([]);
    await other.stop();
    expect(await ironic.nodes()).toHaveLength(1);
  });

  test('an Ironic that is killed answers nobody until it is started', async () => {
    await openStack.killIronic();
    await expect(ironic.nodes()).rejects.toThrow('fetch failed');
    await openStack.startIronic();
    expect(await ironic.nodes()).toEqual([]);
  });

  test('a second OpenStack stands beside the first', async () => {
    const second = await startOpenStack();
    await second.ironic.post('/v1/nodes', { driver: second.info.driver });
    expect(await ironic.nodes()).toEqual([]);
    await second.stop();
    await expect(second.ironic.nodes()).rejects.toThrow('fetch failed');
  });

  test('a token ends as soon as asked for, and the hand gets itself another', async () => {
    const brief = await startOpenStack({ tokenSeconds: 2 });
    const recorder = await startRecorder(brief.info.endpoint);
    const through = brief.through(recorder.url);
    const seen = () => recorder.calls.map(({ status }) => status);
    await until('a token is refused', async () => Array.isArray(await through.nodes()) && seen().includes(401));
    expect(seen()).toEqual([
      ...seen()
        .slice(0, -2)
        .map(() => 200),
      401,
      200,
    ]);
    await recorder.close();
    await brief.stop();
  });
});

describe('a recorder before it', () => {
  test('hands calls and answers on as they are and writes them down', async () => {
    const recorder = await startRecorder(info.endpoint);
    const refusal = await fetch(`${recorder.url}/v1/nodes`, {
      method: 'POST',
      headers: { 'x-openstack-ironic-api-version': '1.34', 'content-type': 'application/json' },
      body: '{"driver":"fake-hardware"}',
    });
    expect(await refusal.json()).toMatchObject({ error: { code: 401 } });
    expect(recorder.calls).toMatchObject([
      { seq: 1, method: 'POST', path: '/v1/nodes', status: 401, cut: false, requestBody: { driver: 'fake-hardware' } },
    ]);
    expect(recorder.calls[0]?.requestHeaders['x-openstack-ironic-api-version']).toBe('1.34');
    await recorder.close();
  });

  test('cuts the answer to what Ironic has done', async () => {
    const recorder = await startRecorder(info.endpoint);
    const through = openStack.through(recorder.url);
    recorder.drop({ method: 'POST', path: /^\/v1\/nodes$/ });
    await expect(through.post('/v1/nodes', { driver: info.driver })).rejects.toThrow('fetch failed');
    await through.post('/v1/nodes', { driver: info.driver });
    expect(await ironic.nodes()).toHaveLength(2);
    expect(recorder.calls).toMatchObject([
      { status: 201, cut: true },
      { status: 201, cut: false },
    ]);
    await recorder.close();
  });

  test('leads to another Ironic for a while, and to none', async () => {
    await enroll();
    const other = await openStack.emptyIronic();
    const recorder = await startRecorder(info.endpoint);
    const through = openStack.through(recorder.url);
    recorder.upstream = other.endpoint;
    expect(await through.nodes()).toEqual([]);
    await other.stop();
    expect((await through.call('GET', '/v1/nodes')).status).toBe(503);
    recorder.upstream = info.endpoint;
    expect(await through.nodes()).toHaveLength(1);
    await recorder.close();
  });
});
