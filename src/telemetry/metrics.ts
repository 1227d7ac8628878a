import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds; those of controller-runtime, so that its dashboards fit. */
const workBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds; the remote APIs answer in tenths of seconds at best. */
const remoteBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120];

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Every metric of the operator, in a registry of its own. Durations are seconds. No label carries the name of a resource:
 * `tenant` is the short name of a remote tenant. `ofProcess: false` leaves out the metrics of the process itself, for
 * several operators in one process.
 */
export function createMetrics({ ofProcess = true } = {}) {
  const registry = new Registry();
  const registers = [registry];
  const scraped: (() => void)[] = [];

  function counter<L extends string = never>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter({ name: `freehold_${name}`, help, labelNames, registers });
  }
  function gauge<L extends string = never>(name: string, help: string, labelNames: L[] = []): Gauge<L> {
    return new Gauge({ name: `freehold_${name}`, help, labelNames, registers });
  }
  function histogram<L extends string = never>(
    name: string,
    help: string,
    labelNames: L[] = [],
    buckets = workBuckets,
  ): Histogram<L> {
    return new Histogram({ name: `freehold_${name}`, help, labelNames, buckets, registers });
  }

  if (ofProcess) {
    collectDefaultMetrics({ register: registry });
  }

  return {
    reconciles: counter('reconcile_total', 'Reconcile passes by how they ended.', ['kind', 'result']),
    reconcileErrors: counter('reconcile_errors_total', 'Reconcile passes that ended in an error.', ['kind']),
    reconcileDuration: histogram('reconcile_duration_seconds', 'How long a reconcile pass took.', ['kind']),

    queueDepth: gauge('workqueue_depth', 'Keys that wait in the work queue.', ['name']),
    queueAdds: counter('workqueue_adds_total', 'Keys added to the work queue.', ['name']),
    queueDuration: histogram('workqueue_queue_duration_seconds', 'How long a key waited in the work queue.', ['name']),
    queueWorkDuration: histogram('workqueue_work_duration_seconds', 'How long a key was worked on.', ['name']),
    queueRetries: counter('workqueue_retries_total', 'Keys put back after a failure.', ['name']),
    queueUnfinished: gauge(
      'workqueue_unfinished_work_seconds',
      'Time spent so far on keys that are being worked on, summed. One that keeps growing is stuck.',
      ['name'],
    ),
    queueLongestRunning: gauge(
      'workqueue_longest_running_processor_seconds',
      'How long the key that has been worked on longest has been so.',
      ['name'],
    ),

    remoteRequests: counter(
      'remote_requests_total',
      'HTTP exchanges with remote APIs: outcome is ok or the reason of the failure.',
      ['tenant', 'operation', 'outcome'],
    ),
    remoteRequestDuration: histogram(
      'remote_request_duration_seconds',
      'How long an HTTP exchange with a remote API took.',
      ['operation'],
      remoteBuckets,
    ),
    remoteBudgetTokens: gauge('remote_budget_tokens', 'Calls that could go out to the remote tenant at once.', [
      'tenant',
    ]),
    remoteBudgetWaiting: gauge('remote_budget_waiting', 'Calls that wait for the budget of the remote tenant.', [
      'tenant',
      'priority',
    ]),

    remoteBudgetLongestWait: gauge(
      'remote_budget_longest_wait_seconds',
      'How long the call that waits longest for the budget of the remote tenant has waited.',
      ['tenant'],
    ),

    resources: gauge('resources', 'Resources by state: ready, reconciling, stalled, deleting or unknown.', [
      'kind',
      'state',
    ]),
    unclaimedRemoteObjects: gauge(
      'unclaimed_remote_objects',
      'Objects of the remote tenant that no resource stands for; they may cost money.',
      ['tenant', 'type'],
    ),
    breakerOpen: gauge('breaker_open', '1 while unexplained losses stop creates and deletes of this kind.', [
      'tenant',
      'kind',
    ]),
    leader: gauge('leader', '1 while this replica holds the lease.'),
    shardWaiting: gauge('shard_waiting', '1 while this replica waits for Leases of another count of shards.'),

    kubeRequests: counter('kube_requests_total', 'Requests to the Kubernetes API; code is empty where none answered.', [
      'verb',
      'resource',
      'code',
    ]),
    watchRestarts: counter('watch_restarts_total', 'Watch connections that ended, by why.', ['resource', 'reason']),
    heldInMemory: gauge(
      'held_in_memory',
      'Entries that the operator holds in memory, by what they are. One that grows while resources do not is a leak.',
      ['type'],
    ),

    /** Runs `update` before each scrape: for gauges that are read off, not counted along. It must not throw. */
    beforeScrape(update: () => void): void {
      scraped.push(update);
    },
    /** The text of a scrape. */
    text(): Promise<string> {
      scraped.forEach((update) => update());
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
