import { describe, expect, it } from 'vitest';
import { markerOf } from '../../src/engine/owner.ts';
import type { Scenario } from '../support/scenario.ts';
import {
  change,
  changes,
  conditionOf,
  inPortal,
  inScenario,
  passUntil,
  passUntilReason,
  secret,
  sha256,
  textOf,
} from '../support/servers.ts';
import { until } from '../support/wait.ts';

const minute = 60_000;

const creates = (s: Scenario) => s.sandbox.calls('CreateServer');
const inFlight = (s: Scenario, count: number) =>
  until(`${count} creates`, async () => (await creates(s)).length === count, 30_000);
const marker = (s: Scenario, name = 'web') => markerOf({ ownerID: s.ownerID, namespace: s.namespace, name });

/** One server, one POST, found by its marker; its password is known and is the one the remote was sent. */
async function expectBoughtOnce(s: Scenario): Promise<void> {
  const servers = await s.sandbox.servers();
  expect(servers).toHaveLength(1);
  const posts = await creates(s);
  expect(posts).toHaveLength(1);
  expect(servers[0]!.description).toBe(marker(s));
  expect(posts[0]!.requestBody).toMatchObject({
    server: { metadata: { 'freehold-owner': `${s.ownerID}/${s.namespace}/web` } },
  });
  const web = await s.get('dh', 'web');
  expect(web?.status).toMatchObject({ externalID: servers[0]!.id, creation: { outcome: 'Found' } });
  expect(conditionOf(web, 'PasswordKnown')).toMatchObject({ status: 'True', reason: 'Generated' });
  expect(sha256(textOf(await secret(s, 'web-admin-password'), 'password'))).toBe(servers[0]!.adminPassSHA256);
}

