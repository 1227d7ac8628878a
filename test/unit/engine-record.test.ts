import { expect, test } from 'vitest';
import { typeOf } from '../../src/engine/kind.ts';
import { KubeUnreachable } from '../../src/kube/types.ts';
import { createToyWorld, toyServer } from '../support/toy-world.ts';

test('a record whose answer was lost ends its create: when that server is lost, another one is bought, and the dead one is not taken', async () => {
  const { start, make, pass, kube, remote, get, ready, end } = await createToyWorld({ kind: toyServer });
  await start();
  await make('other', { recreatePolicy: 'Always' });
  await pass(30);
  let lost = 0;
  kube.intercept = ({ body, verb }) => {
    const { externalID } = (body['status'] ?? {}) as { externalID?: string };
    if (verb !== 'mergePatch' || typeof externalID !== 'string' || lost > 0) return;
    lost += 1;
    // It is written, and nobody hears of it.
    const { resourceVersion: _, ...metadata } = body['metadata'] as Record<string, unknown>;
    const key = { namespace: 'shop', name: 'web' };
    void kube.mergePatch(typeOf(toyServer), key, { ...body, metadata }, { subresource: 'status' });
    throw new KubeUnreachable('connection reset', undefined);
  };
  await make('web', { recreatePolicy: 'Always' });
  await pass(30);
  const first = (await get('web'))!.status!.externalID!;
  expect([lost, (await ready('web'))!.status, remote.held.nodes.has(first)]).toEqual([1, 'True', true]);

  remote.held.nodes.delete(first);
  await pass(1200);
  const second = (await get('web'))!.status!.externalID!;
  expect([(await ready('web'))!.status, second === first, remote.held.nodes.has(second)]).toEqual([
    'True',
    false,
    true,
  ]);
  expect(remote.calls.filter((call) => call.startsWith('POST'))).toHaveLength(3);
  await end();
});
