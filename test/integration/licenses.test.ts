import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { startControlPlane } from '../support/controlplane.ts';
import { handsOf } from '../support/hands.ts';
import {
  bought,
  changeLicense,
  elsewhere,
  keyAtRemote,
  license,
  passUntilLicense,
  password,
  posts,
  registration,
} from '../support/licenses.ts';
import type { ChildOptions } from '../support/operator-child.ts';
import { scaledClock } from '../support/scaled-clock.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';
import { conditionOf, inScenario, passUntil, refusal, secret, textOf } from '../support/servers.ts';
import { until } from '../support/wait.ts';

// For loaded machines; none of them takes so long by itself.
vi.setConfig({ testTimeout: 90_000 });

const minute = 60_000;
const day = 24 * 60 * minute;

/** Nobody else buys in the tenant: a person's word. */
const ours = { licenseBuyers: 'OnlyThisOperator' };
/** A jump of the clock is not to end a call that a loaded machine is slow to answer. */
const patient = { writeDeadline: '10m', readDeadline: '5m' };

const inFlight = (s: Scenario, count: number) =>
  until(`${count} POSTs`, async () => (await posts(s)).length === count, 30_000);
const live = async (s: Scenario) => (await bought(s)).filter(({ deletedAt }) => deletedAt === undefined);
const readyMessage = async (s: Scenario, name: string) => conditionOf(await s.get('gl', name), 'Ready')?.message ?? '';
const storedKey = async (s: Scenario, name: string) => textOf(await secret(s, `${name}-license`), 'licenseKey');
/** A vCenter that somebody registers in the portal. */
const vcenterInPortal = (s: Scenario, license_id: string, link_local_address = '169.254.127.139') =>
  s.sandbox.control<{ id: string }>('POST', 'vcenters', { license_id, link_local_address });
/** Time goes by and nothing is bought. */
async function buysNothing(s: Scenario, before = 0): Promise<void> {
  await s.pass(20 * minute, 2 * minute);
  expect(await posts(s)).toHaveLength(before);
}

describe.concurrent('a licence and a vCenter', () => {
  it(
    'is bought, its key is stored, the vCenter is registered with it and metered',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), password(), license(s, 'vc'), registration('vc', { licenseRef: { name: 'vc' } }));
      await s.start(patient);
      const licence = await s.condition('gl', 'vc', 'Ready', 'True');
      const registered = await s.condition('vcreg', 'vc', 'Ready', 'True');
      expect(registered.status).toMatchObject({ licenseID: licence.status!.externalID });
      await s.pass(5 * minute);
      await s.condition('vcreg', 'vc', 'MeteringHealthy', 'True');
      expect(Object.keys((await secret(s, 'vc-license'))!.data!)).toEqual(['licenseKey']);
      expect(await storedKey(s, 'vc')).toBe(await keyAtRemote(s, licence.status!.externalID!));
      expect(await posts(s)).toHaveLength(1);
      expect(await s.sandbox.calls('RegisterVCenter')).toHaveLength(1);
      expect(await s.sandbox.calls('UpdateVCenter')).toHaveLength(0);
    }),
  );
});

