import type { Channel, Fault, History, Weather } from './history.ts';
import type { Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';

/** One crossing of the border between a process and the world. */
export interface Crossing {
  channel: Channel;
  /** Which of its channel, from 1. */
  nth: number;
  fault: Fault | undefined;
  /** There, and back, milliseconds. */
  there: number;
  back: number;
}

/** How far things are from each other, and what goes wrong on the way. */
export interface Network {
  cross(channel: Channel, by: Process): Crossing;
  /** What holds now for that process. */
  weather(what: Weather['what'], by: Process): Weather | undefined;
  /** The crossing of a channel after so many more goes wrong. */
  strike(fault: Omit<Fault, 'nth'>, ahead: number): void;
  /** From now on, for so many seconds. */
  begin(what: Weather['what'], by: number, seconds: number): void;
  /** From now on nothing goes wrong. */
  calm(): void;
  readonly counts: { crossings: number; faults: Record<string, number>; byChannel: Partial<Record<Channel, number>> };
}

/** Usual way in one direction, milliseconds: from, and how much more at most. */
const distances: Record<Channel, [number, number]> = {
  read: [1, 8],
  write: [1, 8],
  lease: [1, 8],
  event: [1, 8],
  watch: [1, 20],
  'remote-read': [10, 120],
  'remote-change': [10, 200],
  'sign-in': [10, 100],
};

/** `struck` hears of each fault that happens. */
export function createNetwork(history: History, scheduler: Scheduler, struck: (fault: Fault) => void): Network {
  const met = new Map<Channel, number>();
  const faults = new Map(history.faults.map((fault) => [`${fault.on}/${fault.nth}`, fault]));
  const weathers = [...history.weather];
  const counts: Network['counts'] = { crossings: 0, faults: {}, byChannel: {} };
  let calm = false;

  /** The same crossing takes the same time however much else was left out of the history. */
  function spread(channel: Channel, nth: number, way: number): number {
    let hash = (history.seed ^ Math.imul(nth, 0x9e3779b1) ^ Math.imul(way, 0x85ebca77)) >>> 0;
    hash = Math.imul(hash ^ (hash >>> 15) ^ channel.length, 0x2c1b3c6d) >>> 0;
    hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39) >>> 0;
    return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
  }

  function weather(what: Weather['what'], by: Process): Weather | undefined {
    if (calm || weathers.length === 0) return undefined;
    const now = scheduler.now() / 1000;
    return weathers.find(
      (one) =>
        one.what === what &&
        one.from <= now &&
        now < one.to &&
        (one.operator === undefined || by.name.startsWith(`operator-${one.operator}.`)),
    );
  }

  return {
    counts,
    weather,
    strike(fault, ahead) {
      const nth = (met.get(fault.on) ?? 0) + 1 + ahead;
      faults.set(`${fault.on}/${nth}`, { ...fault, nth });
    },
    begin(what, by, seconds) {
      const from = scheduler.now() / 1000;
      weathers.push({ from, to: from + seconds, what, by });
    },
    calm: () => void (calm = true),
    cross(channel, by) {
      const nth = (met.get(channel) ?? 0) + 1;
      met.set(channel, nth);
      counts.crossings += 1;
      counts.byChannel[channel] = (counts.byChannel[channel] ?? 0) + 1;
      const fault = calm ? undefined : faults.get(`${channel}/${nth}`);
      if (fault) {
        counts.faults[fault.what] = (counts.faults[fault.what] ?? 0) + 1;
        struck(fault);
      }
      const [least, more] = distances[channel];
      const slow = channel.startsWith('remote') || channel === 'sign-in' ? 'slow-remote' : 'slow-kube';
      const extra = (weather(slow, by)?.by ?? 0) * 1000;
      return {
        channel,
        nth,
        fault,
        there: least + more * spread(channel, nth, 1) + extra * spread(channel, nth, 3),
        back: least + more * spread(channel, nth, 2) + extra * spread(channel, nth, 4),
      };
    },
  };
}
