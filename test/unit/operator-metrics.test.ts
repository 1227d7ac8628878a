import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Condition } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { TenantResource } from '../../src/engine/tenant.ts';
import { remoteKinds, tenantKinds } from '../../src/kinds.ts';
import type { Store } from '../../src/kube/store.ts';
import { gaugesOf, type Watched } from '../../src/operator-metrics.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { version } from '../../src/version.ts';
import { createManualClock } from '../support/clock.ts';
import { root } from '../support/docs.ts';
import { createToyWorld, toyServer } from '../support/toy-world.ts';

const day = 86_400_000;

interface Seen {
  /** Objects by kind. */
  objects?: Record<string, object[]>;
  /** When the quietest watch of a kind was heard last, by the monotonic clock. */
  heard?: Record<string, number>;
}

/** A standby: it has stores, and no term of leadership. */
function standby() {
  const clock = createManualClock();
  const metrics = createMetrics({ ofProcess: false });
  const seen: Seen = {};
  const store = <T extends Resource | TenantResource>(kind: string) =>
    ({
      list: () => (seen.objects?.[kind] ?? []) as T[],
      get size() {
        return seen.objects?.[kind]?.length ?? 0;
      },
      lastActivity: () => seen.heard?.[kind] ?? clock.monotonic(),
    }) as Partial<Store<T>> as Store<T>;
  const watched: Watched = {
    remotes: remoteKinds.map((kind) => [kind, store<Resource>(kind.names.kind)]),
    tenants: tenantKinds.map((kind) => [kind, store<TenantResource>(kind.names.kind)]),
  };
  metrics.beforeScrape(() => gaugesOf(metrics, { term: undefined, watched, clock }));
  return { clock, seen, scrape: () => linesOf(metrics.text()) };
}

/** Each series with its value; zeros are left out, since most are. */
async function linesOf(text: Promise<string>, name = 'freehold_'): Promise<string[]> {
  return (await text).split('\n').filter((line) => line.startsWith(name) && !line.endsWith(' 0'));
}

const condition = (type: string, status: string, reason: string) =>
  ({ type, status, reason, message: 'x', observedGeneration: 1, lastTransitionTime: '' }) as Condition;
const object = (status: object) => ({ metadata: { name: 'a', namespace: 'shop' }, spec: {}, status });
const license = (expiresAt: string | undefined, externalID: string | undefined = 'id') =>
  object({ externalID, expiresAt });

describe('what every replica shows', () => {
  test('resources and tenants are counted by what their conditions say, and no longer once nobody has one', async () => {
    const { seen, scrape } = standby();
    const stalled = [condition('Ready', 'False', 'InvalidSpec'), condition('Stalled', 'True', 'InvalidSpec')];
    seen.objects = {
      DedicatedHypervisor: [
        object({ conditions: stalled }),
        object({ conditions: stalled }),
        object({ conditions: [condition('Ready', 'True', 'Ready')] }),
        object({}),
      ],
      VCenterRegistration: [object({ conditions: [condition('MeteringHealthy', 'False', 'MeteringFailed')] })],
      SDPFTenant: [object({ conditions: [condition('Ready', 'False', 'CredentialsRefused')] })],
    };
    const lines = (await scrape()).filter((line) => line.startsWith('freehold_resource_conditions'));
    expect(lines.sort()).toEqual([
      'freehold_resource_conditions{kind="DedicatedHypervisor",condition="Ready",status="False",reason="InvalidSpec"} 2',
      'freehold_resource_conditions{kind="DedicatedHypervisor",condition="Ready",status="True",reason="Ready"} 1',
      'freehold_resource_conditions{kind="DedicatedHypervisor",condition="Stalled",status="True",reason="InvalidSpec"} 2',
      'freehold_resource_conditions{kind="SDPFTenant",condition="Ready",status="False",reason="CredentialsRefused"} 1',
      'freehold_resource_conditions{kind="VCenterRegistration",condition="MeteringHealthy",status="False",reason="MeteringFailed"} 1',
    ]);
    seen.objects = { SDPFTenant: [object({ conditions: [condition('Ready', 'True', 'Connected')] })] };
    expect((await scrape()).filter((line) => line.startsWith('freehold_resource_conditions'))).toEqual([
      'freehold_resource_conditions{kind="SDPFTenant",condition="Ready",status="True",reason="Connected"} 1',
    ]);
  });

  test('whatever somebody wrote into a status, the labels come from fixed lists', async () => {
    const { seen, scrape } = standby();
    const written = Array.from({ length: 50 }, (_, index) => condition(`Odd${index}`, 'True', `hunter${index}`));
    seen.objects = { BareMetalNode: [object({ conditions: written })] };
    expect((await scrape()).filter((line) => line.startsWith('freehold_resource_conditions'))).toEqual([
      'freehold_resource_conditions{kind="BareMetalNode",condition="other",status="True",reason="other"} 50',
    ]);
  });

  test('a licence counts once, by how soon it ends at the time of the scrape, also where no pass came since', async () => {
    const { clock, seen, scrape } = standby();
    const at = (days: number) => new Date(clock.now() + days * day).toISOString();
    seen.objects = {
      GuestLicense: [
        ...[license(at(-1)), license(at(0.5)), license(at(6)), license(at(20)), license(at(40)), license(at(50))],
        ...[license(undefined), license('soon'), object({}), object({ expiresAt: at(0.1) })],
      ],
    };
    const ofLicenses = async () => (await scrape()).filter((line) => line.startsWith('freehold_licen'));
    expect(await ofLicenses()).toEqual([
      'freehold_licenses{reason="NotExpiring"} 2',
      'freehold_licenses{reason="NeverExpires"} 1',
      'freehold_licenses{reason="ExpiresInThirtyDays"} 1',
      'freehold_licenses{reason="ExpiresInSevenDays"} 1',
      'freehold_licenses{reason="ExpiresInOneDay"} 1',
      'freehold_licenses{reason="Expired"} 1',
      'freehold_licenses{reason="NotReported"} 1',
      `freehold_license_expiry_timestamp_seconds ${Date.parse(at(0.5)) / 1000}`,
    ]);
    clock.advance(15 * day);
    expect(await ofLicenses()).toContain('freehold_licenses{reason="Expired"} 3');
    expect(await ofLicenses()).toContain('freehold_licenses{reason="ExpiresInSevenDays"} 1');
    clock.advance(100 * day);
    expect(await ofLicenses()).toContain('freehold_license_expiry_timestamp_seconds +Inf');
  });

  test('how long a watch has been silent, but for one that is refused everywhere', async () => {
    const { clock, seen, scrape } = standby();
    clock.advance(100_000);
    seen.heard = { GuestLicense: clock.monotonic() - 42_000, SDPFTenant: Infinity };
    const lines = (await scrape()).filter((line) => line.startsWith('freehold_watch_silence_seconds'));
    expect(lines).toEqual(['freehold_watch_silence_seconds{resource="guestlicenses"} 42']);
  });

  test('nothing of remote tenants is shown by a standby', async () => {
    const { scrape } = standby();
    expect((await scrape()).filter((line) => /tenant=/.test(line))).toEqual([]);
  });
});

