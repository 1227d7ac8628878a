import type * as z from 'zod';
import { Secret } from '../base/secret.ts';
import type { Claim } from '../engine/conditions.ts';
import { defineKind, type Kind, type Step } from '../engine/kind.ts';
import { withoutMarker } from '../engine/owner.ts';
import { commonColumns, commonRules, immutableOnceRecorded, requiredUnlessAdopted } from '../engine/schema.ts';
import { RemoteError } from '../remote/errors.ts';
import type { SDPFClient } from './client.ts';
import { type network, noun, spec, status } from './dedicated-hypervisor-schema.ts';
import type { Server, ServerNetwork } from './wire-server.ts';

type Spec = z.output<typeof spec>;

/** Seed 000, Show Server: idle is the string "None", not null. */
const idle = (server: Server) => {
  const task = server.baremetal_server?.['OS-EXT-STS:task_state'];
  return task === undefined || task === 'None' || task === '';
};

const deleting = (server: Server) => server.baremetal_server?.['OS-EXT-STS:task_state']?.toUpperCase() === 'DELETING';

/** The name as the resource wants it. An adopted server keeps its own (its host name) unless one is written. */
const nameOf = ({ spec: { name, externalID }, name: own }: { spec: Spec; name: string }) =>
  name ?? (externalID === undefined ? own : undefined);

function plan(desired: { spec: Spec; name: string }, server: Server): Step {
  const state = server.status.toUpperCase();
  if (state === 'ERROR') {
    return {
      do: 'blocked',
      reason: 'RemoteError',
      message: `server ${server.id} is in status ERROR; it is never rebuilt by itself. Ask NTT support, or delete this resource with deletionPolicy: Delete and create another one`,
    };
  }
  if (deleting(server))
    return {
      do: 'wait',
      reason: 'Deleting',
      message: `server ${server.id} is being deleted, and not by this resource`,
    };
  if (state === 'BUILD')
    return {
      do: 'wait',
      reason: 'Building',
      message: `server ${server.id} is being built (status BUILD); it may take up to an hour`,
    };
  if (state !== 'ACTIVE')
    return {
      do: 'wait',
      reason: 'UnknownState',
      message: `server ${server.id} is in status ${server.status}, which this version does not know; waiting for ACTIVE`,
    };
  if (!idle(server)) {
    return {
      do: 'wait',
      reason: 'InProgress',
      message: `the machine of server ${server.id} is ${server.baremetal_server?.['OS-EXT-STS:task_state']}; waiting until it is idle`,
    };
  }
  const name = nameOf(desired);
  if (name !== undefined && server.name !== name)
    return { do: 'update', remote: 'main', drift: [`name: wanted "${name}", is "${server.name}"`] };
  return { do: 'ready', message: `server ${server.id} is ACTIVE` };
}

/** Everything that the remote cannot change; what is not given is not compared. */
function differences({ spec: wanted }: { spec: Spec }, server: Server): string[] {
  const machine = server.baremetal_server;
  const last = (ref: string) => ref.replace(/\/+$/, '').split('/').at(-1);
  const differs: string[] = [];
  const compare = (field: string, want: string | undefined, is: string | undefined) => {
    if (want !== undefined && is !== undefined && want !== is) differs.push(`${field}: wanted "${want}", is "${is}"`);
  };
  // Seed 000, Show Server: imageRef is not baremetal_server.image.id; flavor and zone stand only below baremetal_server.
  compare('imageRef', wanted.imageRef && last(wanted.imageRef), server.imageRef && last(server.imageRef));
  compare('flavorRef', wanted.flavorRef && last(wanted.flavorRef), machine?.flavor?.id);
  compare('availabilityZone', wanted.availabilityZone, machine?.['OS-EXT-AZ:availability_zone']);
  if (wanted.description !== undefined && server.description !== undefined)
    compare('description', wanted.description, withoutMarker(server.description));
  // Metadata may not stick at all (a known issue of the service); only a value that is there and differs is a difference.
  const kept = new Map(Object.entries(machine?.metadata ?? {}));
  for (const [key, value] of Object.entries(wanted.metadata ?? {})) compare(`metadata.${key}`, value, kept.get(key));
  return differs;
}

function report(server: Server): { status: Record<string, unknown>; conditions: Claim[] } {
  const machine = server.baremetal_server;
  const chassis = machine?.['chassis-status'];
  const connected = server.cfgw_connection_status;
  return {
    status: {
      state: server.status,
      taskState: idle(server) ? undefined : machine?.['OS-EXT-STS:task_state'],
      powerState: machine?.['OS-EXT-STS:power_state'],
      name: server.name,
      hypervisorType: server.hypervisor_type,
      imageName: server.image_name,
      availabilityZone: machine?.['OS-EXT-AZ:availability_zone'],
      cfgwConnected: connected,
      chassis: chassis && Object.fromEntries(Object.entries(chassis).map(([part, value]) => [part, String(value)])),
      nics: machine?.nic_physical_ports?.map((port) => ({
        macAddress: (port.mac_addr ?? '').toLowerCase(),
        ...(port.plane !== undefined && { plane: port.plane.toLowerCase() }),
        addresses: (port.attached_ports ?? []).flatMap((attached) =>
          (attached.fixed_ips ?? []).flatMap((ip) => ip.ip_address ?? []),
        ),
      })),
      createdAt: machine?.created,
      updatedAt: machine?.updated,
    },
    conditions: [
      connected === undefined
        ? {
            type: 'CFGWConnected',
            status: 'Unknown',
            reason: 'NotReported',
            message: 'the remote does not say whether the common function gateway reaches the server',
          }
        : connected
          ? {
              type: 'CFGWConnected',
              status: 'True',
              reason: 'CFGWUp',
              message: 'the common function gateway reaches the server',
            }
          : {
              type: 'CFGWConnected',
              status: 'False',
              reason: 'CFGWDown',
              message:
                'the common function gateway does not reach the server: check its network settings, for NTT may stop a service that it cannot meter',
            },
    ],
  };
}

