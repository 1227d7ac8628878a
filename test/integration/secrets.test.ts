import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject, ResourceType } from '../../src/kube/types.ts';
import { leaks } from '../support/canaries.ts';
import { type History, watchHistory } from '../support/history.ts';
import { type Middleman, type Passing, startMiddleman } from '../support/middleman.ts';
import { createScenario, type RunningOperator, type Scenario } from '../support/scenario.ts';

const secretsType: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
type KubeSecret = KubeObject & { data?: Record<string, string>; stringData?: Record<string, string>; type?: string };

/** Characters that JSON, YAML, HTML and URLs write otherwise stand between the pieces. */
const canary = (name: string) => `c4nary-${name}-${'k7Qz'.repeat(3)}"\\/&<é%-${name}-tail-of-it`;

describe('secrets, over a whole life with every failure on the way', () => {
  let s: Scenario;
  let middleman: Middleman;
  let operator: RunningOperator;
  let history: History;
  let firstOutput = '';
  /** Everything that must not be seen anywhere. */
  const secret: Record<string, string> = {
    'the API secret': canary('api-secret-1'),
    'the rotated API secret': canary('api-secret-2'),
    'the mistyped API secret': canary('api-secret-3'),
    'the root password of the user': canary('root-password'),
  };
  /** What was seen on the way, so that the test knows that there was something to leak. */
  const passed = { echoes: 0, tokens: 0, kinds: new Set<string>() };
  /** Which answers the gateway in between spoils, and how. */
  let spoil: (request: Passing) => 'echo 400' | 'echo 500' | 'echo text' | 'echo html' | 'echo 200' | undefined = () =>
    undefined;

  const put = async (name: string, data: Record<string, string>) => {
    const found = await s.api.get<KubeSecret>(secretsType, { namespace: s.namespace, name });
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: s.namespace } };
    // Not by kubectl apply: it would leave the values in an annotation of its own.
    if (!found)
      await s.api.create<KubeSecret>(secretsType, { ...object, type: 'freehold.dev/credentials', stringData: data });
    else await s.api.mergePatch(secretsType, { namespace: s.namespace, name }, { stringData: data });
  };
  const steps = async (count: number) => {
    for (let step = 0; step < count; step += 1) await s.pass(5_000, 5_000);
  };
  const { apiKey } = { apiKey: 'sandbox-api-key' };
  const setKeys = (apiSecret: string) =>
    s.sandbox.control('PUT', 'credentials', { tenantID: s.sandbox.info.sdpf.tenantID, apiKey, apiSecret });
  const during = async (how: ReturnType<typeof spoil>, operation: RegExp, count = 8) => {
    spoil = ({ method, path }) => (operation.test(`${method} ${path}`) ? how : undefined);
    await steps(count);
    spoil = () => undefined;
  };

  /** Everything of the namespace as a person may see it, Secrets' own data left out. */
  async function kubernetesShows(): Promise<Record<string, string>> {
    const shown: Record<string, string> = {};
    for (const kind of ['freehold', 'events', 'events.v1.', 'leases', 'configmaps']) {
      const { stdout } = await s.kubectl(['get', kind, '-o', 'yaml', '--show-managed-fields']);
      shown[`kubectl get ${kind}`] = stdout;
    }
    const { items } = await s.api.list<KubeSecret>(secretsType, { namespace: s.namespace });
    shown['Secrets without their data'] = JSON.stringify(
      items.map((item) => ({ ...item, data: undefined, stringData: undefined })),
    );
    const { stdout } = await s.kubectl(['get', 'secrets', '-o', 'wide', '--show-labels']);
    shown['kubectl get secrets'] = stdout;
    shown['kubectl describe'] = (await s.kubectl(['describe', 'freehold'])).stdout;
    return shown;
  }

  const collected: Record<string, string> = {};
  const collect = async (when: string) => {
    for (const [where, text] of Object.entries(await kubernetesShows())) collected[`${when}: ${where}`] = text;
    collected[`${when}: metrics`] = await operator.metrics.text();
    const own = await s.api.get<KubeSecret>(secretsType, { namespace: s.namespace, name: 'web-admin-password' });
    const generated = own?.data?.['password'];
    if (generated) secret['the generated root password'] = Buffer.from(generated, 'base64').toString();
  };

  beforeAll(async () => {
    s = await createScenario({ settings: { buildSeconds: 20, deleteSeconds: 20 } });
    history = await watchHistory(s);
    middleman = await startMiddleman(s.sandbox.url);
    middleman.hook = async (request, answer) => {
      const how = spoil(request);
      const token = request.headers['x-auth-token'];
      if (how === undefined) {
        const answered = await answer();
        const issued = answered.headers['x-subject-token'];
        if (issued) {
          passed.tokens += 1;
          secret[`token ${passed.tokens}`] = issued;
        }
        return answered;
      }
      passed.echoes += 1;
      passed.kinds.add(`${how} ${request.method} ${request.path.split('?')[0]!.split('/').at(-1)}`);
      // What a careless gateway says: the whole request, headers included.
      const words = `cannot handle X-Auth-Token: ${String(token)} with ${request.body}`;
      const json = { 'content-type': 'application/json' };
      switch (how) {
        case 'echo 400':
          return { status: 400, headers: json, body: JSON.stringify({ badRequest: { code: 400, message: words } }) };
        case 'echo 500':
          return { status: 500, headers: json, body: JSON.stringify({ error: { code: 500, message: words } }) };
        case 'echo text':
          return { status: 502, headers: { 'content-type': 'text/plain' }, body: words };
        case 'echo html':
          return { status: 200, headers: { 'content-type': 'text/html' }, body: `<html>${words}</html>` };
        case 'echo 200':
          return {
            status: 200,
            headers: json,
            body: JSON.stringify({ servers: words, server: { id: [words] }, token: words }),
          };
      }
    };

    await setKeys(secret['the API secret']!);
    await put('tenant-credentials', { apiKey, apiSecret: secret['the API secret']! });
    await put('my-root', { password: secret['the root password of the user']! });
    const [, tenant] = s.tenant({ authURL: `${middleman.url}/keystone/v3` }) as [object, object];
    operator = await s.start({ secretInterval: '1m', leaderElect: true });

    // The sign-in fails in every way, then the list.
    spoil = () => 'echo 400';
    await s.apply(tenant);
    await steps(8);
    for (const how of ['echo 500', 'echo text', 'echo html', 'echo 200'] as const) await during(how, /auth\/tokens/);
    for (const how of ['echo 500', 'echo text', 'echo html', 'echo 200'] as const)
      await during(how, /servers\/detail/, 4);
    // Two servers, one with each kind of password; creates are refused in words that quote them.
    const manifests = [
      s.hypervisor('web', { deletionPolicy: 'Delete' }),
      s.hypervisor('own', { deletionPolicy: 'Delete', adminPasswordSecretRef: { name: 'my-root' } }),
    ];
    spoil = ({ method, path }) => (method === 'POST' && path.endsWith('/servers') ? 'echo 400' : undefined);
    await s.apply(...manifests);
    await steps(4);
    for (const name of ['web', 'own']) await s.condition('dh', name, 'Stalled', 'True', 'InvalidSpec');
    await collect('while creates are refused');
    spoil = () => undefined;
    for (const [name, how] of [
      ['web', 'echo text'],
      ['own', 'echo 200'],
    ] as const) {
      spoil = ({ method, path }) => (method === 'POST' && path.endsWith('/servers') ? how : undefined);
      await s.kubectl(['annotate', 'dh', name, 'freehold.dev/reconcile-requested-at=1']);
      await s.condition('dh', name, 'Ready', 'False', 'CreateOutcomeUnknown');
      await collect(`while the create of ${name} is not known`);
      spoil = () => undefined;
      await s.pass(1_000_000, 15_000);
      await steps(15);
      await s.ready(name);
    }
    // A rename, refused in words that quote the token.
    await s.kubectl(['patch', 'dh', 'web', '--type=merge', '-p', '{"spec":{"name":"renamed"}}']);
    await during('echo text', /PUT/, 3);
    await steps(6);
    await s.ready('web');
    // A rotation, mistyped at first.
    await put('tenant-credentials', { apiSecret: secret['the mistyped API secret']! });
    await steps(16);
    await s.condition('sdpft', 'tenant', 'CredentialsProved', 'False');
    await collect('while new credentials are refused');
    await setKeys(secret['the rotated API secret']!);
    await put('tenant-credentials', { apiSecret: secret['the rotated API secret']! });
    await steps(20);
    await s.condition('sdpft', 'tenant', 'CredentialsProved', 'True');
    await s.ready('web');
    await collect('when all is well');
    // Another process takes over and deletes.
    await operator.stop();
    firstOutput = operator.log();
    operator = await s.start({ secretInterval: '1m', leaderElect: true });
    await s.kubectl(['delete', 'dh', 'web', 'own', '--wait=false']);
    await during('echo 500', /DELETE/, 4);
    await steps(40);
    await collect('at the end');
    await s.gone('dh', 'web');
    await s.gone('dh', 'own');
  }, 120_000);
  afterAll(async () => {
    history.stop();
    await s.end();
    await middleman.close();
  });

  it('there was something to give away, and many chances to', async () => {
    expect(Object.keys(secret)).toEqual(
      expect.arrayContaining(['the generated root password', 'token 1', 'the rotated API secret']),
    );
    expect(passed.echoes).toBeGreaterThan(20);
    expect([...passed.kinds]).toEqual(
      expect.arrayContaining([
        'echo 400 POST tokens',
        'echo 200 POST tokens',
        'echo 500 GET detail',
        'echo 200 GET detail',
        'echo 400 POST servers',
        'echo text POST servers',
        'echo 200 POST servers',
      ]),
    );
    expect(operator.log()).toContain('"audit"');
    expect(Object.keys(collected).length).toBeGreaterThan(20);
    for (const [where, text] of Object.entries(collected)) {
      if (where.includes('freehold') && !where.startsWith('at the end')) expect(text).toContain('SDPFTenant');
    }
  });

  it('every state on the way kept the rules of kstatus', async () => {
    expect(await history.violations()).toEqual([]);
  });

  it('show in no log line', () => {
    expect(leaks('the log', firstOutput + operator.log(), secret)).toEqual([]);
  });

  it('show in nothing that Kubernetes shows, and in no metric', () => {
    expect(Object.entries(collected).flatMap(([where, text]) => leaks(where, text, secret))).toEqual([]);
  });

  it('reached the remote as they are: the passwords of both servers work', async () => {
    const { createHash } = await import('node:crypto');
    const hashes = (await s.sandbox.servers()).map(({ adminPassSHA256 }) => adminPassSHA256);
    for (const name of ['the generated root password', 'the root password of the user'])
      expect(hashes).toContain(createHash('sha256').update(secret[name]!).digest('hex'));
  });

  it('would be found in any of these, in any of the usual forms', () => {
    const [where, text] = Object.entries(collected)[0]!;
    const value = secret['the API secret']!;
    const middle = Math.floor(text.length / 2);
    const planted = (form: string) => leaks(where, text.slice(0, middle) + form + text.slice(middle), secret);
    for (const form of [
      value,
      value.slice(0, 20),
      value.slice(-20),
      JSON.stringify(value),
      encodeURIComponent(value),
      Buffer.from(value).toString('base64'),
      Buffer.from(`Basic key:${value}`).toString('base64'),
      Buffer.from(value).toString('hex'),
    ])
      expect(planted(form)).not.toEqual([]);
    expect(planted('nothing of that kind')).toEqual([]);
  });
});

