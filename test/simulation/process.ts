import type { Clock } from '../../src/base/clock.ts';
import type { Scheduler } from './scheduler.ts';

/** What an operating system does to a process: it runs, is stopped and goes on, or is killed. */
export interface Process {
  readonly name: string;
  readonly alive: boolean;
  readonly clock: Clock;
  /** Hands something in at `time`, in a turn of its own: later while the process is stopped, never when it is dead. */
  deliver(time: number, what: () => void): { cancel(): void };
  /** SIGKILL: nothing that it waits for ever comes. */
  kill(): void;
  onKill(callback: () => void): void;
  /** SIGSTOP, and SIGCONT after so many milliseconds: what came meanwhile comes then, in order. */
  pause(milliseconds: number): void;
  /** Steps its wall clock; negative goes back. */
  stepWall(milliseconds: number): void;
}

/** So far a look at the clock moves it, milliseconds: what follows one upon the other is never at the same time. */
const tick = 0.0001;

/** `origin`: wall clock at the beginning of the history, milliseconds since 1970. */
export function createProcess(name: string, scheduler: Scheduler, origin: number): Process {
  const ends: (() => void)[] = [];
  let alive = true;
  let stoppedUntil = 0;
  let wall = origin;
  let looks = 0;

  function deliver(time: number, what: () => void): { cancel(): void } {
    let scheduled = scheduler.at(time, arrive);
    function arrive(): void {
      if (!alive) return;
      if (scheduler.now() < stoppedUntil) {
        scheduled = scheduler.at(stoppedUntil, arrive);
        return;
      }
      scheduler.woke();
      what();
    }
    return { cancel: () => scheduled.cancel() };
  }

  return {
    name,
    get alive() {
      return alive;
    },
    clock: {
      now: () => wall + scheduler.now(),
      monotonic: () => scheduler.now() + (looks += 1) * tick,
      after: (delay, callback) => deliver(scheduler.now() + Math.max(0, delay) + looks * tick, callback),
    },
    deliver,
    kill() {
      alive = false;
      scheduler.woke();
      for (const end of ends.splice(0)) end();
    },
    onKill: (callback) => void ends.push(callback),
    pause: (milliseconds) => void (stoppedUntil = Math.max(stoppedUntil, scheduler.now() + milliseconds)),
    stepWall: (milliseconds) => void (wall += milliseconds),
  };
}
