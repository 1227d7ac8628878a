import { afterEach, describe, expect, test } from 'vitest';
import { finalizer, inUseFinalizer, targetAnnotation } from '../../src/engine/annotations.ts';
import { markerOf, ownerText } from '../../src/engine/owner.ts';
import { KubeError } from '../../src/kube/types.ts';
import { createToyRemote } from '../support/toy-kind.ts';
import { createToyWorld, secretsType, toyServer, type ToyWorldOptions } from '../support/toy-world.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
const world = async (options: ToyWorldOptions = {}) => {
  const made = await createToyWorld(options);
  ends.push(() => made.end());
  return made;
};
const ownerOf = (name: string) => ({ ownerID: 'prod', namespace: 'shop', name });
const posts = (calls: string[]) => calls.filter((call) => call.startsWith('POST'));
const deletes = (calls: string[]) => calls.filter((call) => call.startsWith('DELETE'));

describe('a term that has ended', () => {
  test('lists nothing for a tenant that was connecting when it ended', async () => {
    const remote = createToyRemote();
    let signedIn = () => {};
    let waitForIt = true;
    const session = {
      ...remote.session,
      async identity() {
        if (waitForIt) await new Promise<void>((resolve) => (signedIn = resolve));
        return { projectID: 'p', projectName: 'project', userName: 'user', roles: [] };
      },
    };
    const { start, term, pass } = await world({
      remote,
      tenantKind: (kind) => ({ ...kind, connect: () => ({ client: remote, session }) }),
    });
    await start();
    await pass(2);
    await term().stop({ drain: true });
    waitForIt = false;
    signedIn();
    await pass(600);
    expect(remote.lists).toBe(0);
  });
});

describe('a resource whose metadata somebody replaced', () => {
  test('gets finalizer and target back, so that its deletion is not lost', async () => {
    const { start, make, pass, patch, get, kube } = await world();
    await start();
    await make('web', { deletionPolicy: 'Delete' });
    await pass(60);
    await patch('web', { metadata: { finalizers: [], annotations: { [targetAnnotation]: null } } });
    await pass(60);
    const { finalizers, annotations } = (await get('web'))!.metadata;
    expect([finalizers, annotations?.[targetAnnotation]]).toEqual([[finalizer], 'toy/t1']);
    kube.writes = [];
    await pass(300);
    expect(kube.writes).toEqual([]);
  });
});

describe('an open breaker', () => {
  test('holds back also the parts of an object that is still there', async () => {
    const { start, make, pass, remote, ready, getTenant } = await world();
    await start();
    for (const name of ['a', 'b', 'c', 'd']) await make(name, { macs: ['m'] });
    await pass(120);
    const before = remote.calls.length;
    expect(posts(remote.calls)).toHaveLength(12);
    const [kept, ...others] = [...remote.held.nodes.keys()];
    for (const id of others) remote.held.nodes.delete(id);
    await pass(180);
    remote.held.ports.clear();
    remote.held.groups.clear();
    await pass(180);
    expect(kept).toBeDefined();
    expect((await getTenant())!.status!.conditions![0]!.reason).toBe('BreakerOpen');
    expect(remote.calls.slice(before)).toEqual([]);
    expect((await ready('a'))!.reason).toBe('BreakerOpen');
  });

  test('is not closed a second time by the word that another tenant resource still carries', async () => {
    const { start, make, pass, remote, getTenant, patchTenant, patch, ready } = await world({
      tenants: { t: {}, u: {} },
    });
    await start();
    await make('web');
    await make('other', { tenantRef: { name: 'u' } });
    await pass(120);
    const nodes = new Map(remote.held.nodes);
    expect(nodes.size).toBe(2);
    const breakersOf = async (name: string) =>
      (await getTenant(name))!.status!['breakers'] as { hash: string }[] | undefined;
    remote.held.nodes.clear();
    await pass(180);
    const word = { metadata: { annotations: { 'freehold.dev/accept-loss': (await breakersOf('t'))![0]!.hash } } };
    await patchTenant('t', word);
    await patchTenant('u', word);
    // Beyond the settle window of the creates: until then nothing counts as gone.
    await pass(1000);
    expect((await ready('web'))!.reason).toBe('RemoteLost');
    for (const [id, thing] of nodes) remote.held.nodes.set(id, thing);
    for (const name of ['web', 'other']) await patch(name, { spec: { recreatePolicy: 'Always' } });
    await pass(180);
    expect((await ready('web'))!.status).toBe('True');
    const before = posts(remote.calls).length;
    remote.held.nodes.clear();
    await pass(400);
    expect(await breakersOf('u')).toBeDefined();
    expect(posts(remote.calls)).toHaveLength(before);
  });
});

