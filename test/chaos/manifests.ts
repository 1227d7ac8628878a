import { randomUUID } from 'node:crypto';
import { credentialsSecret } from '../support/credentials.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import type { Dice } from '../simulation/seeded.ts';
import type { Site } from './site.ts';

/** A place for one resource: its name is used again and again. */
export interface Slot {
  kind: 'DedicatedHypervisor' | 'GuestLicense' | 'VCenterRegistration' | 'BareMetalNode';
  plural: string;
  group: string;
  namespace: string;
  name: string;
  index: number;
}

export interface Space {
  namespace: string;
  /** Is it somebody else's, too, who buys licences there? */
  shared: boolean;
  tenantID: string;
}

const kinds = {
  DedicatedHypervisor: { plural: 'dedicatedhypervisors', group: 'sdpf.freehold.dev', letters: 'dh', share: 0.4 },
  GuestLicense: { plural: 'guestlicenses', group: 'sdpf.freehold.dev', letters: 'gl', share: 0.2 },
  VCenterRegistration: { plural: 'vcenterregistrations', group: 'sdpf.freehold.dev', letters: 'vc', share: 0.1 },
  BareMetalNode: { plural: 'baremetalnodes', group: 'cloudos.freehold.dev', letters: 'bmn', share: 0.3 },
} as const;

const namespaces = ['chaos-a', 'chaos-b', 'chaos-c'] as const;

/** `count` places in all namespaces. A registration has the number of the licence that it uses, in the same namespace. */
export function slotsFor(count: number): Slot[] {
  return Object.entries(kinds).flatMap(([kind, { plural, group, letters, share }]) =>
    Array.from({ length: Math.max(3, Math.round(count * share)) }, (_, index) => ({
      kind: kind as Slot['kind'],
      plural,
      group,
      namespace: namespaces[index % namespaces.length]!,
      name: `${letters}${index}`,
      index,
    })),
  );
}

export const typeOfSlot = ({ kind, plural, group }: Slot) => ({ kind, plural, group, version: 'v1alpha1' });

const core = (kind: string, plural: string) => ({ group: '', version: 'v1', kind, plural });
const secrets = core('Secret', 'secrets');

/** Nothing that a log could hold by chance; a password of a vCenter has at most 20 characters. */
const secretText = () => randomUUID().replaceAll('-', '').slice(0, 20);

/** New values, as a person who changes passwords. */
export async function rotate({ api }: Site, dice: Dice, spaces: readonly Space[]): Promise<void> {
  const { namespace } = dice.pick(spaces);
  const [name, stringData] = dice.chance(0.5)
    ? (['vcenter', { password: secretText() }] as const)
    : (['bmc', { username: 'bmc-user', password: secretText() }] as const);
  await api.mergePatch(secrets, { namespace, name }, { stringData });
}

/**
 * Namespaces with their tenants. The first two share one SDPF tenant, in which others buy licences; the third has one of
 * its own. Nodes: one behind the gateway, two in one project of the plain Ironic, all of them in one Ironic.
 */
