/**
 * Time that runs CHAOS_SPEED times as fast, from CHAOS_ORIGIN (wall clock, milliseconds) on, for a whole process:
 * `NODE_OPTIONS=--import=…/fast-time.ts`. So the built program itself runs through its settle windows in seconds, with
 * the settings of an ordinary installation. Processes that are given the same origin agree on the time.
 *
 * The process also ends soon after the one that started it, however that ended.
 */
const speed = Number(process.env['CHAOS_SPEED']);
const origin = Number(process.env['CHAOS_ORIGIN']);

const realTimeout = globalThis.setTimeout;
const realInterval = globalThis.setInterval;

if (speed > 0) {
  const RealDate = Date;
  const wall = RealDate.now.bind(RealDate);
  const monotonic = performance.now.bind(performance);
  const now = () => Math.floor(origin + (wall() - origin) * speed);
  class FastDate extends RealDate {
    constructor(...given: [] | [number | string | Date]) {
      if (given.length === 0) super(now());
      // Year, month and so on come as further arguments.
      else super(...given);
    }
    static override now(): number {
      return now();
    }
  }
  globalThis.Date = FastDate as DateConstructor;
  Object.defineProperty(performance, 'now', { value: () => monotonic() * speed, configurable: true });
  // A timer may run a millisecond early, which would be many of ours.
  const shorter = (delay: number | undefined) =>
    delay === undefined || delay <= 0 ? delay : Math.ceil(delay / speed) + 1;
  globalThis.setTimeout = Object.assign(
    (work: () => void, delay?: number, ...rest: []) => realTimeout(work, shorter(delay), ...rest),
    realTimeout,
  );
  globalThis.setInterval = Object.assign(
    (work: () => void, delay?: number, ...rest: []) => realInterval(work, shorter(delay), ...rest),
    realInterval,
  );
}

const parent = process.ppid;
realInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 1000).unref();
