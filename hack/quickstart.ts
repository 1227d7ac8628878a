/**
 * `make quickstart`: a real API server, the sandbox, the operator and the samples, on free ports of this machine. In a
 * terminal it stays up until Ctrl-C, else it ends when all is Ready; `--until-stdin-closes` keeps it up without one.
 * Whatever ends it, and be it SIGKILL, ends all its processes and removes its files.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Resource } from '../src/engine/resource.ts';
import type { SandboxInfo } from '../src/sandbox/sandbox.ts';
import { control, filledSamples, isWell } from './samples.ts';
import { type TiedProcess, tiedProcess } from './tied-process.ts';

const root = path.resolve(import.meta.dirname, '..');
const program = (name: string) => path.join(root, 'build', name);
/** Seconds from the start of the operator until every sample must be Ready. */
const patience = 45;

type Kubectl = (args: string[], input?: string) => Promise<string>;

const step = (name: string, text: string) => console.log(`  ${name.padEnd(18)} ${text}`);

/** Nothing of the caller's clusters and settings may reach what is started here. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(FREEHOLD_|KUBE|https?_proxy$|all_proxy$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

function checkPrograms(): void {
  for (const name of ['controlplane', 'kubectl', 'freehold']) {
    try {
      accessSync(program(name), constants.X_OK);
    } catch {
      throw new Error(`build/${name} is missing: run make quickstart, which builds it`);
    }
  }
}

function kubectlFor(directory: string, kubeconfig: string, signal: AbortSignal): Kubectl {
  const options = ['--kubeconfig', kubeconfig, '--cache-dir', path.join(directory, 'cache')];
  const settings = { env: ownEnvironment(), maxBuffer: 64 << 20, timeout: 30_000, signal };
  return (args, input = '') =>
    new Promise((resolve, reject) => {
      const child = execFile(program('kubectl'), [...options, ...args], settings, (error, stdout, stderr) => {
        if (error) reject(new Error(`kubectl ${args[0]}: ${stderr.trim() || error.message}`, { cause: error }));
        else resolve(stdout);
      });
      child.stdin!.on('error', () => undefined);
      child.stdin!.end(input);
    });
}

/** Applies CRDs and samples. Returns the resources of ours among them, as `Kind/name`. */
async function applySamples(kubectl: Kubectl, info: SandboxInfo): Promise<Set<string>> {
  await kubectl(['apply', '--server-side', '-f', path.join(root, 'crds')]);
  await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=20s']);
  const wanted = new Set<string>();
  for (const sample of await filledSamples(info)) {
    for (const name of sample.resources) wanted.add(name);
    await kubectl(['apply', '-f', '-'], sample.text);
    step('applied', sample.file);
  }
  return wanted;
}

/** Polls until every resource in `wanted` is well, with a line for each change. */
async function untilReady(kubectl: Kubectl, wanted: Set<string>, operator: TiedProcess): Promise<void> {
  const deadline = performance.now() + patience * 1000;
  const shown = new Map<string, string>();
  let lost = false;
  void operator.gone.then(() => (lost = true));
  for (;;) {
    const { items } = JSON.parse(await kubectl(['get', 'freehold', '-o', 'json'])) as { items: Resource[] };
    let left = wanted.size;
    for (const item of items) {
      const { kind, metadata, status } = item;
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      if (!ready || !wanted.has(`${kind}/${metadata.name}`)) continue;
      if (isWell(item)) left -= 1;
      const text = `${ready.reason}: ${ready.message}`;
      if (shown.get(`${kind}/${metadata.name}`) === text) continue;
      shown.set(`${kind}/${metadata.name}`, text);
      step(metadata.name, text.length > 100 ? `${text.slice(0, 99)}…` : text);
    }
    if (left === 0) return;
    if (lost) throw new Error('the operator ended by itself');
    if (performance.now() > deadline)
      throw new Error(`${left} of ${wanted.size} samples are not Ready after ${patience} s`);
    await sleep(300);
  }
}

/** The last lines of the operator's log, as people read them. */
function tail(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15);
  const readable = lines.map((line) => {
    try {
      const { level, resource, msg, err } = JSON.parse(line) as Record<string, string> & { err?: { message: string } };
      return [level, resource, msg, err?.message].filter((part) => part !== undefined).join('  ');
    } catch {
      return line;
    }
  });
  return readable.map((line) => `    ${line}`).join('\n');
}

