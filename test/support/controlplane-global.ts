import { sharedKubeconfig, startControlPlane } from './controlplane.ts';

/**
 * Vitest's globalSetup for the integration tests: one control plane for all of them (about 4 s to start, 280 MB). A
 * kubeconfig in FREEHOLD_TEST_KUBECONFIG takes its place.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[sharedKubeconfig]) {
    return undefined;
  }
  const controlPlane = await startControlPlane();
  process.env[sharedKubeconfig] = controlPlane.kubeconfig;
  return () => controlPlane.stop();
}
