import { expect, test } from 'vitest';
import type { KubeObject, Patch } from '../../src/kube/types.ts';
import { type Bench, condition, type License, license } from './kube-conformance-bench.ts';

export function applySentences(bench: Bench): void {
  const key = (name: string) => ({ namespace: bench.namespace, name });
  const make = (name: string) => bench.api.create(bench.licenses, license(bench, name));
  /** As the operator reports. */
  const report = (name: string, status: Patch | undefined, metadata: Patch = {}, fieldManager = 'freehold') => {
    const { apiVersion, kind } = license(bench, name);
    const body = { apiVersion, kind, metadata: { name, ...metadata }, ...(status && { status }) };
    return bench.api.apply<License>(bench.licenses, key(name), body, { fieldManager, subresource: 'status' });
  };
  /** As the operator keeps its journal. */
  const journal = (name: string, status: Patch) => {
    const options = { fieldManager: 'freehold-journal', subresource: 'status' } as const;
    return bench.api.mergePatch<License>(bench.licenses, key(name), { status }, options);
  };
  const apply = (name: string, metadata: Partial<KubeObject['metadata']>, spec: object, fieldManager = 'gitops') => {
    const body = license(bench, name, metadata, spec) as unknown as Patch;
    return bench.api.apply<License>(bench.licenses, key(name), body, { fieldManager });
  };
  const types = ({ status }: License) => status?.conditions?.map(({ type }) => type);

  test('makes an object that is not there, without its status, but no status of one', async () => {
    const made = await apply('applied', { labels: { a: '1' } }, { deletionPolicy: 'Delete' });
    expect(made).toMatchObject({ metadata: { generation: 1, labels: { a: '1' } }, spec: { deletionPolicy: 'Delete' } });
    expect(made.status).toEqual({ observedGeneration: -1 });
    await expect(report('nobody', { observedGeneration: 1 })).rejects.toMatchObject({
      status: 404,
      reason: 'NotFound',
    });
    const uid = '00000000-0000-4000-8000-000000000000';
    await expect(apply('nobody', { uid }, {})).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
  });

  test('that changes nothing makes no new version, unless somebody becomes an owner by it', async () => {
    await apply('settled', {}, {});
    const { resourceVersion } = (await apply('settled', {}, {})).metadata;
    expect((await apply('settled', {}, {})).metadata.resourceVersion).toBe(resourceVersion);
    const owned = (await apply('settled', {}, {}, 'somebody')).metadata.resourceVersion;
    expect(owned).not.toBe(resourceVersion);
    expect((await apply('settled', {}, {}, 'somebody')).metadata.resourceVersion).toBe(owned);
    expect((await apply('settled', {}, {})).metadata.resourceVersion).toBe(owned);
  });

  test('takes away what its manager applied before and does not now; a field with a default falls back to it', async () => {
    await apply('less', { labels: { a: '1', b: '2' }, finalizers: ['a.b/c', 'a.b/d'] }, { deletionPolicy: 'Delete' });
    await bench.api.mergePatch(bench.licenses, key('less'), { metadata: { labels: { c: '3' } } });
    const now = await apply('less', { labels: { a: '1' }, finalizers: ['a.b/d'] }, {});
    expect(now).toMatchObject({ spec: { deletionPolicy: 'Retain' }, metadata: { generation: 2 } });
    expect(now.metadata).toMatchObject({ labels: { a: '1', c: '3' }, finalizers: ['a.b/d'] });
    expect((await apply('less', {}, {})).metadata.labels).toEqual({ c: '3' });
  });

  test('is locked by a version, and refused for a name that is not in the path', async () => {
    const { resourceVersion } = (await make('stale')).metadata;
    await journal('stale', { externalID: 'x' });
    const late = report('stale', { observedGeneration: 1 }, { resourceVersion });
    await expect(late).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
    const wrong = report('stale', { observedGeneration: 1 }, { name: 'other' });
    await expect(wrong).rejects.toMatchObject({ status: 400, reason: 'BadRequest' });
  });

  test('of what no schema knows, or of two items with one key, is an error of the server', async () => {
    await make('strange');
    for (const more of [{ bogus: 1 }, { conditions: [condition('A'), condition('A')] }]) {
      await expect(report('strange', { observedGeneration: 1, ...more })).rejects.toMatchObject({ status: 500 });
    }
  });

  test('of a status leaves the journal of the other manager as it is, however often and however short', async () => {
    await make('kept');
    const sentAt = '2026-01-01T00:00:00Z';
    const creation = { attemptID: 'a', sentAt, holder: 'h', idsBefore: ['x', 'y'] };
    await journal('kept', { creation });
    await report('kept', { observedGeneration: 1, conditions: [condition('Ready')], lastSyncTime: sentAt });
    await journal('kept', { externalID: 'id', creation: { outcome: 'Created', idsBefore: null } });
    const { idsBefore: _gone, ...rest } = creation;
    const kept = { externalID: 'id', creation: { ...rest, outcome: 'Created' } };
    const short = await report('kept', { observedGeneration: 2 });
    expect(short.status).toEqual({ observedGeneration: 2, ...kept });
    await journal('kept', { deletion: { sentAt } });
    const last = await report('kept', { observedGeneration: 2, licenseType: 'w' });
    expect(last.status).toEqual({ observedGeneration: 2, licenseType: 'w', ...kept, deletion: { sentAt } });
    expect((await journal('kept', { creation: null, externalID: null })).status).toEqual({
      ...{ observedGeneration: 2, licenseType: 'w', deletion: { sentAt } },
    });
  });

  test('tells conditions apart by their type, and keeps to the order that is applied', async () => {
    await make('told');
    const of = (...names: string[]) => ({ observedGeneration: 1, conditions: names.map((name) => condition(name)) });
    expect(types(await report('told', of('Ready', 'Synced', 'X')))).toEqual(['Ready', 'Synced', 'X']);
    expect(types(await report('told', of('X', 'Ready', 'Synced')))).toEqual(['X', 'Ready', 'Synced']);
    expect(types(await report('told', of('New', 'Synced', 'Ready')))).toEqual(['New', 'Synced', 'Ready']);
    const both = await report('told', of('Theirs'), {}, 'somebody');
    expect(types(both)?.toSorted()).toEqual(['New', 'Ready', 'Synced', 'Theirs']);
    const now = await report('told', { observedGeneration: 1, conditions: [condition('Ready', 'False')] });
    expect(types(now)?.toSorted()).toEqual(['Ready', 'Theirs']);
    expect(now.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
    expect(types(await report('told', { observedGeneration: 1 }))).toEqual(['Theirs']);
    expect((await report('told', { observedGeneration: 1 }, {}, 'somebody')).status).not.toHaveProperty('conditions');
  });

  test('replaces a list that is atomic, and merges a map by its keys', async () => {
    await make('merged');
    const creation = { attemptID: 'a', sentAt: '2026-01-01T00:00:00Z', holder: 'h' };
    const proved = (version: string) => ({ uid: 'u', resourceVersion: version });
    const first = {
      creation: { ...creation, idsBefore: ['a', 'b'] },
      provedSecrets: { a: proved('1'), b: proved('1') },
    };
    await report('merged', { observedGeneration: 1, ...first });
    const second = { creation: { ...creation, idsBefore: ['c'] }, provedSecrets: { c: proved('3') } };
    const both = await report('merged', { observedGeneration: 1, ...second }, {}, 'somebody');
    expect(both.status).toMatchObject({ creation: { idsBefore: ['c'] } });
    expect(both.status?.['provedSecrets']).toEqual({ a: proved('1'), b: proved('1'), c: proved('3') });
    const { status } = await report('merged', { observedGeneration: 1, provedSecrets: { b: proved('2') } });
    expect(status?.['provedSecrets']).toEqual({ b: proved('2'), c: proved('3') });
    expect(status?.['creation']).toEqual({ ...creation, idsBefore: ['c'] });
  });

  test('no longer owns what a patch changed or took away since, but still what a patch repeated', async () => {
    await make('taken');
    await report('taken', { observedGeneration: 1, licenseType: 'mine', assignedAt: '1', expiresAt: '1' });
    await journal('taken', { licenseType: 'theirs', assignedAt: null, expiresAt: '1' });
    const { status } = await report('taken', { observedGeneration: 1 });
    expect(status).toEqual({ observedGeneration: 1, licenseType: 'theirs' });
    expect((await report('taken', { observedGeneration: 1, licenseType: 'back' })).status).toMatchObject({
      licenseType: 'back',
    });
    expect((await report('taken', { observedGeneration: 1 })).status).toEqual({ observedGeneration: 1 });
  });

  test('whose value somebody changed and changed back has to be applied again to be owned', async () => {
    await make('returned');
    const mine = { observedGeneration: 1, licenseType: 'mine' };
    const { resourceVersion } = (await report('returned', mine)).metadata;
    await journal('returned', { licenseType: 'theirs' });
    const back = await journal('returned', { licenseType: 'mine' });
    expect(back.metadata.resourceVersion).not.toBe(resourceVersion);
    const owned = await report('returned', mine);
    expect(owned.status).toEqual(back.status);
    expect(owned.metadata.resourceVersion).not.toBe(back.metadata.resourceVersion);
    expect((await report('returned', mine)).metadata.resourceVersion).toBe(owned.metadata.resourceVersion);
  });

  test('is another owner than a patch of the same manager', async () => {
    await make('patched');
    await report('patched', { observedGeneration: 1, licenseType: 'applied' });
    const options = { fieldManager: 'freehold', subresource: 'status' } as const;
    const body = { status: { licenseType: 'patched' } };
    await bench.api.mergePatch(bench.licenses, key('patched'), body, options);
    expect((await report('patched', { observedGeneration: 1 })).status).toMatchObject({ licenseType: 'patched' });
  });

  test('leaves what two applied until neither does', async () => {
    await make('shared');
    await report('shared', { observedGeneration: 1, licenseType: 'w' });
    await report('shared', { observedGeneration: 1, licenseType: 'w' }, {}, 'somebody');
    expect((await report('shared', { observedGeneration: 1 })).status).toMatchObject({ licenseType: 'w' });
    const { status } = await report('shared', { observedGeneration: 1 }, {}, 'somebody');
    expect(status).toEqual({ observedGeneration: 1 });
  });

  test('of the object and of its status are two owners of one name', async () => {
    await apply('twice', { labels: { a: '1' } }, {}, 'freehold');
    await report('twice', { observedGeneration: 1, licenseType: 'w' });
    const again = await apply('twice', { labels: { a: '1' } }, {}, 'freehold');
    expect(again.status).toEqual({ observedGeneration: 1, licenseType: 'w' });
    expect((await report('twice', { observedGeneration: 1 })).metadata.labels).toEqual({ a: '1' });
  });

  test('writes no spec and no label together with a status', async () => {
    await make('apart');
    const { apiVersion, kind } = license(bench, 'apart');
    const metadata = { name: 'apart', labels: { a: '1' } };
    const body = { apiVersion, kind, metadata, spec: { licenseType: 'other' }, status: { observedGeneration: 4 } };
    const options = { fieldManager: 'freehold', subresource: 'status' } as const;
    const written = await bench.api.apply<License>(bench.licenses, key('apart'), body, options);
    expect(written).toMatchObject({ spec: { licenseType: 'windows' }, status: { observedGeneration: 4 } });
    expect(written.metadata).not.toHaveProperty('labels');
    expect(written.metadata.generation).toBe(1);
  });
}
