import { type Clock, sleep } from '../base/clock.ts';
import { type Random, systemRandom } from '../base/random.ts';
import type { Log } from '../telemetry/log.ts';
import { microTime } from './micro-time.ts';
import { type KubeApi, KubeError, type KubeObject, type ResourceType } from './types.ts';

const eventType: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event' };

export interface EventInput {
  type: 'Normal' | 'Warning';
  /** Why, a word: `Created`. */
  reason: string;
  /** What was being done, a word: `Create`. The API requires it. */
  action: string;
  /** For a person. Cut at 1024 bytes. */
  note: string;
}

export interface Recorder {
  /**
   * Sends an event about `regarding`, some time soon. The same one again within six minutes only raises the count of
   * the first. Never throws: an event that cannot be sent is logged and dropped, and so is one that finds 1000 waiting.
   */
  event(regarding: KubeObject, input: EventInput): void;
  /** Resolves when all events so far are sent or dropped, at the latest after `within` ms (default 2 s). */
  flush(within?: number): Promise<void>;
}

export interface RecorderOptions {
  api: KubeApi;
  clock: Clock;
  random?: Random;
  log?: Log;
  /** The reportingController, a qualified name: `freehold.dev/operator`. */
  controller: string;
  /** Which replica; cut at 128 characters. */
  instance: string;
}

interface EventObject extends KubeObject {
  series?: { count: number; lastObservedTime: string };
}

/** One event, sent once or several times. */
interface Series {
  regarding: KubeObject;
  input: EventInput;
  /** The Event object, once it was created. */
  name?: string;
  first: number;
  last: number;
  count: number;
  /** Waits for its turn; what happens meanwhile is sent together. */
  queued: boolean;
}

/** As client-go: how long after its last time an event still belongs to a series, ms. */
const seriesLength = 6 * 60_000;
const longestQueue = 1000;
const mostSeries = 4096;
const longestNote = 1024;

export function createRecorder(options: RecorderOptions): Recorder {
  const { api, clock, random = systemRandom, log, controller, instance } = options;
  /** By content, the longest unseen first. */
  const known = new Map<string, Series>();
  const queue: Series[] = [];
  let sending: Promise<void> | undefined;

  function seriesOf(regarding: KubeObject, input: EventInput): Series {
    const { uid, namespace, name } = regarding.metadata;
    const id = JSON.stringify([uid, namespace, name, input.type, input.reason, input.action, input.note]);
    const now = clock.now();
    const found = known.get(id);
    const current = found && Math.abs(now - found.last) < seriesLength;
    const series = current ? found : { regarding, input, first: now, last: now, count: 0, queued: false };
    series.last = now;
    series.count += 1;
    known.delete(id);
    known.set(id, series);
    for (const oldest of known.keys()) {
      if (known.size <= mostSeries) {
        break;
      }
      known.delete(oldest);
    }
    return series;
  }

  async function create(series: Series): Promise<void> {
    const { regarding, input, first, count, last } = series;
    const { namespace = 'default', name, uid, resourceVersion } = regarding.metadata;
    const { apiVersion, kind } = regarding;
    const event = {
      apiVersion: `${eventType.group}/${eventType.version}`,
      kind: eventType.kind,
      metadata: { namespace, name: `${name.slice(0, 200)}.${Buffer.from(random.bytes(8)).toString('hex')}` },
      eventTime: microTime(first),
      ...(count > 1 && { series: { count, lastObservedTime: microTime(last) } }),
      reportingController: controller,
      reportingInstance: instance.slice(0, 128),
      regarding: { apiVersion, kind, namespace: regarding.metadata.namespace, name, uid, resourceVersion },
      type: input.type,
      reason: input.reason,
      action: input.action,
      note: cut(input.note, longestNote),
    };
    await api.create<EventObject>(eventType, event);
    series.name = event.metadata.name;
  }

  async function send(series: Series): Promise<void> {
    const { namespace = 'default' } = series.regarding.metadata;
    if (series.name) {
      const patch = { series: { count: series.count, lastObservedTime: microTime(series.last) } };
      try {
        await api.mergePatch(eventType, { namespace, name: series.name }, patch);
        return;
      } catch (error) {
        // The API server forgets events after an hour, a person at any time: then it starts anew.
        if (!(error instanceof KubeError && error.status === 404)) {
          throw error;
        }
      }
    }
    await create(series);
  }

  async function drain(): Promise<void> {
    for (let series = queue.shift(); series; series = queue.shift()) {
      series.queued = false;
      try {
        await send(series);
      } catch (error) {
        if (!isNamespaceGoing(error)) {
          const { namespace, name } = series.regarding.metadata;
          log?.warn({ namespace, name, reason: series.input.reason, err: error }, 'event dropped');
        }
      }
    }
    sending = undefined;
  }

  return {
    event(regarding, input) {
      const series = seriesOf(regarding, input);
      if (series.queued) {
        return;
      }
      if (queue.length >= longestQueue) {
        const { namespace, name } = regarding.metadata;
        log?.warn({ namespace, name, reason: input.reason }, 'event dropped: too many are waiting');
        return;
      }
      series.queued = true;
      queue.push(series);
      sending ??= drain();
    },
    async flush(within = 2_000) {
      const enough = new AbortController();
      await Promise.race([sending, sleep(clock, within, enough.signal)]);
      enough.abort();
    },
  };
}

/** Nothing can be created in a namespace that is being deleted, nor in one that is gone. Nobody misses those events. */
function isNamespaceGoing(error: unknown): boolean {
  return (
    error instanceof KubeError && (error.status === 404 || (error.status === 403 && /terminat/i.test(error.message)))
  );
}

/** The front of `text`, at most `bytes` long in UTF-8, with an ellipsis where something was cut. */
function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) {
    return text;
  }
  let end = bytes - Buffer.byteLength('…');
  // Not within a character: its further bytes are 10xxxxxx.
  while (((encoded[end] ?? 0) & 0xc0) === 0x80) {
    end -= 1;
  }
  return `${encoded.subarray(0, end).toString('utf8')}…`;
}
