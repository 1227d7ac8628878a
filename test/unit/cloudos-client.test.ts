import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { createCloudOSClient, type CloudOSClient } from '../../src/cloudos/client.ts';
import { node } from '../../src/cloudos/wire-node.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { remoteFixture } from '../support/remote-fixture.ts';
import { answerJSON } from '../support/scripted-server.ts';
import * as samples from './cloudos-client-samples.ts';

const gateway = '/os/kinton/v1';
const { nodeID, portID, groupID } = samples;
const fence = vi.fn();

beforeEach(() => fence.mockClear());

/** A client whose remote answers every call with `status` and `body` (none: an empty body). */
async function answering(status: number, body: unknown, baremetal = gateway) {
  const fixture = await remoteFixture();
  fixture.answers.api = (_request, response) =>
    body === undefined ? response.writeHead(status).end() : answerJSON(response, status, body);
  const client = createCloudOSClient(fixture.session, { paths: { baremetal }, microversion: '1.34' });
  return { fixture, client, [Symbol.asyncDispose]: fixture[Symbol.asyncDispose] };
}

interface Case {
  operation: string;
  call: (client: CloudOSClient) => Promise<unknown>;
  /** Below /v1. */
  request: [method: string, path: string, body?: unknown];
  answer: unknown;
  result: unknown;
}

const reads: Case[] = [
  {
    operation: 'ListNodesDetail',
    call: (client) => client.listNodes('poll'),
    request: ['GET', 'nodes/detail'],
    answer: { nodes: [samples.node] },
    result: { items: [node.parse(samples.node)], dropped: [] },
  },
  {
    operation: 'GetNode',
    call: (client) => client.getNode(nodeID, 'motion'),
    request: ['GET', `nodes/${nodeID}`],
    answer: samples.node,
    result: node.parse(samples.node),
  },
  {
    operation: 'ListNodePorts',
    call: (client) => client.listNodePorts(nodeID, 'poll'),
    request: ['GET', `nodes/${nodeID}/ports/detail`],
    answer: { ports: [samples.port] },
    result: { items: [expect.objectContaining({ uuid: portID, node_uuid: nodeID })], dropped: [] },
  },
  {
    operation: 'ListNodePortGroups',
    call: (client) => client.listNodePortGroups(nodeID, 'poll'),
    request: ['GET', `portgroups?node=${nodeID}`],
    answer: { portgroups: [samples.briefGroup, { name: 'no uuid' }] },
    // The gateway's list does not say of which node it is: that was asked for.
    result: {
      items: [{ uuid: groupID, node_uuid: nodeID }],
      dropped: [{ index: 1, problem: expect.stringContaining('uuid') as string }],
    },
  },
  {
    operation: 'ListPortsDetail',
    call: (client) => client.listPorts('poll'),
    request: ['GET', 'ports/detail'],
    answer: { ports: [samples.port] },
    result: { items: [expect.objectContaining({ uuid: portID })], dropped: [] },
  },
  {
    operation: 'ListPortGroupsDetail',
    call: (client) => client.listPortGroups('poll'),
    request: ['GET', 'portgroups/detail'],
    answer: { portgroups: [samples.fullGroup] },
    result: { items: [expect.objectContaining({ uuid: groupID, mode: 'active-backup' })], dropped: [] },
  },
];

/** Those whose answer is documented. */
const creates: Case[] = [
  {
    operation: 'CreateNode',
    call: (client) =>
      client.createNode(
        {
          uuid: nodeID,
          driver: 'pxe_ipmitool',
          driver_info: { ipmi_address: '172.25.16.99', ipmi_password: new Secret('canary-password') },
          properties: { cpus: '16' },
          extra: { freehold: 'me' },
          power_interface: 'ipmitool',
        },
        fence,
      ),
    request: [
      'POST',
      'nodes',
      {
        uuid: nodeID,
        driver: 'pxe_ipmitool',
        driver_info: { ipmi_address: '172.25.16.99', ipmi_password: 'canary-password' },
        properties: { cpus: '16' },
        extra: { freehold: 'me' },
        power_interface: 'ipmitool',
      },
    ],
    answer: samples.createdNode,
    result: { uuid: nodeID },
  },
  {
    operation: 'CreatePort',
    call: (client) =>
      client.createPort({ node_uuid: nodeID, address: '11:11:11:11:11:11', extra: { freehold: 'me' } }, fence),
    request: ['POST', 'ports', { node_uuid: nodeID, address: '11:11:11:11:11:11', extra: { freehold: 'me' } }],
    answer: { ...samples.port, created_at: '20160818T22:28:48.643434+11:11', updated_at: '' },
    result: { uuid: portID },
  },
  {
    operation: 'CreatePortGroup',
    call: (client) => client.createPortGroup({ node_uuid: nodeID, name: 'g', mode: '802.3ad' }, fence),
    request: ['POST', 'portgroups', { node_uuid: nodeID, name: 'g', mode: '802.3ad' }],
    answer: { ...samples.briefGroup, mode: 0, extra: null },
    result: { uuid: groupID },
  },
];

