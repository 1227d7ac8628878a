import { describe, expect, it } from 'vitest';
import { markerOf } from '../../src/engine/owner.ts';
import { startControlPlane } from '../support/controlplane.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';
import {
  change,
  changes,
  conditionOf,
  inPortal,
  inScenario,
  passUntil,
  passUntilReason,
  refusal,
  secret,
  sha256,
  textOf,
} from '../support/servers.ts';
import { until } from '../support/wait.ts';

const minute = 60_000;

const creates = (s: Scenario) => s.sandbox.calls('CreateServer');
const updates = (s: Scenario) => s.sandbox.calls('UpdateServer');
/** A manifest that adopts: nothing of what only a create needs. */
const adopting = (s: Scenario, externalID: string, spec: object = {}, name = 'web') =>
  s.hypervisor(name, { externalID, imageRef: undefined, flavorRef: undefined, networks: undefined, ...spec });
const marks = (s: Scenario, ownerID: string, name = 'web') => ({
  description: markerOf({ ownerID, namespace: s.namespace, name }),
  metadata: { 'freehold-owner': `${ownerID}/${s.namespace}/${name}` },
});
/** As the platform shows it now. */
const nameAtRemote = async (s: Scenario, id: string) =>
  (await s.sandbox.servers()).find((server) => server.id === id)?.name;

describe.concurrent('the name of a server', () => {
  it(
    'is changed by one call when spec.name is, and put back when somebody changed it in the portal',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      const { status } = await passUntilReason(s, 'web', 'Ready');
      const id = status!.externalID!;
      expect(await nameAtRemote(s, id)).toBe('web');

      await s.apply(s.hypervisor('web', { name: 'web-01' }));
      await passUntilReason(s, 'web', 'Ready');
      expect(await nameAtRemote(s, id)).toBe('web-01');
      expect((await s.get('dh', 'web'))?.status).toMatchObject({ name: 'web-01' });
      expect((await updates(s)).map(({ requestBody }) => requestBody)).toEqual([{ server: { name: 'web-01' } }]);

      await s.sandbox.control('PATCH', `servers/${id}`, { name: 'somebodys-idea' });
      await passUntil(s, 'put back', async () => (await nameAtRemote(s, id)) === 'web-01');
      await passUntilReason(s, 'web', 'Ready');
      await s.pass(5 * minute, 20_000);
      expect(await updates(s)).toHaveLength(2);
      expect(conditionOf(await s.get('dh', 'web'), 'Synced')?.status).toBe('True');
      expect(await creates(s)).toHaveLength(1);
    }),
  );

  it(
    'that the platform refuses stalls, is not sent again and again, and is mended in place',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      await passUntilReason(s, 'web', 'Ready');
      await s.apply(s.hypervisor('web', { name: 'no good' }));
      const web = await passUntilReason(s, 'web', 'InvalidSpec');
      expect(conditionOf(web, 'Stalled')?.message).toContain('name is invalid');
      expect(conditionOf(web, 'Synced')).toMatchObject({ status: 'False', reason: 'Drifted' });
      await s.pass(5 * minute, 20_000);
      expect(await updates(s)).toHaveLength(1);
      await s.apply(s.hypervisor('web', { name: 'good' }));
      await passUntilReason(s, 'web', 'Ready');
      expect(await updates(s)).toHaveLength(2);
    }),
  );
});

describe.concurrent('managementPolicy: Observe', () => {
  it(
    'sends nothing at all, shows what differs, and buys nothing where there is nothing',
    inScenario(async (s) => {
      const id = await inPortal(s, { name: 'theirs' });
      await s.apply(
        ...s.tenant(),
        adopting(s, id, { managementPolicy: 'Observe', name: 'web' }),
        s.hypervisor('none', { managementPolicy: 'Observe' }),
      );
      await s.start();
      const web = await passUntilReason(s, 'web', 'Observed');
      expect(conditionOf(web, 'Ready')?.status).toBe('True');
      expect(conditionOf(web, 'Synced')).toMatchObject({
        status: 'False',
        reason: 'Drifted',
        message: 'name: wanted "web", is "theirs"',
      });
      const none = await passUntilReason(s, 'none', 'NotFound');
      expect(conditionOf(none, 'Reconciling')?.message).toContain('name one by spec.externalID');
      await s.pass(20 * minute, 20_000);
      expect(await changes(s)).toEqual([]);
      expect(await secret(s, 'none-admin-password')).toBeUndefined();

      await change(s, 'web', { spec: { managementPolicy: 'Manage' } });
      await passUntilReason(s, 'web', 'Ready');
      expect(await nameAtRemote(s, id)).toBe('web');
      expect(await changes(s)).toHaveLength(1);
    }),
  );
});

