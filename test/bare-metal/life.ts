import { describe, expect, test } from 'vitest';
import type { Shown } from '../openstack/hand.ts';
import { condition, inCloud, machine, type OpenCloud } from './cloud.ts';

const field = (node: Shown | undefined, name: string) => (node?.[name] ?? {}) as Record<string, unknown>;

/** What a node goes through from its enrolment to its deletion. */
export function describeLife(title: string, open: OpenCloud) {
  const on = inCloud(open);
  describe.concurrent(`the life of a node, ${title}`, { timeout: 120_000 }, () => {
    test(
      'with nothing but driver, BMC and a port it is enrolled and verified, and nothing else is done to it',
      on(async ({ s, tenant, node, ready, sent, shown, ports, id }) => {
        const { mac } = machine();
        await s.start();
        await s.apply(...tenant(), node('plain', { ports: [{ macAddress: mac(1) }] }));
        await ready('plain');
        await s.pass(10 * 60_000);
        expect(sent()).toEqual(['POST nodes', `POST ports ${mac(1)}`, 'PUT provision manage']);
        const one = await shown(await id('plain'));
        expect(one).toMatchObject({ provision_state: 'manageable', maintenance: false, inspection_finished_at: null });
        expect((await ports(await id('plain'))).map(({ address }) => address)).toEqual([mac(1)]);
      }),
    );

    test(
      'it goes the whole way: verified, inspected, available, powered, in maintenance and out, back, and away',
      on(async ({ s, cloud, tenant, node, ready, reason, change, sent, shown, id, gone, until, get }) => {
        await s.start();
        await s.apply(
          ...tenant(),
          node('life', { inspect: 'Once', provisioning: 'Available', deletionPolicy: 'Delete' }),
        );
        await ready('life');
        const uuid = await id('life');
        const is = async (name: string) => (await shown(uuid))?.[name];
        expect(sent().filter((call) => call.startsWith('PUT'))).toEqual([
          'PUT provision manage',
          'PUT provision inspect',
          'PUT provision provide',
        ]);
        expect(await is('provision_state')).toBe('available');
        expect((await get('life')).status).toMatchObject({
          state: 'available',
          externalID: uuid,
          driver: cloud.info.driver,
        });

        for (const [power, state] of [
          ['PoweredOn', 'power on'],
          ['PoweredOff', 'power off'],
          ['PoweredOn', 'power on'],
        ] as const) {
          await change('life', { power });
          await ready('life');
          expect(await is('power_state')).toBe(state);
          expect(condition(await get('life'), 'PowerMatches')).toMatchObject({ status: 'True' });
        }
        await change('life', { power: 'Unmanaged', maintenance: { reason: 'new memory' } });
        await until('it is in maintenance', async () => (await is('maintenance')) === true);
        expect(await is('maintenance_reason')).toContain('new memory');
        await until('and says so', async () => condition(await get('life'), 'InMaintenance')?.status === 'True');
        await change('life', { maintenance: null });
        await until('it is out of it', async () => (await is('maintenance')) === false);
        await ready('life');

        await change('life', { provisioning: 'Manageable' });
        await until('it is taken back', async () => (await is('provision_state')) === 'manageable');
        await ready('life');
        const before = sent().length;
        await s.pass(10 * 60_000);
        expect(sent().slice(before)).toEqual([]);

        await s.kubectl(['delete', 'bmn', 'life', '--wait=false']);
        await gone('life');
        expect(await shown(uuid)).toBeUndefined();
        expect(sent().slice(before)).toEqual(['DELETE nodes']);
        void reason;
      }),
    );

    test(
      'an available node is made manageable before it is deleted, and goes with its ports and groups',
      on(async ({ s, tenant, node, ready, sent, shown, ports, groups, id, gone }) => {
        const { mac } = machine();
        await s.start();
        const spec = {
          provisioning: 'Available',
          deletionPolicy: 'Delete',
          portGroups: [{ name: 'bond0' }],
          ports: [{ macAddress: mac(1), portGroup: 'bond0' }],
        };
        await s.apply(...tenant(), node('away', spec));
        await ready('away');
        const uuid = await id('away');
        const before = sent().length;
        await s.kubectl(['delete', 'bmn', 'away', '--wait=false']);
        await gone('away');
        expect(sent().slice(before)).toEqual(['PUT provision manage', 'DELETE nodes']);
        expect([await shown(uuid), await ports(uuid), await groups(uuid)]).toEqual([undefined, [], []]);
      }),
    );

    test(
      'two nodes may both have a bond0; ports and groups are added, bound, changed and removed',
      on(async ({ s, cloud, tenant, node, ready, change, ports, groups, id, until, get }) => {
        const { mac } = machine();
        await s.start();
        const both = ['one', 'two'].map((name, at) =>
          node(name, {
            portGroups: [{ name: 'bond0' }],
            ports: [
              { macAddress: mac(at * 4 + 1), portGroup: 'bond0' },
              { macAddress: mac(at * 4 + 2), portGroup: 'bond0', pxeEnabled: false },
            ],
          }),
        );
        await s.apply(...tenant(), ...both);
        for (const name of ['one', 'two']) {
          await ready(name);
          const uuid = await id(name);
          const [group, ...others] = await groups(uuid);
          expect([group?.['name'], others]).toEqual([`${uuid}-bond0`, []]);
          expect((await ports(uuid)).map((port) => port['portgroup_uuid'])).toEqual([group?.uuid, group?.uuid]);
        }
        const uuid = await id('one');
        // One port leaves the group, one goes, one comes, and another group comes.
        await change('one', {
          portGroups: [{ name: 'bond0' }, { name: 'bond1' }],
          ports: [{ macAddress: mac(1) }, { macAddress: mac(3), portGroup: 'bond1' }],
        });
        await until('the change shows', async () => {
          const shown = await ports(uuid);
          return (
            shown.length === 2 &&
            shown.some(({ address }) => address === mac(3)) &&
            shown.some((port) => port['portgroup_uuid'] === null)
          );
        });
        await ready('one');
        // The groups go, and what was bound to them stays.
        await change('one', { portGroups: null, ports: [{ macAddress: mac(1) }, { macAddress: mac(3) }] });
        await until('no group is left', async () => (await groups(uuid)).length === 0);
        const end = await ready('one');
        expect((await ports(uuid)).map((port) => port['portgroup_uuid'])).toEqual([null, null]);
        expect(end.status).toMatchObject({
          ports: expect.arrayContaining([expect.objectContaining({ macAddress: mac(1) })]),
        });
        expect((await ports(await id('two'))).length).toBe(2);
        void get;
        void cloud;
      }),
    );

    test(
      'only what differs is sent, and what the spec does not name is left alone',
      on(async ({ s, cloud, tenant, node, ready, change, sent, shown, id, until }) => {
        await s.start();
        await s.apply(...tenant(), node('small', { properties: { cpus: 8, capabilities: { profile: 'small' } } }));
        await ready('small');
        const uuid = await id('small');
        await cloud.hand.patch(`/v1/nodes/${uuid}`, [
          { op: 'add', path: '/properties/serial', value: 'S1' },
          { op: 'replace', path: '/properties/capabilities', value: 'profile:small,cpu_vt:true' },
        ]);
        const before = sent().length;
        await change('small', { resourceClass: 'small', bootMode: 'UEFI', properties: { cpus: 16, memoryMB: 65536 } });
        await until('it shows', async () => (await shown(uuid))?.['resource_class'] === 'small');
        await ready('small');
        const calls = sent().slice(before);
        expect(calls).toHaveLength(1);
        expect(calls[0]!.split(' ').slice(2).sort()).toEqual(
          ['/properties/capabilities', '/properties/cpus', '/properties/memory_mb', '/resource_class'].sort(),
        );
        const properties = field(await shown(uuid), 'properties');
        expect(properties).toMatchObject({ cpus: '16', memory_mb: '65536', serial: 'S1' });
        expect(String(properties['capabilities']).split(',').sort()).toEqual([
          'boot_mode:uefi',
          'cpu_vt:true',
          'profile:small',
        ]);
      }),
    );

    test(
      'a changed BMC Secret is sent, and the password alone',
      on(async ({ s, tenant, node, ready, annotate, sent, id, shown, until, cloud }) => {
        await s.start();
        await s.apply(...tenant(), node('rotated'));
        await ready('rotated');
        const before = sent().length;
        const uuid = await id('rotated');
        const rotated = { stringData: { username: 'bmc-user', password: 'bmc-second-password' } };
        await s.kubectl(['patch', 'secret', 'cloud-bmc', '--type=merge', '-p', JSON.stringify(rotated)]);
        await annotate('rotated', { 'freehold.dev/reconcile-requested-at': '2026-01-01T00:00:00Z' });
        await until('it was sent', () => sent().length > before);
        await ready('rotated');
        await s.pass(10 * 60_000);
        const [call, ...more] = sent().slice(before);
        expect([call!.startsWith('PATCH nodes /driver_info/'), more]).toEqual([true, []]);
        const passwords = cloud.recorder.calls.flatMap(({ requestBody }) =>
          JSON.stringify(requestBody ?? '').includes('bmc-second-password') ? [requestBody] : [],
        );
        expect(passwords).toHaveLength(1);
        expect(JSON.stringify(field(await shown(uuid), 'driver_info'))).not.toContain('second-password');
        expect(JSON.stringify(passwords)).not.toContain('******');
      }),
    );

    test(
      'a one-off action runs once and leaves its result, and a new date asks anew',
      on(async ({ s, tenant, node, ready, change, sent, until, get }) => {
        await s.start();
        await s.apply(...tenant(), node('once', { power: 'PoweredOn' }));
        await ready('once');
        const reboots = () => sent().filter((call) => call === 'PUT power rebooting').length;
        const inspections = () => sent().filter((call) => call === 'PUT provision inspect').length;
        const done = async (date: string) => {
          const action = (await get('once')).status?.action;
          return action?.requestedAt === date && action.finishedAt !== undefined;
        };
        const dates = ['2099-01-01T00:00:00Z', '2099-01-02T00:00:00Z', '2099-01-03T00:00:00Z'] as const;
        await change('once', { action: { requestedAt: dates[0], verb: 'Reboot' } });
        await until('it is done', () => done(dates[0]));
        await ready('once');
        await s.pass(10 * 60_000);
        expect([reboots(), (await get('once')).status?.action?.result]).toEqual([1, 'Succeeded']);
        await change('once', { action: { requestedAt: dates[1], verb: 'Reboot' } });
        await until('it is done again', () => done(dates[1]));
        expect(reboots()).toBe(2);
        await change('once', { action: { requestedAt: dates[2], verb: 'Inspect' } });
        await until('it is inspected', () => done(dates[2]));
        expect([inspections(), (await get('once')).status?.action?.result]).toEqual([1, 'Succeeded']);
      }),
    );

    test(
      'the result of an action is kept also when another one is asked for while it runs',
      on(async ({ s, cloud, tenant, node, ready, change, sent, until, get }) => {
        await s.start();
        await s.apply(...tenant(), node('both'));
        await ready('both');
        await cloud.slow(2);
        await change('both', { action: { requestedAt: '2099-01-01T00:00:00Z', verb: 'Inspect' } });
        await until('it was sent', () => sent().includes('PUT provision inspect'));
        await change('both', { action: { requestedAt: '2099-01-02T00:00:00Z', verb: 'Reboot' } });
        await cloud.slow(0);
        await until('the second is done', async () => {
          const action = (await get('both')).status?.action;
          return action?.verb === 'Reboot' && action.finishedAt !== undefined;
        });
        const { stdout: events } = await s.kubectl(['get', 'events.events.k8s.io', '-o', 'json']);
        expect(events).toContain('Inspect of 2099-01-01');
      }),
    );

    test(
      'a cleaning that fails stalls with the words of the remote, and a dated retry leads out of it',
      on(async ({ s, tenant, node, ready, reason, change, annotate, sent, get, until }) => {
        await s.start();
        await s.apply(...tenant(), node('dirty'));
        await ready('dirty');
        const action = {
          requestedAt: '2099-01-01T00:00:00Z',
          verb: 'Clean',
          cleanSteps: [{ interface: 'deploy', step: 'no_such_step' }],
        };
        await change('dirty', { action });
        const failed = await reason('dirty', 'CleanFailed');
        expect(condition(failed, 'Stalled')).toMatchObject({ status: 'True' });
        expect(condition(failed, 'Ready')!.message).toContain('freehold.dev/retry');
        expect(condition(failed, 'Ready')!.message).toContain('no_such_step');
        expect(failed.status?.action).toMatchObject({ result: 'Failed' });
        const before = sent().length;
        await s.pass(10 * 60_000);
        expect(sent().slice(before)).toEqual([]);
        await annotate('dirty', { 'freehold.dev/retry': '2026-02-02' });
        await ready('dirty');
        await until('it is answered', async () => (await get('dirty')).status?.lastRetry === '2026-02-02');
        expect(sent().slice(before)).toContain('PUT provision manage');
        expect(sent().filter((call) => call === 'PUT provision clean')).toHaveLength(1);
      }),
    );
  });
}