/** Those that answer without a body. */
const orders: Case[] = (
  [
    [
      'PatchNode',
      (client) =>
        client.patchNode(
          nodeID,
          [
            { op: 'replace', path: '/driver_info/ipmi_password', value: new Secret('canary-password') },
            { op: 'remove', path: '/name' },
          ],
          fence,
        ),
      [
        'PATCH',
        `nodes/${nodeID}`,
        [
          { op: 'replace', path: '/driver_info/ipmi_password', value: 'canary-password' },
          { op: 'remove', path: '/name' },
        ],
      ],
    ],
    ['DeleteNode', (client) => client.deleteNode(nodeID, fence), ['DELETE', `nodes/${nodeID}`]],
    [
      'SetProvisionState',
      (client) => client.setProvisionState(nodeID, { target: 'manage' }, fence),
      ['PUT', `nodes/${nodeID}/states/provision`, { target: 'manage' }],
    ],
    [
      'SetProvisionState',
      (client) =>
        client.setProvisionState(
          nodeID,
          { target: 'clean', clean_steps: [{ interface: 'raid', step: 'delete', args: { all: true } }] },
          fence,
        ),
      [
        'PUT',
        `nodes/${nodeID}/states/provision`,
        { target: 'clean', clean_steps: [{ interface: 'raid', step: 'delete', args: { all: true } }] },
      ],
    ],
    [
      'SetPowerState',
      (client) => client.setPowerState(nodeID, { target: 'soft power off', timeout: 60 }, fence),
      ['PUT', `nodes/${nodeID}/states/power`, { target: 'soft power off', timeout: 60 }],
    ],
    [
      'SetMaintenance',
      (client) => client.setMaintenance(nodeID, { reason: 'freehold: disk' }, fence),
      ['PUT', `nodes/${nodeID}/maintenance`, { reason: 'freehold: disk' }],
    ],
    ['UnsetMaintenance', (client) => client.unsetMaintenance(nodeID, fence), ['DELETE', `nodes/${nodeID}/maintenance`]],
    [
      'PatchPort',
      (client) => client.patchPort(portID, [{ op: 'add', path: '/portgroup_uuid', value: groupID }], fence),
      ['PATCH', `ports/${portID}`, [{ op: 'add', path: '/portgroup_uuid', value: groupID }]],
    ],
    ['DeletePort', (client) => client.deletePort(portID, fence), ['DELETE', `ports/${portID}`]],
    [
      'PatchPortGroup',
      (client) => client.patchPortGroup(groupID, [{ op: 'replace', path: '/mode', value: 'balance-rr' }], fence),
      ['PATCH', `portgroups/${groupID}`, [{ op: 'replace', path: '/mode', value: 'balance-rr' }]],
    ],
    ['DeletePortGroup', (client) => client.deletePortGroup(groupID, fence), ['DELETE', `portgroups/${groupID}`]],
  ] satisfies [string, Case['call'], Case['request']][]
).map(([operation, call, request]) => ({ operation, call, request, answer: undefined, result: undefined }));

const all = [...reads, ...creates, ...orders];
const named = (cases: Case[]) => cases.map((each) => [each.operation, each] as const);

describe.each([
  ['behind the gateway', gateway, '/api/os/kinton/v1/v1/', 'bare_metal'],
  ['at a plain Ironic', '', '/api/v1/', undefined],
])('%s', (_where, baremetal, base, core) => {
  test.each(named(all))('%s goes where it is documented, with its headers', async (operation, each) => {
    await using setUp = await answering(200, each.answer, baremetal);
    expect(await each.call(setUp.client)).toEqual(each.result);
    const [method, path, body] = each.request;
    const [sent] = setUp.fixture.calls();
    expect(setUp.fixture.calls()).toHaveLength(1);
    expect([sent!.method, sent!.path]).toEqual([method, `${base}${path}`]);
    expect(sent!.body === '' ? undefined : JSON.parse(sent!.body)).toEqual(body);
    const answered = each.answer !== undefined;
    expect(sent!.headers).toMatchObject({
      'x-openstack-ironic-api-version': '1.34',
      'x-auth-token': expect.stringContaining('token') as string,
      ...(answered && { accept: 'application/json' }),
    });
    expect(sent!.headers['h3cloudos-core-target']).toBe(core);
    // Seed 004 L33: without a documented body in the answer there must be no Accept.
    expect(sent!.headers.accept).toBe(answered ? 'application/json' : undefined);
    // Ironic 21.4 reads a chunked body as an empty one.
    if (body !== undefined) expect(Number(sent!.headers['content-length'])).toBe(Buffer.byteLength(sent!.body));
    // Seed 004 L25: the gateway wants it of every request.
    if (body !== undefined || core !== undefined) expect(sent!.headers['content-type']).toBe('application/json');
    expect(setUp.fixture.observed.at(-1)).toMatchObject({ operation, result: 'ok', mutating: method !== 'GET' });
  });
});