describe.concurrent('ten licences of one type, where only this operator buys', () => {
  const names = Array.from({ length: 10 }, (_, index) => `vc-${index}`);

  /** Exactly ten at the remote by ten POSTs, each with a resource of its own, each key in a Secret of its own. */
  async function expectTen(s: Scenario): Promise<void> {
    const all = await bought(s);
    expect(all).toHaveLength(10);
    expect(await posts(s)).toHaveLength(10);
    const resources = await Promise.all(names.map((name) => s.get('gl', name)));
    const ids = resources.map((one) => one?.status?.externalID);
    expect(new Set(ids)).toEqual(new Set(all.map(({ id }) => id)));
    for (const [index, name] of names.entries())
      expect(await storedKey(s, name)).toBe(await keyAtRemote(s, ids[index]!));
  }
  const allReady = async (s: Scenario) => {
    for (const name of names) if (conditionOf(await s.get('gl', name), 'Ready')?.status !== 'True') return false;
    return true;
  };

  it(
    'are ten licences, although every second answer is lost',
    inScenario(async (s) => {
      await s.sandbox.fault({ operation: 'CreateLicense', drop: 'after-commit', every: 2 });
      await s.apply(...s.tenant(ours), ...names.map((name) => license(s, name)));
      await s.start(patient);
      await passUntil(s, 'ten ready', () => allReady(s), 180 * minute, 3 * minute);
      await expectTen(s);
    }),
  );

  it('are ten licences, although the operator is killed five times besides', async () => {
    const speed = 400;
    const origin = Date.now();
    const s = await createScenario({ now: scaledClock(speed, origin).now });
    const children = new Set<ChildProcessWithoutNullStreams>();
    let output = '';
    const launch = () => {
      const options: ChildOptions = {
        namespace: s.namespace,
        speed,
        origin,
        config: {
          settleWindow: '6m',
          ownerID: s.ownerID,
          kubeconfig: s.kubeconfig,
          watchNamespaces: s.namespace,
          leaderElect: false,
          allowedEndpoints: '127.0.0.1:*',
          allowInsecureEndpoints: true,
          motionInterval: '60s',
        },
      };
      const file = path.join(import.meta.dirname, '../support/operator-child.ts');
      const child = spawn(process.execPath, [file, JSON.stringify(options)], { stdio: 'pipe' });
      child.stdout.on('data', (data: Buffer) => (output += data.toString()));
      child.stderr.on('data', (data: Buffer) => (output += data.toString()));
      child.stdin.on('error', () => undefined);
      children.add(child);
      return child;
    };
    // The next one is loaded while this one works.
    let next = launch();
    const takeOver = () => {
      const child = next;
      next = launch();
      child.stdin.write('begin');
      return async () => {
        if (child.exitCode !== null) throw new Error(`the operator ended by itself: ${output.slice(-4000)}`);
        child.kill('SIGKILL');
        await once(child, 'exit');
      };
    };
    try {
      await s.sandbox.fault({ operation: 'CreateLicense', drop: 'after-commit', every: 2 });
      // The other answers are long on their way, so that some kill finds one there.
      await s.sandbox.fault({ operation: 'CreateLicense', delayMs: 150 });
      await s.apply(...s.tenant(ours), ...names.map((name) => license(s, name)));
      let kill = takeOver();
      // With an answer under way after its commit (odd), and with one just lost (even).
      for (const count of [1, 2, 5, 6, 9]) {
        await until(`${count} made`, async () => (await bought(s)).length >= count, 60_000).catch((error: unknown) => {
          throw new Error(`${String(error)}: ${output.slice(-4000)}`);
        });
        await kill();
        kill = takeOver();
      }
      await until('ten ready', () => allReady(s), 60_000);
      await kill();
      await expectTen(s);
    } finally {
      for (const child of children) child.kill('SIGKILL');
      await s.end();
    }
  }, 120_000);
});

