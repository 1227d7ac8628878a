import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { Secret } from '../../src/base/secret.ts';
import type { Call } from '../../src/remote/call.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { apiSecret, remoteFixture, tokenPrefix } from '../support/remote-fixture.ts';
import { answerJSON } from '../support/scripted-server.ts';

const answer = z.object({ id: z.string() });
const show: Call<z.output<typeof answer>> = { operation: 'ShowThing', method: 'GET', path: 'things/1', answer };
const adminPass = 'canary-admin-pass';
const create: Call<z.output<typeof answer>> = {
  operation: 'CreateThing',
  method: 'POST',
  path: 'things',
  body: { thing: { name: 'a', adminPass: new Secret(adminPass), list: [new Secret(1 as never)], none: undefined } },
  answer,
};
const pass = () => undefined;
const own = { badRequest: { code: 0, message: 'no' } };

async function failureOf(call: Promise<unknown>): Promise<RemoteError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RemoteError);
  return error as RemoteError;
}

/** Lets time run until `call` settles: for back-offs and pauses. */
async function hurry<T>(fixture: { clock: { advance(ms: number): void } }, call: Promise<T>): Promise<T> {
  const running = setInterval(() => fixture.clock.advance(20), 1);
  return call.finally(() => clearInterval(running));
}

describe('a call', () => {
  test('goes below the endpoint with token, query, headers and revealed secrets', async () => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (_request, response) => answerJSON(response, 200, { id: 'x', other: 1 });
    const query = { limit: 10, marker: undefined, name: 'a b&c' };
    expect(await fixture.session.read({ ...show, query, headers: { 'x-version': '1.34' } }, 'poll')).toEqual({
      id: 'x',
    });
    expect(await fixture.session.write(create, pass)).toEqual({ id: 'x' });
    const [read, write] = fixture.calls();
    expect([read?.method, read?.path, read?.body]).toEqual(['GET', '/api/things/1?limit=10&name=a+b%26c', '']);
    expect(read?.headers).toMatchObject({
      'x-auth-token': `${tokenPrefix}1`,
      'x-version': '1.34',
      accept: 'application/json',
    });
    expect(read?.headers['content-type']).toBeUndefined();
    expect(write?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(write?.body ?? '')).toEqual({ thing: { name: 'a', adminPass, list: [1] } });
  });

  test('without an expected answer takes any 2xx and reads no body', async () => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (_request, response) => response.writeHead(202).end('<html>');
    expect(await fixture.session.write({ operation: 'D', method: 'DELETE', path: 'things/1' }, pass)).toBeUndefined();
  });

  test.each([
    'things/',
    'things/..',
    'things/../x',
    'things/%2e%2E',
    'things//1',
    'things/1?x=1',
    'things/1#x',
    'a\\b',
  ])('whose path %j would reach another object is refused here', async (path) => {
    await using fixture = await remoteFixture();
    const fence = vi.fn();
    const error = await failureOf(fixture.session.write({ operation: 'D', method: 'DELETE', path }, fence));
    expect(error).toMatchObject({ reason: 'Rejected', outcome: 'definitely-not' });
    expect([fence.mock.calls.length, fixture.calls().length]).toEqual([0, 0]);
  });

  test('after close() is refused here', async () => {
    await using fixture = await remoteFixture();
    fixture.session.close();
    expect(await failureOf(fixture.session.write(create, pass))).toMatchObject({ outcome: 'definitely-not' });
    expect(fixture.server.requests).toEqual([]);
  });
});

describe('reads', () => {
  test('are tried three times when the remote is away for a moment', async () => {
    await using fixture = await remoteFixture();
    let tries = 0;
    fixture.answers.api = (_request, response) => {
      if (++tries === 1) response.destroy();
      else if (tries === 2) response.writeHead(502).end('<html>');
      else answerJSON(response, 200, { id: 'x' });
    };
    expect(await hurry(fixture, fixture.session.read(show, 'poll'))).toEqual({ id: 'x' });
    expect(fixture.calls()).toHaveLength(3);
  });

  test('fail with the last reason after three tries', async () => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (_request, response) => answerJSON(response, 500, own);
    const error = await failureOf(hurry(fixture, fixture.session.read(show, 'poll')));
    expect(error).toMatchObject({ reason: 'ServerError', status: 500 });
    expect(fixture.calls()).toHaveLength(3);
  });

  test('end at their deadline, retries included', async () => {
    await using fixture = await remoteFixture();
    fixture.answers.api = () => undefined;
    const before = fixture.clock.monotonic();
    const call = fixture.session.read(show, 'poll');
    await vi.waitFor(() => expect(fixture.calls()).toHaveLength(1));
    fixture.clock.advance(30_000);
    expect((await failureOf(call)).reason).toBe('Unreachable');
    expect(fixture.clock.monotonic() - before).toBeLessThan(32_000);
    expect(fixture.calls()).toHaveLength(1);
  });

  test.each([400, 403, 404, 409])('are not repeated after %d', async (status) => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (_request, response) => answerJSON(response, status, own);
    await failureOf(fixture.session.read(show, 'poll'));
    expect(fixture.calls()).toHaveLength(1);
  });

  test.each([
    ['<html><body>login</body></html>', 'text/html', 'with an HTML page instead of JSON'],
    ['{"id": "x', 'application/json', 'with a body that is not JSON'],
    ['', 'application/json', 'with an empty body'],
    ['{"thing":{"id":1}}', 'application/json', 'id: Invalid input: expected string, received undefined'],
    ['[]', 'application/json', 'expected object, received array'],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'application/json', 'expected object, received array'],
    ['{"__proto__":{"id":"x"}}', 'application/json', 'id: Invalid input'],
  ])('a 200 with %.30j is BadAnswer and says why', async (body, type, problem) => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (_request, response) => response.writeHead(200, { 'content-type': type }).end(body);
    const error = await failureOf(fixture.session.read(show, 'poll'));
    expect(error).toMatchObject({ reason: 'BadAnswer', status: 200, outcome: 'definitely-not' });
    expect(error.message).toContain(problem);
    expect(fixture.calls()).toHaveLength(1);
  });

  test('a larger answer than allowed is BadAnswer', async () => {
    await using fixture = await remoteFixture({ session: { maxBytes: 1000 } });
    fixture.answers.api = (_request, response) => answerJSON(response, 200, { id: 'x'.repeat(2000) });
    expect((await failureOf(fixture.session.read(show, 'poll'))).reason).toBe('BadAnswer');
  });
});

