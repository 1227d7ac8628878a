import { sharedOpenStackDirectory, startOpenStack } from '../support/openstack.ts';

/** Vitest's globalSetup for the tests against a real Ironic: one for all of them. */
export default async function setup(): Promise<() => Promise<void>> {
  const openStack = await startOpenStack();
  process.env[sharedOpenStackDirectory] = openStack.directory;
  return () => openStack.stop();
}