describe.concurrent('externalID', () => {
  it(
    'adopts a server as it is: nothing is bought, no password is invented, and what differs is said',
    inScenario(async (s) => {
      const { flavorRef } = s.sandbox.info.sdpf;
      const id = await inPortal(s, {
        name: 'its-own-name',
        description: 'old ERP',
        flavorRef,
        availabilityZone: 'zone1-groupb',
      });
      await s.apply(...s.tenant(), adopting(s, id));
      await s.start();
      const web = await passUntilReason(s, 'web', 'Ready');
      expect(web.status).toMatchObject({ externalID: id, state: 'ACTIVE' });
      expect(web.status?.creation).toBeUndefined();
      expect(await nameAtRemote(s, id)).toBe('its-own-name');
      expect(conditionOf(web, 'Synced')?.status).toBe('True');
      expect(conditionOf(web, 'PasswordKnown')).toMatchObject({ status: 'False', reason: 'NotRecoverable' });

      // Fields that only a create needs may still be written before anything is recorded; here they are wrong.
      const other = await inPortal(s, {
        name: 'erp',
        description: 'old ERP',
        flavorRef,
        availabilityZone: 'zone1-groupb',
      });
      const wrong = {
        imageRef: 'other-image',
        flavorRef: 'other-flavor',
        availabilityZone: 'zone1-groupa',
        description: 'ERP',
      };
      await s.apply(adopting(s, other, wrong, 'erp'));
      const erp = await passUntilReason(s, 'erp', 'Ready');
      const { message } = conditionOf(erp, 'Synced')!;
      for (const field of ['imageRef', 'flavorRef', 'availabilityZone', 'description'])
        expect(message).toContain(`${field}: wanted`);
      expect(conditionOf(erp, 'Synced')).toMatchObject({ status: 'False', reason: 'Drifted' });
      await s.pass(5 * minute, 20_000);
      expect(await changes(s)).toEqual([]);
      for (const name of ['web', 'erp']) expect(await secret(s, `${name}-admin-password`)).toBeUndefined();

      // It may be written down with the recorded value, and no other one; and not be taken out again.
      expect(await refusal(change(s, 'web', { spec: { externalID: other } }))).toMatch(
        /spec\.externalID differs from the recorded status\.externalID/,
      );
      expect(await refusal(change(s, 'web', { spec: { externalID: null } }))).toMatch(/spec\.externalID/);
    }),
  );

  it(
    'may be added to a resource that bought its server, with the recorded value only',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      const { status } = await passUntilReason(s, 'web', 'Ready');
      expect(await refusal(change(s, 'web', { spec: { externalID: 'another' } }))).toMatch(
        /spec\.externalID: Forbidden: spec\.externalID differs .* create another resource to adopt another one/,
      );
      await change(s, 'web', { spec: { externalID: status!.externalID } });
      await passUntilReason(s, 'web', 'Ready');
      expect(conditionOf(await s.get('dh', 'web'), 'PasswordKnown')?.status).toBe('True');
      expect(await changes(s)).toHaveLength(1);
    }),
  );

  it(
    'named by two resources belongs to the first; the second says whose it is, and has it when the first goes',
    inScenario(async (s) => {
      const id = await inPortal(s, { name: 'shared' });
      await s.apply(...s.tenant(), adopting(s, id, { name: 'shared' }, 'first'));
      await s.start();
      await passUntilReason(s, 'first', 'Ready');
      await s.apply(adopting(s, id, { name: 'second-name' }, 'second'));
      const second = await passUntilReason(s, 'second', 'AlreadyClaimed');
      expect(conditionOf(second, 'Stalled')?.message).toContain(`DedicatedHypervisor/${s.namespace}/first`);
      expect(second.status?.externalID).toBeUndefined();
      await s.pass(5 * minute, 20_000);
      expect(await changes(s)).toEqual([]);
      await s.kubectl(['delete', 'dh', 'first']);
      await passUntilReason(s, 'second', 'Ready');
      expect(await creates(s)).toEqual([]);
    }),
  );

  it(
    'that does not exist buys nothing and heals when it is corrected',
    inScenario(async (s) => {
      const id = await inPortal(s, { name: 'web' });
      await s.apply(...s.tenant(), adopting(s, '00000000-0000-4000-8000-000000000000'));
      await s.start();
      const web = await passUntilReason(s, 'web', 'InvalidSpec');
      expect(conditionOf(web, 'Stalled')?.message).toContain(
        'holds no server 00000000-0000-4000-8000-000000000000; correct the ID',
      );
      await s.pass(5 * minute, 20_000);
      expect(conditionOf(await s.get('dh', 'web'), 'Stalled')?.reason).toBe('InvalidSpec');
      expect(await changes(s)).toEqual([]);
      await s.apply(adopting(s, id));
      const healed = await passUntilReason(s, 'web', 'Ready');
      expect(healed.status?.externalID).toBe(id);
    }),
  );

  it(
    'that appears later is adopted then, and followed',
    inScenario(async (s) => {
      const id = await inPortal(s, { name: 'other-name' });
      await s.sandbox.set({ hideServers: true });
      await s.apply(...s.tenant(), adopting(s, id, { name: 'web' }));
      await s.start();
      await passUntilReason(s, 'web', 'InvalidSpec');
      await s.sandbox.set({ hideServers: false });
      await passUntilReason(s, 'web', 'Ready');
      expect(await nameAtRemote(s, id)).toBe('web');
    }),
  );

  it(
    'of a server marked for another owner needs the word of a person that names the marker',
    inScenario(async (s) => {
      const theirs = marks(s, 'another-cluster', 'their-web');
      const id = await inPortal(s, { name: 'web', ...theirs });
      await s.apply(...s.tenant(), adopting(s, id));
      await s.start();
      const web = await passUntilReason(s, 'web', 'OwnedElsewhere');
      const { message } = conditionOf(web, 'Stalled')!;
      expect(message).toContain(`another-cluster/${s.namespace}/their-web`);
      expect(message).toContain(`freehold.dev/take-over: "${theirs.description}"`);
      await change(s, 'web', { annotations: { 'freehold.dev/take-over': marks(s, 'yet-another').description } });
      await s.pass(3 * minute);
      expect((await s.get('dh', 'web'))?.status?.externalID).toBeUndefined();
      await change(s, 'web', { annotations: { 'freehold.dev/take-over': theirs.description } });
      const taken = await passUntilReason(s, 'web', 'Ready');
      expect(taken.status?.externalID).toBe(id);
      expect(await changes(s)).toEqual([]);
    }),
  );
});

