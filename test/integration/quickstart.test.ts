import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { commands, documents, root } from '../support/docs.ts';
import { until } from '../support/wait.ts';

/** Everything that a quickstart leaves or starts shows here: its files, and its processes by their environment. */
let temporary: string;
let started: ChildProcess[];

beforeEach(() => {
  temporary = mkdtempSync(path.join(tmpdir(), 'quickstart-test-'));
  started = [];
});
afterEach(() => {
  for (const child of started) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(temporary, { recursive: true, force: true });
});

function quickstart(...args: string[]) {
  const child = spawn(process.execPath, ['hack/quickstart.ts', ...args], {
    cwd: root,
    // A caller's settings are not the operator's.
    env: { ...process.env, TMPDIR: temporary, FREEHOLD_OWNER_ID: 'Not Allowed', KUBECONFIG: '/nowhere' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, ended, output: () => output };
}

/** Processes that live in our temporary directory. */
function processes(): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`TMPDIR=${temporary}\0`);
      } catch {
        return false;
      }
    });
}

const nothingLeft = () =>
  until('nothing is left', () => processes().length === 0 && readdirSync(temporary).length === 0, 20_000);

it('without a terminal it brings up everything, shows it, and leaves nothing', { timeout: 120_000 }, async () => {
  const { child, ended, output } = quickstart();
  child.stdin.end();
  expect(await ended, output()).toBe(0);
  expect(output()).toMatch(/All Ready after \d+ s/);
  expect(output()).toMatch(/server-test-1 +True +Ready +ACTIVE +True/);
  expect(output()).toMatch(/bought-by-hand +True/);
  expect(output()).toMatch(/my-tenant +True +Connected/);
  expect(output()).toMatch(/rack1-node1 +True +Ready +manageable +.*True/);
  expect(output()).toMatch(/my-project +True +Connected +admin/);
  await nothingLeft();
});

it.each(['SIGKILL', 'SIGINT'] as const)(
  'leaves nothing when %s ends it half-way',
  { timeout: 120_000 },
  async (signal) => {
    const { child, ended, output } = quickstart();
    await until('the samples are applied', () => output().includes('sdpf.yaml'), 60_000);
    expect(processes().length).toBeGreaterThan(3);
    child.kill(signal);
    expect(await ended).not.toBe(0);
    await nothingLeft();
  },
);

it('runs every command of the documents', { timeout: 240_000 }, async () => {
  const { child, ended, output } = quickstart('--until-stdin-closes');
  const up = () => {
    if (child.exitCode !== null) throw new Error(output());
    return output().includes('More to try');
  };
  await until('it is up', up, 60_000);
  const [, kubeconfig = ''] = /KUBECONFIG=(\S+)/.exec(output()) ?? [];
  const [, control = ''] = /CONTROL=(\S+)/.exec(output()) ?? [];
  const here = mkdtempSync(path.join(tmpdir(), 'quickstart-reader-'));
  for (const name of ['crds', 'deploy', 'build']) symlinkSync(path.join(root, name), path.join(here, name));
  const env = {
    ...process.env,
    KUBECONFIG: kubeconfig,
    CONTROL: control,
    PATH: `${root}/build:${process.env['PATH']}`,
  };
  let ran = 0;
  try {
    for (const document of documents) {
      for (const block of commands(document, 'quickstart')) {
        expect(await bash(block, here, env), `${document}:\n${block}`).toBe('');
        ran += 1;
      }
    }
  } finally {
    rmSync(here, { recursive: true });
    child.stdin.end();
  }
  expect(ran).toBeGreaterThan(7);
  expect(await ended, output()).toBe(0);
  await nothingLeft();
});

/** What went wrong; empty when every command succeeded. */
function bash(script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve) => {
    const args = ['-euo', 'pipefail', '-c', script];
    execFile('/bin/bash', args, { cwd, env, timeout: 90_000, maxBuffer: 16 << 20 }, (error, _stdout, stderr) =>
      resolve(error ? stderr || error.message : ''),
    );
  });
}