test.each([
  ['/os/kinton/v1/', '/api/os/kinton/v1/v1/nodes/detail'],
  ['a/b', '/api/a/b/v1/nodes/detail'],
])('a gateway path written as %s is the same path', async (baremetal, path) => {
  await using setUp = await answering(200, { nodes: [] }, baremetal);
  await setUp.client.listNodes('poll');
  expect(setUp.fixture.calls()[0]?.path).toBe(path);
});

describe('every write', () => {
  test.each(named([...creates, ...orders]))('%s asks its fence once, right before it is sent', async (_name, each) => {
    await using setUp = await answering(200, each.answer);
    await each.call(setUp.client);
    expect(fence).toHaveBeenCalledTimes(1);
    fence.mockImplementationOnce(() => {
      throw new Error('the lease is lost');
    });
    await expect(each.call(setUp.client)).rejects.toThrow('the lease is lost');
    expect(setUp.fixture.calls()).toHaveLength(1);
  });

  test.each([200, 201, 202, 204])('is done by %d, whatever the body', async (status) => {
    await using setUp = await answering(status, status === 204 ? undefined : { uuid: 'x', anything: [1] });
    for (const each of orders) await each.call(setUp.client);
    expect(setUp.fixture.calls()).toHaveLength(orders.length);
  });

  test('tells what the remote says, and shows no secret of its own', async () => {
    const faultstring = 'Node is locked by host lab, driver_info canary-password';
    const error_message = JSON.stringify({ faultcode: 'Client', faultstring, debuginfo: null });
    await using setUp = await answering(409, { error_message });
    const error = await orders[0]!.call(setUp.client).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ reason: 'Conflict', outcome: 'definitely-not', status: 409 });
    expect((error as RemoteError).message).toContain('Node is locked by host lab, driver_info [redacted]');
    expect(JSON.stringify(setUp.fixture.audited)).not.toContain('canary-password');
    expect(setUp.fixture.audited[0]?.body).toContain('[redacted]');
  });
});

describe('a create', () => {
  test.each([
    ['a short answer without an ID', { ...samples.createdNode, uuid: '' }],
    ['no body', undefined],
    ['a node of a list', { nodes: [samples.node] }],
  ])('that is answered by %s may have been done', async (_name, body) => {
    await using setUp = await answering(200, body);
    for (const each of creates) {
      await expect(each.call(setUp.client)).rejects.toMatchObject({ reason: 'BadAnswer', outcome: 'unknown' });
    }
  });
});

describe('a read', () => {
  test('of a node that is not there is NotFound', async () => {
    const error_message = '{"faultcode":"Client","faultstring":"Node x could not be found.","debuginfo":null}';
    await using setUp = await answering(404, { error_message });
    for (const read of [setUp.client.getNode, setUp.client.listNodePorts, setUp.client.listNodePortGroups]) {
      await expect(read(nodeID, 'poll')).rejects.toMatchObject({ reason: 'NotFound', status: 404 });
    }
  });

  test('of an API version that the remote does not speak is VersionRefused', async () => {
    const error_message = '{"code":406,"title":"Not Acceptable","description":"Version 1.999 was requested"}';
    await using setUp = await answering(406, { error_message });
    const error = await setUp.client.listNodes('poll').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ reason: 'VersionRefused' });
    expect((error as RemoteError).message).toContain('Version 1.999 was requested; the remote does not speak');
  });

  test.each([{}, { nodes: null }, { nodes: {} }, [], { ports: [] }])('%j is no empty list', async (body) => {
    await using setUp = await answering(200, body);
    await expect(setUp.client.listNodes('poll')).rejects.toMatchObject({ reason: 'BadAnswer' });
  });
});

test('a port group that names another node than the one asked for keeps that node', async () => {
  await using setUp = await answering(200, { portgroups: [{ ...samples.briefGroup, node_uuid: 'another' }] });
  expect((await setUp.client.listNodePortGroups(nodeID, 'poll')).items).toMatchObject([{ node_uuid: 'another' }]);
});

test('an ID stays one part of the path', async () => {
  await using setUp = await answering(200, undefined);
  await setUp.client.deleteNode('a/../b?c#d', fence);
  expect(setUp.fixture.calls()[0]?.path).toBe('/api/os/kinton/v1/v1/nodes/a%2F..%2Fb%3Fc%23d');
  for (const id of ['', '.', '..']) {
    await expect(setUp.client.deletePort(id, fence)).rejects.toMatchObject({ reason: 'Rejected' });
  }
  expect(setUp.fixture.calls()).toHaveLength(1);
});
