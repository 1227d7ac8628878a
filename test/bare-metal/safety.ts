import { describe, expect, test } from 'vitest';
import { leaks } from '../support/canaries.ts';
import { condition, inCloud, machine, type OpenCloud } from './cloud.ts';

/** The laws, where a cloud or a network does its worst. */
export function describeSafety(title: string, open: OpenCloud) {
  const on = inCloud(open);
  describe.concurrent(`never twice, never a stranger's, ${title}`, { timeout: 120_000 }, () => {
    test.each(['nodes', 'portgroups', 'ports'] as const)('the lost answer of POST %s makes nothing twice', (what) =>
      on(async ({ s, cloud, tenant, node, ready, id, own, ports, groups, sent }) => {
        const { mac } = machine();
        await s.start();
        // The first one shows that IDs are kept here.
        await s.apply(...tenant(), node('first'));
        await ready('first');
        cloud.recorder.drop({ method: 'POST', path: new RegExp(`/v1/${what}$`) });
        await s.apply(
          node('lost', { portGroups: [{ name: 'bond0' }], ports: [{ macAddress: mac(1), portGroup: 'bond0' }] }),
        );
        await ready('lost');
        expect(cloud.recorder.calls.filter(({ cut }) => cut)).toHaveLength(1);
        const uuid = await id('lost');
        expect([(await own()).length, (await groups(uuid)).length, (await ports(uuid)).length]).toEqual([2, 1, 1]);
        expect(sent().filter((call) => call.startsWith('DELETE'))).toEqual([]);
      })(),
    );

    test(
      'another, empty Ironic at the same address opens the breaker: nothing is registered, and all is well when the right one is back',
      on(async ({ s, cloud, tenant, node, ready, reason, get, sent, until, own, id }) => {
        const names = ['a', 'b', 'c'];
        await s.start();
        await s.apply(...tenant(), ...names.map((name) => node(name, { ports: [{ macAddress: machine().mac(1) }] })));
        for (const name of names) await ready(name);
        const ids = await Promise.all(names.map(id));
        const before = sent().length;
        await cloud.empty(true);
        await s.apply(node('new'));
        await reason('new', 'BreakerOpen');
        await s.pass(5 * 60_000, cloud.step);
        const tenantNow = await s.get('CloudOSTenant', 'cloud');
        expect(condition(tenantNow!, 'Ready')).toMatchObject({ status: 'False', reason: 'BreakerOpen' });
        for (const name of names) expect((await get(name)).status?.externalID).toBe(ids[names.indexOf(name)]);
        expect(sent().slice(before)).toEqual([]);
        await cloud.empty(false);
        for (const name of [...names, 'new']) await ready(name);
        await until('only the new one was made', async () => (await own()).length === 4);
        expect(
          sent()
            .slice(before)
            .filter((call) => call === 'POST nodes'),
        ).toHaveLength(1);
        expect(sent().filter((call) => call.startsWith('DELETE'))).toEqual([]);
      }),
    );

    test(
      'a node in use is left to its instance: no verb, no power, no deletion, also in maintenance',
      on(async ({ s, cloud, tenant, node, ready, reason, change, get, sent, id, shown, until, gone }) => {
        const instance = '11111111-2222-4333-8444-555555555555';
        await s.start();
        await s.apply(...tenant(), node('used', { deletionPolicy: 'Delete', power: 'PoweredOn' }));
        await ready('used');
        const uuid = await id('used');
        await cloud.hand.patch(`/v1/nodes/${uuid}`, [{ op: 'add', path: '/instance_uuid', value: instance }]);
        const before = sent().length;
        await change('used', { provisioning: 'Available', power: 'PoweredOff', inspect: 'Once' });
        await until('it says whose it is', async () => condition(await get('used'), 'InUse')?.status === 'True');
        await ready('used');
        expect(condition(await get('used'), 'InUse')!.message).toContain(instance);
        await cloud.hand.call('PUT', `/v1/nodes/${uuid}/maintenance`, { reason: 'a disk is replaced' });
        await s.kubectl(['delete', 'bmn', 'used', '--wait=false']);
        await reason('used', 'InUse');
        await s.pass(5 * 60_000, cloud.step);
        expect(sent().slice(before)).toEqual([]);
        expect((await shown(uuid))?.['instance_uuid']).toBe(instance);
        await cloud.hand.patch(`/v1/nodes/${uuid}`, [{ op: 'remove', path: '/instance_uuid' }]);
        await gone('used');
        expect(await shown(uuid)).toBeUndefined();
      }),
    );

    test(
      'an instance that takes the node after the last list is seen before power or deletion is sent',
      on(async ({ s, cloud, tenant, node, ready, change, sent, id, until, get }) => {
        await s.start();
        await s.apply(...tenant({ pollInterval: 3600 }), node('raced', { deletionPolicy: 'Delete' }));
        await ready('raced');
        const uuid = await id('raced');
        // Settled: no list is under way that could show it.
        await s.pass(60_000, cloud.step);
        await cloud.hand.patch(`/v1/nodes/${uuid}`, [
          { op: 'add', path: '/instance_uuid', value: '11111111-2222-4333-8444-666666666666' },
        ]);
        const before = sent().length;
        await change('raced', { power: 'PoweredOn' });
        await until('it was looked at', async () => condition(await get('raced'), 'InUse')?.status === 'True');
        expect(sent().slice(before)).toEqual([]);
      }),
    );

    test(
      'an adopted node that is active is neither provisioned nor switched, and what differs shows',
      on(async ({ s, cloud, tenant, node, ready, get, sent, shown, until }) => {
        const { address } = machine();
        const { hand } = cloud;
        const made = await hand.post('/v1/nodes', {
          driver: cloud.info.driver,
          driver_info: { ipmi_address: address },
          instance_info: { image_source: 'http://127.0.0.1:1/image', image_checksum: 'none' },
        });
        await hand.provision(made.uuid, 'manage');
        await until('it is verified', async () => (await shown(made.uuid))?.['provision_state'] === 'manageable');
        await hand.provision(made.uuid, 'adopt');
        await until('it is active', async () => (await shown(made.uuid))?.['provision_state'] === 'active');
        await s.start();
        await s.apply(
          ...tenant(),
          node('adopted', {
            externalID: made.uuid,
            driver: undefined,
            bmc: undefined,
            provisioning: 'Available',
            power: 'PoweredOff',
            inspect: 'Once',
          }),
        );
        await ready('adopted');
        await s.pass(10 * 60_000, cloud.step);
        expect(sent()).toEqual([]);
        expect((await get('adopted')).status).toMatchObject({ state: 'active', externalID: made.uuid });
        await hand.call('PUT', `/v1/nodes/${made.uuid}/maintenance`, {});
        await hand.delete(`/v1/nodes/${made.uuid}`);
      }),
    );

    test(
      'an adopted node is never cleaned without allowCleaning',
      on(async ({ s, cloud, tenant, node, ready, change, sent, shown, until }) => {
        const { address } = machine();
        const made = await cloud.hand.post('/v1/nodes', {
          driver: cloud.info.driver,
          driver_info: { ipmi_address: address },
        });
        await s.start();
        const spec = { externalID: made.uuid, driver: undefined, bmc: undefined, provisioning: 'Available' };
        await s.apply(...tenant(), node('mine', spec));
        await ready('mine');
        expect(sent()).toEqual(['PUT provision manage']);
        const action = {
          requestedAt: '2099-01-01T00:00:00Z',
          verb: 'Clean',
          cleanSteps: [{ interface: 'bios', step: 'factory_reset' }],
        };
        await change('mine', { action });
        await until('it is refused', async () => (await s.get('bmn', 'mine'))?.status?.action?.result === 'Failed');
        await s.pass(5 * 60_000, cloud.step);
        expect(sent()).toEqual(['PUT provision manage']);
        await change('mine', { allowCleaning: true });
        await until('it is available', async () => (await shown(made.uuid))?.['provision_state'] === 'available');
        expect(sent()).toEqual(['PUT provision manage', 'PUT provision provide']);
        await cloud.hand.delete(`/v1/nodes/${made.uuid}`);
      }),
    );

    test(
      'the same manifest after Retain, and a cluster that was rebuilt, find the node with its ports again',
      on(async ({ s, tenant, node, ready, id, sent, gone, own }) => {
        const { mac } = machine();
        const { address } = machine();
        await s.start();
        const manifest = node('kept', {
          bmc: { address, credentialsSecretRef: { name: 'cloud-bmc' } },
          portGroups: [{ name: 'bond0' }],
          ports: [{ macAddress: mac(1), portGroup: 'bond0' }],
        });
        await s.apply(...tenant(), manifest);
        await ready('kept');
        const uuid = await id('kept');
        const before = sent().length;
        await s.kubectl(['delete', 'bmn', 'kept', '--wait=false']);
        await gone('kept');
        await s.apply(manifest);
        await ready('kept');
        expect(await id('kept')).toBe(uuid);
        expect((await own()).length).toBe(1);
        // Its Secret was never proved by this resource: it is sent once.
        expect(
          sent()
            .slice(before)
            .filter((call) => !call.startsWith('PATCH nodes /driver_info')),
        ).toEqual([]);
      }),
    );

    test(
      'another machine under a former name does not get the node of the former one',
      on(async ({ s, tenant, node, ready, reason, sent, gone, change, own, id }) => {
        const [one, two] = [machine().address, machine().address];
        await s.start();
        await s.apply(...tenant(), node('again', { bmc: { address: one } }));
        await ready('again');
        const uuid = await id('again');
        await s.kubectl(['delete', 'bmn', 'again', '--wait=false']);
        await gone('again');
        const before = sent().length;
        await s.apply(node('again', { bmc: { address: two } }));
        const stopped = await reason('again', 'BMCTaken');
        expect(condition(stopped, 'Ready')!.message).toContain(uuid);
        expect(sent().slice(before)).toEqual([]);
        // The person's word that it is the same machine, with another BMC.
        await change('again', { externalID: uuid });
        await ready('again');
        expect((await own()).map((shown) => shown.uuid)).toEqual([uuid]);
      }),
    );

    test(
      'passwords of BMCs are nowhere but in the Secret and in the call',
      on(async ({ s, cloud, tenant, node, ready, annotate, until, sent }) => {
        const canaries = {
          first: 'canary-first-Kq7Zp3Vw9LmX',
          second: 'canary-second-Bn4Rt8Yc2HsD',
          hex: 'canary-hexkey-Jf6Gd1Qa5WeU',
        };
        const operator = await s.start();
        const secret = (name: string, data: object) => ({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name },
          type: 'freehold.dev/credentials',
          stringData: data,
        });
        await s.apply(
          ...tenant(),
          secret('deep', { username: 'root', password: canaries.first, kg: canaries.hex }),
          node('secret', {
            bmc: {
              address: machine().address,
              credentialsSecretRef: { name: 'deep' },
              driverInfoFrom: [{ key: 'ipmi_hex_kg_key', secretKeyRef: { name: 'deep', key: 'kg' } }],
            },
          }),
        );
        await ready('secret');
        const before = sent().length;
        await s.kubectl([
          'patch',
          'secret',
          'deep',
          '--type=merge',
          '-p',
          JSON.stringify({ stringData: { password: canaries.second } }),
        ]);
        await annotate('secret', { 'freehold.dev/reconcile-requested-at': 'now' });
        await until('it was sent', () => sent().length > before);
        await ready('secret');
        const bodies = JSON.stringify(cloud.recorder.calls.map(({ requestBody }) => requestBody));
        for (const value of Object.values(canaries)) expect(bodies).toContain(value);
        const everything = {
          log: operator.log(),
          metrics: await operator.metrics.text(),
          resources: (await s.kubectl(['get', 'freehold,events', '-o', 'yaml'])).stdout,
          described: (await s.kubectl(['describe', 'bmn,cost'])).stdout,
        };
        expect(everything.log).toContain('PatchNode');
        for (const [where, text] of Object.entries(everything)) expect(leaks(where, text, canaries)).toEqual([]);
      }),
    );
  });
}
