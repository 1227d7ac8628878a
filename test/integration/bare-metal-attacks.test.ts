import { describe, expect, test } from 'vitest';
import { typeOf } from '../../src/engine/kind.ts';
import { bareMetalNode } from '../../src/cloudos/bare-metal-node.ts';
import type { KubeApi } from '../../src/kube/types.ts';
import { inCloud, machine, type Site } from '../bare-metal/cloud.ts';
import { sandboxCloud } from '../bare-metal/sandbox.ts';

const atGateway = inCloud(sandboxCloud('seed'));
const atIronic = inCloud(sandboxCloud('plain'));
const minute = 60_000;
const instance = '11111111-2222-4333-8444-666666666666';
const clean = (date: string) => ({
  requestedAt: date,
  verb: 'Clean',
  cleanSteps: [{ interface: 'bios', step: 'factory_reset' }],
});

/** A BMC that turns away all but this password, and a node that knows another one. */
async function brokenBMC({ s, tenant, node, reason }: Site, name: string, password: string) {
  const { address } = machine();
  await s.sandbox.control('PUT', 'bmcs', { address, username: 'bmc-user', password });
  await s.apply(...tenant(), node(name, { bmc: { address, credentialsSecretRef: { name: 'cloud-bmc' } } }));
  await reason(name, 'VerifyFailed');
}

const patchSecret = ({ s }: Site, patch: object) =>
  s.kubectl(['patch', 'secret', 'cloud-bmc', '--type=merge', '-p', JSON.stringify(patch)]);

describe.concurrent('attacks on the laws: never twice', { timeout: 120_000 }, () => {
  test(
    'IDs that were kept at one door prove nothing about another: a lost answer behind a gateway that drops them makes one node',
    atIronic(async (site) => {
      const { s, tenant, node } = site;
      const { plainEndpoint, endpoint } = s.sandbox.info.cloudos;
      await s.start();
      await s.apply(...tenant({ endpoint: plainEndpoint }), node('first'));
      await site.ready('first');
      await s.sandbox.set({ keepUUID: false, nodeListLagSeconds: 180 });
      await s.apply(...tenant({ endpoint, paths: { baremetal: '/os/kinton/v1' } }));
      await s.pass(2 * minute);
      await s.sandbox.fault({ operation: 'CreateNode', drop: 'after-commit', times: 1 });
      await s.apply(node('second'));
      await site.ready('second', 40 * minute);
      expect(await site.own()).toHaveLength(2);
    }),
  );

  test(
    "a name is no ID: it is not adopted, and the node stays one resource's",
    atIronic(async (site) => {
      const { s, cloud, tenant, node, sent, reason } = site;
      const name = `named-${s.namespace}`;
      const { uuid } = await cloud.hand.post('/v1/nodes', { driver: cloud.info.driver, name });
      const spec = { driver: undefined, bmc: undefined, power: 'PoweredOff' };
      await s.start();
      await s.apply(...tenant(), node('by-name', { ...spec, externalID: name }));
      await reason('by-name', 'InvalidSpec');
      expect(sent()).toEqual([]);
      await s.apply(node('by-id', { ...spec, externalID: uuid }));
      await site.ready('by-id');
    }),
  );

  test(
    "one node is one resource's, also through two projects that both see it",
    atIronic(async (site) => {
      const { s, cloud, tenant, node, sent } = site;
      await s.sandbox.control('POST', 'tenants', { project: 'second', username: 'somebody', password: 'else' });
      const { uuid } = await cloud.hand.post('/v1/nodes', { driver: cloud.info.driver });
      const spec = { externalID: uuid, driver: undefined, bmc: undefined };
      await s.start();
      await s.apply(...tenant(), ...tenant({ project: 'second' }, 'other'), {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'other-credentials' },
        type: 'freehold.dev/credentials',
        stringData: { username: 'somebody', password: 'else' },
      });
      await s.apply(node('on', { ...spec, power: 'PoweredOn' }));
      await site.ready('on');
      await s.apply(node('off', { ...spec, power: 'PoweredOff', tenantRef: { name: 'other' } }));
      await site.reason('off', 'AlreadyClaimed');
      await s.pass(10 * minute);
      expect(sent().filter((call) => call.startsWith('PUT power'))).toEqual(['PUT power power on']);
    }),
  );
});

