import type { SandboxRequest } from './types.ts';

/** One request that reached the simulated platform, whatever became of it. */
export interface Call {
  seq: number;
  /** RFC 3339, by the sandbox's clock. */
  at: string;
  method: string;
  path: string;
  /** Name in the document, such as `CreateServer`; `Unknown` where method and path name none. */
  operation: string;
  /** From the path, from the scope of a token request, or from the token; null where none of them tells. */
  tenantID: string | null;
  requestBody: unknown;
  requestHeaders: Record<string, string>;
  /** Status of the answer as sent; null where the connection was broken instead. */
  status: number | null;
  /** The operation was carried out and succeeded, whether or not the client was told. */
  committed: boolean;
  /** ID of the fault that was applied. */
  fault?: string;
}

const KEEP = 100_000;
const DROP_AT_ONCE = 10_000;

/** The call log: what was really asked of the platform, in order. Old entries leave when it grows too long. */
export class CallLog {
  #calls: Call[] = [];
  #seq = 0;

  /** Taken before the operation runs, so that what it creates can name the call. */
  nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  add(call: Call): void {
    this.#calls.push(call);
    if (this.#calls.length > KEEP) this.#calls.splice(0, DROP_AT_ONCE);
  }

  since(seq: number): Call[] {
    return this.#calls.filter((call) => call.seq > seq);
  }

  clear(): void {
    this.#calls = [];
  }
}

const SECRET_NAME = /pass|secret|credential|configdrive|^key$/i;
const LONGEST_TEXT = 10_000;

/** The request's body without its secrets, parsed where it is JSON. The log is printed in test failures. */
export function loggedBody(body: string): unknown {
  if (body === '') return null;
  try {
    return mask(JSON.parse(body), '');
  } catch {
    return `[not JSON, ${Math.min(body.length, LONGEST_TEXT)} characters]`;
  }
}

export function loggedHeaders(request: SandboxRequest): Record<string, string> {
  const headers = { ...request.headers };
  delete headers.authorization;
  const token = headers['x-auth-token'];
  if (token !== undefined) headers['x-auth-token'] = `${token.slice(0, 6)}…`;
  return headers;
}

function mask(value: unknown, parent: string): unknown {
  if (Array.isArray(value)) return value.map((item) => mask(item, parent));
  if (typeof value !== 'object' || value === null) return value;
  // A step of a JSON patch: its path says what its value is.
  const secretPath = 'path' in value && typeof value.path === 'string' && SECRET_NAME.test(value.path);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (secretPath && name === 'value') return [name, '[masked]'];
      // Keystone's `password` is an object that holds the user; only the leaf is secret. `token.id` is a live token.
      const leaf = typeof inner === 'string' || typeof inner === 'number';
      const secret = SECRET_NAME.test(name) || (parent === 'token' && name === 'id');
      return [name, leaf && secret ? '[masked]' : mask(inner, name)];
    }),
  );
}