const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const passwordLength = 20;

/** A password of letters and digits that ESXi's default rules accept: 20 characters, of every class. */
function makePassword(bytes: (length: number) => Uint8Array): Secret {
  for (;;) {
    // Bytes beyond a whole multiple of the alphabet would make its first letters likelier.
    const even = [...bytes(64)].filter((byte) => byte < 256 - (256 % alphabet.length));
    const password = even
      .slice(0, passwordLength)
      .map((byte) => alphabet[byte % alphabet.length])
      .join('');
    if (
      password.length === passwordLength &&
      /[A-Z]/.test(password) &&
      /[a-z]/.test(password) &&
      /[0-9]/.test(password)
    )
      return new Secret(`${password}-`);
  }
}

const onTheWire = ({ uuid, port, fixedIP, segmentationID, plane }: z.output<typeof network>): ServerNetwork => ({
  ...(uuid !== undefined && { uuid }),
  ...(port !== undefined && { port }),
  ...(fixedIP !== undefined && { fixed_ip: fixedIP }),
  ...(segmentationID !== undefined && { segmentation_id: segmentationID }),
  ...(plane !== undefined && { plane }),
});

/** A server of NTT SDPF's Dedicated Hypervisor: bought by the month, built in up to an hour. */
export const dedicatedHypervisor: Kind = defineKind<typeof spec, Server, SDPFClient>({
  group: 'sdpf.freehold.dev',
  version: 'v1alpha1',
  names: { kind: 'DedicatedHypervisor', plural: 'dedicatedhypervisors', shortNames: ['dh'], categories: ['freehold'] },
  description:
    'A DedicatedHypervisor is a server of the Smart Data Platform that runs a hypervisor. Creating one buys it: it costs money by the month, also in the month of its deletion.',
  spec,
  status,
  printerColumns: commonColumns([
    { name: 'State', type: 'string', jsonPath: '.status.state' },
    { name: 'Synced', type: 'string', jsonPath: '.status.conditions[?(@.type=="Synced")].status' },
    { name: 'External-ID', type: 'string', jsonPath: '.status.externalID' },
  ]),
  rules: [
    ...commonRules(noun),
    requiredUnlessAdopted('imageRef'),
    requiredUnlessAdopted('flavorRef'),
    requiredUnlessAdopted('networks'),
    ...[
      'description',
      'imageRef',
      'flavorRef',
      'availabilityZone',
      'networks',
      'metadata',
      'adminPasswordSecretRef',
    ].map((field) => immutableOnceRecorded(field, true, noun)),
  ],
  tenantKind: 'SDPFTenant',
  limit: 'maxDedicatedHypervisors',
  main: {
    noun,
    // seed 000, Create Server: `description` is set at create, returned, and never editable.
    identity: {
      level: 'marker',
      marker: (server) => server.description,
      owner: (server) => server.baremetal_server?.metadata?.['freehold-owner'],
    },
    collection: 'servers',
    beingDeleted: deleting,
    async read(client, id) {
      try {
        return await client.showServer(id, 'motion');
      } catch (error) {
        if (error instanceof RemoteError && error.reason === 'NotFound') return undefined;
        throw error;
      }
    },
    async create({ client, spec: wanted, name, marked, owner, secrets, fence }) {
      const created = await client.createServer(
        {
          name: wanted.name ?? name,
          description: marked(wanted.description),
          imageRef: wanted.imageRef ?? '',
          flavorRef: wanted.flavorRef ?? '',
          networks: (wanted.networks ?? []).map(onTheWire),
          adminPass: secrets['adminPassword']!,
          ...(wanted.availabilityZone !== undefined && { availability_zone: wanted.availabilityZone }),
          metadata: { ...wanted.metadata, 'freehold-owner': owner },
        },
        fence,
      );
      return { id: created.id };
    },
    async update({ client, spec: wanted, name, fence }, { id }) {
      await client.updateServer(id, { name: wanted.name ?? name }, fence);
    },
    remove: ({ client, fence }, id) => client.deleteServer(id, fence),
  },
  secrets: ({ adminPasswordSecretRef: ref }, name) => ({
    adminPassword: ref
      ? { condition: 'PasswordKnown', name: ref.name, key: ref.key }
      : { condition: 'PasswordKnown', name: `${name}-admin-password`, key: 'password', generate: makePassword },
  }),
  plan(desired, { main }) {
    if (main.state === 'present') return plan(desired, main.remote);
    return main.state === 'absent'
      ? { do: 'create', remote: 'main' }
      : { do: 'wait', reason: main.reason, message: main.message };
  },
  planRemoval({ main: server }) {
    if (deleting(server)) return { do: 'wait', reason: 'Deleting', message: `server ${server.id} is being deleted` };
    // seed 000, Delete Server: allowed in ACTIVE and ERROR only.
    if (['ACTIVE', 'ERROR'].includes(server.status.toUpperCase())) return { do: 'remove', remote: 'main' };
    return {
      do: 'wait',
      reason: 'BuildInProgress',
      message: `server ${server.id} is in status ${server.status}; it can be deleted once it is ACTIVE or ERROR`,
    };
  },
  differences,
  report,
});
