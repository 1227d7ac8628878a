import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import type { SecretNeed } from '../../src/engine/kind.ts';
import { createSecrets, type ReadSecret } from '../../src/engine/secrets.ts';
import { KubeError, type KubeObject, type ResourceType } from '../../src/kube/types.ts';
import { createManualClock } from '../support/clock.ts';
import { createFakeKube } from '../support/kube-fake.ts';

const secretType: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const ours = 'freehold.dev/credentials';
const owner = 'prod/shop/web';
const canary = 'canary-7f3a';
const need: SecretNeed = {
  condition: 'PasswordKnown',
  name: 'web-admin-password',
  key: 'password',
  generate: () => new Secret(canary),
};
const bytes = (length: number) => new Uint8Array(length);

interface KubeSecret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

function bench() {
  const kube = createFakeKube(createManualClock());
  const put = (
    stringData: Record<string, string>,
    { type = ours, name = 's', annotations = {}, finalizers = [] as string[] } = {},
  ) =>
    kube.create<KubeSecret>(secretType, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'shop', name, annotations, finalizers },
      type,
      stringData,
    });
  const get = (name: string) => kube.get<KubeSecret>(secretType, { namespace: 'shop', name });
  return { kube, put, get, secrets: createSecrets(kube) };
}

function revealed(read: ReadSecret): Record<string, string> {
  if (!read.ok) throw new Error(read.message);
  return Object.fromEntries(Object.entries(read.values).map(([key, value]) => [key, value.reveal()]));
}

describe('a Secret that a person wrote', () => {
  test('is read, with its version and without the line feed that echo adds', async () => {
    const { put, secrets } = bench();
    const { metadata } = await put({ apiKey: 'key\n', apiSecret: ' two\nlines \r\n', more: 'x' });
    const read = await secrets.read('shop', 's', ['apiKey', 'apiSecret']);
    expect(revealed(read)).toEqual({ apiKey: 'key', apiSecret: ' two\nlines ' });
    expect(read).toMatchObject({ version: { uid: metadata.uid, resourceVersion: metadata.resourceVersion } });
    expect(JSON.stringify(read)).not.toContain('two');
  });

  test('that is not there is waited for, and the message says how to make it', async () => {
    const read = await bench().secrets.read('shop', 's', ['apiKey', 'apiSecret']);
    expect(read).toMatchObject({ ok: false, reason: 'SecretMissing' });
    expect(read).toHaveProperty('message', expect.stringContaining(`"${ours}" and the keys apiKey, apiSecret`));
  });

  test('of another type is not read: nobody may have any Secret sent somewhere', async () => {
    const { put, secrets } = bench();
    await put({ apiKey: canary }, { type: 'Opaque' });
    const read = await secrets.read('shop', 's', ['apiKey']);
    expect(read).toMatchObject({ ok: false, reason: 'SecretMalformed' });
    expect(JSON.stringify(read)).toContain(`\\"${ours}\\"`);
    expect(JSON.stringify(read)).not.toContain(canary);
  });

  test.each<[string, Record<string, string>]>([
    ['lacks it', { other: canary }],
    ['has it empty', { password: '', other: canary }],
    ['has only a line feed in it', { password: '\n', other: canary }],
  ])('that %s is malformed, and the message names the key and no value', async (_how, data) => {
    const { put, secrets } = bench();
    await put(data);
    const read = await secrets.read('shop', 's', ['password']);
    expect(read).toMatchObject({
      ok: false,
      reason: 'SecretMalformed',
      message: expect.stringContaining('"password"'),
    });
    expect(JSON.stringify(read)).not.toContain(canary);
  });

  test('lacks a key that every JavaScript object has', async () => {
    const { put, secrets } = bench();
    await put({ password: canary });
    for (const key of ['constructor', 'toString', '__proto__']) {
      expect(await secrets.read('shop', 's', [key])).toMatchObject({ ok: false, reason: 'SecretMalformed' });
    }
  });
});