describe.concurrent('a create whose outcome is unknown', () => {
  it.each([
    ['the reply is dropped', { drop: 'after-commit' }],
    ['the connection is reset', { reset: 'after-commit' }],
    ['the answer is 503', { status: 503, commit: true }],
    ['the answer breaks off', { truncate: 20 }],
    ['a proxy answers 200 with a page of its own', { status: 200, commit: true, body: '<html>welcome</html>' }],
    ['a proxy answers 404 with a page of its own', { status: 404, commit: true, body: '<html>not here</html>' }],
  ])(
    'buys nothing more when %s after the commit',
    inScenario(async (s, _what, fault) => {
      await s.sandbox.fault({ operation: 'CreateServer', times: 1, ...fault });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      await passUntilReason(s, 'web', 'Ready');
      await expectBoughtOnce(s);
    }),
  );

  it(
    'buys nothing more when the operator is killed while the POST is on its way',
    inScenario(async (s) => {
      await s.sandbox.fault({ operation: 'CreateServer', delayMs: 60_000, times: 1 });
      await s.apply(...s.tenant(), s.hypervisor());
      const first = s.spawn('--leader-elect', 'false');
      await inFlight(s, 1);
      await first.kill();
      const left = await s.get('dh', 'web');
      expect(left?.status?.creation?.attemptID).toBeDefined();
      expect(left?.status?.creation?.outcome).toBeUndefined();
      expect(left?.status?.externalID).toBeUndefined();
      s.spawn('--leader-elect', 'false');
      await s.ready('web', 40_000);
      await expectBoughtOnce(s);
    }),
    90_000,
  );

  it(
    'waits for a list that lags by minutes, and finds the server once it is listed',
    inScenario(async (s) => {
      await s.sandbox.set({ listLagSeconds: 12 * 60, showLag: true });
      await s.sandbox.fault({ operation: 'CreateServer', drop: 'after-commit', times: 1 });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      const unknown = await s.condition('dh', 'web', 'Ready', 'False', 'CreateOutcomeUnknown');
      const { attemptID } = unknown.status!.creation!;
      expect(conditionOf(unknown, 'Reconciling')).toMatchObject({ reason: 'CreateOutcomeUnknown' });
      expect(conditionOf(unknown, 'Ready')?.message).toContain(attemptID);
      expect(conditionOf(unknown, 'Stalled')).toBeUndefined();
      await s.pass(11 * minute, 20_000);
      expect(conditionOf(await s.get('dh', 'web'), 'Ready')?.reason).toBe('CreateOutcomeUnknown');
      await passUntilReason(s, 'web', 'Ready');
      await expectBoughtOnce(s);
    }),
  );

  it(
    'is asked once more, after the settle window and three complete lists, when it truly made nothing',
    inScenario(async (s) => {
      await s.sandbox.fault({ operation: 'CreateServer', drop: 'before-commit', times: 1 });
      // One list before the create; then none is complete for longer than the settle window.
      await s.sandbox.fault({ operation: 'ListServersDetail', status: 503, after: 1 });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      await inFlight(s, 1);
      await s.pass(17 * minute, 20_000);
      expect(await creates(s)).toHaveLength(1);
      await s.sandbox.clearFaults();
      await passUntilReason(s, 'web', 'Ready');
      const [first, second, ...more] = await creates(s);
      expect(more).toEqual([]);
      expect(Date.parse(second!.at) - Date.parse(first!.at)).toBeGreaterThanOrEqual(15 * minute);
      const lists = (await s.sandbox.calls('ListServersDetail')).filter(
        ({ seq, status }) => seq > first!.seq && seq < second!.seq && status === 200,
      );
      expect(lists.length).toBeGreaterThanOrEqual(3);
      expect(await s.sandbox.servers()).toHaveLength(1);
    }),
  );

  it(
    'waits the whole window although every list answers',
    inScenario(async (s) => {
      await s.sandbox.fault({ operation: 'CreateServer', drop: 'before-commit', times: 1 });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      await inFlight(s, 1);
      await s.pass(14 * minute, 20_000);
      expect(await creates(s)).toHaveLength(1);
      await passUntilReason(s, 'web', 'Ready');
      const [first, second, ...more] = await creates(s);
      expect(more).toEqual([]);
      expect(Date.parse(second!.at) - Date.parse(first!.at)).toBeGreaterThanOrEqual(15 * minute);
      expect(await s.sandbox.servers()).toHaveLength(1);
    }),
  );

  it(
    'is not asked again once a person said Observe',
    inScenario(async (s) => {
      await s.sandbox.fault({ operation: 'CreateServer', drop: 'before-commit', times: 1 });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start({ settleWindow: '6m' });
      await inFlight(s, 1);
      await s.condition('dh', 'web', 'Ready', 'False', 'CreateOutcomeUnknown');
      await change(s, 'web', { spec: { managementPolicy: 'Observe' } });
      await passUntilReason(s, 'web', 'NotFound');
      expect(await creates(s)).toHaveLength(1);
    }),
  );

  it(
    'is not needed for a server whose ID is known and which no list shows yet',
    inScenario(async (s) => {
      await s.sandbox.set({ listLagSeconds: 10 * 60, showLag: true });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      await until('recorded', async () => (await s.get('dh', 'web'))?.status?.externalID !== undefined);
      await s.pass(9 * minute, 20_000);
      const web = await s.get('dh', 'web');
      expect(conditionOf(web, 'Ready')?.reason).toMatch(/Building|Confirming/);
      expect(conditionOf(web, 'Stalled')).toBeUndefined();
      await passUntilReason(s, 'web', 'Ready');
      expect(await creates(s)).toHaveLength(1);
    }),
  );
});