describe.concurrent('servers of other people', () => {
  it(
    'are left alone however much they look like ours',
    inScenario(async (s) => {
      const lookAlikes = [
        await inPortal(s, { name: 'web' }),
        await inPortal(s, { name: 'web', description: 'web server of the shop' }),
        await inPortal(s, { name: 'web', ...marks(s, s.ownerID, 'web2') }),
        await inPortal(s, { name: 'web', ...marks(s, 'another-cluster', 'shop') }),
      ];
      await s.apply(...s.tenant(), s.hypervisor('web', { deletionPolicy: 'Delete' }));
      await s.start();
      const web = await passUntilReason(s, 'web', 'Ready');
      expect(lookAlikes).not.toContain(web.status?.externalID);
      await s.kubectl(['delete', 'dh', 'web', '--wait=false']);
      await passUntil(s, 'deleted', async () => (await s.sandbox.calls('DeleteServer')).length > 0);
      const touched = (await changes(s)).filter(({ path }) => lookAlikes.some((id) => path.includes(id)));
      expect(touched).toEqual([]);
      expect(await creates(s)).toHaveLength(1);
    }),
  );

  it(
    'marked for our name under another ownerID stop a create until that is cleared',
    inScenario(async (s) => {
      const id = await inPortal(s, { name: 'web', ...marks(s, 'old-cluster') });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      const web = await passUntilReason(s, 'web', 'OwnedElsewhere');
      expect(conditionOf(web, 'Stalled')?.message).toContain(`old-cluster/${s.namespace}/web`);
      await s.pass(3 * minute);
      expect(await changes(s)).toEqual([]);
      expect(await secret(s, 'web-admin-password')).toBeUndefined();
      await s.sandbox.control('DELETE', `servers/${id}`);
      await passUntilReason(s, 'web', 'Ready');
      expect(await creates(s)).toHaveLength(1);
    }),
  );

  it(
    'are not adopted by resolve either, when they are marked for another owner',
    inScenario(async (s) => {
      await s.sandbox.set({ keepDescription: false, keepMetadata: false });
      await s.sandbox.fault({ operation: 'CreateServer', drop: 'after-commit', times: 1 });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start({ settleWindow: '6m' });
      const web = await passUntilReason(s, 'web', 'CreateOutcomeAmbiguous');
      const theirs = marks(s, 'another-cluster', 'shop');
      const id = await inPortal(s, { name: 'shop', ...theirs });
      await s.pass(2 * minute);
      const { attemptID } = web.status!.creation!;
      await change(s, 'web', { annotations: { 'freehold.dev/resolve': `${attemptID} adopt=${id}` } });
      const refused = await passUntilReason(s, 'web', 'OwnedElsewhere');
      expect(conditionOf(refused, 'Stalled')?.message).toContain(theirs.description);
      expect(refused.status?.externalID).toBeUndefined();
    }),
  );
});

