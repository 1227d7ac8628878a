import type { Shown } from '../openstack/hand.ts';
import { type EmptyIronic, type OpenStack } from '../support/openstack.ts';
import { startRecorder } from '../support/recorder.ts';
import type { Scenario } from '../support/scenario.ts';
import type { Cloud } from './cloud.ts';

let deadPort = 1;

/** A real Ironic; several tests may share one, so each removes its own nodes only. */
export const realCloud =
  (openStack: () => Promise<Omit<OpenStack, 'stop'>>) =>
  async (s: Scenario): Promise<Cloud> => {
    const real = await openStack();
    const { endpoint } = real.info;
    const recorder = await startRecorder(endpoint);
    let empty: EmptyIronic | undefined;
    const ours = ({ extra }: Shown) =>
      String((extra as { freehold?: string } | null)?.freehold).startsWith(`${s.ownerID}/${s.namespace}/`);
    return {
      info: real.info,
      path: '',
      recorder,
      hand: real.ironic,
      // Its work takes real time, some 100 ms a transition.
      step: 1_000,
      crash: () => real.crash(),
      async empty(on) {
        if (on) empty ??= await real.emptyIronic();
        recorder.upstream = on ? empty!.endpoint : endpoint;
      },
      slow: (seconds) => real.delay(seconds),
      // Nobody listens there; a name of its own makes it another BMC for each test.
      brokenBMC: () =>
        Promise.resolve({
          driver: 'redfish',
          bmc: {
            address: `http://127.0.0.1:${(deadPort += 1)}`,
            credentialsSecretRef: { name: 'cloud-bmc' },
            driverInfo: { redfish_system_id: '/redfish/v1/Systems/1' },
          },
        }),
      async end() {
        await recorder.close();
        await empty?.stop();
        for (const node of (await real.ironic.nodes()).filter(ours)) {
          // In maintenance Ironic deletes a node in any state, once nobody works on it.
          await real.ironic.settled(node.uuid);
          await real.ironic.call('PUT', `/v1/nodes/${node.uuid}/maintenance`, {});
          await real.ironic.call('DELETE', `/v1/nodes/${node.uuid}`);
        }
      },
    };
  };