describe.concurrent('a tenant that forgets descriptions', () => {
  it.each([true, false])(
    'sells one server at most (metadata kept: %s)',
    inScenario(async (s, keepMetadata) => {
      await s.sandbox.set({ keepDescription: false, keepMetadata });
      const names = ['a', 'b', 'c'];
      await s.apply(...s.tenant(), ...names.map((name) => s.hypervisor(name)));
      await s.start();
      for (const name of names) await passUntilReason(s, name, 'MarkerNotKept');
      const all = await Promise.all(names.map((name) => s.get('dh', name)));
      for (const one of all) expect(conditionOf(one, 'Stalled')?.reason).toBe('MarkerNotKept');
      const [server, ...more] = await s.sandbox.servers();
      expect(more).toEqual([]);
      const bought = all.find((one) => one?.status?.externalID === server!.id)!;
      expect(conditionOf(bought, 'Ready')?.message).toContain(`Set spec.externalID: ${server!.id}`);

      // A person accepts the one that is there: it is followed, and the others still buy nothing.
      await change(s, bought.metadata.name, { spec: { externalID: server!.id } });
      await passUntilReason(s, bought.metadata.name, 'Ready');
      await s.pass(5 * minute, 20_000);
      for (const name of names.filter((name) => name !== bought.metadata.name)) {
        expect(conditionOf(await s.get('dh', name), 'Ready')?.reason).toBe('MarkerNotKept');
      }
      expect(await creates(s)).toHaveLength(1);
    }),
  );

  /** A create with unknown outcome, one server of a stranger from before it and one from after it, and the question. */
  async function ambiguous(s: Scenario): Promise<{ attemptID: string; ours: string; stranger: string }> {
    await s.sandbox.set({ keepDescription: false, keepMetadata: false });
    const older = await inPortal(s, { name: 'older' });
    await s.sandbox.fault({ operation: 'CreateServer', drop: 'after-commit', times: 1 });
    await s.apply(...s.tenant(), s.hypervisor());
    await s.start({ settleWindow: '6m' });
    await inFlight(s, 1);
    const stranger = await inPortal(s, { name: 'web' });
    const web = await passUntilReason(s, 'web', 'CreateOutcomeAmbiguous');
    const { attemptID } = web.status!.creation!;
    const ours = (await s.sandbox.servers()).find(({ id }) => id !== older && id !== stranger)!.id;
    const { message } = conditionOf(web, 'Stalled')!;
    for (const part of [attemptID, ours, stranger, 'freehold.dev/resolve', 'adopt=', 'retry', 'forget']) {
      expect(message).toContain(part);
    }
    expect(message).not.toContain(older);
    return { attemptID, ours, stranger };
  }
  const answer = (s: Scenario, text: string) => change(s, 'web', { annotations: { 'freehold.dev/resolve': text } });
  const messageOf = async (s: Scenario) => conditionOf(await s.get('dh', 'web'), 'Ready')?.message ?? '';

  it(
    'asks a person which server is ours, and adopts the one that they name',
    inScenario(async (s) => {
      const { attemptID, ours } = await ambiguous(s);
      await answer(s, `not-${attemptID} adopt=${ours}`);
      await until('said so', async () =>
        (await messageOf(s)).includes(`names attempt not-${attemptID}, so it answers nothing`),
      );
      await answer(s, 'adopt it');
      await until('said so', async () => (await messageOf(s)).includes('it must be "<attempt ID> adopt=<ID>"'));
      await answer(s, `${attemptID} adopt=00000000-0000-4000-8000-000000000000`);
      await until('said so', async () => (await messageOf(s)).includes('does not list; correct it'));
      expect((await s.get('dh', 'web'))?.status?.externalID).toBeUndefined();
      await answer(s, `${attemptID} adopt=${ours}`);
      const web = await passUntilReason(s, 'web', 'MarkerNotKept');
      expect(web.status).toMatchObject({ externalID: ours, lastResolve: `${attemptID} adopt=${ours}` });
      expect(await creates(s)).toHaveLength(1);
    }),
  );

  it(
    'creates again after retry, and the word is good for one attempt only',
    inScenario(async (s) => {
      const { attemptID } = await ambiguous(s);
      await s.sandbox.fault({ operation: 'CreateServer', drop: 'after-commit', times: 1 });
      await answer(s, `${attemptID} retry`);
      await inFlight(s, 2);
      const web = await passUntilReason(s, 'web', 'CreateOutcomeAmbiguous');
      expect(web.status?.lastResolve).toBe(`${attemptID} retry`);
      expect(web.status?.creation?.attemptID).not.toBe(attemptID);
      await s.pass(2 * minute);
      expect(await creates(s)).toHaveLength(2);
    }),
  );

  it(
    'creates nothing more after forget, until a person says otherwise',
    inScenario(async (s) => {
      const { attemptID, ours } = await ambiguous(s);
      await answer(s, `${attemptID} forget`);
      const web = await passUntilReason(s, 'web', 'CreationForgotten');
      expect(conditionOf(web, 'Stalled')?.message).toContain(`${attemptID} retry`);
      expect(web.status).toMatchObject({ lastResolve: `${attemptID} forget`, creation: { outcome: 'Forgotten' } });
      await s.pass(10 * minute, 20_000);
      expect(conditionOf(await s.get('dh', 'web'), 'Ready')?.reason).toBe('CreationForgotten');
      expect(await creates(s)).toHaveLength(1);
      await answer(s, `${attemptID} adopt=${ours}`);
      const adopted = await passUntilReason(s, 'web', 'MarkerNotKept');
      expect(adopted.status).toMatchObject({ externalID: ours, lastResolve: `${attemptID} adopt=${ours}` });
    }),
  );

  it(
    'creates again when a person takes a forget back',
    inScenario(async (s) => {
      const { attemptID } = await ambiguous(s);
      await answer(s, `${attemptID} forget`);
      await passUntilReason(s, 'web', 'CreationForgotten');
      await answer(s, `${attemptID} retry`);
      await passUntilReason(s, 'web', 'MarkerNotKept');
      expect(await creates(s)).toHaveLength(2);
    }),
  );

  it(
    'obeys retry only after the settle window, and asks even about a server that names us in its metadata',
    inScenario(async (s) => {
      await s.sandbox.set({ keepDescription: false });
      await s.sandbox.fault({ operation: 'CreateServer', drop: 'after-commit', times: 1 });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start({ settleWindow: '6m' });
      const web = await s.condition('dh', 'web', 'Ready', 'False', 'CreateOutcomeUnknown');
      const { attemptID } = web.status!.creation!;
      await answer(s, `${attemptID} retry`);
      await passUntil(s, 'said so', async () => (await messageOf(s)).includes('once the window has passed'));
      expect(await creates(s)).toHaveLength(1);
      await answer(s, '');
      await passUntilReason(s, 'web', 'CreateOutcomeAmbiguous');
      expect(await messageOf(s)).toContain((await s.sandbox.servers())[0]!.id);
      expect(await creates(s)).toHaveLength(1);
    }),
  );
});

