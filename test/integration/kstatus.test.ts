import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Condition } from '../../src/engine/conditions.ts';
import { type History, violationsOf, watchHistory } from '../support/history.ts';
import { type KStatus, kstatus, type StatusObject } from '../support/kstatus.ts';
import { createScenario, type RunningOperator, type Scenario } from '../support/scenario.ts';

describe('what kstatus, kubectl wait and kubectl get make of a server', () => {
  let s: Scenario;
  let history: History;
  let operator: RunningOperator;
  beforeAll(async () => {
    s = await createScenario({ settings: { buildSeconds: 600, deleteSeconds: 60 } });
    history = await watchHistory(s);
    await s.apply(...s.tenant(), s.hypervisor('web', { deletionPolicy: 'Delete' }));
  });
  afterAll(async () => {
    history.stop();
    await s.end();
  });

  /** By column heading; an empty cell is not there. */
  const columns = async (): Promise<Record<string, string>> => {
    const { stdout } = await s.kubectl(['get', 'dh', 'web']);
    const [heading = '', row = ''] = stdout.split('\n');
    const starts = [...heading.matchAll(/\S+/g)].map(({ 0: name, index }) => ({ name, index }));
    const cells = starts.map(({ name, index }, at) => [name, row.slice(index, starts[at + 1]?.index).trim()] as const);
    return Object.fromEntries(cells.filter(([name, cell]) => cell !== '' && name !== 'AGE'));
  };
  const waitReady = (timeout: string) => s.kubectl(['wait', 'dh/web', '--for=condition=Ready', `--timeout=${timeout}`]);
  const look = async (): Promise<KStatus> => kstatus((await s.get('dh', 'web')) as StatusObject);
  const steps = async (count: number) => {
    for (let step = 0; step < count; step += 1) await s.pass(5_000, 5_000);
  };

  it('born while no operator runs: in progress, not ready', async () => {
    expect((await s.get('dh', 'web'))?.status).toEqual({ observedGeneration: -1 });
    expect(await look()).toBe('InProgress');
    expect(await columns()).toEqual({ NAME: 'web' });
    expect((await waitReady('1s')).stderr).toContain('timed out waiting');
  });

  it('being built: in progress, not ready, and a kubectl wait that is patient succeeds in the end', async () => {
    operator = await s.start();
    await s.condition('dh', 'web', 'Ready', 'False', 'Building');
    const { externalID = '' } = (await s.get('dh', 'web'))!.status!;
    expect(await look()).toBe('InProgress');
    expect(await columns()).toEqual({
      NAME: 'web',
      READY: 'False',
      REASON: 'Building',
      STATE: 'BUILD',
      SYNCED: 'True',
      'EXTERNAL-ID': externalID,
    });
    expect((await waitReady('1s')).code).toBe(1);
    const patient = waitReady('30s');
    await s.pass(600_000, 15_000);
    await steps(4);
    expect(await patient).toMatchObject({ code: 0 });
    expect(await look()).toBe('Current');
    expect(await columns()).toMatchObject({ READY: 'True', REASON: 'Ready', STATE: 'ACTIVE', SYNCED: 'True' });
  });

  it('changed while no operator sees it: in progress, whatever Ready says', async () => {
    await operator.stop();
    await s.kubectl(['patch', 'dh', 'web', '--type=merge', '-p', '{"spec":{"name":"renamed"}}']);
    expect((await columns())['READY']).toBe('True');
    expect(await look()).toBe('InProgress');
    expect((await waitReady('1s')).stderr).toContain('timed out waiting');
    operator = await s.start();
    await steps(6);
    expect(await waitReady('20s')).toMatchObject({ code: 0 });
    expect(await look()).toBe('Current');
  });

  it('in an error state of the remote: failed, with the words that say who must act, and current when it is mended', async () => {
    const [server] = await s.sandbox.servers();
    await s.sandbox.control('PATCH', `servers/${server!.id}`, { status: 'ERROR' });
    await steps(15);
    const stalled = await s.condition('dh', 'web', 'Stalled', 'True', 'RemoteError');
    expect(kstatus(stalled as StatusObject)).toBe('Failed');
    expect(stalled.status?.conditions?.find(({ type }) => type === 'Stalled')?.message).toMatch(
      /Ask NTT support, or delete/,
    );
    expect(await columns()).toMatchObject({ READY: 'False', REASON: 'RemoteError', STATE: 'ERROR' });
    await s.sandbox.control('PATCH', `servers/${server!.id}`, { status: null });
    await steps(15);
    await s.ready();
    expect(await look()).toBe('Current');
  });

  it('being deleted: terminating until the server is proved gone', async () => {
    await s.kubectl(['delete', 'dh', 'web', '--wait=false']);
    await s.condition('dh', 'web', 'Ready', 'False', 'Deleting');
    expect(await look()).toBe('Terminating');
    expect(await columns()).toMatchObject({ READY: 'False', REASON: 'Deleting' });
    const gone = s.kubectl(['wait', 'dh/web', '--for=delete', '--timeout=30s']);
    await s.pass(300_000);
    await steps(10);
    expect(await gone).toMatchObject({ code: 0 });
  });

  it('went through states that kept every rule, each told by one event', async () => {
    expect(await history.violations()).toEqual([]);
    expect(history.ready('DedicatedHypervisor', 'web')).toEqual([
      'False Building',
      'True Ready',
      'False Updating',
      'True Ready',
      'False RemoteError',
      'True Ready',
      'False Deleting',
      'False Confirming',
    ]);
    const told = await history.events('DedicatedHypervisor', 'web');
    const times = (reason: string) =>
      told.filter((event) => event.reason === reason).reduce((sum, { series }) => sum + (series?.count ?? 1), 0);
    const once = ['Created', 'Building', 'Updating', 'RemoteError', 'Deleting', 'Confirming', 'Deleted'];
    expect(once.map(times)).toEqual(once.map(() => 1));
    expect(times('Ready')).toBe(3);
    expect(told.find(({ reason }) => reason === 'RemoteError')?.type).toBe('Warning');
  });
});

