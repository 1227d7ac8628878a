import * as z from 'zod';
import { defineKind, type Kind, type MainObject, type PartObject, type Step } from '../../src/engine/kind.ts';
import type { ActionRecord } from '../../src/engine/resource.ts';
import { commonRules } from '../../src/engine/schema.ts';
import { nodeSpec, nodeStatus, type Thing, toyNode, type ToyRemote } from './toy-kind.ts';

const machineSpec = z
  .object({
    ...nodeSpec.shape,
    label: z.string().optional().describe('What it is called.'),
    bmc: z.string().optional().describe('Address of its BMC.'),
    power: z.enum(['on', 'off']).optional().describe('Its power.'),
    action: z
      .object({ requestedAt: z.string().describe('When.'), verb: z.string().describe('What.') })
      .optional()
      .describe('A one-off action.'),
  })
  .describe('The machine as it should be.');
type MachineSpec = z.output<typeof machineSpec>;
type Machine = MainObject<MachineSpec, Thing, ToyRemote>;

/** The remote works on it. */
const locked: Machine['explain'] = ({ message }) =>
  message.includes('locked') ? { reason: 'Locked', message } : undefined;

/** What comes next of a one-off action; undefined when there is none, or it is over. */
function actionStep({ action: wish }: MachineSpec, record: ActionRecord | undefined): Step | undefined {
  if (wish === undefined) return undefined;
  if (record?.requestedAt !== wish.requestedAt)
    return wish.verb === 'reboot'
      ? { do: 'act', remote: 'main', verb: 'reboot', message: 'reboot', obeys: 'action' }
      : { do: 'conclude', result: 'Failed', message: `there is no ${wish.verb}` };
  return record.finishedAt === undefined
    ? { do: 'conclude', result: 'Succeeded', message: 'the machine is settled' }
    : undefined;
}

/**
 * A node with all that has a word, a moment or a rival: actions, a retry, power, a BMC that serves one only, and ports that
 * belong to it. It is switched off before it is removed.
 */
export const toyMachine: Kind = defineKind<typeof machineSpec, Thing, ToyRemote>({
  group: 'toy.freehold.dev',
  version: 'v1alpha1',
  names: { kind: 'ToyMachine', plural: 'toymachines', categories: ['freehold'] },
  description: 'A machine of a toy.',
  spec: machineSpec,
  status: z
    .object({
      ...nodeStatus.shape,
      ports: z.array(z.string().describe('m')).optional().describe('Addresses of its ports.'),
    })
    .describe('s'),
  printerColumns: [],
  rules: commonRules('machine'),
  tenantKind: 'ToyTenant',
  main: {
    ...(toyNode.main as unknown as Machine),
    noun: 'machine',
    identity: { level: 'chosen-id', owner: ({ extra }) => extra || undefined },
    read: (client, id) => client.read('nodes', id),
    unique: [{ noun: 'BMC', of: (wish) => wish.spec.bmc, ofRemote: ({ bmc }) => bmc, taken: 'BMCTaken' }],
    taken: 'NameTaken',
    explain: locked,
    removeFresh: true,
    create: ({ client, owner, spec: { bmc, label }, fence }, { id }) =>
      client.create('nodes', { id, extra: owner, power: 'off', bmc, label }, fence),
    update: ({ client, spec: { bmc, label }, fence }, { id }) =>
      client.update('nodes', id, { ...(bmc !== undefined && { bmc }), ...(label !== undefined && { label }) }, fence),
    act: ({ client, fence }, { id, verb }) => client.act(id, verb, fence),
  },
  parts: {
    port: {
      ...(toyNode.parts!['port'] as unknown as Machine),
      identity: {
        level: 'chosen-id',
        owner: ({ extra }: Thing) => extra || undefined,
        mainOf: ({ main }: Thing) => main,
        instanceOf: ({ main, mac }: Thing, mainID) => (main === mainID ? mac : undefined),
      },
      taken: 'NameTaken',
      explain: locked,
      instances: ({ macs }) => macs,
      listOf: (client, mainID) => client.portsOf(mainID),
      create: ({ client, owner, mainID, fence }, { instance, id }) =>
        client.create('ports', { id, extra: owner, main: mainID!, mac: instance }, fence),
    } as PartObject<MachineSpec, unknown, ToyRemote>,
  },
  plan({ spec: wish, action, retry }, { main, parts }) {
    if (main.state !== 'present') return { do: 'create', remote: 'main' };
    const { remote } = main;
    const drift = (['bmc', 'label'] as const)
      .filter((field) => wish[field] !== undefined && wish[field] !== remote[field])
      .map((field) => `${field}: wanted ${wish[field]}, is ${remote[field]}`);
    if (drift.length > 0)
      return { do: 'update', remote: 'main', drift, ...(drift[0]!.startsWith('bmc') && { fresh: true }) };
    for (const [key, part] of Object.entries(parts)) {
      const [name = '', instance = ''] = key.split('/');
      if (part.state === 'unknown') return { do: 'wait', reason: part.reason, message: part.message };
      if (part.state === 'absent') return { do: 'create', remote: name, instance };
      if (!wish.macs.includes(instance)) return { do: 'remove', remote: name, instance };
    }
    if (remote.failed) {
      return retry === undefined
        ? { do: 'blocked', reason: 'CleanFailed', message: 'it failed' }
        : { do: 'act', remote: 'main', verb: 'recover', message: 'recover', obeys: 'retry' };
    }
    const next = actionStep(wish, action);
    if (next) return next;
    if (wish.power === undefined || wish.power === remote.power) return { do: 'ready', message: 'as wished' };
    const verb = `power ${wish.power}`;
    const failing = { reason: 'PowerFailed', message: `the ${verb} seems to have failed`, again: 120_000 } as const;
    return { do: 'act', remote: 'main', verb, message: verb, fresh: true, failing };
  },
  planRemoval({ main: { power }, parts }) {
    if (power === 'on') return { do: 'act', remote: 'main', verb: 'power off', message: 'power off', fresh: true };
    for (const [key, part] of Object.entries(parts)) {
      const [remote = '', instance = ''] = key.split('/');
      if (part.state === 'present') return { do: 'remove', remote, instance };
    }
    return { do: 'remove', remote: 'main' };
  },
  differences: () => [],
  report: ({ power }) => ({ status: { power }, conditions: [] }),
  reportParts: (parts) => ({
    ports: Object.entries(parts).flatMap(([key, { state }]) => (state === 'present' ? [key.split('/')[1]!] : [])),
  }),
});
