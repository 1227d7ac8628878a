import type { Secret } from '../base/secret.ts';
import { cleanText, isRecord, parseJSON, redact, withoutTags } from './text.ts';

export interface ErrorBody {
  /** The API's own JSON error envelope: neither a proxy's page nor an empty body. Only such a body proves anything. */
  own: boolean;
  /** For people: one line, without control characters, at most 500 characters; may be empty. */
  message: string;
}

/**
 * Reads the error body of any of our APIs, whatever its envelope. Never throws. `secrets` (those of the request) are
 * replaced, since some APIs quote the value that they refuse.
 *
 * Envelopes: `{<fault>: {message}}` (Dedicated Hypervisor, Nova, Keystone's `error`), `{fault: {faultstring}}` (API
 * gateway), `{errorMessage}` (IAM), `{message}`, `{error_message}` holding text, HTML, JSON text or an object (Ironic),
 * `{code, msg, data, total}` (CloudOS, seed 004 L67).
 */
export function parseErrorBody(contentType: string, body: string, secrets: readonly Secret[] = []): ErrorBody {
  const own = ownMessage(parseJSON(body));
  if (own !== undefined) return { own: true, message: cleanText(withoutTags(redact(own, secrets)), 500) };
  if (body.trim() === '') return { own: false, message: '' };
  if (/html/i.test(contentType) || /^\s*</.test(body)) return { own: false, message: 'an HTML page' };
  // The body of a success may come with a status of failure, whole, cut or wrapped, and hold a licence key or a password.
  if (/["{]/.test(body)) return { own: false, message: 'JSON of another form' };
  return { own: false, message: cleanText(redact(body.slice(0, 10_000), secrets), 200) };
}

function ownMessage(body: unknown): string | undefined {
  if (!isRecord(body)) return undefined;
  const { fault, errorMessage, message, msg, code, error, error_message: ironic } = body;
  if (ironic !== undefined && ironic !== null) return ironicMessage(ironic);
  if (isRecord(fault) && typeof fault['faultstring'] === 'string') return fault['faultstring'];
  for (const value of Object.values(body)) {
    if (isRecord(value) && typeof value['message'] === 'string') return value['message'];
  }
  if (typeof errorMessage === 'string') return errorMessage;
  if (typeof message === 'string') return message;
  // CloudOS samples have an empty msg: the envelope is still the API's own.
  if (typeof msg === 'string' && 'code' in body) return msg || codeText(code);
  if (msg === null && 'code' in body && 'data' in body) return codeText(code);
  if (typeof error === 'string') return error;
  return undefined;
}

function codeText(code: unknown): string {
  return typeof code === 'string' ? code : typeof code === 'number' ? `code ${code}` : '';
}

/** Ironic wraps its error as JSON text in `error_message`: `{faultstring, …}`, or `{title, description}` for a route. */
function ironicMessage(value: unknown): string | undefined {
  const inner = typeof value === 'string' ? (parseJSON(value) ?? value) : value;
  if (typeof inner === 'string') return inner;
  if (!isRecord(inner)) return undefined;
  const { faultstring, description, title, message } = inner;
  for (const text of [faultstring, description, message, title]) {
    if (typeof text === 'string' && text !== '') return text;
  }
  return '';
}
