import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tied } from './children.ts';
import { until } from '../test/support/wait.ts';

export const program = path.resolve(import.meta.dirname, '../build/freehold');

/** Metrics by their full name with labels. */
export type Samples = Map<string, number>;

/** The built program, seen from outside: its own metrics, what the kernel says of it, and its inspector on demand. */
export interface Operator {
  /** When it was started, as `performance.now()`. */
  startedAt: number;
  listen: string;
  metrics(): Promise<Samples>;
  /** Resolves when /readyz says yes. */
  ready(): Promise<void>;
  /** CPU seconds so far, user and system. */
  cpuSeconds(): number;
  /** Resident now and at most, MB. */
  memory(): { rssMB: number; peakMB: number };
  /** Heap in use after a full collection, bytes. It opens the inspector, which costs memory: look at `memory` before. */
  heap(): Promise<number>;
  end(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** User and system time of a process so far. */
export function cpuSecondsOf(pid: number): number {
  // proc(5): utime and stime, in hundredths of a second; the name before them may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface OperatorOptions {
  kubeconfig: string;
  /** For the logs. */
  directory: string;
  identity: string;
  args?: string[];
}

export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const listen = `127.0.0.1:${await freePort()}`;
  const log = (what: string) => path.join(options.directory, `${options.identity}.${what}`);
  const args = [
    ...['run', '--owner-id', 'bench', '--identity', options.identity, '--kubeconfig', options.kubeconfig],
    ...['--lease-namespace', 'default', '--listen', listen],
    ...['--allowed-endpoints', '127.0.0.1:*', '--allow-insecure-endpoints'],
    ...(options.args ?? []),
  ];
  // The inspector listens only after SIGUSR1.
  const profiles = process.env['BENCH_PROFILE'];
  const profiling = profiles === undefined ? '' : ` --cpu-prof --cpu-prof-dir=${profiles}`;
  const env = { ...process.env, NODE_OPTIONS: `--inspect-port=127.0.0.1:0${profiling}` };
  const startedAt = performance.now();
  const child = tied(
    spawn(program, args, {
      stdio: ['ignore', openSync(log('log'), 'a'), openSync(log('err'), 'a')],
      env,
    }),
  );

  async function debuggerURL(): Promise<string> {
    const find = () => [...readFileSync(log('err'), 'utf8').matchAll(/Debugger listening on (ws:\S+)/g)].at(-1)?.[1];
    const before = find();
    if (before !== undefined) return before;
    child.kill('SIGUSR1');
    await until('the inspector listens', () => find() !== undefined);
    return find()!;
  }

  return {
    startedAt,
    listen,
    async metrics() {
      const text = await (await fetch(`http://${listen}/metrics`)).text();
      return samplesOf(text);
    },
    async ready() {
      const isReady = async () => {
        const answer = await fetch(`http://${listen}/readyz`);
        await answer.arrayBuffer();
        return answer.ok;
      };
      while (!(await isReady().catch(() => false))) await sleep(2);
    },
    cpuSeconds: () => cpuSecondsOf(child.pid!),
    memory() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      const megabytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
      return { rssMB: megabytes('VmRSS'), peakMB: megabytes('VmHWM') };
    },
    heap: async () => heapOf(await debuggerURL()),
    async end(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}

export function samplesOf(text: string): Samples {
  const samples: Samples = new Map();
  for (const line of text.split('\n')) {
    const at = line.lastIndexOf(' ');
    if (at > 0 && !line.startsWith('#')) samples.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return samples;
}

/** Sum of all samples of that name whose labels contain the text. */
export function sumOf(samples: Samples, name: string, labels = ''): number {
  let sum = 0;
  for (const [key, value] of samples)
    if ((key === name || key.startsWith(`${name}{`)) && key.includes(labels)) sum += value;
  return sum;
}

/** Two collections, since the first frees what the second can then collect; by the Chrome DevTools protocol. */
async function heapOf(url: string): Promise<number> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  let last = 0;
  const ask = async (method: string) => {
    last += 1;
    const id = last;
    const answer = new Promise<Record<string, unknown>>((resolve) => {
      const listen = ({ data }: MessageEvent) => {
        const message = JSON.parse(String(data)) as { id?: number; result?: Record<string, unknown> };
        if (message.id !== id) return;
        socket.removeEventListener('message', listen);
        resolve(message.result ?? {});
      };
      socket.addEventListener('message', listen);
    });
    socket.send(JSON.stringify({ id, method }));
    return answer;
  };
  await ask('HeapProfiler.collectGarbage');
  await ask('HeapProfiler.collectGarbage');
  const { usedSize } = await ask('Runtime.getHeapUsage');
  socket.close();
  return Number(usedSize);
}
