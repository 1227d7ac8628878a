import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Condition, mergeConditions, standingConditions } from '../../src/engine/conditions.ts';
import { typeOf } from '../../src/engine/kind.ts';
import { isStalling, type Reason, reasons } from '../../src/engine/reasons.ts';
import { kinds, remoteKinds } from '../../src/kinds.ts';
import { root } from '../support/docs.ts';
import { type History, watchHistory } from '../support/history.ts';
import { kstatus, type KStatus, type StatusObject } from '../support/kstatus.ts';
import { elsewhere, license, registration } from '../support/licenses.ts';
import { inPortal } from '../support/servers.ts';
import { until } from '../support/wait.ts';
import { type Health, healthOf } from './support/health.ts';
import { type SampleSite, sampleSite } from './support/sample-site.ts';

const text = (file: string) => readFileSync(path.join(root, 'deploy/argocd', file), 'utf8');
const script = text('health.lua');
const judge = (objects: readonly unknown[]) => healthOf(script, objects);
const wordOf = (health: Health) => ('error' in health ? `error: ${health.error}` : health.status);

const readyOf = ({ status }: StatusObject): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === 'Ready');

/** What each word of Argo CD may be in the words of kstatus. Suspended there is what Ready says: well, or waiting. */
const agreeing: Record<string, KStatus[]> = {
  Healthy: ['Current'],
  Progressing: ['InProgress'],
  Suspended: ['Current', 'InProgress'],
  Degraded: ['Failed'],
};

describe('the ConfigMap of Argo CD', () => {
  const map = parse(text('argocd-cm.yaml')) as { metadata: object; data: Record<string, string> };
  const customizations = parse(map.data['resource.customizations'] ?? '') as Record<string, Record<string, string>>;

  it('has the script for every group of kinds, by a wildcard where one is legal, and ignores no difference', () => {
    const groups = [...new Set(kinds.map(({ group }) => group))];
    expect(Object.keys(map.data)).toEqual(['resource.customizations']);
    expect(Object.keys(customizations).sort()).toEqual(groups.map((group) => `${group}/*`).sort());
    for (const customization of Object.values(customizations)) expect(customization).toEqual({ 'health.lua': script });
  });

  it('is recognised by Argo CD as its own', () => {
    expect(map.metadata).toEqual({
      name: 'argocd-cm',
      namespace: 'argocd',
      labels: { 'app.kubernetes.io/name': 'argocd-cm', 'app.kubernetes.io/part-of': 'argocd' },
    });
  });
});