describe('a Secret that we write', () => {
  test('has the type from birth, says whose it is, and carries no label and no owner reference', async () => {
    const { kube, get, secrets } = bench();
    const read = await secrets.generate('shop', need, owner, bytes);
    expect(revealed(read)).toEqual({ password: canary });
    const stored = await get(need.name);
    expect(stored).toMatchObject({ type: ours, data: { password: Buffer.from(canary).toString('base64') } });
    expect(stored!.metadata.annotations).toEqual({ 'freehold.dev/owner': owner });
    expect(stored!.metadata).not.toHaveProperty('labels');
    expect(stored!.metadata).not.toHaveProperty('ownerReferences');
    expect(stored!.metadata).not.toHaveProperty('finalizers');
    expect(kube.writes.map(({ verb }) => verb)).toEqual(['create']);
  });

  test('is made once: a later try finds the value that was stored', async () => {
    const { kube, secrets } = bench();
    await secrets.generate('shop', need, owner, bytes);
    const again = await secrets.generate('shop', { ...need, generate: () => new Secret('another') }, owner, bytes);
    expect(revealed(again)).toEqual({ password: canary });
    expect(kube.writes).toHaveLength(1);
  });

  test.each<[string, Record<string, string>]>([
    ['nobody', {}],
    ['another resource', { 'freehold.dev/owner': 'prod/shop/db' }],
    ['another installation', { 'freehold.dev/owner': 'old/shop/web' }],
  ])('does not overwrite one of %s', async (_who, annotations) => {
    const { kube, put, get, secrets } = bench();
    await put({ password: 'theirs' }, { name: need.name, annotations });
    const before = await get(need.name);
    const read = await secrets.generate('shop', need, owner, bytes);
    expect(read).toMatchObject({ ok: false, reason: 'SecretExists' });
    expect(JSON.stringify(read)).not.toContain('theirs');
    expect(await secrets.isOwn('shop', need.name, owner)).toBe(false);
    await secrets.removeOwn('shop', need.name, owner);
    expect(await get(need.name)).toEqual(before);
    expect(kube.writes).toHaveLength(1);
  });

  test('that somebody emptied is not filled with another password', async () => {
    const { put, secrets } = bench();
    await put({}, { name: need.name, annotations: { 'freehold.dev/owner': owner } });
    expect(await secrets.generate('shop', need, owner, bytes)).toMatchObject({ reason: 'SecretMalformed' });
  });

  test('is removed only as the very one that was looked at', async () => {
    const { kube, get, secrets } = bench();
    await secrets.generate('shop', need, owner, bytes);
    const { uid } = (await get(need.name))!.metadata;
    expect(await secrets.isOwn('shop', need.name, owner)).toBe(true);
    await secrets.removeOwn('shop', need.name, owner);
    expect(await get(need.name)).toBeUndefined();
    expect(kube.writes.at(-1)).toMatchObject({ verb: 'delete', body: { uid } });
    await secrets.removeOwn('shop', need.name, owner);
  });

  test('that another pass made at the same moment is a conflict, so that the next pass finds it', async () => {
    const { kube, secrets } = bench();
    kube.intercept = () => {
      throw new KubeError(409, 'AlreadyExists', 'it exists');
    };
    await expect(secrets.generate('shop', need, owner, bytes)).rejects.toMatchObject({ status: 409 });
  });
});

