import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { createSDPFClient } from '../../src/sdpf/client.ts';
import { expiry, guestLicense } from '../../src/sdpf/guest-license.ts';
import { remoteFixture } from '../support/remote-fixture.ts';
import { answerJSON } from '../support/scripted-server.ts';

const fence = () => undefined;
const day = 86_400_000;
const now = Date.parse('2026-06-01T00:00:00Z');

/** ECL pages, Create License and List Licenses: dates without milliseconds; the 1.0.0 page writes them with. */
const eclLicense = {
  id: '05184ba3-00ba-4fbc-b7a2-03b62b884931',
  key: '4fbc-b7a2-03b62b884931aaaaaaaaa',
  assigned_from: '2016-06-01T00:00:00Z',
  expires_at: '2016-07-01T00:00:00Z',
  license_type: 'vCenter Server 5.5 Standard',
};
const read = { ...eclLicense, key: expect.any(Secret) as Secret };

async function answering(status: number, body: unknown) {
  const fixture = await remoteFixture();
  fixture.answers.api = (_request, response) => answerJSON(response, status, body);
  return { fixture, client: createSDPFClient(fixture.session), [Symbol.asyncDispose]: fixture[Symbol.asyncDispose] };
}

describe('the older pages about licences', () => {
  // The page says 200 in its header, 202 in its table, and 201 is what a create usually answers.
  test.each([200, 201, 202])(
    'Create License sends the body of the sample and takes its answer with %i',
    async (status) => {
      await using setUp = await answering(status, { license: eclLicense });
      const wanted = { licenseType: 'vCenter Server 5.5 Standard' };
      const effect = { client: setUp.client, spec: wanted, fence };
      expect(await guestLicense.main.create(effect as never, { instance: '', id: '' })).toEqual({ id: eclLicense.id });
      const [call] = setUp.fixture.calls();
      expect([call!.method, call!.path]).toEqual(['POST', '/api/licenses']);
      expect(JSON.parse(call!.body)).toEqual({ license_type: 'vCenter Server 5.5 Standard' });
    },
  );

  test('List Licenses understands the sample, and a key without an end', async () => {
    const second = { ...eclLicense, id: '05184ba3-00ba-4fbc-b7a2-03b62b884932', expires_at: null };
    await using setUp = await answering(200, { licenses: [eclLicense, second] });
    const { items, dropped } = await setUp.client.listLicenses('poll');
    expect(items).toEqual([read, { ...read, id: second.id, expires_at: undefined }]);
    expect(dropped).toEqual([]);
    expect(items[0]!.key!.reveal()).toBe(eclLicense.key);
    expect(guestLicense.report(items[0], Date.parse('2016-06-20T00:00:00Z'), {} as never)).toMatchObject({
      status: { licenseType: eclLicense.license_type, assignedAt: '2016-06-01T00:00:00Z' },
      conditions: [{ type: 'Expiring', status: 'True', reason: 'ExpiresInThirtyDays', warn: true }],
    });
  });
});

describe('the end of a licence, at any time', () => {
  const moment = fc.integer({ min: -400, max: 400 }).chain((days) =>
    // Near a turn as well as anywhere.
    fc.oneof(fc.constantFrom(-1, 0, 1), fc.integer({ min: -day, max: day })).map((rest) => days * day + rest),
  );
  const reasonOf = (left: number) =>
    left <= 0
      ? 'Expired'
      : left <= day
        ? 'ExpiresInOneDay'
        : left <= 7 * day
          ? 'ExpiresInSevenDays'
          : left <= 30 * day
            ? 'ExpiresInThirtyDays'
            : 'NotExpiring';

  test('is told by how much is left, and warns exactly while it is near', () => {
    fc.assert(
      fc.property(moment, (left) => {
        const { claim } = expiry(new Date(now + left).toISOString(), now);
        const reason = reasonOf(left);
        expect([claim.reason, claim.status, claim.warn ?? false]).toEqual([
          reason,
          reason === 'NotExpiring' ? 'False' : 'True',
          reason !== 'NotExpiring',
        ]);
        expect(claim.message).toContain(new Date(now + left).toISOString());
      }),
    );
  });

  test('asks to be looked at when it changes and not before: nothing differs until then, and something does then', () => {
    fc.assert(
      fc.property(moment, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (left, part) => {
        const end = new Date(now + left).toISOString();
        const { claim, next } = expiry(end, now);
        if (next === undefined) {
          expect(claim.reason).toBe('Expired');
          return;
        }
        expect(next).toBeGreaterThan(0);
        expect(expiry(end, now + Math.floor(next * part)).claim.reason).toBe(claim.reason);
        expect(expiry(end, now + next + 1).claim.reason).not.toBe(claim.reason);
      }),
    );
  });

  test('of any text never fails', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { claim, next } = expiry(text, now);
        expect(claim.type).toBe('Expiring');
        if (Number.isNaN(Date.parse(text))) expect([claim.status, next]).toEqual(['Unknown', undefined]);
      }),
    );
  });
});
