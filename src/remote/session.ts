import { backoff } from '../base/backoff.ts';
import { sleep } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Budget } from './budget.ts';
import type { Call, Fence, Priority, RemoteSession } from './call.ts';
import { refusedHere } from './classify.ts';
import { RemoteError } from './errors.ts';
import type { FailureOutcome } from './errors.ts';
import { exchange, operationText } from './exchange.ts';
import type { Exchanged, ExchangeOptions } from './exchange.ts';
import type { Grant, Keystone } from './keystone.ts';

/** One mutating call, for the audit log. */
export interface AuditRecord {
  /** Of the fence: on whose behalf. */
  actor: string | undefined;
  operation: string;
  method: string;
  path: string;
  /** JSON text in which every Secret is `[redacted]`. */
  body: string | undefined;
  outcome: 'done' | FailureOutcome;
  status: number | undefined;
  error: string | undefined;
}

export interface SessionOptions extends ExchangeOptions {
  random: Random;
  keystone: Keystone;
  budget: Budget;
  /** Milliseconds for a read with its retries, counted from its first exchange; default 30 000. */
  readDeadline?: number;
  /** Milliseconds for one exchange of a write; default 60 000. */
  writeDeadline?: number;
  /** Longest wait for the budget, milliseconds; default 30 000. */
  maxWait?: number;
  audit?: (record: AuditRecord) => void;
}

const readRetries = 2;
/** With less left of the deadline, milliseconds, a retry could only hide what went wrong. */
const least = 1_000;
/** The pause after a 429 that does not say how long, milliseconds. */
const usualPause = 5_000;

interface Attempt {
  priority: Priority;
  deadline(): number;
  fence?: Fence;
}

/** A session: budget, then token, then the exchange; failures classified. See RemoteSession for what is repeated. */
export function createSession(options: SessionOptions): RemoteSession {
  const { clock, random, keystone, budget } = options;
  const { readDeadline = 30_000, writeDeadline = 60_000, maxWait = 30_000 } = options;
  const closing = new AbortController();

  async function turn<T>(call: Call<T>, priority: Priority) {
    const refuse = () =>
      refusedHere(context(call), 'Unreachable', 'this session was closed, since its tenant changed or went away');
    if (closing.signal.aborted) throw refuse();
    const operation = context(call).operation;
    await budget.take(priority, { maxWait, operation, signal: closing.signal }).catch((error: unknown) => {
      throw closing.signal.aborted ? refuse() : error;
    });
  }

  async function send<T>(call: Call<T>, grant: Grant, attempt: Attempt): Promise<Exchanged<T>> {
    try {
      return await exchange(options, {
        name: call.operation,
        method: call.method,
        url: target(grant.endpoint(), call),
        path: call.path,
        headers: { ...call.headers, 'x-auth-token': grant.token },
        ...(call.body === undefined ? {} : { body: call.body }),
        ...(call.answer === undefined ? {} : { answer: call.answer }),
        ...(call.accept === undefined ? {} : { accept: call.accept }),
        mutating: attempt.fence !== undefined,
        priority: attempt.priority,
        deadline: attempt.deadline(),
        ...(attempt.fence === undefined ? {} : { begin: attempt.fence }),
        secrets: [grant.token],
      });
    } catch (error) {
      if (error instanceof RemoteError) pauseAfter(error);
      throw error;
    }
  }

  function pauseAfter(error: RemoteError) {
    const { status, retryAfter } = error;
    if (status !== 429 && status !== 413 && status !== 503) return;
    const pause = retryAfter ?? (status === 429 ? usualPause : 0);
    if (pause > 0) budget.pauseUntil(clock.monotonic() + pause);
  }

  /** One authenticated exchange; a second one with a fresh token where a 401 proves that the first did nothing. */
  async function attempt<T>(call: Call<T>, how: Attempt): Promise<Exchanged<T>> {
    const grant = await keystone.grant();
    try {
      return await send(call, grant, how);
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
      keystone.discard(grant);
      if (error.outcome === 'unknown') throw error;
    }
    await turn(call, how.priority);
    const fresh = await keystone.grant();
    try {
      return await send(call, fresh, how);
    } catch (error) {
      if (isUnauthorized(error)) keystone.refuse(fresh);
      throw error;
    }
  }

  async function read<T>(call: Call<T>, priority: Priority): Promise<T> {
    // Counted from the first exchange: neither the wait for the budget nor a sign-in belongs to it.
    let end: number | undefined;
    const deadline = () => Math.max(1, (end ??= clock.monotonic() + readDeadline) - clock.monotonic());
    let last: unknown;
    for (let retry = 0; ; retry++) {
      await turn(call, priority);
      // The pause may have been longer than asked for (a full budget, a machine that slept).
      if (last !== undefined && deadline() < least) throw last;
      try {
        return (await attempt(call, { priority, deadline })).value;
      } catch (error) {
        const pause = backoff(retry, { base: 500, max: 4_000 }, random);
        if (retry >= readRetries || !passesByItself(error) || deadline() < pause + least) throw error;
        last = error;
        await sleep(clock, pause, closing.signal);
      }
    }
  }

  return {
    read,
    async write(call, fence) {
      const audit = (outcome: AuditRecord['outcome'], status: number | undefined, error?: unknown) =>
        options.audit?.({
          actor: fence.actor,
          operation: call.operation,
          method: call.method,
          path: call.path,
          body: call.body === undefined ? undefined : JSON.stringify(call.body),
          outcome,
          status,
          error: error instanceof Error ? error.message : undefined,
        });
      try {
        await turn(call, 'write');
        const { value, response } = await attempt(call, { priority: 'write', deadline: () => writeDeadline, fence });
        audit('done', response.status);
        return value;
      } catch (error) {
        // What is no RemoteError came from the fence, or broke before anything was sent.
        if (error instanceof RemoteError) audit(error.outcome, error.status, error);
        else audit('definitely-not', undefined, error);
        throw error;
      }
    },
    endpoint: async () => (await keystone.grant()).endpoint(),
    identity: async () => (await keystone.grant()).identity,
    close: () => closing.abort(),
  };
}

function context(call: Call<unknown>, origin = 'this tenant') {
  return { name: call.operation, operation: operationText(call.operation, call.method, call.path), origin };
}

/** The URL of a call. A part of the path that is empty or dots only would reach another object than it names. */
function target(endpoint: URL, call: Call<unknown>): URL {
  if (call.path.split('/').some((part) => /^(?:\.|%2e)*$/i.test(part)) || /[?#\\]/.test(call.path)) {
    throw refusedHere(context(call, endpoint.origin), 'Rejected', 'an ID is empty or no ID');
  }
  const url = new URL(`${endpoint.origin}${endpoint.pathname.replace(/\/+$/, '')}/${call.path}`);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

function isUnauthorized(error: unknown): error is RemoteError {
  return error instanceof RemoteError && error.status === 401;
}

/** With Retry-After the remote has told when to come back: later than a retry. */
function passesByItself(error: unknown): boolean {
  return (
    error instanceof RemoteError &&
    (error.reason === 'Unreachable' || error.reason === 'ServerError') &&
    error.retryAfter === undefined
  );
}
