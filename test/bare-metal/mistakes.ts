import { describe, expect, test } from 'vitest';
import { condition, inCloud, machine, type OpenCloud } from './cloud.ts';

/** What people get wrong: each has its own reason and message, and none deletes or makes anything twice. */
export function describeMistakes(title: string, open: OpenCloud) {
  const on = inCloud(open);
  describe.concurrent(`mistakes, ${title}`, { timeout: 120_000 }, () => {
    test(
      'a BMC that a stranger registered is theirs, until it is free',
      on(async ({ s, cloud, tenant, node, ready, reason, sent }) => {
        const { address } = machine();
        const { driver } = cloud.info;
        const made = await cloud.hand.post('/v1/nodes', {
          driver,
          driver_info: { ipmi_address: address.toUpperCase() },
        });
        await s.start();
        await s.apply(...tenant(), node('late', { bmc: { address, port: 623 } }));
        const stopped = await reason('late', 'BMCTaken');
        expect(condition(stopped, 'Stalled')).toMatchObject({ status: 'True' });
        expect(condition(stopped, 'Ready')!.message).toContain(made.uuid);
        expect(sent()).toEqual([]);
        await cloud.hand.delete(`/v1/nodes/${made.uuid}`);
        await ready('late');
      }),
    );

    test(
      'of two resources with one BMC the first has it, and the second says who',
      on(async ({ s, tenant, node, ready, reason, own, change }) => {
        const { address } = machine();
        await s.start();
        await s.apply(...tenant(), node('one', { bmc: { address } }));
        await ready('one');
        await s.apply(node('two', { bmc: { address } }), node('three'));
        expect(condition(await reason('two', 'BMCTaken'), 'Ready')!.message).toContain('one');
        await ready('three');
        await change('three', { bmc: { address } });
        expect(condition(await reason('three', 'BMCTaken'), 'Ready')!.message).toContain('one');
        await s.pass(60_000);
        expect((await own()).length).toBe(2);
      }),
    );

    test(
      'a name that a stranger has is NameTaken, and the node is made under another one',
      on(async ({ s, cloud, tenant, node, ready, reason, change, own, sent }) => {
        const name = `host-${machine().address.replaceAll('.', '-')}`;
        const made = await cloud.hand.post('/v1/nodes', { driver: cloud.info.driver, name });
        await s.start();
        await s.apply(...tenant(), node('named', { name }));
        const stopped = await reason('named', 'NameTaken');
        expect(condition(stopped, 'Stalled')).toMatchObject({ status: 'True' });
        expect(condition(stopped, 'Ready')!.message).toContain(name);
        await change('named', { name: `${name}-b` });
        await ready('named');
        expect((await own()).map((one) => one['name'])).toEqual([`${name}-b`]);
        expect(sent().filter((call) => call.startsWith('DELETE'))).toEqual([]);
        await cloud.hand.delete(`/v1/nodes/${made.uuid}`);
      }),
    );

    test(
      "a MAC address that is on a stranger's node is AddressTaken, and theirs stays as it is",
      on(async ({ s, cloud, tenant, node, reason, ready, change, ports, sent }) => {
        const { mac } = machine();
        const made = await cloud.hand.post('/v1/nodes', { driver: cloud.info.driver });
        await cloud.hand.post('/v1/ports', { node_uuid: made.uuid, address: mac(1) });
        await s.start();
        await s.apply(...tenant(), node('wired', { ports: [{ macAddress: mac(1) }] }));
        const stopped = await reason('wired', 'AddressTaken');
        expect(condition(stopped, 'Ready')!.message).toContain(mac(1));
        // It may become free: it is asked for again, and rarely.
        const before = sent().length;
        await s.pass(30 * 60_000);
        expect(sent().slice(before).length).toBeLessThanOrEqual(3);
        await change('wired', { ports: [{ macAddress: mac(2) }] });
        await ready('wired');
        expect((await ports(made.uuid)).map(({ address }) => address)).toEqual([mac(1)]);
        expect(sent().filter((call) => call.startsWith('DELETE'))).toEqual([]);
        await cloud.hand.delete(`/v1/nodes/${made.uuid}`);
      }),
    );

    test(
      'a BMC that refuses or does not answer is VerifyFailed, in the words of the remote, and is not hammered',
      on(async ({ s, cloud, tenant, node, reason, sent, own, shown, id }) => {
        await s.start();
        await s.apply(...tenant(), node('dark', await cloud.brokenBMC()));
        const waiting = await reason('dark', 'VerifyFailed');
        expect(condition(waiting, 'Stalled')?.status).not.toBe('True');
        expect(condition(waiting, 'Ready')!.message).toContain('Failed to get power state');
        expect((await shown(await id('dark')))?.['provision_state']).toBe('enroll');
        await s.pass(20 * 60_000);
        // Within 20 minutes: at once, after 5 and after 15.
        expect(sent().filter((call) => call === 'PUT provision manage').length).toBeLessThanOrEqual(4);
        expect(sent().filter((call) => call.startsWith('DELETE') || call === 'POST nodes')).toEqual(['POST nodes']);
        expect((await own()).length).toBe(1);
      }),
    );

    test(
      'a driver that nobody serves is DriverUnknown, and a corrected one is taken',
      on(async ({ s, cloud, tenant, node, ready, reason, change, own }) => {
        await s.start();
        await s.apply(...tenant(), node('typo', { driver: 'fake-hardwear' }));
        expect(condition(await reason('typo', 'DriverUnknown'), 'Ready')!.message).toContain('fake-hardwear');
        expect((await own()).length).toBe(0);
        await change('typo', { driver: cloud.info.driver });
        await ready('typo');
        expect((await own()).length).toBe(1);
      }),
    );

    test(
      'a microversion that the remote does not speak is VersionRefused, of the tenant and of its nodes',
      on(async ({ s, tenant, node, reason, until, sent }) => {
        await s.start();
        await s.apply(...tenant({ microversion: '1.999' }), node('future'));
        await until('the tenant says so', async () => {
          const found = condition((await s.get('CloudOSTenant', 'cloud'))!, 'Ready');
          return found?.reason === 'VersionRefused';
        });
        expect(condition(await reason('future', 'VersionRefused'), 'Ready')!.message).toContain('1.999');
        expect(sent()).toEqual([]);
      }),
    );

    test(
      'a wrong password of the user and an unknown project are CredentialsRefused, with nothing sent',
      on(async ({ s, tenant, node, reason, sent }) => {
        await s.start();
        await s.apply(...tenant({ project: 'no-such-project' }), node('nowhere'));
        await reason('nowhere', 'CredentialsRefused');
        expect(sent()).toEqual([]);
      }),
    );

    test(
      'a spec that the remote refuses stalls with its words, and goes on once it is mended',
      on(async ({ s, tenant, node, ready, change, until, get }) => {
        const { mac } = machine();
        await s.start();
        await s.apply(...tenant(), node('half', { name: 'no/slash', ports: [{ macAddress: mac(1) }] }));
        await until('it is refused', async () => condition(await get('half'), 'Stalled')?.status === 'True');
        expect(condition(await get('half'), 'Ready')!.reason).toBe('InvalidSpec');
        expect(condition(await get('half'), 'Ready')!.message).toContain('no/slash');
        await change('half', { name: null });
        await ready('half');
      }),
    );
  });
}
