import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { KubeObject, ResourceType } from '../../src/kube/types.ts';
import { kinds } from '../../src/kinds.ts';
import { typeOf } from '../../src/engine/kind.ts';
import type { SandboxInfo } from '../../src/sandbox/sandbox.ts';
import { credentialsSecret } from '../support/credentials.ts';
import type { History, Planned } from './history.ts';

/** As they are installed. */
export const crds = readdirSync(path.resolve(import.meta.dirname, '../../crds'))
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => parse(readFileSync(path.resolve(import.meta.dirname, '../../crds', file), 'utf8')) as object);

/** What people have in Git. */
export interface Manifest extends KubeObject {
  spec?: Record<string, unknown>;
  type?: string;
  stringData?: Record<string, string>;
}

export const secrets: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const types = new Map(kinds.map((kind) => [kind.names.kind, typeOf(kind)]));
types.set('Secret', secrets);

export const typeNamed = (kind: string): ResourceType => types.get(kind)!;

/** Texts that must stand in no output: they are passwords of this history. */
export const passwords = {
  bmc: 'canary-bmc-password',
  vcenter: 'canary-vcenter-pw',
  person: 'canary-of-a-person',
};

/** Credentials and tenants, in every namespace that has resources: two of them name one remote tenant. */
export function tenantsOf(history: History, info: SandboxInfo): Manifest[] {
  const namespaces = [...new Set(history.resources.map(({ namespace }) => namespace))];
  const { sdpf, cloudos } = info;
  // Twice the default: half the calls, and more of them count.
  const pollInterval = 120;
  const limits = { requestsPerSecond: 20, burst: 40 };
  return namespaces.flatMap((namespace) => [
    credentialsSecret(namespace, 'sdpf-credentials', { apiKey: sdpf.apiKey, apiSecret: sdpf.apiSecret }),
    credentialsSecret(namespace, 'cloud-credentials', { username: cloudos.username, password: cloudos.password }),
    credentialsSecret(namespace, 'bmc', { username: 'admin', password: passwords.bmc }),
    credentialsSecret(namespace, 'vcenter', { password: passwords.vcenter }),
    {
      apiVersion: 'sdpf.freehold.dev/v1alpha1',
      kind: 'SDPFTenant',
      metadata: { namespace, name: 'sdpf' },
      spec: {
        region: sdpf.region,
        tenantID: sdpf.tenantID,
        authURL: sdpf.authURL,
        endpoint: sdpf.endpoint,
        credentialsSecretRef: { name: 'sdpf-credentials' },
        licenseBuyers: history.licenseBuyers,
        pollInterval,
        limits,
      },
    },
    {
      apiVersion: 'cloudos.freehold.dev/v1alpha1',
      kind: 'CloudOSTenant',
      metadata: { namespace, name: 'cloud' },
      spec: {
        authURL: cloudos.authURL,
        project: cloudos.project,
        domain: cloudos.domain,
        endpoint: history.cloud === 'gateway' ? cloudos.endpoint : cloudos.plainEndpoint,
        ...(history.cloud === 'ironic' && { paths: { baremetal: '' } }),
        credentialsSecretRef: { name: 'cloud-credentials' },
        pollInterval,
        limits,
      },
    },
  ]);
}

/** A Secret that somebody made for themselves. */
export const personSecret = (namespace: string, name: string) =>
  credentialsSecret(namespace, name, { password: passwords.person, licenseKey: passwords.person });

/** The manifest of one resource, with what its remote needs to be told. `externalID`: it names an object that is there. */
export function manifestOf(planned: Planned, info: SandboxInfo, externalID: string | undefined): Manifest {
  const { kind, namespace, name } = planned;
  const { sdpf, cloudos } = info;
  const group = kind === 'BareMetalNode' ? 'cloudos.freehold.dev' : 'sdpf.freehold.dev';
  const base: Manifest = {
    apiVersion: `${group}/v1alpha1`,
    kind,
    metadata: { namespace, name, ...(planned.annotations && { annotations: { ...planned.annotations } }) },
  };
  const tenantRef = { name: kind === 'BareMetalNode' ? 'cloud' : 'sdpf' };
  const { type, unnamed, ...spec } = planned.spec;
  // Whoever names what is there says nothing of how it is bought.
  if (externalID !== undefined) return { ...base, spec: { tenantRef, ...spec, externalID } };
  switch (kind) {
    case 'DedicatedHypervisor': {
      const networks = [
        { uuid: sdpf.networkID, segmentationID: 2001 },
        { uuid: sdpf.networkID, segmentationID: 2001 },
      ];
      return { ...base, spec: { tenantRef, imageRef: sdpf.imageRef, flavorRef: sdpf.flavorRef, networks, ...spec } };
    }
    case 'GuestLicense':
      return { ...base, spec: { tenantRef, licenseType: licenseTypeOf(String(type), info), ...spec } };
    case 'VCenterRegistration':
      return { ...base, spec: { tenantRef, passwordSecretRef: { name: 'vcenter' }, ...spec } };
    case 'BareMetalNode': {
      const bmc = { address: `${name}.bmc.example`, credentialsSecretRef: { name: 'bmc' } };
      return { ...base, spec: { tenantRef, ...(unnamed !== true && { name }), driver: cloudos.driver, bmc, ...spec } };
    }
  }
}

export const licenseTypeOf = (type: string, { sdpf }: SandboxInfo) =>
  type === 'first' ? sdpf.licenseType : sdpf.vcenterLicenseType;