function howToGoOn(kubeconfig: string, info: SandboxInfo, operatorLog: string): string {
  return `It stays up until Ctrl-C. In another terminal:

  export KUBECONFIG=${kubeconfig} PATH="${path.join(root, 'build')}:$PATH"
  export CONTROL=${info.control}

  kubectl describe dh server-test-1                   what happened, and why
  kubectl get secret server-test-1-admin-password     its root password, stored before it was ordered
  kubectl get secret vcenter-license                  the key of the licence that was bought
  kubectl delete dh server-test-1                     the server stays: deletionPolicy is Retain
  kubectl get bmn rack1-node1 -o yaml                 a machine in a rack: verified, and left alone beyond that
  curl $CONTROL/ledger                                everything that was ever bought
  tail -f ${operatorLog}

More to try: docs/operations.md (everyday tasks) and docs/sandbox.md (faults, and what CONTROL can do).`;
}

/** Everything up to Ready. Whatever it started is in `running`. */
async function bringUp(directory: string, running: TiedProcess[], stopping: AbortSignal) {
  const env = ownEnvironment();
  const file = (name: string) => path.join(directory, name);
  const start = (...tied: Parameters<typeof tiedProcess>) => {
    const begun = tiedProcess(...tied);
    running.push(begun);
    return begun;
  };
  const kubeconfig = file('kubeconfig');
  // The last to go takes the files along.
  const plane = start(program('controlplane'), ['--data', file('data'), '--kubeconfig', kubeconfig], {
    log: file('controlplane.log'),
    after: `rm -rf '${directory}'`,
    env,
  });
  const cloud = start(program('freehold'), ['sandbox', '--listen', '127.0.0.1:0'], { log: file('sandbox.log'), env });
  const [server, line] = await Promise.all([plane.firstLine(), cloud.firstLine()]);
  const info = JSON.parse(line) as SandboxInfo;
  step('API server', /https:\S+/.exec(server)?.[0] ?? server);
  step('simulated clouds', new URL(info.control).origin);

  // A real server takes up to an hour, and metering runs when it runs: seen in the list that follows the registration.
  await control(info, 'PATCH', 'settings', { buildSeconds: 3, deleteSeconds: 3, meteringSeconds: 0 });
  const kubectl = kubectlFor(directory, kubeconfig, stopping);
  const wanted = await applySamples(kubectl, info);

  const operatorLog = file('operator.log');
  const usual = ['run', '--owner-id', 'quickstart', '--kubeconfig', kubeconfig, '--listen', '127.0.0.1:0'];
  const sandboxed = ['--allowed-endpoints', '127.0.0.1:*', '--allow-insecure-endpoints'];
  const quick = ['--motion-interval', '1s', '--absence-interval', '2s'];
  const options = { log: operatorLog, printTo: operatorLog, env };
  const operator = start(program('freehold'), [...usual, ...sandboxed, ...quick], options);
  try {
    await untilReady(kubectl, wanted, operator);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const logged = stopping.aborted ? '' : `. The end of the operator's log:\n${tail(operatorLog)}`;
    throw new Error(`${why}${logged}`, { cause: error });
  }
  return { kubectl, kubeconfig, info, operatorLog };
}

async function quickstart(stopping: AbortSignal): Promise<void> {
  const began = performance.now();
  checkPrograms();
  console.log('A real Kubernetes API server and simulated clouds, on this machine only. Nothing is bought.');
  const directory = mkdtempSync(path.join(tmpdir(), 'freehold-quickstart-'));
  const running: TiedProcess[] = [];
  try {
    const up = await bringUp(directory, running, stopping);
    console.log(`\nAll Ready after ${Math.round((performance.now() - began) / 1000)} s.\n`);
    console.log(await up.kubectl(['get', 'freehold']));
    const piped = process.argv.includes('--until-stdin-closes');
    if (!piped && !(process.stdin.isTTY && process.stdout.isTTY)) return;
    console.log(howToGoOn(up.kubeconfig, up.info, up.operatorLog));
    const ended = running.map(({ gone }) =>
      gone.then(() => {
        throw new Error(`one of its programs ended by itself; the operator's log ends in:\n${tail(up.operatorLog)}`);
      }),
    );
    const asked = new Promise<void>((resolve) => {
      stopping.addEventListener('abort', () => resolve(), { once: true });
      if (piped) process.stdin.resume().once('end', resolve);
    });
    await Promise.race([asked, ...ended]);
  } finally {
    // The operator first, so that it can give back its lease.
    for (const tied of running.toReversed()) await tied.end();
    if (existsSync(directory)) rmSync(directory, { recursive: true, force: true });
  }
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort());
try {
  await quickstart(stop.signal);
} catch (error) {
  if (!stop.signal.aborted) console.error(`quickstart: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = stop.signal.aborted ? 130 : 1;
}
