import { afterEach, expect, test } from 'vitest';
import { findCondition } from '../../src/engine/conditions.ts';
import type { TenantKind } from '../../src/engine/tenant.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { createToyRemote } from '../support/toy-kind.ts';
import { createToyWorld, secretsType, toyServer } from '../support/toy-world.ts';

let world: Awaited<ReturnType<typeof createToyWorld>> | undefined;
afterEach(async () => {
  await world?.end();
  world = undefined;
});

const no = () =>
  new RemoteError({
    reason: 'CredentialsRefused',
    outcome: 'definitely-not',
    operation: 'SignIn',
    message: 'SignIn: no',
  });

/** A tenant whose sessions are numbered; `meanwhile` runs while one signs in for a create. */
async function signing() {
  const state = {
    meanwhile: async (_session: number) => {},
    sessions: 0,
    refused: new Set<number>(),
    href: 'https://toy.example/v1',
  };
  const remote = createToyRemote();
  const tenantKind = (base: TenantKind): TenantKind => ({
    ...base,
    connect: (options) => {
      const { client, session } = base.connect(options);
      const number = (state.sessions += 1);
      const endpoint = async () => {
        const isCreating = (world?.term().context.tenants.all()[0]?.inFlight.size ?? 0) > 0;
        if (isCreating) await state.meanwhile(number);
        if (state.refused.has(number)) throw no();
        return new URL(state.href);
      };
      return { client, session: { ...session, endpoint } };
    },
  });
  const made = await createToyWorld({ remote, tenantKind, kind: toyServer });
  world = made;
  await made.start();
  await made.pass(5);
  return { ...made, state, remote };
}

/** A server of ours that is there already. */
async function withFirst() {
  const site = await signing();
  await site.make('first');
  await site.pass(30);
  expect((await site.ready('first'))!.status).toBe('True');
  const before = site.remote.calls.length;
  return { ...site, creates: () => site.remote.calls.slice(before).filter((call) => /create/i.test(call)) };
}

test('what a connection that was replaced meanwhile says of its credentials is not told', async () => {
  const { state, make, pass, kube, patchTenant, flush, ready, events } = await signing();
  state.meanwhile = async (session) => {
    if (session !== 1) return;
    state.meanwhile = async () => {};
    state.refused.add(1);
    const values = { stringData: { key: 'k2' }, data: { key: btoa('k2') } };
    await kube.mergePatch(secretsType, { namespace: 'shop', name: 'credentials' }, values, { fieldManager: 'kubectl' });
    await patchTenant('t', { metadata: { annotations: { 'freehold.dev/reconcile-requested-at': 'x' } } });
    for (let turn = 0; turn < 6; turn += 1) await flush();
  };
  await make('web');
  await pass(60);
  expect((await ready('web'))!.status).toBe('True');
  expect(events.filter(({ of, reason }) => of === 'web' && reason === 'CredentialsRefused')).toEqual([]);
});

test('nothing is created at an endpoint that the catalogue names since a moment ago', async () => {
  const { state, make, pass, ready, creates } = await withFirst();
  state.meanwhile = async () => {
    state.href = 'https://elsewhere.example/v1';
  };
  await make('web');
  await pass(1);
  expect(creates()).toEqual([]);
  expect((await ready('web'))?.reason).toBe('TargetUnproved');
});

test('a breaker that opens while a create signs in holds it', async () => {
  const { state, make, pass, flush, remote, term, creates, ready } = await withFirst();
  state.meanwhile = async () => {
    state.meanwhile = async () => {};
    const [tenant] = term().context.tenants.all();
    remote.held.nodes.clear();
    tenant!.collections.get('nodes')!.refresh();
    for (let turn = 0; turn < 4; turn += 1) await flush();
    expect(term().context.tenants.openBreaker(tenant!)).toBeDefined();
  };
  await make('web');
  await pass(30);
  expect(creates()).toEqual([]);
  expect((await ready('web'))?.reason).toBe('BreakerOpen');
});

test('an edit of a tenant while its credentials are tried is obeyed within seconds', async () => {
  const state = { meanwhile: async () => {} };
  const tenantKind = (base: TenantKind): TenantKind => ({
    ...base,
    connect: (options) => {
      const { client, session } = base.connect(options);
      const identity = async () => {
        await state.meanwhile();
        if ((options.spec as { pollInterval: number }).pollInterval !== 61) throw no();
        return { projectID: 'p', projectName: 'n', userName: 'u', roles: [] };
      };
      return { client, session: { ...session, identity } };
    },
  });
  const made = await createToyWorld({ remote: createToyRemote(), tenantKind });
  world = made;
  const reason = async () => findCondition((await made.getTenant())!.status?.conditions, 'Ready')?.reason;
  await made.start();
  await made.pass(12);
  expect(await reason()).toBe('CredentialsRefused');
  let edited = false;
  state.meanwhile = async () => {
    state.meanwhile = async () => {};
    await made.patchTenant('t', { spec: { pollInterval: 61 } });
    for (let turn = 0; turn < 5; turn += 1) await made.flush();
    edited = true;
  };
  while (!edited) await made.pass(1);
  await made.pass(7);
  expect(await reason()).toBe('Connected');
});
