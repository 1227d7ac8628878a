import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TolerantList } from '../../src/remote/tolerant-list.ts';
import {
  answer,
  expectClear,
  expectUnpolluted,
  foreignBody,
  type HostileAnswer,
  hostileAnswer,
  hostileRemote,
  runs,
} from '../support/hostile.ts';
import { bodySecrets, clientsOf, lists, type Read, reads, sentSecret, writes } from '../support/hostile-operations.ts';

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isGood = ({ status }: HostileAnswer) => status >= 200 && status <= 299;
const count = (values: unknown[]) => values.length;

/** A read before a remote that gives `first`, and what ends a list to whoever asks for more. */
async function reading(read: Read, first: HostileAnswer, ends: boolean) {
  const remote = hostileRemote();
  remote.answers.api = ({ url }) =>
    ends && read.last !== undefined && url.searchParams.has('marker') ? answer(200, read.last) : first;
  const end = await remote.settle(() => read.call(clientsOf(remote.session)));
  expectUnpolluted();
  expect(remote.calls().filter(({ method }) => method !== 'GET')).toEqual([]);
  expect(remote.signIns().length).toBeLessThanOrEqual(2);
  if ('value' in end) expect(isGood(first)).toBe(true);
  else {
    expectClear(end.error, bodySecrets);
    expect(end.error.outcome).toBe('definitely-not');
  }
  return end;
}

describe('whatever a remote answers to a read', () => {
  test.each(lists)('$name never takes less than a list for one, and accounts for all of its items', async (read) => {
    const property = fc.asyncProperty(hostileAnswer(read.valid), fc.boolean(), async (first, ends) => {
      const end = await reading(read, first, ends);
      if (!('value' in end)) return;
      const { items, dropped } = end.value as TolerantList<Record<string, unknown>>;
      const body = parsed(first.body);
      const told = isObject(body) ? body[read.list] : undefined;
      if (!Array.isArray(told)) throw new Error('a list was made from what is none');
      const { id } = read;
      if (id === undefined) {
        expect(items.length + dropped.length).toBe(told.length);
        return;
      }
      const idOf = (item: unknown) => (isObject(item) && typeof item[id] === 'string' && item[id]) || undefined;
      const known = new Set([...items.map(idOf), ...dropped.map((item) => item.id)]);
      for (const item of told) if (idOf(item) !== undefined) expect(known).toContain(idOf(item));
      expect(count(dropped)).toBeGreaterThanOrEqual(count(told.filter((item) => idOf(item) === undefined)));
      for (const { problem } of dropped) expect(problem.length).toBeLessThan(300);
    });
    await fc.assert(property, runs(30));
  });

  test.each(reads)('$name gives what was asked for or says clearly why not', async (read) => {
    await fc.assert(
      fc.asyncProperty(hostileAnswer(read.valid), async (first) => void (await reading(read, first, true))),
      runs(25),
    );
  });

  test.each(lists.filter(({ last }) => last))('$name ends where no page is the last', async (read) => {
    for (const of of ['same', 'other']) {
      const remote = hostileRemote();
      let made = 0;
      const [item] = read.valid[read.list] as Record<string, unknown>[];
      remote.answers.api = () => {
        made += 1;
        const items = [{ ...item, [read.id!]: of === 'same' ? 'x' : `x${made}` }];
        return answer(200, { [read.list]: items, next: 'http://evil.example/' });
      };
      const end = await remote.settle(() => read.call(clientsOf(remote.session)));
      expectClear(end.error);
      expect(end.error.message).toContain('do not end');
      if (of === 'same') expect(remote.calls()).toHaveLength(2);
      expect(new Set(remote.calls().map(({ url }) => url.host))).toEqual(new Set(['api.example']));
    }
  });
});

