import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { Writable } from 'node:stream';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { configSchema } from '../../src/config.ts';
import { typeOf } from '../../src/engine/kind.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { kinds } from '../../src/kinds.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { kubeConnection } from '../../src/kube/config.ts';
import type { KubeApi, ResourceType } from '../../src/kube/types.ts';
import { createOperator, type Operator } from '../../src/operator.ts';
import { createTransport } from '../../src/remote/undici.ts';
import { listen, type Listening } from '../../src/sandbox/serve.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { createTestClock, type TestClock } from './clock.ts';
import { type Cluster, type CommandResult, sharedCluster } from './controlplane.ts';
import { until } from './wait.ts';

/** A call as the sandbox logged it. */
export interface LoggedCall {
  seq: number;
  /** By the sandbox's clock. */
  at: string;
  operation: string;
  method: string;
  path: string;
  status: number | null;
  committed: boolean;
  requestBody: unknown;
  fault?: unknown;
}

/** The sandbox with its levers, under the scenario's clock. */
export interface SandboxHandle extends Listening {
  control<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  set(settings: Record<string, unknown>): Promise<void>;
  fault(fault: Record<string, unknown>): Promise<string>;
  clearFaults(): Promise<void>;
  /** Calls of one operation (or all), oldest first. */
  calls(operation?: string): Promise<LoggedCall[]>;
  /** Every server ever committed. */
  servers(): Promise<
    { id: string; name: string; description: string | null; deletedAt?: string; adminPassSHA256?: string }[]
  >;
}

/** An operator inside this process, on the scenario's clock. */
export interface RunningOperator {
  operator: Operator;
  metrics: Metrics;
  /** Every log line so far. */
  log(): string;
  /** As SIGTERM: resolves when it has let go. */
  stop(): Promise<void>;
}

/** The built operator as a process of its own, on real time. */
export interface OperatorProcess {
  pid: number;
  /** Everything it printed. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<number | null>;
  exited: Promise<number | null>;
}

/** A namespace of its own on the real API server, a sandbox of its own, a clock of its own. */
export interface Scenario {
  cluster: Cluster;
  kubeconfig: string;
  namespace: string;
  clock: TestClock;
  sandbox: SandboxHandle;
  ownerID: string;
  /** A plain client, outside of what operators are given. */
  api: KubeApi;
  kubectl(args: string[], input?: string): Promise<CommandResult>;
  /** kubectl apply; throws what it says when it fails. */
  apply(...manifests: object[]): Promise<void>;
  /** Secret and SDPFTenant for this sandbox. */
  tenant(spec?: object, name?: string): object[];
  /** A DedicatedHypervisor that can be bought. */
  hypervisor(name?: string, spec?: object, metadata?: object): object;
  get(kind: string, name: string): Promise<Resource | undefined>;
  /** Waits until the condition of that type has this status (and reason). Fails with what it is instead. */
  condition(
    kind: string,
    name: string,
    type: string,
    status: string,
    reason?: string,
    within?: number,
  ): Promise<Resource>;
  ready(name?: string, within?: number): Promise<Resource>;
  gone(kind: string, name: string, within?: number): Promise<void>;
  /** Operator in this process: `config` in the fields of src/config.ts, durations as text; `wrap` stands before its Kubernetes. */
  start(config?: Record<string, unknown>, wrap?: (api: KubeApi) => KubeApi): Promise<RunningOperator>;
  /** `build/freehold run` as a process, with these further flags. */
  spawn(...flags: string[]): OperatorProcess;
  /** Moves time on in steps, so that polls and passes happen in between. */
  pass(milliseconds: number, step?: number): Promise<void>;
  end(): Promise<void>;
}

const build = path.resolve(import.meta.dirname, '../../build');
const crds = path.resolve(import.meta.dirname, '../../crds');

/** CRDs are applied once a cluster and test file. */
const installed = new Map<string, Promise<void>>();

/** Read straight from the API; other kinds through kubectl. */
const typesByName: Record<string, ResourceType> = {};
for (const definition of kinds) {
  for (const name of [definition.names.kind, definition.names.plural, ...(definition.names.shortNames ?? [])])
    typesByName[name] = typeOf(definition);
}
typesByName['secret'] = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };

