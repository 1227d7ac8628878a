import { sleep } from '../base/clock.ts';
import { jitter } from '../base/random.ts';
import { createElector, type Elector, type ElectorOptions } from './lease.ts';
import { type Lease, leaseType } from './lease-record.ts';
import { isConflict, KubeError, type Key } from './types.ts';

/** Into how many shards an installation is divided, and which one this process is. All with one `key` are one installation. */
export interface Layout {
  /** The Lease of the undivided installation; those of shards are named after it. */
  key: Key;
  /** 1: undivided. */
  shards: number;
  /** From 0. */
  shard: number;
}

export interface ShardElector extends Pick<Elector, 'run' | 'held' | 'onAcquired' | 'onLost' | 'release'> {
  /** For which Leases of another count of shards it waits; undefined when for none. */
  waitsFor(): string | undefined;
}

const nameLabel = 'freehold.dev/lease-name';
const shardsLabel = 'freehold.dev/shards';

function leaseNames({ key, shards }: Layout): string[] {
  if (shards === 1) return [key.name];
  return Array.from({ length: shards }, (_, shard) => `${key.name}-${shard}-of-${shards}`);
}

/**
 * Leader election of one shard. A term begins only when no Lease of another count of shards (another layout) is held.
 *
 * Why two layouts never act at once: everybody writes its own Lease first and lists all Leases afterwards (a consistent
 * read). Of two processes one writes second; its list shows the Lease of the first, and it gives its own back. So both may
 * give way, but never both act. The undivided process lists only if the Lease that it wrote carries the label by which they
 * are listed; shards put it there before the list that they go by. Either it wrote after the label, and lists, or before,
 * and that list shows it.
 */
export function createShardElector({
  layout,
  ...options
}: Omit<ElectorOptions, 'key' | 'labels'> & { layout: Layout }): ShardElector {
  const { api, clock, random, log, timing } = options;
  const { namespace, name } = layout.key;
  const own = leaseNames(layout);
  const key = { namespace, name: own[layout.shard]! };
  const labels = { [nameLabel]: name, [shardsLabel]: String(layout.shards) };
  const acquired = new Set<(lease: Lease) => void>();
  const lost = new Set<() => void>();
  const stopping = new AbortController();
  /** Of Leases of other layouts: since when (monotonic) this content is known. The holder's clock is never compared with ours. */
  const seen = new Map<string, { content: string; at: number }>();
  let stop = stopping.signal;
  let running: Promise<void> | undefined;
  let current: Elector | undefined;
  let admitted = false;
  let waits: string | undefined;

  const list = () =>
    api.list<Lease>(leaseType, { namespace, labelSelector: `${nameLabel}=${name}` }).then(({ items }) => items);

  /** Tells whoever takes the undivided Lease from now on that there are others. */
  async function mark(): Promise<void> {
    const metadata = { labels: { [nameLabel]: name } };
    const patch = () => api.mergePatch(leaseType, layout.key, { metadata });
    const { group, version, kind } = leaseType;
    const free: Lease = { apiVersion: `${group}/${version}`, kind, metadata: { ...metadata, ...layout.key }, spec: {} };
    try {
      await patch();
    } catch (error) {
      if (!(error instanceof KubeError && error.status === 404)) throw error;
      // Another shard may make it at the same time, or an undivided process, without the label.
      await api.create(leaseType, free).catch((refusal: unknown) => {
        if (!isConflict(refusal)) throw refusal;
        return patch();
      });
    }
  }

  /** Those of other layouts that are held; as an elector does, a holder is respected until its Lease stood still for so long. */
  async function heldByOthers(): Promise<Lease[]> {
    let began = clock.monotonic();
    let leases = await list();
    if (!leases.some(({ metadata }) => metadata.name === name)) {
      await mark();
      began = clock.monotonic();
      leases = await list();
    }
    const answered = clock.monotonic();
    return leases.filter(({ metadata, spec }) => {
      if (own.includes(metadata.name) || !spec.holderIdentity) return false;
      const content = JSON.stringify(spec);
      const since = seen.get(metadata.name);
      const at = since?.content === content ? since.at : answered;
      seen.set(metadata.name, { content, at });
      return began - at < (spec.leaseDurationSeconds ?? 0) * 1000;
    });
  }

  /** May a term begin? Says why not. */
  async function look(): Promise<boolean> {
    let why: string | undefined;
    try {
      const others = await heldByOthers();
      const which = others.map(({ metadata, spec }) => `${metadata.name} (held by ${spec.holderIdentity})`).sort();
      if (which.length > 0)
        why = `waits for Lease ${which.join(', ')}: processes with another --shards than ${layout.shards} still act; this one does nothing before they are stopped`;
    } catch (error) {
      why = `waits for a list of the Leases, which cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (why !== undefined && waits === undefined) log?.warn({ lease: key.name }, why);
    waits = why;
    return why === undefined;
  }

  /** Campaigns until stopped, or until the Lease had to be given back. */
  async function round(): Promise<void> {
    const elector = createElector({ ...options, key, ...(layout.shards > 1 && { labels }) });
    let acquisitions = 0;
    let back: Promise<void> | undefined;

    function admit(lease: Lease): void {
      admitted = true;
      for (const listener of acquired) listener(lease);
    }
    async function ask(lease: Lease): Promise<void> {
      const acquisition = acquisitions;
      const may = await look();
      // Lost meanwhile: the next acquisition asks again, by a list of its own.
      if (acquisition !== acquisitions || !elector.held()) return;
      if (may) admit(lease);
      else back ??= elector.release();
    }
    elector.onAcquired((lease) => {
      acquisitions += 1;
      if (layout.shards === 1 && lease.metadata.labels?.[nameLabel] === undefined) admit(lease);
      else ask(lease).catch((error: unknown) => log?.error({ err: error }, 'a listener of the election failed'));
    });
    elector.onLost(() => {
      if (!admitted) return;
      admitted = false;
      for (const listener of lost) listener();
    });
    current = elector;
    await elector.run(stop);
    await back;
  }

  /** Jittered, so that two layouts that gave way to each other do not meet for ever. */
  const pause = () => sleep(clock, jitter(random, 2 * (timing?.retryPeriod ?? 2000), 0.5), stop);

  async function campaign(): Promise<void> {
    while (!stop.aborted) {
      await round();
      while (!stop.aborted) {
        await pause();
        if (!stop.aborted && (await look())) break;
      }
    }
  }

  return {
    run(signal) {
      stop = AbortSignal.any([signal, stopping.signal]);
      running = campaign();
      return running;
    },
    held: () => current !== undefined && current.held() && admitted,
    onAcquired: (listener) => void acquired.add(listener),
    onLost: (listener) => void lost.add(listener),
    async release() {
      stopping.abort();
      await current?.release();
      await running;
    },
    waitsFor: () => waits,
  };
}
