import { type Clock, sleep, type Timer } from '../base/clock.ts';
import { jitter, type Random } from '../base/random.ts';
import type { Log } from '../telemetry/log.ts';
import { isNewer } from './cache.ts';
import { withDeadline } from './deadline.ts';
import { claimedBy, type Lease, type LeaseSpec, leaseType, releasedAt } from './lease-record.ts';
import { isConflict, type KubeApi, KubeError, type Key } from './types.ts';

/** Milliseconds; client-go's names and defaults. */
export interface LeaseTiming {
  /** How long a standby waits after the last renewal that it saw; whole seconds. Default 15 s. */
  leaseDuration: number;
  /** How long the holder acts on its last renewal. Less than leaseDuration: the gap is what two clocks may differ in speed. Default 10 s. */
  renewDeadline: number;
  /** Between renewals, and between a standby's looks. Default 2 s. */
  retryPeriod: number;
}

export interface ElectorOptions {
  api: KubeApi;
  /** The Lease object; made when missing. */
  key: Key;
  /** Of this process, never used twice at a time: pod name and a random part. */
  identity: string;
  /** Labels that the Lease carries from the first write on. */
  labels?: Record<string, string>;
  clock: Clock;
  random: Random;
  timing?: Partial<LeaseTiming>;
  log?: Log;
}

/** Leader election over a Lease, with client-go's rules, but it does not end the process when it loses. */
export interface Elector {
  /** Campaigns until `signal` aborts or release(). Never throws. To be called once. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * May this process act? Only while the last renewal that succeeded *began* less than renewDeadline ago by the
   * monotonic and by the wall clock (one of them may stand still while a machine sleeps). Once false, it is only true
   * again after the next `onAcquired`.
   */
  held(): boolean;
  /** Calls `listener` with the Lease as the API server answered our write. */
  onAcquired(listener: (lease: Lease) => void): void;
  /** Also called on release, and when run() ends. */
  onLost(listener: () => void): void;
  /** Stops campaigning and empties the lease, so that a standby takes it at once. Never throws. */
  release(): Promise<void>;
  /** Identity of the holder, as last seen. */
  leader(): string | undefined;
}

interface Moment {
  monotonic: number;
  wall: number;
}

/** One connection of the watch; it only makes things faster, so that one which went silent may last its minute. */
const watchLifetime = 60_000;

