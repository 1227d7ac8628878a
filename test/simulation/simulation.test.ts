import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { generate } from './generate.ts';
import type { History } from './history.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

/** What `node test/simulation/run.ts` with these arguments came to. */
function run(...args: string[]): Promise<{ code: number; figures: any; output: string }> {
  return new Promise((resolve) => {
    const runner = path.join(import.meta.dirname, 'run.ts');
    execFile(process.execPath, [runner, ...args, '--json'], { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? 99 : 0;
      const last = stdout.trimEnd().split('\n').at(-1) ?? '';
      resolve({ code, figures: last.startsWith('{') ? JSON.parse(last) : undefined, output: stdout + stderr });
    });
  });
}

describe('the simulated operator', () => {
  test('keeps every law in random histories, and those are eventful', async () => {
    const { code, figures, output } = await run('--seeds', '300');
    expect(figures?.violations, output.slice(-5000)).toEqual([]);
    expect(code).toBe(0);
    expect(figures.histories).toBe(300);
    expect(figures.median.ioPoints).toBeGreaterThanOrEqual(200);
    expect(figures.median.faults).toBeGreaterThanOrEqual(5);
    expect(figures.median.resources).toBeGreaterThanOrEqual(3);
  }, 600_000);

  test.each(['DedicatedHypervisor', 'GuestLicense', 'VCenterRegistration', 'BareMetalNode'])(
    'keeps every law when a single thing goes wrong, at whatever moment in the life of a %s',
    async (kind) => {
      const { code, figures, output } = await run('--single', '--kind', kind);
      expect(figures?.violations, output.slice(-5000)).toEqual([]);
      expect(code).toBe(0);
      expect(figures.histories).toBeGreaterThan(200);
    },
    600_000,
  );

  const folder = path.join(import.meta.dirname, 'regressions');
  test.each(readdirSync(folder).filter((file) => file.endsWith('.json')))(
    'keeps every law in the history that once broke one: %s',
    async (file) => {
      const { history } = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { history: History };
      expect((await simulate(history)).violations).toEqual([]);
    },
  );
});

describe('a simulated history', () => {
  test('is the same to the letter whenever its seed is given', async () => {
    const tell = async () => (await simulate(generate(11), { trace: true })).trace;
    const first = await tell();
    expect(first.length).toBeGreaterThan(500);
    expect(await tell()).toEqual(first);
  });

  test('is made as small as what it shows allows', async () => {
    const big = generate(11);
    const crash = big.faults[1]!;
    const smallest = await shrink(
      big,
      async ({ faults, resources }) => faults.includes(crash) && resources.length >= 2,
    );
    expect(smallest).toMatchObject({ operators: 1, settings: {}, acts: [], weather: [], faults: [crash] });
    expect(smallest.resources).toHaveLength(2);
  });

  test('whose creates arrive after the settle window may end with two objects: the documented limit', async () => {
    const { code, figures } = await run('--beyond', '--seeds', '20');
    expect(code).toBe(0);
    expect(figures.histories).toBe(20);
  }, 120_000);
});
