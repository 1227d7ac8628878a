import type { KubeObject, ResourceType } from '../src/kube/types.ts';
import type { SandboxInfo } from '../src/sandbox/sandbox.ts';
import { kindNames, type KindName } from './scenario.ts';

export const namespace = 'bench';
export const password = 'not-a-real-one';

const core = (kind: string, plural: string): ResourceType => ({ group: '', version: 'v1', kind, plural });
export const secretType = core('Secret', 'secrets');
export const namespaceType = core('Namespace', 'namespaces');

const ours = (group: string, kind: string): ResourceType => ({
  group: `${group}.freehold.dev`,
  version: 'v1alpha1',
  kind,
  plural: `${kind.toLowerCase()}s`,
});

export const types: Record<KindName | 'SDPFTenant' | 'CloudOSTenant', ResourceType> = {
  DedicatedHypervisor: ours('sdpf', 'DedicatedHypervisor'),
  GuestLicense: ours('sdpf', 'GuestLicense'),
  VCenterRegistration: ours('sdpf', 'VCenterRegistration'),
  BareMetalNode: ours('cloudos', 'BareMetalNode'),
  SDPFTenant: ours('sdpf', 'SDPFTenant'),
  CloudOSTenant: ours('cloudos', 'CloudOSTenant'),
};

/** Names begin with these, so that a Secret tells for whom it is. */
export const letters: Record<KindName, string> = {
  DedicatedHypervisor: 'dh',
  GuestLicense: 'gl',
  VCenterRegistration: 'vc',
  BareMetalNode: 'bmn',
};

export const nameOf = (kind: KindName, index: number) => `${letters[kind]}-${String(index).padStart(5, '0')}`;

export function manifest(type: ResourceType, name: string, rest: object): KubeObject {
  const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
  return { apiVersion, kind: type.kind, metadata: { namespace, name }, ...rest };
}

export const credentials = (name: string, stringData: Record<string, string>) =>
  manifest(secretType, name, { type: 'freehold.dev/credentials', stringData });

export interface Wanted {
  kind: KindName;
  index: number;
}

/** `n` resources: a quarter of each kind, or all of one. */
export function wantedOf(n: number, kind?: KindName): Wanted[] {
  if (kind) return Array.from({ length: n }, (_, index) => ({ kind, index }));
  return Array.from({ length: n }, (_, at) => ({ kind: kindNames[at % 4]!, index: Math.floor(at / 4) }));
}

export const macOf = (index: number) =>
  `52:54:${[24, 16, 8, 0].map((shift) => ((index >> shift) & 255).toString(16).padStart(2, '0')).join(':')}`;

/** Link-local addresses for as many vCenters, and a tenth more. */
export const addresses = (count: number) =>
  Array.from(
    { length: Math.ceil(count * 1.1) },
    (_, index) => `169.254.${1 + Math.floor(index / 250)}.${(index % 250) + 1}`,
  );

/** The resource as a user would write it; `more` is laid over its spec. */
export function resource({ kind, index }: Wanted, tenant: string, info: SandboxInfo, more: object = {}): KubeObject {
  const { sdpf, cloudos } = info;
  const name = nameOf(kind, index);
  const nic = { uuid: sdpf.networkID, segmentationID: 2001 };
  const specs: Record<KindName, () => object> = {
    DedicatedHypervisor: () => ({
      name,
      description: 'made by the benchmark',
      imageRef: sdpf.imageRef,
      flavorRef: sdpf.flavorRef,
      networks: [nic, nic],
    }),
    GuestLicense: () => ({ licenseType: sdpf.vcenterLicenseType }),
    VCenterRegistration: () => ({
      licenseRef: { name: nameOf('GuestLicense', index) },
      passwordSecretRef: { name: 'vcenter' },
    }),
    BareMetalNode: () => ({
      name,
      driver: cloudos.driver,
      bmc: { address: `${name}.example`, credentialsSecretRef: { name: 'bmc' } },
      properties: { cpus: 16, memoryMB: 65_536 },
      ports: [{ macAddress: macOf(index) }],
      provisioning: 'Available',
    }),
  };
  return manifest(types[kind], name, { spec: { tenantRef: { name: tenant }, ...specs[kind](), ...more } });
}
