import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Condition } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { type History, watchHistory } from '../support/history.ts';
import { kstatus } from '../support/kstatus.ts';
import { type Middleman, startMiddleman } from '../support/middleman.ts';
import { startProxy } from '../support/proxy.ts';
import { createScenario, type RunningOperator, type Scenario } from '../support/scenario.ts';
import { until } from '../support/wait.ts';

const conditionOf = (resource: Resource | undefined, type: string): Condition | undefined =>
  resource?.status?.conditions?.find((condition) => condition.type === type);

const patch = async (s: Scenario, kind: string, name: string, body: object) => {
  const { code, stderr } = await s.kubectl(['patch', kind, name, '--type=merge', '-p', JSON.stringify(body)]);
  if (code !== 0) throw new Error(stderr);
};

const secretOf = (name: string, stringData: Record<string, string>, type = 'freehold.dev/credentials') => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: `${name}-credentials` },
  type,
  stringData,
});

const errorsIn = (operator: RunningOperator) =>
  operator
    .log()
    .split('\n')
    .filter((line) => line.includes('"level":"error"'));

describe('what can be wrong with a tenant', () => {
  interface Row {
    /** Of the tenant resource, and of the hypervisor that waits for it. */
    name: string;
    what: string;
    reason: string;
    message: RegExp;
    spec?: () => object;
    /** undefined: the right one; null: none. */
    secret?: (right: Record<string, string>) => object | null;
    faults?: Record<string, unknown>[];
    /** What a person or the remote does about it, where it is more than the fault's end and the right manifests. */
    cure?: (name: string) => Promise<void>;
  }

  let s: Scenario;
  let operator: RunningOperator;
  let history: History;
  const list = 'ListServersDetail';

  const rows: Row[] = [
    {
      name: 'secret-missing',
      what: 'its Secret is missing',
      reason: 'SecretMissing',
      message: /does not exist; create it with type/,
      secret: () => null,
    },
    {
      name: 'secret-type',
      what: 'its Secret is of another type',
      reason: 'SecretMalformed',
      message: /is of type "Opaque", it must be of type "freehold.dev\/credentials"/,
      secret: (right) => secretOf('secret-type', right, 'Opaque'),
      cure: async (name) => void (await s.kubectl(['delete', 'secret', `${name}-credentials`])),
    },
    {
      name: 'secret-key',
      what: 'its Secret lacks a key',
      reason: 'SecretMalformed',
      message: /the key "apiSecret" \(needed: apiKey, apiSecret\)/,
      secret: ({ apiKey = '' }) => secretOf('secret-key', { apiKey }),
    },
    {
      name: 'secret-empty',
      what: 'a key of its Secret is empty',
      reason: 'SecretMalformed',
      message: /key "apiKey"/,
      secret: (right) => secretOf('secret-empty', { ...right, apiKey: '' }),
    },
    {
      name: 'credentials',
      what: 'its credentials are wrong',
      reason: 'CredentialsRefused',
      message: /check the credentials Secret/,
      secret: (right) => secretOf('credentials', { ...right, apiSecret: 'nope' }),
    },
    {
      name: 'other-project',
      what: 'its credentials are those of another project',
      reason: 'CredentialsRefused',
      message: /SignIn/,
      secret: () => secretOf('other-project', { apiKey: 'key-1', apiSecret: 'secret-1' }),
    },
    {
      name: 'wrong-tenant',
      what: 'its token is for another project',
      reason: 'WrongTenant',
      message: /the token is for f{32}/,
      faults: [
        {
          operation: 'IssueToken',
          status: 201,
          headers: { 'x-subject-token': 'token-of-another' },
          body: { token: { expires_at: '2099-01-01T00:00:00.000000Z', project: { id: 'f'.repeat(32) }, catalog: [] } },
        },
      ],
    },
    {
      name: 'auth-refused',
      what: 'nobody listens at authURL',
      reason: 'Unreachable',
      message: /SignIn at http:\/\/127.0.0.1:1: no connection/,
      spec: () => ({ authURL: 'http://127.0.0.1:1/v3' }),
    },
    {
      name: 'endpoint-refused',
      what: 'nobody listens at its endpoint',
      reason: 'Unreachable',
      message: /ListServersDetail at http:\/\/127.0.0.1:1: no connection/,
      spec: () => ({ endpoint: 'http://127.0.0.1:1/v1.0/x' }),
    },
    {
      name: 'auth-path',
      what: 'authURL is another page of that host',
      reason: 'BadAnswer',
      message: /check that authURL is Keystone's v3 URL/,
      spec: () => ({ authURL: `${s.sandbox.url}/keystone/v3/users` }),
    },
    {
      name: 'auth-html',
      what: "a proxy's page answers the sign-in",
      reason: 'BadAnswer',
      message: /an HTML page/,
      faults: [{ operation: 'IssueToken', status: 200, body: '<html>Sign in to the office network</html>' }],
    },
    {
      name: 'list-html',
      what: "a proxy's page with code 200 answers the list",
      reason: 'BadAnswer',
      message: /HTTP 200 with an HTML page/,
      faults: [{ operation: list, status: 200, body: '<html>Welcome</html>' }],
    },
    {
      name: 'list-shape',
      what: 'the list is JSON of another form',
      reason: 'BadAnswer',
      message: /another form: servers/,
      faults: [{ operation: list, status: 200, body: { hosts: [] } }],
    },
    {
      name: 'list-cut',
      what: 'the JSON of the list ends early',
      reason: 'BadAnswer',
      message: /with a body that is not JSON/,
      faults: [
        {
          operation: list,
          status: 200,
          body: '{"servers": [{"id": "5d7',
          headers: { 'content-type': 'application/json' },
        },
      ],
    },
    {
      name: 'list-broken',
      what: 'the connection breaks within the list',
      reason: 'Unreachable',
      message: /ListServersDetail/,
      faults: [{ operation: list, truncate: 5 }],
    },
    {
      name: 'list-404',
      what: 'the list answers 404',
      reason: 'NotFound',
      message: /HTTP 404/,
      faults: [{ operation: list, status: 404 }],
    },
    {
      name: 'list-403',
      what: 'the list is forbidden',
      reason: 'Forbidden',
      message: /check the roles/,
      faults: [{ operation: list, status: 403 }],
    },
    {
      name: 'list-500',
      what: 'the list answers 500',
      reason: 'ServerError',
      message: /HTTP 500/,
      faults: [{ operation: list, status: 500 }],
    },
    {
      name: 'list-429',
      what: 'the remote asks for fewer calls',
      reason: 'RateLimited',
      message: /HTTP 429/,
      faults: [{ operation: list, status: 429, headers: { 'retry-after': '120' } }],
    },
    {
      name: 'not-allowed',
      what: 'its endpoint is not among the allowed ones',
      reason: 'EndpointNotAllowed',
      message: /10\.1\.2\.3 is not among the allowed endpoints/,
      spec: () => ({ endpoint: 'http://10.1.2.3/v1.0/x' }),
    },
    {
      name: 'auth-not-allowed',
      what: 'authURL is not among the allowed endpoints',
      reason: 'EndpointNotAllowed',
      message: /authURL: 10\.1\.2\.3 is not among the allowed endpoints/,
      spec: () => ({ authURL: 'http://10.1.2.3/v3' }),
    },
  ];
  const tenantID = (name: string) => (rows.findIndex((row) => row.name === name) + 1).toString(16).padStart(32, '0');
  const rightSecret = (name: string) => {
    const number = rows.findIndex((row) => row.name === name) + 1;
    return { apiKey: `key-${number}`, apiSecret: `secret-${number}` };
  };
  /** Secret and tenant as they should be, each for a remote tenant of its own. */
  const right = (name: string, spec: object = {}) => {
    const [, tenant] = s.tenant({ tenantID: tenantID(name), ...spec }, name) as [object, object];
    return [secretOf(name, rightSecret(name)), tenant] as const;
  };
  const listCalls = async (name: string) =>
    (await s.sandbox.calls(list)).filter(({ path }) => path.includes(tenantID(name))).length;

  beforeAll(async () => {
    s = await createScenario({ settings: { buildSeconds: 0 } });
    history = await watchHistory(s);
    const manifests: object[] = [];
    for (const row of rows) {
      await s.sandbox.control('POST', 'tenants', { tenantID: tenantID(row.name), ...rightSecret(row.name) });
      for (const fault of row.faults ?? []) await s.sandbox.fault({ ...fault, tenantID: tenantID(row.name) });
      const [secret, tenant] = right(row.name, row.spec?.());
      const given = row.secret ? row.secret(rightSecret(row.name)) : secret;
      manifests.push(tenant, s.hypervisor(row.name, { tenantRef: { name: row.name } }));
      if (given !== null) manifests.push(given);
    }
    await s.apply(...manifests);
    operator = await s.start();
    await until(
      'every hypervisor says something',
      async () => {
        await s.pass(10_000);
        const all = await Promise.all(rows.map(({ name }) => s.get('dh', name)));
        return all.every((resource, index) => conditionOf(resource, 'Ready')?.reason === rows[index]!.reason);
      },
      20_000,
    ).catch(() => undefined);
  });
  afterAll(async () => {
    history.stop();
    await s.end();
  });

  it.each(rows)('$what: $reason on the tenant and on the hypervisor that waits', async ({ name, reason, message }) => {
    const tenant = await s.get('sdpft', name);
    expect(conditionOf(tenant, 'Ready')).toMatchObject({ status: 'False', reason });
    expect(conditionOf(tenant, 'Ready')?.message).toMatch(message);
    expect(conditionOf(tenant, 'Reconciling')?.status).toBe('True');
    expect(conditionOf(tenant, 'Stalled')).toBeUndefined();
    expect(tenant?.status?.['reachable']).toBe(false);

    const waiting = await s.get('dh', name);
    expect(conditionOf(waiting, 'Ready')).toMatchObject({ status: 'False', reason });
    expect(conditionOf(waiting, 'Ready')?.message).toMatch(message);
    expect(conditionOf(waiting, 'Stalled')).toBeUndefined();
    expect(kstatus(waiting!)).toBe('InProgress');
  });

  it('buys nothing meanwhile, leaves the remote alone when asked to, and logs no error of its own', async () => {
    const before = await listCalls('list-429');
    await s.pass(60_000);
    expect(await s.sandbox.servers()).toEqual([]);
    expect(await s.sandbox.calls('CreateServer')).toEqual([]);
    expect((await listCalls('list-429')) - before).toBeLessThanOrEqual(1);
    expect(errorsIn(operator)).toEqual([]);
  });

  it('asks with refused credentials ever more seldom: they may lock the account', async () => {
    const signIns = async () =>
      (await s.sandbox.calls('IssueToken')).filter(({ requestBody }) =>
        JSON.stringify(requestBody).includes(tenantID('credentials')),
      ).length;
    await s.pass(300_000);
    const before = await signIns();
    await s.pass(600_000, 15_000);
    expect((await signIns()) - before).toBeLessThanOrEqual(4);
  });

  describe('once the cause is gone', () => {
    beforeAll(async () => {
      await s.sandbox.clearFaults();
      await Promise.all(rows.map(async ({ name, cure }) => cure?.(name)));
      await s.apply(...rows.flatMap(({ name }) => right(name)));
      await until(
        'all are Ready',
        async () => {
          await s.pass(10_000);
          const all = await Promise.all(rows.map(({ name }) => s.get('dh', name)));
          return all.every((resource) => conditionOf(resource, 'Ready')?.status === 'True');
        },
        30_000,
      ).catch(() => undefined);
    });

    it.each(rows)('$what: it heals by itself, and one server is bought', async ({ name }) => {
      expect(conditionOf(await s.get('sdpft', name), 'Ready')).toMatchObject({ status: 'True', reason: 'Connected' });
      expect(conditionOf(await s.get('dh', name), 'Ready')).toMatchObject({ status: 'True', reason: 'Ready' });
      const { servers } = await s.sandbox.control<{ servers: { tenantID: string }[] }>('GET', 'ledger');
      expect(servers.filter((server) => server.tenantID === tenantID(name))).toHaveLength(1);
    });

    it('and every state on the way kept the rules of kstatus', async () => {
      expect(await history.violations()).toEqual([]);
      expect(errorsIn(operator)).toEqual([]);
    });
  });
});

