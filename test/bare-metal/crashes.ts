import { describe, expect, test } from 'vitest';
import type { OperatorProcess } from '../support/scenario.ts';
import { until } from '../support/wait.ts';
import { condition, inCloud, machine, type OpenCloud } from './cloud.ts';

/** Processes that end in the middle of their work: the conductor's, and our own. */
export function describeCrashes(title: string, open: OpenCloud) {
  const on = inCloud(open);
  describe(`sudden ends, ${title}`, { timeout: 180_000 }, () => {
    test(
      'a conductor that is killed while nodes are cleaning leaves each where it was to be, or stalled with its words',
      on(async ({ s, cloud, tenant, node, ready, get, change, annotate, sent, shown, id, until: wait, own }) => {
        const names = Array.from({ length: 6 }, (_, at) => `n${at}`);
        await s.start();
        await s.apply(...tenant(), ...names.map((name) => node(name, { ports: [{ macAddress: machine().mac(1) }] })));
        for (const name of names) await ready(name);
        await cloud.slow(4);
        for (const name of names) await change(name, { provisioning: 'Available' });
        await wait('some are being cleaned', async () => {
          const states = await Promise.all(
            names.map(async (name) => (await shown(await id(name)))?.['provision_state']),
          );
          return states.filter((state) => state === 'cleaning').length >= 2;
        });
        await cloud.crash();
        await cloud.slow(0);
        let failed = 0;
        for (const name of names) {
          await wait(`${name} comes to a rest`, async () => {
            const { reason, observedGeneration } = condition(await get(name), 'Ready') ?? {};
            return observedGeneration === 2 && ['Ready', 'CleanFailed'].includes(String(reason));
          });
          const one = await get(name);
          if (condition(one, 'Ready')?.status === 'True') continue;
          failed += 1;
          expect(condition(one, 'Stalled')).toMatchObject({ status: 'True', reason: 'CleanFailed' });
          expect(condition(one, 'Ready')!.message).toContain("can't be resumed");
          await annotate(name, { 'freehold.dev/retry': '2026-03-03' });
        }
        expect(failed).toBeGreaterThan(0);
        for (const name of names) {
          await ready(name);
          expect((await shown(await id(name)))?.['provision_state']).toBe('available');
        }
        expect((await own()).length).toBe(names.length);
        expect(sent().filter((call) => call.startsWith('DELETE') || call === 'POST nodes')).toHaveLength(names.length);
      }),
    );

    test(
      'an operator that is killed after each POST makes nothing twice and leaves nothing behind',
      on(async ({ s, cloud, tenant, node, own, ports, groups, id, get, sent }) => {
        let process: OperatorProcess | undefined;
        const start = () => {
          process = s.spawn('--lease-duration', '4s', '--renew-deadline', '3s', '--retry-period', '1s');
        };
        const well = (name: string) =>
          until(
            `${name} is Ready`,
            async () => {
              // The simulated cloud works on the scenario's clock, the operator on the real one.
              s.clock.advance(500);
              return condition(await get(name), 'Ready')?.status === 'True';
            },
            60_000,
          ).catch((error: unknown) => {
            throw new Error(`${String(error)}; sent: ${sent().join(', ')}; ${process?.output().slice(-3000)}`);
          });
        start();
        await s.apply(...tenant({ pollInterval: 5 }), node('first'));
        await well('first');
        for (const what of ['nodes', 'portgroups', 'ports']) {
          const { mac } = machine();
          const cuts = () => cloud.recorder.calls.filter(({ cut, status }) => cut && status !== undefined).length;
          const before = cuts();
          cloud.recorder.drop({ method: 'POST', path: new RegExp(`/v1/${what}$`) });
          const name = `killed-${what}`;
          await s.apply(
            node(name, { portGroups: [{ name: 'bond0' }], ports: [{ macAddress: mac(1), portGroup: 'bond0' }] }),
          );
          await until(
            `POST ${what} was done`,
            () => {
              s.clock.advance(500);
              return cuts() > before;
            },
            30_000,
          );
          await process!.kill();
          start();
          await well(name);
          const uuid = await id(name);
          expect([(await groups(uuid)).length, (await ports(uuid)).length]).toEqual([1, 1]);
        }
        expect((await own()).length).toBe(4);
        expect(sent().filter((call) => call.startsWith('DELETE'))).toEqual([]);
        await process!.stop();
      }),
    );
  });
}
