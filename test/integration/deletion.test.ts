import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findCondition } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { callTime, type Hands, handsOf } from '../support/hands.ts';
import { lapse, type Lapse } from '../support/lapse.ts';
import { createScenario, type RunningOperator, type Scenario } from '../support/scenario.ts';
import { until } from '../support/wait.ts';

const absenceInterval = 20_000;

let s: Scenario;
let operator: RunningOperator;
let time: Lapse;
let hands: Hands;

async function begin(settings: Record<string, unknown> = {}): Promise<void> {
  s = await createScenario({ settings });
  time = lapse(s, () => operator);
  hands = handsOf(s);
}

async function start(): Promise<void> {
  operator = await s.start({
    absenceInterval: `${absenceInterval}ms`,
    motionInterval: '5s',
    // No jump of the clock may reach the deadline of a call.
    readDeadline: '10m',
    writeDeadline: '10m',
  });
}

/** Buys these and lets them grow older than the settle window: from then on their absence is believed. */
async function buy(...manifests: object[]): Promise<void> {
  await s.apply(...manifests);
  for (const manifest of manifests) await time.reason((manifest as Resource).metadata.name, 'Ready');
  await time.pass(16 * 60_000, 120_000);
}

/** From now on the list is as it is now, without this one server. */
async function listWithout(id: string): Promise<void> {
  const { endpoint, authURL, apiKey, apiSecret, tenantID } = s.sandbox.info.sdpf;
  const user = { name: apiKey, password: apiSecret, domain: { id: 'default' } };
  const auth = { identity: { methods: ['password'], password: { user } }, scope: { project: { id: tenantID } } };
  const signIn = await fetch(`${authURL}/auth/tokens`, { method: 'POST', body: JSON.stringify({ auth }) });
  const token = signIn.headers.get('x-subject-token') ?? '';
  const list = await fetch(`${endpoint}/servers/detail`, { headers: { 'x-auth-token': token } });
  const { servers } = (await list.json()) as { servers: { id: string }[] };
  expect(servers.map((one) => one.id)).toContain(id);
  const body = { servers: servers.filter((one) => one.id !== id) };
  await s.sandbox.fault({ operation: 'ListServersDetail', pathIncludes: 'marker=', emptyList: true });
  await s.sandbox.fault({ operation: 'ListServersDetail', status: 200, body });
}

afterEach(() => s.sandbox.clearFaults());

