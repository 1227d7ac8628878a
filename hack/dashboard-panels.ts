/** One panel of the dashboard. */
export interface Panel {
  title: string;
  description: string;
  unit: string;
  /** Legend (`{{label}}`), and PromQL in which `$of` stands for the selector of one installation. */
  queries: Record<string, string>;
  /** Areas upon each other: what adds up to a whole. */
  stacked?: true;
  /** One figure instead of a curve: green, and red from this value on (above it, where it is 0). */
  figure?: { badFrom?: number };
}

const quantile = (q: number, metric: string, by: string) =>
  `histogram_quantile(${q}, sum by (${['le', by].filter(Boolean).join(', ')}) (rate(${metric}_bucket{$of}[$__rate_interval])))`;
const rate = (metric: string, by: string, filter = '') =>
  `sum by (${by}) (rate(${metric}{$of${filter}}[$__rate_interval]))`;

/** By the title of their row. */
export const rows: Record<string, Panel[]> = {
  'At a glance': [
    {
      title: 'Leaders missing',
      description: 'Shards without a replica that holds the lease: nobody works on their tenants.',
      unit: 'none',
      queries: { '': 'max(freehold_shards{$of}) - sum(freehold_leader{$of})' },
      figure: { badFrom: 1 },
    },
    {
      title: 'Resources ready',
      description: 'Share of all resources that are Ready.',
      unit: 'percentunit',
      queries: {
        '': 'sum(max by (kind) (freehold_resources{$of, state="ready"})) / sum(max by (kind, state) (freehold_resources{$of}))',
      },
      figure: {},
    },
    {
      title: 'Stalled',
      description: 'Resources that wait for a person.',
      unit: 'none',
      queries: { '': 'sum(max by (kind) (freehold_resources{$of, state="stalled"}))' },
      figure: { badFrom: 1 },
    },
    {
      title: 'Tenants not connected',
      description: 'Tenants whose Ready is False, whatever the reason.',
      unit: 'none',
      queries: {
        '': 'sum(max by (kind, reason) (freehold_resource_conditions{$of, kind=~"SDPFTenant|CloudOSTenant", condition="Ready", status="False"})) or vector(0)',
      },
      figure: { badFrom: 1 },
    },
    {
      title: 'Breakers open',
      description: 'Kinds of which many objects are missing at once: nothing is created, deleted or released there.',
      unit: 'none',
      queries: { '': 'sum(max by (tenant, kind) (freehold_breaker_open{$of})) or vector(0)' },
      figure: { badFrom: 1 },
    },
    {
      title: 'Unclaimed',
      description: 'Objects of the remote tenants that no resource stands for; they may cost money.',
      unit: 'none',
      queries: { '': 'sum(max by (tenant, type) (freehold_unclaimed_remote_objects{$of})) or vector(0)' },
      figure: {},
    },
    {
      title: 'Next licence ends',
      description: 'When the next licence ends; nothing while none will.',
      unit: 'dateTimeFromNow',
      queries: { '': 'min(freehold_license_expiry_timestamp_seconds{$of}) * 1000 < Inf' },
      figure: {},
    },
    {
      title: 'Version',
      description: 'Processes by the version that they run.',
      unit: 'none',
      queries: { '{{version}}': 'count by (version) (freehold_build_info{$of})' },
      figure: {},
    },
  ],
  Resources: [
    {
      title: 'Resources by kind and state',
      description: 'Every replica shows all resources: the greatest count of any is taken.',
      unit: 'none',
      queries: { '{{kind}} {{state}}': 'max by (kind, state) (freehold_resources{$of}) > 0' },
      stacked: true,
    },
    {
      title: 'Stalled, by reason',
      description: 'Who waits for a person, and why. Each reason stands in docs/operations.md.',
      unit: 'none',
      queries: {
        '{{kind}} {{reason}}':
          'max by (kind, reason) (freehold_resource_conditions{$of, condition="Stalled", status="True"})',
      },
      stacked: true,
    },
    {
      title: 'Not ready, by reason',
      description: 'Resources and tenants whose Ready is False: what they wait for.',
      unit: 'none',
      queries: {
        '{{kind}} {{reason}}':
          'max by (kind, reason) (freehold_resource_conditions{$of, condition="Ready", status="False"})',
      },
      stacked: true,
    },
    {
      title: 'Licences, by how soon they end',
      description: 'Each licence counts once; licences are not renewed by themselves.',
      unit: 'none',
      queries: { '{{reason}}': 'max by (reason) (freehold_licenses{$of})' },
      stacked: true,
    },
    {
      title: 'Metering of vCenters',
      description: 'What MeteringHealthy says: True, False, or Unknown before metering has run.',
      unit: 'none',
      queries: {
        '{{status}}':
          'sum by (status) (max by (status, reason) (freehold_resource_conditions{$of, condition="MeteringHealthy"}))',
      },
      stacked: true,
    },
    {
      title: 'Unclaimed remote objects',
      description: 'Objects that no resource stands for, by remote tenant and type.',
      unit: 'none',
      queries: { '{{tenant}} {{type}}': 'max by (tenant, type) (freehold_unclaimed_remote_objects{$of}) > 0' },
      stacked: true,
    },
  ],
  'Remote APIs': [
    {
      title: 'Calls, by outcome',
      description: 'HTTP exchanges a second: ok, or the reason of the failure.',
      unit: 'reqps',
      queries: { '{{tenant}} {{outcome}}': rate('freehold_remote_requests_total', 'tenant, outcome') },
      stacked: true,
    },
    {
      title: 'Failures, by operation',
      description: 'Exchanges that did not end well.',
      unit: 'reqps',
      queries: {
        '{{operation}} {{outcome}}': `${rate('freehold_remote_requests_total', 'operation, outcome', ', outcome!="ok"')} > 0`,
      },
    },
    {
      title: 'Latency (95 %), by operation',
      description: 'How long an exchange takes, without the wait for the budget.',
      unit: 's',
      queries: { '{{operation}}': quantile(0.95, 'freehold_remote_request_duration_seconds', 'operation') },
    },
    {
      title: 'Age of the newest complete list',
      description: 'By remote tenant and collection. A saw of about the poll interval is as it should be.',
      unit: 's',
      queries: { '{{tenant}} {{type}}': 'max by (tenant, type) (freehold_remote_list_age_seconds{$of})' },
    },
    {
      title: 'Budget left',
      description: 'Calls that could go out at once.',
      unit: 'none',
      queries: { '{{tenant}}': 'max by (tenant) (freehold_remote_budget_tokens{$of})' },
    },
    {
      title: 'Calls that wait for the budget',
      description: 'By priority: writes go first, polls last.',
      unit: 'none',
      queries: { '{{tenant}} {{priority}}': 'max by (tenant, priority) (freehold_remote_budget_waiting{$of})' },
      stacked: true,
    },
    {
      title: 'Longest wait for the budget',
      description: 'Of the call that has waited longest. 10 s and more are told in the condition BudgetExhausted.',
      unit: 's',
      queries: {
        '{{tenant}}': 'max by (tenant) (freehold_remote_budget_longest_wait_seconds{$of})',
        '{{tenant}} exhausted (1)': 'max by (tenant) (freehold_remote_budget_exhausted{$of}) > 0',
      },
    },
    {
      title: 'Breaker',
      description: '1 while many recorded objects of a kind are missing at once.',
      unit: 'none',
      queries: { '{{tenant}} {{kind}}': 'max by (tenant, kind) (freehold_breaker_open{$of})' },
    },
  ],
  Operator: [
    {
      title: 'Leader',
      description: '1 for the replica that holds the lease (of its shard).',
      unit: 'none',
      queries: { '{{pod}}{{instance}}': 'max by (pod, instance) (freehold_leader{$of})' },
    },
    {
      title: 'Work queue',
      description: 'Keys that wait. It should empty again and again.',
      unit: 'none',
      queries: {
        waiting: 'sum(freehold_workqueue_depth{$of})',
        'put back after a failure, a second': 'sum(rate(freehold_workqueue_retries_total{$of}[$__rate_interval]))',
      },
    },
    {
      title: 'Wait in the work queue',
      description: 'How long a key waits before it is worked on.',
      unit: 's',
      queries: {
        '50 %': quantile(0.5, 'freehold_workqueue_queue_duration_seconds', ''),
        '95 %': quantile(0.95, 'freehold_workqueue_queue_duration_seconds', ''),
      },
    },
    {
      title: 'Longest pass under way',
      description: 'How long the key that has been worked on longest has been so. One that only grows hangs.',
      unit: 's',
      queries: { longest: 'max(freehold_workqueue_longest_running_processor_seconds{$of})' },
    },
    {
      title: 'Passes, by kind and result',
      description: 'Reconcile passes a second. With nothing to do there are few.',
      unit: 'ops',
      queries: { '{{kind}} {{result}}': rate('freehold_reconcile_total', 'kind, result') },
      stacked: true,
    },
    {
      title: 'Passes that ended in an error',
      description: 'A second, by kind. The log says why.',
      unit: 'ops',
      queries: { '{{kind}}': rate('freehold_reconcile_errors_total', 'kind') },
    },
    {
      title: 'Duration of a pass (95 %)',
      description: 'With its calls, and their waits for the budget.',
      unit: 's',
      queries: { '{{kind}}': quantile(0.95, 'freehold_reconcile_duration_seconds', 'kind') },
    },
    {
      title: 'Held in memory',
      description: 'Entries by what they are. One that grows while resources do not is a leak.',
      unit: 'none',
      queries: { '{{type}}': 'max by (type) (freehold_held_in_memory{$of})' },
    },
  ],
  Kubernetes: [
    {
      title: 'Requests, by verb and code',
      description: 'A second; no code: nothing was answered.',
      unit: 'reqps',
      queries: { '{{verb}} {{code}}': rate('freehold_kube_requests_total', 'verb, code') },
      stacked: true,
    },
    {
      title: 'Latency of requests (95 %)',
      description: 'By verb; of a watch, its start.',
      unit: 's',
      queries: { '{{verb}}': quantile(0.95, 'freehold_kube_request_duration_seconds', 'verb') },
    },
    {
      title: 'Silence of watches',
      description: 'How long a watch has heard nothing. The API server says something about every minute.',
      unit: 's',
      queries: { '{{resource}}': 'max by (resource) (freehold_watch_silence_seconds{$of})' },
    },
    {
      title: 'Watches that ended',
      description: 'A second, by why. A timeout every five to ten minutes is as it should be.',
      unit: 'ops',
      queries: { '{{resource}} {{reason}}': rate('freehold_watch_restarts_total', 'resource, reason') },
    },
  ],
  Process: [
    {
      title: 'Memory',
      description: 'Resident memory and used heap of each process.',
      unit: 'bytes',
      queries: {
        'resident {{pod}}{{instance}}': 'process_resident_memory_bytes{$of}',
        'heap {{pod}}{{instance}}': 'nodejs_heap_size_used_bytes{$of}',
      },
    },
    {
      title: 'CPU',
      description: 'Cores in use. The program computes on one.',
      unit: 'none',
      queries: { '{{pod}}{{instance}}': 'rate(process_cpu_seconds_total{$of}[$__rate_interval])' },
    },
    {
      title: 'Event-loop lag (99 %)',
      description: 'How late timers run. Leases need some seconds at the most.',
      unit: 's',
      queries: { '{{pod}}{{instance}}': 'nodejs_eventloop_lag_p99_seconds{$of}' },
    },
  ],
};