export async function furnish(site: Site): Promise<Space[]> {
  const { api, sandbox } = site;
  const { sdpf, cloudos } = sandbox.info;
  const here = (url: string) => sandbox.url + new URL(url).pathname;
  const second = 'bbb8749130bc3d2886d6b9bb3fcb1715';
  const keys = [0, 1].map(() => ({ apiKey: 'api-user', apiSecret: secretText() }));
  const passwords = [0, 1].map(() => secretText());
  await sandbox.control('PUT', 'credentials', { tenantID: sdpf.tenantID, ...keys[0] });
  await sandbox.control('POST', 'tenants', { tenantID: second, ...keys[1] });
  await sandbox.control('PUT', 'credentials', {
    project: cloudos.project,
    username: 'cloud-user',
    password: passwords[0],
  });
  await sandbox.control('POST', 'tenants', { project: 'blue', username: 'blue-user', password: passwords[1] });
  await sandbox.control('PATCH', 'settings', {
    addresses: Array.from({ length: 150 }, (_, index) => `169.254.127.${index + 50}`),
    buildSeconds: 20,
    deleteSeconds: 15,
    meteringSeconds: 5,
  });

  const spaces = namespaces.map((namespace, index) => ({
    namespace,
    shared: index < 2,
    tenantID: index < 2 ? sdpf.tenantID : second,
  }));
  for (const [index, { namespace, shared, tenantID }] of spaces.entries()) {
    const blue = index > 0;
    const limits = { requestsPerSecond: 20, burst: 100 };
    await api.create(core('Namespace', 'namespaces'), {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
    const objects: KubeObject[] = [
      credentialsSecret(namespace, 'sdpf', keys[index < 2 ? 0 : 1]!),
      credentialsSecret(
        namespace,
        'cloudos',
        blue ? { username: 'blue-user', password: passwords[1]! } : { username: 'cloud-user', password: passwords[0]! },
      ),
      credentialsSecret(namespace, 'vcenter', { password: secretText() }),
      credentialsSecret(namespace, 'bmc', { username: 'bmc-user', password: secretText() }),
    ];
    for (const object of objects) await api.create(secrets, object);
    await api.create({ group: 'sdpf.freehold.dev', version: 'v1alpha1', plural: 'sdpftenants', kind: 'SDPFTenant' }, {
      apiVersion: 'sdpf.freehold.dev/v1alpha1',
      kind: 'SDPFTenant',
      metadata: { namespace, name: 'sdpf' },
      spec: {
        region: sdpf.region,
        tenantID,
        authURL: here(sdpf.authURL),
        licenseBuyers: shared ? 'Shared' : 'OnlyThisOperator',
        credentialsSecretRef: { name: 'sdpf' },
        limits,
      },
    } as KubeObject);
    await api.create(
      { group: 'cloudos.freehold.dev', version: 'v1alpha1', plural: 'cloudostenants', kind: 'CloudOSTenant' },
      {
        apiVersion: 'cloudos.freehold.dev/v1alpha1',
        kind: 'CloudOSTenant',
        metadata: { namespace, name: 'cloudos' },
        spec: {
          authURL: here(cloudos.authURL),
          endpoint: here(blue ? cloudos.plainEndpoint : cloudos.endpoint),
          paths: { baremetal: blue ? '' : '/os/kinton/v1' },
          project: blue ? 'blue' : cloudos.project,
          domain: cloudos.domain,
          credentialsSecretRef: { name: 'cloudos' },
          limits,
        },
      } as KubeObject,
    );
  }
  return spaces;
}

const hex = (value: number) => value.toString(16).padStart(2, '0');

/** NICs that no other slot has. */
export function somePorts({ index }: Slot, dice: Dice): object[] {
  return [0, 1, 2]
    .filter(() => dice.chance(0.6))
    .map((nic) => ({
      macAddress: `52:54:00:${hex(index >> 8)}:${hex(index & 255)}:${hex(nic)}`,
      pxeEnabled: nic === 0,
    }));
}

/** The name of its object at the remote: nobody else's is so called. */
export const remoteName = ({ namespace, name }: Slot) => `${namespace}-${name}`;

/** A manifest for this slot. */
export function manifestFor(slot: Slot, site: Site, dice: Dice, space: Space): KubeObject {
  const { kind, group, namespace, name, index } = slot;
  const { sdpf, cloudos } = site.sandbox.info;
  const common = {
    tenantRef: { name: group === 'sdpf.freehold.dev' ? 'sdpf' : 'cloudos' },
    ...(dice.chance(0.5) && { deletionPolicy: 'Delete' }),
    ...(dice.chance(0.3) && { recreatePolicy: 'Always' }),
  };
  const uuid = sdpf.networkID;
  const nic = { uuid, segmentationID: 2001 };
  const claim = dice.pick(space.shared ? ['Unclaimed', 'Never', undefined] : [undefined]);
  const specs: Record<Slot['kind'], () => object> = {
    DedicatedHypervisor: () => ({
      name: remoteName(slot),
      description: 'made by chaos',
      imageRef: sdpf.imageRef,
      flavorRef: sdpf.flavorRef,
      networks: [nic, nic],
    }),
    GuestLicense: () => ({
      licenseType: index % 2 === 0 ? sdpf.vcenterLicenseType : sdpf.licenseType,
      ...(claim !== undefined && { claim }),
    }),
    VCenterRegistration: () => ({ licenseRef: { name: `gl${index}` }, passwordSecretRef: { name: 'vcenter' } }),
    BareMetalNode: () => ({
      name: remoteName(slot),
      driver: cloudos.driver,
      bmc: { address: `bmc-${remoteName(slot)}.example`, credentialsSecretRef: { name: 'bmc' } },
      properties: { cpus: 16, memoryMB: 65_536 },
      provisioning: dice.pick(['Enrolled', 'Manageable', 'Manageable', 'Available']),
      power: dice.pick(['Unmanaged', 'PoweredOn', 'PoweredOff']),
      ports: somePorts(slot, dice),
      ...(dice.chance(0.2) && { inspect: 'Once' }),
    }),
  };
  return {
    apiVersion: `${group}/v1alpha1`,
    kind,
    metadata: { namespace, name },
    spec: { ...common, ...specs[kind]() },
  } as KubeObject;
}