/** `rebuilds`: another cluster in the place of that scenario's, with its namespace's name, sandbox, clock and ownerID. */
export async function createScenario(
  options: {
    cluster?: Cluster;
    ownerID?: string;
    settings?: Record<string, unknown>;
    rebuilds?: Scenario;
    /** The sandbox's time, where it is not the scenario's. */
    now?: () => number;
  } = {},
): Promise<Scenario> {
  const { rebuilds } = options;
  const cluster = options.cluster ?? (await sharedCluster());
  const namespace = rebuilds?.namespace ?? `t-${randomUUID().slice(0, 13)}`;
  const ownerID = options.ownerID ?? rebuilds?.ownerID ?? 'test-owner';
  const clock = rebuilds?.clock ?? createTestClock();
  const ends: (() => Promise<unknown>)[] = [];
  const operators = new Set<Operator>();
  const connection = kubeConnection({ kubeconfig: cluster.kubeconfig });
  // On real time: a jump of the test's clock is not to cut its own calls.
  const api = createKubeClient({ connection, clock: systemClock });
  ends.push(() => api.close());
  const listening = rebuilds?.sandbox ?? (await listen({ host: '127.0.0.1', port: 0, now: options.now ?? clock.now }));
  const sandbox = rebuilds?.sandbox ?? handleOf(listening);
  if (!rebuilds) {
    ends.push(() => listening.close());
    await sandbox.set({ buildSeconds: 2, deleteSeconds: 2, ...options.settings });
  }
  const kubectl = (args: string[], input?: string) => cluster.kubectl(['-n', namespace, ...args], input);
  installed.set(
    cluster.kubeconfig,
    installed.get(cluster.kubeconfig) ?? must(cluster.kubectl(['apply', '--server-side', '-f', crds])),
  );
  await installed.get(cluster.kubeconfig);
  await must(cluster.kubectl(['create', 'namespace', namespace]));

  const get = async (kind: string, name: string): Promise<Resource | undefined> => {
    const type = typesByName[kind];
    if (type) return api.get<Resource>(type, { namespace, name });
    const { code, stdout, stderr } = await kubectl(['get', kind, name, '-o', 'json', '--ignore-not-found']);
    if (code !== 0) throw new Error(stderr);
    return stdout === '' ? undefined : (JSON.parse(stdout) as Resource);
  };

  const scenario: Scenario = {
    cluster,
    kubeconfig: cluster.kubeconfig,
    namespace,
    clock,
    sandbox,
    ownerID,
    api,
    kubectl,
    async apply(...manifests) {
      await must(kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests })));
    },
    tenant(spec = {}, name = 'tenant') {
      const { apiKey, apiSecret, region, tenantID, authURL } = listening.info.sdpf;
      return [
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: `${name}-credentials` },
          type: 'freehold.dev/credentials',
          stringData: { apiKey, apiSecret },
        },
        {
          apiVersion: 'sdpf.freehold.dev/v1alpha1',
          kind: 'SDPFTenant',
          metadata: { name },
          spec: {
            region,
            tenantID,
            authURL,
            credentialsSecretRef: { name: `${name}-credentials` },
            limits: { requestsPerSecond: 500, burst: 500 },
            ...spec,
          },
        },
      ];
    },
    hypervisor(name = 'web', spec = {}, metadata = {}) {
      const { imageRef, flavorRef, networkID } = listening.info.sdpf;
      const networks = [
        { uuid: networkID, segmentationID: 2001 },
        { uuid: networkID, segmentationID: 2001 },
      ];
      return {
        apiVersion: 'sdpf.freehold.dev/v1alpha1',
        kind: 'DedicatedHypervisor',
        metadata: { name, ...metadata },
        spec: { tenantRef: { name: 'tenant' }, imageRef, flavorRef, networks, ...spec },
      };
    },
    get,
    async condition(kind, name, type, status, reason, within = 20_000) {
      let last: Resource | undefined;
      const holds = async () => {
        last = await get(kind, name);
        const found = last?.status?.conditions?.find((condition) => condition.type === type);
        return (
          found?.status === status &&
          (reason === undefined || found.reason === reason) &&
          found.observedGeneration === last?.metadata.generation
        );
      };
      await until(`${kind}/${name} ${type}=${status} ${reason ?? ''}`, holds, within).catch((error: unknown) => {
        throw new Error(`${String(error)}; it is ${JSON.stringify(last?.status, undefined, 1)}`);
      });
      return last!;
    },
    ready: (name = 'web', within) => scenario.condition('dh', name, 'Ready', 'True', undefined, within),
    gone: (kind, name, within = 20_000) =>
      until(`${kind}/${name} gone`, async () => (await get(kind, name)) === undefined, within),
    async start(config = {}, wrap = (api) => api) {
      const lines: string[] = [];
      const destination = new Writable({
        write(chunk: Buffer, _encoding, done) {
          lines.push(chunk.toString());
          done();
        },
      });
      const log = createLog({ level: 'debug', destination, clock });
      const metrics = createMetrics({ ofProcess: false });
      // A lease that outlasts every jump of the clock, and deadlines that no jump can reach.
      const parsed = configSchema.parse({
        ownerID,
        watchNamespaces: namespace,
        leaseNamespace: namespace,
        allowedEndpoints: '127.0.0.1:*',
        allowInsecureEndpoints: true,
        leaderElect: false,
        leaseDuration: '30h',
        renewDeadline: '20h',
        retryPeriod: '2s',
        ...config,
      });
      const kube = createKubeClient({
        connection: kubeConnection({ kubeconfig: parsed.kubeconfig ?? cluster.kubeconfig }),
        clock,
      });
      const transport = createTransport({ clock });
      const operator = createOperator(parsed, {
        kube: wrap(kube),
        namespace,
        transport,
        clock,
        random: systemRandom,
        log,
        metrics,
      });
      operators.add(operator);
      const stopping = new AbortController();
      const running = operator.run(stopping.signal);
      let stopped: Promise<void> | undefined;
      const stop = () => {
        stopping.abort();
        return (stopped ??= running.then(async () => {
          operators.delete(operator);
          await Promise.all([kube.close(), transport.close()]);
        }));
      };
      ends.push(stop);
      return { operator, metrics, log: () => lines.join(''), stop };
    },
    spawn(...flags) {
      const args = [
        'run',
        '--owner-id',
        ownerID,
        '--kubeconfig',
        cluster.kubeconfig,
        '--watch-namespaces',
        namespace,
        '--lease-namespace',
        namespace,
      ];
      const usual = [
        '--allowed-endpoints',
        '127.0.0.1:*',
        '--allow-insecure-endpoints',
        '--listen',
        '127.0.0.1:0',
        '--motion-interval',
        '1s',
        '--absence-interval',
        '1s',
      ];
      const child = spawn(path.join(build, 'freehold'), [...args, ...usual, ...flags], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      child.stdout.on('data', (data: Buffer) => (output += data.toString()));
      child.stderr.on('data', (data: Buffer) => (output += data.toString()));
      const exited = once(child, 'exit').then(([code]) => code as number | null);
      const finish = async (name: NodeJS.Signals) => {
        if (child.exitCode === null && child.signalCode === null) child.kill(name);
        return exited;
      };
      ends.push(() => finish('SIGKILL'));
      return {
        pid: child.pid!,
        output: () => output,
        signal: (name) => void child.kill(name),
        kill: async () => void (await finish('SIGKILL')),
        stop: () => finish('SIGTERM'),
        exited,
      };
    },
    async pass(milliseconds, step = 10_000) {
      for (let left = milliseconds; left > 0; left -= step) {
        clock.advance(Math.min(step, left));
        await rest(operators);
      }
    },
    async end() {
      for (const stop of ends.toReversed()) await stop();
      // Finalizers would hold the namespace: nobody is left to answer them.
      await release(scenario);
      execFile(
        path.join(build, 'kubectl'),
        ['--kubeconfig', cluster.kubeconfig, 'delete', 'namespace', namespace, '--wait=false'],
        () => undefined,
      );
    },
  };
  return scenario;
}

