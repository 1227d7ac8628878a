import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/base/clock.ts';
import { createKubeClient } from '../../../src/kube/client.ts';
import { kubeConnection } from '../../../src/kube/config.ts';
import { KubeError, type KubeObject, type ResourceType } from '../../../src/kube/types.ts';
import type { Cluster } from '../../support/controlplane.ts';
import type { Deployment } from './helm.ts';
import { namespaces, type Pod, startPod } from './pod.ts';

/** Runs the pods of Deployments, as Deployment controller and kubelet would: the API server of the tests has neither. */
export interface Node {
  /** Those that run and are not to end, the oldest first. */
  pods(): Pod[];
  /** All that ever ran. */
  history(): Pod[];
  /** Ends all pods, and looks no more. */
  stop(): Promise<void>;
}

type LiveDeployment = Deployment & KubeObject;

interface Replica {
  pod: Pod;
  deployment: string;
  template: string;
  ready: boolean;
}

const deploymentType: ResourceType = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment' };

/** Follows all Deployments of that cluster. Throws where this machine does not let it make the namespaces of a pod. */
export function startNode(cluster: Cluster): Node {
  execFileSync('unshare', [...namespaces, 'true']);
  const api = createKubeClient({
    connection: kubeConnection({ kubeconfig: cluster.kubeconfig }),
    clock: systemClock,
  });
  const history: Pod[] = [];
  const replicas = new Set<Replica>();
  let stopped = false;

  /** The pod's end is not waited for, as a Deployment does not. */
  function end(replica: Replica): void {
    replicas.delete(replica);
    void replica.pod.end();
  }

  async function start(deployment: LiveDeployment, template: string): Promise<void> {
    const name = `${deployment.metadata.name}-${randomBytes(4).toString('hex')}`;
    const pod = await startPod(cluster, deployment, name);
    const replica = { pod, deployment: deployment.metadata.uid!, template, ready: false };
    history.push(pod);
    replicas.add(replica);
    void pod.exited.then(() => replicas.delete(replica));
  }

  async function probe(replica: Replica): Promise<void> {
    const answer = await fetch(`${replica.pod.url}/readyz`).catch(() => undefined);
    replica.ready = answer?.ok ?? false;
  }

  /** One step of a rolling update with maxUnavailable 0, and the status of it. */
  async function follow(deployment: LiveDeployment): Promise<void> {
    const { metadata, spec } = deployment;
    const template = JSON.stringify(spec.template);
    const own = [...replicas].filter((replica) => replica.deployment === metadata.uid);
    const current = own.filter((replica) => replica.template === template);
    const former = own.filter((replica) => replica.template !== template);
    await Promise.all(own.map(probe));
    const ready = own.filter((replica) => replica.ready);
    const surge = spec.strategy.rollingUpdate?.maxSurge ?? 0;
    if (current.length < spec.replicas && own.length < spec.replicas + surge) await start(deployment, template);
    else if (former[0] && ready.length > spec.replicas) end(former[0]);
    else if (current.length > spec.replicas) end(current.at(-1)!);
    const progressing = { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' };
    const status = {
      observedGeneration: metadata.generation,
      replicas: own.length,
      updatedReplicas: current.length,
      readyReplicas: ready.length,
      availableReplicas: ready.length,
      unavailableReplicas: own.length - ready.length,
      conditions: [progressing, { type: 'Available', status: ready.length >= spec.replicas ? 'True' : 'False' }],
    };
    await api.mergePatch(
      deploymentType,
      { namespace: metadata.namespace!, name: metadata.name },
      { status },
      { subresource: 'status' },
    );
  }

  async function look(): Promise<void> {
    const { items } = await api.list<LiveDeployment>(deploymentType);
    for (const replica of replicas)
      if (!items.some(({ metadata }) => metadata.uid === replica.deployment)) end(replica);
    for (const deployment of items)
      await follow(deployment).catch((error: unknown) => {
        // It was deleted since the list.
        if (!(error instanceof KubeError && error.status === 404)) throw error;
      });
  }

  const running = (async () => {
    while (!stopped) {
      await look();
      await sleep(100);
    }
  })();

  return {
    pods: () => [...replicas].map(({ pod }) => pod),
    history: () => history,
    async stop() {
      stopped = true;
      await running;
      await Promise.all(history.map((pod) => pod.end()));
      await api.close();
    },
  };
}
