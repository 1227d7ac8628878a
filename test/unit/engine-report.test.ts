import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Claim } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { type Outcome, type Pass, unready } from '../../src/engine/outcome.ts';
import { type Reason, reasons } from '../../src/engine/reasons.ts';
import { statusOf } from '../../src/engine/report.ts';
import { dedicatedHypervisor as kind } from '../../src/sdpf/dedicated-hypervisor.ts';
import { server } from '../../src/sdpf/wire-server.ts';

const before = '2026-01-01T00:00:00Z';
const now = '2026-02-02T00:00:00Z';
const journal = {
  externalID: 'id-1',
  creation: { attemptID: 'a1', sentAt: before, holder: 'pod-1', outcome: 'Created' as const },
  deletion: { sentAt: before },
  lastResolve: 'a1 retry',
};
const shown = server.parse({
  id: 'id-1',
  name: 'web',
  status: 'ACTIVE',
  cfgw_connection_status: true,
  baremetal_server: { 'OS-EXT-STS:power_state': 'RUNNING', 'chassis-status': { fan: true, disk: 2 } },
});

function resource(status: Resource['status'], more: { generation?: number; request?: string } = {}): Resource {
  const { generation = 3, request } = more;
  return {
    apiVersion: 'sdpf.freehold.dev/v1alpha1',
    kind: 'DedicatedHypervisor',
    metadata: {
      name: 'web',
      namespace: 'shop',
      generation,
      ...(request !== undefined && { annotations: { 'freehold.dev/reconcile-requested-at': request } }),
    },
    spec: { tenantRef: { name: 't' }, managementPolicy: 'Manage', deletionPolicy: 'Retain' },
    ...(status && { status }),
  };
}

const report = (of: Resource, outcome: Outcome, at = now) =>
  statusOf({ kind, resource: of, memory: {} } as unknown as Pass, outcome, at) as NonNullable<Resource['status']>;
const ready: Outcome = { standing: { ready: true, reason: 'Ready', message: 'it is ACTIVE' }, remote: shown };
const types = (status: { conditions?: { type: string }[] }) => status.conditions!.map(({ type }) => type);

describe('the report', () => {
  test('carries what the remote shows, and nothing of the journal', () => {
    const status = report(resource({ ...journal }), ready);
    expect(status).toMatchObject({
      state: 'ACTIVE',
      powerState: 'RUNNING',
      chassis: { fan: 'true', disk: '2' },
      observedGeneration: 3,
      lastSyncTime: now,
    });
    expect(types(status)).toEqual(['Ready', 'CFGWConnected']);
    for (const field of Object.keys(journal)) expect(status).not.toHaveProperty(field);
  });

  test('keeps what was seen last, and its conditions, while nothing can be seen', () => {
    const first = report(resource({ ...journal }), ready, before);
    const later = report(resource({ ...first, ...journal }), unready('Unreachable', 'no answer'));
    expect(later).toMatchObject({ state: 'ACTIVE', chassis: { fan: 'true', disk: '2' }, lastSyncTime: before });
    expect(later.conditions).toMatchObject([
      { type: 'Ready', status: 'False', reason: 'Unreachable', lastTransitionTime: now },
      { type: 'Reconciling', status: 'True', reason: 'Unreachable' },
      { type: 'CFGWConnected', status: 'True', lastTransitionTime: before },
    ]);
  });

  test('shows nothing any more of what is proved gone', () => {
    const first = report(resource({ ...journal }), ready, before);
    const later = report(resource({ ...first, ...journal }), unready('RemoteLost', 'gone', { gone: true }));
    expect(Object.keys(later).sort()).toEqual(['conditions', 'lastSyncTime', 'observedGeneration']);
    expect(types(later)).toEqual(['Ready', 'Stalled']);
  });

  test('drops what the remote no longer says', () => {
    const first = report(resource({ ...journal }), ready, before);
    const less = server.parse({ id: 'id-1', name: 'web', status: 'ACTIVE' });
    const later = report(resource({ ...first, ...journal }), { ...ready, remote: less });
    expect(later).not.toHaveProperty('chassis');
    expect(later).toMatchObject({ lastSyncTime: now });
  });

  test('a pause ends with its annotation', () => {
    const paused = unready('Paused', 'held', {
      conditions: [{ type: 'Paused', status: 'True', reason: 'Paused', message: 'held' }],
    });
    const first = report(resource({}), paused);
    expect(types(first)).toEqual(['Ready', 'Reconciling', 'Paused']);
    expect(types(report(resource(first), ready))).not.toContain('Paused');
  });

  test('lastSyncTime moves when the remote was changed or is seen changed, and does not tick', () => {
    const first = report(resource({}), ready, before);
    expect(report(resource(first), ready).lastSyncTime).toBe(before);
    expect(report(resource(first), { ...ready, changed: true }).lastSyncTime).toBe(now);
    expect(report(resource(first), { ...ready, remote: { ...shown, status: 'BUILD' } }).lastSyncTime).toBe(now);
    expect(report(resource({}), unready('TenantNotFound', 'none'))).not.toHaveProperty('lastSyncTime');
  });

  test('a request to look again is answered when it was, and the answer stays', () => {
    const asked = resource({}, { request: 'r1' });
    expect(report(asked, ready)).toMatchObject({ lastHandledReconcileAt: 'r1' });
    expect(report(asked, { ...ready, unanswered: true })).not.toHaveProperty('lastHandledReconcileAt');
    const answered = report(asked, ready);
    expect(report(resource(answered), ready)).toMatchObject({ lastHandledReconcileAt: 'r1' });
    expect(report(resource(answered, { request: 'r2' }), { ...ready, unanswered: true })).toMatchObject({
      lastHandledReconcileAt: 'r1',
    });
  });
});

