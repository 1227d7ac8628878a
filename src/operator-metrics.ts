import type { Clock } from './base/clock.ts';
import { findCondition } from './engine/conditions.ts';
import type { Context } from './engine/context.ts';
import type { Kind } from './engine/kind.ts';
import { reasons } from './engine/reasons.ts';
import type { Resource } from './engine/resource.ts';
import type { QueueHooks, RunResult } from './engine/queue.ts';
import type { TenantKind, TenantResource } from './engine/tenant.ts';
import type { RemoteTenant } from './engine/tenants.ts';
import type { Term } from './engine/term.ts';
import { countUnclaimed } from './engine/unclaimed.ts';
import type { Store } from './kube/store.ts';
import { expiry, guestLicense } from './sdpf/guest-license.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** controller-runtime's label: our one queue serves all kinds. */
const name = 'freehold';

export function queueHooks(
  metrics: Metrics,
): QueueHooks & { reconciled(kind: string, result: RunResult, seconds: number): void } {
  return {
    added: () => metrics.queueAdds.inc({ name }),
    retried: () => metrics.queueRetries.inc({ name }),
    done(queued, worked) {
      metrics.queueDuration.observe({ name }, queued / 1000);
      metrics.queueWorkDuration.observe({ name }, worked / 1000);
    },
    reconciled(kind, result, seconds) {
      metrics.reconciles.inc({
        kind,
        result: result.failed ? 'retry' : result.after === undefined ? 'done' : 'requeue',
      });
      if (result.failed) metrics.reconcileErrors.inc({ kind });
      metrics.reconcileDuration.observe({ kind }, seconds);
    },
  };
}

type State = 'ready' | 'reconciling' | 'stalled' | 'deleting' | 'unknown';

function stateOf({ metadata, status }: Resource): State {
  if (metadata.deletionTimestamp !== undefined) return 'deleting';
  const { conditions } = status ?? {};
  if (findCondition(conditions, 'Stalled')?.status === 'True') return 'stalled';
  const ready = findCondition(conditions, 'Ready');
  if (!ready) return 'unknown';
  return ready.status === 'True' ? 'ready' : 'reconciling';
}

/** Those that the engine itself states; what a kind adds is in its definition. */
const engineConditions = [
  'Ready',
  'Reconciling',
  'Stalled',
  'Synced',
  'Paused',
  'CredentialsProved',
  'BudgetExhausted',
];

/** Where somebody else wrote into a status: labels come from fixed lists only. */
const other = 'other';

function countConditions(metrics: Metrics, { names, conditions: own = [] }: Kind | TenantKind, of: Resource[]): void {
  const known = new Set([...engineConditions, ...own.map(({ type }) => type)]);
  // No key is put together for each: there may be a hundred thousand of them.
  const counts = new Map<string, Map<string, Map<string, number>>>();
  for (const { status } of of) {
    for (const { type, status: says, reason } of status?.conditions ?? []) {
      let byStatus = counts.get(type);
      if (!byStatus) counts.set(type, (byStatus = new Map()));
      let byReason = byStatus.get(says);
      if (!byReason) byStatus.set(says, (byReason = new Map()));
      byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
    }
  }
  for (const [type, byStatus] of counts) {
    const condition = known.has(type) ? type : other;
    for (const [status, byReason] of byStatus) {
      for (const [reason, count] of byReason)
        metrics.conditions.inc(
          { kind: names.kind, condition, status, reason: reason in reasons ? reason : other },
          count,
        );
    }
  }
}

/** By the time of the scrape, not of the last pass: a paused or forgotten licence ends, too. */
function countLicenses(metrics: Metrics, licenses: readonly Resource[], now: number): void {
  const reasonsOfExpiry = guestLicense.conditions!.find(({ type }) => type === 'Expiring')!.reasons;
  const counts = new Map<string, number>(reasonsOfExpiry.map((reason) => [reason, 0]));
  let next = Infinity;
  for (const { status } of licenses) {
    if (status?.externalID === undefined) continue;
    const expiresAt = status['expiresAt'] as string | undefined;
    const { reason } = expiry(expiresAt, now).claim;
    counts.set(reason, counts.get(reason)! + 1);
    const end = expiresAt === undefined ? NaN : Date.parse(expiresAt);
    if (end > now) next = Math.min(next, end);
  }
  for (const [reason, count] of counts) metrics.licenses.set({ reason }, count);
  metrics.licenseExpiry.set(next / 1000);
}

