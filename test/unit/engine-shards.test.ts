import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findCondition } from '../../src/engine/conditions.ts';
import { movedTo, shardOf, speaker } from '../../src/engine/shards.ts';
import type { TenantKind, TenantResource } from '../../src/engine/tenant.ts';
import type { Identity } from '../../src/remote/call.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { createToyRemote, toyTenant } from '../support/toy-kind.ts';
import { createToyWorld, secretsType } from '../support/toy-world.ts';

describe('the shard of a key', () => {
  test('is the same for ever: another one would move tenants between processes of two versions', () => {
    const keys = ['sdpf/jp1/0123456789abcdef0123456789abcdef', 'cloudos/-/5f1b', 'SDPFTenant/shop/tenant', ''];
    expect(keys.map((key) => [2, 3, 7].map((count) => shardOf(key, count)))).toEqual([
      [1, 2, 2],
      [1, 1, 1],
      [0, 2, 2],
      [0, 0, 6],
    ]);
  });

  test('is one of them, and the only one where there is one', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 100 }), (key, count) => {
        expect(shardOf(key, 1)).toBe(0);
        expect(shardOf(key, count)).toBeGreaterThanOrEqual(0);
        expect(shardOf(key, count)).toBeLessThan(count);
      }),
    );
  });

  test('with one shard more, keys move to the new one only', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 50 }), (key, count) => {
        expect([shardOf(key, count), count]).toContain(shardOf(key, count + 1));
      }),
    );
  });

  test('is spread evenly, and one shard more takes an even part of each of the others', () => {
    const keys = Array.from({ length: 6000 }, (_, index) => `cloudos/r/${index.toString(16)}`);
    for (const count of [2, 3, 5]) {
      const shares = Array.from({ length: count }, () => 0);
      for (const key of keys) shares[shardOf(key, count)]! += 1;
      for (const share of shares) expect(Math.abs(share - 6000 / count)).toBeLessThan(0.1 * 6000);
      const moved = keys.filter((key) => shardOf(key, count) !== shardOf(key, count + 1)).length;
      expect(Math.abs(moved - 6000 / (count + 1))).toBeLessThan(0.03 * 6000);
    }
  });
});

/** A tenant kind whose remote tenant only the token names. */
const byToken: TenantKind = {
  ...toyTenant(createToyRemote()),
  remoteKey: (_spec, { projectID }) => `toy/${projectID}`,
};
/** The first project that belongs to that of two shards. */
const projectOf = (shard: number, from = 0): string => {
  for (let number = from; ; number += 1) if (shardOf(`toy/p${number}`, 2) === shard) return `p${number}`;
};
/** The first name of a tenant resource that does. */
const tenantOf = (shard: number): string => {
  for (let number = 0; ; number += 1) if (shardOf(`ToyTenant/shop/t${number}`, 2) === shard) return `t${number}`;
};

describe('who speaks for a tenant resource', () => {
  const identifier = 'ToyTenant/shop/t';
  const resource = (projectID?: string, generation = 1, observedGeneration = 1) =>
    ({
      metadata: { namespace: 'shop', name: 't', generation },
      spec: {},
      status: { observedGeneration, ...(projectID !== undefined && { identity: { projectID } }) },
    }) as unknown as TenantResource;

  test('is the shard of its name before the first sign-in, and where it does not exist', () => {
    for (const count of [1, 2, 3, 9]) {
      expect(speaker(byToken, identifier, resource(), count)).toBe(shardOf(identifier, count));
      expect(speaker(byToken, identifier, undefined, count)).toBe(shardOf(identifier, count));
      expect(speaker(undefined, identifier, undefined, count)).toBe(shardOf(identifier, count));
    }
  });

  test('is that of its remote tenant afterwards, also while an edit is not proved yet', () => {
    for (const number of Array.from({ length: 20 }).keys()) {
      const wanted = shardOf(`toy/p${number}`, 3);
      expect(speaker(byToken, identifier, resource(`p${number}`), 3)).toBe(wanted);
      expect(speaker(byToken, identifier, resource(`p${number}`, 2, 1), 3)).toBe(wanted);
    }
  });

  test('moves with the identity, with the deletion, and with nothing else', () => {
    const [here, there] = [resource(projectOf(0)), resource(projectOf(1))];
    const other = 1 - shardOf(identifier, 2);
    const away = resource(projectOf(other));
    expect(movedTo(byToken, { type: 'updated', old: here, object: there }, 2)).toBe(1);
    expect(movedTo(byToken, { type: 'updated', old: here, object: resource(projectOf(0), 2) }, 2)).toBeUndefined();
    expect(movedTo(byToken, { type: 'deleted', object: away }, 2)).toBe(1 - other);
    expect(movedTo(byToken, { type: 'added', object: away }, 2)).toBe(other);
    expect(movedTo(byToken, { type: 'updated', old: here, object: there }, 1)).toBeUndefined();
  });
});