describe('the rules that every state is held against', () => {
  const condition = (type: string, status: Condition['status'], more: Partial<Condition> = {}): Condition => ({
    type,
    status,
    reason: 'Ready',
    message: 'it is so',
    observedGeneration: 1,
    lastTransitionTime: '2026-01-01T00:00:00Z',
    ...more,
  });
  const object = (conditions?: Condition[], more: object = {}): StatusObject => ({
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { name: 'one', generation: 1, ...more },
    ...(conditions && { status: { observedGeneration: 1, conditions } }),
  });

  it('read the conditions in the order of kstatus', () => {
    const stalled = condition('Stalled', 'True');
    const reconciling = condition('Reconciling', 'True');
    expect(kstatus(object())).toBe('Current');
    expect(kstatus({ ...object(), status: { observedGeneration: -1 } })).toBe('InProgress');
    expect(kstatus(object([condition('Ready', 'True')]))).toBe('Current');
    expect(kstatus(object([condition('Ready', 'False')]))).toBe('InProgress');
    expect(kstatus(object([condition('Ready', 'False'), reconciling, stalled]))).toBe('InProgress');
    expect(kstatus(object([condition('Ready', 'False'), stalled, reconciling]))).toBe('Failed');
    expect(kstatus(object([condition('Ready', 'True')], { generation: 2 }))).toBe('InProgress');
    expect(kstatus(object([stalled], { generation: 2, deletionTimestamp: 'now' }))).toBe('Terminating');
  });

  it.each<[string, Condition[] | undefined]>([
    ['Current without conditions', undefined],
    ['Stalled beside Ready', [condition('Ready', 'True'), condition('Stalled', 'True')]],
    [
      'Stalled beside Reconciling',
      [condition('Ready', 'False'), condition('Reconciling', 'True'), condition('Stalled', 'True')],
    ],
    ['Reconciling beside Ready', [condition('Ready', 'True'), condition('Reconciling', 'True')]],
    ['no Ready', [condition('Reconciling', 'True')]],
    ['neither Reconciling nor Stalled', [condition('Ready', 'False')]],
    ['unknown reason', [condition('Ready', 'True', { reason: 'Because' as never })]],
    ['no message', [condition('Ready', 'True', { message: '' })]],
    ['another observedGeneration', [condition('Ready', 'True', { observedGeneration: 0 })]],
    ['no lastTransitionTime', [condition('Ready', 'True', { lastTransitionTime: '' })]],
    ['present while not true', [condition('Ready', 'True'), condition('Stalled', 'False')]],
  ])('find: %s', (what, conditions) => {
    expect(violationsOf(object(conditions)).join('\n')).toContain(what);
  });
});
