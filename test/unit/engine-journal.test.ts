import { beforeEach, describe, expect, test } from 'vitest';
import { createJournal, type Journal } from '../../src/engine/journal.ts';
import { typeOf } from '../../src/engine/kind.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { dedicatedHypervisor as kind } from '../../src/sdpf/dedicated-hypervisor.ts';
import { createManualClock } from '../support/clock.ts';
import { createFakeKube, type FakeKube } from '../support/kube-fake.ts';

const key = { namespace: 'shop', name: 'web' };
const target = 'sdpf/jp1/t1';
const type = typeOf(kind);
let kube: FakeKube;
let journal: Journal;
let resource: Resource;
let seen: Resource[];

beforeEach(async () => {
  const clock = createManualClock({ start: Date.UTC(2026, 0, 1) });
  kube = createFakeKube(clock);
  seen = [];
  journal = createJournal(kube, clock, 'pod-1', (_kind, written) => void seen.push(written));
  resource = await kube.create<Resource>(type, {
    apiVersion: `${type.group}/${type.version}`,
    kind: type.kind,
    metadata: { ...key, finalizers: ['theirs'], annotations: { note: 'mine' } },
    spec: { tenantRef: { name: 't' }, managementPolicy: 'Manage', deletionPolicy: 'Retain' },
    status: { observedGeneration: 1, conditions: [] },
  });
  kube.writes = [];
});

/** Every step of the journal, each from where it is taken. */
const steps: Record<string, () => Promise<unknown>> = {
  bind: () => journal.bind(kind, resource, target),
  sending: () => journal.sending(kind, resource, { attemptID: 'a1', idsBefore: ['x'] }),
  reopen: () => journal.reopen(kind, resource, { attemptID: 'a1', sentAt: '2025-12-31T23:59:00Z', holder: 'pod-0' }),
  record: () => journal.record(kind, resource, 'id-1', 'Found', 'a1 adopt=id-1'),
  clear: () => journal.clear(kind, resource),
  forget: () => journal.forget(kind, resource, 'a1 forget'),
  lost: () => journal.lost(kind, resource),
  deleting: () => journal.deleting(kind, resource),
  unbind: async () => {
    resource = await journal.bind(kind, resource, target);
    kube.writes = [];
    await journal.unbind(kind, resource);
  },
};

describe.each(Object.keys(steps))('%s', (name) => {
  test('is one locked merge patch under a field manager of its own, and leaves spec and report alone', async () => {
    const { spec, status } = resource;
    await steps[name]!();
    expect(kube.writes).toHaveLength(1);
    const [write] = kube.writes;
    expect(write).toMatchObject({ verb: 'mergePatch', fieldManager: 'freehold-journal', name: 'web' });
    const { metadata, ...rest } = write!.body;
    expect(metadata).toMatchObject({ uid: resource.metadata.uid, resourceVersion: resource.metadata.resourceVersion });
    expect(Object.keys(rest)).toEqual(write!.subresource ? ['status'] : []);
    for (const field of Object.keys((rest['status'] as object) ?? {}))
      expect(['externalID', 'creation', 'deletion', 'lastResolve']).toContain(field);
    const now = await kube.get<Resource>(type, key);
    expect(now!.spec).toEqual(spec);
    expect(now!.status).toMatchObject(status!);
    expect(now!.metadata.annotations).toMatchObject({ note: 'mine' });
    expect(now!.metadata.finalizers).toContain('theirs');
  });

  test('writes nothing over a resource that was changed meanwhile, or that is another one of its name', async () => {
    if (name === 'unbind') resource = await journal.bind(kind, resource, target);
    const before = await kube.get<Resource>(type, key);
    const stale = { ...resource, metadata: { ...resource.metadata, resourceVersion: '1' } };
    const other = { ...resource, metadata: { ...resource.metadata, uid: 'another' } };
    for (const wrong of [stale, other]) {
      resource = wrong;
      const step = name === 'unbind' ? journal.unbind(kind, resource) : steps[name]!();
      await expect(step).rejects.toMatchObject({ status: 409 });
    }
    expect(await kube.get<Resource>(type, key)).toEqual(before);
  });
});

test('what was written is handed on, so that the next pass sees it', async () => {
  resource = await journal.bind(kind, resource, target);
  resource = await journal.sending(kind, resource, { attemptID: 'a1' });
  expect(seen.at(-1)).toEqual(resource);
  expect(resource).toEqual(await kube.get(type, key));
});

test('the target and the finalizer are written once', async () => {
  resource = await journal.bind(kind, resource, target);
  expect(resource.metadata).toMatchObject({
    finalizers: ['theirs', 'freehold.dev/remote'],
    annotations: { 'freehold.dev/target': target },
  });
  kube.writes = [];
  expect(await journal.bind(kind, resource, target)).toBe(resource);
  expect(kube.writes).toEqual([]);
});

test('an attempt is recorded with who, when and what was there, and nothing of a former attempt stays', async () => {
  resource = await journal.sending(kind, resource, { attemptID: 'a1', idsBefore: ['x', 'y'] });
  expect(resource.status!.creation).toEqual({
    attemptID: 'a1',
    sentAt: '2026-01-01T00:00:00Z',
    holder: 'pod-1',
    idsBefore: ['x', 'y'],
  });
  resource = await journal.forget(kind, resource, 'a1 forget');
  expect(resource.status).toMatchObject({
    creation: { attemptID: 'a1', outcome: 'Forgotten' },
    lastResolve: 'a1 forget',
  });
  resource = await journal.sending(kind, resource, { attemptID: 'a2' });
  expect(resource.status!.creation).toEqual({ attemptID: 'a2', sentAt: '2026-01-01T00:00:00Z', holder: 'pod-1' });
});

test('an attempt that was sent once more, to no effect, is again what it was', async () => {
  const first = await journal.sending(kind, resource, { attemptID: 'a1', idsBefore: ['x'] });
  const open = { ...first.status!.creation!, sentAt: '2025-12-31T23:59:00Z', holder: 'pod-0' };
  const again = await journal.sending(kind, first, { attemptID: 'a1', idsBefore: ['x'] });
  expect((await journal.reopen(kind, again, open)).status!.creation).toEqual(open);
});

test('an ID is recorded with how it was learnt; one that was adopted has no attempt', async () => {
  const adopted = await journal.record(kind, resource, 'id-1', 'Found');
  expect(adopted.status).toEqual({ ...resource.status, externalID: 'id-1' });
  const sent = await journal.sending(kind, adopted, { attemptID: 'a1', idsBefore: ['x'] });
  const created = await journal.record(kind, sent, 'id-2', 'Created');
  expect(created.status).toMatchObject({ externalID: 'id-2', creation: { attemptID: 'a1', outcome: 'Created' } });
  expect(created.status!.creation).not.toHaveProperty('idsBefore');
  const lost = await journal.lost(kind, created);
  expect(lost.status).toEqual(resource.status);
});

test('what is let go keeps the finalizers of others, and letting go twice writes nothing', async () => {
  resource = await journal.bind(kind, resource, target);
  await journal.unbind(kind, resource);
  const now = await kube.get<Resource>(type, key);
  expect(now!.metadata.finalizers).toEqual(['theirs']);
  kube.writes = [];
  await journal.unbind(kind, now!);
  expect(kube.writes).toEqual([]);
});