describe.concurrent('creates in one tenant', () => {
  it(
    'run one at a time until it was seen to keep a marker, and at once afterwards',
    inScenario(async (s) => {
      // Metadata does not stick everywhere; the marker alone is enough.
      await s.sandbox.set({ keepMetadata: false });
      await s.sandbox.fault({ operation: 'CreateServer', delayMs: 3000, times: 1 });
      const names = ['a', 'b', 'c'];
      await s.apply(...s.tenant(), ...names.map((name) => s.hypervisor(name)));
      await s.start();
      await inFlight(s, 1);
      const waiting = async () => {
        const all = await Promise.all(names.map((name) => s.get('dh', name)));
        return all.filter((one) => conditionOf(one, 'Ready')?.reason === 'CreationQueued');
      };
      // Of a turn that comes within seconds nothing is said.
      await s.pass(4_000, 4_000);
      await until('two wait', async () => (await waiting()).length === 2);
      const [queued] = await waiting();
      expect(conditionOf(queued, 'Reconciling')?.message).toContain('another one is under way');
      expect(await creates(s)).toHaveLength(1);
      // Slow enough that the third can only leave before the second was answered.
      await s.sandbox.fault({ operation: 'CreateServer', delayMs: 2000 });
      await passUntil(s, 'the others', async () => (await creates(s)).length > 1);
      await inFlight(s, 3);
      const recorded = (await Promise.all(names.map((name) => s.get('dh', name)))).filter(
        (one) => one?.status?.externalID,
      );
      expect(recorded).toHaveLength(1);
      await until('answered', async () => (await waiting()).length === 0);
      for (const name of names) await passUntilReason(s, name, 'Ready');
      expect(new Set((await s.sandbox.servers()).map(({ description }) => description))).toEqual(
        new Set(names.map((name) => marker(s, name))),
      );
      expect(await creates(s)).toHaveLength(3);
    }),
  );
});

