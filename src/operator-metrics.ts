import type { Clock } from './base/clock.ts';
import { findCondition } from './engine/conditions.ts';
import type { Resource } from './engine/resource.ts';
import type { QueueHooks, RunResult } from './engine/queue.ts';
import type { Term } from './engine/term.ts';
import { countUnclaimed } from './engine/unclaimed.ts';
import type { Store } from './kube/store.ts';
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

/** What is read off at a scrape. */
export function gaugesOf(
  metrics: Metrics,
  { term, stores, clock }: { term: Term | undefined; stores: ReadonlyMap<string, Store<Resource>>; clock: Clock },
): void {
  for (const [kind, store] of stores) {
    const counts: Record<State, number> = { ready: 0, reconciling: 0, stalled: 0, deleting: 0, unknown: 0 };
    for (const resource of store.list()) counts[stateOf(resource)] += 1;
    for (const [state, count] of Object.entries(counts)) metrics.resources.set({ kind, state }, count);
    metrics.heldInMemory.set({ type: kind }, store.size);
  }
  metrics.unclaimedRemoteObjects.reset();
  metrics.breakerOpen.reset();
  metrics.remoteBudgetTokens.reset();
  metrics.remoteBudgetWaiting.reset();
  metrics.remoteBudgetLongestWait.reset();
  metrics.queueDepth.set({ name }, term?.queue.depth ?? 0);
  const oldest = term?.queue.oldestRun();
  metrics.queueLongestRunning.set({ name }, oldest === undefined ? 0 : (clock.monotonic() - oldest) / 1000);
  metrics.queueUnfinished.set({ name }, term?.queue.unfinished() ?? 0);
  if (!term) return;
  const { tenants, kinds } = term.context;
  for (const remote of tenants.all()) {
    const tenant = remote.key;
    const { tokens, waiting, longestWait } = remote.budget.figures();
    metrics.remoteBudgetTokens.set({ tenant }, tokens);
    metrics.remoteBudgetLongestWait.set({ tenant }, longestWait / 1000);
    for (const [priority, count] of Object.entries(waiting))
      metrics.remoteBudgetWaiting.set({ tenant, priority }, count);
    for (const [type, count] of countUnclaimed(term.context, remote))
      metrics.unclaimedRemoteObjects.set({ tenant, type }, count);
    for (const kind of kinds.values()) {
      if (kind.tenantKind === remote.kind.names.kind)
        metrics.breakerOpen.set({ tenant, kind: kind.names.kind }, tenants.breakerOf(kind, remote).open ? 1 : 0);
    }
  }
}
