import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect } from 'vitest';
import { type Random, systemRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import { createBudget } from '../../src/remote/budget.ts';
import { allowedEndpoints } from '../../src/remote/endpoints.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { createKeystone, type KeystoneOptions } from '../../src/remote/keystone.ts';
import { createSession } from '../../src/remote/session.ts';
import {
  type HttpRequest,
  type HttpResponse,
  type RemoteTransport,
  TransportError,
} from '../../src/remote/transport.ts';
import { createManualClock, type TestClock } from './clock.ts';
import { apiSecret, tenantID, tokenBody, tokenPrefix } from './remote-fixture.ts';

/** The same runs every time; a failure prints seed and path, which go in here to repeat it. */
export const runs = (numRuns: number) => ({ seed: 20_260_101, numRuns });

export interface HostileAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export const answer = (status: number, body: unknown, headers: Record<string, string> = {}): HostileAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

/** Texts that stand where a JSON value is due; some are no JSON at all. */
const odd = [
  ...['null', 'true', 'false', '0', '-0', '-1', '1e999', '-1e999', '9007199254740993', '0.1e-400', 'NaN', 'undefined'],
  ...['""', '" "', '"\\u0000"', '"\\ud800"', '"a\\nb"', '"../.."', '"a/b?c#d"', '"\u2028"', '"\\u202e"', '"text"'],
  ...['[]', '{}', '[null]', '[[]]', '[{}]', '{"a":{}}', `"${'x'.repeat(5_000)}"`, nested(1_000), '\u0000', '"cut off'],
  ...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '{"toString":1,"valueOf":null}'],
];

/** JSON text of objects so many levels deep. */
export function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}

const oddMembers = odd.flatMap((text) =>
  ['__proto__', 'constructor', 'toString', 'message'].map((key) => `"${key}":${text}`),
);

type Mutation = { place: number; how: 'replace' | 'drop' | 'repeat' | 'add'; text: string; member: string };

/** JSON text of `value` with the mutations whose places are met while it is written. */
function write(value: unknown, mutations: Map<number, Mutation>, count = { places: 0 }): string {
  const mine = mutations.get(count.places++);
  if (mine?.how === 'replace') return mine.text;
  if (Array.isArray(value)) {
    const items = value.map((item) => write(item, mutations, count));
    if (mine?.how === 'drop') items.pop();
    if (mine?.how === 'add') items.push(mine.text);
    return `[${items.join()}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${write(item, mutations, count)}`);
  const [first] = members;
  if (mine?.how === 'drop') members.shift();
  if (mine?.how === 'repeat' && first !== undefined) members.push(first.replace(/:[^]*/, `:${mine.text}`));
  if (mine?.how === 'add') members.unshift(mine.member);
  return `{${members.join()}}`;
}

function placesOf(value: unknown): number {
  const count = { places: 0 };
  write(value, new Map(), count);
  return count.places;
}

/** A valid body as text, with a few of its values changed into what is wrong. */
export function mutated(valid: unknown): fc.Arbitrary<string> {
  const mutation = fc.record({
    place: fc.nat(placesOf(valid) - 1),
    how: fc.constantFrom('replace' as const, 'replace' as const, 'drop' as const, 'repeat' as const, 'add' as const),
    text: fc.oneof(fc.constantFrom(...odd), fc.json({ maxDepth: 3 })),
    member: fc.constantFrom(...oddMembers),
  });
  return fc
    .array(mutation, { minLength: 1, maxLength: 4 })
    .map((mutations) => write(valid, new Map(mutations.map((each) => [each.place, each]))));
}

/** Bodies that have nothing to do with what was asked for. */
export const foreignBody: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '\u0000',
      '\ufeff',
      '{',
      '[',
      '"',
      '[]',
      '{}',
      'null',
      'OK',
      '<html><body>502</body></html>',
      '<',
      '\n<?xml?>',
    ],
    ...[
      'upstream connect error',
      '{"status":"error"}',
      '{"errors":[{"message":"x"}]}',
      '{"data":null}',
      '[{"message":"x"}]',
    ],
    ...['{"error":null}', '{"fault":"x"}', '{"message":5}', '{"code":404}', '"message"', '5', 'true', nested(50_000)],
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.json(),
);

