import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeApi, KubeObject, ResourceType } from '../../src/kube/types.ts';
import { leaks } from '../support/canaries.ts';
import { license, password, registration } from '../support/licenses.ts';
import { createScenario, type LoggedCall, type Scenario } from '../support/scenario.ts';
import { noteWrites } from '../support/writes.ts';

let s: Scenario;
beforeEach(async () => {
  s = await createScenario();
});
afterEach(() => s.end());

interface Registered {
  id: string;
  linkLocalAddress: string;
  licenseID: string;
  deletedAt?: string;
}

/** Every vCenter ever registered, and those that still are. */
const everRegistered = async () => (await s.sandbox.control<{ vcenters: Registered[] }>('GET', 'ledger')).vcenters;
const registered = async () => (await everRegistered()).filter(({ deletedAt }) => deletedAt === undefined);

/** A licence that somebody bought in the portal. */
const bought = async () =>
  (
    await s.sandbox.control<{ id: string }>('POST', 'licenses', {
      license_type: s.sandbox.info.sdpf.vcenterLicenseType,
    })
  ).id;
/** A vCenter that somebody registered in the portal. */
const strangers = async (link_local_address: string, license_id: string) =>
  (await s.sandbox.control<{ id: string }>('POST', 'vcenters', { link_local_address, license_id })).id;

/** Moves time on until `holds`; fails after so many steps of 20 s. */
async function eventually(what: string, holds: () => boolean | Promise<boolean>, steps = 100): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    if (await holds()) return;
    await s.pass(20_000, 20_000);
  }
  throw new Error(`not within ${steps * 20} s of the scenario's time: ${what}`);
}
const stands = async (name: string, type: string, status: string, reason?: string, kind = 'vcreg') => {
  await eventually(`${kind}/${name} ${type}=${status} ${reason ?? ''}`, async () => {
    const { status: now, metadata } = (await s.get(kind, name)) ?? { status: undefined, metadata: undefined };
    return (
      now?.conditions?.some(
        (condition) =>
          condition.type === type &&
          condition.status === status &&
          (reason === undefined || condition.reason === reason) &&
          condition.observedGeneration === metadata?.generation,
      ) ?? false
    );
  }).catch(async (error: unknown) => {
    throw new Error(`${String(error)}; it is ${JSON.stringify((await s.get(kind, name))?.status, undefined, 1)}`);
  });
  return (await s.get(kind, name))!;
};
const gone = (kind: string, name: string) =>
  eventually(`${kind}/${name} gone`, async () => (await s.get(kind, name)) === undefined);
const readyMessage = async (name: string, kind = 'vcreg') =>
  (await s.get(kind, name))?.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';

const patch = async (name: string, spec: object) => {
  const { code, stderr } = await s.kubectl(['patch', 'vcreg', name, '--type=merge', '-p', JSON.stringify({ spec })]);
  expect([code, stderr]).toEqual([0, '']);
};
const setPassword = (value: string, name = 'vc-password') =>
  s.kubectl(['patch', 'secret', name, '--type=merge', '-p', JSON.stringify({ stringData: { password: value } })]);
const writes = async () =>
  (await s.sandbox.calls()).filter(({ method, path }) => method !== 'GET' && !/tokens/.test(path));
const bodies = (calls: LoggedCall[]) => calls.map(({ requestBody }) => (requestBody as { vcenter: object }).vcenter);
const events = async (name: string) => {
  const type: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event' };
  type Event = KubeObject & { type: string; reason: string; note: string; regarding: { name: string } };
  return (await s.api.list<Event>(type, { namespace: s.namespace })).items.filter(
    ({ regarding }) => regarding.name === name,
  );
};

