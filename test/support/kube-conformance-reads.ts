import { expect, test } from 'vitest';
import type { KubeObject, ListOptions } from '../../src/kube/types.ts';
import { type Bench, events, license, secrets } from './kube-conformance-bench.ts';

export function readSentences(bench: Bench): void {
  const make = (name: string, metadata: Partial<KubeObject['metadata']> = {}) =>
    bench.api.create(bench.licenses, license(bench, name, metadata));
  const label = (name: string, value: string) =>
    bench.api.mergePatch(bench.licenses, { namespace: bench.namespace, name }, { metadata: { labels: { value } } });
  const versionNow = async () =>
    (await bench.api.list(bench.licenses, { namespace: bench.namespace, limit: 1 })).resourceVersion;

  test('of a list gets it by name, of one namespace, and only what it selects', async () => {
    for (const [name, of] of [
      ['list-b', 'x'],
      ['list-a', 'y'],
      ['list-c', 'x'],
    ] as const) {
      await make(name, { labels: { of, ['list']: 'yes' } });
    }
    const names = async (options: ListOptions) => {
      const { items } = await bench.api.list(bench.licenses, { namespace: bench.namespace, ...options });
      return items.map(({ metadata }) => metadata.name);
    };
    expect(await names({ labelSelector: 'list' })).toEqual(['list-a', 'list-b', 'list-c']);
    expect(await names({ labelSelector: 'list=yes,of!=y' })).toEqual(['list-b', 'list-c']);
    expect(await names({ labelSelector: 'list,of in (y, z)' })).toEqual(['list-a']);
    expect(await names({ labelSelector: 'list,of notin (y)' })).toEqual(['list-b', 'list-c']);
    expect(await names({ labelSelector: 'list,!of' })).toEqual([]);
    expect(await names({ fieldSelector: 'metadata.name=list-c' })).toEqual(['list-c']);
    expect(await names({ namespace: 'elsewhere', labelSelector: 'list' })).toEqual([]);
    expect(await names({ labelSelector: 'list', limit: 1 })).toHaveLength(3);
    const wrong = bench.api.list(bench.licenses, { fieldSelector: 'spec.licenseType=x' });
    await expect(wrong).rejects.toMatchObject({ status: 400, reason: 'BadRequest' });
  });

  test('of a watch from a list misses nothing and sees nothing twice, in order', async () => {
    await make('before');
    const from = await versionNow();
    const made = await make('watched', { finalizers: ['a.b/c'] });
    const first = await label('watched', '1');
    await label('watched', '1');
    const key = { namespace: bench.namespace, name: 'watched' };
    const stated = { observedGeneration: 1 };
    const options = { fieldManager: 'freehold', subresource: 'status' } as const;
    const { apiVersion, kind } = license(bench, 'watched');
    const body = { apiVersion, kind, metadata: { name: 'watched' }, status: stated };
    const second = await bench.api.apply(bench.licenses, key, body, options);
    await bench.api.delete(bench.licenses, key);
    await bench.api.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: key });
    await bench.api.mergePatch(bench.licenses, key, { metadata: { finalizers: null } });
    const again = await make('watched');
    const seen = await events(bench, bench.licenses, from, 6);
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'MODIFIED', 'DELETED', 'ADDED']);
    const objects = seen.map(({ object }) => object);
    expect([objects[0], objects[1], objects[2], objects[5]]).toEqual([made, first, second, again]);
    expect(objects[3]?.metadata).toHaveProperty('deletionTimestamp');
    const versions = objects.map(({ metadata }) => BigInt(metadata.resourceVersion!));
    expect(versions.every((version, at) => at === 0 || version > versions[at - 1]!)).toBe(true);
  });

  test('of a watch goes on from any event that it saw, with what comes later', async () => {
    const made = await make('resumed');
    const first = await label('resumed', '1');
    const watching = events(bench, bench.licenses, first.metadata.resourceVersion!, 2);
    await label('resumed', '2');
    await label('resumed', '3');
    expect((await watching).map(({ object }) => object.metadata.labels)).toEqual([{ value: '2' }, { value: '3' }]);
    const all = await events(bench, bench.licenses, made.metadata.resourceVersion!, 3);
    expect(all.map(({ object }) => object.metadata.labels?.['value'])).toEqual(['1', '2', '3']);
  });

  test('of a watch of one name hears of no other', async () => {
    const from = await versionNow();
    await make('loud');
    await make('alone');
    await label('loud', '1');
    await label('alone', '1');
    const seen = await events(bench, bench.licenses, from, 2, { fieldSelector: 'metadata.name=alone' });
    expect(seen.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
      'ADDED alone',
      'MODIFIED alone',
    ]);
  });

  test('of a watch from before what is remembered is told that it is too old, and a list helps', async () => {
    await make('recent');
    await bench.compact?.();
    // A real one remembers of a kind what happened since that was defined, at most.
    const late = events(bench, bench.licenses, '1', 1);
    await expect(late).rejects.toMatchObject({ status: 410, reason: 'Expired' });
    const from = await versionNow();
    await label('recent', '1');
    expect(await events(bench, bench.licenses, from, 1)).toMatchObject([{ type: 'MODIFIED' }]);
  });
}