describe('the built operator as a process', () => {
  it('prints none of them, at level debug', async () => {
    const s = await createScenario({ settings: { buildSeconds: 0 } });
    const values = { 'the API secret': canary('api-secret-9'), 'the root password': canary('root-9') };
    const { tenantID } = s.sandbox.info.sdpf;
    await s.sandbox.control('PUT', 'credentials', { tenantID, apiKey: 'k', apiSecret: values['the API secret'] });
    const create = (name: string, stringData: Record<string, string>) =>
      s.api.create<KubeSecret>(secretsType, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace: s.namespace },
        type: 'freehold.dev/credentials',
        stringData,
      });
    await create('tenant-credentials', { apiKey: 'k', apiSecret: 'wrong-at-first' });
    await create('root', { password: values['the root password'] });
    const [, tenant] = s.tenant() as [object, object];
    await s.apply(tenant, s.hypervisor('web', { adminPasswordSecretRef: { name: 'root' }, imageRef: 'no-such-image' }));
    const child = s.spawn('--log-level', 'debug', '--secret-interval', '1s');
    await s.condition('sdpft', 'tenant', 'Ready', 'False', 'CredentialsRefused', 30_000);
    await s.api.mergePatch(
      secretsType,
      { namespace: s.namespace, name: 'tenant-credentials' },
      { stringData: { apiSecret: values['the API secret'] } },
    );
    await s.condition('dh', 'web', 'Stalled', 'True', 'InvalidSpec', 30_000);
    await s.kubectl([
      'patch',
      'dh',
      'web',
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { imageRef: s.sandbox.info.sdpf.imageRef } }),
    ]);
    await s.ready('web', 30_000);
    expect(await child.stop()).toBe(0);
    const { stdout } = await s.kubectl(['get', 'freehold,events', '-o', 'yaml', '--show-managed-fields']);
    expect(child.output()).toContain('audit: CreateServer done');
    expect(leaks('the output', child.output(), values)).toEqual([]);
    expect(leaks('kubectl get', stdout, values)).toEqual([]);
    await s.end();
  }, 120_000);
});
