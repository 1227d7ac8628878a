import { afterEach, beforeEach, expect, it } from 'vitest';
import { shardOf } from '../../src/engine/shards.ts';
import { leaseType } from '../../src/kube/lease-record.ts';
import { createScenario, type OperatorProcess, type Scenario } from '../support/scenario.ts';
import { until } from '../support/wait.ts';

const flags = ['--lease-duration', '6s', '--renew-deadline', '4s', '--retry-period', '1s'];

/** A tenant ID of SDPF whose remote tenant belongs to that shard of two, and to that of three. */
function tenantIDOf(region: string, ofTwo: number, ofThree: number): string {
  for (let number = 1; ; number += 1) {
    const id = number.toString(16).padStart(32, '0');
    const key = `sdpf/${region}/${id}`;
    if (shardOf(key, 2) === ofTwo && shardOf(key, 3) === ofThree) return id;
  }
}

interface Shard extends OperatorProcess {
  index: number;
  count: number;
}

let s: Scenario;
/** IDs of the tenants by the name of their tenant resource. */
let tenants: Map<string, string>;

beforeEach(async () => {
  s = await createScenario({ settings: { buildSeconds: 1, deleteSeconds: 1 }, now: Date.now });
  const { region, apiSecret } = s.sandbox.info.sdpf;
  const places: [number, number][] = [
    [0, 0],
    [1, 1],
    [0, 2],
    [1, 2],
  ];
  tenants = new Map(places.map((place, index) => [`t${index}`, tenantIDOf(region, ...place)]));
  for (const [name, tenantID] of tenants) {
    const apiKey = `key-${name}`;
    await s.sandbox.control('POST', 'tenants', { tenantID, apiKey, apiSecret });
    const [secret, tenant] = s.tenant({ tenantID, pollInterval: 10 }, name);
    await s.apply({ ...secret, stringData: { apiKey, apiSecret } }, tenant!);
  }
});
afterEach(() => s.end());

const keyOf = (name: string) => `sdpf/${s.sandbox.info.sdpf.region}/${tenants.get(name)}`;

const start = (index: number, count: number): Shard => ({
  ...s.spawn('--shards', `${count}`, '--shard', `${index}`, '--identity', `${index}-of-${count}`, ...flags),
  index,
  count,
});
const led = (shard: Shard) => shard.output().includes('"msg":"leading"');
const leads = (shard: Shard) => until(`${shard.index} of ${shard.count} leads`, () => led(shard), 30_000);

async function ask(shard: Shard, path: string): Promise<{ status: number; text: string }> {
  const port = () => /"telemetry":(\d+)/.exec(shard.output())?.[1];
  await until('it serves telemetry', () => port() !== undefined);
  const response = await fetch(`http://127.0.0.1:${port()}${path}`);
  return { status: response.status, text: await response.text() };
}

/** Remote tenants with which it did more than sign in. */
async function workedOn(shard: Shard): Promise<string[]> {
  const { text } = await ask(shard, '/metrics');
  const calls = [...text.matchAll(/^freehold_remote_requests_total\{tenant="([^"]*)",operation="([^"]*)"/gm)];
  const own = calls.filter(([, , operation]) => operation !== 'SignIn').map(([, tenant]) => tenant!);
  return [...new Set(own)].sort();
}

const belongingTo = ({ index, count }: Shard) =>
  [...tenants.keys()]
    .map(keyOf)
    .filter((key) => shardOf(key, count) === index)
    .sort();

/** What it changed at the remote, by remote tenant. */
const changed = (shard: Shard) =>
  shard
    .output()
    .split('\n')
    .filter((line) => line.includes('"audit"'))
    .map((line) => (JSON.parse(line) as { tenant: string }).tenant);

const hypervisors = (round: string) =>
  [...tenants.keys()].map((name) => s.hypervisor(`${round}-${name}`, { tenantRef: { name } }));
const bought = async () => (await s.sandbox.servers()).map(({ name }) => name).sort();
const named = (...rounds: string[]) => rounds.flatMap((round) => [...tenants.keys()].map((name) => `${round}-${name}`));

it('two shards share the tenants out, each lists and changes its own only, and one known by its token alone finds its shard', async () => {
  const shards = [start(0, 2), start(1, 2)];
  for (const shard of shards) await leads(shard);
  const { authURL, endpoint, project, username, password } = s.sandbox.info.cloudos;
  await s.apply(
    ...hypervisors('web'),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'cloud' },
      type: 'freehold.dev/credentials',
      stringData: { username, password },
    },
    // Three names, so that shards differ in who signs in first.
    ...['cloud-a', 'cloud-b', 'cloud-c'].map((name) => ({
      apiVersion: 'cloudos.freehold.dev/v1alpha1',
      kind: 'CloudOSTenant',
      metadata: { name },
      spec: { authURL, endpoint, project, credentialsSecretRef: { name: 'cloud' } },
    })),
  );
  for (const name of named('web')) await s.ready(name);
  for (const name of tenants.keys()) await s.condition('sdpft', name, 'Ready', 'True', 'Connected');
  for (const name of ['cloud-a', 'cloud-b', 'cloud-c']) await s.condition('cost', name, 'Ready', 'True', 'Connected');
  const cloud = await s.get('cost', 'cloud-a');
  const identity = cloud?.status?.['identity'] as { projectID: string } | undefined;
  const cloudKey = `cloudos/-/${identity?.projectID}`;
  for (const shard of shards) {
    const clouds = shardOf(cloudKey, 2) === shard.index ? [cloudKey] : [];
    expect(await workedOn(shard)).toEqual([...belongingTo(shard), ...clouds].sort());
    expect([...new Set(changed(shard))].sort()).toEqual(belongingTo(shard));
    expect(await ask(shard, '/readyz')).toEqual({ status: 200, text: 'ok' });
  }
  expect(await bought()).toEqual(named('web').sort());
  const { stdout } = await s.kubectl(['get', 'lease', '-l', 'freehold.dev/lease-name=freehold', '-o', 'name']);
  expect(stdout.trim().split('\n')).toEqual(
    ['freehold', 'freehold-0-of-2', 'freehold-1-of-2'].map((name) => `lease.coordination.k8s.io/${name}`),
  );
}, 90_000);