describe.concurrent('attacks on the laws: by a word only', { timeout: 120_000 }, () => {
  test(
    'an action that the remote took without doing anything did not succeed',
    atGateway(async (site) => {
      const { s, tenant, node, change, until, get } = site;
      await s.start();
      await s.apply(...tenant(), node('wipe'));
      await site.ready('wipe');
      await s.sandbox.fault({ operation: 'SetProvisionState', status: 200, bodyIncludes: 'clean' });
      await change('wipe', { action: clean('2099-01-01T00:00:00Z') });
      await until('it is answered', async () => (await get('wipe')).status?.action?.finishedAt !== undefined);
      expect((await get('wipe')).status?.action?.result).not.toBe('Succeeded');
    }),
  );

  test(
    'an action that Git goes back to is not carried out again',
    atIronic(async (site) => {
      const { s, tenant, node, change, sent } = site;
      await s.start();
      await s.apply(...tenant(), node('back'));
      await site.ready('back');
      const [first, second] = ['2098-01-01T00:00:00Z', '2099-01-01T00:00:00Z'] as const;
      for (const action of [clean(first), { requestedAt: second, verb: 'Reboot', cleanSteps: null }, clean(first)]) {
        await change('back', { action });
        await s.pass(3 * minute);
      }
      expect(sent().filter((call) => call.endsWith('clean'))).toHaveLength(1);
    }),
  );

  test(
    'a retry that stood in the manifest before anything failed answers no failure',
    atIronic(async (site) => {
      const { s, tenant, node, reason, sent, gone } = site;
      const old = { annotations: { 'freehold.dev/retry': '2020-01-01' } };
      const manifest = node('old', { provisioning: 'Available' }, old);
      await s.sandbox.set({ failClean: 'the disk is broken' });
      await s.start();
      await s.apply(...tenant(), manifest);
      await reason('old', 'CleanFailed');
      await s.kubectl(['delete', 'bmn', 'old', '--wait=false']);
      await gone('old');
      await s.apply(manifest);
      await reason('old', 'CleanFailed');
      await s.pass(5 * minute);
      expect(sent().filter((call) => call.endsWith('provide'))).toHaveLength(1);
      expect(sent()).not.toContain('DELETE maintenance');
    }),
  );

  test(
    "somebody else's maintenance outlives ours, and no reboot is sent into it",
    atIronic(async (site) => {
      const { s, cloud, tenant, node, change, sent, id, shown } = site;
      await s.start();
      await s.apply(...tenant(), node('opened'));
      await site.ready('opened');
      const uuid = await id('opened');
      await cloud.hand.call('PUT', `/v1/nodes/${uuid}/maintenance`, { reason: 'hands in the machine' });
      const action = { requestedAt: '2099-01-01T00:00:00Z', verb: 'Reboot' };
      for (const spec of [{ maintenance: { reason: 'ours' } }, { maintenance: null }, { action }]) {
        await change('opened', spec);
        await s.pass(3 * minute);
      }
      expect(await shown(uuid)).toMatchObject({ maintenance: true, maintenance_reason: 'hands in the machine' });
      expect(sent()).toEqual(['POST nodes', 'PUT provision manage']);
    }),
  );

  test(
    'a port is not taken from a machine that came into use after the last list',
    atIronic(async (site) => {
      const { s, cloud, tenant, node, change, id, ports } = site;
      const { mac } = machine();
      await s.start();
      await s.apply(...tenant({ pollInterval: 3600 }), node('used', { ports: [{ macAddress: mac(1) }] }));
      await site.ready('used');
      await s.pass(minute);
      const uuid = await id('used');
      await cloud.hand.patch(`/v1/nodes/${uuid}`, [{ op: 'add', path: '/instance_uuid', value: instance }]);
      await change('used', { ports: [] });
      await s.pass(3 * minute);
      expect((await ports(uuid)).map(({ address }) => address)).toEqual([mac(1)]);
    }),
  );

  test(
    'a pause that the watch has not told yet keeps a machine from being switched',
    atIronic(async (site) => {
      const { s, tenant, node, annotate, sent, id } = site;
      let silent = false;
      const deaf = (api: KubeApi): KubeApi => ({
        ...api,
        async *watch(type, options) {
          for await (const event of api.watch<never>(type, options))
            if (!silent || type.kind !== typeOf(bareMetalNode).kind) yield event;
        },
      });
      await s.start({}, deaf);
      await s.apply(...tenant(), node('held', { power: 'PoweredOn' }));
      await site.ready('held');
      const before = sent().length;
      silent = true;
      await annotate('held', { 'freehold.dev/paused': 'true' });
      await s.sandbox.control('PATCH', `nodes/${await id('held')}`, { power_state: 'power off' });
      await s.pass(3 * minute);
      expect(sent().slice(before)).toEqual([]);
    }),
  );
});

