import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Call } from '../src/sandbox/calls.ts';
import type { SandboxInfo } from '../src/sandbox/sandbox.ts';
import { tied } from './children.ts';
import { cpuSecondsOf, program } from './operator.ts';

export type { Call };

/** The sandbox, in a process of its own. */
export interface Remote {
  info: SandboxInfo;
  control<T = unknown>(method: string, route: string, body?: unknown): Promise<T>;
  /** Forgets all calls so far. */
  mark(): Promise<void>;
  /** Every call since the last mark, as the sandbox wrote them down. */
  calls(): Promise<Call[]>;
  cpuSeconds(): number;
  end(): Promise<void>;
}

export async function startRemote(): Promise<Remote> {
  const child = tied(spawn(program, ['sandbox', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] }));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const info = JSON.parse(line) as SandboxInfo;

  async function control<T>(method: string, route: string, body?: unknown): Promise<T> {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${info.control}/${route}`, { method, ...init });
    const text = await response.text();
    if (!response.ok) throw new Error(`sandbox: ${method} ${route}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  return {
    info,
    control,
    mark: () => control('DELETE', 'calls'),
    calls: async () => (await control<{ calls: Call[] }>('GET', 'calls?since=0')).calls,
    cpuSeconds: () => cpuSecondsOf(child.pid!),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

const isSignIn = ({ operation }: Call) => operation === 'IssueToken' || operation === 'DiscoverKeystone';

/** A page of a list that serves all resources of a tenant, or the tenant itself; not the list of one node's ports. */
export const isPage = ({ operation }: Call) => operation.startsWith('List') && !operation.startsWith('ListNodePort');

const isChange = (call: Call) => call.method !== 'GET' && !isSignIn(call);

/** What the calls of a remote come to. */
export function countCalls(calls: readonly Call[]) {
  const byOperation: Record<string, number> = {};
  for (const { operation } of calls) byOperation[operation] = (byOperation[operation] ?? 0) + 1;
  const pages = calls.filter(isPage).length;
  const changes = calls.filter(isChange).length;
  const signIns = calls.filter(isSignIn).length;
  return {
    all: calls.length,
    signIns,
    listPages: pages,
    changes,
    /** Reads of one object: what should not be where lists serve. */
    others: calls.length - pages - changes - signIns,
    failed: calls.filter(({ status }) => status === null || status >= 400).length,
    byOperation,
  };
}
