import type { Clock } from './base/clock.ts';
import { type Random, uuid } from './base/random.ts';
import type { Config } from './config.ts';
import { type Kind, typeOf } from './engine/kind.ts';
import type { Resource } from './engine/resource.ts';
import type { TenantResource } from './engine/tenant.ts';
import { createTerm, type Term } from './engine/term.ts';
import { remoteKinds, tenantKinds } from './kinds.ts';
import { createRecorder } from './kube/events.ts';
import { fenced } from './kube/fenced.ts';
import { createShardElector, type ShardElector } from './kube/shard-lease.ts';
import { createStore, type Store } from './kube/store.ts';
import type { KubeApi } from './kube/types.ts';
import { allowedEndpoints } from './remote/endpoints.ts';
import type { RemotePorts } from './remote/ports.ts';
import type { RemoteTransport } from './remote/transport.ts';
import { gaugesOf, queueHooks } from './operator-metrics.ts';
import type { Log } from './telemetry/log.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Check } from './telemetry/server.ts';

/** The four ports (Kubernetes, remote transport, clock, random) and where it speaks. */
export interface OperatorPorts {
  kube: KubeApi;
  /** Namespace of the Lease where the configuration names none. */
  namespace: string;
  transport: RemoteTransport;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
}

export interface Operator {
  /** Works until `signal` aborts, then lets go of the lease: within 2 s when no mutating call is in flight. */
  run(signal: AbortSignal): Promise<void>;
  healthy: Check[];
  ready: Check[];
  /** The term of leadership going on, for tests and metrics. */
  term(): Term | undefined;
}

/** A watch that heard nothing for so long is no longer one, milliseconds. */
const silentFor = 10 * 60_000;

/** The composition root: the only place that knows every room. */
export function createOperator(config: Config, ports: OperatorPorts): Operator {
  const { kube, clock, random, log, metrics } = ports;
  const holder = `${config.identity}_${uuid(random).slice(0, 8)}`;
  const open = <T extends Resource | TenantResource>(definition: Pick<Kind, 'group' | 'version' | 'names'>): Store<T> =>
    createStore<T>({
      api: kube,
      type: typeOf(definition as Kind),
      namespaces: config.watchNamespaces,
      clock,
      random,
      log,
      onInterruption: (reason) => metrics.watchRestarts.inc({ resource: definition.names.plural, reason }),
    });
  const stores = new Map(remoteKinds.map((kind) => [kind.names.kind, open<Resource>(kind)]));
  const tenantStores = new Map(tenantKinds.map((kind) => [kind.names.kind, open<TenantResource>(kind)]));
  const all = [...stores.values(), ...tenantStores.values()];
  const recorder = createRecorder({
    api: kube,
    clock,
    random,
    log,
    controller: 'freehold.dev/operator',
    instance: holder,
  });
  const elector: ShardElector | undefined = config.leaderElect
    ? createShardElector({
        api: kube,
        layout: {
          key: { namespace: config.leaseNamespace ?? ports.namespace, name: config.leaseName },
          shards: config.shards,
          shard: config.shard,
        },
        identity: holder,
        clock,
        random,
        log,
        timing: {
          leaseDuration: config.leaseDuration,
          renewDeadline: config.renewDeadline,
          retryPeriod: config.retryPeriod,
        },
      })
    : undefined;
  const remotePorts: RemotePorts = {
    transport: ports.transport,
    allowed: allowedEndpoints({ patterns: config.allowedEndpoints, insecure: config.allowInsecureEndpoints }),
    observe(tenant, { operation, result, duration }) {
      metrics.remoteRequests.inc({ tenant, operation, outcome: result });
      metrics.remoteRequestDuration.observe({ operation }, duration / 1000);
    },
    audit: (tenant, record) =>
      log.info({ audit: record, tenant, by: holder }, `audit: ${record.operation} ${record.outcome}`),
    readDeadline: config.readDeadline,
    writeDeadline: config.writeDeadline,
  };
  let term: Term | undefined;
  let leading: Promise<void> = Promise.resolve();

  const fence = () => {
    if (elector && !elector.held()) throw new Error('the lease is not held: nothing more is changed');
  };

  function begin(): void {
    const shard = { index: config.shard, count: config.shards };
    log.info({ holder, ...(shard.count > 1 && { shard }) }, 'leading');
    metrics.leader.set(1);
    const { ownerID, settleWindow, absenceInterval, motionInterval, staleAfter, secretInterval } = config;
    const begun = createTerm({
      settings: { ownerID, holder, shard, settleWindow, absenceInterval, motionInterval, staleAfter, secretInterval },
      kube: fenced(kube, fence),
      ports: remotePorts,
      clock,
      random,
      log,
      kinds: remoteKinds,
      tenantKinds,
      stores,
      tenantStores,
      event: (regarding, event) => recorder.event(regarding, event),
      fence,
      workers: config.workers,
      hooks: queueHooks(metrics),
    });
    term = begun;
    leading = leading
      .then(() => begun.start())
      .catch((error: unknown) => log.error({ err: error }, 'the term could not begin'));
  }

  function end(how: { drain: boolean }): Promise<void> {
    const ending = term;
    term = undefined;
    metrics.leader.set(0);
    if (!ending) return Promise.resolve();
    log.info({ holder }, 'no longer leading');
    return ending.stop(how);
  }

  const watched = {
    remotes: remoteKinds.map((kind) => [kind, stores.get(kind.names.kind)!] as const),
    tenants: tenantKinds.map((kind) => [kind, tenantStores.get(kind.names.kind)!] as const),
  };
  metrics.shards.set(config.shards);
  metrics.beforeScrape(() => {
    metrics.shardWaiting.set(elector?.waitsFor() === undefined ? 0 : 1);
    gaugesOf(metrics, { term, watched, clock });
  });

  return {
    term: () => term,
    healthy: [
      {
        name: 'watches',
        problem: () => {
          const silent = Math.max(...all.map((store) => clock.monotonic() - store.lastActivity()));
          return all.every((store) => store.synced) && silent > silentFor
            ? `a watch heard nothing for ${Math.round(silent / 1000)} s`
            : undefined;
        },
      },
    ],
    ready: [
      {
        name: 'caches',
        problem: () =>
          all.every((store) => store.synced)
            ? undefined
            : 'not every kind was listed yet; are the CustomResourceDefinitions installed (freehold crds | kubectl apply --server-side -f -), and may they be listed?',
      },
      // No problem: were it unready, a Deployment would not replace the processes that it waits for.
      { name: 'shards', problem: () => undefined, note: () => elector?.waitsFor() },
    ],
    async run(signal) {
      for (const store of all) store.start();
      // stop() is what ends the campaign: the lease is kept until what is in flight has its outcome.
      const campaign = new AbortController();
      const running = elector?.run(campaign.signal);
      elector?.onAcquired(begin);
      elector?.onLost(() => void end({ drain: false }));
      if (!elector) begin();
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await end({ drain: true });
      await elector?.release();
      campaign.abort();
      await running;
      await Promise.all([...all.map((store) => store.stop()), recorder.flush()]);
    },
  };
}