type World = Awaited<ReturnType<typeof createToyWorld>>;
interface Process {
  world: World;
  /** By pollInterval, the tenants to which it made a session. */
  signIns: string[];
  open: number;
}

let worlds: World[];
beforeEach(() => void (worlds = []));
afterEach(async () => {
  for (const world of worlds) await world.end();
});

/** The projects of the tokens by pollInterval, which tells the tenants apart; undefined: the sign-in is refused. */
type Projects = Record<number, string | undefined>;

/** One of two shards; `remote` is what it alone talks to. */
async function shard(index: number, projects: Projects, beside?: World): Promise<Process> {
  const remote = createToyRemote();
  const self: Pick<Process, 'signIns' | 'open'> = { signIns: [], open: 0 };
  const tenantKind = (base: TenantKind): TenantKind => ({
    ...base,
    remoteKey: byToken.remoteKey,
    connect(options) {
      const { client, session } = base.connect(options);
      const { pollInterval } = options.spec as { pollInterval: number };
      const identity = async (): Promise<Identity> => {
        const projectID = projects[pollInterval];
        if (projectID === undefined) {
          const [operation, message] = ['SignIn', 'SignIn: no'];
          throw new RemoteError({ reason: 'CredentialsRefused', outcome: 'definitely-not', operation, message });
        }
        return { projectID, projectName: 'n', userName: 'u', roles: [] };
      };
      self.signIns.push(`${pollInterval}`);
      self.open += 1;
      const close = () => void (self.open -= 1);
      return { client, session: { ...session, identity, close } };
    },
  });
  const settings = { shard: { index, count: 2 }, holder: `pod-${index}` };
  const world = await createToyWorld({ remote, tenantKind, settings, ...(beside ? { beside } : { tenants: {} }) });
  worlds.push(world);
  return Object.assign(self, { world });
}

/** Both shards; nothing is started. */
async function both(projects: Projects): Promise<[Process, Process]> {
  const first = await shard(0, projects);
  return [first, await shard(1, projects, first.world)];
}

const bound = ({ world }: Process) =>
  world
    .term()
    .context.tenants.all()
    .map(({ key }) => key);
const tenantReady = async ({ world }: Process, name: string) =>
  findCondition((await world.getTenant(name))?.status?.conditions, 'Ready');