describe.concurrent('attacks on the laws: waits that end, at a bounded price', { timeout: 120_000 }, () => {
  test(
    'a broken BMC is asked ever more rarely, whoever touches its Secret, and at once when that is corrected',
    atIronic(async (site) => {
      const { s, sent } = site;
      await s.start();
      await brokenBMC(site, 'broken', 'right');
      await s.pass(10 * minute);
      const lists = (await s.sandbox.calls('ListNodesDetail')).length;
      for (let touch = 0; touch < 12; touch++) {
        await patchSecret(site, { metadata: { annotations: { touched: `${touch}` } } });
        await s.pass(5 * minute);
      }
      expect(sent().filter((call) => call === 'PUT provision manage').length).toBeLessThanOrEqual(6);
      // A list a minute, jittered, and some after each of our own calls.
      expect((await s.sandbox.calls('ListNodesDetail')).length - lists).toBeLessThan(120);
      await patchSecret(site, { stringData: { password: 'right' } });
      await site.ready('broken', 6 * minute);
    }),
  );

  test(
    'an inspection whose end is never told is not sent again by itself, by another process or for an edit: it reboots the machine',
    atIronic(async (site) => {
      const { s, tenant, node, sent, reason, annotate, until, get } = site;
      await s.sandbox.fault({ operation: 'SetProvisionState', status: 202, bodyIncludes: 'inspect' });
      const inspections = () => sent().filter((call) => call.endsWith('inspect')).length;
      const first = await s.start();
      await s.apply(...tenant(), node('blind', { inspect: 'Once' }));
      await reason('blind', 'InspectFailed');
      await s.pass(120 * minute, minute);
      await first.stop();
      await s.start();
      await s.pass(5 * minute);
      await site.change('blind', { resourceClass: 'large' });
      await s.pass(30 * minute, minute);
      expect(inspections()).toBe(1);
      await annotate('blind', { 'freehold.dev/retry': '2026-03-03' });
      await until('it is answered', async () => (await get('blind')).status?.lastRetry === '2026-03-03');
      expect(inspections()).toBe(2);
    }),
  );

  test(
    'a fight over a value is not fought at the pace of the lists, whatever the other side writes',
    atIronic(async (site) => {
      const { s, cloud, tenant, node, sent, id } = site;
      await s.start();
      await s.apply(...tenant(), node('fought', { properties: { memoryMB: 65536 } }));
      await site.ready('fought');
      const path = `/v1/nodes/${await id('fought')}`;
      for (let value = 1; value <= 30; value++) {
        await cloud.hand.patch(path, [{ op: 'replace', path: '/properties/memory_mb', value: `${value}` }]);
        await s.pass(minute);
      }
      expect(sent().filter((call) => call.startsWith('PATCH')).length).toBeLessThan(10);
    }),
  );

  test(
    'a MAC address that Git moves to another node follows when the first one can let it go',
    atIronic(async (site) => {
      const { s, tenant, node, change, id, ports, sent } = site;
      const port = [{ macAddress: machine().mac(1) }];
      await s.sandbox.set({ cleanSeconds: 600 });
      await s.start();
      await s.apply(...tenant(), node('from', { ports: port }), node('to'));
      for (const name of ['from', 'to']) await site.ready(name);
      await change('from', { provisioning: 'Available' });
      await site.until('it is being cleaned', () => sent().includes('PUT provision provide'));
      await change('from', { ports: [] });
      await change('to', { ports: port });
      await site.ready('to', 60 * minute);
      expect((await ports(await id('to'))).map(({ address }) => address)).toEqual([port[0]!.macAddress]);
    }),
  );

  test(
    'a port group that Git renames, with its address and its ports, takes the place of the old one',
    atIronic(async (site) => {
      const { s, tenant, node, change, id, ports, groups } = site;
      const { mac } = machine();
      const bond = (name: string) => ({
        portGroups: [{ name, address: mac(1) }],
        ports: [{ macAddress: mac(1), portGroup: name }],
      });
      await s.start();
      await s.apply(...tenant(), node('bonded', bond('bond0')));
      await site.ready('bonded');
      await change('bonded', bond('bond1'));
      await site.ready('bonded');
      const uuid = await id('bonded');
      const [group, ...more] = await groups(uuid);
      expect([group?.['name'], more]).toEqual([`${uuid}-bond1`, []]);
      expect((await ports(uuid)).map((one) => one['portgroup_uuid'])).toEqual([group?.uuid]);
    }),
  );
});