describe('an object of every kind', () => {
  const object = (kind: (typeof kinds)[number], generation: number, conditions: Condition[]): StatusObject => ({
    apiVersion: `${kind.group}/${kind.version}`,
    kind: typeOf(kind).kind,
    metadata: { name: 'one', namespace: 'shop', generation },
    status: { observedGeneration: 1, conditions },
  });
  /** As the operator writes them. */
  const conditionsOf = (reason: Reason, ready: boolean, others: Parameters<typeof mergeConditions>[1] = []) =>
    mergeConditions(
      [],
      [...standingConditions({ ready, reason, message: `because of ${reason}` }), ...others],
      1,
      '2026-01-01T00:00:00Z',
    );
  const all = Object.keys(reasons) as Reason[];

  it('is Degraded for reasons that need a person, Suspended when paused, and Progressing for all other reasons', async () => {
    const cases = kinds.flatMap((kind) =>
      all.map((reason) => ({ kind, reason, object: object(kind, 1, conditionsOf(reason, false)) })),
    );
    const found = await judge(cases.map((one) => one.object));
    for (const [index, { reason, object }] of cases.entries()) {
      const status = isStalling(reason) ? 'Degraded' : reason === 'Paused' ? 'Suspended' : 'Progressing';
      expect(found[index]).toEqual({ status, message: `${reason}: because of ${reason}` });
      expect(agreeing[status]).toContain(kstatus(object));
    }
  });

  it('is Healthy with every reason that it is Ready for', async () => {
    const ready: Reason[] = ['Ready', 'Observed', 'Connected'];
    const objects = kinds.flatMap((kind) => ready.map((reason) => object(kind, 1, conditionsOf(reason, true))));
    for (const [index, health] of (await judge(objects)).entries()) {
      expect(wordOf(health)).toBe('Healthy');
      expect(kstatus(objects[index]!)).toBe('Current');
    }
  });

  it('is Progressing, whatever was said of it, once its spec is a newer one', async () => {
    const paused = [{ type: 'Paused', status: 'True', reason: 'Paused', message: 'paused' }] as const;
    const objects = kinds.flatMap((kind) =>
      all.flatMap((reason) => [
        object(kind, 2, conditionsOf(reason, false)),
        object(kind, 2, conditionsOf(reason, true)),
        object(kind, 2, conditionsOf(reason, true, paused)),
      ]),
    );
    for (const [index, health] of (await judge(objects)).entries()) {
      expect(wordOf(health)).toBe('Progressing');
      expect(kstatus(objects[index]!)).toBe('InProgress');
    }
  });

  it('tells beside a green heart what a person should know', async () => {
    const note = (type: string, status: 'True' | 'False', message: string) =>
      ({ type, status, reason: 'Drifted', message }) as const;
    const notes = [
      note('Synced', 'False', 'imageRef: wanted a, is b'),
      note('MeteringHealthy', 'False', 'no answer'),
      note('Expiring', 'True', 'ends in 7 days'),
      note('BudgetExhausted', 'True', 'calls wait'),
      note('CFGWConnected', 'True', 'connected'),
    ];
    const [health] = await judge([object(kinds[0]!, 1, conditionsOf('Ready', true, notes))]);
    const message = 'imageRef: wanted a, is b; no answer; ends in 7 days; calls wait';
    expect(health).toEqual({ status: 'Healthy', message: `Ready: because of Ready; ${message}` });
  });

  it('never makes the script fail, whatever is missing or of the wrong type, and is never Healthy by mistake', async () => {
    const sound = object(kinds[0]!, 1, conditionsOf('Ready', true));
    const broken: unknown[] = [undefined, null, {}, [], '', 0, false];
    /** Each field of the object in turn becomes something else, and is taken away. */
    const spoil = (value: unknown, rebuild: (value: unknown) => unknown): void => {
      for (const other of [undefined, null, {}, [], [null], 'x', '', 0, 1.5, true, { a: { b: [] } }])
        broken.push(rebuild(other));
      if (typeof value !== 'object' || value === null) return;
      for (const [name, field] of Object.entries(value))
        spoil(field, (other) =>
          rebuild(
            Array.isArray(value)
              ? value.map((one: unknown, index) => (String(index) === name ? other : one))
              : { ...value, [name]: other },
          ),
        );
    };
    spoil(object(kinds[0]!, 1, conditionsOf('RemoteError', false)), (other) => other);
    spoil(sound, (other) => other);
    broken.push(...fc.sample(fc.jsonValue(), { numRuns: 300, seed: 1 }));
    broken.push(
      ...fc
        .sample(fc.jsonValue(), { numRuns: 300, seed: 2 })
        .map((status) => ({ metadata: { generation: 1 }, status })),
      ...fc
        .sample(fc.jsonValue(), { numRuns: 300, seed: 3 })
        .map((conditions) => ({ metadata: { generation: 1 }, status: { observedGeneration: 1, conditions } })),
    );
    const found = await judge(broken);
    const isTrue = (one: unknown, type: string) => {
      const conditions = (one as StatusObject).status?.conditions ?? [];
      return conditions.some((condition) => condition?.type === type && condition.status === 'True');
    };
    for (const [index, health] of found.entries()) {
      const one = broken[index];
      const word = wordOf(health);
      expect(Object.keys(agreeing), JSON.stringify(one)).toContain(word);
      if (word === 'Healthy') expect([isTrue(one, 'Ready'), isTrue(one, 'Stalled')]).toEqual([true, false]);
      if (word === 'Degraded') expect(isTrue(one, 'Stalled')).toBe(true);
    }
    expect(new Set(found.map(wordOf))).toEqual(new Set(['Healthy', 'Degraded', 'Progressing']));
  });
});