describe.concurrent('a description', () => {
  it(
    'that the platform cuts still carries the marker, and what is missing shows in Synced',
    inScenario(async (s) => {
      await s.sandbox.set({ descriptionMaxLength: 45 });
      await s.sandbox.fault({ operation: 'CreateServer', drop: 'after-commit', times: 1 });
      await s.apply(...s.tenant(), s.hypervisor('web', { description: 'rack 7, row B, ask Yamada' }));
      await s.start();
      const web = await passUntilReason(s, 'web', 'Ready');
      expect(await creates(s)).toHaveLength(1);
      expect((await s.sandbox.servers())[0]!.description).toBe(`${marker(s)} rack 7,`);
      expect(conditionOf(web, 'Synced')).toMatchObject({ status: 'False', reason: 'Drifted' });
      expect(conditionOf(web, 'Synced')?.message).toContain(
        'description: wanted "rack 7, row B, ask Yamada", is "rack 7,"',
      );
    }),
  );

  it(
    'cut within the marker is a question after an unknown outcome: no second create, no adoption',
    inScenario(async (s) => {
      // Somebody's whole marker proves that this tenant keeps them: no other evidence is gathered from then on.
      await inPortal(s, { description: markerOf({ ownerID: 'another-cluster', namespace: 'x', name: 'y' }) });
      await s.sandbox.set({ descriptionMaxLength: 24, keepMetadata: false });
      await s.sandbox.fault({ operation: 'CreateServer', drop: 'after-commit', times: 1 });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start({ settleWindow: '6m' });
      const web = await passUntilReason(s, 'web', 'CreateOutcomeAmbiguous');
      expect(conditionOf(web, 'Stalled')?.message).toContain((await s.sandbox.servers())[1]!.id);
      await s.pass(5 * minute, 20_000);
      expect((await s.get('dh', 'web'))?.status?.externalID).toBeUndefined();
      expect(await creates(s)).toHaveLength(1);
    }),
  );

  describe('with a damaged marker on a server that nobody sent for', () => {
    /** The question about it: answers by its ID. */
    async function asked(
      s: Scenario,
    ): Promise<{ damaged: string; question: string; answer: (text: string) => Promise<unknown> }> {
      const damaged = await inPortal(s, { name: 'web', description: marker(s).slice(0, 20) });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      const web = await passUntilReason(s, 'web', 'CreateOutcomeAmbiguous');
      const { message } = conditionOf(web, 'Stalled')!;
      expect(message).toContain(damaged);
      const question = /"(\S+) retry"/.exec(message)![1]!;
      expect(web.status?.externalID).toBeUndefined();
      expect(await changes(s)).toEqual([]);
      const answer = (text: string) =>
        change(s, 'web', { annotations: { 'freehold.dev/resolve': `${question} ${text}` } });
      return { damaged, question, answer };
    }

    it(
      'buys a server when a person says that it is not ours',
      inScenario(async (s) => {
        const { damaged, question, answer } = await asked(s);
        await answer('retry');
        const web = await passUntilReason(s, 'web', 'Ready');
        expect(web.status?.externalID).not.toBe(damaged);
        expect(web.status?.lastResolve).toBe(`${question} retry`);
        expect(await creates(s)).toHaveLength(1);
      }),
    );

    it(
      'buys nothing when a person says forget, and adopts it when they name it',
      inScenario(async (s) => {
        const { damaged, question, answer } = await asked(s);
        await answer('forget');
        const web = await s.condition('dh', 'web', 'Stalled', 'True', 'CreationForgotten');
        expect(web.status?.lastResolve).toBe(`${question} forget`);
        await s.pass(3 * minute);
        expect(conditionOf(await s.get('dh', 'web'), 'Ready')?.reason).toBe('CreationForgotten');
        await answer(`adopt=${damaged}`);
        await until('adopted', async () => (await s.get('dh', 'web'))?.status?.externalID === damaged);
        expect(await creates(s)).toEqual([]);
      }),
    );

    it(
      'goes on by itself when it is gone',
      inScenario(async (s) => {
        const { damaged } = await asked(s);
        await s.sandbox.control('DELETE', `servers/${damaged}`);
        await passUntilReason(s, 'web', 'Ready');
        expect(await creates(s)).toHaveLength(1);
      }),
    );
  });
});

