import { bareMetalNode } from './cloudos/bare-metal-node.ts';
import { cloudOSTenant } from './cloudos/tenant.ts';
import type { CrdDefinition } from './engine/crd.ts';
import type { Kind } from './engine/kind.ts';
import type { TenantKind } from './engine/tenant.ts';
import { dedicatedHypervisor } from './sdpf/dedicated-hypervisor.ts';
import { guestLicense } from './sdpf/guest-license.ts';
import { sdpfTenant } from './sdpf/tenant.ts';
import { vcenterRegistration } from './sdpf/vcenter-registration.ts';

/** A new kind is one line here. */
export const remoteKinds: readonly Kind[] = [dedicatedHypervisor, guestLicense, vcenterRegistration, bareMetalNode];

export const tenantKinds: readonly TenantKind[] = [sdpfTenant, cloudOSTenant];

export const kinds: readonly CrdDefinition[] = [...tenantKinds, ...remoteKinds];
