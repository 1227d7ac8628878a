import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../src/base/clock.ts';
import { createKubeClient, type KubeClient } from '../src/kube/client.ts';
import { kubeConnection } from '../src/kube/config.ts';
import type { KubeObject } from '../src/kube/types.ts';
import { startControlPlane } from '../test/support/controlplane.ts';
import { follow, type Following } from './following.ts';
import { namespace, namespaceType, types } from './manifests.ts';
import { type Operator, samplesOf, startOperator } from './operator.ts';
import type { KindName } from './scenario.ts';

const crds = path.resolve(import.meta.dirname, '../crds');

/** A control plane with our kinds and an empty namespace. `await using` ends it, and the operators before it. */
export interface Cluster extends AsyncDisposable {
  /** A person's. */
  api: KubeClient;
  following: Following;
  operator(identity: string, args?: string[]): Promise<Operator>;
  /** Creates resources, many at a time. */
  apply(items: readonly { kind: KindName; object: KubeObject }[]): Promise<void>;
  /** Resolves when all that were applied are Ready. */
  allReady(): Promise<void>;
  /** The operator's writes that the API server has answered so far, e.g. `PATCH guestlicenses/status`; Leases are left out. */
  writes(): Promise<Record<string, number>>;
  /** Runs when all ends, before what was there already. */
  before(end: () => unknown): void;
}

/** So many at a time as the client has connections. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = [...items].toReversed();
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

export async function openCluster(): Promise<Cluster> {
  const ends: (() => unknown)[] = [];
  const end = async () => {
    for (const one of ends.splice(0).toReversed()) await one();
  };
  try {
    const directory = mkdtempSync(path.join(tmpdir(), 'freehold-bench-'));
    // The logs of the operators, for a person who looks for a cause.
    if (process.env['BENCH_KEEP']) console.error(`logs: ${directory}`);
    else ends.push(() => rmSync(directory, { recursive: true, force: true }));
    const plane = await startControlPlane();
    ends.push(() => plane.stop());
    const { kubeconfig } = plane;
    const api = createKubeClient({ connection: kubeConnection({ kubeconfig }), clock: systemClock });
    ends.push(() => api.close());
    const kubectl = async (...args: string[]) => {
      const { code, stdout, stderr } = await plane.kubectl(args);
      if (code !== 0) throw new Error(stderr);
      return stdout;
    };
    await kubectl('apply', '--server-side', '-f', crds);
    await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
    await api.create(namespaceType, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    const following = await follow(api);
    ends.push(() => following.stop());
    let applied = 0;
    return {
      api,
      following,
      async operator(identity, args = []) {
        const watching = ['--watch-namespaces', namespace];
        const operator = await startOperator({ kubeconfig, directory, identity, args: [...watching, ...args] });
        ends.push(() => operator.end());
        return operator;
      },
      async apply(items) {
        applied += items.length;
        await inParallel(items, ({ kind, object }) => api.create(types[kind], object));
      },
      async allReady() {
        let best = -1;
        let since = performance.now();
        while (following.ready() < applied) {
          await sleep(20);
          if (following.ready() > best) [best, since] = [following.ready(), performance.now()];
          // A settle window is 15 minutes.
          if (performance.now() - since > 20 * 60_000)
            throw new Error(`${best} of ${applied} are Ready, and none more for 20 minutes: look with BENCH_KEEP=1`);
        }
      },
      writes: async () => writesOf(await kubectl('get', '--raw', '/metrics')),
      before: (one) => void ends.push(one),
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

const ours = Object.values(types).map(({ plural }) => plural);

/** Resources of ours are created and deleted by people only. */
const writing = (resource: string) =>
  ours.includes(resource) ? /^(PUT|PATCH|APPLY)$/ : /^(POST|PUT|PATCH|APPLY|DELETE)$/;

function writesOf(text: string): Record<string, number> {
  const writes: Record<string, number> = {};
  for (const [key, value] of samplesOf(text)) {
    if (!key.startsWith('apiserver_request_total{')) continue;
    const label = (name: string) => new RegExp(`[{,]${name}="([^"]*)"`).exec(key)?.[1] ?? '';
    const [verb, resource, subresource] = [label('verb'), label('resource'), label('subresource')];
    if (![...ours, 'secrets', 'events'].includes(resource) || !writing(resource).test(verb)) continue;
    const name = `${verb} ${resource}${subresource && `/${subresource}`}`;
    writes[name] = (writes[name] ?? 0) + value;
  }
  return writes;
}