describe.concurrent('a spec that the platform refuses', () => {
  it(
    'buys nothing, is not asked again and again, and is mended in place until the purchase',
    inScenario(async (s) => {
      const other = '293063f6-8986-4b79-becd-7a6d28794bb8';
      await s.apply(...s.tenant(), s.hypervisor('web', { imageRef: 'no-such-image' }));
      await s.start();
      const web = await s.condition('dh', 'web', 'Stalled', 'True', 'InvalidSpec');
      expect(conditionOf(web, 'Ready')).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
      expect(conditionOf(web, 'Stalled')?.message).toContain('Image not found');
      expect(web.status?.creation).toBeUndefined();
      await s.pass(10 * minute, 20_000);
      expect(await creates(s)).toHaveLength(1);

      await change(s, 'web', { annotations: { 'freehold.dev/reconcile-requested-at': 'now' } });
      await inFlight(s, 2);
      const asked = await s.condition('dh', 'web', 'Stalled', 'True', 'InvalidSpec');
      await until('answered', async () => (await s.get('dh', 'web'))?.status?.lastHandledReconcileAt === 'now');
      await s.pass(5 * minute, 20_000);
      expect(await creates(s)).toHaveLength(2);
      expect(asked.status?.externalID).toBeUndefined();

      await s.apply(s.hypervisor('web', { imageRef: other }));
      await passUntilReason(s, 'web', 'Ready');
      expect(await creates(s)).toHaveLength(3);
      expect(await s.sandbox.servers()).toHaveLength(1);

      await expect(s.apply(s.hypervisor())).rejects.toThrow(
        /spec\.imageRef: Forbidden: spec\.imageRef cannot be changed: .* delete this resource and create another one/,
      );
    }),
  );
});

describe.concurrent('the root password', () => {
  it(
    'is in its Secret before the create leaves, and is what the remote was sent',
    inScenario(async (s) => {
      await s.sandbox.fault({ operation: 'CreateServer', delayMs: 1500, times: 1 });
      await s.apply(...s.tenant(), s.hypervisor('web', {}, { labels: { app: 'x' }, annotations: { app: 'x' } }));
      await s.start();
      await inFlight(s, 1);
      // While the create is on its way the newest write is the journal's, which comes before the call.
      const web = await s.get('dh', 'web');
      expect(web?.status?.creation?.attemptID).toBeDefined();
      expect(web?.status?.externalID).toBeUndefined();
      const stored = await secret(s, 'web-admin-password');
      expect(BigInt(stored!.metadata.resourceVersion!)).toBeLessThan(BigInt(web!.metadata.resourceVersion!));
      expect(stored).toMatchObject({ type: 'freehold.dev/credentials' });
      expect(stored?.metadata.labels).toBeUndefined();
      expect(stored?.metadata['ownerReferences' as 'name']).toBeUndefined();
      for (const key of Object.keys(stored!.metadata.annotations!)) expect(key).toMatch(/^freehold\.dev\//);
      await passUntilReason(s, 'web', 'Ready');
      const password = textOf(await secret(s, 'web-admin-password'), 'password');
      expect(password).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{20,}$/);
      expect(sha256(password)).toBe((await s.sandbox.servers())[0]!.adminPassSHA256);
      const condition = conditionOf(await s.get('dh', 'web'), 'PasswordKnown');
      expect(condition).toMatchObject({ status: 'True', reason: 'Generated' });
      expect(condition?.message).toContain('web-admin-password');
    }),
  );

  it(
    'that a refused create left behind is used by the next one, and says nothing of a server that was adopted',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), ...['web', 'old'].map((name) => s.hypervisor(name, { imageRef: 'no-such-image' })));
      await s.start();
      await passUntilReason(s, 'web', 'InvalidSpec');
      await passUntilReason(s, 'old', 'InvalidSpec');
      const before = textOf(await secret(s, 'web-admin-password'), 'password');
      await s.apply(s.hypervisor());
      await passUntilReason(s, 'web', 'Ready');
      expect(sha256(before)).toBe((await s.sandbox.servers())[0]!.adminPassSHA256);
      const externalID = await inPortal(s, { name: 'old' });
      await change(s, 'old', { spec: { externalID } });
      const old = await passUntilReason(s, 'old', 'Ready');
      expect(conditionOf(old, 'PasswordKnown')).toMatchObject({ status: 'False', reason: 'NotRecoverable' });
    }),
  );

  it(
    'is not put into a Secret of somebody else, and nothing is bought before that is cleared',
    inScenario(async (s) => {
      const foreign = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'web-admin-password' },
        stringData: { password: 'theirs' },
      };
      await s.apply(...s.tenant(), foreign, s.hypervisor());
      await s.start();
      const web = await s.condition('dh', 'web', 'Stalled', 'True', 'SecretExists');
      expect(conditionOf(web, 'Stalled')?.message).toContain(`${s.namespace}/web-admin-password`);
      await s.pass(2 * minute);
      expect(await changes(s)).toEqual([]);
      expect(textOf(await secret(s, 'web-admin-password'), 'password')).toBe('theirs');
      await s.kubectl(['delete', 'secret', 'web-admin-password']);
      await passUntilReason(s, 'web', 'Ready');
      expect(await s.sandbox.servers()).toHaveLength(1);
    }),
  );

  it(
    'is taken from the Secret that the spec names, once it is there',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), s.hypervisor('web', { adminPasswordSecretRef: { name: 'root', key: 'pw' } }));
      await s.start();
      const web = await s.condition('dh', 'web', 'Reconciling', 'True', 'SecretMissing');
      expect(conditionOf(web, 'Ready')?.message).toContain(`Secret ${s.namespace}/root does not exist`);
      expect(conditionOf(web, 'Stalled')).toBeUndefined();
      const root = (type: string) => ({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'root' },
        type,
        stringData: { pw: 'correct horse 1' },
      });
      await s.apply(root('Opaque'));
      const wrong = await passUntilReason(s, 'web', 'SecretMalformed');
      expect(conditionOf(wrong, 'Reconciling')?.message).toContain('must be of type "freehold.dev/credentials"');
      expect(await changes(s)).toEqual([]);
      await s.kubectl(['delete', 'secret', 'root']);
      await s.apply(root('freehold.dev/credentials'));
      const ready = await passUntilReason(s, 'web', 'Ready');
      expect((await s.sandbox.servers())[0]!.adminPassSHA256).toBe(sha256('correct horse 1'));
      expect(conditionOf(ready, 'PasswordKnown')).toMatchObject({ status: 'True', reason: 'FromSecret' });
      expect(await secret(s, 'web-admin-password')).toBeUndefined();
    }),
  );
});