describe('a registration and its licence', () => {
  it('waits until the licence is Ready, whichever was applied first, and is registered once', async () => {
    await s.sandbox.fault({ operation: 'CreateLicense', status: 400, body: { badRequest: { message: 'no' } } });
    await s.apply(...s.tenant(), password(), license(s, 'late'), registration('vc', { licenseRef: { name: 'vc' } }));
    await s.start();
    const early = await s.condition('vcreg', 'vc', 'Ready', 'False', 'LicenseNotReady');
    expect(early.status!.conditions).toContainEqual(
      expect.objectContaining({ type: 'Reconciling', message: 'GuestLicense vc does not exist in this namespace' }),
    );
    await s.condition('gl', 'late', 'Stalled', 'True', 'InvalidSpec');
    await s.apply(registration('late', { licenseRef: { name: 'late' } }));
    await s.condition('vcreg', 'late', 'Ready', 'False', 'LicenseNotReady');
    expect(await readyMessage('late')).toBe(
      'waiting for GuestLicense late to be Ready; it is stalled (InvalidSpec): its message says what to do',
    );
    expect(await s.sandbox.calls('RegisterVCenter')).toEqual([]);

    await s.sandbox.clearFaults();
    await s.kubectl(['annotate', 'gl', 'late', 'freehold.dev/reconcile-requested-at=1']);
    await s.condition('gl', 'late', 'Ready', 'True');
    await s.condition('vcreg', 'late', 'Ready', 'True');
    await s.apply(license(s, 'vc'));
    const paid = await stands('vc', 'Ready', 'True', undefined, 'gl');
    const { status } = await s.condition('vcreg', 'vc', 'Ready', 'True');
    expect(status).toMatchObject({ licenseID: paid.status!.externalID, linkLocalAddress: '169.254.127.133' });
    const calls = await s.sandbox.calls('RegisterVCenter');
    expect(bodies(calls)[1]).toEqual({
      link_local_address: '169.254.127.133',
      license_id: paid.status!.externalID,
      password: expect.any(String) as string,
    });
    expect(calls).toHaveLength(2);
    expect(await registered()).toHaveLength(2);
  });

  it('shows what metering found, and says it loudly when metering fails', async () => {
    const own = { licenseID: await bought(), linkLocalAddress: '169.254.127.137' };
    await s.apply(...s.tenant(), password(), registration('vc', own));
    await s.start();
    const first = await s.condition('vcreg', 'vc', 'Ready', 'True');
    expect(first.status).toMatchObject(own);
    await s.condition('vcreg', 'vc', 'MeteringHealthy', 'Unknown', 'NotReported');
    const { status } = await stands('vc', 'MeteringHealthy', 'True', 'Metered');
    expect(status).toMatchObject({ version: '8.0.2.00400', instanceName: 'vcenter-137' });
    await s.sandbox.set({ meteringOutcome: 'CONNECTION_ERROR' });
    const failing = await stands('vc', 'MeteringHealthy', 'False', 'MeteringFailed');
    expect(failing.status!.conditions!.find(({ type }) => type === 'MeteringHealthy')!.message).toContain(
      'CONNECTION_ERROR',
    );
    expect(failing.status!.conditions!.find(({ type }) => type === 'Ready')!.status).toBe('True');
    await eventually('a Warning', async () =>
      (await events('vc')).some(({ type, note }) => type === 'Warning' && note.includes('CONNECTION_ERROR')),
    );
    await s.sandbox.set({ meteringOutcome: 'healthy' });
    await stands('vc', 'MeteringHealthy', 'True');
    expect(await s.sandbox.calls('UpdateVCenter')).toEqual([]);
  });

  it('one licence serves one registration, also after a restart and by a change of the spec', async () => {
    const [first, second] = [await bought(), await bought()];
    await s.apply(...s.tenant(), password(), registration('a', { licenseID: first }));
    const operator = await s.start();
    await s.condition('vcreg', 'a', 'Ready', 'True');
    await s.apply(registration('b', { licenseID: first }));
    await s.condition('vcreg', 'b', 'Stalled', 'True', 'AlreadyClaimed');
    await operator.stop();
    await s.start();
    await s.apply(registration('c', { licenseID: second }));
    await s.condition('vcreg', 'c', 'Ready', 'True');
    await patch('c', { licenseID: first });
    await stands('c', 'Stalled', 'True', 'AlreadyClaimed');
    await patch('c', { licenseID: second });
    await stands('c', 'Ready', 'True');
    await s.condition('vcreg', 'b', 'Stalled', 'True', 'AlreadyClaimed');
    expect((await registered()).map(({ licenseID }) => licenseID)).toEqual([first, second]);
    expect(await s.sandbox.calls('UpdateVCenter')).toEqual([]);
    // Given up by the one, it serves the other.
    await patch('a', { licenseID: await bought() });
    await stands('b', 'Ready', 'True');
    await stands('a', 'Ready', 'True');
    expect(await registered()).toHaveLength(3);
    // Two at the same moment: one call.
    const contested = { licenseID: await bought() };
    await s.apply(registration('d', contested), registration('e', contested));
    const reasonOf = async (name: string) =>
      (await s.get('vcreg', name))?.status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
    await eventually('one is Ready, the other AlreadyClaimed', async () => {
      const both = [await reasonOf('d'), await reasonOf('e')];
      return both.includes('Ready') && both.includes('AlreadyClaimed');
    }).catch(async (error: unknown) => {
      const both = [(await s.get('vcreg', 'd'))?.status, (await s.get('vcreg', 'e'))?.status];
      throw new Error(`${String(error)}; they are ${JSON.stringify(both, undefined, 1)}`);
    });
    expect((await registered()).filter(({ licenseID }) => licenseID === contested.licenseID)).toHaveLength(1);
  });
});

