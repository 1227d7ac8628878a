import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Kind } from '../../src/engine/kind.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { listed } from '../../src/remote/tolerant-list.ts';
import type { SDPFClient } from '../../src/sdpf/client.ts';
import { answer, foreignBody, type HostileAnswer, hostileRemote, mutated, runs } from '../support/hostile.ts';
import { clientsOf } from '../support/hostile-operations.ts';
import { createToyRemote } from '../support/toy-kind.ts';
import { createToyWorld, toyServer } from '../support/toy-world.ts';
import { fullServer } from './sdpf-samples.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/**
 * The engine with servers that it sees through the client of Dedicated Hypervisor, as text over HTTP: `disturb` changes
 * what is answered. Creates and deletions go to the toy, which counts them.
 */
async function worldOfText() {
  const remote = createToyRemote();
  let sdpf: SDPFClient | undefined;
  const toThing = (server: { id: string; description: string | undefined }) => ({
    id: server.id,
    extra: server.description ?? '',
  });
  const kind: Kind = {
    ...toyServer,
    main: {
      ...toyServer.main,
      read: async (_client: unknown, id: string) => {
        try {
          return toThing(await sdpf!.showServer(id, 'motion'));
        } catch (error) {
          if (error instanceof RemoteError && error.reason === 'NotFound') return undefined;
          throw error;
        }
      },
    },
  };
  const world = await createToyWorld({
    kind,
    remote,
    tenantKind: (tenant) => ({
      ...tenant,
      collections: {
        ...tenant.collections,
        nodes: {
          ...tenant.collections['nodes']!,
          list: async () => {
            const { items, unreadable = [] } = listed(await sdpf!.listServersDetail('poll'));
            return { items: items.map(toThing), unreadable };
          },
        },
      },
    }),
  });
  ends.push(() => world.end());
  const wire = hostileRemote({ clock: world.clock });
  sdpf = clientsOf(wire.session).sdpf;
  let disturb: ((body: { servers: Record<string, unknown>[] } | undefined) => HostileAnswer) | undefined;
  wire.answers.api = ({ url }) => {
    // Requests are counted only against an endless list, not over a long life.
    wire.requests.length = 0;
    const id = url.pathname.split('/').at(-1)!;
    const servers = [...remote.held.nodes.values()].map((thing) => ({
      ...fullServer,
      id: thing.id,
      description: thing.extra,
    }));
    if (id !== 'detail') {
      const server = servers.find((one) => one.id === id);
      if (disturb) return disturb(undefined);
      return server ? answer(200, { server }) : answer(404, { itemNotFound: { code: 404, message: 'no such server' } });
    }
    if (url.searchParams.has('marker')) return answer(200, { servers: [] });
    return disturb ? disturb({ servers }) : answer(200, { servers });
  };
  return {
    ...world,
    wire,
    disturbBy: (by: typeof disturb) => void (disturb = by),
    idOf: async (name: string) => (await world.get(name))!.status!.externalID!,
    async allReady(names: string[]) {
      const all = await Promise.all(names.map(async (name) => (await world.ready(name))?.status));
      return all.every((status) => status === 'True');
    },
  };
}

const names = ['a', 'b', 'c', 'd', 'e'];