describe('writes', () => {
  test.each([
    ['500', (response: { destroy(): void }) => answerJSON(response as never, 500, own), 'ServerError'],
    ['a reset', (response: { destroy(): void }) => response.destroy(), 'Unreachable'],
    ['an unreadable 200', (response: { destroy(): void }) => answerJSON(response as never, 200, {}), 'BadAnswer'],
    [
      'a 401 that is not its own',
      (response: { destroy(): void }) => answerJSON(response as never, 401, undefined),
      'CredentialsRefused',
    ],
  ])('are never repeated after %s, whose outcome is unknown', async (_name, act, reason) => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (_request, response) => act(response);
    const error = await failureOf(fixture.session.write(create, pass));
    expect(error).toMatchObject({ reason, outcome: 'unknown' });
    expect(error.message).toContain('whether it was done is not known');
    expect(fixture.calls()).toHaveLength(1);
  });

  test('without an answer end at 60 s with an unknown outcome', async () => {
    await using fixture = await remoteFixture();
    fixture.answers.api = () => undefined;
    const call = fixture.session.write(create, pass);
    await vi.waitFor(() => expect(fixture.calls()).toHaveLength(1));
    fixture.clock.advance(60_000);
    expect(await failureOf(call)).toMatchObject({ reason: 'Unreachable', outcome: 'unknown' });
  });

  test('a fence that throws is passed on and nothing is sent', async () => {
    await using fixture = await remoteFixture();
    const lost = new Error('the lease is lost');
    const fence = () => {
      throw lost;
    };
    await expect(fixture.session.write(create, fence)).rejects.toBe(lost);
    expect(fixture.calls()).toEqual([]);
    expect(fixture.audited).toMatchObject([{ outcome: 'definitely-not', error: 'the lease is lost' }]);
  });

  test('a fault of ours after the answer is not taken for a fence: its outcome is unknown', async () => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (_request, response) => answerJSON(response, 200, { id: 'x' });
    const faulty = answer.transform((): { id: string } => {
      throw new TypeError('a bug');
    });
    expect(await failureOf(fixture.session.write({ ...create, answer: faulty }, pass))).toMatchObject({
      reason: 'BadAnswer',
      outcome: 'unknown',
    });
  });
});

describe('a 401', () => {
  test.each(['read', 'write'] as const)('brings one new sign-in and one more %s', async (kind) => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (request, response) =>
      request.headers['x-auth-token'] === `${tokenPrefix}1`
        ? answerJSON(response, 401, { error: { message: 'expired' } })
        : answerJSON(response, 200, { id: 'x' });
    const fence = vi.fn();
    const call = kind === 'read' ? fixture.session.read(show, 'poll') : fixture.session.write(create, fence);
    expect(await call).toEqual({ id: 'x' });
    expect([fixture.signIns(), fixture.calls().length]).toEqual([2, 2]);
    expect(fence).toHaveBeenCalledTimes(kind === 'read' ? 0 : 2);
  });

  test('of many reads at once brings one new sign-in', async () => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (request, response) =>
      answerJSON(response, request.headers['x-auth-token'] === `${tokenPrefix}1` ? 401 : 200, { id: 'x', ...own });
    await Promise.all([1, 2, 3, 4].map(() => fixture.session.read(show, 'poll')));
    expect(fixture.signIns()).toBe(2);
  });

  test('with an empty body brings a new sign-in for a read too', async () => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (request, response) =>
      request.headers['x-auth-token'] === `${tokenPrefix}1`
        ? response.writeHead(401).end()
        : answerJSON(response, 200, { id: 'x' });
    expect(await fixture.session.read(show, 'poll')).toEqual({ id: 'x' });
  });

  test('to a fresh token is CredentialsRefused, and starts no storm of sign-ins', async () => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (_request, response) => answerJSON(response, 401, own);
    expect((await failureOf(fixture.session.read(show, 'poll'))).reason).toBe('CredentialsRefused');
    const next = await failureOf(fixture.session.write(create, pass));
    expect(next).toMatchObject({ reason: 'CredentialsRefused', outcome: 'definitely-not' });
    expect(next.message).toContain('the API refuses even a fresh token');
    expect([fixture.signIns(), fixture.calls().length]).toEqual([2, 2]);
    fixture.clock.advance(31_000);
    await failureOf(fixture.session.read(show, 'poll'));
    expect(fixture.signIns()).toBe(4);
  });
});