describe('two shards', () => {
  test('bind each remote tenant once, whoever signed in first, and buy each thing once', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `t${index}`);
    const projects = Object.fromEntries(names.map((_, index) => [60 + index, `p${index}`]));
    const [a, b] = await both(projects);
    for (const [index, name] of names.entries()) {
      await a.world.tenant(name, { pollInterval: 60 + index });
      await a.world.make(`web-${name}`, { tenantRef: { name } });
    }
    await Promise.all([a, b].map(({ world }) => world.start()));
    await a.world.pass(200);
    const keys = names.map((_, index) => `toy/p${index}`);
    expect(bound(a).sort()).toEqual(keys.filter((key) => shardOf(key, 2) === 0));
    expect(bound(b).sort()).toEqual(keys.filter((key) => shardOf(key, 2) === 1));
    expect(bound(a).length * bound(b).length).toBeGreaterThan(0);
    for (const [index, name] of names.entries()) {
      expect(await tenantReady(a, name)).toMatchObject({ status: 'True', message: `connected to toy/p${index}` });
      expect(await a.world.ready(`web-${name}`)).toMatchObject({ status: 'True' });
      // By the shard of its name, and by that of its remote tenant.
      const two = shardOf(`ToyTenant/shop/${name}`, 2) === shardOf(`toy/p${index}`, 2) ? 1 : 2;
      expect([...a.signIns, ...b.signIns].filter((interval) => interval === `${60 + index}`)).toHaveLength(two);
    }
    const creates = [...a.world.remote.calls, ...b.world.remote.calls].filter((call) => call.startsWith('POST nodes'));
    expect(creates).toHaveLength(8);
    // Sessions of tenants that it handed over are closed.
    expect([a.open, b.open]).toEqual([bound(a).length, bound(b).length]);

    // Quiet (law 5): no word twice, and nothing to and fro.
    a.world.kube.writes = [];
    await a.world.pass(600);
    expect(a.world.kube.writes).toEqual([]);
  });

  test('leave what is not theirs alone: nothing is read, written or asked', async () => {
    const projects = { 60: projectOf(1) };
    const [a] = await both(projects);
    const { world } = a;
    const name = tenantOf(0);
    await world.tenant(name, { pollInterval: 60 });
    const identity = { projectID: projectOf(1), projectName: 'n', userName: 'u' };
    await world.kube.mergePatch(
      world.tenantType,
      { namespace: 'shop', name },
      { status: { identity } },
      {
        subresource: 'status',
      },
    );
    await world.make('web', { tenantRef: { name } });
    await world.make('lost', { tenantRef: { name: tenantOf(1) } });
    world.kube.writes = [];
    const reads: string[] = [];
    const { get } = world.kube;
    world.kube.get = (type, key) => {
      reads.push(type.plural);
      return get(type, key);
    };
    // Shard 0 alone.
    await world.start();
    await world.pass(1000);
    await world.patch('web', { metadata: { annotations: { 'freehold.dev/reconcile-requested-at': 'now' } } });
    await world.delete('lost');
    await world.pass(1000);
    expect([a.signIns, world.remote.lists, world.remote.reads, bound(a)]).toEqual([[], 0, [], []]);
    expect(reads).toEqual([]);
    expect(world.kube.writes.filter(({ verb }) => verb !== 'delete').map(({ body }) => body)).toEqual([
      { metadata: { annotations: { 'freehold.dev/reconcile-requested-at': 'now' } } },
    ]);
  });

  test('a tenant resource that does not exist is missed by one of them', async () => {
    const [a, b] = await both({});
    await a.world.make('web', { tenantRef: { name: tenantOf(1) } });
    await a.world.start();
    await a.world.pass(60);
    expect(await a.world.ready('web')).toBeUndefined();
    await b.world.start();
    await a.world.pass(60);
    expect(await a.world.ready('web')).toMatchObject({ reason: 'TenantNotFound' });
  });

  test('while the owner is not there, the tenant says which shard is waited for', async () => {
    const [a] = await both({ 60: projectOf(1) });
    const name = tenantOf(0);
    await a.world.tenant(name, { pollInterval: 60 });
    await a.world.make('web', { tenantRef: { name } });
    await a.world.start();
    await a.world.pass(1000);
    expect(await tenantReady(a, name)).toMatchObject({
      status: 'False',
      reason: 'Listing',
      message: `signed in to toy/${projectOf(1)}; shard 1 of 2 takes it from here: it signs in, lists and reports`,
    });
    expect((await a.world.getTenant(name))?.status).toMatchObject({ identity: { projectID: projectOf(1) } });
    expect([a.signIns, a.open, bound(a), a.world.remote.lists]).toEqual([['60'], 0, [], 0]);
  });

  test('a tenant whose token is for another project moves, and its resources go on there', async () => {
    const [from, to] = [projectOf(0), projectOf(1)];
    const projects: Projects = { 60: from };
    const [a, b] = await both(projects);
    const name = tenantOf(0);
    await a.world.tenant(name, { pollInterval: 60 });
    await a.world.make('old', { tenantRef: { name } });
    await a.world.make('seen', { tenantRef: { name }, managementPolicy: 'Observe' });
    await Promise.all([a, b].map(({ world }) => world.start()));
    await a.world.pass(100);
    expect(await a.world.ready('old')).toMatchObject({ status: 'True' });
    expect([bound(a), bound(b)]).toEqual([[`toy/${from}`], []]);

    const remembered = a.world.term().context.memory('ToyNode/shop/old');
    projects[61] = to;
    await a.world.patchTenant(name, { spec: { pollInterval: 61 } });
    await a.world.pass(100);
    expect([bound(a), bound(b)]).toEqual([[], [`toy/${to}`]]);
    expect([a.open, b.open]).toEqual([0, 1]);
    expect(await tenantReady(a, name)).toMatchObject({ status: 'True', message: `connected to toy/${to}` });
    expect(await a.world.ready('old')).toMatchObject({ reason: 'TargetChanged' });
    expect(await a.world.ready('seen')).toMatchObject({
      reason: 'NotFound',
      message: expect.stringContaining(`toy/${to} holds no node`),
    });
    await a.world.make('new', { tenantRef: { name } });
    const lists = a.world.remote.lists;
    await a.world.pass(200);
    expect(await a.world.ready('new')).toMatchObject({ status: 'True' });
    expect(a.world.remote.lists).toBe(lists);
    expect(b.world.remote.calls).toEqual(['POST nodes', 'POST groups']);

    // And back, where the old one is still known.
    projects[62] = from;
    await a.world.patchTenant(name, { spec: { pollInterval: 62 } });
    await a.world.pass(200);
    expect([bound(a), bound(b)]).toEqual([[`toy/${from}`], []]);
    expect(await a.world.ready('old')).toMatchObject({ status: 'True' });
    expect(await a.world.ready('new')).toMatchObject({ reason: 'TargetChanged' });
    // Others had it meanwhile: nothing that was remembered of it may be believed.
    expect(a.world.term().context.memory('ToyNode/shop/old')).not.toBe(remembered);
  });

  test('one that waits for a pause moves all the same: its resources are told by the new owner', async () => {
    const [a, b] = await both({ 60: projectOf(0) });
    const name = tenantOf(0);
    await a.world.tenant(name, { pollInterval: 60 });
    await Promise.all([a, b].map(({ world }) => world.start()));
    await a.world.pass(60);
    await a.world.patchTenant(name, { metadata: { annotations: { 'freehold.dev/paused': 'true' } } });
    await a.world.pass(10);
    // Its resource is known before the tenant's new identity.
    b.world.silent.add('toytenants');
    const identity = { projectID: projectOf(1), projectName: 'n', userName: 'u' };
    const key = { namespace: 'shop', name };
    await a.world.kube.mergePatch(a.world.tenantType, key, { status: { identity } }, { subresource: 'status' });
    await a.world.pass(1);
    await a.world.make('web', { tenantRef: { name } });
    await a.world.pass(10);
    expect(await a.world.ready('web')).toBeUndefined();
    b.world.silent.clear();
    await a.world.pass(1);
    // As with every resource that is new to a process.
    expect(await a.world.ready('web')).toBeUndefined();
    await a.world.pass(60);
    expect(await a.world.ready('web')).toMatchObject({ reason: 'TenantNotReady' });
  });

  test('who moved away no longer hurries the lists of those who stay', async () => {
    const projects: Projects = { 60: projectOf(0), 61: projectOf(0), 62: projectOf(1) };
    const [a, b] = await both(projects);
    await a.world.tenant('stays', { pollInterval: 60 });
    await a.world.tenant('goes', { pollInterval: 61 });
    await a.world.make('web', { tenantRef: { name: 'goes' } });
    await Promise.all([a, b].map(({ world }) => world.start()));
    await a.world.pass(100);
    const [remote] = a.world.term().context.tenants.all();
    expect([...remote!.bindings.keys()].sort()).toEqual(['ToyTenant/shop/goes', 'ToyTenant/shop/stays']);
    remote!.collections.get('nodes')!.want('ToyNode/shop/web', 1000);
    await a.world.pass(10);
    await a.world.patchTenant('goes', { spec: { pollInterval: 62 } });
    await a.world.pass(10);
    expect([...remote!.bindings.keys()]).toEqual(['ToyTenant/shop/stays']);
    const before = a.world.remote.listsOf.nodes;
    await a.world.pass(300);
    expect(a.world.remote.listsOf.nodes - before).toBeLessThan(7);
  });

  test('an edit of the spec leaves the tenant where it is, and costs no second list', async () => {
    const projects: Projects = { 60: projectOf(1), 90: projectOf(1) };
    const [a, b] = await both(projects);
    const name = tenantOf(0);
    await a.world.tenant(name, { pollInterval: 60 });
    await Promise.all([a, b].map(({ world }) => world.start()));
    await a.world.pass(60);
    await a.world.patchTenant(name, { spec: { pollInterval: 90 } });
    await a.world.pass(60);
    expect([a.signIns, b.signIns]).toEqual([['60'], ['60', '90']]);
    expect(await tenantReady(a, name)).toMatchObject({ status: 'True' });
  });

  test('credentials that fail say so through the owner alone, and move nothing', async () => {
    const projects: Projects = { 60: projectOf(1) };
    const [a, b] = await both(projects);
    const name = tenantOf(0);
    await a.world.tenant(name, { pollInterval: 60 });
    await Promise.all([a, b].map(({ world }) => world.start()));
    await a.world.pass(60);
    projects[60] = undefined;
    await b.world.restart();
    await a.world.pass(300);
    expect(await tenantReady(a, name)).toMatchObject({ status: 'False', reason: 'CredentialsRefused' });
    expect(a.signIns).toEqual(['60']);
    a.world.kube.writes = [];
    await a.world.pass(300);
    expect(a.world.kube.writes).toEqual([]);
    projects[60] = projectOf(1);
    await a.world.pass(60);
    expect(await tenantReady(a, name)).toMatchObject({ status: 'True' });
    expect(a.signIns).toEqual(['60']);
  });

  test('the finalizer of a Secret that tenants of both share stays until the last of them is gone', async () => {
    const [a, b] = await both({ 60: projectOf(0), 61: projectOf(1) });
    const [mine, yours] = [tenantOf(0), tenantOf(1)];
    await a.world.tenant(mine, { pollInterval: 60 });
    await a.world.tenant(yours, { pollInterval: 61 });
    await a.world.make('one', { tenantRef: { name: mine } });
    await a.world.make('two', { tenantRef: { name: yours } });
    await Promise.all([a, b].map(({ world }) => world.start()));
    await a.world.pass(100);
    const finalizers = async () =>
      (await a.world.kube.get(secretsType, { namespace: 'shop', name: 'credentials' }))?.metadata.finalizers ?? [];
    expect(await finalizers()).toHaveLength(1);
    await a.world.delete('one');
    await a.world.pass(1300);
    expect(await a.world.get('one')).toBeUndefined();
    expect(await finalizers()).toHaveLength(1);
    await a.world.delete('two');
    await a.world.pass(1300);
    expect(await finalizers()).toEqual([]);
  });
});
