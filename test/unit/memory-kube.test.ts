import { describe, expect, test } from 'vitest';
import type { KubeObject, WatchEvent } from '../../src/kube/types.ts';
import { kubeConformance } from '../support/kube-conformance.ts';
import { memoryKubeApi } from '../support/memory-kube/api.ts';
import { type Commit, createMemoryKube, type MemoryKube } from '../support/memory-kube/memory-kube.ts';

function opened(): MemoryKube {
  let uids = 0;
  const kube = createMemoryKube({ now: () => Date.parse('2026-01-01T00:00:00Z'), uid: () => `uid-${(uids += 1)}` });
  kube.onCommit(({ type, after }) => {
    if (type.plural === 'customresourcedefinitions' && after) kube.define(after);
  });
  return kube;
}

kubeConformance('the one in memory', async () => {
  const kube = opened();
  return { api: memoryKubeApi(kube), namespace: 'shop', compact: async () => kube.compact() };
});

describe('besides, the Kubernetes in memory', () => {
  const leases = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease' };
  const key = { namespace: 'shop', name: 'one' };
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key } as KubeObject;

  test('gives out what nobody can change, and keeps nothing of what it is given', () => {
    const kube = opened();
    const labels = { a: '1' };
    kube.create(leases, { ...lease, metadata: { ...key, labels } });
    labels.a = '2';
    const read = kube.get(leases, key)!;
    expect(read.metadata.labels).toEqual({ a: '1' });
    expect(() => (read.metadata.labels!['a'] = '3')).toThrow(TypeError);
  });

  test('tells of every commit before and after, and of nothing that was none', () => {
    const kube = opened();
    const commits: Commit[] = [];
    kube.onCommit((commit) => void commits.push(commit));
    kube.create(leases, lease, { fieldManager: 'freehold' });
    kube.mergePatch(leases, key, { spec: { holderIdentity: 'a' } });
    kube.mergePatch(leases, key, { spec: { holderIdentity: 'a' } });
    kube.delete(leases, key);
    expect(commits.map(({ verb, before, after }) => [verb, before !== undefined, after !== undefined])).toEqual([
      ['create', false, true],
      ['mergePatch', true, true],
      ['delete', true, false],
    ]);
    expect(commits[0]).toMatchObject({ type: leases, fieldManager: 'freehold', subresource: undefined });
  });

  test('sends bookmarks, tells events in order even when one causes the next, and nothing after the end', () => {
    const kube = opened();
    const seen: string[] = [];
    const see = (who: string) => (event: WatchEvent<KubeObject>) => {
      if (event.type === 'ADDED' && who === 'first') kube.mergePatch(leases, key, { spec: { holderIdentity: 'a' } });
      seen.push(`${who} ${event.type}`);
    };
    const from = { resourceVersion: kube.list(leases).resourceVersion };
    const ends = ['first', 'second'].map((who) => kube.subscribe(leases, from, see(who)));
    kube.create(leases, lease);
    expect(seen).toEqual(['first ADDED', 'second ADDED', 'first MODIFIED', 'second MODIFIED']);
    ends[0]!();
    kube.bookmark();
    kube.delete(leases, key);
    expect(seen.slice(4)).toEqual(['second BOOKMARK', 'second DELETED']);
  });

  test('shows the defaults of a definition that came later, and stores them with the next write', () => {
    const kube = opened();
    const type = { group: 'test.freehold.dev', version: 'v1', plural: 'things', kind: 'Thing' };
    const define = (spec: object) => {
      const schema = {
        openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: spec } } },
      };
      const versions = [{ name: 'v1', storage: true, schema }];
      kube.define({ spec: { group: type.group, names: type, versions } });
    };
    define({});
    const made = kube.create(type, { ...lease, spec: {} } as KubeObject);
    define({ size: { type: 'integer', default: 3 } });
    expect(kube.get(type, key)).toMatchObject({ metadata: made.metadata, spec: { size: 3 } });
    const written = kube.mergePatch(type, key, {});
    expect(written).toMatchObject({ spec: { size: 3 } });
    expect(written.metadata.resourceVersion).not.toBe(made.metadata.resourceVersion);
  });
});