/** What an answer to a call may hold: a valid body, a mutated one, a broken one, a foreign one. */
function hostileBody(valid: unknown): fc.Arbitrary<string> {
  const text = JSON.stringify(valid);
  return fc.oneof(
    { weight: 6, arbitrary: mutated(valid) },
    { weight: 2, arbitrary: foreignBody },
    { weight: 1, arbitrary: fc.nat(text.length).map((end) => text.slice(0, end)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(text, `\ufeff${text}`, `${text}${text}`, `${text}\u0000`, `[${text}]`, `)]}'${text}`),
    },
  );
}

const statuses = [
  ...[
    200, 201, 202, 203, 204, 206, 226, 299, 300, 301, 302, 304, 307, 400, 401, 403, 404, 405, 406, 408, 409, 410, 413,
  ],
  ...[418, 422, 425, 429, 451, 499, 500, 501, 502, 503, 504, 520, 599],
];
const oddRetryAfter = ['garbage', '-1', '0', '1e9', '1000000000', '9'.repeat(400), 'Infinity', '120, 120', ' ', '1.5'];
const oddHeaders = fc.record(
  {
    'content-type': fc.constantFrom('text/html', 'application/json', '', 'application/json; charset=utf-16', ';;;'),
    'retry-after': fc.constantFrom(...oddRetryAfter, 'Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 31 Dec 9999 23:59:59 GMT'),
    location: fc.constantFrom('http://evil.example/', '/v3/', '//evil.example'),
  },
  { requiredKeys: [] },
);

/** Answers to a call that is due `valid`; about half of them are 200. */
export function hostileAnswer(valid: unknown): fc.Arbitrary<HostileAnswer> {
  return fc.record({
    status: fc.oneof(fc.constant(200), fc.constantFrom(...statuses)),
    headers: oddHeaders,
    body: hostileBody(valid),
  });
}

const steady: Random = { ...systemRandom, next: () => 0.5 };
/** Beyond every bound that a client has of its own: 1,000 pages, begun three times. */
const mostRequests = 3_100;

/** A session before a remote that answers what the test says, without sockets, on time that only runs in `settle`. */
export function hostileRemote(options: { clock?: TestClock; keystone?: Partial<KeystoneOptions> } = {}) {
  const clock = options.clock ?? createManualClock({ tick: 0.001 });
  const requests: HttpRequest[] = [];
  let runaway = false;
  const answers = {
    api: (_request: HttpRequest): HostileAnswer => answer(200, {}),
    keystone: (_request: HttpRequest): HostileAnswer =>
      answer(201, tokenBody(), { 'x-subject-token': `${tokenPrefix}1` }),
  };
  const transport: RemoteTransport = {
    async send(request): Promise<HttpResponse> {
      request.begin?.();
      requests.push(request);
      if (requests.length > mostRequests) {
        runaway = true;
        return new Promise<never>(() => {});
      }
      const { pathname, host } = request.url;
      const given =
        host === 'keystone.example' && pathname.startsWith('/v3/') ? answers.keystone(request) : answers.api(request);
      if (given.body.length > request.maxBytes) throw new TransportError('too-large', 'the answer is too long');
      return given;
    },
  };
  const common = { transport, clock, random: steady };
  const keystone = createKeystone({
    ...common,
    authURL: new URL('https://keystone.example/v3'),
    credentials: () => ({ username: 'api-key', password: new Secret(apiSecret) }),
    projectID: tenantID,
    target: { endpoint: new URL('https://api.example/api') },
    allowed: allowedEndpoints({ patterns: ['keystone.example', 'api.example'], insecure: false }),
    ...options.keystone,
  });
  const session = createSession({ ...common, keystone, budget: createBudget(clock, { rate: 1e6, burst: 1e6 }) });
  return {
    clock,
    session,
    keystone,
    answers,
    requests,
    calls: () => requests.filter(({ url }) => url.host !== 'keystone.example'),
    signIns: () => requests.filter(({ url }) => url.host === 'keystone.example'),
    /** What became of a call: each ends within a few minutes of the clock, and within bounds of requests. */
    async settle<T>(call: () => Promise<T>): Promise<{ value: T; error?: undefined } | { error: unknown }> {
      let end: { value: T } | { error: unknown } | undefined;
      // What a client throws at once, instead of rejecting, counts as well.
      void (async () => call())().then(
        (value) => (end = { value }),
        (error: unknown) => (end = { error }),
      );
      for (let second = 0; second < 300 && end === undefined && !runaway; second += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        if (end === undefined) clock.advance(1_000);
      }
      if (end === undefined) throw new Error(runaway ? 'the client asks without end' : 'the call does not end');
      return end;
    },
  };
}

/** The error of a client as people see it: typed, one short line, and nothing of what must stay secret, however deep. */
export function expectClear(error: unknown, secrets: readonly string[] = []): asserts error is RemoteError {
  if (!(error instanceof RemoteError)) throw new Error('not a RemoteError', { cause: error });
  expect(error.message.length).toBeLessThanOrEqual(1_000);
  expect(error.message).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]|\p{Bidi_Control}/u);
  expect(error.message).toMatch(/[A-Za-z]{3}/);
  const all = `${inspect(error, { depth: 10 })}${JSON.stringify(error)}`;
  for (const secret of [apiSecret, tokenPrefix, ...secrets]) expect(all).not.toContain(secret);
}

/** Nothing that came from outside reached the prototypes that all objects share. */
export function expectUnpolluted(): void {
  for (const of of [{}, [], () => {}]) expect('polluted' in of).toBe(false);
  expect(Object.keys(Object.prototype)).toEqual([]);
}