describe('the budget', () => {
  test.each([
    [429, '7', 7_000],
    [413, '7', 7_000],
    [503, '7', 7_000],
    [429, undefined, 5_000],
    [503, '31536000', 600_000],
  ])('is paused for every call by %d with Retry-After %s', async (status, header, pause) => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (_request, response) =>
      answerJSON(response, status, own, header === undefined ? {} : { 'retry-after': header });
    await failureOf(fixture.session.read(show, 'motion'));
    expect(fixture.calls()).toHaveLength(1);
    const { pausedUntil = 0 } = fixture.budget.figures();
    expect(Math.round((pausedUntil - fixture.clock.monotonic()) / 500)).toBe(pause / 500);
    const write = fixture.session.write(create, pass);
    if (pause > 30_000) {
      expect(await failureOf(write)).toMatchObject({ reason: 'BudgetExhausted', outcome: 'definitely-not' });
      expect(fixture.calls()).toHaveLength(1);
      return;
    }
    expect(fixture.budget.figures().waiting.write).toBe(1);
    fixture.answers.api = (_request, response) => answerJSON(response, 200, { id: 'x' });
    fixture.clock.advance(pause);
    expect(await write).toEqual({ id: 'x' });
  });

  test('gives up a waiting call when the session closes', async () => {
    await using fixture = await remoteFixture();
    fixture.budget.pauseUntil(fixture.clock.monotonic() + 20_000);
    const write = fixture.session.write(create, pass);
    fixture.session.close();
    expect(await failureOf(write)).toMatchObject({ reason: 'Unreachable', outcome: 'definitely-not' });
    expect(fixture.budget.figures().waiting.write).toBe(0);
  });
});

describe('what is told', () => {
  test('every exchange to metrics, every mutating call once to the audit', async () => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (request, response) =>
      request.method === 'GET' ? answerJSON(response, 404, own) : answerJSON(response, 201, { id: 'x' });
    await failureOf(fixture.session.read(show, 'motion'));
    await fixture.session.write(create, pass);
    expect(fixture.observed.map(({ duration, ...rest }) => [duration >= 0, rest])).toEqual([
      [true, { operation: 'SignIn', method: 'POST', mutating: false, result: 'ok', status: 201 }],
      [
        true,
        { operation: 'ShowThing', method: 'GET', mutating: false, result: 'NotFound', status: 404, priority: 'motion' },
      ],
      [
        true,
        { operation: 'CreateThing', method: 'POST', mutating: true, result: 'ok', status: 201, priority: 'write' },
      ],
    ]);
    expect(fixture.audited).toEqual([
      {
        operation: 'CreateThing',
        method: 'POST',
        path: 'things',
        body: '{"thing":{"name":"a","adminPass":"[redacted]","list":["[redacted]"]}}',
        outcome: 'done',
        status: 201,
        error: undefined,
      },
    ]);
  });

  test.each([
    [400, 'definitely-not'],
    [500, 'unknown'],
  ])('a refused write is audited with its outcome (%d: %s)', async (status, outcome) => {
    await using fixture = await remoteFixture();
    fixture.answers.api = (_request, response) => answerJSON(response, status, own);
    const error = await failureOf(fixture.session.write(create, pass));
    expect(fixture.audited).toMatchObject([{ outcome, status, error: error.message }]);
  });

  test('no secret, even when the API quotes it', async () => {
    await using fixture = await remoteFixture();
    const shown: unknown[] = [];
    const quoting = (secrets: string) => ({ badRequest: { code: 0, message: `refused: ${secrets}` } });
    for (const status of [400, 401, 500, 200]) {
      fixture.answers.api = (request, response) =>
        answerJSON(response, status, quoting(`${adminPass} ${String(request.headers['x-auth-token'])}`));
      shown.push(await failureOf(fixture.session.write(create, pass)));
      fixture.clock.advance(60_000);
    }
    fixture.answers.api = (_request, response) => response.writeHead(500).end(`text ${adminPass}`);
    shown.push(await failureOf(fixture.session.write(create, pass)));
    const text = inspect([shown, fixture.observed, fixture.audited], { depth: 20, showHidden: true });
    const plain = text + shown.map((error) => (error as Error).stack).join() + JSON.stringify(shown);
    for (const canary of [adminPass, tokenPrefix, apiSecret]) expect(plain).not.toContain(canary);
    expect(plain).toContain('refused: [redacted] [redacted]');
  });
});