describe('a deletion', { timeout: 60_000 }, () => {
  const deletes = (name: string, spec: object = {}, metadata: object = {}) =>
    s.hypervisor(name, { deletionPolicy: 'Delete', ...spec }, metadata);

  beforeAll(async () => {
    await begin();
    await start();
    await s.apply(...s.tenant(), ...['far', 'bare', 'alone'].flatMap((name) => s.tenant({}, name)), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'chosen' },
      type: 'freehold.dev/credentials',
      stringData: { password: 'chosen-by-a-person-1A' },
    });
    await buy(
      s.hypervisor('keeper'),
      s.hypervisor('kept'),
      ...['far', 'bare', 'alone'].map((name) => s.hypervisor(name, { tenantRef: { name } })),
      ...['good', 'changed', 'early', 'unlisted', 'emptied', 'refused', 'failing', 'unheard', 'unsent'].map((name) =>
        deletes(name),
      ),
      deletes('given', { adminPasswordSecretRef: { name: 'chosen', key: 'password' } }),
      ...['portal', 'crossed', 'paused', 'parent', 'argo'].map((name) => deletes(name)),
      s.hypervisor('again'),
    );
  }, 120_000);
  afterAll(() => s.end());

  it('under Retain, the default, leaves the server and its password, and an event says what stays', async () => {
    const id = await hands.idOf('kept');
    await hands.kubectl('delete', 'dh', 'kept', '--timeout=20s');
    expect(await hands.stands(id)).toBe(true);
    expect(await hands.secret('kept-admin-password')).toBeDefined();
    expect(await hands.about('DeleteServer', id)).toEqual([]);
    await until('the event', async () => (await time.notes('kept', 'Retained')).some((note) => note.includes(id)));
    expect(operator.log()).toContain(`server ${id} stays`);
  });

  it('under Retain ends at once when the remote is out of reach, the Secret gone or the tenant gone', async () => {
    const ids = await Promise.all(['far', 'bare', 'alone'].map(hands.idOf));
    await s.sandbox.fault({ operation: '*', drop: 'before-commit' });
    await hands.kubectl('delete', 'secret', 'bare-credentials', '--wait=false');
    await hands.kubectl('delete', 'sdpft', 'alone', '--wait=false');
    for (const name of ['secret/bare-credentials', 'sdpft/alone'])
      await hands.kubectl('patch', name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
    await s.gone('sdpft', 'alone');
    await time.until('the tenant notices', async () => {
      const tenant = await s.get('sdpft', 'far');
      return findCondition(tenant?.status?.conditions, 'Ready')?.reason === 'Unreachable';
    });
    const before = s.clock.now();
    await hands.kubectl('delete', 'dh', 'far', 'bare', 'alone', '--timeout=20s');
    expect(s.clock.now() - before).toBeLessThan(30_000);
    await s.sandbox.clearFaults();
    for (const id of ids) expect(await hands.stands(id)).toBe(true);
    await time.reason('keeper', 'Ready');
  });

  it('ends at once when it is switched to Retain, and says what became of the server', async () => {
    await s.sandbox.set({ deleteSeconds: 86_400 });
    const id = await hands.idOf('changed');
    await hands.remove('changed');
    await time.reason('changed', 'Deleting');
    await until('the DELETE', async () => (await hands.about('DeleteServer', id)).length === 1);
    await hands.patch('dh/changed', { spec: { deletionPolicy: 'Retain' } });
    await s.gone('dh', 'changed');
    await until('the event', async () => (await time.notes('changed', 'Retained')).some((note) => note.includes(id)));
    expect((await time.notes('changed', 'Retained'))[0]).toMatch(/delete .*was sent/i);
    expect(await hands.secret('changed-admin-password')).toBeDefined();
    await s.sandbox.set({ deleteSeconds: 2 });

    await hands.annotate('dh/early', 'freehold.dev/paused=');
    await hands.remove('early');
    await time.reason('early', 'Paused');
    await hands.patch('dh/early', { spec: { deletionPolicy: 'Retain' } });
    await hands.annotate('dh/early', 'freehold.dev/paused-');
    await s.gone('dh', 'early');
  });

  it('under Delete sends one DELETE, waits through ACTIVE, proves the absence twice and takes only its own password', async () => {
    await s.sandbox.set({ deleteSeconds: 60 });
    const [id, given] = [await hands.idOf('good'), await hands.idOf('given')];
    await hands.remove('good');
    await hands.remove('given');
    const seen = await time.reason('good', 'Deleting');
    await time.until(
      'it is seen deleting',
      async () => (await s.get('dh', 'good'))?.status?.['taskState'] === 'DELETING',
    );
    expect((await s.get('dh', 'good'))?.status).toMatchObject({ state: 'ACTIVE', taskState: 'DELETING' });
    expect(findCondition(seen.status?.conditions, 'Ready')?.message).toContain(id);
    await time.reason('good', 'Confirming');
    expect(await hands.held('good')).toBe(true);
    expect(await hands.secret('good-admin-password')).toBeDefined();
    await time.gone('good');
    await time.gone('given');

    expect(await hands.about('DeleteServer', id)).toHaveLength(1);
    expect(await hands.about('DeleteServer', given)).toHaveLength(1);
    for (const one of [id, given]) {
      const looks = (await hands.about('ShowServer', one)).filter(({ status }) => status === 404);
      const [first, last] = [callTime(looks[0]), callTime(looks.at(-1))];
      expect(last - first).toBeGreaterThanOrEqual(absenceInterval);
      const lists = (await s.sandbox.calls('ListServersDetail')).map(callTime);
      expect(lists.some((at) => at - first >= absenceInterval && at <= last)).toBe(true);
    }
    expect(await hands.secret('good-admin-password')).toBeUndefined();
    expect(await hands.secret('chosen')).toBeDefined();
    await until('the event', async () => (await time.notes('good', 'Deleted')).some((note) => note.includes(id)));
    await s.sandbox.set({ deleteSeconds: 2 });
  });

  it('does not take a 404 alone for an absence, however the list fails', async () => {
    const id = await hands.idOf('unlisted');
    await hands.remove('unlisted');
    await until('the DELETE', async () => (await hands.about('DeleteServer', id)).length === 1);
    const failures = [
      { fault: { status: 503 }, reason: 'ServerError' },
      { fault: { status: 404 }, reason: 'NotFound' },
      { fault: { status: 200, body: '<html>portal</html>' }, reason: 'BadAnswer' },
      { fault: { reset: 'before-commit' }, reason: 'Unreachable' },
    ];
    for (const { fault, reason } of failures) {
      await s.sandbox.fault({ operation: 'ListServersDetail', ...fault });
      await time.reason('unlisted', reason);
      await time.pass(10 * absenceInterval, absenceInterval);
      expect(await hands.held('unlisted')).toBe(true);
      await s.sandbox.clearFaults();
    }
    await time.gone('unlisted');
  });

  it('does not take a list alone for an absence, and ends when a read agrees with it', async () => {
    await s.sandbox.set({ deleteSeconds: 86_400 });
    const id = await hands.idOf('emptied');
    await hands.remove('emptied');
    await time.until('it is seen', async () => (await s.get('dh', 'emptied'))?.status?.['taskState'] === 'DELETING');
    await s.sandbox.set({ deleteSeconds: 2 });
    await listWithout(id);
    await time.pass(20 * absenceInterval, absenceInterval);
    expect(await hands.held('emptied')).toBe(true);
    expect(await hands.secret('emptied-admin-password')).toBeDefined();
    // Nothing changes in the list when it goes.
    await hands.portal.delete(id);
    await time.gone('emptied');
    await s.sandbox.clearFaults();
  });

  it('ends, with the server gone, when a DELETE is refused, fails, or its answer is lost', async () => {
    const faults = {
      refused: { status: 409 },
      failing: { status: 500 },
      unheard: { drop: 'after-commit' },
      unsent: { drop: 'before-commit' },
    };
    const ids = new Map<string, string>();
    for (const [name, fault] of Object.entries(faults)) {
      ids.set(name, await hands.idOf(name));
      await s.sandbox.fault({ operation: 'DeleteServer', pathIncludes: ids.get(name), times: 3, ...fault });
    }
    await hands.remove('refused');
    const refused = await time.reason('refused', 'Conflict', 500);
    expect(findCondition(refused.status?.conditions, 'Ready')?.message).toMatch(/delete of server .* was refused/);
    for (const name of ['failing', 'unheard', 'unsent']) await hands.remove(name);
    for (const name of Object.keys(faults)) await time.gone(name);
    for (const id of ids.values()) expect(await hands.stands(id)).toBe(false);
    expect(await hands.about('DeleteServer', ids.get('unheard')!)).toHaveLength(1);
  });

  it('ends when somebody deletes the server in the portal meanwhile', async () => {
    const [id, crossed] = [await hands.idOf('portal'), await hands.idOf('crossed')];
    await s.sandbox.fault({ operation: 'DeleteServer', pathIncludes: id, status: 409 });
    await hands.remove('portal');
    await time.reason('portal', 'Conflict', 500);
    await hands.portal.delete(id);
    await s.sandbox.clearFaults();
    await time.gone('portal');
    // Gone a moment before our DELETE, which is answered by 404.
    await hands.portal.delete(crossed);
    await hands.remove('crossed');
    await time.gone('crossed');
    expect((await hands.about('DeleteServer', crossed)).filter(({ status }) => status !== 404)).toEqual([]);
  });

  it('waits while the server is being built, and says so', async () => {
    await s.sandbox.set({ buildSeconds: 600 });
    await s.apply(deletes('young'));
    await time.reason('young', 'Building');
    const id = await hands.idOf('young');
    await hands.remove('young');
    await time.reason('young', 'BuildInProgress');
    await time.pass(120_000);
    expect(await hands.held('young')).toBe(true);
    expect(await hands.about('DeleteServer', id)).toEqual([]);
    await s.sandbox.set({ buildSeconds: 2 });
    await time.gone('young', 20_000);
    expect(await hands.stands(id)).toBe(false);
    expect(await hands.about('DeleteServer', id)).toHaveLength(1);
  });

  it('is held by freehold.dev/paused, says so, and goes on without it; a paused live server is left alone', async () => {
    const id = await hands.idOf('paused');
    await hands.annotate('dh/paused', 'freehold.dev/paused=true');
    await until('the condition', async () => {
      const { status } = (await s.get('dh', 'paused'))!;
      return findCondition(status?.conditions, 'Paused')?.status === 'True';
    });
    expect(findCondition((await s.get('dh', 'paused'))?.status?.conditions, 'Ready')?.status).toBe('True');
    await hands.kubectl('patch', 'dh', 'paused', '--type=merge', '-p', '{"spec":{"name":"renamed"}}');
    await time.reason('paused', 'Paused');
    await time.pass(120_000);
    expect(await hands.about('UpdateServer', id)).toEqual([]);

    await hands.remove('paused');
    const waiting = await time.reason('paused', 'Paused');
    expect(findCondition(waiting.status?.conditions, 'Ready')?.message).toMatch(/deletion is held/);
    await time.pass(120_000);
    expect(await hands.about('DeleteServer', id)).toEqual([]);
    await hands.annotate('dh/paused', 'freehold.dev/paused-');
    await time.gone('paused');
    expect(await hands.stands(id)).toBe(false);
  });

  it('takes off only its own finalizer, also in the foreground', async () => {
    const [parent, argo] = [await hands.idOf('parent'), await hands.idOf('argo')];
    await hands.remove('parent', '--cascade=foreground');
    await hands.kubectl(
      'patch',
      'dh',
      'argo',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/metadata/finalizers/-","value":"example.com/last"}]',
    );
    await hands.remove('argo', '--cascade=foreground');
    await time.gone('parent');
    await time.until('ours is off', async () => !(await hands.held('argo')));
    expect((await s.get('dh', 'argo'))?.metadata.finalizers).toContain('example.com/last');
    await time.pass(60_000);
    expect((await s.get('dh', 'argo'))?.metadata.finalizers).toContain('example.com/last');
    await hands.kubectl('patch', 'dh', 'argo', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
    await s.gone('dh', 'argo');
    for (const id of [parent, argo]) {
      expect(await hands.stands(id)).toBe(false);
      expect(await hands.about('DeleteServer', id)).toHaveLength(1);
    }
  });

  it('of a retained server that somebody deletes: the same manifest waits for its end, then buys one', async () => {
    const id = await hands.idOf('again');
    await hands.kubectl('delete', 'dh', 'again', '--timeout=20s');
    await hands.portal.deleting(id);
    await s.apply(s.hypervisor('again'));
    await time.reason('again', 'PreviousBeingDeleted');
    await time.pass(120_000);
    expect(await hands.named('again')).toHaveLength(1);
    await hands.portal.delete(id);
    await time.reason('again', 'Ready');
    const all = await hands.named('again');
    expect(all).toHaveLength(2);
    expect(await hands.idOf('again')).toBe(all[1]!.id);
  });

  it('between the POST and its answer records what was made, then does what the policy says', async () => {
    await s.sandbox.fault({ operation: 'CreateServer', delayMs: 700, times: 2 });
    await s.sandbox.fault({ operation: 'CreateServer', drop: 'after-commit', times: 2 });
    for (const way of ['late', 'lost']) {
      const names = { keep: `${way}-keep`, drop: `${way}-drop` };
      await s.apply(s.hypervisor(names.keep), deletes(names.drop));
      for (const name of Object.values(names))
        await until('the POST', async () => (await hands.named(name)).length === 1);
      await hands.kubectl('delete', 'dh', ...Object.values(names), '--wait=false');
      await time.gone(names.keep);
      await time.gone(names.drop, 20_000);
      const [keep] = await hands.named(names.keep);
      expect(await hands.stands(keep!.id)).toBe(true);
      expect(await hands.secret(`${names.keep}-admin-password`)).toBeDefined();
      await until('the event', async () =>
        (await time.notes(names.keep, 'Retained')).some((note) => note.includes(keep!.id)),
      );
      const [drop] = await hands.named(names.drop);
      expect(await hands.stands(drop!.id)).toBe(false);
      for (const name of Object.values(names)) expect(await hands.named(name)).toHaveLength(1);
    }
  });

  it('after a POST that made nothing waits for the settle window, then ends', async () => {
    await s.sandbox.fault({ operation: 'CreateServer', drop: 'before-commit', times: 2 });
    await s.apply(s.hypervisor('void-keep'), deletes('void-drop'));
    for (const name of ['void-keep', 'void-drop']) await time.reason(name, 'CreateOutcomeUnknown');
    const sent = Date.parse((await s.get('dh', 'void-keep'))!.status!.creation!.sentAt);
    await hands.kubectl('delete', 'dh', 'void-keep', 'void-drop', '--wait=false');
    await time.pass(14 * 60_000, 30_000);
    for (const name of ['void-keep', 'void-drop']) expect(await hands.held(name)).toBe(true);
    for (const name of ['void-keep', 'void-drop']) await time.gone(name, 10_000);
    expect(s.clock.now() - sent).toBeGreaterThanOrEqual(15 * 60_000);
    expect([...(await hands.named('void-keep')), ...(await hands.named('void-drop'))]).toEqual([]);
  });
});