describe('live objects through their lives', { timeout: 120_000 }, () => {
  let site: SampleSite;
  let history: History;
  const names: [kind: string, name: string][] = [];
  const [node, tenant, server] = [
    'BareMetalNode/rack1-node1',
    'SDPFTenant/my-tenant',
    'DedicatedHypervisor/server-test-1',
  ];

  /** Everything that happens to resources, once. */
  async function live(): Promise<void> {
    const { s, kubectl, kubectlWith, reason, resources, allReady } = site;
    const patch = (what: string, spec: object) =>
      kubectl('patch', ...what.split('/'), '--type=merge', '-p', JSON.stringify({ spec }));
    const annotate = (what: string, word: string) => kubectl('annotate', ...what.split('/'), '--overwrite', word);
    // Born before the operator runs, and first seen while their tenants are paused.
    await kubectlWith(site.text, 'apply', '-f', '-');
    names.push(...resources);
    for (const one of [tenant, 'CloudOSTenant/my-project']) await annotate(one, 'freehold.dev/paused=true');
    const operator = await s.start({ readDeadline: '10m', writeDeadline: '10m' });
    await reason('SDPFTenant', 'my-tenant', 'Paused');
    await reason('CloudOSTenant', 'my-project', 'Paused');
    await reason('DedicatedHypervisor', 'server-test-1', 'TenantNotReady');
    await reason('VCenterRegistration', 'vcenter', 'TenantNotReady');
    for (const one of [tenant, 'CloudOSTenant/my-project']) await annotate(one, 'freehold.dev/paused-');
    await allReady();

    // Changed while nobody looks, then seen.
    await operator.stop();
    await patch(server, { name: 'renamed' });
    await patch(node, { resourceClass: 'large' });
    await s.start({ readDeadline: '10m', writeDeadline: '10m' });
    await allReady();

    // What needs a person, for each kind, and passes when they act.
    const bought = (await site.get('DedicatedHypervisor', 'server-test-1')).status?.externalID;
    await s.sandbox.control('PATCH', `servers/${bought}`, { status: 'ERROR' });
    await elsewhere(s);
    const address = (await site.get('VCenterRegistration', 'vcenter')).status?.['linkLocalAddress'];
    const passwordSecretRef = { name: 'vcenter-password' };
    const more = [
      license(s, 'second', { tenantRef: { name: 'my-tenant' } }),
      registration('second', {
        tenantRef: { name: 'my-tenant' },
        licenseID: (await elsewhere(s)).id,
        linkLocalAddress: address,
        passwordSecretRef,
      }),
      s.hypervisor('nobody', { tenantRef: { name: 'my-tenant' }, managementPolicy: 'Observe' }),
      s.hypervisor('seen', {
        tenantRef: { name: 'my-tenant' },
        managementPolicy: 'Observe',
        externalID: await inPortal(s, { name: 'seen' }),
      }),
    ];
    await s.apply(...more);
    names.push(['GuestLicense', 'second'], ['VCenterRegistration', 'second']);
    names.push(['DedicatedHypervisor', 'nobody'], ['DedicatedHypervisor', 'seen']);
    await s.sandbox.set({ failInspect: 'no answer from the ramdisk' });
    await patch(node, { action: { verb: 'Inspect', requestedAt: '2099-01-01T00:00:00Z' } });
    await reason('DedicatedHypervisor', 'server-test-1', 'RemoteError');
    await reason('GuestLicense', 'second', 'UnclaimedLicensesExist');
    await reason('VCenterRegistration', 'second', 'AddressTaken');
    await reason('BareMetalNode', 'rack1-node1', 'InspectFailed');
    await reason('DedicatedHypervisor', 'nobody', 'NotFound');
    await reason('DedicatedHypervisor', 'seen', 'Ready');
    await s.sandbox.control('PATCH', `servers/${bought}`, { status: null });
    await s.sandbox.set({ failInspect: '' });
    await annotate(node, 'freehold.dev/retry=2026-01-01');
    await patch('GuestLicense/second', { claim: 'Never' });
    await patch('VCenterRegistration/second', { linkLocalAddress: null });
    await allReady();
    await reason('GuestLicense', 'second', 'Ready');
    await reason('VCenterRegistration', 'second', 'Ready');

    // Paused while it is well, then with a spec that is not carried out.
    const pausable = resources.filter(([kind]) => !kind.endsWith('Tenant')).map((one) => one.join('/'));
    for (const one of pausable) await annotate(one, 'freehold.dev/paused=true');
    for (const one of pausable) await kubectl('wait', one, '--for=condition=Paused', '--timeout=30s');
    await patch(server, { name: 'renamed-again' });
    await reason('DedicatedHypervisor', 'server-test-1', 'Paused');
    for (const one of pausable) await annotate(one, 'freehold.dev/paused-');
    await allReady();

    // The remote goes away for longer than a list may be old.
    await s.sandbox.fault({ operation: '*', reset: 'before-commit' });
    for (const [kind, name] of resources) await reason(kind, name, 'Unreachable');
    await s.sandbox.clearFaults();
    await allReady();

    for (const [kind, name] of names.filter(([kind]) => !kind.endsWith('Tenant')))
      await kubectl('delete', kind, name, '--wait=false');
  }

  /** Every distinct state that the API server told of, without those on their way out: Argo CD does not ask about them. */
  const states = () =>
    names.flatMap(([kind, name]) => history.of(kind, name)).filter(({ metadata }) => !metadata.deletionTimestamp);

  beforeAll(async () => {
    site = await sampleSite({ settings: { buildSeconds: 60 } });
    history = await watchHistory(site.s);
    await live();
    await until('the watches have caught up', async () => {
      const { items } = await site.s.api.list(typeOf(kinds[0]!), { namespace: site.s.namespace });
      return items.every(
        ({ metadata }) =>
          history.of('SDPFTenant', metadata.name).at(-1)?.metadata.resourceVersion === metadata.resourceVersion,
      );
    });
  }, 180_000);
  afterAll(async () => {
    history?.stop();
    await site?.s.end();
  });

  it('are told by Argo CD and by kstatus in words that agree, in every state', async () => {
    const objects = states();
    const found = await judge(objects);
    for (const [index, health] of found.entries()) {
      const object = objects[index]!;
      expect(agreeing[wordOf(health)], `${wordOf(health)}: ${JSON.stringify(object)}`).toContain(kstatus(object));
    }
    expect(objects.length).toBeGreaterThan(60);
  });

  it.each(kinds.map(({ names }) => names.kind))('of %s were in every state that there is', async (kind) => {
    const objects = states().filter((object) => object.kind === kind);
    const words = new Set((await judge(objects)).map(wordOf));
    // Nothing that can befall a tenant stops for good: all of it passes when its cause is gone.
    const stalls = remoteKinds.some(({ names }) => names.kind === kind);
    expect(words).toEqual(new Set(['Progressing', 'Healthy', 'Suspended', ...(stalls ? ['Degraded'] : [])]));
  });

  it('go through these states, a server for one', async () => {
    const objects = states().filter(({ metadata }) => metadata.name === 'server-test-1');
    const words: string[] = [];
    for (const [index, health] of (await judge(objects)).entries()) {
      const status = wordOf(health);
      const word = status === 'Progressing' ? status : `${status} ${readyOf(objects[index]!)?.reason}`;
      if (words.at(-1) !== word) words.push(word);
    }
    const course = [
      ['Progressing', 'Healthy Ready'],
      // A spec that nobody has seen yet, and what is done about it.
      ['Progressing', 'Healthy Ready'],
      ['Degraded RemoteError', 'Healthy Ready'],
      ['Suspended Ready', 'Progressing', 'Suspended Paused', '(Progressing', ')?Healthy Ready'],
      // The remote is away.
      ['Progressing', 'Healthy Ready'],
    ];
    expect(words.join(' ')).toMatch(new RegExp(`^${course.flat().join(' ').replace(' )?', ' )?')}$`));
  });
});
