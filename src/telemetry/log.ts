import { inspect } from 'node:util';
import { type DestinationStream, type Logger, pino } from 'pino';
import { type Clock, systemClock } from '../base/clock.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** What the other rooms know of the logger: `log.info({ kind, namespace, name, reconcileID }, 'created')`. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export interface LogOptions {
  level: LogLevel;
  /** Where lines go, each written before the call returns; default standard output. */
  destination?: DestinationStream;
  clock?: Clock;
}

/**
 * A log of JSON lines: `level` as a word, `time` as RFC 3339, `msg`, and the fields given. An Error under any top-level
 * field is written with its chain of causes; its stack only at level `debug`.
 */
export function createLog({ level, destination, clock = systemClock }: LogOptions): Log {
  const withStack = level === 'debug';
  const options = {
    level,
    // A pod's log stream already says which pod; the process ID in a container says nothing.
    base: undefined,
    timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
    // Pino's own serializer would run after ours and add a stack.
    serializers: { err: (value: unknown) => value },
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) => serializeErrors(fields, withStack),
    },
  };
  return destination ? pino(options, destination) : pino(options);
}

/**
 * The fields of our own and of Node's errors that are known to hold words and numbers only. All others stay out: an HTTP
 * library's error may carry the request, and with it a token.
 */
const knownFields = ['code', 'reason', 'status', 'outcome', 'failure', 'operation'] as const;

/** A chain of causes may be a ring. */
const deepestCause = 8;

function serializeErrors(fields: Record<string, unknown>, withStack: boolean): Record<string, unknown> {
  const entries = Object.entries(fields);
  if (!entries.some(([, value]) => value instanceof Error)) {
    return fields;
  }
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value instanceof Error ? serializeError(value, withStack) : value]),
  );
}

function serializeError(error: Error, withStack: boolean, depth = 0): Record<string, unknown> {
  const out: Record<string, unknown> = { name: error.name, message: error.message };
  for (const field of knownFields) {
    const value: unknown = Reflect.get(error, field);
    if (typeof value === 'string' || typeof value === 'number') {
      out[field] = value;
    }
  }
  if (withStack) {
    out.stack = error.stack;
  }
  if (depth < deepestCause) {
    if (error.cause !== undefined) {
      out.cause = serializeCause(error.cause, withStack, depth + 1);
    }
    if (error instanceof AggregateError) {
      out.errors = error.errors.map((one) => serializeCause(one, withStack, depth + 1));
    }
  }
  return out;
}

function serializeCause(cause: unknown, withStack: boolean, depth: number): unknown {
  if (cause instanceof Error) {
    return serializeError(cause, withStack, depth);
  }
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 1 });
}
