import { describe, expect, test } from 'vitest';
import { brokenExchange, refusedAnswer, retryAfter } from '../../src/remote/classify.ts';
import { TransportError } from '../../src/remote/transport.ts';
import type { TransportFailure } from '../../src/remote/transport.ts';

const context = {
  name: 'CreateServer',
  operation: 'CreateServer POST …/servers',
  origin: 'https://dh.example',
  secrets: [],
  now: Date.parse('2026-01-01T00:00:00Z'),
};
const write = { ...context, mutating: true };
const read = { ...context, mutating: false };
const own = '{"badRequest":{"code":0,"message":"no"}}';
const answer = (status: number, body: string, headers: Record<string, string> = {}) => ({ status, headers, body });

describe('what is known of a write that failed', () => {
  test.each([
    [400, own, 'Rejected', 'definitely-not'],
    [401, own, 'CredentialsRefused', 'definitely-not'],
    [403, own, 'Forbidden', 'definitely-not'],
    [404, own, 'NotFound', 'definitely-not'],
    [405, own, 'Rejected', 'definitely-not'],
    [406, own, 'VersionRefused', 'definitely-not'],
    [409, own, 'Conflict', 'definitely-not'],
    [413, own, 'RateLimited', 'definitely-not'],
    [429, own, 'RateLimited', 'definitely-not'],
    [408, own, 'Unreachable', 'unknown'],
    [500, own, 'ServerError', 'unknown'],
    [503, own, 'ServerError', 'unknown'],
    [502, '<html>', 'ServerError', 'unknown'],
    [302, '', 'BadAnswer', 'unknown'],
    // Nobody's own: a proxy may have answered after it passed the call on.
    [400, '<html>', 'BadAnswer', 'unknown'],
    [404, '<html>', 'BadAnswer', 'unknown'],
    [404, 'default backend - 404', 'BadAnswer', 'unknown'],
    [406, '<html>', 'BadAnswer', 'unknown'],
    [406, '', 'BadAnswer', 'unknown'],
    [401, '', 'CredentialsRefused', 'unknown'],
    [404, '', 'NotFound', 'unknown'],
    [400, '', 'BadAnswer', 'unknown'],
    [429, '', 'RateLimited', 'unknown'],
  ])('%d with %j is %s, %s', (status, body, reason, outcome) => {
    expect(refusedAnswer(write, answer(status, body))).toMatchObject({ reason, outcome, status });
    // A read changes nothing whatever became of it.
    expect(refusedAnswer(read, answer(status, body))).toMatchObject({ reason, outcome: 'definitely-not', status });
  });

  test.each<[TransportFailure, string, string]>([
    ['not-sent', 'Unreachable', 'definitely-not'],
    ['timeout', 'Unreachable', 'unknown'],
    ['reset', 'Unreachable', 'unknown'],
    ['aborted', 'Unreachable', 'unknown'],
    ['too-large', 'BadAnswer', 'unknown'],
  ])('an exchange that broke by %s is %s, %s', (failure, reason, outcome) => {
    const cause = new TransportError(failure, 'broke');
    expect(brokenExchange(write, cause)).toMatchObject({ reason, outcome, cause });
    expect(brokenExchange(read, cause).outcome).toBe('definitely-not');
  });
});

describe('words for people', () => {
  test('say what, where, and what next', () => {
    expect(refusedAnswer(read, answer(403, own)).message).toBe(
      'CreateServer at https://dh.example: HTTP 403: no; check the roles of the API key',
    );
    const version =
      '{"error_message":"{\\"code\\":406,\\"title\\":\\"Not Acceptable\\",\\"description\\":\\"no 1.999\\"}"}';
    expect(refusedAnswer(write, answer(406, version)).message).toBe(
      'CreateServer at https://dh.example: HTTP 406: no 1.999; the remote does not speak the API version that was ' +
        "asked for: check the tenant's spec.microversion and spec.endpoint",
    );
    expect(refusedAnswer(write, answer(503, own)).message).toBe(
      'CreateServer at https://dh.example: HTTP 503: no; whether it was done is not known',
    );
    expect(refusedAnswer(read, answer(404, '<html>')).message).toBe(
      "CreateServer at https://dh.example: HTTP 404 with a body that is not the API's: an HTML page; " +
        'check that the endpoint is the API itself, not a proxy or a portal',
    );
  });
});

test('Retry-After is read as seconds or as a date, and nothing else', () => {
  expect(retryAfter('120', context.now)).toBe(120_000);
  expect(retryAfter('Thu, 01 Jan 2026 00:00:30 GMT', context.now)).toBe(30_000);
  expect(retryAfter('Thu, 01 Jan 2020 00:00:00 GMT', context.now)).toBe(0);
  expect(retryAfter('soon', context.now)).toBeUndefined();
  expect(retryAfter(undefined, context.now)).toBeUndefined();
});
