import { describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import type { CloudOSClient } from '../../src/cloudos/client.ts';
import { cloudOSTenant, type CloudOSTenantSpec } from '../../src/cloudos/tenant.ts';
import { crd } from '../../src/engine/crd.ts';
import { createBudget } from '../../src/remote/budget.ts';
import { allowedEndpoints } from '../../src/remote/endpoints.ts';
import type { AuditRecord } from '../../src/remote/session.ts';
import { createTransport } from '../../src/remote/undici.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createTestClock } from '../support/clock.ts';
import { answerJSON, scriptedServer } from '../support/scripted-server.ts';
import * as samples from './cloudos-client-samples.ts';

const least = {
  authURL: 'http://keystone.example:5000/v3',
  project: 'bm',
  endpoint: 'http://cloudos.example:11000',
  credentialsSecretRef: { name: 'credentials' },
};
const parse = (more: object = {}) => cloudOSTenant.spec.parse({ ...least, ...more }) as CloudOSTenantSpec;
const plain = { paths: { baremetal: '', compute: '', image: '' } };

describe('the spec of a CloudOSTenant', () => {
  test('needs to say where Keystone is, which project, and whose credentials; the rest has defaults', () => {
    expect(parse()).toEqual({
      ...least,
      domain: 'Default',
      paths: { baremetal: '/os/kinton/v1', compute: '/os/compute/v1', image: '/os/image/v1' },
      microversion: '1.34',
      portInterval: 3600,
      pollInterval: 60,
      limits: { requestsPerSecond: 5, burst: 20 },
    });
    const { required } = crd(cloudOSTenant).spec.versions[0].schema.openAPIV3Schema.properties!.spec!;
    expect(required!.toSorted()).toEqual(['authURL', 'credentialsSecretRef', 'project']);
  });

  test.each([
    ['a path without a slash', { paths: { baremetal: 'os/kinton/v1' } }],
    ['a path with a dot part', { paths: { baremetal: '/os/../v1' } }],
    ['a path that ends in a slash', { paths: { baremetal: '/os/' } }],
    ['a path with a query', { paths: { baremetal: '/os?x' } }],
    ['the newest API version, whatever it is', { microversion: 'latest' }],
    ['an API version as a number', { microversion: 1.34 }],
    ['an API version of another major', { microversion: '2.1' }],
    ['ports read without pause', { portInterval: 59 }],
    ['ports read once a year', { portInterval: 86401 }],
    ['no project', { project: '' }],
    ['an endpoint with a query', { endpoint: 'http://x/?y' }],
    ['a negative limit', { limits: { maxBareMetalNodes: -1 } }],
  ])('refuses %s', (_name, more) => {
    expect(cloudOSTenant.spec.safeParse({ ...least, ...more }).success).toBe(false);
  });

  test('takes the paths of a plain OpenStack, one by one', () => {
    expect(parse({ paths: { baremetal: '' } }).paths).toEqual({
      baremetal: '',
      compute: '/os/compute/v1',
      image: '/os/image/v1',
    });
  });
});

describe('its CustomResourceDefinition', () => {
  const definition = crd(cloudOSTenant);
  const rules = definition.spec.versions[0].schema.openAPIV3Schema['x-kubernetes-validations']!;

  test('is what kubectl calls cost', () => {
    expect(definition.metadata.name).toBe('cloudostenants.cloudos.freehold.dev');
    expect(definition.spec.names).toMatchObject({
      kind: 'CloudOSTenant',
      plural: 'cloudostenants',
      shortNames: ['cost'],
    });
  });

  test.each([
    ['.spec.project', 'self.spec.project == oldSelf.spec.project'],
    ['.spec.domain', 'self.spec.domain == oldSelf.spec.domain'],
    ['.spec.region', 'has(self.spec.region) == has(oldSelf.spec.region)'],
    ['.spec.endpoint', "has(self.spec.endpoint) || self.spec.paths.baremetal == ''"],
  ])('guards %s with a message that says what to do', (fieldPath, text) => {
    const rule = rules.find((each) => each.fieldPath === fieldPath);
    expect(rule?.rule).toContain(text);
    expect(rule?.message).toMatch(/create another CloudOSTenant|write the base URL of the gateway/);
  });

  test('warns that an endpoint is needed at the gateway only by a default that names the gateway', () => {
    const paths = definition.spec.versions[0].schema.openAPIV3Schema.properties!.spec!.properties!.paths!;
    // The API server fills in both before it runs the rule.
    expect([paths.default, paths.properties!.baremetal!.default]).toEqual([{}, '/os/kinton/v1']);
  });
});

describe('the remote tenant', () => {
  const identity = { projectID: 'p1', projectName: 'bm', userName: 'admin', roles: [] };

  test('is the project of the token in its region, whatever the way there', () => {
    const key = (more: object) => cloudOSTenant.remoteKey(parse(more), identity);
    expect(key({})).toBe('cloudos/-/p1');
    expect(key({ region: 'north' })).toBe('cloudos/north/p1');
    expect(key({ endpoint: 'http://other.example', authURL: 'http://x/v3' })).toBe('cloudos/-/p1');
  });

  test('is listed whole at a plain Ironic; at the gateway ports are read node by node', () => {
    const intervals = (more: object) =>
      Object.entries(cloudOSTenant.collections).map(([name, { perMain }]) => [name, perMain?.(parse(more))]);
    const none = [
      ['nodes', undefined],
      ['ports', undefined],
      ['portgroups', undefined],
    ];
    expect(intervals(plain)).toEqual(none);
    expect(intervals({ portInterval: 600 })).toEqual([none[0], ['ports', 600], ['portgroups', 600]]);
  });
});

/** A loopback Keystone (/v3) and, below every other path, an API that answers with `body`. */
async function connected(more: object, body: unknown, catalog: unknown[] = []) {
  const server = await scriptedServer((request, response) => {
    if (!request.path.startsWith('/v3/')) return answerJSON(response, 200, body);
    const project = { id: 'p1', name: 'bm', domain: { id: 'd', name: 'Corp' } };
    const token = { expires_at: '2999-01-01T00:00:00Z', project, user: { name: 'operator' }, catalog };
    answerJSON(response, 201, { token }, { 'x-subject-token': 'canary-token' });
  });
  const clock = createTestClock();
  const transport = createTransport({ clock, connections: 1 });
  const budget = createBudget(clock, { rate: 100, burst: 100 });
  const seen: [tenant: string, what: string][] = [];
  const label = { text: 'cloudos/-/-' };
  const { client, session } = cloudOSTenant.connect({
    spec: parse({
      authURL: new URL('/v3', server.url).href,
      domain: 'Corp',
      endpoint: new URL('/gateway', server.url).href,
      ...more,
    }),
    credentials: { username: new Secret('operator'), password: new Secret('canary-password') },
    budget,
    clock,
    random: systemRandom,
    log: createLog({ level: 'silent' }),
    tenant: () => label.text,
    ports: {
      transport,
      allowed: allowedEndpoints({ patterns: ['127.0.0.1:*'], insecure: true }),
      observe: (tenant, { operation }) => void seen.push([tenant, operation]),
      audit: (tenant, record: AuditRecord) => void seen.push([tenant, `audit ${record.operation}`]),
      readDeadline: 5_000,
      writeDeadline: 5_000,
    },
  });
  return {
    server,
    client: client as CloudOSClient,
    session,
    budget,
    seen,
    label,
    async [Symbol.asyncDispose]() {
      session.close();
      await transport.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('a connection', () => {
  test('signs in by project and domain name, and calls the API at the gateway', async () => {
    await using setUp = await connected({}, { nodes: [samples.node] });
    expect(await setUp.session.identity()).toMatchObject({ projectID: 'p1', userName: 'operator' });
    expect(setUp.budget.figures().tokens).toBe(100);
    const { list, id, since } = cloudOSTenant.collections['nodes']!;
    const { items, unreadable } = await list(setUp.client);
    expect([items.map(id), items.map(since), unreadable]).toEqual([[samples.nodeID], [samples.node.created_at], []]);
    const [signIn, call] = setUp.server.requests;
    expect(JSON.parse(signIn!.body)).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { domain: { name: 'Corp' }, name: 'operator', password: 'canary-password' } },
        },
        scope: { project: { name: 'bm', domain: { name: 'Corp' } } },
      },
    });
    expect(call!.path).toBe('/gateway/os/kinton/v1/v1/nodes/detail');
  });

  test('to a plain OpenStack goes where the catalogue says', async () => {
    await using other = await scriptedServer((_request, response) => answerJSON(response, 200, { nodes: [] }));
    const entry = (region: string, url: string) => ({ interface: 'public', region, region_id: region, url });
    const endpoints = [entry('south', 'http://127.0.0.1:1/'), entry('north', other.url.href)];
    await using setUp = await connected({ ...plain, endpoint: undefined, region: 'north' }, {}, [
      { type: 'baremetal', endpoints },
    ]);
    await setUp.client.listNodes('poll');
    expect(other.requests.map(({ path }) => path)).toEqual(['/v1/nodes/detail']);
    await using unnamed = await connected({ ...plain, endpoint: undefined }, {}, [{ type: 'baremetal', endpoints }]);
    await expect(unnamed.client.listNodes('poll')).rejects.toMatchObject({
      reason: 'WrongTenant',
      message: expect.stringContaining('several regions (south, north): name one') as string,
    });
  });

  test('is told to metrics and the audit under the name that it has at that time', async () => {
    await using setUp = await connected({}, samples.node);
    await setUp.session.identity();
    setUp.label.text = 'cloudos/-/p1';
    await setUp.client.getNode(samples.nodeID, 'motion');
    await setUp.client.deleteNode(samples.nodeID, () => undefined);
    expect(setUp.seen).toEqual([
      ['cloudos/-/-', 'SignIn'],
      ['cloudos/-/p1', 'GetNode'],
      ['cloudos/-/p1', 'DeleteNode'],
      ['cloudos/-/p1', 'audit DeleteNode'],
    ]);
  });

  test('lists no ports where one has no ID that could be read', async () => {
    await using setUp = await connected(plain, { ports: [samples.port, { address: 'x' }] });
    await expect(cloudOSTenant.collections['ports']!.list(setUp.client)).rejects.toMatchObject({ reason: 'BadAnswer' });
    await using other = await connected(plain, { portgroups: [samples.fullGroup, { uuid: 'x' }] });
    const { list, id } = cloudOSTenant.collections['portgroups']!;
    const { items, unreadable } = await list(other.client);
    expect([items.map(id), unreadable]).toEqual([[samples.groupID], ['x']]);
  });
});

test('it has no facts of its own, and its status is that of every tenant', async () => {
  expect(cloudOSTenant.factFields).toEqual([]);
  expect(await cloudOSTenant.facts(undefined)).toEqual({});
  expect(Object.keys(cloudOSTenant.status.shape)).toContain('unclaimed');
});
