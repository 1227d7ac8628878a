import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program that ends when we do, however we end. */
export interface TiedProcess {
  /** Resolves when the program itself is gone. */
  gone: Promise<void>;
  /** The first line that it prints; rejects when it ends, or says nothing for 30 s. Only without `printTo`. */
  firstLine(): Promise<string>;
  /** SIGTERM, and SIGKILL where that does not help for 10 s. Resolves when it is gone and `after` has run. */
  end(): Promise<void>;
}

export interface TiedOptions {
  /** File for standard error. */
  log: string;
  /** File for standard output. */
  printTo?: string;
  /** Shell command that runs after its end, also when we were killed. */
  after?: string;
  env: NodeJS.ProcessEnv;
}

/**
 * A shell of its own waits for our end of a pipe to close, then ends the program. A process group of its own keeps the
 * terminal's Ctrl-C away from it, so that several can be ended in order.
 */
export function tiedProcess(program: string, args: string[], options: TiedOptions): TiedProcess {
  const { log, printTo, after = ':', env } = options;
  // Only the program holds descriptor 3 open, so that its end shows.
  const script = `"$@" & child=$!; exec 3>&- >/dev/null 2>&1; cat; kill $child; wait $child; ${after}`;
  const stdout = printTo === undefined ? 'pipe' : openSync(printTo, 'a');
  const child = spawn('/bin/sh', ['-c', script, 'sh', program, ...args], {
    stdio: ['pipe', stdout, openSync(log, 'a'), 'pipe'],
    env,
    detached: true,
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const life = child.stdio[3] as Readable;
  const gone = new Promise<void>((resolve) => life.resume().once('close', () => resolve()));
  child.stdin!.on('error', () => undefined);

  return {
    gone,
    async firstLine() {
      const line = await Promise.race([
        new Promise<string>((resolve) => createInterface({ input: child.stdout! }).once('line', resolve)),
        gone.then(() => undefined),
        sleep(30_000, undefined, { ref: false }),
      ]);
      if (line === undefined) throw new Error(`${program} ${args[0]} did not start`);
      return line;
    },
    async end() {
      child.stdin!.end();
      const patience = new AbortController();
      await Promise.race([exited, sleep(10_000, undefined, { signal: patience.signal }).catch(() => undefined)]);
      patience.abort();
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
        process.kill(-child.pid, 'SIGKILL');
    },
  };
}