describe('the hold on a credentials Secret', () => {
  const inUse = 'freehold.dev/in-use';

  test('is put once and taken once, and leaves the finalizers of others alone', async () => {
    const { kube, put, get, secrets } = bench();
    await put({ apiKey: 'x' }, { finalizers: ['theirs'] });
    await secrets.hold('shop', 's', true);
    await secrets.hold('shop', 's', true);
    expect((await get('s'))!.metadata.finalizers).toEqual(['theirs', inUse]);
    await secrets.hold('shop', 's', false);
    await secrets.hold('shop', 's', false);
    expect((await get('s'))!.metadata.finalizers).toEqual(['theirs']);
    expect(kube.writes).toHaveLength(3);
    for (const { body } of kube.writes.slice(1)) expect(Object.keys(body)).toEqual(['metadata']);
  });

  test('is not put on one that is going, nor on none', async () => {
    const { kube, put, secrets } = bench();
    await secrets.hold('shop', 's', true);
    await put({ apiKey: 'x' }, { finalizers: ['theirs'] });
    await kube.delete(secretType, { namespace: 'shop', name: 's' });
    await secrets.hold('shop', 's', true);
    expect(kube.writes.map(({ verb }) => verb)).toEqual(['create', 'delete']);
  });

  test('leaves it to the next pass when somebody else wrote the Secret at the same moment', async () => {
    const { kube, put, get, secrets } = bench();
    await put({ apiKey: 'x' });
    kube.intercept = () => {
      throw new KubeError(409, 'Conflict', 'changed');
    };
    await secrets.hold('shop', 's', true);
    expect((await get('s'))!.metadata.finalizers).toBeUndefined();
  });
});

describe('a Secret that many name', () => {
  /** Reads that wait until the test lets them go. */
  function slow() {
    const world = bench();
    const begun: (() => void)[] = [];
    const { get } = world.kube;
    world.kube.get = async (type, key) => {
      const read = new Promise<void>((resolve) => begun.push(resolve));
      const found = await get<KubeObject>(type, key);
      await read;
      return found as never;
    };
    const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
    return { ...world, begun, turn };
  }

  test('is read once for all who ask before the read begins, and anew for whoever asks later', async () => {
    const { put, secrets, begun, turn } = slow();
    await put({ password: 'old' });
    const early = Promise.all([1, 2, 3].map(() => secrets.read('shop', 's', ['password'])));
    await turn();
    expect(begun).toHaveLength(1);
    const late = Promise.all([1, 2, 3].map(() => secrets.read('shop', 's', ['password'])));
    await turn();
    expect(begun).toHaveLength(1);
    begun[0]!();
    expect((await early).map(revealed)).toEqual([1, 2, 3].map(() => ({ password: 'old' })));
    await turn();
    expect(begun).toHaveLength(2);
    begun[1]!();
    await late;
    const last = secrets.read('shop', 's', ['password']);
    await turn();
    expect(begun).toHaveLength(3);
    begun[2]!();
    await last;
  });

  test('is never told as it was before the question', async () => {
    const { kube, put, secrets, begun, turn } = slow();
    await put({ password: 'old' });
    const early = secrets.read('shop', 's', ['password']);
    await turn();
    await kube.mergePatch(secretType, { namespace: 'shop', name: 's' }, { stringData: { password: 'new' } });
    const late = secrets.read('shop', 's', ['password']);
    begun[0]!();
    expect(revealed(await early)).toEqual({ password: 'old' });
    await turn();
    begun[1]!();
    expect(revealed(await late)).toEqual({ password: 'new' });
  });

  test('holds nobody up whose read comes after one that failed, and others are read meanwhile', async () => {
    const { kube, put, secrets } = bench();
    await put({ password: 'x' });
    await put({ password: 'y' }, { name: 't' });
    const { get } = kube;
    let failing = true;
    kube.get = async (type, key) => {
      if (failing && key.name === 's') throw new KubeError(500, 'InternalError', 'down');
      return get(type, key);
    };
    const [first, other] = await Promise.allSettled([
      secrets.read('shop', 's', ['password']),
      secrets.read('shop', 't', ['password']),
    ]);
    expect([first.status, other.status]).toEqual(['rejected', 'fulfilled']);
    failing = false;
    expect(revealed(await secrets.read('shop', 's', ['password']))).toEqual({ password: 'x' });
  });
});