describe.concurrent('a create with unknown outcome where others buy, too', () => {
  /** A POST whose answer is lost, a stranger's purchase meanwhile, and the question. */
  async function ambiguous(
    s: Scenario,
    drop: 'before-commit' | 'after-commit',
  ): Promise<{ attemptID: string; own: string | undefined; stranger: string }> {
    const older = (await elsewhere(s, { license_type: s.sandbox.info.sdpf.licenseType })).id;
    await s.sandbox.fault({ operation: 'CreateLicense', drop, times: 1 });
    await s.apply(...s.tenant(), license(s, 'vc'));
    await s.start(patient);
    await inFlight(s, 1);
    const stranger = (await elsewhere(s)).id;
    const vc = await passUntilLicense(s, 'vc', 'CreateOutcomeAmbiguous');
    const { attemptID } = vc.status!.creation!;
    const own = (await bought(s)).find(({ createdByCall }) => createdByCall !== null)?.id;
    const { message } = conditionOf(vc, 'Stalled')!;
    for (const part of [attemptID, stranger, own ?? '', 'freehold.dev/resolve', 'adopt=', 'retry', 'forget'])
      expect(message).toContain(part);
    expect(message).not.toContain(older);
    await buysNothing(s, 1);
    expect((await s.get('gl', 'vc'))?.status?.externalID).toBeUndefined();
    return { attemptID, own, stranger };
  }
  const answer = (s: Scenario, text: string) =>
    changeLicense(s, 'vc', { annotations: { 'freehold.dev/resolve': text } });

  it(
    'is a question to a person, who names ours: it is adopted with its key',
    inScenario(async (s) => {
      const { attemptID, own } = await ambiguous(s, 'after-commit');
      await answer(s, `not-${attemptID} adopt=${own}`);
      await until('said so', async () => (await readyMessage(s, 'vc')).includes('so it answers nothing'));
      await answer(s, `${attemptID} adopt=${own}`);
      const vc = await passUntilLicense(s, 'vc', 'Ready');
      expect(vc.status).toMatchObject({ externalID: own, lastResolve: `${attemptID} adopt=${own}` });
      expect(await storedKey(s, 'vc')).toBe(await keyAtRemote(s, own!));
      expect(await posts(s)).toHaveLength(1);
    }),
  );

  it(
    'is a question even when nothing was made, and retry buys one: nothing else is asked, and the word is good for one attempt',
    inScenario(async (s) => {
      const { attemptID, stranger } = await ambiguous(s, 'before-commit');
      await s.sandbox.fault({ operation: 'CreateLicense', drop: 'after-commit', times: 1 });
      await answer(s, `${attemptID} retry`);
      await inFlight(s, 2);
      await elsewhere(s);
      const asked = await passUntilLicense(s, 'vc', 'CreateOutcomeAmbiguous');
      const second = asked.status!.creation!.attemptID;
      expect(second).not.toBe(attemptID);
      expect(asked.status?.lastResolve).toBe(`${attemptID} retry`);
      expect(conditionOf(asked, 'Stalled')?.message).not.toContain(stranger);
      // The old answer is still there, and another old one answers nothing either.
      await buysNothing(s, 2);
      await answer(s, `${attemptID} forget`);
      await until('said so', async () => (await readyMessage(s, 'vc')).includes('so it answers nothing'));
      await buysNothing(s, 2);
      await answer(s, `${second} retry`);
      const vc = await passUntilLicense(s, 'vc', 'Ready');
      expect(await posts(s)).toHaveLength(3);
      expect(vc.status?.creation).toMatchObject({ outcome: 'Created' });
    }),
  );

  it(
    'is forgotten by a word, and nothing is bought until another one',
    inScenario(async (s) => {
      const { attemptID, own } = await ambiguous(s, 'after-commit');
      await answer(s, `${attemptID} forget`);
      const vc = await passUntilLicense(s, 'vc', 'CreationForgotten');
      expect(conditionOf(vc, 'Stalled')?.message).toContain(`${attemptID} retry`);
      await buysNothing(s, 1);
      await answer(s, `${attemptID} adopt=${own}`);
      expect((await passUntilLicense(s, 'vc', 'Ready')).status?.externalID).toBe(own);
      expect(await posts(s)).toHaveLength(1);
    }),
  );

  it(
    'is ambiguous after a kill in the middle, too',
    inScenario(async (s) => {
      await s.sandbox.fault({ operation: 'CreateLicense', delayMs: 60_000 });
      await s.apply(...s.tenant(), license(s, 'vc'));
      const first = s.spawn('--leader-elect', 'false');
      await inFlight(s, 1);
      await first.kill();
      await s.sandbox.clearFaults();
      await s.start(patient);
      const vc = await passUntilLicense(s, 'vc', 'CreateOutcomeAmbiguous', 60 * minute);
      expect(conditionOf(vc, 'Stalled')?.message).toContain((await bought(s))[0]!.id);
      await buysNothing(s, 1);
    }),
  );

  it.each([201, 202])(
    'is none where the answer is %i',
    inScenario(async (s, status: number) => {
      const { vcenterLicenseType: license_type } = s.sandbox.info.sdpf;
      await s.apply(...s.tenant(), license(s, 'vc'));
      const { id, key } = await elsewhere(s, { license_type: s.sandbox.info.sdpf.licenseType });
      const body = { license: { id, key, assigned_from: '2026-01-01T00:00:00Z', expires_at: null, license_type } };
      await s.sandbox.fault({ operation: 'CreateLicense', status, body, times: 1 });
      await s.start(patient);
      await until('recorded', async () => (await s.get('gl', 'vc'))?.status?.externalID === id, 20_000);
      expect(await posts(s)).toHaveLength(1);
    }),
  );
});

