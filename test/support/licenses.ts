import { typeOf } from '../../src/engine/kind.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { guestLicense } from '../../src/sdpf/guest-license.ts';
import type { LoggedCall, Scenario } from './scenario.ts';
import { conditionOf, passUntil } from './servers.ts';
import { until } from './wait.ts';

/** A GuestLicense of the sandbox's type with a key that suits a vCenter. */
export const license = (s: Scenario, name: string, spec: object = {}) => ({
  apiVersion: 'sdpf.freehold.dev/v1alpha1',
  kind: 'GuestLicense',
  metadata: { name },
  spec: { tenantRef: { name: 'tenant' }, licenseType: s.sandbox.info.sdpf.vcenterLicenseType, ...spec },
});

/** A VCenterRegistration with the password of {@link password}. */
export const registration = (name: string, spec: object = {}) => ({
  apiVersion: 'sdpf.freehold.dev/v1alpha1',
  kind: 'VCenterRegistration',
  metadata: { name },
  spec: { tenantRef: { name: 'tenant' }, passwordSecretRef: { name: 'vc-password' }, ...spec },
});

/** The Secret with a vCenter's password. */
export const password = (value = 'abc-123') => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'vc-password' },
  type: 'freehold.dev/credentials',
  stringData: { password: value },
});

/** One entry of the sandbox's ledger. */
export interface BoughtLicense {
  id: string;
  licenseType: string;
  deletedAt?: string;
  createdByCall: number | null;
}

const licenses = typeOf(guestLicense);

/** Every licence that was ever on the books, dead or alive. */
export const bought = async (s: Scenario): Promise<BoughtLicense[]> =>
  (await s.sandbox.control<{ licenses: BoughtLicense[] }>('GET', 'ledger')).licenses;

/** The POSTs so far. */
export const posts = (s: Scenario): Promise<LoggedCall[]> => s.sandbox.calls('CreateLicense');

/** A licence that somebody buys in the portal; it and its key. */
export const elsewhere = (s: Scenario, fields: object = {}): Promise<{ id: string; key: string }> =>
  s.sandbox.control('POST', 'licenses', { license_type: s.sandbox.info.sdpf.vcenterLicenseType, ...fields });

/** What the platform says the key of a licence is. */
export async function keyAtRemote(s: Scenario, id: string): Promise<string> {
  return (await s.sandbox.control<{ key: string }>('PATCH', `licenses/${id}`, {})).key;
}

/** As a merge of the manifest of a GuestLicense; null removes. */
export function changeLicense(
  s: Scenario,
  name: string,
  { spec, annotations }: { spec?: object; annotations?: Record<string, string | null> },
): Promise<Resource> {
  const patch = { ...(spec && { spec }), ...(annotations && { metadata: { annotations } }) };
  return s.api.mergePatch<Resource>(licenses, { namespace: s.namespace, name }, patch);
}

/** Moves the clock on until the GuestLicense's Ready has that reason. */
export async function passUntilLicense(
  s: Scenario,
  name: string,
  reason: string,
  most = 20 * 60_000,
): Promise<Resource> {
  let last: Resource | undefined;
  const ready = async () => {
    last = await s.get('gl', name);
    const condition = conditionOf(last, 'Ready');
    return condition?.observedGeneration === last?.metadata.generation ? condition : undefined;
  };
  const holds = async () => (await ready())?.reason === reason;
  // The first word about this spec needs no time to pass; a jump before it would only cut the calls that lead to it.
  await until(`${name} is judged`, async () => (await ready()) !== undefined, 30_000);
  await passUntil(s, `${name} is ${reason}`, holds, most, 60_000).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${JSON.stringify(last?.status, undefined, 1)}`);
  });
  return last!;
}