describe('whatever a remote answers to a write', () => {
  test.each(writes)('$name is done only with its proof, and not done only in words of the API', async (write) => {
    const property = fc.asyncProperty(hostileAnswer(write.valid), async (given) => {
      const remote = hostileRemote();
      let begun = 0;
      remote.answers.api = () => given;
      const end = await remote.settle(() => write.call(clientsOf(remote.session), () => void (begun += 1)));
      expectUnpolluted();
      const body = parsed(given.body);
      const refusedToken = given.status === 401 && isObject(body);
      expect(remote.calls().length).toBeLessThanOrEqual(refusedToken ? 2 : 1);
      expect(begun).toBe(remote.calls().length);
      if ('value' in end) {
        expect(isGood(given)).toBe(true);
        if (write.made === undefined) return;
        let proof: unknown = body;
        for (const member of write.made) proof = isObject(proof) ? proof[member] : undefined;
        expect(typeof proof === 'string' && proof !== '').toBe(true);
        return;
      }
      expectClear(end.error, [sentSecret, ...bodySecrets]);
      if (end.error.outcome === 'unknown') return;
      expect([given.status >= 400 && given.status < 500 && given.status !== 408, isObject(body)]).toEqual([true, true]);
    });
    await fc.assert(property, runs(30));
  });

  const foreign = [
    ['<html><head><title>403 Forbidden</title></head></html>', 'text/html'],
    ['<html>', 'application/json'],
    ['upstream connect error or disconnect/reset before headers', 'text/plain'],
    ['', 'application/json'],
    ['{}', 'application/json'],
    ['[{"message":"no"}]', 'application/json'],
    ['"no"', 'application/json'],
    ['null', 'application/json'],
    ['{"status":"error","data":null}', 'application/json'],
    ['{"badRequest":{"code":400,"message":"cut o', 'application/json'],
    ['\ufeff{"message":"no"}', 'application/json'],
  ] as const;
  test.each(foreign)('a refusal that is %j proves nothing', async (body, type) => {
    for (const write of writes) {
      for (const status of [301, 400, 401, 404, 408, 409, 413, 429, 500, 599]) {
        const remote = hostileRemote();
        remote.answers.api = () => answer(status, body, { 'content-type': type });
        const end = await remote.settle(() => write.call(clientsOf(remote.session), () => {}));
        expectClear(end.error);
        expect([write.name, status, end.error.outcome]).toEqual([write.name, status, 'unknown']);
        expect(remote.calls()).toHaveLength(1);
      }
    }
  });

  test('an answer that cannot be read never says that nothing was made', async () => {
    const creates = writes.filter(({ made }) => made !== undefined);
    const property = fc.asyncProperty(
      fc.constantFrom(...creates),
      fc.constantFrom(200, 201, 202, 204, 206, 226),
      foreignBody,
      async (write, status, body) => {
        const remote = hostileRemote();
        remote.answers.api = () => answer(status, body);
        const end = await remote.settle(() => write.call(clientsOf(remote.session), () => {}));
        expectClear(end.error);
        expect(end.error).toMatchObject({ reason: 'BadAnswer', outcome: 'unknown' });
      },
    );
    await fc.assert(property, runs(100));
  });
});

describe('an answer that has a status of failure and the body of success', () => {
  const telling = [...lists, ...writes].filter(({ valid }) =>
    bodySecrets.some((one) => JSON.stringify(valid).includes(one)),
  );
  // What the body begins with would be shown first.
  const ways: [string, (text: string) => string][] = [
    ['whole', (text) => text],
    ['cut at its end', (text) => text.slice(0, 150)],
    ['cut at its beginning', (text) => text.slice(text.indexOf('canary') + 1)],
    ['behind a prefix', (text) => `)]}'${text}`],
    ['in words', (text) => `upstream said ${text}`],
  ];
  test.each(ways)('%s, tells no secret of that body', async (_name, how) => {
    for (const { call, valid } of telling) {
      for (const status of [400, 418, 500, 502, 599]) {
        const remote = hostileRemote();
        remote.answers.api = () => answer(status, how(JSON.stringify({ aaa: bodySecrets, ...valid })));
        const end = await remote.settle(() => call(clientsOf(remote.session), () => {}));
        expectClear(end.error, ['anary-', ...bodySecrets]);
      }
    }
  });
});