describe('addresses', () => {
  it('two that race for the last free one: one is Ready, the other waits and has it when it is freed', async () => {
    await s.sandbox.set({ addresses: ['169.254.127.132', '169.254.127.133'] });
    await strangers('169.254.127.132', await bought());
    const spec = { deletionPolicy: 'Delete' };
    const licenses = [await bought(), await bought()];
    await s.apply(
      ...s.tenant(),
      password(),
      registration('a', { ...spec, licenseID: licenses[0] }),
      registration('b', { ...spec, licenseID: licenses[1] }),
    );
    await s.start();
    const readiness = async (name: string) =>
      (await s.get('vcreg', name))?.status?.conditions?.find(({ type }) => type === 'Ready');
    await eventually('one is Ready and the other waits', async () => {
      const both = [await readiness('a'), await readiness('b')];
      return both.some((one) => one?.status === 'True') && both.some((one) => one?.reason === 'NoFreeAddress');
    });
    const [winner, loser] = (await readiness('a'))?.status === 'True' ? ['a', 'b'] : ['b', 'a'];
    expect(await readyMessage(loser)).toContain('becomes free when a registration is deleted');
    expect((await s.sandbox.calls('RegisterVCenter')).map(({ status }) => status)).toEqual([200]);
    await s.kubectl(['delete', 'vcreg', winner, '--wait=false']);
    const { status } = await stands(loser, 'Ready', 'True');
    expect(status).toMatchObject({ linkLocalAddress: '169.254.127.133' });
    await gone('vcreg', winner);
    expect(await s.sandbox.calls('RegisterVCenter')).toHaveLength(2);
  });

  it('one that somebody takes between the look and the call is left to them: another is picked, or a given one is AddressTaken', async () => {
    const [own, given] = [await bought(), await bought()];
    let rivals = 2;
    // The journal is written between the two: its choice is known there.
    const wrap = (api: KubeApi): KubeApi => ({
      ...api,
      async mergePatch(type, key, body, options) {
        const { choice } = (body as { status?: { creation?: { choice?: string } } }).status?.creation ?? {};
        if (choice && rivals > 0) {
          rivals -= 1;
          await strangers(choice, await bought());
        }
        return api.mergePatch(type, key, body, options);
      },
    });
    await s.apply(...s.tenant(), password(), registration('picks', { licenseID: own }));
    await s.start({}, wrap);
    const { status } = await stands('picks', 'Ready', 'True');
    expect(status).toMatchObject({ linkLocalAddress: '169.254.127.134' });
    expect((await s.sandbox.calls('RegisterVCenter')).map((call) => call.status)).toEqual([400, 400, 200]);
    rivals = 1;
    await s.apply(registration('given', { licenseID: given, linkLocalAddress: '169.254.127.139' }));
    await stands('given', 'Stalled', 'True', 'AddressTaken');
    expect(await readyMessage('given')).toContain('169.254.127.139');
    expect((await registered()).filter(({ licenseID }) => licenseID === given)).toEqual([]);
    // It heals when the other one leaves.
    const other = (await registered()).find(({ linkLocalAddress }) => linkLocalAddress === '169.254.127.139')!;
    await s.sandbox.control('DELETE', `vcenters/${other.id}`);
    await stands('given', 'Ready', 'True');
  });

  it('one that the platform does not offer is refused with those that it does', async () => {
    const spec = { licenseID: await bought(), linkLocalAddress: '169.254.1.1' };
    await s.apply(...s.tenant(), password(), registration('vc', spec));
    await s.start();
    await s.condition('vcreg', 'vc', 'Stalled', 'True', 'InvalidSpec');
    expect(await readyMessage('vc')).toContain('free: 169.254.127.132, 169.254.127.133');
    await patch('vc', { linkLocalAddress: '169.254.127.133' });
    await stands('vc', 'Ready', 'True');
    expect(await s.sandbox.calls('RegisterVCenter')).toHaveLength(1);
  });
});

