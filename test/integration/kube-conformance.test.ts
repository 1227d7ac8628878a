import { afterAll } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { kubeConnection } from '../../src/kube/config.ts';
import { sharedCluster } from '../support/controlplane.ts';
import { kubeConformance } from '../support/kube-conformance.ts';
import { makeNamespace } from '../support/widget.ts';

let api: KubeClient | undefined;

kubeConformance('a real API server', async () => {
  const { kubeconfig } = await sharedCluster();
  api = createKubeClient({ connection: kubeConnection({ kubeconfig }), clock: systemClock });
  return { api, namespace: await makeNamespace(api) };
});

afterAll(async () => {
  await api?.close();
});