describe.concurrent('our own servers', () => {
  it(
    'are found again by the same manifest after a deletion with Retain, with the password that is still known',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      const { status } = await passUntilReason(s, 'web', 'Ready');
      await s.kubectl(['delete', 'dh', 'web']);
      await s.apply(s.hypervisor());
      const again = await passUntilReason(s, 'web', 'Ready');
      expect(again.status?.externalID).toBe(status!.externalID);
      expect(conditionOf(again, 'PasswordKnown')).toMatchObject({ status: 'True', reason: 'Generated' });
      expect(await changes(s)).toHaveLength(1);
    }),
  );

  it(
    'marked twice are a question, not a guess',
    inScenario(async (s) => {
      const twins = [
        await inPortal(s, { name: 'a', ...marks(s, s.ownerID) }),
        await inPortal(s, { name: 'b', ...marks(s, s.ownerID) }),
      ];
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      const web = await passUntilReason(s, 'web', 'CreateOutcomeAmbiguous');
      const { message } = conditionOf(web, 'Stalled')!;
      for (const id of twins) expect(message).toContain(id);
      await s.pass(3 * minute);
      expect(await changes(s)).toEqual([]);
      const question = /"(\S+) retry"/.exec(message)![1]!;
      await change(s, 'web', { annotations: { 'freehold.dev/resolve': `${question} adopt=${twins[1]}` } });
      const adopted = await passUntilReason(s, 'web', 'Ready');
      expect(adopted.status?.externalID).toBe(twins[1]);
      expect(await creates(s)).toEqual([]);
    }),
  );

  it(
    'are found again by a cluster that was rebuilt from Git',
    inScenario(async (s) => {
      const names = ['web', 'db'];
      const manifests = [...s.tenant(), ...names.map((name) => s.hypervisor(name))];
      await s.apply(...manifests);
      const operator = await s.start();
      for (const name of names) await passUntilReason(s, name, 'Ready');
      const before = await Promise.all(names.map(async (name) => (await s.get('dh', name))?.status?.externalID));
      const password = textOf(await secret(s, 'web-admin-password'), 'password');
      await operator.stop();

      const plane = await startControlPlane();
      try {
        const rebuilt = await createScenario({ cluster: plane, rebuilds: s });
        try {
          await rebuilt.apply(...manifests);
          await rebuilt.start();
          for (const [index, name] of names.entries()) {
            const found = await passUntilReason(rebuilt, name, 'Ready');
            expect(found.status?.externalID).toBe(before[index]);
            expect(conditionOf(found, 'PasswordKnown')).toMatchObject({ status: 'False', reason: 'NotRecoverable' });
            expect(await secret(rebuilt, `${name}-admin-password`)).toBeUndefined();
          }
          expect(await changes(s)).toHaveLength(2);
          const servers = await s.sandbox.servers();
          expect(servers).toHaveLength(2);
          expect(servers.find(({ name }) => name === 'web')?.adminPassSHA256).toBe(sha256(password));
        } finally {
          await rebuilt.end();
        }
      } finally {
        await plane.stop();
      }
    }),
  );

  it(
    'that somebody deletes at this moment are not re-attached; another one is bought once they are gone',
    inScenario(async (s) => {
      await s.sandbox.set({ deleteSeconds: 120 });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      const { status } = await passUntilReason(s, 'web', 'Ready');
      await s.kubectl(['delete', 'dh', 'web']);
      await s.sandbox.control('PATCH', `servers/${status!.externalID}`, { taskState: 'DELETING' });
      await s.pass(minute);
      await s.apply(s.hypervisor());
      await passUntilReason(s, 'web', 'PreviousBeingDeleted');
      await s.pass(minute);
      expect(await creates(s)).toHaveLength(1);
      await s.sandbox.control('DELETE', `servers/${status!.externalID}`);
      const web = await passUntilReason(s, 'web', 'Ready');
      expect(web.status?.externalID).not.toBe(status!.externalID);
      await until('two', async () => (await creates(s)).length === 2);
    }),
  );
});