describe.concurrent('a server that is not as it should be', () => {
  it(
    'in ERROR stalls and is never rebuilt; it is Ready again when it was mended',
    inScenario(async (s) => {
      await s.sandbox.set({ forceError: true });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      const web = await passUntilReason(s, 'web', 'RemoteError');
      expect(conditionOf(web, 'Stalled')?.message).toContain('never rebuilt');
      await s.pass(20 * minute, 20_000);
      expect(await changes(s)).toHaveLength(1);
      await s.sandbox.control('PATCH', `servers/${web.status!.externalID}`, { status: 'ACTIVE' });
      await passUntilReason(s, 'web', 'Ready');
    }),
  );

  it(
    'in a status that nobody knows is waited on',
    inScenario(async (s) => {
      await s.sandbox.set({ forceStatus: 'MIGRATING' });
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      const web = await passUntilReason(s, 'web', 'UnknownState');
      expect(conditionOf(web, 'Reconciling')?.message).toContain(
        'is in status MIGRATING, which this version does not know',
      );
      expect(conditionOf(web, 'Stalled')).toBeUndefined();
      await s.sandbox.set({ forceStatus: null });
      await passUntilReason(s, 'web', 'Ready');
    }),
  );

  it(
    'whose machine is busy is not Ready before it is idle',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), s.hypervisor());
      await s.start();
      const { status } = await passUntilReason(s, 'web', 'Ready');
      await s.sandbox.control('PATCH', `servers/${status!.externalID}`, { taskState: 'REBOOTING' });
      const busy = await passUntilReason(s, 'web', 'InProgress');
      expect(conditionOf(busy, 'Reconciling')?.message).toContain('is REBOOTING; waiting until it is idle');
      expect(busy.status).toMatchObject({ state: 'ACTIVE', taskState: 'REBOOTING' });
      await s.sandbox.control('PATCH', `servers/${status!.externalID}`, { taskState: null });
      await passUntilReason(s, 'web', 'Ready');
      expect(await changes(s)).toHaveLength(1);
    }),
  );
});