describe('a lost reply', () => {
  it('is answered by the licence: nothing is registered twice, however the reply was lost and however lists lag', async () => {
    const ways = {
      dropped: { drop: 'after-commit' },
      unavailable: { status: 503, commit: true },
      never: { drop: 'before-commit' },
      none: undefined,
    };
    await s.sandbox.set({ vcenterListLagSeconds: 300 });
    const manifests: object[] = [];
    for (const [name, way] of Object.entries(ways)) {
      const licenseID = await bought();
      if (way) await s.sandbox.fault({ operation: 'RegisterVCenter', bodyIncludes: licenseID, times: 1, ...way });
      manifests.push(registration(name, { licenseID }));
    }
    await s.apply(...s.tenant(), password(), ...manifests);
    await s.start();
    const { status } = await s.condition('vcreg', 'never', 'Ready', 'False', 'CreateOutcomeUnknown');
    // Recorded before the call left.
    expect(status!.creation).toMatchObject({ choice: status!.linkLocalAddress ?? (expect.any(String) as string) });
    expect(status!.creation).not.toHaveProperty('outcome');
    const calls = await s.sandbox.calls('RegisterVCenter');
    expect(bodies(calls)).toContainEqual(expect.objectContaining({ link_local_address: status!.creation!.choice }));
    for (const name of Object.keys(ways)) await stands(name, 'Ready', 'True');
    const all = await everRegistered();
    expect(all).toHaveLength(4);
    expect(new Set(all.map(({ licenseID }) => licenseID)).size).toBe(4);
    expect((await s.sandbox.calls('RegisterVCenter')).length).toBe(5);
  });
});

