import type * as z from 'zod';
import type { Clock } from '../base/clock.ts';
import type { Secret } from '../base/secret.ts';
import type { Call, JsonBody, Priority } from './call.ts';
import { brokenExchange, refusedAnswer, unusableAnswer } from './classify.ts';
import type { CallContext } from './classify.ts';
import { RemoteError } from './errors.ts';
import type { RemoteFailure } from './errors.ts';
import { serialise } from './json-body.ts';
import { parseJSON } from './text.ts';
import { firstProblem } from './tolerant-list.ts';
import { TransportError } from './transport.ts';
import type { HttpResponse, RemoteTransport } from './transport.ts';

/** One HTTP exchange as metrics see it. */
export interface ObservedExchange {
  operation: string;
  method: string;
  mutating: boolean;
  result: 'ok' | RemoteFailure;
  /** HTTP status, where there was one. */
  status: number | undefined;
  /** Milliseconds. */
  duration: number;
  /** Absent for a sign-in. */
  priority?: Priority;
}

/** Where exchanges go through: the same for Keystone and for the API behind it. */
export interface ExchangeOptions {
  transport: RemoteTransport;
  clock: Clock;
  /** PEM bundle that replaces the system's roots. */
  caBundle?: string;
  /** Most bytes of an answer; default 16 MiB. */
  maxBytes?: number;
  observe?: (exchange: ObservedExchange) => void;
}

export interface ExchangeRequest<T> {
  /** The document's name of the operation. */
  name: string;
  method: Call<T>['method'];
  url: URL;
  /** Below the endpoint, for logs. */
  path: string;
  headers: Record<string, string | Secret>;
  body?: JsonBody;
  answer?: z.ZodType<T>;
  accept?: false;
  mutating: boolean;
  priority?: Priority;
  /** Milliseconds. */
  deadline: number;
  begin?: () => void;
  /** Besides those in the body: what must not come back in an error's words. */
  secrets?: readonly Secret[];
}

export interface Exchanged<T> {
  /** undefined where the request names no `answer`. */
  value: T;
  response: HttpResponse;
}

/** `ListServers GET …/servers`: how logs and RemoteError.operation name a call. */
export function operationText(name: string, method: string, path: string): string {
  return `${name} ${method} …/${path}`;
}

/** One exchange, sent once and classified: a 2xx answer of the expected form, or RemoteError, or what `begin` throws. */
export async function exchange<T>(options: ExchangeOptions, request: ExchangeRequest<T>): Promise<Exchanged<T>> {
  const { transport, clock, observe } = options;
  const body = request.body === undefined ? undefined : serialise(request.body);
  const context: CallContext = {
    name: request.name,
    operation: operationText(request.name, request.method, request.path),
    origin: request.url.origin,
    mutating: request.mutating,
    secrets: [...(request.secrets ?? []), ...(body?.secrets ?? [])],
    now: clock.now(),
  };
  const startedAt = clock.monotonic();
  const { begin } = request;
  let begun = false;
  const report = (result: 'ok' | RemoteFailure, status: number | undefined) =>
    observe?.({
      operation: request.name,
      method: request.method,
      mutating: request.mutating,
      result,
      status,
      duration: clock.monotonic() - startedAt,
      ...(request.priority === undefined ? {} : { priority: request.priority }),
    });
  try {
    const response = await transport.send({
      method: request.method,
      url: request.url,
      headers: {
        ...(request.accept === false ? {} : { accept: 'application/json' }),
        'user-agent': 'freehold',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...request.headers,
      },
      ...(body === undefined ? {} : { body: body.text }),
      ...(options.caBundle === undefined ? {} : { caBundle: options.caBundle }),
      deadline: request.deadline,
      maxBytes: options.maxBytes ?? 16 * 1024 * 1024,
      ...(begin === undefined
        ? {}
        : {
            begin: () => {
              begin();
              begun = true;
            },
          }),
    });
    if (response.status < 200 || response.status > 299) throw refusedAnswer(context, response);
    const value = readAnswer(context, response, request.answer);
    report('ok', response.status);
    return { value, response };
  } catch (error) {
    // What the fence throws is passed on: it proves that nothing was sent. Anything else that breaks once a mutating call
    // has begun, be it a fault of ours, must not look like that.
    if (begin !== undefined && !begun && !(error instanceof TransportError)) throw error;
    const failure =
      error instanceof RemoteError
        ? error
        : error instanceof TransportError
          ? brokenExchange(context, error)
          : unusableAnswer(context, undefined, 'the answer could not be handled', error);
    report(failure.reason, failure.status);
    throw failure;
  }
}

function readAnswer<T>(context: CallContext, response: HttpResponse, answer: z.ZodType<T> | undefined): T {
  // A call that expects no answer has no use for its type either.
  if (answer === undefined) return undefined as T;
  const { status, body, headers } = response;
  const json = parseJSON(body);
  if (json === undefined && body.trim() !== '') {
    const html = /html/i.test(headers['content-type'] ?? '') || /^\s*</.test(body);
    throw unusableAnswer(context, status, html ? 'with an HTML page instead of JSON' : 'with a body that is not JSON');
  }
  // An empty body is for the schema to judge: it is undefined there.
  const read = answer.safeParse(json);
  if (read.success) return read.data;
  const problem =
    json === undefined ? 'with an empty body' : `with an answer of another form: ${firstProblem(read.error)}`;
  throw unusableAnswer(context, status, problem);
}