describe('a restart', () => {
  test('writes nothing about an object that is known to be lost', async () => {
    const { start, make, pass, remote, ready, restart, kube, patchTenant, getTenant } = await world();
    await start();
    await make('web');
    await pass(60);
    await pass(1000);
    remote.held.nodes.clear();
    await pass(120);
    const breakers = (await getTenant())!.status!['breakers'] as { hash: string }[];
    await patchTenant('t', { metadata: { annotations: { 'freehold.dev/accept-loss': breakers[0]!.hash } } });
    await pass(300);
    expect((await ready('web'))!.reason).toBe('RemoteLost');
    kube.writes = [];
    await restart();
    await pass(300);
    expect(kube.writes.filter(({ plural }) => plural === 'toynodes')).toEqual([]);
  });

  test('leaves the question about an ambiguous create as it stands', async () => {
    const { start, make, pass, remote, ready, restart, kube } = await world({ kind: toyServer });
    await start();
    remote.mishaps = ['lost-before'];
    await make('web');
    await pass(20);
    // Somebody buys another at the same moment.
    remote.held.nodes.set('stranger', { id: 'stranger', extra: '' });
    await pass(1200);
    expect((await ready('web'))!.reason).toBe('CreateOutcomeAmbiguous');
    kube.writes = [];
    await restart();
    await pass(1200);
    expect(kube.writes.filter(({ plural }) => plural === 'toyservers')).toEqual([]);
    expect(posts(remote.calls)).toHaveLength(1);
  });
});

describe('a watch that went silent', () => {
  test('a resource that is long gone is not asked for over and over', async () => {
    const { start, make, pass, kube, silent, tenant, type, delete: remove } = await world();
    await start();
    await make('web', { tenantRef: { name: 'u' } });
    await pass(10);
    const { get } = kube;
    let gets = 0;
    kube.get = async (asked, key) => {
      if (asked.plural === type.plural) gets += 1;
      return get.call(kube, asked, key) as never;
    };
    silent.add(type.plural);
    await remove('web');
    await tenant('u');
    await pass(60);
    silent.clear();
    expect(gets).toBeGreaterThan(0);
    expect(gets).toBeLessThan(12);
  });
});

describe('the credentials Secret', () => {
  test('is let go when its tenant names another one', async () => {
    const { start, make, pass, kube, secret, patchTenant } = await world();
    await start();
    await make('web');
    await pass(30);
    const finalizersOf = async (name: string) =>
      (await kube.get(secretsType, { namespace: 'shop', name }))!.metadata.finalizers ?? [];
    expect(await finalizersOf('credentials')).toEqual([inUseFinalizer]);
    await secret('rotated');
    await patchTenant('t', { spec: { credentialsSecretRef: { name: 'rotated' } } });
    await pass(30);
    expect([await finalizersOf('credentials'), await finalizersOf('rotated')]).toEqual([[], [inUseFinalizer]]);
  });
});

describe('a claim', () => {
  test('that was given up before it was recorded no longer keeps others away', async () => {
    const { start, make, pass, remote, kube, patch, ready, get } = await world({ kind: toyServer });
    for (const id of ['x', 'y']) remote.held.nodes.set(id, { id, extra: '' });
    await start();
    let raced = false;
    kube.intercept = ({ body, verb }) => {
      if (raced || verb !== 'mergePatch' || !JSON.stringify(body).includes('"externalID":"x"')) return;
      raced = true;
      void patch('web', { spec: { externalID: 'y' } });
      throw new KubeError(409, 'Conflict', 'changed meanwhile');
    };
    await make('web', { externalID: 'x' });
    await pass(60);
    expect([raced, (await get('web'))!.status!.externalID]).toEqual([true, 'y']);
    await make('other', { externalID: 'x' });
    await pass(60);
    expect(await ready('other')).toMatchObject({ status: 'True' });
  });

  test('that somebody only wishes for in another remote tenant hides no candidate', async () => {
    const { start, make, pass, remote, ready } = await world({ kind: toyServer });
    const damaged = markerOf(ownerOf('web')).slice(0, 20);
    remote.held.nodes.set('x', { id: 'x', extra: damaged });
    await start();
    await make('thief', { externalID: 'x', tenantRef: { name: 'nowhere' } });
    await pass(10);
    await make('web');
    await pass(120);
    expect(posts(remote.calls)).toEqual([]);
    expect((await ready('web'))!.reason).toBe('CreateOutcomeAmbiguous');
  });
});

describe('a DELETE', () => {
  test('is not sent again after the policy became Retain, though the watch did not tell yet', async () => {
    const { start, make, pass, flush, remote, silent, type, patch, delete: remove } = await world({ kind: toyServer });
    await start();
    await make('web', { deletionPolicy: 'Delete' });
    await pass(60);
    remote.mishaps = ['busy'];
    await remove('web');
    for (let turn = 0; turn < 20 && deletes(remote.calls).length === 0; turn += 1) await flush();
    expect(deletes(remote.calls)).toHaveLength(1);
    silent.add(type.plural);
    await patch('web', { spec: { deletionPolicy: 'Retain' } });
    await pass(120);
    silent.clear();
    expect(deletes(remote.calls)).toHaveLength(1);
  });
});