describe.concurrent('licences that no resource stands for, where others buy, too', () => {
  it(
    'stop a new one until a person writes what to do: Unclaimed takes one and buys nothing',
    inScenario(async (s) => {
      const { id, key } = await elsewhere(s);
      await s.apply(...s.tenant(), license(s, 'vc'));
      await s.start(patient);
      const stopped = await passUntilLicense(s, 'vc', 'UnclaimedLicensesExist');
      const { message } = conditionOf(stopped, 'Stalled')!;
      for (const part of [id, 'spec.claim: Unclaimed', 'Never', 'spec.externalID']) expect(message).toContain(part);
      expect(await secret(s, 'vc-license')).toBeUndefined();
      await buysNothing(s);
      await changeLicense(s, 'vc', { spec: { claim: 'Unclaimed' } });
      const vc = await passUntilLicense(s, 'vc', 'Ready');
      expect(vc.status?.externalID).toBe(id);
      expect(await storedKey(s, 'vc')).toBe(key);
      // The next one finds nothing unclaimed, and buys.
      await s.apply(license(s, 'another', { claim: 'Unclaimed' }));
      const another = await passUntilLicense(s, 'another', 'Ready');
      expect(another.status?.externalID).not.toBe(id);
      expect(await posts(s)).toHaveLength(1);
    }),
  );

  it(
    'are left alone and one is bought by Never; externalID takes the one it names; of another type they stop nobody',
    inScenario(async (s) => {
      const { id } = await elsewhere(s);
      await s.apply(
        ...s.tenant(),
        license(s, 'never', { claim: 'Never' }),
        license(s, 'other', { licenseType: s.sandbox.info.sdpf.licenseType }),
      );
      await s.start(patient);
      const never = await passUntilLicense(s, 'never', 'Ready');
      await passUntilLicense(s, 'other', 'Ready');
      expect(never.status?.externalID).not.toBe(id);
      expect(await posts(s)).toHaveLength(2);
      await s.apply(license(s, 'named', { externalID: id, licenseType: undefined }));
      expect((await passUntilLicense(s, 'named', 'Ready')).status?.externalID).toBe(id);
      await s.apply(license(s, 'twice', { externalID: id }));
      await passUntilLicense(s, 'twice', 'AlreadyClaimed');
      expect(await posts(s)).toHaveLength(2);
    }),
  );

  it(
    'are never taken while a registered vCenter uses them',
    inScenario(async (s) => {
      const { id } = await elsewhere(s);
      await vcenterInPortal(s, id);
      await s.apply(...s.tenant(), license(s, 'asks'), license(s, 'vc', { claim: 'Unclaimed' }));
      await s.start(patient);
      const vc = await passUntilLicense(s, 'vc', 'Ready');
      expect(vc.status?.externalID).not.toBe(id);
      expect(conditionOf(await passUntilLicense(s, 'asks', 'UnclaimedLicensesExist'), 'Stalled')?.message).toContain(
        id,
      );
      expect(await posts(s)).toHaveLength(1);
    }),
  );
});

