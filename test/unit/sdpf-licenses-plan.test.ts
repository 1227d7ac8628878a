import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import type { Observation, World } from '../../src/engine/kind.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { type Reason, reasons } from '../../src/engine/reasons.ts';
import { expiry, guestLicense } from '../../src/sdpf/guest-license.ts';
import { vcenterRegistration } from '../../src/sdpf/vcenter-registration.ts';
import type { License } from '../../src/sdpf/wire-license.ts';
import type { VCenter } from '../../src/sdpf/wire-vcenter.ts';

const now = Date.parse('2026-06-01T00:00:00Z');
const day = 86_400_000;
const common = { tenantRef: { name: 't' }, managementPolicy: 'Manage' as const, deletionPolicy: 'Delete' as const };
const canary = 'canary-key';

const license = (more: Partial<License> = {}): License => ({
  id: 'l1',
  key: new Secret(canary),
  license_type: 'vCenter 8',
  assigned_from: undefined,
  expires_at: undefined,
  ...more,
});
const vcenter = (more: Partial<VCenter> = {}): VCenter => ({
  id: 'v1',
  link_local_address: '169.254.1.1',
  license_id: 'l1',
  metering_health: undefined,
  metering_health_error_type: undefined,
  version: undefined,
  instance_name: undefined,
  ...more,
});

function resource(kind: string, name: string, spec: object, status: Resource['status'] = {}): Resource {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'shop' }, spec: { ...common, ...spec }, status };
}

/** What there is besides: vCenters (undefined: not listed yet), resources of the namespace, addresses of others. */
function world(vcenters: VCenter[] | undefined, resources: Resource[] = [], reserved: string[] = []): World {
  return {
    listed: (name) => (name === 'vcenters' && vcenters ? new Map(vcenters.map((item) => [item.id, item])) : undefined),
    resources: (kind) => resources.filter((item) => item.kind === kind),
    resource: (kind, name) => resources.find((item) => item.kind === kind && item.metadata.name === name),
    reserved: (choice) => reserved.includes(choice),
    now,
  };
}

describe('the end of a licence', () => {
  const at = (milliseconds: number) => expiry(new Date(now + milliseconds).toISOString(), now);

  test.each([
    [30 * day + 1000, 'False', 'NotExpiring', 1000],
    [30 * day, 'True', 'ExpiresInThirtyDays', 23 * day],
    [7 * day + 1000, 'True', 'ExpiresInThirtyDays', 1000],
    [7 * day, 'True', 'ExpiresInSevenDays', 6 * day],
    [day + 1000, 'True', 'ExpiresInSevenDays', 1000],
    [day, 'True', 'ExpiresInOneDay', day],
    [1000, 'True', 'ExpiresInOneDay', 1000],
    [0, 'True', 'Expired', undefined],
    [-400 * day, 'True', 'Expired', undefined],
  ])('in %d ms: Expiring %s, %s, to be looked at again in %s ms', (left, status, reason, next) => {
    const { claim, next: again } = at(left);
    expect([claim.status, claim.reason, again]).toEqual([status, reason, next]);
    expect(claim.warn ?? false).toBe(status === 'True');
  });

  test('is none where the remote names none, and unknown where it cannot be read', () => {
    expect(expiry(undefined, now).claim).toMatchObject({ status: 'False', reason: 'NeverExpires' });
    expect(expiry('next summer', now).claim).toMatchObject({ status: 'Unknown', reason: 'NotReported' });
  });
});