/** Until the operators have nothing to do any more: a jump of the clock must not overtake the calls of the one before. */
async function rest(operators: ReadonlySet<Operator>): Promise<void> {
  const end = performance.now() + 1000;
  // Some turns of quiet, for what is on its way through a socket. A call that a test holds back is not waited for.
  for (let quiet = 0; quiet < 4 && performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const busy = [...operators].some((operator) => {
      const queue = operator.term()?.queue;
      return queue !== undefined && queue.depth + queue.running > 0;
    });
    quiet = busy ? 0 : quiet + 1;
  }
}

/** Takes the finalizers off whatever a test left behind. */
async function release({ kubectl }: Scenario): Promise<void> {
  const { stdout } = await kubectl(['get', 'freehold,secrets', '-o', 'name']);
  const names = stdout.split('\n').filter((name) => name !== '');
  await Promise.all(
    names.map((name) => kubectl(['patch', name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}'])),
  );
}

async function must(result: Promise<CommandResult>): Promise<void> {
  const { code, stderr } = await result;
  if (code !== 0) throw new Error(stderr);
}

function handleOf(listening: Listening): SandboxHandle {
  async function control<T>(method: string, route: string, body?: unknown): Promise<T> {
    const response = await fetch(`${listening.info.control}/${route}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`control ${method} ${route}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
  return {
    ...listening,
    control,
    set: async (settings) => void (await control('PATCH', 'settings', settings)),
    fault: async (fault) => (await control<{ id: string }>('POST', 'faults', fault)).id,
    clearFaults: async () => void (await control('DELETE', 'faults')),
    calls: async (operation) =>
      (await control<{ calls: LoggedCall[] }>('GET', 'calls')).calls.filter(
        (call) => operation === undefined || call.operation === operation,
      ),
    servers: async () =>
      (await control<{ servers: Awaited<ReturnType<SandboxHandle['servers']>> }>('GET', 'ledger')).servers,
  };
}