describe.concurrent('licences that no resource stands for, where only this operator buys', () => {
  it(
    'are stock, used before one is bought, but for one that a registered vCenter uses',
    inScenario(async (s) => {
      const stock = [(await elsewhere(s)).id, (await elsewhere(s)).id];
      const used = (await elsewhere(s)).id;
      await vcenterInPortal(s, used);
      const names = ['a', 'b', 'c'];
      await s.apply(...s.tenant(ours), ...names.map((name) => license(s, name, { claim: 'Unclaimed' })));
      await s.start(patient);
      const ids: string[] = [];
      for (const name of names) ids.push((await passUntilLicense(s, name, 'Ready')).status!.externalID!);
      expect(new Set(ids).size).toBe(3);
      expect(ids).toEqual(expect.arrayContaining(stock));
      expect(ids).not.toContain(used);
      expect(await posts(s)).toHaveLength(1);
    }),
  );

  it(
    'serve what was retained and is applied again: nothing is bought a second time',
    inScenario(async (s) => {
      await s.apply(...s.tenant(ours), license(s, 'vc'));
      await s.start(patient);
      const { status } = await passUntilLicense(s, 'vc', 'Ready');
      await handsOf(s).kubectl('delete', 'gl', 'vc');
      expect(await storedKey(s, 'vc')).toBe(await keyAtRemote(s, status!.externalID!));
      await s.apply(license(s, 'vc'));
      expect((await passUntilLicense(s, 'vc', 'Ready')).status?.externalID).toBe(status!.externalID);
      expect(await posts(s)).toHaveLength(1);
    }),
  );
});

describe.concurrent('what was bought before', () => {
  it(
    'is not bought again when it was retained and is applied again, where others buy, too',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), license(s, 'vc', { deletionPolicy: 'Retain' }));
      await s.start(patient);
      const { status } = await passUntilLicense(s, 'vc', 'Ready');
      await handsOf(s).kubectl('delete', 'gl', 'vc');
      await s.apply(license(s, 'vc'));
      await passUntilLicense(s, 'vc', 'UnclaimedLicensesExist');
      await buysNothing(s, 1);
      await changeLicense(s, 'vc', { spec: { claim: 'Unclaimed' } });
      expect((await passUntilLicense(s, 'vc', 'Ready')).status?.externalID).toBe(status!.externalID);
      expect(await posts(s)).toHaveLength(1);
    }),
  );

  it('is not bought again by a rebuilt cluster, and its registration keeps vCenter, address and licence', async () => {
    const s = await createScenario();
    const plane = startControlPlane();
    try {
      // Even where stock may be taken: this one is in use.
      const manifests = [
        ...s.tenant(ours),
        password(),
        license(s, 'vc'),
        registration('vc', { licenseRef: { name: 'vc' } }),
      ];
      await s.apply(...manifests);
      const operator = await s.start(patient);
      const licence = await passUntilLicense(s, 'vc', 'Ready');
      const registered = await s.condition('vcreg', 'vc', 'Ready', 'True');
      await operator.stop();
      const rebuilt = await createScenario({ cluster: await plane, rebuilds: s });
      try {
        await rebuilt.apply(...manifests);
        await rebuilt.start(patient);
        await passUntilLicense(rebuilt, 'vc', 'UnclaimedLicensesExist');
        await buysNothing(rebuilt, 1);
        await changeLicense(rebuilt, 'vc', { spec: { externalID: licence.status!.externalID } });
        const found = await passUntilLicense(rebuilt, 'vc', 'Ready');
        expect(found.status?.externalID).toBe(licence.status!.externalID);
        expect(await storedKey(rebuilt, 'vc')).toBe(await storedKey(s, 'vc'));
        const again = await rebuilt.condition('vcreg', 'vc', 'Ready', 'True');
        const { externalID, linkLocalAddress, licenseID } = registered.status!;
        expect(again.status).toMatchObject({ externalID, linkLocalAddress, licenseID });
        expect(await posts(s)).toHaveLength(1);
        expect(await s.sandbox.calls('RegisterVCenter')).toHaveLength(1);
      } finally {
        await rebuilt.end();
      }
    } finally {
      await s.end();
      await (await plane).stop();
    }
  }, 120_000);
});