describe('a licence', () => {
  const planRemoval = (beside: World, of = license()) =>
    guestLicense.planRemoval({ main: of, parts: {}, name: 'vc' }, beside);

  test('is bought once nothing is there, and is well once it is', () => {
    const plan = (main: Observation<unknown>) =>
      guestLicense.plan({ spec: { ...common }, name: 'vc' }, { main, parts: {} });
    expect(plan({ state: 'absent' })).toEqual({ do: 'create', remote: 'main' });
    expect(plan({ state: 'present', id: 'l1', remote: license() })).toMatchObject({ do: 'ready' });
  });

  test('is removed only when no registered vCenter and no resource uses it', () => {
    expect(planRemoval(world([]))).toEqual({ do: 'remove', remote: 'main' });
    expect(planRemoval(world([vcenter({ license_id: 'l2' })]))).toEqual({ do: 'remove', remote: 'main' });
    expect(planRemoval(world([vcenter()]))).toMatchObject({ do: 'wait', reason: 'InUse' });
    for (const spec of [{ licenseRef: { name: 'vc' } }, { licenseID: 'l1' }]) {
      const user = resource('VCenterRegistration', 'main', spec);
      expect(planRemoval(world([], [user]))).toMatchObject({ do: 'wait', reason: 'InUse' });
    }
    const stranger = resource('VCenterRegistration', 'main', { licenseRef: { name: 'other' } });
    expect(planRemoval(world([], [stranger]))).toEqual({ do: 'remove', remote: 'main' });
  });

  test('is not removed before the list of vCenters is there', () => {
    expect(planRemoval(world(undefined))).toMatchObject({ do: 'wait', reason: 'Listing' });
  });

  test('is stock only when the list of vCenters shows that none uses it', () => {
    const { identity } = guestLicense.main;
    if (identity.level !== 'none') throw new Error('a licence carries nothing');
    expect(identity.spare('l1', world([vcenter({ license_id: 'l2' })]))).toBe(true);
    expect(identity.spare('l1', world([vcenter()]))).toBe(false);
  });

  test('of a type that is not offered with a key is refused before anything is sent', () => {
    const validate = (licenseType: string, facts: object) =>
      guestLicense.validate!({ spec: { ...common, licenseType } as never, name: 'vc' }, facts as never);
    const licenseTypes = [
      { name: 'vCenter 8', hasLicenseKey: true },
      { name: 'Windows', hasLicenseKey: false },
    ];
    expect(validate('vCenter 8', { licenseTypes })).toBeUndefined();
    expect(validate('Windows', { licenseTypes })).toContain('offered: vCenter 8');
    expect(validate('vcenter 8', { licenseTypes })).toBeDefined();
    // Nothing is known yet: the remote is the judge.
    expect(validate('Windows', {})).toBeUndefined();
  });

  test('shows its type and its end, and never its key', () => {
    const shown = guestLicense.report(license({ expires_at: new Date(now + 3 * day).toISOString() }), now, {} as never);
    expect(shown.status).toMatchObject({ licenseType: 'vCenter 8' });
    expect(shown.changesIn).toBe(2 * day);
    expect(JSON.stringify(shown)).not.toContain(canary);
    expect(guestLicense.output!({ spec: { ...common }, name: 'vc' }, license())).toMatchObject({
      name: 'vc-license',
      key: 'licenseKey',
    });
  });
});