describe('a deletion of what cannot be recognised', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    await begin({ keepDescription: false, keepMetadata: false });
    await start();
    await s.apply(...s.tenant());
  });
  afterAll(() => s.end());

  it('waits for a person when a stranger may have made the candidate, and ends by forget', async () => {
    await s.sandbox.fault({ operation: 'CreateServer', drop: 'after-commit', times: 1 });
    await s.apply(s.hypervisor('web', { deletionPolicy: 'Delete' }));
    await time.reason('web', 'CreateOutcomeUnknown');
    await s.sandbox.control('POST', 'servers', { name: 'web' });
    await hands.remove('web');
    await time.reason('web', 'CreateOutcomeAmbiguous', 30_000);
    await time.pass(30 * 60_000, 60_000);
    expect(await hands.held('web')).toBe(true);
    const waiting = (await s.get('dh', 'web'))!;
    const { attemptID } = waiting.status!.creation!;
    const message = findCondition(waiting.status?.conditions, 'Stalled')?.message;
    expect(message).toContain(attemptID);
    for (const { id } of await hands.named('web')) expect(message).toContain(id);
    await hands.annotate('dh/web', 'freehold.dev/resolve=another-attempt forget');
    await time.pass(60_000);
    expect(await hands.held('web')).toBe(true);
    await hands.annotate('dh/web', '--overwrite', `freehold.dev/resolve=${attemptID} forget`);
    await s.gone('dh', 'web');
    for (const { id } of await hands.named('web')) expect(await hands.stands(id)).toBe(true);
    expect(await s.sandbox.calls('DeleteServer')).toEqual([]);
    expect(await s.sandbox.calls('CreateServer')).toHaveLength(1);
  });
});