describe('a tenant that works', () => {
  let s: Scenario;
  let history: History;
  beforeEach(async () => {
    s = await createScenario({ settings: { buildSeconds: 0 } });
    history = await watchHistory(s);
  });
  afterEach(async () => {
    const violations = await history.violations();
    history.stop();
    await s.end();
    if (violations.length > 0) throw new Error(violations.join('\n'));
  });

  const signIns = async () => (await s.sandbox.calls('IssueToken')).length;
  const lists = async () => (await s.sandbox.calls('ListServersDetail')).length;
  const connected = (name = 'tenant') => s.condition('sdpft', name, 'Ready', 'True', 'Connected');
  const apiKey = 'sandbox-api-key';
  const rotate = (stringData: Record<string, string>) => patch(s, 'secret', 'tenant-credentials', { stringData });
  /** Waits for a condition while time goes on. */
  const meanwhile = async <T>(waiting: Promise<T>): Promise<T> => {
    let done = false;
    const end = () => (done = true);
    waiting.then(end, end);
    while (!done) await s.pass(5_000, 5_000);
    return waiting;
  };

  it('shows who we are there, what licences it has, and every server that nobody claims', async () => {
    const stranger = await s.sandbox.control<{ id: string }>('POST', 'servers', { name: 'by hand' });
    await s.apply(...s.tenant(), s.hypervisor());
    await s.start();
    await meanwhile(s.ready());
    await meanwhile(
      until('only the stranger is unclaimed', async () => {
        const unclaimed = (await s.get('sdpft', 'tenant'))?.status?.['unclaimed'] as { id: string }[] | undefined;
        return unclaimed?.length === 1;
      }),
    );
    const { status } = await connected();
    expect(status).toMatchObject({
      reachable: true,
      endpoint: s.sandbox.info.sdpf.endpoint,
      identity: { projectID: s.sandbox.info.sdpf.tenantID, userName: apiKey },
      unclaimed: [{ type: 'servers', id: stranger.id }],
    });
    expect((status!['licenseTypes'] as { name: string; hasLicenseKey: boolean }[]).map(({ name }) => name)).toEqual([
      'SQL Server 2014 Standard Edition',
      'vCenter Server 5.5 Standard',
      'vCenter Server 8.0 Standard',
      'Windows Server',
    ]);
  });

  it('cannot be pointed at another remote tenant', async () => {
    await s.apply(...s.tenant());
    for (const [field, value] of [
      ['tenantID', 'b'.repeat(32)],
      ['region', 'jp2'],
    ] as const) {
      const args = ['patch', 'sdpft', 'tenant', '--type=merge', '-p', JSON.stringify({ spec: { [field]: value } })];
      const { code, stderr } = await s.kubectl(args);
      expect(code).not.toBe(0);
      expect(stderr).toContain(`spec.${field} cannot be changed`);
      expect(stderr).toContain('create another SDPFTenant');
    }
  });

  it('behind a black hole is waited for with a reason, and heals when it is one no more', async () => {
    const hole = await startProxy(new URL(s.sandbox.url));
    hole.blackhole(true);
    await s.apply(...s.tenant({ authURL: `${hole.url}/keystone/v3` }), s.hypervisor());
    await s.start();
    // By hand: pass() would wait for the sign-in that nobody answers.
    const reason = async (kind: string, name: string) => conditionOf(await s.get(kind, name), 'Ready')?.reason;
    const inTheHole = async (expected: string) =>
      until(expected, async () => {
        s.clock.advance(1_000);
        return (await reason('dh', 'web')) === expected;
      });
    await inTheHole('TenantNotReady');
    await inTheHole('Unreachable');
    for (const [kind, name] of [
      ['sdpft', 'tenant'],
      ['dh', 'web'],
    ] as const) {
      const waiting = await s.condition(kind, name, 'Ready', 'False', 'Unreachable');
      expect(conditionOf(waiting, 'Reconciling')?.message).toMatch(/SignIn at .* within 30000 ms/);
    }
    hole.blackhole(false);
    await meanwhile(s.ready());
    expect(await s.sandbox.servers()).toHaveLength(1);
    await hole.close();
  });

  it('that comes later than its hypervisor is waited for', async () => {
    await s.apply(s.hypervisor());
    await s.start();
    const waiting = await s.condition('dh', 'web', 'Ready', 'False', 'TenantNotFound');
    expect(conditionOf(waiting, 'Reconciling')?.message).toMatch(/SDPFTenant .*\/tenant does not exist; create it/);
    await s.apply(...s.tenant());
    await meanwhile(s.ready());
    expect(await s.sandbox.servers()).toHaveLength(1);
  });

  it('holds up nobody by one garbled server in its list', async () => {
    const middleman: Middleman = await startMiddleman(s.sandbox.url);
    let garbled = false;
    middleman.hook = async ({ path }, answer) => {
      const answered = await answer();
      if (!garbled || !path.includes('/servers/detail?limit=1000')) return answered;
      if (path.includes('marker=garbled')) return { ...answered, status: 200, body: '{"servers": []}' };
      if (path.includes('marker=')) return answered;
      const { servers } = JSON.parse(answered.body) as { servers: object[] };
      const garbage = { id: 'garbled', name: 7, status: null };
      return { ...answered, body: JSON.stringify({ servers: [garbage, ...servers] }) };
    };
    await s.apply(...s.tenant({ authURL: `${middleman.url}/keystone/v3` }), s.hypervisor());
    await s.start();
    await meanwhile(s.ready());
    garbled = true;
    await s.pass(130_000);
    expect((await connected()).status?.['reachable']).toBe(true);
    // Drift of the others is still seen and mended.
    const [server] = await s.sandbox.servers();
    await s.sandbox.control('PATCH', `servers/${server!.id}`, { cfgw: { status: false, error_type: 'network' } });
    await meanwhile(s.condition('dh', 'web', 'CFGWConnected', 'False'));
    await patch(s, 'dh', 'web', { spec: { name: 'renamed' } });
    await meanwhile(s.ready());
    expect((await s.sandbox.servers()).map(({ name }) => name)).toEqual(['renamed']);
    // It may be ours, though: nothing is bought beside it until a person says whose it is.
    await s.apply(s.hypervisor('next'));
    const held = await meanwhile(s.condition('dh', 'next', 'Ready', 'False', 'BadAnswer'));
    expect(conditionOf(held, 'Ready')?.message).toMatch(/garbled.*it may be ours/);
    garbled = false;
    await meanwhile(s.ready('next'));
    expect(await s.sandbox.servers()).toHaveLength(2);
    await middleman.close();
  });

  it('takes a rotated Secret only once the new credentials are proved', async () => {
    await s.apply(...s.tenant({}), s.hypervisor());
    await s.start({ secretInterval: '2m' });
    await meanwhile(s.ready());
    await rotate({ apiSecret: 'mistyped' });
    await s.pass(140_000);
    const refused = await s.condition('sdpft', 'tenant', 'CredentialsProved', 'False', 'CredentialsRefused');
    expect(conditionOf(refused, 'Ready')).toMatchObject({ status: 'True' });
    expect(conditionOf(refused, 'Ready')?.message).toMatch(/tenant-credentials are not used/);
    // The old ones go on working, also past the end of their token.
    await s.sandbox.control('POST', 'expire-tokens', {});
    const before = await lists();
    await s.pass(130_000);
    expect(await lists()).toBeGreaterThan(before);
    await s.condition('dh', 'web', 'Ready', 'True');

    await s.sandbox.control('PUT', 'credentials', {
      tenantID: s.sandbox.info.sdpf.tenantID,
      apiKey,
      apiSecret: 'the-new-one',
      keepTokens: true,
    });
    await rotate({ apiSecret: 'the-new-one' });
    await s.pass(140_000);
    const proved = await s.condition('sdpft', 'tenant', 'CredentialsProved', 'True', 'Proved');
    const secret = await s.get('secret', 'tenant-credentials');
    expect(proved.status?.['credentials']).toEqual({
      uid: secret!.metadata.uid,
      resourceVersion: secret!.metadata.resourceVersion,
    });
    await s.sandbox.control('POST', 'expire-tokens', {});
    await s.pass(130_000);
    expect(history.ready('SDPFTenant', 'tenant').slice(-1)).toEqual(['True Connected']);
    expect(history.ready('DedicatedHypervisor', 'web').filter((state) => state.startsWith('True'))).toHaveLength(1);
  });

  it('signs in once more when its tokens expire, and nobody notices', async () => {
    await s.apply(...s.tenant(), s.hypervisor());
    await s.start();
    await meanwhile(s.ready());
    await connected();
    const before = { signIns: await signIns(), tenant: history.of('SDPFTenant', 'tenant').length };
    await s.sandbox.control('POST', 'expire-tokens', {});
    await s.pass(80_000);
    expect((await signIns()) - before.signIns).toBe(1);
    expect(history.of('SDPFTenant', 'tenant')).toHaveLength(before.tenant);
    expect(history.ready('DedicatedHypervisor', 'web').at(-1)).toBe('True Ready');
  });

  it('that two resources name is listed once, and an object there is claimed once', async () => {
    await s.apply(...s.tenant(), ...s.tenant({}, 'second'), s.hypervisor());
    await s.start();
    await meanwhile(s.ready());
    await meanwhile(connected());
    await meanwhile(connected('second'));
    const before = await lists();
    await s.pass(300_000);
    // One list is its page and the empty page that ends it; it runs every 60 s, give or take a tenth.
    const made = (await lists()) - before;
    expect(made).toBeGreaterThanOrEqual(8);
    expect(made).toBeLessThanOrEqual(12);

    const { id } = await s.sandbox.control<{ id: string }>('POST', 'servers', { name: 'by hand' });
    await s.pass(70_000);
    for (const tenant of ['tenant', 'second'])
      expect((await s.get('sdpft', tenant))?.status?.['unclaimed']).toMatchObject([{ id }]);
    await s.apply(s.hypervisor('first', { externalID: id }));
    await meanwhile(s.ready('first'));
    await s.apply(s.hypervisor('late', { tenantRef: { name: 'second' }, externalID: id }));
    const stalled = await meanwhile(s.condition('dh', 'late', 'Stalled', 'True', 'AlreadyClaimed'));
    expect(conditionOf(stalled, 'Stalled')?.message).toContain(`DedicatedHypervisor/${s.namespace}/first`);
    for (const tenant of ['tenant', 'second'])
      await meanwhile(
        until(`${tenant} has nothing unclaimed`, async () => !(await s.get('sdpft', tenant))?.status?.['unclaimed']),
      );
    expect((await s.kubectl(['delete', 'dh', 'first', '--timeout=20s'])).code).toBe(0);
    await meanwhile(s.ready('late'));
    expect(await s.sandbox.servers()).toHaveLength(2);
  });

  it('with a limit lets so many be bought, and one more when it is raised', async () => {
    await s.apply(
      ...s.tenant({ limits: { requestsPerSecond: 500, burst: 500, maxDedicatedHypervisors: 1 } }),
      s.hypervisor('one'),
      s.hypervisor('two'),
    );
    await s.start();
    const isReady = async (name: string) => conditionOf(await s.get('dh', name), 'Ready')?.status === 'True';
    await meanwhile(until('one is Ready', async () => (await isReady('one')) || (await isReady('two')), 20_000));
    const last = (await isReady('one')) ? 'two' : 'one';
    const limited = await meanwhile(s.condition('dh', last, 'Ready', 'False', 'LimitReached'));
    expect(conditionOf(limited, 'Reconciling')?.message).toMatch(
      /maxDedicatedHypervisors\) and 1 are owned or being bought/,
    );
    await s.pass(120_000);
    expect(await s.sandbox.servers()).toHaveLength(1);
    await patch(s, 'sdpft', 'tenant', { spec: { limits: { maxDedicatedHypervisors: 2 } } });
    await meanwhile(s.ready(last));
    expect(await s.sandbox.servers()).toHaveLength(2);
  });

  it('answers a request to look again once it has looked, and so does a hypervisor', async () => {
    await s.apply(...s.tenant(), s.hypervisor());
    await s.start();
    await meanwhile(s.ready());
    await connected();
    const [server] = await s.sandbox.servers();
    await s.sandbox.control('PATCH', `servers/${server!.id}`, { powerState: 'SHUTDOWN' });
    const at = new Date().toISOString();
    // The watch that writes the history down may be behind what a read shows.
    const upToDate = async () =>
      (await s.get('dh', 'web'))?.metadata.resourceVersion ===
      history.of('DedicatedHypervisor', 'web').at(-1)?.metadata.resourceVersion;
    await until('the history is up to date', upToDate);
    // Not a second passes on the clock: the next poll is far.
    const states = history.of('DedicatedHypervisor', 'web').length;
    await s.kubectl(['annotate', 'dh', 'web', `freehold.dev/reconcile-requested-at=${at}`]);
    await until(
      'the request is answered',
      async () => (await s.get('dh', 'web'))?.status?.lastHandledReconcileAt === at,
    );
    expect((await s.get('dh', 'web'))?.status).toMatchObject({ powerState: 'SHUTDOWN', lastHandledReconcileAt: at });
    await until('the history is up to date', upToDate);
    // Our annotation, and one answer.
    expect(history.of('DedicatedHypervisor', 'web')).toHaveLength(states + 2);

    await s.sandbox.set({ licenseTypes: [] });
    await s.kubectl(['annotate', 'sdpft', 'tenant', `freehold.dev/reconcile-requested-at=${at}`]);
    await until(
      'the request is answered',
      async () => (await s.get('sdpft', 'tenant'))?.status?.lastHandledReconcileAt === at,
    );
    expect((await s.get('sdpft', 'tenant'))?.status?.['licenseTypes']).toEqual([]);
  });
});
