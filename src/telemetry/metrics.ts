import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds; those of controller-runtime, so that its dashboards fit. */
const workBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds; the remote APIs answer in tenths of seconds at best. */
const remoteBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120];

/** What each label holds. All come from fixed lists of this program, but for `tenant`: one value a remote tenant. */
export const labels = {
  kind: 'Kind of the resource.',
  state: '`ready`, `reconciling`, `stalled`, `deleting`, or `unknown` before the first report.',
  condition: 'Type of the condition.',
  status: '`True`, `False` or `Unknown`.',
  reason: 'Of a condition or a licence: as `kubectl describe` shows it. Of a watch: why it ended.',
  result: '`done`, `requeue` (again after a time) or `retry` (after an error).',
  name: 'Always `freehold`: one queue serves all kinds.',
  tenant: "Remote tenant: the key in `connected to …` of the tenant's `Ready`.",
  operation: 'Call of the remote API.',
  outcome: '`ok`, or the reason of the failure.',
  priority: '`write`, `motion` (something is in the making) or `poll`.',
  type: 'What is counted: a collection of the remote tenant, or a kind.',
  verb: 'HTTP method.',
  resource: 'Resource of the Kubernetes API.',
  code: 'HTTP status; empty where nothing answered.',
  version: 'Of the operator.',
  node: 'Version of Node.js.',
} as const;

type Label = keyof typeof labels;

/** One metric, for the reference. */
export interface MetricDefinition {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labelNames: readonly Label[];
  /** Only the process that leads (of each shard) has values; a standby shows none, or 0. */
  ofLeader: boolean;
}

/** Gauges under the name of a counter: the sums of what others of prom-client show in parts. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

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
  const definitions: MetricDefinition[] = [];

  function define<L extends Label>(
    type: MetricDefinition['type'],
    short: string,
    help: string,
    labelNames: L[],
    ofLeader: boolean,
  ) {
    const name = `freehold_${short}`;
    definitions.push({ name, type, help, labelNames, ofLeader });
    return { name, help, labelNames, registers };
  }
  function counter<L extends Label = never>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter(define('counter', name, help, labelNames, false));
  }
  function gauge<L extends Label = never>(
    name: string,
    help: string,
    labelNames: L[] = [],
    { ofLeader = false } = {},
  ): Gauge<L> {
    return new Gauge(define('gauge', name, help, labelNames, ofLeader));
  }
  function histogram<L extends Label = never>(
    name: string,
    help: string,
    labelNames: L[] = [],
    buckets = workBuckets,
  ): Histogram<L> {
    return new Histogram({ ...define('histogram', name, help, labelNames, false), buckets });
  }
  const ofLeader = { ofLeader: true };

  if (ofProcess) {
    collectDefaultMetrics({ register: registry });
    for (const name of misnamed) registry.removeSingleMetric(name);
  }

  return {
    buildInfo: gauge('build_info', 'Always 1: which version runs.', ['version', 'node']),

    reconciles: counter('reconcile_total', 'Reconcile passes by how they ended.', ['kind', 'result']),
    reconcileErrors: counter('reconcile_errors_total', 'Reconcile passes that ended in an error.', ['kind']),
    reconcileDuration: histogram('reconcile_duration_seconds', 'How long a reconcile pass took.', ['kind']),

    queueDepth: gauge('workqueue_depth', 'Keys that wait in the work queue.', ['name'], ofLeader),
    queueAdds: counter('workqueue_adds_total', 'Keys added to the work queue.', ['name']),
    queueDuration: histogram('workqueue_queue_duration_seconds', 'How long a key waited in the work queue.', ['name']),
    queueWorkDuration: histogram('workqueue_work_duration_seconds', 'How long a key was worked on.', ['name']),
    queueRetries: counter('workqueue_retries_total', 'Keys put back after a failure.', ['name']),
    queueUnfinished: gauge(
      'workqueue_unfinished_work_seconds',
      'Time spent so far on keys that are being worked on, summed. One that keeps growing is stuck.',
      ['name'],
      ofLeader,
    ),
    queueLongestRunning: gauge(
      'workqueue_longest_running_processor_seconds',
      'How long the key that has been worked on longest has been so.',
      ['name'],
      ofLeader,
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
    remoteBudgetTokens: gauge(
      'remote_budget_tokens',
      'Calls that could go out to the remote tenant at once.',
      ['tenant'],
      ofLeader,
    ),
    remoteBudgetWaiting: gauge(
      'remote_budget_waiting',
      'Calls that wait for the budget of the remote tenant.',
      ['tenant', 'priority'],
      ofLeader,
    ),
    remoteBudgetLongestWait: gauge(
      'remote_budget_longest_wait_seconds',
      'How long the call that waits longest for the budget of the remote tenant has waited.',
      ['tenant'],
      ofLeader,
    ),
    remoteBudgetExhausted: gauge(
      'remote_budget_exhausted',
      '1 while calls wait long for the budget of the remote tenant, or did so in the last minutes.',
      ['tenant'],
      ofLeader,
    ),
    remoteListAge: gauge(
      'remote_list_age_seconds',
      'Age of the newest complete list of a collection; none before the first.',
      ['tenant', 'type'],
      ofLeader,
    ),
    remotePollInterval: gauge(
      'remote_poll_interval_seconds',
      'Longest time between two lists of the remote tenant while they succeed.',
      ['tenant'],
      ofLeader,
    ),

    resources: gauge('resources', 'Resources by state: ready, reconciling, stalled, deleting or unknown.', [
      'kind',
      'state',
    ]),
    conditions: gauge(
      'resource_conditions',
      'Resources and tenants by what a condition says; none where nobody has it.',
      ['kind', 'condition', 'status', 'reason'],
    ),
    licenses: gauge('licenses', 'Licences that GuestLicenses stand for, by how soon they end.', ['reason']),
    licenseExpiry: gauge(
      'license_expiry_timestamp_seconds',
      'When the next licence ends, Unix time; +Inf while none will.',
    ),
    unclaimedRemoteObjects: gauge(
      'unclaimed_remote_objects',
      'Objects of the remote tenant that no resource stands for; they may cost money.',
      ['tenant', 'type'],
      ofLeader,
    ),
    breakerOpen: gauge(
      'breaker_open',
      '1 while unexplained losses stop creates and deletes of this kind.',
      ['tenant', 'kind'],
      ofLeader,
    ),
    leader: gauge('leader', '1 while this replica holds the lease.'),
    shards: gauge('shards', 'Shards among which the remote tenants are divided (--shards); each needs a leader.'),
    shardWaiting: gauge('shard_waiting', '1 while this replica waits for Leases of another count of shards.'),

    kubeRequests: counter('kube_requests_total', 'Requests to the Kubernetes API; code is empty where none answered.', [
      'verb',
      'resource',
      'code',
    ]),
    kubeRequestDuration: histogram(
      'kube_request_duration_seconds',
      'How long a request to the Kubernetes API took; of a watch, its start.',
      ['verb'],
    ),
    watchRestarts: counter('watch_restarts_total', 'Watch connections that ended, by why.', ['resource', 'reason']),
    watchSilence: gauge(
      'watch_silence_seconds',
      'How long the quietest watch of a resource has heard nothing; the API server says something about every minute.',
      ['resource'],
    ),
    heldInMemory: gauge(
      'held_in_memory',
      'Entries that the operator holds in memory, by what they are. One that grows while resources do not is a leak.',
      ['type'],
    ),

    /** All of the above, as they are defined. */
    definitions: definitions as readonly MetricDefinition[],
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