describe('what a deletion needs', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    await begin();
    await start();
    await s.apply(...s.tenant(), ...s.tenant({}, 'other'));
    await s.condition('sdpft', 'tenant', 'Ready', 'True');
    await buy(
      s.hypervisor('keeper'),
      ...['first', 'second', 'third'].map((name) => s.hypervisor(name, { deletionPolicy: 'Delete' })),
      s.hypervisor('fourth', { tenantRef: { name: 'other' }, deletionPolicy: 'Delete' }),
    );
  }, 60_000);
  afterAll(() => s.end());

  const inUse = async (name: string) =>
    (await hands.secret(name))?.metadata.finalizers?.includes('freehold.dev/in-use') === true;

  it('stays: a credentials Secret deleted first is kept while the tenant has users, and goes with the last', async () => {
    await hands.kubectl('delete', 'secret', 'other-credentials', '--wait=false');
    const id = await hands.idOf('fourth');
    await time.pass(15 * 60_000, 60_000);
    await time.reason('fourth', 'Ready');
    expect(await inUse('other-credentials')).toBe(true);
    await hands.remove('fourth');
    await time.gone('fourth');
    expect(await hands.stands(id)).toBe(false);
    await s.gone('secret', 'other-credentials');
  });

  it('stays: a tenant in use names its users and ends after them, and its Secret is free', async () => {
    await s.apply(...s.tenant({}, 'other'), s.hypervisor('fifth', { tenantRef: { name: 'other' } }));
    await time.reason('fifth', 'Ready');
    await hands.kubectl('delete', 'sdpft', 'other', '--wait=false');
    const waiting = await s.condition('sdpft', 'other', 'Ready', 'False', 'InUse');
    expect(findCondition(waiting.status?.conditions, 'Ready')?.message).toContain('fifth');
    await hands.kubectl('patch', 'dh', 'fifth', '--type=merge', '-p', '{"spec":{"deletionPolicy":"Delete"}}');
    const id = await hands.idOf('fifth');
    await hands.remove('fifth');
    await time.gone('fifth', 20_000);
    expect(await hands.stands(id)).toBe(false);
    await s.gone('sdpft', 'other');
    await until('the Secret is free', async () => !(await inUse('other-credentials')));
    expect(await hands.secret('other-credentials')).toBeDefined();
    expect(await inUse('tenant-credentials')).toBe(true);
  });

  it('ends with its namespace: Delete deletes, Retain leaves the server and says so', async () => {
    const kept = await hands.idOf('keeper');
    const ids = await Promise.all(['first', 'second', 'third'].map(hands.idOf));
    await hands.kubectl('delete', 'namespace', s.namespace, '--wait=false');
    const exists = async () => (await s.kubectl(['get', 'namespace', s.namespace])).code === 0;
    await time.until('the namespace gone', async () => !(await exists()));
    for (const id of ids) {
      expect(await hands.stands(id)).toBe(false);
      expect(await hands.about('DeleteServer', id)).toHaveLength(1);
    }
    expect(await hands.stands(kept)).toBe(true);
    expect(operator.log()).toContain(`server ${kept} stays`);
  });
});
