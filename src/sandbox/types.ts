/** One HTTP request as the core sees it. Header names are lower case; `path` carries the query. */
export interface SandboxRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/**
 * When the connection breaks, seen from the operation: `before` it was carried out (nothing happened) or `after`
 * it was (it happened, and the client cannot know). To the client both look the same.
 */
export type Moment = 'before' | 'after';

/**
 * An answer, together with what the transport must do to it. The core is synchronous and keeps no timers: the shell
 * (or a simulation on a virtual clock) carries out delays and broken connections. Where `drop` or `reset` is set,
 * nothing of the answer reaches the client.
 */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Milliseconds between the commit and the answer. */
  delayMs?: number;
  /** Close the connection without an answer. */
  drop?: Moment;
  /** Break the connection with a TCP reset. */
  reset?: Moment;
  /** Send only so many bytes of the body under the full Content-Length, then close. */
  truncate?: number;
}

/** What one operation answers; a body of `undefined` is an empty one. */
export interface Result {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export function jsonAnswer(result: Result): Answer {
  if (result.body === undefined) return { status: result.status, headers: { ...result.headers }, body: '' };
  return {
    status: result.status,
    headers: { 'content-type': 'application/json', ...result.headers },
    body: JSON.stringify(result.body),
  };
}