describe('a registration that is already there', () => {
  it('is found again by its licence after Retain and after the loss of the cluster: vCenter, address and licence stay', async () => {
    await s.apply(...s.tenant(), password(), license(s, 'vc'), registration('vc', { licenseRef: { name: 'vc' } }));
    const operator = await s.start();
    const before = (await s.condition('vcreg', 'vc', 'Ready', 'True')).status!;
    const licenseID = before['licenseID'] as string;
    await s.kubectl(['delete', 'vcreg', 'vc']);
    await s.apply(registration('vc', { licenseRef: { name: 'vc' } }));
    const again = await stands('vc', 'Ready', 'True');
    expect(again.status).toMatchObject({ externalID: before.externalID, linkLocalAddress: before['linkLocalAddress'] });
    // The cluster is lost: what it knew goes without the operator.
    await operator.stop();
    for (const name of ['vcreg/vc', 'gl/vc'])
      await s.kubectl(['patch', name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    await s.kubectl(['delete', 'vcreg,gl', '--all']);
    await s.start();
    await s.apply(license(s, 'vc'), registration('vc', { licenseRef: { name: 'vc' } }));
    await s.condition('gl', 'vc', 'Stalled', 'True', 'UnclaimedLicensesExist');
    await s.condition('vcreg', 'vc', 'Ready', 'False', 'LicenseNotReady');
    await s.kubectl(['patch', 'gl', 'vc', '--type=merge', '-p', JSON.stringify({ spec: { externalID: licenseID } })]);
    const rebuilt = await stands('vc', 'Ready', 'True');
    expect(rebuilt.status).toMatchObject({
      externalID: before.externalID,
      linkLocalAddress: before['linkLocalAddress'],
      licenseID,
    });
    expect(await everRegistered()).toHaveLength(1);
    expect(await s.sandbox.calls('CreateLicense')).toHaveLength(1);
    expect(await s.sandbox.calls('RegisterVCenter')).toHaveLength(1);
  });

  it('is never taken from somebody else: several with our licence stop it, and so does a taken address, until externalID says so', async () => {
    const [twice, own, theirs] = [await bought(), await bought(), await bought()];
    const two = [await strangers('169.254.127.132', twice), await strangers('169.254.127.133', twice)];
    const taken = await strangers('169.254.127.134', theirs);
    const spec = { licenseID: own, linkLocalAddress: '169.254.127.134' };
    await s.apply(...s.tenant(), password(), registration('twice', { licenseID: twice }), registration('taken', spec));
    await s.start();
    await s.condition('vcreg', 'twice', 'Stalled', 'True', 'CreateOutcomeAmbiguous');
    for (const id of two) expect(await readyMessage('twice')).toContain(id);
    await s.condition('vcreg', 'taken', 'Stalled', 'True', 'AddressTaken');
    expect(await readyMessage('taken')).toContain(`registered as ${taken} with licence ${theirs}`);
    await s.pass(600_000, 30_000);
    expect(await writes()).toEqual([]);
    await patch('taken', { externalID: taken });
    const { status } = await stands('taken', 'Ready', 'True');
    expect(status).toMatchObject({ externalID: taken, licenseID: own, linkLocalAddress: '169.254.127.134' });
    expect((await writes()).map(({ operation }) => operation)).toEqual(['UpdateVCenter']);
  });
});

describe('a change', () => {
  it('of the password Secret, the address or the licence is sent by one update with all three fields, and nothing is sent when nothing changed', async () => {
    const [first, second] = [await bought(), await bought()];
    await s.apply(...s.tenant(), password('first-word'), registration('vc', { licenseID: first }));
    const operator = await s.start();
    const before = (await stands('vc', 'MeteringHealthy', 'True')).status!;
    await s.pass(900_000, 60_000);
    expect((await writes()).map(({ operation }) => operation)).toEqual(['RegisterVCenter']);
    const proved = async () => (await s.get('vcreg', 'vc'))!.status!.provedSecrets!['password'];
    const version = async () => {
      const { uid, resourceVersion } = (await s.get('secret', 'vc-password'))!.metadata;
      return { uid, resourceVersion };
    };
    expect(await proved()).toEqual(await version());

    await setPassword('second-word');
    await s.pass(300_000, 15_000);
    const [sent] = await s.sandbox.calls('UpdateVCenter');
    expect(bodies([sent!])).toEqual([
      {
        link_local_address: before['linkLocalAddress'],
        license_id: first,
        password: expect.any(String) as string,
      },
    ]);
    expect(JSON.stringify(await s.sandbox.calls())).not.toContain('second-word');
    await stands('vc', 'Ready', 'True');
    await s.pass(900_000, 60_000);
    expect(await s.sandbox.calls('UpdateVCenter')).toHaveLength(1);
    expect(await proved()).toEqual(await version());

    await patch('vc', { linkLocalAddress: '169.254.127.139' });
    const moved = await stands('vc', 'Ready', 'True');
    expect(moved.status).toMatchObject({ linkLocalAddress: '169.254.127.139', externalID: before.externalID });
    await patch('vc', { licenseID: second });
    expect((await stands('vc', 'Ready', 'True')).status).toMatchObject({ licenseID: second });
    await stands('vc', 'MeteringHealthy', 'True');
    const updates = await s.sandbox.calls('UpdateVCenter');
    expect(bodies(updates.slice(1))).toEqual([
      { link_local_address: '169.254.127.139', license_id: first, password: expect.any(String) as string },
      { link_local_address: '169.254.127.139', license_id: second, password: expect.any(String) as string },
    ]);

    // Another process finds nothing to do or to write.
    await s.pass(600_000, 60_000);
    await operator.stop();
    const count = (await writes()).length;
    const noted = noteWrites();
    await s.start({}, noted.wrap);
    await s.pass(1_200_000, 60_000);
    expect((await writes()).length).toBe(count);
    expect(noted.writes.filter(({ resource }) => resource !== 'leases' && resource !== 'events')).toEqual([]);
  });

  it('of licenseRef to a licence that is not there waits and says so, and then is one update', async () => {
    await s.apply(...s.tenant(), password(), registration('vc', { licenseID: await bought() }));
    await s.start();
    await s.condition('vcreg', 'vc', 'Ready', 'True');
    await patch('vc', { licenseID: null, licenseRef: { name: 'next' } });
    await stands('vc', 'Ready', 'False', 'LicenseNotReady');
    await s.apply(license(s, 'next', { claim: 'Never' }));
    const next = await stands('next', 'Ready', 'True', undefined, 'gl');
    expect((await stands('vc', 'Ready', 'True')).status).toMatchObject({ licenseID: next.status!.externalID });
    expect(await s.sandbox.calls('UpdateVCenter')).toHaveLength(1);
  });

  it('that the platform refuses heals when the Secret is changed again', async () => {
    await s.apply(...s.tenant(), password(), registration('vc', { licenseID: await bought() }));
    await s.start();
    await s.condition('vcreg', 'vc', 'Ready', 'True');
    await s.sandbox.fault({
      operation: 'UpdateVCenter',
      status: 400,
      body: { badRequest: { message: 'weak' } },
      times: 1,
    });
    await setPassword('weak');
    await stands('vc', 'Stalled', 'True', 'InvalidSpec');
    await s.pass(600_000, 60_000);
    expect(await s.sandbox.calls('UpdateVCenter')).toHaveLength(1);
    await setPassword('strong');
    await stands('vc', 'Ready', 'True');
    expect(await s.sandbox.calls('UpdateVCenter')).toHaveLength(2);
  });
});

describe('bad input', () => {
  it('a password that the platform would refuse is told without its value, before any call, and heals when mended', async () => {
    const wrong = {
      empty: ['', 'is empty'],
      forbidden: ['pass word=1', 'holds a character that is not allowed'],
      long: ['x'.repeat(21), 'has 21 characters'],
    };
    const secret = (name: string, value: string) => ({ ...password(value), metadata: { name } });
    for (const [name, [value]] of Object.entries(wrong)) {
      const spec = { licenseID: await bought(), passwordSecretRef: { name } };
      await s.apply(secret(name, value!), registration(name, spec));
    }
    await s.apply(...s.tenant());
    await s.start();
    for (const [name, [value, text]] of Object.entries(wrong)) {
      await s.condition('vcreg', name, 'Ready', 'False', 'SecretMalformed');
      const message = await readyMessage(name);
      expect(message).toContain(text);
      expect(message).toContain(`${s.namespace}/${name}`);
      if (value) expect(message).not.toContain(value);
    }
    expect(await writes()).toEqual([]);
    for (const name of Object.keys(wrong)) await setPassword('x'.repeat(20), name);
    for (const name of Object.keys(wrong)) await stands(name, 'Ready', 'True');
  });

  it('the API server refuses an address outside of 169.254/16, both licences, none, and a broken ID', async () => {
    const licenseID = 'bac8b95f-77b9-439a-ac43-53566502ff3f';
    const table: [object, string][] = [
      [{ licenseID, linkLocalAddress: '10.0.0.1' }, 'spec.linkLocalAddress'],
      [{ licenseID, linkLocalAddress: '169.254.256.1' }, 'spec.linkLocalAddress'],
      [{ licenseID, linkLocalAddress: '169.254.1.1.1' }, 'spec.linkLocalAddress'],
      [{ licenseID, licenseRef: { name: 'vc' } }, 'write either spec.licenseRef (a GuestLicense) or spec.licenseID'],
      [{}, 'write either spec.licenseRef (a GuestLicense) or spec.licenseID'],
      [{ licenseID: '../x' }, 'spec.licenseID'],
    ];
    for (const [spec, message] of table)
      await expect(s.apply(registration('vc', spec)), JSON.stringify(spec)).rejects.toThrow(message);
  });
});

describe('deletion', () => {
  it('Delete deletes the registration and frees its address, Retain leaves it; a licence waits for its vCenter and goes after it', async () => {
    const both = { deletionPolicy: 'Delete' };
    await s.apply(
      ...s.tenant(),
      password(),
      license(s, 'vc', both),
      registration('vc', { ...both, licenseRef: { name: 'vc' } }),
      registration('stays', { licenseID: await bought() }),
    );
    // The stranger's licence is no stock of ours.
    await s.kubectl(['patch', 'gl', 'vc', '--type=merge', '-p', '{"spec":{"claim":"Never"}}']);
    await s.start();
    const { status } = await stands('vc', 'Ready', 'True');
    await stands('stays', 'Ready', 'True');
    await s.kubectl(['delete', 'vcreg', 'stays']);
    expect(await registered()).toHaveLength(2);

    // Its vCenter cannot be deleted for a while.
    await s.sandbox.fault({
      operation: 'DeleteVCenter',
      status: 409,
      body: { conflict: { message: 'busy' } },
      times: 2,
    });
    await s.kubectl(['delete', 'gl/vc', 'vcreg/vc', '--wait=false']);
    await s.condition('gl', 'vc', 'Ready', 'False', 'InUse');
    expect(await readyMessage('vc', 'gl')).toContain(`registered vCenter ${status!.externalID}`);
    await gone('vcreg', 'vc');
    await gone('gl', 'vc');
    expect((await registered()).map(({ id }) => id)).not.toContain(status!.externalID);
    const deletes = (await writes()).filter(({ method, status: code }) => method === 'DELETE' && code === 204);
    expect(deletes.map(({ operation }) => operation)).toEqual(['DeleteVCenter', 'DeleteLicense']);
    expect((await writes()).filter(({ operation }) => operation === 'DeleteLicense')).toHaveLength(1);
    await s.apply(registration('next', { licenseID: await bought(), linkLocalAddress: status!['linkLocalAddress'] }));
    await stands('next', 'Ready', 'True');
  });

  it('of an unsettled registration with its licence lets go of neither before the list has shown what the create made', async () => {
    const both = { deletionPolicy: 'Delete' };
    await s.sandbox.set({ vcenterListLagSeconds: 120 });
    await s.sandbox.fault({ operation: 'RegisterVCenter', drop: 'after-commit', times: 1 });
    await s.apply(
      ...s.tenant(),
      password(),
      license(s, 'vc', both),
      registration('vc', { ...both, licenseRef: { name: 'vc' } }),
    );
    await s.start();
    await s.condition('vcreg', 'vc', 'Ready', 'False', 'CreateOutcomeUnknown');
    await s.kubectl(['delete', 'gl/vc', 'vcreg/vc', '--wait=false']);
    await gone('vcreg', 'vc');
    await gone('gl', 'vc');
    expect(await registered()).toEqual([]);
  });
});

describe('what nobody claims', () => {
  it('is listed by the tenant with type and ID, and counted', async () => {
    const [own, theirs] = [await bought(), await bought()];
    const vcenter = await strangers('169.254.127.139', theirs);
    await s.apply(...s.tenant(), password(), registration('vc', { licenseID: own, deletionPolicy: 'Retain' }));
    const operator = await s.start();
    const { status } = await s.condition('vcreg', 'vc', 'Ready', 'True');
    const unclaimed = async () =>
      ((await s.get('sdpft', 'tenant'))?.status?.['unclaimed'] ?? []) as { type: string; id: string; since?: string }[];
    const holds = (...ids: string[]) =>
      eventually(`unclaimed ${ids.join()}`, async () => {
        const found = await unclaimed();
        return found.length === ids.length && ids.every((id) => found.some((one) => one.id === id));
      });
    await holds(own, theirs, vcenter);
    expect(await unclaimed()).toContainEqual({ type: 'licenses', id: own, since: expect.any(String) as string });
    expect(await unclaimed()).toContainEqual({ type: 'vcenters', id: vcenter });
    const counted = async (type: string) =>
      (await operator.metrics.text())
        .split('\n')
        .find((line) => line.startsWith('freehold_unclaimed_remote_objects{') && line.includes(`"${type}"`))
        ?.split(' ')
        .at(-1);
    expect([await counted('licenses'), await counted('vcenters'), await counted('servers')]).toEqual(['2', '1', '0']);
    await s.kubectl(['delete', 'vcreg', 'vc']);
    await holds(own, theirs, vcenter, status!.externalID!);
    expect(await counted('vcenters')).toBe('2');
    await s.apply(license(s, 'own', { externalID: own }), registration('vc', { licenseRef: { name: 'own' } }));
    await holds(theirs, vcenter);
  });
});

describe('secrets', () => {
  it('the key and the vCenter password show nowhere but in their Secrets, whatever fails on the way', async () => {
    const secret = { 'the first password': 'c4nary-1-Kq7Zx%$w/9a', 'the second password': 'c4nary-2-pV3Yt&!u,8b' };
    const values = Object.values(secret);
    const type: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
    // Not by kubectl apply: it would leave the value in an annotation of its own.
    const { stringData: _, ...manifest } = password();
    const metadata = { name: 'vc-password', namespace: s.namespace };
    await s.api.create(type, { ...manifest, metadata, stringData: { password: values[0] } } as KubeObject);
    await s.apply(...s.tenant(), license(s, 'vc'), registration('vc', { licenseRef: { name: 'vc' } }));
    const echo = (name: string) => ({ badRequest: { message: `cannot handle {"password":"${name}"}` } });
    await s.sandbox.fault({ operation: 'RegisterVCenter', status: 400, body: echo(values[0]!), times: 1 });
    await s.sandbox.fault({
      operation: 'RegisterVCenter',
      status: 503,
      commit: true,
      body: echo(values[0]!),
      times: 1,
    });
    const operator = await s.start();
    await stands('vc', 'Ready', 'True');
    const key = await s.get('secret', 'vc-license');
    const data = (key as unknown as { data: Record<string, string> }).data;
    const known: Record<string, string> = {
      ...secret,
      'the key': Buffer.from(data['licenseKey']!, 'base64').toString(),
    };
    await s.sandbox.fault({ operation: 'UpdateVCenter', status: 500, body: echo(values[1]!), times: 1 });
    await setPassword(values[1]!);
    await eventually('sent', async () => (await s.sandbox.calls('UpdateVCenter')).some(({ status }) => status === 200));
    await stands('vc', 'Ready', 'True');
    await s.pass(60_000);
    expect(operator.log()).toMatch(/"audit"/);
    expect(operator.log()).toContain('RegisterVCenter');
    const shown: Record<string, string> = { log: operator.log(), metrics: await operator.metrics.text() };
    for (const kind of ['freehold', 'events', 'leases'])
      shown[kind] = (await s.kubectl(['get', kind, '-o', 'yaml', '--show-managed-fields'])).stdout;
    shown['described'] = (await s.kubectl(['describe', 'freehold'])).stdout;
    expect(shown['freehold']).toContain('VCenterRegistration');
    expect(Object.entries(shown).flatMap(([where, text]) => leaks(where, text, known))).toEqual([]);
    expect(leaks('planted', `x${values[1]}y`, known)).toHaveLength(1);
  });
});
