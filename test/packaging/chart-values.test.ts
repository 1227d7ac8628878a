import { describe, expect, it } from 'vitest';
import {
  configOf,
  deployments,
  helm,
  chart,
  type Manifest,
  ofKind,
  render,
  required,
  template,
} from './support/helm.ts';

/** Helm's message, without its frame. */
async function refusal(values: object): Promise<string> {
  const { code, stdout, stderr } = await template(values);
  expect(code, stdout).not.toBe(0);
  expect(stdout).toBe('');
  return stderr;
}

describe('nothing is rendered', () => {
  it('without an owner ID, and the message says what it is for', async () => {
    const message = await refusal({ image: required.image });
    expect(message).toMatch(
      /ownerID is required, e\.g\. --set ownerID=my-company-prod\..*outlives the cluster.*never change it/,
    );
  });

  it('without an image, and the message says where to get one', async () => {
    expect(await refusal({ ownerID: 'x' })).toMatch(
      /image\.repository is required: there is no public image yet\. Build one with `make image`/,
    );
  });

  const wrong: [name: string, values: object, message: RegExp][] = [
    ['an unknown value', { replicaCount: 3 }, /additional properties 'replicaCount' not allowed/],
    [
      'an unknown value within another',
      { image: { name: 'x' } },
      /at '\/image': additional properties 'name' not allowed/,
    ],
    [
      'an unknown setting',
      { settings: { settelWindow: '20m' } },
      /at '\/settings': additional properties 'settelWindow' not allowed/,
    ],
    ['a number for the owner ID', { ownerID: 7 }, /at '\/ownerID': got number, want string/],
    [
      'an owner ID with a capital',
      { ownerID: 'My-Company' },
      /ownerID "My-Company" must be 1 to 63 characters of a-z, 0-9 and "-"/,
    ],
    [
      'a tag in the repository',
      { image: { repository: 'registry.example/freehold:1' } },
      /must not hold a tag or digest: they have values of their own/,
    ],
    ['a wrong digest', { image: { digest: 'latest' } }, /at '\/image\/digest': 'latest' does not match pattern/],
    ['one namespace that is no list', { watchNamespaces: 'shop' }, /at '\/watchNamespaces': got string, want array/],
    ['a namespace twice', { watchNamespaces: ['a', 'a'] }, /at '\/watchNamespaces': items at 0 and 1 are equal/],
    [
      'a namespace that cannot be',
      { watchNamespaces: ['Shop'] },
      /at '\/watchNamespaces\/0': 'Shop' does not match pattern/,
    ],
    [
      'a URL for an endpoint',
      { allowedEndpoints: ['https://keystone.example/v3'] },
      /"https:\/\/keystone\.example\/v3" must be a host or host:port.*no scheme, no path/,
    ],
    [
      'two endpoints in one',
      { allowedEndpoints: ['a.example,b.example'] },
      /"a\.example,b\.example" must be a host or host:port/,
    ],
    [
      'a duration without unit',
      { settings: { absenceInterval: '60' } },
      /at '\/settings\/absenceInterval': '60' does not match pattern/,
    ],
    [
      'a duration that is a number',
      { settings: { absenceInterval: 60 } },
      /at '\/settings\/absenceInterval': got number, want string/,
    ],
    [
      'a duration of nothing',
      { settings: { absenceInterval: '10ms' } },
      /absenceInterval \(10ms\) must be at least 1s/,
    ],
    [
      'a settle window before the end of a create',
      { settings: { settleWindow: '5m30s' } },
      /settings\.settleWindow \(5m30s\) must be at least settings\.writeDeadline \(60s\) and 5 minutes/,
    ],
    [
      'a lease that ends before its renewal',
      { leaderElection: { leaseDuration: '10s' } },
      /leaseDuration \(10s\) must be greater than renewDeadline \(10s\)/,
    ],
    [
      'two replicas without a lease',
      { leaderElection: { enabled: false } },
      /two pods without a Lease buy everything twice/,
    ],
    [
      'shards without a lease',
      { replicas: 1, shards: 2, leaderElection: { enabled: false } },
      /replicas must be 0 or 1 and shards 1/,
    ],
    ['no shard', { shards: 0 }, /at '\/shards': minimum: got 0, want 1/],
    ['half a replica', { replicas: 1.5 }, /at '\/replicas': got number, want integer/],
    [
      'an end in the middle of an order',
      { terminationGracePeriodSeconds: 30 },
      /terminationGracePeriodSeconds is 30, but must be at least settings\.writeDeadline \(60s\)/,
    ],
    ['an unknown log level', { logLevel: 'verbose' }, /at '\/logLevel': value must be one of 'debug', 'info'/],
    ['an argument without a flag', { extraArgs: ['debug'] }, /at '\/extraArgs\/0': 'debug' does not match pattern/],
    [
      'an environment variable that is a number',
      { extraEnv: [{ name: 'A', value: 1 }] },
      /at '\/extraEnv\/0\/value': got number, want string/,
    ],
    [
      "a label of the chart's own",
      { podLabels: { 'app.kubernetes.io/name': 'x' } },
      /podLabels: app\.kubernetes\.io\/name is a label that the chart sets itself/,
    ],
    ['a port that is none', { port: 70000 }, /at '\/port': maximum: got 70,000, want 65,535/],
    [
      'a yes for a boolean',
      { monitoring: { dashboard: { enabled: 'yes' } } },
      /at '\/monitoring\/dashboard\/enabled': got string, want boolean/,
    ],
  ];
  it.each(wrong)('with %s', async (_, values, message) => {
    const { image, ...rest } = values as { image?: object };
    expect(await refusal({ ...required, ...rest, image: { ...required.image, ...image } })).toMatch(message);
  });
});

