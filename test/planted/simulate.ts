import { spawn } from 'node:child_process';

/** The last line that test/simulation/run.ts --json prints. */
export interface Verdict {
  histories: number;
  violations: { name: string; law: number; invariant: string; message: string }[];
}

/** A tree in which the simulation neither ends nor speaks in this time is broken, milliseconds. */
const patience = 30 * 60_000;

/**
 * Runs the simulation of that tree until it finds something wrong, for at most `seeds` histories. Rejects where it is
 * broken, that is, where it says neither that all is well nor what is wrong.
 */
export function simulate(folder: string, seeds: number, signal: AbortSignal): Promise<Verdict> {
  const args = [
    'test/simulation/run.ts',
    '--seeds',
    String(seeds),
    '--stories',
    '--until-violation',
    '--json',
    '--workers',
    '1',
  ];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
    killSignal: 'SIGKILL',
  });
  let said = '';
  let complained = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complained = (complained + text).slice(-4000)));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const verdict = code === 0 || code === 1 ? verdictIn(said) : undefined;
      if (verdict && verdict.violations.length > 0 === (code === 1)) resolve(verdict);
      else reject(new Error(`the simulation in ${folder} ended with code ${code} and no verdict:\n${complained}`));
    });
  });
}

function verdictIn(output: string): Verdict | undefined {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  try {
    const value = JSON.parse(line) as Partial<Verdict>;
    return typeof value.histories === 'number' && Array.isArray(value.violations) ? (value as Verdict) : undefined;
  } catch {
    return undefined;
  }
}
