import { credentials, namespace, secretType, types } from './manifests.ts';
import { inParallel } from './cluster.ts';
import { secondsSince } from './measure.ts';
import type { KubeObject, ResourceType } from '../src/kube/types.ts';
import type { World } from './world.ts';

const eventType: ResourceType = { group: '', version: 'v1', kind: 'Event', plural: 'events' };

/**
 * As many bare requests to the same API server as an operator made that has ended: what that machine can do at best. They
 * go by so many connections as the operator has.
 */
export async function kubeFloorOf(
  { api, following }: World,
  { writes, own }: { writes: Record<string, number>; own: Record<string, number> },
): Promise<{ seconds: number; requests: number }> {
  const names = Map.groupBy([...following.resources.values()], ({ kind }) => kind);
  const jobs: (() => Promise<unknown>)[] = [];
  const times = (count: number, job: (index: number) => Promise<unknown>) => {
    for (let index = 0; index < count; index += 1) jobs.push(() => job(index));
  };
  for (const [kind, ours] of names) {
    const type = types[kind];
    const { plural } = type;
    const keyOf = (index: number) => ({ namespace, name: ours[index % ours.length]!.name });
    const statusOf = (index: number) => ({ status: { lastHandledReconcileAt: `floor-${index}` } });
    times(own[`GET ${plural}.${type.group}`] ?? 0, (index) => api.get(type, keyOf(index)));
    times(writes[`PATCH ${plural}`] ?? 0, (index) =>
      api.mergePatch(type, keyOf(index), { metadata: { annotations: { floor: `${index}` } } }),
    );
    times(writes[`PATCH ${plural}/status`] ?? 0, (index) => {
      const how = { subresource: 'status', fieldManager: 'floor-patch' } as const;
      return api.mergePatch(type, keyOf(index), statusOf(index), how);
    });
    times(writes[`APPLY ${plural}/status`] ?? 0, (index) => {
      const apiVersion = `${type.group}/${type.version}`;
      const object = { apiVersion, kind, metadata: keyOf(index), ...statusOf(index) };
      return api.apply(type, keyOf(index), object, { subresource: 'status', fieldManager: 'floor' });
    });
  }
  times(writes['POST secrets'] ?? 0, (index) => api.create(secretType, credentials(`floor-${index}`, { a: 'b' })));
  times(own['GET secrets'] ?? 0, () => api.get(secretType, { namespace, name: 'sdpf' }));
  times(writes['POST events'] ?? 0, (index) => api.create(eventType, event(index)));
  const mixed = jobs.map((job) => ({ job, at: Math.random() })).toSorted((a, b) => a.at - b.at);
  const began = performance.now();
  await inParallel(mixed, ({ job }) => job());
  return { seconds: secondsSince(began), requests: jobs.length };
}

function event(index: number): KubeObject {
  const metadata = { namespace, name: `floor-${index}` };
  const rest = { involvedObject: { namespace, name: 'floor' }, reason: 'Floor', type: 'Normal', message: 'bare' };
  return { apiVersion: 'v1', kind: 'Event', metadata, ...rest };
}