it('as a part of another chart it takes what Helm hands down', async () => {
  await render({ global: { imageRegistry: 'registry.example' }, enabled: true });
});

const identity = ({ kind, metadata }: Manifest) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
const argsOf = (all: Manifest[]) => deployments(all).map(({ spec }) => spec.template.spec.containers[0]!.args);

it('two releases of one cluster have no object and no Lease in common', async () => {
  const a = await render({ watchNamespaces: ['shop'] }, 'a', 'system');
  const b = await render({ watchNamespaces: ['lab', 'shop'] }, 'b', 'system');
  expect(a.map(identity).filter((name) => b.map(identity).includes(name))).toEqual([]);
  expect(configOf(argsOf(a)[0]!).leaseName).toBe('a-freehold');
  expect(configOf(argsOf(b)[0]!).leaseName).toBe('b-freehold');
  const [service] = ofKind(a, 'Service') as (Manifest & { spec: { selector: object } })[];
  expect(deployments(b)[0]!.spec.template.metadata.labels).not.toMatchObject(service!.spec.selector);
});

it('each shard is a Deployment with replicas of its own, and none selects the pods of another count', async () => {
  const three = deployments(await render({ shards: 3 }));
  const args = three.map(({ spec }) => configOf(spec.template.spec.containers[0]!.args));
  expect(args.map(({ shard, shards, leaseName }) => [shard, shards, leaseName])).toEqual(
    [0, 1, 2].map((shard) => [shard, 3, 'freehold']),
  );
  const all = [...three, ...deployments(await render())];
  for (const one of all)
    for (const other of all)
      if (one !== other) expect(other.spec.template.metadata.labels).not.toMatchObject(one.spec.selector.matchLabels);
  expect(ofKind(await render({ shards: 3 }), 'PodDisruptionBudget')).toMatchObject(
    three.map(({ spec }) => ({ spec: { selector: spec.selector } })),
  );
  const [first] = deployments(await render({ shards: 2 }));
  expect(first!.spec.selector).toEqual(three[0]!.spec.selector);
});

it('the release can have the longest name that Helm allows', async () => {
  const all = await render({ shards: 100 }, 'r'.repeat(53));
  for (const { metadata } of all) expect(metadata.name.length).toBeLessThanOrEqual(63);
  // The name of a Lease is a label, too.
  expect(`${configOf(argsOf(all)[0]!).leaseName}-99-of-100`.length).toBeLessThanOrEqual(63);
});

it.each([
  ['60s', 90],
  ['2m30.5s', 181],
])('a pod that ends has the time of a change: %s', async (writeDeadline, seconds) => {
  const [deployment] = deployments(await render({ settings: { writeDeadline } }));
  expect(deployment!.spec.template.spec.terminationGracePeriodSeconds).toBe(seconds);
});

it('the network policy lets out to the ports of the allowed endpoints, and nothing else in than to the port', async () => {
  const policy = async (values: object) => {
    const [found] = ofKind(await render({ networkPolicy: { enabled: true }, ...values }), 'NetworkPolicy');
    const { ingress, egress } = found!['spec'] as { ingress: Rule[]; egress: Rule[] };
    return { ingress: ports(ingress), egress: ports(egress) };
  };
  type Rule = { ports: { port?: number | string }[] };
  const ports = (rules: Rule[]) => rules.map((rule) => rule.ports.map(({ port }) => port));
  const always = [
    [53, 53],
    [443, 6443],
  ];
  const hosts = (...allowedEndpoints: string[]) => ({ allowedEndpoints });
  expect(await policy({})).toEqual({ ingress: [['http']], egress: [...always, [443]] });
  expect((await policy(hosts('a.example:5000', 'b.example', 'c.example:5000'))).egress).toEqual([
    ...always,
    [5000, 443],
  ]);
  expect((await policy({ ...hosts('a.example'), allowInsecureEndpoints: true })).egress).toEqual([
    ...always,
    [443, 80],
  ]);
  expect((await policy(hosts('a.example:*', 'b.example'))).egress).toEqual([...always, [undefined]]);
  expect((await policy(hosts())).egress).toEqual(always);
});

it('alerts lead to the runbooks where people have them', async () => {
  const rules = async (runbookBase: string) => {
    const all = await render({ monitoring: { prometheusRule: { enabled: true, runbookBase } } });
    const { groups } = ofKind(all, 'PrometheusRule')[0]!['spec'] as {
      groups: { rules: { annotations: Record<string, string> }[] }[];
    };
    return groups.flatMap((group) => group.rules.map(({ annotations }) => annotations['runbook_url']));
  };
  const base = 'https://git.example/freehold/blob/main';
  for (const address of await rules(base))
    expect(address).toMatch(/^https:\/\/git\.example\/freehold\/blob\/main\/docs\/\w+\.md#/);
  expect(await rules(`${base}/`)).toEqual(await rules(base));
  for (const address of await rules('')) expect(address).toMatch(/^docs\//);
});

it('the notes say what it may do, and what to do next', async () => {
  const args = ['install', 'freehold', chart, '--dry-run=client', '--namespace', 'system', '--values', '-'];
  const { code, stdout, stderr } = await helm(
    args,
    JSON.stringify({ ...required, watchNamespaces: ['shop'], allowInsecureEndpoints: true }),
  );
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/owner ID: my-company-prod\nIt watches shop; credentials go only to keystone-\*/);
  expect(stdout).toContain('WARNING: allowInsecureEndpoints is set');
  expect(stdout).toContain('costs money by the month');
});
