import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Nothing is timed by this: on a busy machine a minute ends only what hangs.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Integration tests wait for real servers more than they compute: more of them at once than cores.
    maxWorkers: 3,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/planted/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'simulation', include: ['test/simulation/**/*.test.ts'], fileParallelism: false },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: 'test/support/controlplane-global.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'ironic',
          include: ['test/ironic/**/*.test.ts'],
          globalSetup: ['test/support/controlplane-global.ts', 'test/openstack/global.ts'],
          // All files share one Ironic, and kill it.
          fileParallelism: false,
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'packaging',
          include: ['test/packaging/**/*.test.ts'],
          globalSetup: 'test/support/controlplane-global.ts',
          testTimeout: 180_000,
        },
      },
    ],
  },
});
