import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Random, systemRandom } from '../../src/base/random.ts';
import { cloudOSTenant } from '../../src/cloudos/tenant.ts';
import type { TenantKind } from '../../src/engine/tenant.ts';
import { createCollection } from '../../src/remote/collection.ts';
import { sdpfTenant } from '../../src/sdpf/tenant.ts';
import { createLog } from '../../src/telemetry/log.ts';
import {
  answer,
  expectClear,
  foreignBody,
  type HostileAnswer,
  hostileRemote,
  nested,
  runs,
} from '../support/hostile.ts';
import { clientsOf, lists } from '../support/hostile-operations.ts';
import * as cloudos from './cloudos-client-samples.ts';
import * as sdpf from './sdpf-samples.ts';

const steady: Random = { ...systemRandom, next: () => 0.5 };

interface Listing {
  name: string;
  tenant: TenantKind;
  client: 'sdpf' | 'cloudos';
  collection: string;
  /** Member of the body. */
  list: string;
  item: Record<string, unknown>;
  id: 'id' | 'uuid';
  /** Fields without which, or with a number in which, nothing is known of an item. */
  decisive: string[];
}

const listings: Listing[] = [
  {
    ...{ name: 'servers', tenant: sdpfTenant, client: 'sdpf', collection: 'servers', list: 'servers', id: 'id' },
    ...{ item: sdpf.fullServer, decisive: ['name', 'description', 'status'] },
  },
  {
    ...{ name: 'licences', tenant: sdpfTenant, client: 'sdpf', collection: 'licenses', list: 'licenses', id: 'id' },
    ...{ item: sdpf.license, decisive: ['license_type', 'key'] },
  },
  {
    ...{ name: 'vCenters', tenant: sdpfTenant, client: 'sdpf', collection: 'vcenters', list: 'vcenters', id: 'id' },
    ...{ item: sdpf.meteredVCenter, decisive: ['link_local_address', 'license_id'] },
  },
  {
    ...{ name: 'nodes', tenant: cloudOSTenant, client: 'cloudos', collection: 'nodes', list: 'nodes', id: 'uuid' },
    ...{ item: cloudos.node, decisive: ['instance_uuid', 'extra', 'provision_state', 'maintenance', 'reservation'] },
  },
  {
    ...{ name: 'ports', tenant: cloudOSTenant, client: 'cloudos', collection: 'ports', list: 'ports', id: 'uuid' },
    ...{ item: cloudos.port, decisive: ['address', 'node_uuid', 'extra', 'portgroup_uuid'] },
  },
  {
    ...{ name: 'port groups', tenant: cloudOSTenant, client: 'cloudos', collection: 'portgroups', list: 'portgroups' },
    ...{ id: 'uuid', item: cloudos.fullGroup, decisive: ['node_uuid', 'extra', 'name'] },
  },
];

type Episode = { good: string[]; broken: [id: string, field: number][]; nameless: boolean } | { bad: HostileAnswer };

const ids = ['a', 'b', 'c', '__proto__', 'constructor'];
const goodOne = fc
  .record({
    good: fc.subarray(ids),
    broken: fc.uniqueArray(fc.tuple(fc.constantFrom(...ids), fc.nat(4)), { maxLength: 2, selector: ([id]) => id }),
    nameless: fc.integer({ max: 5, min: 0 }).map((value) => value === 0),
  })
  .map(({ good, broken, nameless }) => ({
    good: good.filter((id) => broken.every(([other]) => other !== id)),
    broken,
    nameless,
  }));
/** No list at all, whatever the status; and lists with a status that is none of success. */
const bad = (list: string): fc.Arbitrary<HostileAnswer> =>
  fc.oneof(
    foreignBody.map((body) => answer(200, body)),
    fc.constantFrom('null', '{}', '5', '"x"', '{"0":{}}', 'true').map((text) => answer(200, `{"${list}":${text}}`)),
    fc.constantFrom('[[]]', '[]', '{"lists":[]}', `{"${list}`, `{"${list}":[]`).map((text) => answer(200, text)),
    fc
      .constantFrom(300, 304, 400, 403, 404, 409, 410, 418, 429, 500, 503, 599)
      .map((status) => answer(status, { [list]: [] })),
  );

function bench({ tenant, client, collection: name, list, item, id, decisive }: Listing) {
  const remote = hostileRemote();
  const clients = clientsOf(remote.session);
  const { list: read, id: idOf } = tenant.collections[name]!;
  const collection = createCollection<unknown>({
    ...{ name, clock: remote.clock, random: steady, log: createLog({ level: 'silent' }), interval: () => 60_000 },
    list: () => read(clients[client]),
    id: idOf,
  });
  let ended = 0;
  const changed = new Set<string>();
  collection.onList(() => void (ended += 1));
  collection.onChange((all) => {
    for (const one of all) changed.add(one);
  });
  return {
    remote,
    collection,
    changed,
    bodyOf: (episode: Exclude<Episode, { bad: unknown }>) => ({
      [list]: [
        ...episode.good.map((one) => ({ ...item, [id]: one })),
        ...episode.broken.map(([one, field]) => ({ ...item, [id]: one, [decisive[field % decisive.length]!]: 5 })),
        ...(episode.nameless ? [{ ...item, [id]: null }] : []),
      ],
    }),
    /** One more list, which ends. */
    async listOnce(given: HostileAnswer) {
      remote.answers.api = ({ url }) => (url.searchParams.has('marker') ? answer(200, { [list]: [] }) : given);
      const before = ended;
      changed.clear();
      if (before === 0) collection.start();
      else collection.refresh();
      await remote.settle(async () => {
        while (ended === before) await new Promise((resolve) => setImmediate(resolve));
      });
    },
  };
}

