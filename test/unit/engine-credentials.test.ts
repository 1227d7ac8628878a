import { afterEach, describe, expect, test } from 'vitest';
import { findCondition } from '../../src/engine/conditions.ts';
import type { TenantKind } from '../../src/engine/tenant.ts';
import type { Identity } from '../../src/remote/call.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { createToyRemote } from '../support/toy-kind.ts';
import { createToyWorld, secretsType } from '../support/toy-world.ts';

let world: Awaited<ReturnType<typeof createToyWorld>> | undefined;
afterEach(async () => {
  await world?.end();
  world = undefined;
});

/** A remote that takes one key only, and counts who connects and who signs in. */
async function taking(right: string) {
  const state = { right, connected: 0, asked: 0, meanwhile: async () => {} };
  const tenantKind = (base: TenantKind): TenantKind => ({
    ...base,
    connect: (options) => {
      state.connected += 1;
      const { client, session } = base.connect(options);
      const identity = async (): Promise<Identity> => {
        state.asked += 1;
        await state.meanwhile();
        const good = options.credentials['key']!.reveal() === state.right;
        if (good) return { projectID: 'p', projectName: 'n', userName: 'u', roles: [] };
        const told = { outcome: 'definitely-not', operation: 'SignIn', message: 'SignIn: no' } as const;
        throw new RemoteError({ reason: 'CredentialsRefused', ...told });
      };
      return { client, session: { ...session, identity } };
    },
  });
  const made = await createToyWorld({ remote: createToyRemote(), tenantKind });
  world = made;
  return {
    ...made,
    state,
    write: (stringData: object, metadata: object = {}) =>
      made.kube.mergePatch(
        secretsType,
        { namespace: 'shop', name: 'credentials' },
        { metadata, stringData, ...('key' in stringData && { data: { key: btoa(String(stringData.key)) } }) },
        { fieldManager: 'kubectl' },
      ),
    reason: async () => findCondition((await made.getTenant())!.status?.conditions, 'Ready')?.reason,
  };
}

describe('credentials that are refused', () => {
  test('are replaced within seconds of their Secret', async () => {
    const { start, pass, write, reason } = await taking('better');
    await start();
    await pass(12);
    expect(await reason()).toBe('CredentialsRefused');
    await write({ key: 'better' });
    await pass(6);
    expect(await reason()).toBe('Connected');
  });

  test('are replaced as soon when their Secret is written just while they are tried', async () => {
    const { start, pass, write, reason, state } = await taking('better');
    state.meanwhile = async () => {
      state.meanwhile = async () => {};
      await write({ key: 'better' });
    };
    await start();
    await pass(7);
    expect(await reason()).toBe('Connected');
  });

  test('are not tried more often for it', async () => {
    const { start, pass, state } = await taking('better');
    await start();
    await pass(1);
    const before = state.asked;
    await pass(28);
    expect(state.asked).toBe(before);
    await pass(3);
    expect(state.asked).toBeGreaterThan(before);
  });

  test('write nothing while they are looked at', async () => {
    const { start, pass, kube } = await taking('better');
    await start();
    await pass(2);
    const before = kube.writes.length;
    await pass(25);
    expect(kube.writes.length).toBe(before);
  });
});

describe('a credentials Secret that was only touched', () => {
  test('makes no new connection, and cuts no create short when our own finalizer is put on it', async () => {
    const { start, pass, make, state, ready, getTenant } = await taking('k');
    await start();
    await pass(5);
    await make('web');
    await pass(30);
    expect((await ready('web'))!.status).toBe('True');
    expect(state.connected).toBe(1);
    const secret = await world!.kube.get(secretsType, { namespace: 'shop', name: 'credentials' });
    expect(secret!.metadata.finalizers).toEqual(['freehold.dev/in-use']);
    expect((await getTenant())!.status!.credentials!.resourceVersion).toBe(secret!.metadata.resourceVersion);
  });

  test('is another one as soon as a value in it is', async () => {
    const { start, pass, write, state } = await taking('k');
    await start();
    await pass(5);
    await write({}, { labels: { a: 'b' } });
    await pass(400);
    expect(state.connected).toBe(1);
    state.right = 'new';
    await write({ key: 'new' });
    await pass(400);
    expect(state.connected).toBe(2);
  });
});
