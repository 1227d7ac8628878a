import { expect, test } from 'vitest';
import { fenced } from '../../src/kube/fenced.ts';
import type { KubeApi, ResourceType } from '../../src/kube/types.ts';

const type: ResourceType = { group: '', version: 'v1', plural: 'things', kind: 'Thing' };
const key = { namespace: 'a', name: 'x' };
const object = { apiVersion: 'v1', kind: 'Thing', metadata: key };

test('no write passes the fence, every read does', async () => {
  const passed: string[] = [];
  const api = new Proxy({} as KubeApi, {
    get: (_, name) => () => {
      passed.push(String(name));
      return Promise.resolve();
    },
  });
  let held = false;
  const guarded = fenced(api, () => {
    if (!held) {
      throw new Error('the lease is lost');
    }
  });
  const writes = [
    () => guarded.create(type, object),
    () => guarded.mergePatch(type, key, {}),
    () => guarded.apply(type, key, {}, { fieldManager: 'freehold' }),
    () => guarded.delete(type, key),
  ];
  for (const write of writes) {
    await expect(write()).rejects.toThrow('the lease is lost');
  }
  await guarded.get(type, key);
  await guarded.list(type);
  expect(passed).toEqual(['get', 'list']);
  held = true;
  for (const write of writes) {
    await write();
  }
  expect(passed.slice(2)).toEqual(['create', 'mergePatch', 'apply', 'delete']);
});