const reason = fc.constantFrom(...(Object.keys(reasons) as Reason[]));
const claim = fc.record({
  type: fc.constantFrom('Synced', 'PasswordKnown', 'Paused'),
  status: fc.constantFrom<Claim['status'][]>('True', 'False', 'Unknown'),
  reason,
  message: fc.string(),
});
const seen = fc.record(
  {
    id: fc.constant('id-1'),
    name: fc.string(),
    status: fc.constantFrom('ACTIVE', 'BUILD', 'ERROR'),
    cfgw_connection_status: fc.boolean(),
    baremetal_server: fc.record(
      { created: fc.string(), nic_physical_ports: fc.array(fc.record({ mac_addr: fc.string() }), { maxLength: 2 }) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['id', 'name', 'status'] },
);
const anyOutcome: fc.Arbitrary<Outcome> = fc
  .record(
    {
      standing: fc.record({ ready: fc.boolean(), reason, message: fc.string({ unit: 'binary', maxLength: 1500 }) }),
      remote: seen.map((answer) => server.parse(answer)),
      gone: fc.boolean(),
      unanswered: fc.boolean(),
      conditions: fc.uniqueArray(claim, { selector: ({ type }) => type }),
    },
    { requiredKeys: ['standing'] },
  )
  .map((outcome) => outcome as Outcome);

describe('after any history of outcomes', () => {
  const history = fc.tuple(fc.array(anyOutcome, { maxLength: 4 }), anyOutcome);
  const written = (outcomes: Outcome[], more?: { request?: string }) =>
    outcomes.reduce(
      (of, outcome) => {
        const status = report(of, outcome, before);
        // As it goes through the API server.
        return resource({ ...(JSON.parse(JSON.stringify(status)) as object), ...journal }, more);
      },
      resource(journal, more),
    );

  test('the same outcome again writes nothing (law 5)', () => {
    fc.assert(
      fc.property(history, fc.option(fc.string(), { nil: undefined }), ([outcomes, last], request) => {
        const more = request === undefined ? {} : { request };
        const once = written([...outcomes, last], more);
        const { externalID: _e, creation: _c, deletion: _d, lastResolve: _l, ...stored } = once.status!;
        expect(report(once, last)).toStrictEqual(stored);
      }),
    );
  });

  test('the report never contains a field of the journal, nor one condition twice', () => {
    fc.assert(
      fc.property(history, ([outcomes, last]) => {
        const status = report(written(outcomes), last);
        for (const field of Object.keys(journal)) expect(status).not.toHaveProperty(field);
        expect(new Set(types(status)).size).toBe(types(status).length);
        expect(types(status).filter((type) => ['Reconciling', 'Stalled'].includes(type))).toHaveLength(
          last.standing.ready ? 0 : 1,
        );
        for (const { observedGeneration } of status.conditions!) expect(observedGeneration).toBe(3);
      }),
    );
  });

  test('what was observed is shown, and what was not stays as it was', () => {
    fc.assert(
      fc.property(history, ([outcomes, last]) => {
        const of = written(outcomes);
        const { state } = report(of, last) as { state?: string };
        const remote = last.remote as { status: string } | undefined;
        expect(state).toBe(last.gone ? undefined : (remote?.status ?? of.status?.['state']));
      }),
    );
  });
});
