import { afterEach, describe, expect, test } from 'vitest';
import type { ConnectOptions, TenantKind } from '../../src/engine/tenant.ts';
import type { Identity, RemoteSession } from '../../src/remote/call.ts';
import { RemoteError } from '../../src/remote/errors.ts';
import { findCondition } from '../../src/engine/conditions.ts';
import { createToyRemote } from '../support/toy-kind.ts';
import { createToyWorld } from '../support/toy-world.ts';

const refused = new RemoteError({
  reason: 'CredentialsRefused',
  outcome: 'definitely-not',
  operation: 'SignIn',
  message: 'SignIn: no',
});

let world: Awaited<ReturnType<typeof createToyWorld>> | undefined;
afterEach(async () => {
  await world?.end();
  world = undefined;
});

/** A world whose remote tenants are known by the project of the token; `state.projectID` undefined: the sign-in fails. */
async function signingIn(tenants: Record<string, object>) {
  const state = { projectID: undefined as string | undefined, answered: Promise.resolve() };
  const logged: string[] = [];
  const made: { options: ConnectOptions<unknown>; closed: boolean }[] = [];
  const tenantKind = (base: TenantKind): TenantKind => ({
    ...base,
    remoteKey: (_spec, { projectID }) => `toy/${projectID}`,
    connect: (options) => {
      const one = { options, closed: false };
      made.push(one);
      const { client, session } = base.connect(options);
      const identity = async (): Promise<Identity> => {
        await state.answered;
        if (state.projectID === undefined) throw refused;
        return { projectID: state.projectID, projectName: 'n', userName: 'u', roles: [] };
      };
      const own: RemoteSession = { ...session, identity, close: () => void (one.closed = true) };
      return { client, session: own };
    },
  });
  const logTo = { write: (line: string) => void logged.push(line) };
  world = await createToyWorld({ remote: createToyRemote(), tenantKind, tenants, logTo });
  return { world, state, made, logged };
}

describe('a remote tenant that only the token names', () => {
  test('is known after the sign-in: until then metrics say what the spec tells, and there is no budget', async () => {
    const { world, state, made } = await signingIn({ t: {} });
    await world.start();
    await world.pass(1);
    expect(made).toHaveLength(1);
    const { tenant, budget } = made[0]!.options;
    expect(tenant()).toBe('toy/-');
    await expect(budget.take('poll', { maxWait: 0 })).rejects.toMatchObject({ reason: 'BudgetExhausted' });
    expect(world.term().context.tenants.all()).toEqual([]);

    state.projectID = 'p1';
    await world.pass(60);
    // The session that was refused is tried again, not another one: it knows how long to stay away.
    expect(made).toHaveLength(1);
    expect(tenant()).toBe('toy/p1');
    await budget.take('poll', { maxWait: 0 });
    const [remote] = world.term().context.tenants.all();
    expect([remote!.key, Math.round(remote!.budget.figures().tokens)]).toEqual(['toy/p1', 19]);
    expect(findCondition((await world.getTenant())?.status?.conditions, 'Ready')).toMatchObject({
      status: 'True',
      message: 'connected to toy/p1',
    });
  });

  test('is one for two tenant resources whose tokens are for one project: one list, and the smaller budget', async () => {
    const { world, state, made } = await signingIn({ t: {}, u: { limits: { requestsPerSecond: 1, burst: 3 } } });
    state.projectID = 'p1';
    await world.start();
    await world.pass(5);
    expect(
      world
        .term()
        .context.tenants.all()
        .map(({ key, bindings }) => [key, bindings.size]),
    ).toEqual([['toy/p1', 2]]);
    expect(made.map(({ options }) => options.budget.figures().tokens)).toEqual([3, 3]);
    expect(world.remote.lists).toBe(3); // one of each collection
  });

  test('is another one when the token of new credentials is for another project, and the former session ends', async () => {
    const { world, state, made } = await signingIn({ t: {} });
    state.projectID = 'p1';
    await world.start();
    await world.pass(5);
    state.projectID = 'p2';
    await world.patchTenant('t', { spec: { pollInterval: 61 } });
    await world.pass(5);
    expect(
      world
        .term()
        .context.tenants.all()
        .map(({ key }) => key),
    ).toEqual(['toy/p2']);
    expect(made.map(({ closed, options }) => [closed, options.tenant()])).toEqual([
      [true, 'toy/p2'],
      [false, 'toy/p2'],
    ]);
  });

  test('is not connected by a sign-in that ends after the term, and that is no error', async () => {
    const { world, state, made, logged } = await signingIn({ t: {} });
    let answer = () => {};
    state.answered = new Promise<void>((resolve) => (answer = resolve));
    state.projectID = 'p1';
    await world.start();
    await world.pass(1);
    await world.term().stop({ drain: true });
    answer();
    await world.flush();
    expect(made.map(({ closed }) => closed)).toEqual([true]);
    expect(world.term().context.tenants.binding('ToyTenant/shop/t')).toBeUndefined();
    expect(logged).toEqual([]);
  });
});
