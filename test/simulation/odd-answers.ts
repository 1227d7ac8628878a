import type { HttpResponse } from '../../src/remote/transport.ts';

export const html = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>';

export function answers(status: number, body: unknown, retryAfter?: number): HttpResponse {
  return {
    status,
    headers: {
      'content-type': typeof body === 'string' ? 'text/html' : 'application/json',
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

/** As the API behind that path says it. */
export function notThere(path: string): HttpResponse {
  const message = 'The resource could not be found.';
  if (path.includes('/servers/') || path.includes('/licenses/') || path.includes('/vcenters/'))
    return answers(404, { itemNotFound: { code: 404, message } });
  return answers(404, {
    error_message: JSON.stringify({ faultcode: 'Client', faultstring: message, debuginfo: null }),
  });
}

/** What is asked of each item, as a number in the place of its text. */
const fields = ['status', 'license_type', 'license_id', 'provision_state', 'address'];

/** Puts a number where a text belongs. */
export function makeStrange(item: Record<string, unknown>): void {
  const name = fields.find((field) => field in item);
  if (name !== undefined) item[name] = 7;
}

/** A list whose last item is not of its form; anything else as it is. */
export function strangeItem(response: HttpResponse): HttpResponse {
  if (response.status !== 200) return response;
  const body = JSON.parse(response.body) as Record<string, unknown>;
  const list = Object.values(body).find((value) => Array.isArray(value) && value.length > 0) as
    | Record<string, unknown>[]
    | undefined;
  const item = list?.at(-1);
  if (item) makeStrange(item);
  return { ...response, body: JSON.stringify(body) };
}
