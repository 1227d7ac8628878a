import type { KubeApi, KubeObject, ResourceType, WatchEvent } from '../../src/kube/types.ts';

/** An API server under test. */
export interface KubeUnderTest {
  api: KubeApi;
  /** An empty one. */
  namespace: string;
  /** Makes it forget its history, where that can be done at will. */
  compact?: () => Promise<void>;
}

export interface Bench extends KubeUnderTest {
  widgets: ResourceType;
  /** A kind of our own, with defaults, a status, conditions and a journal. */
  licenses: ResourceType;
}

export interface License extends KubeObject {
  spec: { tenantRef: { name: string }; licenseType?: string; deletionPolicy?: string };
  status?: Record<string, unknown> & { conditions?: Condition[] };
}

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  observedGeneration: number;
  lastTransitionTime: string;
}

export const secrets: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };

export function license(
  { namespace }: Bench,
  name: string,
  metadata: Partial<KubeObject['metadata']> = {},
  spec: Partial<License['spec']> = {},
): License {
  return {
    apiVersion: 'sdpf.freehold.dev/v1alpha1',
    kind: 'GuestLicense',
    metadata: { name, namespace, ...metadata },
    spec: { tenantRef: { name: 't' }, licenseType: 'windows', ...spec },
  };
}

export function condition(type: string, status = 'True', reason = 'Because'): Condition {
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  return { type, status, reason, message: 'm', observedGeneration: 1, lastTransitionTime };
}

/** The first `count` events since that version. */
export async function events(
  { api, namespace }: Bench,
  type: ResourceType,
  resourceVersion: string,
  count: number,
  more: { fieldSelector?: string } = {},
): Promise<WatchEvent<License>[]> {
  const { signal, abort } = stopper();
  const seen: WatchEvent<License>[] = [];
  const options = { namespace, resourceVersion, timeoutSeconds: 60, signal, ...more };
  for await (const event of api.watch<License>(type, options)) {
    if (event.type === 'BOOKMARK') continue;
    seen.push(event);
    if (seen.length === count) abort();
  }
  return seen;
}

function stopper(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
