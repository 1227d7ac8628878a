import { expect, test } from 'vitest';
import type { Resource } from '../../src/engine/resource.ts';
import { createUsers } from '../../src/engine/users.ts';
import { guestLicense } from '../../src/sdpf/guest-license.ts';
import { vcenterRegistration } from '../../src/sdpf/vcenter-registration.ts';

const registration = (license: string | undefined): Resource =>
  ({
    metadata: { namespace: 'shop', name: 'vc' },
    spec: { tenantRef: { name: 'sdpf' }, ...(license === undefined ? {} : { licenseRef: { name: license } }) },
  }) as unknown as Resource;

test('whoever names a resource is known by its name, until it names another one or is gone', () => {
  const users = createUsers();
  const who = () =>
    ['SDPFTenant/shop/sdpf', 'GuestLicense/shop/one', 'GuestLicense/shop/two', 'GuestLicense/lab/one'].map((name) => [
      ...users.of(name),
    ]);
  users.update('VC', registration('one'), vcenterRegistration);
  users.update('GL', { ...registration(undefined) }, guestLicense);
  expect(who()).toEqual([['VC', 'GL'], ['VC'], [], []]);
  users.update('VC', registration('two'), vcenterRegistration);
  expect(who()).toEqual([['GL', 'VC'], [], ['VC'], []]);
  users.update('VC', undefined, vcenterRegistration);
  expect(who()).toEqual([['GL'], [], [], []]);
});
