import type { KubeObject } from '../../src/kube/types.ts';

/** A Secret as people write one for credentials. */
export const credentialsSecret = (namespace: string, name: string, stringData: Record<string, string>) =>
  ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    type: 'freehold.dev/credentials',
    stringData,
  }) satisfies KubeObject & Record<string, unknown>;