describe.concurrent('a licence type', () => {
  it.each(['vCenter Server 9', 'Windows Server'])(
    'that is not offered with a key (%s) stalls with the offered names, costs nothing, and is mended in place',
    inScenario(async (s, licenseType: string) => {
      await s.apply(...s.tenant(), license(s, 'vc', { licenseType }));
      await s.start(patient);
      const stopped = await passUntilLicense(s, 'vc', 'InvalidSpec');
      expect(conditionOf(stopped, 'Stalled')?.message).toBe(
        `licenseType "${licenseType}" is not offered to this tenant with a key; offered: vCenter Server 5.5 Standard, vCenter Server 8.0 Standard`,
      );
      await buysNothing(s);
      await s.apply(license(s, 'vc'));
      await passUntilLicense(s, 'vc', 'Ready');
      expect(await posts(s)).toHaveLength(1);
      const refused = await refusal(changeLicense(s, 'vc', { spec: { licenseType: s.sandbox.info.sdpf.licenseType } }));
      expect(refused).toContain('spec.licenseType');
    }),
  );

  it(
    'that is offered later is bought when a person asks again',
    inScenario(async (s) => {
      const { licenseTypes } = await s.sandbox.control<{ licenseTypes: object[] }>('GET', 'settings');
      await s.apply(...s.tenant(), license(s, 'vc', { licenseType: 'vCenter Server 9' }));
      await s.start(patient);
      await passUntilLicense(s, 'vc', 'InvalidSpec');
      await s.sandbox.set({
        licenseTypes: [...licenseTypes, { ...licenseTypes[0], id: 'new', name: 'vCenter Server 9' }],
      });
      const asked = { 'freehold.dev/reconcile-requested-at': 'now' };
      await handsOf(s).annotate('sdpft/tenant', 'freehold.dev/reconcile-requested-at=now');
      await passUntil(s, 'offered', async () =>
        JSON.stringify((await s.get('sdpft', 'tenant'))?.status).includes('vCenter Server 9'),
      );
      await changeLicense(s, 'vc', { annotations: asked });
      await passUntilLicense(s, 'vc', 'Ready');
    }),
  );

  it(
    'is bought into no Secret of somebody else',
    inScenario(async (s) => {
      const theirs = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'vc-license' }, stringData: { mine: 'x' } };
      await s.apply(...s.tenant(), theirs, license(s, 'vc'));
      await s.start(patient);
      expect(conditionOf(await passUntilLicense(s, 'vc', 'SecretExists'), 'Stalled')?.message).toContain('vc-license');
      await buysNothing(s);
      expect(Object.keys((await secret(s, 'vc-license'))!.data!)).toEqual(['mine']);
      await handsOf(s).kubectl('delete', 'secret', 'vc-license');
      const vc = await passUntilLicense(s, 'vc', 'Ready');
      expect(await storedKey(s, 'vc')).toBe(await keyAtRemote(s, vc.status!.externalID!));
    }),
  );
});

describe.concurrent('a platform that has none to give', () => {
  it(
    'is asked seldom, once it is proved that nothing was made, and gives one when it has some',
    inScenario(async (s) => {
      const { vcenterLicenseType } = s.sandbox.info.sdpf;
      await s.sandbox.set({ licenseStock: { [vcenterLicenseType]: 0 } });
      await s.apply(...s.tenant(), license(s, 'vc'));
      await s.start(patient);
      await inFlight(s, 1);
      await s.condition('gl', 'vc', 'Ready', 'False', 'CreateOutcomeUnknown');
      await s.pass(14 * minute, 2 * minute);
      expect(conditionOf(await s.get('gl', 'vc'), 'Ready')?.reason).toBe('CreateOutcomeUnknown');
      const waiting = await passUntilLicense(s, 'vc', 'OutOfStock');
      expect(conditionOf(waiting, 'Reconciling')?.status).toBe('True');
      expect(conditionOf(waiting, 'Stalled')).toBeUndefined();
      const [first] = await posts(s);
      const lists = (await s.sandbox.calls('ListLicenses')).filter(
        ({ seq, status }) => seq > first!.seq && status === 200,
      );
      expect(lists.length).toBeGreaterThanOrEqual(3);
      await s.pass(120 * minute, 5 * minute);
      const sent = (await posts(s)).length;
      expect(sent).toBeGreaterThanOrEqual(3);
      expect(sent).toBeLessThanOrEqual(4);
      await s.sandbox.set({ licenseStock: { [vcenterLicenseType]: 5 } });
      await passUntilLicense(s, 'vc', 'Ready', 60 * minute);
      expect(await bought(s)).toHaveLength(1);
    }),
  );

  it(
    'is not what limits.maxGuestLicenses is: that one holds back before any call',
    inScenario(async (s) => {
      await s.apply(
        ...s.tenant({ limits: { requestsPerSecond: 500, burst: 500, maxGuestLicenses: 1 } }),
        license(s, 'a'),
      );
      await s.start(patient);
      await passUntilLicense(s, 'a', 'Ready');
      await s.apply(license(s, 'b'));
      expect(conditionOf(await passUntilLicense(s, 'b', 'LimitReached'), 'Ready')?.message).toContain(
        'spec.limits.maxGuestLicenses',
      );
      await buysNothing(s, 1);
      await s.apply(...s.tenant());
      await passUntilLicense(s, 'b', 'Ready');
      expect(await posts(s)).toHaveLength(2);
    }),
  );
});