test('the leader shows the age of lists, growing while they fail, and whether the budget is used up', async () => {
  let fails = false;
  const refusal = () =>
    new RemoteError({ reason: 'Unreachable', outcome: 'definitely-not', operation: 'list', message: 'no answer' });
  const world = await createToyWorld({
    kind: toyServer,
    tenantKind: (kind) => ({
      ...kind,
      collections: Object.fromEntries(
        Object.entries(kind.collections).map(([name, collection]) => [
          name,
          {
            ...collection,
            list: (client: unknown) => (fails ? Promise.reject(refusal()) : collection.list(client)),
          },
        ]),
      ),
    }),
  });
  const metrics = createMetrics({ ofProcess: false });
  const { clock, term } = world;
  let leads = true;
  metrics.beforeScrape(() =>
    gaugesOf(metrics, { term: leads ? term() : undefined, watched: { remotes: [], tenants: [] }, clock }),
  );
  const value = async (name: string, label: string) =>
    (await linesOf(metrics.text(), `freehold_${name}{`))
      .find((line) => line.includes(label))
      ?.split(' ')
      .at(-1);
  const age = async () => Number(await value('remote_list_age_seconds', 'type="nodes"'));

  await world.start();
  await world.make('web');
  await world.pass(200);
  expect(await age()).toBeLessThan(90);
  expect(await value('remote_poll_interval_seconds', 'tenant=')).toBe('60');
  expect(await value('remote_budget_exhausted', 'tenant=')).toBeUndefined();

  fails = true;
  await world.pass(300);
  expect(await age()).toBeGreaterThan(300);
  fails = false;
  await world.pass(60);
  expect(await age()).toBeLessThan(90);

  const { budget } = term().context.tenants.all()[0]!;
  const { tokens } = budget.figures();
  budget.setLimits({ rate: 0.05, burst: 1 });
  for (let call = 0; call < tokens + 3; call += 1) void budget.take('poll', { maxWait: 1e9 });
  await world.pass(15);
  expect(await value('remote_budget_exhausted', 'tenant=')).toBe('1');

  // Another replica shows them now.
  leads = false;
  expect((await linesOf(metrics.text())).filter((line) => line.includes('tenant='))).toEqual([]);
  await world.end();
});

test('the version that is shown is the one of package.json', () => {
  const text = readFileSync(path.join(root, 'package.json'), 'utf8');
  expect((JSON.parse(text) as { version: string }).version).toBe(version);
});