export function createElector({ api, key, identity, labels, clock, random, log, ...options }: ElectorOptions): Elector {
  const timing = { leaseDuration: 15_000, renewDeadline: 10_000, retryPeriod: 2_000, ...options.timing };
  if (timing.leaseDuration <= timing.renewDeadline || timing.renewDeadline <= timing.retryPeriod * 1.2) {
    throw new Error('a lease needs leaseDuration > renewDeadline > 1.2 × retryPeriod');
  }
  const acquired = new Set<(lease: Lease) => void>();
  const lost = new Set<() => void>();
  const stopping = new AbortController();
  let stop = stopping.signal;
  let wake = new AbortController();
  let running: Promise<void> | undefined;
  /** The lease, and when (monotonic) its present content was first seen: the holder's clock is never compared with ours. */
  let observed: { lease: Lease; at: number } | undefined;
  let term: { renewed: Moment; lapse: Timer } | undefined;

  const call = <T>(work: () => Promise<T>) => withDeadline(clock, timing.renewDeadline / 2, work);
  const claim = (previous?: LeaseSpec) => claimedBy(identity, previous, timing.leaseDuration, clock.now());
  const holder = () => observed?.lease.spec.holderIdentity || undefined;

  function notify<T extends unknown[]>(listeners: Set<(...about: T) => void>, ...about: T): void {
    for (const listener of listeners) {
      try {
        listener(...about);
      } catch (error) {
        log?.error({ err: error }, 'a listener of the election failed');
      }
    }
  }

  function endTerm(why: string): void {
    if (term) {
      term.lapse.cancel();
      term = undefined;
      log?.info({ lease: key.name, identity, why }, 'no longer the leader');
      notify(lost);
    }
  }

  function held(): boolean {
    if (!term) {
      return false;
    }
    const { monotonic, wall } = term.renewed;
    if (Math.max(clock.monotonic() - monotonic, clock.now() - wall) < timing.renewDeadline) {
      return true;
    }
    endTerm('not renewed in time');
    return false;
  }

  /** A write that began at `began` made or kept us the holder. */
  function renewed(began: Moment): void {
    const left = began.monotonic + timing.renewDeadline - clock.monotonic();
    if (left <= 0 || stop.aborted) {
      return;
    }
    const first = !term;
    term?.lapse.cancel();
    // This ends the term on time also while a renewal hangs.
    term = { renewed: began, lapse: clock.after(left, () => endTerm('not renewed in time')) };
    if (first && observed) {
      log?.info({ lease: key.name, identity }, 'became the leader');
      notify(acquired, observed.lease);
    }
  }

  function observe(lease: Lease): void {
    const same = observed && JSON.stringify(observed.lease.spec) === JSON.stringify(lease.spec);
    observed = { lease, at: same && observed ? observed.at : clock.monotonic() };
  }

  /** How long the holder seen is still to be respected, ms. */
  function remaining(): number {
    if (!observed || !holder() || holder() === identity) {
      return 0;
    }
    return observed.at + (observed.lease.spec.leaseDurationSeconds ?? 0) * 1000 - clock.monotonic();
  }

  /** Fails with 409 when somebody wrote the lease since `lease` was read. */
  async function write({ metadata }: Lease, spec: LeaseSpec): Promise<void> {
    const lock = { uid: metadata.uid, resourceVersion: metadata.resourceVersion };
    const patch = { metadata: { ...lock, ...(labels && { labels }) }, spec };
    observe(await call(() => api.mergePatch<Lease>(leaseType, key, patch)));
  }

  /** Reads the lease anew and writes it if it is free or ours. */
  async function acquire(): Promise<boolean> {
    const lease = await call(() => api.get<Lease>(leaseType, key));
    if (lease) {
      lease.spec ??= {};
      observe(lease);
      if (remaining() > 0) {
        return false;
      }
      await write(lease, claim(lease.spec));
      return true;
    }
    // Somebody deleted it under a holder that may still be acting: that one makes it again.
    if (remaining() > 0) {
      return false;
    }
    const { group, version, kind } = leaseType;
    const metadata = { ...key, ...(labels && { labels }) };
    const fresh: Lease = { apiVersion: `${group}/${version}`, kind, metadata, spec: claim() };
    observe(await call(() => api.create(leaseType, fresh)));
    return true;
  }

  async function renew(): Promise<boolean> {
    // A term that lapsed (a process that was paused) ends by this question, before its renewal could hide that.
    if (held() && observed && holder() === identity) {
      try {
        await write(observed.lease, claim(observed.lease.spec));
        return true;
      } catch (error) {
        if (!isConflict(error) && !(error instanceof KubeError && error.status === 404)) {
          throw error;
        }
      }
    }
    return acquire();
  }

  async function attempt(): Promise<void> {
    const began = { monotonic: clock.monotonic(), wall: clock.now() };
    try {
      if (await renew()) {
        renewed(began);
      } else {
        endTerm(`taken by ${holder()}`);
      }
    } catch (error) {
      const level = isConflict(error) ? 'debug' : 'warn';
      log?.[level]({ lease: key.name, err: error }, 'the lease could not be read or written');
    }
  }

  /** A standby looks again when the lease runs out, at the latest after retryPeriod; spread, so that two seldom meet. */
  function nextLook(): number {
    const usual = jitter(random, timing.retryPeriod, 0.1);
    return holder() === identity || remaining() <= 0 ? usual : Math.min(usual, remaining() + 100 * random.next());
  }

  async function campaign(): Promise<void> {
    while (!stop.aborted) {
      await sleep(clock, nextLook(), AbortSignal.any([stop, wake.signal]));
      if (stop.aborted) {
        return;
      }
      wake = new AbortController();
      await attempt();
    }
  }

  async function watchOnce(resourceVersion: string): Promise<void> {
    const { namespace, name } = key;
    const ended = new AbortController();
    const timer = clock.after(watchLifetime, () => ended.abort());
    const signal = AbortSignal.any([stop, ended.signal]);
    const timeoutSeconds = watchLifetime / 1000;
    const where = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion, timeoutSeconds, signal };
    try {
      for await (const { type, object } of api.watch<Lease>(leaseType, where)) {
        if (type !== 'BOOKMARK' && isNewer(object.metadata.resourceVersion, observed?.lease.metadata.resourceVersion)) {
          object.spec ??= {};
          observe(object);
          if (type === 'DELETED' || !holder() || (term && holder() !== identity)) {
            wake.abort();
          }
        }
      }
    } finally {
      timer.cancel();
    }
  }

  async function watchLease(): Promise<void> {
    while (!stop.aborted) {
      const from = observed?.lease.metadata.resourceVersion;
      try {
        if (from) {
          await watchOnce(from);
        }
      } catch (error) {
        log?.debug({ lease: key.name, err: error }, 'the watch of the lease broke');
      }
      await sleep(clock, jitter(random, timing.retryPeriod), stop);
    }
  }

  return {
    run(signal) {
      stop = AbortSignal.any([signal, stopping.signal]);
      // The first attempt tells where to watch from.
      running = attempt()
        .then(() => Promise.all([campaign(), watchLease()]))
        .then(() => endTerm('stopped'));
      return running;
    },
    held,
    onAcquired: (listener) => void acquired.add(listener),
    onLost: (listener) => void lost.add(listener),
    async release() {
      stopping.abort();
      endTerm('released');
      await running;
      try {
        const lease = await call(() => api.get<Lease>(leaseType, key));
        if (lease?.spec?.holderIdentity === identity) {
          await write(lease, releasedAt(clock.now()));
        }
      } catch (error) {
        log?.warn({ lease: key.name, err: error }, 'the lease could not be released, it runs out by itself');
      }
    },
    leader: holder,
  };
}