function readRemote(metrics: Metrics, context: Context, remote: RemoteTenant): void {
  const { tenants, kinds, clock } = context;
  const tenant = remote.key;
  const { tokens, waiting, longestWait, exhausted } = remote.budget.figures();
  metrics.remoteBudgetTokens.set({ tenant }, tokens);
  metrics.remoteBudgetLongestWait.set({ tenant }, longestWait / 1000);
  metrics.remoteBudgetExhausted.set({ tenant }, exhausted ? 1 : 0);
  for (const [priority, count] of Object.entries(waiting)) metrics.remoteBudgetWaiting.set({ tenant, priority }, count);
  const intervals = [...remote.bindings.values()].map(({ spec }) => spec.pollInterval);
  if (intervals.length > 0) metrics.remotePollInterval.set({ tenant }, Math.min(...intervals));
  for (const [type, collection] of remote.collections) {
    const snapshot = collection.snapshot();
    if (snapshot) metrics.remoteListAge.set({ tenant, type }, (clock.monotonic() - snapshot.begunAt) / 1000);
  }
  for (const [type, count] of countUnclaimed(context, remote))
    metrics.unclaimedRemoteObjects.set({ tenant, type }, count);
  for (const kind of kinds.values()) {
    if (kind.tenantKind === remote.kind.names.kind)
      metrics.breakerOpen.set({ tenant, kind: kind.names.kind }, tenants.breakerOf(kind, remote).open ? 1 : 0);
  }
}

/** Kinds of resources and of tenants, each with its store. */
export interface Watched {
  remotes: readonly (readonly [Kind, Store<Resource>])[];
  tenants: readonly (readonly [TenantKind, Store<TenantResource>])[];
}

/** What is read off at a scrape: from memory only, without a call and without a write. */
export function gaugesOf(
  metrics: Metrics,
  { term, watched, clock }: { term: Term | undefined; watched: Watched; clock: Clock },
): void {
  for (const gauge of [
    metrics.conditions,
    metrics.watchSilence,
    metrics.unclaimedRemoteObjects,
    metrics.breakerOpen,
    metrics.remoteBudgetTokens,
    metrics.remoteBudgetWaiting,
    metrics.remoteBudgetLongestWait,
    metrics.remoteBudgetExhausted,
    metrics.remoteListAge,
    metrics.remotePollInterval,
  ])
    gauge.reset();
  for (const [definition, store] of watched.remotes) {
    const { kind } = definition.names;
    const counts: Record<State, number> = { ready: 0, reconciling: 0, stalled: 0, deleting: 0, unknown: 0 };
    const all = store.list();
    for (const resource of all) counts[stateOf(resource)] += 1;
    for (const [state, count] of Object.entries(counts)) metrics.resources.set({ kind, state }, count);
    metrics.heldInMemory.set({ type: kind }, store.size);
    countConditions(metrics, definition, all);
    if (kind === guestLicense.names.kind) countLicenses(metrics, all, clock.now());
  }
  for (const [definition, store] of watched.tenants)
    countConditions(metrics, definition, store.list() as unknown as Resource[]);
  for (const [{ names }, store] of [...watched.remotes, ...watched.tenants]) {
    const silence = (clock.monotonic() - store.lastActivity()) / 1000;
    // Every namespace refuses it: nothing is watched that could be silent.
    if (Number.isFinite(silence)) metrics.watchSilence.set({ resource: names.plural }, silence);
  }
  metrics.queueDepth.set({ name }, term?.queue.depth ?? 0);
  const oldest = term?.queue.oldestRun();
  metrics.queueLongestRunning.set({ name }, oldest === undefined ? 0 : (clock.monotonic() - oldest) / 1000);
  metrics.queueUnfinished.set({ name }, term?.queue.unfinished() ?? 0);
  for (const remote of term?.context.tenants.all() ?? []) readRemote(metrics, term!.context, remote);
}