describe.each(listings)('a collection of $name', (listing) => {
  test('believes complete lists only: what is broken neither hides others nor counts as gone', async () => {
    const episode: fc.Arbitrary<Episode> = fc.oneof(
      goodOne,
      bad(listing.list).map((given) => ({ bad: given })),
    );
    const property = fc.asyncProperty(fc.array(episode, { minLength: 2, maxLength: 6 }), async (episodes) => {
      const { remote, collection, changed, bodyOf, listOnce } = bench(listing);
      let known: { good: string[]; broken: string[]; count: number } | undefined;
      for (const each of episodes) {
        await listOnce('bad' in each ? each.bad : answer(200, bodyOf(each)));
        if ('bad' in each || each.nameless) {
          expect(collection.failure()).toBeDefined();
          expect([...changed]).toEqual([]);
        } else {
          expect(collection.failure()).toBeUndefined();
          const all = [...each.good, ...each.broken.map(([id]) => id)];
          const before = [...(known?.good ?? []), ...(known?.broken ?? [])];
          for (const gone of before.filter((id) => !all.includes(id))) expect(changed).toContain(gone);
          known = { good: each.good, broken: each.broken.map(([id]) => id), count: (known?.count ?? 0) + 1 };
        }
        const snapshot = collection.snapshot();
        expect(snapshot && [...snapshot.items.keys()].sort()).toEqual(known && [...known.good].sort());
        expect(snapshot && [...snapshot.unreadable].sort()).toEqual(known && [...known.broken].sort());
        expect(snapshot?.count).toBe(known?.count);
      }
      collection.stop();
      expect(remote.calls().every(({ method }) => method === 'GET')).toBe(true);
    });
    await fc.assert(property, runs(15));
  });
});

describe.each(lists.filter(({ name }) => /Node|Port/.test(name)))('the pages of $name', ({ call, valid, list }) => {
  test.each([5, true, ['x'], { href: 'x' }])('with %j for `next` are no complete list', async (next) => {
    const remote = hostileRemote();
    remote.answers.api = () => answer(200, { [list]: valid[list], next });
    expectClear((await remote.settle(() => call(clientsOf(remote.session)))).error);
  });
});

test('one node of a hundred thousand levels hides no others', async () => {
  const { collection, listOnce } = bench(listings.find(({ name }) => name === 'nodes')!);
  const good = JSON.stringify({ ...cloudos.node, uuid: 'good' });
  await listOnce(answer(200, `{"nodes":[${good},{"uuid":"deep","extra":${nested(100_000)}}]}`));
  collection.stop();
  expect(collection.failure()).toBeUndefined();
  expect([...collection.snapshot()!.items.keys()]).toEqual(['good']);
  expect([...collection.snapshot()!.unreadable]).toEqual(['deep']);
});

test('a list of which a hundred thousand items cannot be read is none', async () => {
  const remote = hostileRemote();
  remote.answers.api = () => answer(200, `{"licenses":[${'null,'.repeat(1e5)}null]}`);
  const end = await remote.settle(() => clientsOf(remote.session).sdpf.listLicenses('poll'));
  expectClear(end.error);
});

describe('a pause', () => {
  test.each(['1000000000', '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'of %j does not end the lists of a tenant',
    async (after) => {
      const { remote, collection, listOnce, bodyOf } = bench(listings[0]!);
      await listOnce(answer(500, '', { 'retry-after': after }));
      expect(collection.failure()).toBeDefined();
      const body = bodyOf({ good: ['a'], broken: [], nameless: false });
      remote.answers.api = ({ url }) => answer(200, url.searchParams.has('marker') ? { servers: [] } : body);
      for (let minute = 0; minute < 15; minute += 1) {
        remote.clock.advance(60_000);
        for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
      collection.stop();
      expect(collection.snapshot()?.items.size).toBe(1);
    },
  );

  test.each(['-1', '1.5', '1e9', 'Infinity', 'soon 5', '120, 120'])('of %j is none', async (after) => {
    const { collection, listOnce } = bench(listings[0]!);
    await listOnce(answer(500, '', { 'retry-after': after }));
    collection.stop();
    expect(collection.failure()).toMatchObject({ reason: 'ServerError', retryAfter: undefined });
  });
});
