import { expect, test } from 'vitest';
import type { KubeObject, Patch } from '../../src/kube/types.ts';
import { type Bench, events, type License, license, secrets } from './kube-conformance-bench.ts';

const another = '00000000-0000-4000-8000-000000000000';
const status = { subresource: 'status' } as const;

export function lifeSentences(bench: Bench): void {
  const make = (name: string, metadata: Partial<KubeObject['metadata']> = {}, spec: Partial<License['spec']> = {}) =>
    bench.api.create(bench.licenses, license(bench, name, metadata, spec));
  const read = (name: string) => bench.api.get<License>(bench.licenses, { namespace: bench.namespace, name });
  const patch = (name: string, body: Patch, options: { subresource?: 'status' } = {}) =>
    bench.api.mergePatch<License>(bench.licenses, { namespace: bench.namespace, name }, body, options);
  const remove = (name: string, preconditions?: { uid?: string; resourceVersion?: string }) =>
    bench.api.delete(bench.licenses, { namespace: bench.namespace, name }, preconditions);

  test('that is new has an identity, a version and generation 1, whatever its maker says of them', async () => {
    const sent = { uid: another, generation: 7, creationTimestamp: '2020-01-01T00:00:00Z' };
    const { metadata } = await make('new', { ...sent, deletionTimestamp: sent.creationTimestamp, labels: {} });
    expect(metadata).toMatchObject({ name: 'new', namespace: bench.namespace, generation: 1 });
    expect(metadata.uid).not.toBe(another);
    expect(metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(metadata.creationTimestamp).not.toBe(sent.creationTimestamp);
    expect(metadata).not.toHaveProperty('deletionTimestamp');
    expect(metadata).not.toHaveProperty('labels');
    expect(BigInt(metadata.resourceVersion!)).toBeGreaterThan(0n);
    await expect(make('new')).rejects.toMatchObject({ status: 409, reason: 'AlreadyExists' });
    await expect(make('old', { resourceVersion: '5' })).rejects.toMatchObject({ status: 500 });
  });

  test('has the defaults of its schema, and nothing that the schema does not know', async () => {
    const sent = { ...license(bench, 'fitted'), extra: 1, status: { externalID: 'x' } };
    Object.assign(sent.spec, { bogus: 1 });
    const made = await bench.api.create<License>(bench.licenses, sent);
    expect(made.spec).toEqual({
      ...license(bench, 'fitted').spec,
      ...{ managementPolicy: 'Manage', deletionPolicy: 'Retain', recreatePolicy: 'Never' },
    });
    expect(made).not.toHaveProperty('extra');
    expect(made.status).toEqual({ observedGeneration: -1 });
    expect(await read('fitted')).toEqual(made);
    const changed = await patch('fitted', { spec: { deletionPolicy: 'Delete', bogus: 2 } });
    expect(changed.spec).toEqual({ ...made.spec, deletionPolicy: 'Delete' });
    expect((await patch('fitted', { spec: { deletionPolicy: null } })).spec.deletionPolicy).toBe('Retain');
  });

  test('gets no new version from a write that changes nothing', async () => {
    const first = (await make('still', { annotations: { a: '1' } })).metadata.resourceVersion;
    const key = { namespace: bench.namespace, name: 'still' };
    const widget = { apiVersion: 'test.freehold.dev/v1', kind: 'Widget', metadata: key, spec: { size: 1 } };
    const plain = await bench.api.create<KubeObject>(bench.widgets, widget);
    expect(await bench.api.mergePatch(bench.widgets, key, { spec: { size: 1 } })).toEqual(plain);
    // The defaults of the status are stored by the first write of whatever kind.
    const second = (await patch('still', { metadata: { annotations: { a: '1' } } })).metadata.resourceVersion;
    expect(second).not.toBe(first);
    for (const body of [
      { metadata: { annotations: { a: '1' } } },
      { spec: { licenseType: 'windows' } },
      { spec: {} },
    ]) {
      expect((await patch('still', body)).metadata.resourceVersion).toBe(second);
    }
    expect((await patch('still', { spec: { bogus: 1 } })).metadata.resourceVersion).toBe(second);
    expect((await patch('still', { status: { externalID: 'x' } })).metadata.resourceVersion).toBe(second);
    expect((await patch('still', { status: {} }, status)).metadata.resourceVersion).toBe(second);
  });

  test('has a greater version than whatever was written before, of any type', async () => {
    const one = await make('counted');
    const metadata = { name: 'counted', namespace: bench.namespace };
    const two = await bench.api.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata });
    const three = await patch('counted', { metadata: { labels: { a: '1' } } });
    const versions = [one, two, three].map((object: KubeObject) => BigInt(object.metadata.resourceVersion!));
    expect(versions.every((version, at) => at === 0 || version > versions[at - 1]!)).toBe(true);
    const { resourceVersion } = await bench.api.list(bench.licenses, { namespace: bench.namespace });
    expect(BigInt(resourceVersion)).toBeGreaterThanOrEqual(versions[2]!);
  });

  test('has a new generation with each change of its spec, and with no other', async () => {
    await make('grown');
    expect((await patch('grown', { metadata: { labels: { a: '1' } } })).metadata.generation).toBe(1);
    expect((await patch('grown', { status: { externalID: 'x' } }, status)).metadata.generation).toBe(1);
    expect((await patch('grown', { spec: { deletionPolicy: 'Delete' } })).metadata.generation).toBe(2);
    expect((await patch('grown', { metadata: { generation: 9 } })).metadata.generation).toBe(2);
  });

  test('is written only by who knows its version, where a version is given', async () => {
    const { resourceVersion } = (await make('locked')).metadata;
    const now = await patch('locked', { metadata: { resourceVersion, labels: { a: '1' } } });
    for (const options of [{}, status]) {
      const late = patch('locked', { metadata: { resourceVersion }, status: { externalID: 'late' } }, options);
      await expect(late).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
    }
    expect(await read('locked')).toEqual(now);
    const current = { resourceVersion: now.metadata.resourceVersion };
    expect((await patch('locked', { metadata: current, status: { externalID: 'x' } }, status)).status).toMatchObject({
      externalID: 'x',
    });
  });

  test('keeps its identity: a write of another one is refused, but a status is written without looking at it', async () => {
    await make('named');
    const invalid = { status: 422, reason: 'Invalid' };
    await expect(patch('named', { metadata: { uid: another } })).rejects.toMatchObject(invalid);
    const ending = { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z' } };
    await expect(patch('named', ending)).rejects.toMatchObject(invalid);
    for (const metadata of [{ name: 'other' }, { namespace: 'other' }]) {
      await expect(patch('named', { metadata })).rejects.toMatchObject({ status: 400, reason: 'BadRequest' });
    }
    const body = { metadata: { uid: another }, status: { externalID: 'x' } };
    expect((await patch('named', body, status)).status).toMatchObject({ externalID: 'x' });
  });

  test('that is not there is undefined to a reader, false to who deletes it and an error to who changes it', async () => {
    const missing = { status: 404, reason: 'NotFound' };
    expect(await read('never')).toBeUndefined();
    expect(await remove('never')).toBe(false);
    await expect(patch('never', { metadata: { labels: { a: '1' } } })).rejects.toMatchObject(missing);
    const locked = { metadata: { uid: another, resourceVersion: '5' }, status: {} };
    await expect(patch('never', locked, status)).rejects.toMatchObject(missing);
    const unknown = { ...bench.licenses, plural: 'gadgets' };
    const there = { namespace: bench.namespace, name: 'never' };
    await expect(bench.api.get(unknown, there)).rejects.toMatchObject({ status: 404, reason: '' });
  });

  test('has a status that is written apart from all else', async () => {
    const made = await make('parted');
    const { spec } = await patch('parted', { status: { externalID: 'x' }, spec: { deletionPolicy: 'Delete' } });
    expect((await read('parted'))?.status).toEqual({ observedGeneration: -1 });
    const all = {
      metadata: { labels: { a: '1' }, finalizers: ['a.b/c'] },
      ...{ spec: { licenseType: 'other' }, status: { observedGeneration: 2, externalID: 'x', bogus: 1 } },
    };
    const written = await patch('parted', all, status);
    expect(written).toMatchObject({ spec, status: { observedGeneration: 2, externalID: 'x' } });
    expect(written.status).not.toHaveProperty('bogus');
    expect(written.metadata).toEqual({ ...made.metadata, generation: 2, resourceVersion: expect.anything() });
    expect((await patch('parted', { status: null }, status)).status).toEqual({ observedGeneration: -1 });
  });

  test('without finalizers is gone as soon as it is deleted, and made again it is another one', async () => {
    const { uid, resourceVersion } = (await make('short')).metadata;
    for (const wrong of [
      { uid: another },
      { resourceVersion: '1' },
      { uid: another, resourceVersion: resourceVersion! },
    ]) {
      await expect(remove('short', wrong)).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
    }
    expect(await remove('short', { uid: uid!, resourceVersion: resourceVersion! })).toBe(true);
    expect(await read('short')).toBeUndefined();
    expect((await make('short')).metadata.uid).not.toBe(uid);
  });

  test('with finalizers stays until the last one is taken away', async () => {
    const made = await make('held', { finalizers: ['a.b/one', 'a.b/two'] });
    expect(await remove('held')).toBe(true);
    const marked = await read('held');
    expect(marked?.metadata).toEqual({
      ...made.metadata,
      ...{ generation: 2, deletionGracePeriodSeconds: 0 },
      resourceVersion: expect.anything(),
      deletionTimestamp: expect.stringMatching(/Z$/),
    });
    expect(marked?.metadata.resourceVersion).not.toBe(made.metadata.resourceVersion);
    expect(await remove('held')).toBe(true);
    expect(await read('held')).toEqual(marked);
    await expect(remove('held', { uid: another })).rejects.toMatchObject({ status: 409 });
    await expect(make('held')).rejects.toMatchObject({ status: 409, reason: 'AlreadyExists' });
    const more = patch('held', { metadata: { finalizers: ['a.b/one', 'a.b/two', 'a.b/three'] } });
    await expect(more).rejects.toMatchObject({ status: 422, reason: 'Invalid' });
    expect((await patch('held', { metadata: { deletionTimestamp: null } })).metadata).toEqual(marked?.metadata);
    expect((await patch('held', { metadata: { finalizers: ['a.b/two'] } })).metadata.generation).toBe(2);
    expect((await patch('held', { spec: { deletionPolicy: 'Delete' } })).metadata.generation).toBe(3);
    const before = await patch('held', { status: { externalID: 'x' } }, status);

    const since = { ...before.metadata };
    const gone = await patch('held', { metadata: { finalizers: [], labels: { a: '1' } } });
    // Answered is what would have been written, under the version that was there.
    const { finalizers: _none, ...rest } = before.metadata;
    expect(gone).toEqual({ ...before, metadata: { ...rest, labels: { a: '1' } } });
    expect(await read('held')).toBeUndefined();
    const [event] = await events(bench, bench.licenses, since.resourceVersion!, 1);
    // Told is what was stored last, under a new version.
    expect(event?.type).toBe('DELETED');
    expect(event?.object).toEqual({ ...before, metadata: { ...since, resourceVersion: expect.anything() } });
    expect(BigInt(event!.object.metadata.resourceVersion!)).toBeGreaterThan(BigInt(since.resourceVersion!));
  });

  test('loses a map or list of its metadata with the last entry of it', async () => {
    await make('tidy', { finalizers: ['a.b/c'], labels: { a: '1' }, annotations: { a: '1' } });
    const { metadata } = await patch('tidy', { metadata: { finalizers: [], labels: { a: null }, annotations: null } });
    for (const field of ['finalizers', 'labels', 'annotations']) expect(metadata).not.toHaveProperty(field);
  });

  test('that is a Secret encodes what it is given as text, and never changes its type', async () => {
    const key = { namespace: bench.namespace, name: 'secret' };
    const sent = { apiVersion: 'v1', kind: 'Secret', metadata: key, stringData: { a: '1' }, data: { b: 'Mg==' } };
    const made = await bench.api.create<KubeObject>(secrets, sent);
    expect(made).toMatchObject({ type: 'Opaque', data: { a: 'MQ==', b: 'Mg==' } });
    expect(made).not.toHaveProperty('stringData');
    expect(made.metadata).not.toHaveProperty('generation');
    const more = await bench.api.mergePatch(secrets, key, { stringData: { a: '2' } });
    expect(more).toMatchObject({ data: { a: 'Mg==', b: 'Mg==' } });
    const same = await bench.api.mergePatch(secrets, key, { stringData: { a: '2' } });
    expect(same.metadata.resourceVersion).toBe(more.metadata.resourceVersion);
    const typed = bench.api.mergePatch(secrets, key, { type: 'freehold.dev/other' });
    await expect(typed).rejects.toMatchObject({ status: 422, reason: 'Invalid' });
    expect(await bench.api.mergePatch(secrets, key, { data: { a: null, b: null } })).not.toHaveProperty('data');
    const stated = bench.api.mergePatch(secrets, key, { status: {} }, status);
    await expect(stated).rejects.toMatchObject({ status: 404 });
    await bench.api.mergePatch(secrets, key, { immutable: true });
    const fixed = bench.api.mergePatch(secrets, key, { stringData: { a: '3' } });
    await expect(fixed).rejects.toMatchObject({ status: 422, reason: 'Invalid' });
  });
}
