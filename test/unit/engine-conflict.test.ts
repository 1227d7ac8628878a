import { describe, expect, test } from 'vitest';
import { RemoteError } from '../../src/remote/errors.ts';
import { idOf, machineWorld } from '../support/machine-world.ts';
import { createToyRemote } from '../support/toy-kind.ts';

describe('a create that is answered with a conflict', () => {
  test('while there is one of our ID that no list shows yet, is recorded, and nobody is called to help', async () => {
    const { remote, start, make, pass, ready, get, events, getTenant } = await machineWorld();
    remote.laggingLists.add('nodes');
    const id = idOf('web');
    remote.held.nodes.set(id, { id, extra: 'prod/shop/web' });
    await start();
    await make('web');
    await pass(90);
    expect(remote.calls).toEqual(['POST nodes']);
    expect((await get('web'))!.status).toMatchObject({ externalID: id, creation: { outcome: 'Found' } });
    expect(await ready('web')).toMatchObject({ status: 'True' });
    const told = [...events.map(({ reason }) => reason), (await getTenant())!.status!.conditions![0]!.reason];
    for (const reason of ['BreakerOpen', 'NameTaken', 'CreateOutcomeUnknown']) expect(told).not.toContain(reason);
    remote.laggingLists.clear();
    await pass(120);
    expect([remote.calls.length, (await ready('web'))!.status]).toEqual([1, 'True']);
  });

  test('while there is one of our ID that another resource adopted, says whose it is', async () => {
    const { remote, start, make, pass, ready } = await machineWorld();
    await start();
    await make('seen');
    await pass(60);
    remote.freeze('nodes');
    const id = idOf('web');
    remote.held.nodes.set(id, { id, extra: '' });
    await make('thief', { externalID: id });
    await pass(60);
    expect((await ready('thief'))!.status).toBe('True');
    await make('web');
    await pass(60);
    expect(await ready('web')).toMatchObject({
      reason: 'AlreadyClaimed',
      message: expect.stringContaining('shop/thief'),
    });
    expect(remote.held.nodes.size).toBe(2);
  });

  test('and nothing of our ID is there, is somebody else’s: it is not sent again until a person asks', async () => {
    const { remote, start, make, pass, ready, get, patch } = await machineWorld();
    await start();
    remote.mishaps = ['busy', 'busy'];
    await make('web');
    await pass(600);
    expect(remote.calls).toEqual(['POST nodes']);
    expect(await ready('web')).toMatchObject({ reason: 'NameTaken', message: expect.stringContaining('the toy says') });
    expect((await get('web'))!.status!.creation).toBeUndefined();
    await patch('web', { metadata: { annotations: { 'freehold.dev/reconcile-requested-at': 'monday' } } });
    await pass(60);
    expect(remote.calls).toHaveLength(2);
    await patch('web', { spec: { label: 'other' } });
    await pass(60);
    expect([remote.calls.length, (await ready('web'))!.status]).toEqual([3, 'True']);
  });

  test('and whether there is one of our ID cannot be read, is tried again', async () => {
    const remote = createToyRemote();
    const { read } = remote;
    let broken = true;
    remote.read = async (collection, id) => {
      if (!broken) return read(collection, id);
      throw new RemoteError({ reason: 'ServerError', outcome: 'unknown', operation: 'Toy', message: 'it is ill' });
    };
    const { start, make, pass, ready, until } = await machineWorld({ remote });
    await start();
    await pass(5);
    remote.mishaps = ['busy'];
    await make('web');
    await until(async () => (await ready('web')) !== undefined);
    expect([remote.calls, (await ready('web'))!.reason]).toEqual([['POST nodes'], 'Conflict']);
    broken = false;
    await pass(60);
    expect([remote.calls.length, (await ready('web'))!.status]).toEqual([2, 'True']);
  });

  test('because the remote is at work on it, is a short wait', async () => {
    const { remote, start, make, pass, until, ready } = await machineWorld();
    await start();
    await pass(5);
    remote.mishaps = ['locked'];
    await make('web', { macs: ['aa'] });
    await until(async () => (await ready('web')) !== undefined);
    expect(await ready('web')).toMatchObject({ reason: 'Locked' });
    remote.mishaps = ['none', 'locked', 'locked', 'locked'];
    await pass(90);
    expect(await ready('web')).toMatchObject({ status: 'True' });
    expect(remote.calls.filter((call) => call === 'POST ports aa')).toHaveLength(4);
  });
});

describe('a create of a part that is answered with a conflict', () => {
  test('twice, with a list of nothing of ours in between, is somebody else’s', async () => {
    const { remote, start, make, pass, ready, patch } = await machineWorld();
    await start();
    await make('web');
    await pass(60);
    remote.mishaps = ['busy', 'busy'];
    await patch('web', { spec: { macs: ['aa'] } });
    await pass(600);
    expect(remote.calls).toEqual(['POST nodes', 'POST ports aa', 'POST ports aa']);
    expect(await ready('web')).toMatchObject({ reason: 'NameTaken', message: expect.stringContaining('port aa') });
    await patch('web', { metadata: { annotations: { 'freehold.dev/reconcile-requested-at': 'monday' } } });
    await pass(60);
    expect((await ready('web'))!.status).toBe('True');
  });

  test.each([0, 20])(
    'because it was made late after all, is ours: nobody is called to help (portReads %i)',
    async (portReads) => {
      const remote = createToyRemote();
      const { start, make, pass, flush, patch, ready, clock, events } = await machineWorld({
        remote,
        tenants: { t: { ...(portReads > 0 && { portReads: portReads * 100 }) } },
      });
      await start();
      await make('web');
      await pass(60);
      // Lists and reads take five seconds and show what was there when they began.
      const { list, portsOf } = remote;
      const slowly =
        <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
        async (...args: A) => {
          const answer = await call(...args);
          await new Promise<void>((resolve) => clock.after(5000, resolve));
          return answer;
        };
      remote.list = slowly(list);
      remote.portsOf = slowly(portsOf);
      remote.mishaps = ['lost-late'];
      await patch('web', { spec: { macs: ['aa', 'bb'] } });
      for (let turn = 0; turn < 10 && remote.late.length === 0; turn += 1) await flush();
      await pass(3);
      remote.commit();
      await pass(180);
      expect(await ready('web')).toMatchObject({ status: 'True' });
      expect(events.map(({ reason }) => reason)).not.toContain('NameTaken');
      expect(remote.calls.filter((call) => call === 'POST ports bb')).toHaveLength(1);
      expect(remote.held.ports.size).toBe(2);
    },
  );

  test('for good does not stop what else is to be done once somebody made it', async () => {
    const { remote, start, make, pass, ready, patch } = await machineWorld();
    await start();
    await make('web');
    await pass(60);
    remote.mishaps = ['refused'];
    await patch('web', { spec: { macs: ['aa', 'bb'] } });
    await pass(120);
    expect((await ready('web'))!.reason).toBe('InvalidSpec');
    remote.held.ports.set('by-hand', { id: 'by-hand', extra: '', main: idOf('web'), mac: 'aa' });
    await pass(180);
    expect([remote.calls.at(-1), (await ready('web'))!.status]).toEqual(['POST ports bb', 'True']);
  });
});
