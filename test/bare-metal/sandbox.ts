import { handOn } from '../openstack/hand.ts';
import { signIn } from '../support/openstack.ts';
import { startRecorder } from '../support/recorder.ts';
import type { Scenario } from '../support/scenario.ts';
import { type Cloud, machine } from './cloud.ts';

/** The simulated gateway (`seed` or `ironic`: whose success codes it answers), or the simulated Ironic behind it. */
export const sandboxCloud =
  (door: 'seed' | 'ironic' | 'plain') =>
  async ({ sandbox }: Scenario): Promise<Cloud> => {
    const { cloudos: info } = sandbox.info;
    const plain = door === 'plain';
    if (!plain) await sandbox.set({ gatewayCodes: door });
    const recorder = await startRecorder(plain ? info.plainEndpoint : info.endpoint);
    return {
      info,
      path: plain ? '' : '/os/kinton/v1',
      recorder,
      hand: handOn(info.plainEndpoint, () => signIn({ ...info, endpoint: info.plainEndpoint, region: '' })),
      step: 5_000,
      crash: () => sandbox.control('POST', 'crash-ironic'),
      empty: (on) => sandbox.set({ hideNodes: on, hidePorts: on }),
      slow: (seconds) => sandbox.set({ cleanSeconds: seconds * 5 + 1 }),
      async brokenBMC() {
        const { address } = machine();
        await sandbox.control('PUT', 'bmcs', { address, username: 'bmc-user', password: 'another-one' });
        return { driver: 'ipmi', bmc: { address, credentialsSecretRef: { name: 'cloud-bmc' } } };
      },
      end: () => recorder.close(),
    };
  };