describe.concurrent('the deletion of a licence', () => {
  const deletes = (s: Scenario) => s.sandbox.calls('DeleteLicense');

  it(
    'under Delete waits for who uses it, by name, and ends with licence, key and resource gone',
    inScenario(async (s) => {
      const { kubectl } = handsOf(s);
      await s.apply(
        ...s.tenant(),
        password(),
        license(s, 'vc', { deletionPolicy: 'Delete' }),
        registration('vc', { licenseRef: { name: 'vc' } }),
      );
      await s.start(patient);
      const { status } = await passUntilLicense(s, 'vc', 'Ready');
      await s.condition('vcreg', 'vc', 'Ready', 'True');
      await kubectl('delete', 'gl', 'vc', '--wait=false');
      const held = await passUntilLicense(s, 'vc', 'InUse');
      const [vcenter] = (await s.sandbox.control<{ vcenters: { id: string }[] }>('GET', 'ledger')).vcenters;
      expect(conditionOf(held, 'Ready')?.message).toContain(vcenter!.id);
      expect(conditionOf(held, 'Reconciling')?.status).toBe('True');
      await s.pass(5 * minute);
      expect(await deletes(s)).toEqual([]);

      // The resource goes, and by its default the vCenter stays: the licence is still in use.
      await kubectl('delete', 'vcreg', 'vc');
      await s.pass(5 * minute);
      expect(await deletes(s)).toEqual([]);
      expect(await storedKey(s, 'vc')).not.toBe('');
      const freed = s.clock.now();
      await s.sandbox.control('DELETE', `vcenters/${vcenter!.id}`);
      await passUntil(s, 'sent', async () => (await deletes(s)).length > 0);
      expect(s.clock.now() - freed).toBeLessThan(5 * minute);
      await passUntil(s, 'gone', async () => (await s.get('gl', 'vc')) === undefined);
      expect(await deletes(s)).toHaveLength(1);
      expect(await live(s)).toEqual([]);
      expect(await secret(s, 'vc-license')).toBeUndefined();
      // Two looks that agreed, a minute apart.
      const after = (await s.sandbox.calls('ListLicenses')).filter(({ seq }) => seq > 0);
      const sentAt = Date.parse((await deletes(s))[0]!.at);
      const looks = after.map(({ at }) => Date.parse(at)).filter((at) => at >= sentAt);
      expect(looks.at(-1)! - sentAt).toBeGreaterThanOrEqual(minute);
      expect(status?.externalID).toBe((await bought(s))[0]!.id);
    }),
  );

  it(
    'waits for a registration that has not registered yet, and goes on when that is deleted',
    inScenario(async (s) => {
      const { kubectl } = handsOf(s);
      // Without its password Secret it registers nothing.
      await s.apply(
        ...s.tenant(),
        license(s, 'vc', { deletionPolicy: 'Delete' }),
        registration('soon', { licenseRef: { name: 'vc' } }),
      );
      await s.start(patient);
      await passUntilLicense(s, 'vc', 'Ready');
      await kubectl('delete', 'gl', 'vc', '--wait=false');
      expect(conditionOf(await passUntilLicense(s, 'vc', 'InUse'), 'Ready')?.message).toContain(
        'VCenterRegistration soon',
      );
      await kubectl('delete', 'vcreg', 'soon');
      await passUntil(s, 'gone', async () => (await s.get('gl', 'vc')) === undefined);
      expect(await deletes(s)).toHaveLength(1);
      expect(await live(s)).toEqual([]);
    }),
  );

  it(
    'lets nothing go on lists that lack everything at once',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), license(s, 'vc', { deletionPolicy: 'Delete' }));
      await s.start(patient);
      await passUntilLicense(s, 'vc', 'Ready');
      await s.pass(20 * minute, 2 * minute);
      await s.sandbox.set({ hideLicenses: true });
      await passUntilLicense(s, 'vc', 'BreakerOpen');
      await handsOf(s).kubectl('delete', 'gl', 'vc', '--wait=false');
      await s.pass(20 * minute, 2 * minute);
      expect(await s.get('gl', 'vc')).toBeDefined();
      expect(await secret(s, 'vc-license')).toBeDefined();
      expect(await deletes(s)).toEqual([]);
      await s.sandbox.set({ hideLicenses: false });
      await passUntil(s, 'gone', async () => (await s.get('gl', 'vc')) === undefined);
      expect(await live(s)).toEqual([]);
    }),
  );

  it(
    'under Retain lets licence and key stay',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), license(s, 'vc'));
      await s.start(patient);
      const { status } = await passUntilLicense(s, 'vc', 'Ready');
      await handsOf(s).kubectl('delete', 'gl', 'vc');
      await s.pass(10 * minute, 2 * minute);
      expect(await deletes(s)).toEqual([]);
      expect((await live(s)).map(({ id }) => id)).toEqual([status!.externalID]);
      expect(await storedKey(s, 'vc')).toBe(await keyAtRemote(s, status!.externalID!));
    }),
  );
});