describe('one broken server among good ones', () => {
  test('is neither lost nor bought again nor deleted, and hides nothing of the others', async () => {
    const { start, make, pass, ready, remote, disturbBy, idOf, allReady, get } = await worldOfText();
    await start();
    for (const name of names) await make(name);
    await pass(300);
    expect(await allReady(names)).toBe(true);
    // Past the settle window, within which nothing counts as gone.
    await pass(1_000);
    remote.calls = [];
    const broken = await idOf('a');
    disturbBy((body) => {
      const servers = body?.servers.map((one) => (one['id'] === broken ? { ...one, status: 5 } : one));
      return servers ? answer(200, { servers }) : answer(404, { itemNotFound: { message: 'no such server' } });
    });
    await pass(600);
    expect(await allReady(names.slice(1))).toBe(true);
    expect(await ready('a')).toMatchObject({ status: 'False', reason: 'BadAnswer' });
    expect((await get('a'))!.status!.externalID).toBe(broken);
    // Of the others is still seen what happens to them.
    remote.held.nodes.delete(await idOf('b'));
    await pass(600);
    expect((await ready('b'))?.reason).toBe('RemoteLost');
    expect(await allReady(names.slice(2))).toBe(true);
    expect((await ready('a'))?.reason).toBe('BadAnswer');
    expect(remote.calls).toEqual([]);
    disturbBy(undefined);
    await pass(300);
    expect(await allReady(['a', 'c', 'd', 'e'])).toBe(true);
  });

  test('whose ID cannot be read either, stops what would need to know that something is absent', async () => {
    const { start, make, pass, ready, remote, disturbBy, allReady } = await worldOfText();
    await start();
    for (const name of names) await make(name);
    await pass(1_300);
    expect(await allReady(names)).toBe(true);
    remote.calls = [];
    disturbBy((body) => answer(200, { servers: [...(body?.servers ?? []).slice(1), { name: 'x', status: 'ACTIVE' }] }));
    await make('new');
    await pass(1_800);
    expect(remote.calls).toEqual([]);
    expect((await ready('new'))?.reason).toBe('BadAnswer');
    for (const name of names) expect((await ready(name))?.reason).not.toBe('RemoteLost');
    disturbBy(undefined);
    await pass(300);
    expect(await allReady([...names, 'new'])).toBe(true);
    expect(remote.calls).toHaveLength(1);
  });
});

describe('a remote that talks nonsense for half an hour', () => {
  test('loses nothing, and nothing is bought or deleted: all goes on as soon as it makes sense', async () => {
    /** Everything but an answer: a foreign body, a body of the wrong form, an error. */
    const nonsense = fc.oneof(
      foreignBody.map((body) => answer(200, body)),
      foreignBody
        .map((body) => answer(404, body, { 'content-type': 'text/html' }))
        .filter(({ body }) => body.trim() !== ''),
      fc.constantFrom(301, 403, 410, 418, 500, 503, 599).map((status) => answer(status, '<html>')),
      fc
        .constantFrom('null', '{}', '5', '{"0":{}}', '[null]', '[{}]')
        .map((text) => answer(200, `{"servers":${text}}`)),
      mutated({ servers: fullServer }).map((body) => answer(200, body)),
    );
    const property = fc.asyncProperty(fc.array(nonsense, { minLength: 3, maxLength: 12 }), async (given) => {
      const { start, make, pass, get, ready, remote, disturbBy, allReady, end } = await worldOfText();
      await start();
      for (const name of names) await make(name);
      await pass(1_300);
      expect(await allReady(names)).toBe(true);
      const before = await Promise.all(names.map(async (name) => (await get(name))!.status!.externalID));
      remote.calls = [];
      let turn = 0;
      // A list that is honestly empty is no nonsense.
      const isEmptyList = ({ status, body }: HostileAnswer) => status < 300 && /"servers"\s*:\s*\[\s*\]/.test(body);
      const all = given.filter((each) => !isEmptyList(each));
      disturbBy(() => all[turn++ % all.length] ?? answer(500, ''));
      await make('new');
      await pass(1_800);
      expect(remote.calls).toEqual([]);
      for (const name of [...names, 'new']) expect((await ready(name))?.reason).not.toBe('RemoteLost');
      disturbBy(undefined);
      await pass(700);
      expect(await allReady([...names, 'new'])).toBe(true);
      expect(await Promise.all(names.map(async (name) => (await get(name))!.status!.externalID))).toEqual(before);
      expect(remote.calls).toHaveLength(1);
      await end();
    });
    await fc.assert(property, runs(3));
  });
});