describe('an unsettled create', () => {
  test('is settled in time also when its tenant resource was made anew', async () => {
    const { start, make, pass, remote, ready, kube, tenant, tenantType } = await world({ kind: toyServer });
    await start();
    await pass(60 * 100);
    remote.mishaps = ['lost-before'];
    await make('web');
    await pass(20);
    expect((await ready('web'))!.reason).toBe('CreateOutcomeUnknown');
    const at = { namespace: 'shop', name: 't' };
    await kube.mergePatch(tenantType, at, { metadata: { finalizers: [] } });
    await kube.delete(tenantType, at);
    await pass(5);
    await tenant('t');
    await pass(1200);
    expect(await ready('web')).toMatchObject({ status: 'True' });
    expect(posts(remote.calls)).toHaveLength(2);
  });
});

describe('a node with a chosen ID whose record failed', () => {
  test('is not let go unsaid when it is deleted at that moment', async () => {
    const { start, make, pass, remote, kube, events, delete: remove, get } = await world();
    await start();
    let raced = false;
    kube.intercept = ({ body, verb }) => {
      if (raced || verb !== 'mergePatch' || !JSON.stringify(body).includes('"externalID"')) return;
      raced = true;
      void remove('web');
      throw new KubeError(409, 'Conflict', 'changed meanwhile');
    };
    await make('web');
    await pass(120);
    expect([raced, await get('web')]).toEqual([true, undefined]);
    expect([...remote.held.nodes.values()].map(({ extra }) => extra)).toEqual([ownerText(ownerOf('web'))]);
    expect(events.filter(({ reason }) => reason === 'Retained')).toHaveLength(1);
  });
});

describe('a paused tenant', () => {
  test('tells its users that it is paused', async () => {
    const { start, make, pass, ready, tenant } = await world({ tenants: {} });
    await tenant('t', {}, { annotations: { 'freehold.dev/paused': 'true' } });
    await start();
    await make('web');
    await pass(30);
    expect((await ready('web'))!.message).toContain('freehold.dev/paused');
  });
});

describe('two tenant resources for one remote tenant', () => {
  const two = () => {
    const right = createToyRemote();
    const wrong = createToyRemote();
    const sessionAt = (host: string) => ({ ...right.session, endpoint: async () => new URL(`https://${host}/v1`) });
    const options: ToyWorldOptions = {
      kind: toyServer,
      remote: right,
      tenantKind: (kind) => ({
        ...kind,
        connect: ({ spec }) => {
          const host = (spec as { host?: string }).host ?? 'right';
          return { client: host === 'right' ? right : wrong, session: sessionAt(host) };
        },
      }),
    };
    return { right, wrong, options };
  };

  test('nothing is bought on the lists of an endpoint that is not the own one', async () => {
    const { right, wrong, options } = two();
    right.held.nodes.set('ours', { id: 'ours', extra: markerOf(ownerOf('web')) });
    // By name `a` is listed through first.
    const { start, make, pass, get } = await world({ ...options, tenants: { a: { host: 'wrong' }, t: {} } });
    await start();
    await make('web');
    await pass(120);
    expect([right.calls, wrong.calls]).toEqual([[], []]);
    expect((await get('web'))!.status!.externalID ?? 'ours').toBe('ours');
  });

  test('a moved endpoint is not proved by the lists of another', async () => {
    const { right, wrong, options } = two();
    const { start, make, pass, patchTenant } = await world({ ...options, tenants: { a: {}, t: {} } });
    await start();
    await make('web');
    await pass(60);
    expect(right.calls).toHaveLength(1);
    await patchTenant('t', { spec: { host: 'wrong' } });
    await pass(60);
    await make('next');
    await pass(120);
    expect(wrong.calls).toEqual([]);
  });
});

describe('an endpoint that moved in the catalogue', () => {
  test('is proved before anything is changed there', async () => {
    const right = createToyRemote();
    let host = 'right';
    const session = { ...right.session, endpoint: async () => new URL(`https://${host}/v1`) };
    const { start, make, pass, getTenant } = await world({
      remote: right,
      tenantKind: (kind) => ({ ...kind, connect: () => ({ client: right, session }) }),
    });
    await start();
    await make('web');
    await pass(60);
    expect((await getTenant())!.status!['endpoint']).toBe('https://right/v1');
    right.held.nodes.clear();
    host = 'wrong';
    await pass(400);
    expect((await getTenant())!.status!['endpoint']).toBe('https://right/v1');
    expect((await getTenant())!.status!.conditions![0]!.reason).toBe('TargetUnproved');
  });
});

