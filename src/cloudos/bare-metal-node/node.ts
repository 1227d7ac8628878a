import type { MainObject } from '../../engine/kind.ts';
import type { JsonBody } from '../../remote/call.ts';
import { RemoteError } from '../../remote/errors.ts';
import type { CloudOSClient } from '../client.ts';
import type { CleanStep, Node } from '../wire-node.ts';
import { remoteBMC, wantedBMC } from './bmc.ts';
import { explain } from './explain.ts';
import { reasonOf } from './maintenance.ts';
import { newNode, nodeChanges } from './node-changes.ts';
import { ownerIn } from './port.ts';
import { noun, type Spec } from './schema.ts';

/** The node: told by the ID that we choose, and by extra.freehold where a gateway chooses another. */
export const nodeObject: MainObject<Spec, Node, CloudOSClient> = {
  noun,
  collection: 'nodes',
  identity: { level: 'chosen-id', owner: ({ extra }) => ownerIn(extra) },
  unique: [
    {
      noun: 'BMC',
      of: ({ spec }) => wantedBMC(spec),
      ofRemote: remoteBMC,
      identifies: true,
      taken: 'BMCTaken',
    },
    { noun: 'name', of: ({ spec }) => spec.name, ofRemote: ({ name }) => name, taken: 'NameTaken' },
  ],
  taken: 'NameTaken',
  explain,
  removeFresh: true,
  takesParts: true,
  async read(client, id) {
    try {
      return await client.getNode(id, 'motion');
    } catch (error) {
      if (error instanceof RemoteError && error.reason === 'NotFound') return undefined;
      throw error;
    }
  },
  async create({ client, spec, owner, secrets, fence }, { id }) {
    const { uuid } = await client.createNode(newNode(spec, secrets, id, owner), fence);
    return { id: uuid };
  },
  async update({ client, spec, secrets, changedSecrets = [], fence }, { id, remote }) {
    const known = changedSecrets.filter((name) => secrets[name] !== undefined);
    const { ready } = nodeChanges(spec, remote, known, secrets);
    await client.patchNode(
      id,
      ready.map(({ patch }) => patch),
      fence,
    );
  },
  async act({ client, spec, fence }, { id, verb }) {
    switch (verb) {
      case 'maintenance':
        return client.setMaintenance(id, { reason: reasonOf(spec) }, fence);
      case 'leave maintenance':
        return client.unsetMaintenance(id, fence);
      case 'power on':
      case 'power off':
      case 'rebooting':
        return client.setPowerState(id, { target: verb }, fence);
      case 'clean':
        return client.setProvisionState(id, { target: verb, clean_steps: cleanSteps(spec) }, fence);
      default:
        return client.setProvisionState(id, { target: verb }, fence);
    }
  },
  remove: ({ client, fence }, id) => client.deleteNode(id, fence),
};

const cleanSteps = ({ action }: Spec): CleanStep[] =>
  (action?.cleanSteps ?? []).map(({ interface: name, step, args }) => ({
    interface: name,
    step,
    ...(args && { args: args as Record<string, JsonBody> }),
  }));