describe.concurrent('the end of a licence', () => {
  interface Told {
    reason: string;
    type: string;
    regarding: { name: string };
    series?: object;
  }
  const told = async (s: Scenario) => {
    const { stdout } = await s.kubectl(['get', 'events.events.k8s.io', '-o', 'json']);
    return (JSON.parse(stdout) as { items: Told[] }).items
      .filter(({ regarding, type }) => regarding.name === 'vc' && type === 'Warning')
      .map(({ reason, series }) => (series ? `${reason}, repeated` : reason));
  };

  it(
    'is told 30, 7 and 1 days before and when it has come, by one event each',
    inScenario(async (s) => {
      await s.apply(...s.tenant(), license(s, 'vc'));
      await s.start(patient);
      const { status } = await s.condition('gl', 'vc', 'Expiring', 'False', 'NeverExpires');
      expect(status?.['expiresAt']).toBeUndefined();
      const end = s.clock.now() + 40 * day;
      const until = (days: number) => s.pass(end - days * day - s.clock.now() + 3 * minute, day);
      await s.sandbox.control('PATCH', `licenses/${status!.externalID}`, { expires_at: new Date(end).toISOString() });
      await passUntil(
        s,
        'seen',
        async () => conditionOf(await s.get('gl', 'vc'), 'Expiring')?.reason === 'NotExpiring',
      );
      expect(Date.parse(String((await s.get('gl', 'vc'))?.status?.['expiresAt']))).toBe(end);
      await until(31);
      expect(conditionOf(await s.get('gl', 'vc'), 'Expiring')).toMatchObject({ status: 'False' });
      const steps = [
        [30, 'ExpiresInThirtyDays'],
        [8, 'ExpiresInThirtyDays'],
        [7, 'ExpiresInSevenDays'],
        [2, 'ExpiresInSevenDays'],
        [1, 'ExpiresInOneDay'],
        [0, 'Expired'],
      ] as const;
      for (const [days, reason] of steps) {
        await until(days);
        await s.condition('gl', 'vc', 'Expiring', 'True', reason);
        await s.condition('gl', 'vc', 'Ready', 'True');
      }
      await s.pass(2 * day, day);
      await passUntil(s, 'told', async () => (await told(s)).length >= 4);
      expect((await told(s)).sort()).toEqual([
        'Expired',
        'ExpiresInOneDay',
        'ExpiresInSevenDays',
        'ExpiresInThirtyDays',
      ]);
    }),
  );
});