describe('an ID in other letters', () => {
  test('is not taken for another object than the one that the list shows', async () => {
    const remote = createToyRemote();
    remote.held.nodes.set('abc', { id: 'abc', extra: '' });
    const read: typeof toyServer.main.read = async (client, id) =>
      (client as typeof remote).held.nodes.get(id.toLowerCase());
    const { start, make, pass, get, ready } = await world({
      kind: { ...toyServer, main: { ...toyServer.main, read } },
      remote,
    });
    await start();
    await make('web', { externalID: 'ABC' });
    await pass(120);
    expect((await get('web'))!.status!.externalID).toBeUndefined();
    expect((await ready('web'))!.reason).toBe('InvalidSpec');
  });
});

describe('a create that was refused while its spec was being mended', () => {
  test('is sent again with the new spec, not taken for one with unknown outcome', async () => {
    const { start, make, pass, remote, kube, patch, ready } = await world({ kind: toyServer });
    await start();
    remote.mishaps = ['refused'];
    let raced = false;
    kube.intercept = ({ body, verb, subresource }) => {
      const { creation } = (body['status'] ?? {}) as { creation?: unknown };
      if (raced || verb !== 'mergePatch' || subresource !== 'status' || creation !== null) return;
      raced = true;
      void patch('web', { spec: { macs: ['mended'] } });
      throw new KubeError(409, 'Conflict', 'changed meanwhile');
    };
    await make('web');
    await pass(60);
    expect([raced, posts(remote.calls).length]).toEqual([true, 2]);
    expect((await ready('web'))!.status).toBe('True');
  });
});

describe('a journal that somebody wiped', () => {
  test('is written again while its create is still open', async () => {
    const { start, make, pass, remote, kube, type, ready, get } = await world({ kind: toyServer });
    await start();
    remote.mishaps = ['lost-after'];
    remote.laggingLists.add('nodes');
    await make('web');
    await pass(30);
    expect((await ready('web'))!.reason).toBe('CreateOutcomeUnknown');
    const wiped = { status: { creation: null, conditions: null } };
    await kube.mergePatch(type, { namespace: 'shop', name: 'web' }, wiped, { subresource: 'status' });
    await pass(300);
    expect(posts(remote.calls)).toHaveLength(1);
    remote.laggingLists.clear();
    await pass(60);
    expect((await get('web'))!.status!.externalID).toBe([...remote.held.nodes.keys()][0]);
    expect(posts(remote.calls)).toHaveLength(1);
  });
});

describe('a journal that somebody wiped during a deletion', () => {
  test('still holds the resource until it is known what the create made', async () => {
    const { start, make, pass, remote, kube, type, events, get, delete: remove } = await world({ kind: toyServer });
    await start();
    remote.mishaps = ['lost-after'];
    remote.laggingLists.add('nodes');
    await make('web');
    await pass(30);
    const wiped = { status: { creation: null, conditions: null } };
    await kube.mergePatch(type, { namespace: 'shop', name: 'web' }, wiped, { subresource: 'status' });
    await remove('web');
    await pass(60);
    expect(await get('web')).toBeDefined();
    remote.laggingLists.clear();
    await pass(60);
    expect(await get('web')).toBeUndefined();
    expect(events.filter(({ reason }) => reason === 'Retained')).toHaveLength(1);
  });
});

describe('a resource that vanishes during its pass', () => {
  test('leaves no wish for quick lists behind', async () => {
    let vanish: (() => Promise<unknown>) | undefined;
    const read: typeof toyServer.main.read = async (client, id) => {
      await vanish?.();
      return toyServer.main.read(client, id);
    };
    const { start, make, pass, flush, remote, kube, type } = await world({
      kind: { ...toyServer, main: { ...toyServer.main, read } },
    });
    await start();
    await make('web');
    await pass(30);
    await make('stays');
    await pass(1000);
    remote.held.nodes.delete([...remote.held.nodes.keys()][0]!);
    const at = { namespace: 'shop', name: 'web' };
    vanish = async () => {
      vanish = undefined;
      await kube.mergePatch(type, at, { metadata: { finalizers: [] } });
      await kube.delete(type, at);
      await flush();
    };
    await pass(120);
    expect(await kube.get(type, at)).toBeUndefined();
    const before = remote.lists;
    await pass(1200);
    // Three collections, one list a minute each.
    expect(remote.lists - before).toBeLessThan(3 * 22);
  });
});

describe('a resource that an older schema let through', () => {
  test('does not stop the others', async () => {
    const { start, make, pass, ready } = await world();
    await make('broken', { tenantRef: undefined });
    await make('web');
    await start();
    await pass(60);
    expect((await ready('web'))!.status).toBe('True');
  });
});
