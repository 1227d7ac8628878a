import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import type { World } from '../../src/engine/kind.ts';
import { createSDPFClient } from '../../src/sdpf/client.ts';
import { passwordProblem, vcenterRegistration as kind } from '../../src/sdpf/vcenter-registration.ts';
import type { VCenter } from '../../src/sdpf/wire-vcenter.ts';
import { remoteFixture } from '../support/remote-fixture.ts';
import { answerJSON } from '../support/scripted-server.ts';
import * as samples from './sdpf-samples.ts';

const address = '169.254.127.132';
const licenseID = 'bac8b95f-77b9-439a-ac43-53566502ff3f';
const documented = { link_local_address: address, password: 'hogehoge', license_id: licenseID };
const secrets = { password: new Secret('hogehoge') };
const fence = () => undefined;

async function answering(body: unknown) {
  const fixture = await remoteFixture();
  fixture.answers.api = (_request, response) => answerJSON(response, 200, body);
  return { fixture, client: createSDPFClient(fixture.session), [Symbol.asyncDispose]: fixture[Symbol.asyncDispose] };
}

describe('the document of vCenters', () => {
  test('Register sends the body of its sample and takes its answer', async () => {
    await using setUp = await answering({ vcenter: samples.registeredVCenter });
    const effect = { client: setUp.client, spec: {}, secrets, reference: licenseID, choice: address, fence };
    const made = await kind.main.create(effect as never, { instance: '', id: '' });
    expect(made).toEqual({ id: samples.registeredVCenter.id });
    const [call] = setUp.fixture.calls();
    expect([call!.method, call!.path, JSON.parse(call!.body)]).toEqual([
      'POST',
      '/api/vcenters',
      { vcenter: documented },
    ]);
  });

  test.each([
    ['nothing but the password changed', {}, licenseID, documented],
    [
      'another address',
      { linkLocalAddress: '169.254.127.133' },
      licenseID,
      { ...documented, link_local_address: '169.254.127.133' },
    ],
    ['another licence', {}, 'other', { ...documented, license_id: 'other' }],
    ['a licence that is not known now', {}, undefined, documented],
  ])('Update sends all three fields of its sample: %s', async (_name, spec, reference, sent) => {
    await using setUp = await answering({ vcenter: samples.registeredVCenter });
    const remote = { ...samples.registeredVCenter };
    const effect = { client: setUp.client, spec, secrets, reference, fence };
    await kind.main.update!(effect as never, { instance: '', id: remote.id, remote });
    const [call] = setUp.fixture.calls();
    expect([call!.method, call!.path, JSON.parse(call!.body)]).toEqual([
      'PUT',
      `/api/vcenters/${remote.id}`,
      { vcenter: sent },
    ]);
  });

  test('List Registered vCenters and List Available IP Addresses: what is in use is not chosen', async () => {
    await using listing = await answering({ vcenters: [samples.meteredVCenter] });
    const { items } = await listing.client.listVCenters('poll');
    expect(kind.report(items[0], 0, {} as never)).toMatchObject({
      status: { linkLocalAddress: address, licenseID, version: '8.0.2.00400', instanceName: 'production-vcenter' },
      conditions: [{ status: 'False', reason: 'MeteringFailed' }],
    });
    await using offering = await answering({ addresses: samples.addresses });
    const world: World = {
      listed: () => new Map(),
      resources: () => [],
      resource: () => undefined,
      reserved: () => false,
      now: 0,
    };
    const desired = { spec: {} as never, name: 'vc' };
    expect(await kind.main.choose!(offering.client, desired as never, world)).toEqual({ choice: '169.254.127.133' });
  });
});

describe('the password of a vCenter', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_/*+,!#$%&()~|'.split('');

  test('is good exactly when it has 1 to 20 characters of the documented ones', () => {
    const near = fc.string({
      unit: fc.oneof(
        { weight: 20, arbitrary: fc.constantFrom(...alphabet) },
        fc.string({ minLength: 1, maxLength: 1 }),
      ),
      maxLength: 24,
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: 'binary' })), (text) => {
        const good = text.length >= 1 && text.length <= 20 && Array.from(text).every((one) => alphabet.includes(one));
        expect(passwordProblem(text) === undefined).toBe(good);
      }),
      { numRuns: 2000 },
    );
    // Every character by itself, so that none is forgotten or let in.
    for (let code = 0; code < 0x250; code += 1) {
      const one = String.fromCharCode(code);
      expect([one, passwordProblem(one) === undefined]).toEqual([one, alphabet.includes(one)]);
    }
  });

  test('that is not good is told in words that are the same for all of its kind', () => {
    const words = new Set(['p@ss', 'ä', 'a b', '日本', '"'].map(passwordProblem));
    expect(words.size).toBe(1);
  });
});

describe('the plan for a registration', () => {
  const word = fc.constantFrom('a', 'b', 'c');
  const remote: fc.Arbitrary<VCenter> = fc.record({
    id: fc.constant('v1'),
    link_local_address: word,
    license_id: fc.option(word, { nil: undefined }),
    metering_health: fc.option(fc.boolean(), { nil: undefined }),
    metering_health_error_type: fc.option(fc.string(), { nil: undefined }),
    version: fc.option(fc.string(), { nil: undefined }),
    instance_name: fc.option(fc.string(), { nil: undefined }),
  });
  const desired = fc.record({
    spec: fc.record({ linkLocalAddress: fc.option(word, { nil: undefined }) }),
    name: fc.constant('vc'),
    reference: fc.option(word, { nil: undefined }),
    changedSecrets: fc.constantFrom([], ['password']),
  });

  test('updates what differs and nothing else, and what it asks for is then as wanted', async () => {
    await fc.assert(
      fc.asyncProperty(desired, remote, async (wanted, before) => {
        const main = (object: VCenter) => ({
          main: { state: 'present' as const, id: 'v1', remote: object },
          parts: {},
        });
        const step = kind.plan(wanted as never, main(before));
        const { linkLocalAddress } = wanted.spec;
        const differing = [
          linkLocalAddress !== undefined && linkLocalAddress !== before.link_local_address,
          wanted.reference !== undefined && wanted.reference !== before.license_id,
          wanted.changedSecrets.length > 0,
        ].filter(Boolean).length;
        if (differing === 0) {
          expect(step).toMatchObject({ do: 'ready' });
          return;
        }
        expect(step).toMatchObject({ do: 'update', remote: 'main' });
        expect(step.do === 'update' && step.drift.length).toBe(differing);
        let after: VCenter = before;
        const client = {
          updateVCenter: (_id: string, sent: { link_local_address: string; license_id: string }) => {
            after = { ...before, link_local_address: sent.link_local_address, license_id: sent.license_id };
          },
        };
        const effect = { client, spec: wanted.spec, secrets, reference: wanted.reference, fence };
        await kind.main.update!(effect as never, { instance: '', id: 'v1', remote: before });
        expect(kind.plan({ ...wanted, changedSecrets: [] } as never, main(after))).toMatchObject({ do: 'ready' });
      }),
    );
  });
});