it('from two shards to three while servers are bought: the three wait for the last of the two, nothing is bought twice, and all ends well', async () => {
  const two = [start(0, 2), start(1, 2)];
  for (const shard of two) await leads(shard);
  await s.apply(...hypervisors('first'));
  for (const name of named('first')) await s.ready(name);

  // The answers to these creates are on their way when the processes change.
  await s.sandbox.fault({ operation: 'CreateServer', delayMs: 4000, times: 4 });
  await s.apply(...hypervisors('second'));
  await until('all creates have left', async () => (await s.sandbox.calls('CreateServer')).length === 8);
  const three = [start(0, 3), start(1, 3), start(2, 3)];
  await until('they wait', () => three.every((shard) => shard.output().includes('waits for Lease')));
  for (const shard of three) {
    const { status, text } = await ask(shard, '/readyz');
    expect([status, text]).toEqual([200, expect.stringMatching(/^ok\nshards: waits for Lease freehold-\d-of-2/)]);
    expect((await ask(shard, '/metrics')).text).toContain('freehold_shard_waiting 1');
  }
  expect(three.filter((shard) => led(shard))).toEqual([]);
  // One is killed in the middle, one ends as it should.
  await two[1]!.kill();
  const killed = performance.now();
  expect(await two[0]!.stop()).toBe(0);
  await s.apply(...hypervisors('third'));
  await Promise.all(three.map((shard) => leads(shard)));
  expect(performance.now() - killed).toBeGreaterThan(3000); // its Lease was renewed at most 2 s before

  for (const name of named('first', 'second', 'third')) await s.ready(name, 30_000);
  for (const name of tenants.keys()) await s.condition('sdpft', name, 'Ready', 'True', 'Connected');
  expect(await bought()).toEqual(named('first', 'second', 'third').sort());
  for (const shard of three) {
    expect(await workedOn(shard)).toEqual(belongingTo(shard));
    expect(changed(shard).filter((key) => !belongingTo(shard).includes(key))).toEqual([]);
    expect(shard.output().match(/"msg":"waits for/g)).toHaveLength(1);
  }
  const { items } = await s.api.list<never>(leaseType, { namespace: s.namespace });
  const held = (items as { metadata: { name: string }; spec: { holderIdentity?: string } }[])
    .filter(({ metadata, spec }) => spec.holderIdentity && metadata.name !== 'freehold-1-of-2')
    .map(({ metadata }) => metadata.name);
  expect(held).toEqual(['freehold-0-of-3', 'freehold-1-of-3', 'freehold-2-of-3']);
}, 120_000);

it('back to one undivided process: it waits for the shards, too', async () => {
  const two = [start(0, 2), start(1, 2)];
  for (const shard of two) await leads(shard);
  await s.apply(...hypervisors('web'));
  for (const name of named('web')) await s.ready(name);
  const one = start(0, 1);
  await until('it waits', () => one.output().includes('waits for Lease'));
  await s.apply(...hypervisors('meanwhile'));
  for (const name of named('meanwhile')) await s.ready(name);
  expect(led(one)).toBe(false);
  for (const shard of two) await shard.stop();
  await leads(one);
  await s.apply(...hypervisors('more'));
  for (const name of named('web', 'meanwhile', 'more')) await s.ready(name);
  expect(await bought()).toEqual(named('web', 'meanwhile', 'more').sort());
  expect(await workedOn(one)).toEqual([...tenants.keys()].map(keyOf).sort());
}, 90_000);
