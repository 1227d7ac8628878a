import type { Secret } from '../base/secret.ts';

/**
 * The remote transport port: one HTTP exchange with a remote API. It follows no redirect, bounds time and size, and
 * knows nothing of tokens, retries or meaning.
 */
export interface RemoteTransport {
  /** Throws TransportError and nothing else (but for what `begin` throws, which it passes on). */
  send(request: HttpRequest): Promise<HttpResponse>;
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  url: URL;
  headers: Record<string, string | Secret>;
  /** Already serialised; a Secret when it holds one. */
  body?: string | Secret;
  /** PEM bundle that replaces the system's roots. */
  caBundle?: string;
  /** From the call to the last byte of the answer, milliseconds. */
  deadline: number;
  /** Most bytes of an answer. */
  maxBytes: number;
  /**
   * For a mutating call: it gets a connection of its own (a reset keep-alive socket would be the commonest unknown
   * outcome), and this is called in the same turn of the event loop as the write, after connecting. When it throws, nothing is sent and
   * send() rejects with that very error.
   */
  begin?: () => void;
  signal?: AbortSignal;
}

export interface HttpResponse {
  status: number;
  /** Lower-case names; a repeated header is joined by a comma. */
  headers: Record<string, string>;
  body: string;
}

/** How an exchange broke. `not-sent` is the only one that proves that the remote saw nothing. */
export type TransportFailure = 'not-sent' | 'timeout' | 'reset' | 'too-large' | 'aborted';

export class TransportError extends Error {
  /** `not-sent`: name not resolved, connection refused, TLS refused, deadline passed before the connection stood. */
  readonly failure: TransportFailure;

  constructor(failure: TransportFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'TransportError';
    this.failure = failure;
  }
}