describe('a vCenter registration', () => {
  const spec = { ...common, passwordSecretRef: { name: 'p', key: 'password' } };
  const plan = (desired: object, main: Observation<unknown>) =>
    vcenterRegistration.plan({ spec, name: 'vc', ...desired }, { main, parts: {} });
  const seen = (remote: VCenter): Observation<unknown> => ({ state: 'present', id: remote.id, remote });

  test('is sent again only when address, licence or password differ', () => {
    const same = { reference: 'l1', changedSecrets: [] };
    expect(plan(same, { state: 'absent' })).toEqual({ do: 'create', remote: 'main' });
    expect(plan(same, seen(vcenter()))).toMatchObject({ do: 'ready' });
    // Without a wish, any address is right.
    expect(plan(same, seen(vcenter({ link_local_address: '169.254.9.9' })))).toMatchObject({ do: 'ready' });
    const address = { ...same, spec: { ...spec, linkLocalAddress: '169.254.1.2' } };
    expect(plan(address, seen(vcenter()))).toMatchObject({ do: 'update' });
    expect(plan({ ...same, reference: 'l2' }, seen(vcenter()))).toMatchObject({ do: 'update' });
    expect(plan({ ...same, changedSecrets: ['password'] }, seen(vcenter()))).toMatchObject({ do: 'update' });
  });

  describe('looks for its licence, which', () => {
    const ask = (wanted: object, beside: World) => vcenterRegistration.reference!({ ...spec, ...wanted }, beside);
    const ready = [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: '',
        observedGeneration: 1,
        lastTransitionTime: '2026-01-01T00:00:00Z',
      } as const,
    ];

    test('must be there and Ready', () => {
      const named = { licenseRef: { name: 'vc' } };
      expect(ask(named, world([]))).toMatchObject({ reason: 'LicenseNotReady' });
      const waiting = resource('GuestLicense', 'vc', {}, { externalID: 'l1' });
      expect(ask(named, world([], [waiting]))).toMatchObject({ reason: 'LicenseNotReady' });
      const unknown = resource('GuestLicense', 'vc', {}, { conditions: ready });
      expect(ask(named, world([], [unknown]))).toMatchObject({ reason: 'LicenseNotReady' });
      const there = resource('GuestLicense', 'vc', {}, { externalID: 'l1', conditions: ready });
      expect(ask(named, world([], [there]))).toEqual({ value: 'l1' });
    });

    test('may ask something of a person, which is said here, too', () => {
      const wait = (reason: Reason, status: 'True' | 'False') => {
        const conditions = [
          { ...ready[0]!, status: 'False' as const },
          { ...ready[0]!, type: 'Stalled', status, reason },
        ];
        const license = resource('GuestLicense', 'gl', {}, { conditions });
        return ask({ licenseRef: { name: 'gl' } }, world([], [license]));
      };
      expect(wait('InvalidSpec', 'True')).toEqual({
        reason: 'LicenseNotReady',
        message: 'waiting for GuestLicense gl to be Ready; it is stalled (InvalidSpec): its message says what to do',
      });
      const passes = { reason: 'LicenseNotReady', message: 'waiting for GuestLicense gl to be Ready' };
      expect(wait('InvalidSpec', 'False')).toEqual(passes);
    });

    test('may be named by its ID', () => {
      expect(ask({ licenseID: 'l7' }, world([]))).toEqual({ value: 'l7' });
    });
  });

  describe('chooses an address', () => {
    const offered = ['169.254.1.1', '169.254.1.2', '169.254.1.3'];
    const choose = (wish: string | undefined, beside: World, used: string[] = []) => {
      const items = offered.map((address) => ({ address, in_use: used.includes(address) }));
      const client = { listVCenterAddresses: () => Promise.resolve({ items, dropped: [] }) };
      const wanted = { ...spec, ...(wish !== undefined && { linkLocalAddress: wish }) };
      return vcenterRegistration.main.choose!(client, { spec: wanted, name: 'vc' }, beside);
    };

    test('that is neither in use nor about to be used by another resource', async () => {
      expect(await choose(undefined, world([]))).toEqual({ choice: '169.254.1.1' });
      expect(await choose(undefined, world([], [], ['169.254.1.1']))).toEqual({ choice: '169.254.1.2' });
      expect(await choose(undefined, world([], [], ['169.254.1.1']), ['169.254.1.2'])).toEqual({
        choice: '169.254.1.3',
      });
      expect(await choose(undefined, world([]), offered)).toMatchObject({ reason: 'NoFreeAddress' });
    });

    test('as the spec names it, or says who has it', async () => {
      expect(await choose('169.254.1.2', world([]))).toEqual({ choice: '169.254.1.2' });
      const taken = await choose('169.254.1.1', world([vcenter({ license_id: 'l9' })]));
      expect(taken).toMatchObject({ reason: 'AddressTaken', message: expect.stringContaining('v1') });
      expect(taken).toMatchObject({ message: expect.stringContaining('l9') });
      expect(await choose('169.254.1.1', world([]), ['169.254.1.1'])).toMatchObject({ reason: 'AddressTaken' });
      expect(await choose('169.254.8.8', world([]))).toMatchObject({ reason: 'InvalidSpec' });
    });
  });

  test('says whether the platform meters it; not yet is not the same as not', () => {
    const told = (more: Partial<VCenter>) => {
      const [{ status, reason, warn = false, message } = { message: '' } as never] = vcenterRegistration.report(
        vcenter(more),
        now,
        {} as never,
      ).conditions;
      expect(reasons).toHaveProperty(reason);
      return [status, reason, warn, message.includes('CONNECTION_ERROR')];
    };
    expect(told({})).toEqual(['Unknown', 'NotReported', false, false]);
    expect(told({ metering_health: true })).toEqual(['True', 'Metered', false, false]);
    expect(told({ metering_health: false, metering_health_error_type: 'CONNECTION_ERROR' })).toEqual([
      'False',
      'MeteringFailed',
      true,
      true,
    ]);
  });
});
