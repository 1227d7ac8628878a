import type { Result } from '../types.ts';

/** A refusal by Ironic, in its first form: `faultcode`, `faultstring`, `debuginfo`. */
export class IronicError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The value of `error_message` is a string of JSON (Ironic 21.4). */
export function ironicFault(status: number, faultstring: string): Result {
  const faultcode = status >= 500 ? 'Server' : 'Client';
  return { status, body: { error_message: JSON.stringify({ faultcode, faultstring, debuginfo: null }) } };
}

const TITLES: Record<number, string> = {
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
};

/** Its second form: no such route, wrong method, bad version. */
export function routeFault(status: number, description: string, headers: Record<string, string> = {}): Result {
  const text = JSON.stringify({ code: status, title: TITLES[status] ?? 'Error', description });
  return { status, headers, body: { error_message: text } };
}

/** Its third form: the token was refused before Ironic saw the request. */
export function ironicUnauthorized(authURL: string): Result {
  return {
    status: 401,
    headers: { 'www-authenticate': `Keystone uri="${authURL.replace(/\/v3$/, '')}"` },
    body: {
      error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
    },
  };
}

/** The envelope of the gateway (seed 004 L41-L73). No error code is defined: the sandbox puts the status there. */
export function gatewayError(status: number, msg: string): Result {
  return { status, body: { code: String(status), msg, data: null, total: 0 } };
}

export function badRequest(message: string): IronicError {
  return new IronicError(400, message);
}

export function notFound(what: string, id: string): IronicError {
  return new IronicError(404, `${what} ${id} could not be found.`);
}

/** What needs a later API version than was asked for is not acceptable, rather than unknown (Ironic 21.4). */
export function notAcceptable(): IronicError {
  return new IronicError(406, 'Request not acceptable.');
}
