import type { Result } from './types.ts';

/** A refusal by the Dedicated Hypervisor API. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

// Only `badRequest` is documented (seed 000, Delete Server); the other names follow OpenStack Nova, whose error style
// this is. Clients must go by the status.
const FAULT_NAMES: Record<number, string> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  429: 'tooManyRequests',
  500: 'computeFault',
  503: 'serviceUnavailable',
};

const DEFAULT_MESSAGES: Record<number, string> = {
  400: 'Request Parameter Error:',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'request URL or method is invalid',
  409: 'Conflict',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** Refuses a parameter in the words of the document (seed 000, Delete Server: "Request Parameter Error:"). */
export function badRequest(detail: string): ApiError {
  return new ApiError(400, `Request Parameter Error: ${detail}`);
}

/**
 * The error envelope: one top-level key, and a message that ends in a backslash and an n, two characters, because the
 * real service escapes its line end twice (seed 000, Delete Server: `"Request Parameter Error:\\n"`).
 */
export function sdpfError(status: number, message?: string): Result {
  const name = FAULT_NAMES[status] ?? 'computeFault';
  const text = message ?? DEFAULT_MESSAGES[status] ?? 'Error';
  return { status, body: { [name]: { code: status, message: `${text}\\n` } } };
}

/** Keystone's own envelope, the one of every OpenStack. */
export function keystoneError(status: number, message: string): Result {
  const titles: Record<number, string> = { 400: 'Bad Request', 401: 'Unauthorized', 404: 'Not Found' };
  return { status, body: { error: { code: status, message, title: titles[status] ?? 'Error' } } };
}
