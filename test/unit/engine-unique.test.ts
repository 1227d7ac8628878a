import { describe, expect, test } from 'vitest';
import { idOf, machineWorld } from '../support/machine-world.ts';
import { createToyRemote, type Thing } from '../support/toy-kind.ts';

const stranger: Thing = { id: 'stranger', extra: '', bmc: '10.0.0.1' };
const bmcs = (remote: ReturnType<typeof createToyRemote>) => [...remote.held.nodes.values()].map(({ bmc }) => bmc);

describe('what must serve one machine only', () => {
  test('and belongs to a machine of somebody else stops the create before it is sent, until that one is gone', async () => {
    const { remote, start, make, pass, ready, get } = await machineWorld();
    remote.held.nodes.set(stranger.id, stranger);
    await start();
    await make('web', { bmc: '10.0.0.1' });
    await pass(120);
    expect(remote.calls).toEqual([]);
    expect(await ready('web')).toMatchObject({
      reason: 'BMCTaken',
      message: expect.stringContaining('BMC 10.0.0.1 belongs to machine stranger already'),
    });
    expect((await get('web'))!.status!.conditions).toContainEqual(
      expect.objectContaining({ type: 'Stalled', status: 'True' }),
    );
    remote.held.nodes.delete(stranger.id);
    await pass(90);
    expect([remote.calls, (await ready('web'))!.status]).toEqual([['POST nodes'], 'True']);
  });

  test('is given to one of two resources that ask for it in the same moment, and to the other when that one is gone', async () => {
    const { remote, start, make, pass, ready, delete: remove } = await machineWorld();
    await start();
    // Once a machine was seen to keep its ID, creates run side by side.
    await make('seen');
    await pass(60);
    await make('one', { bmc: '10.0.0.1', deletionPolicy: 'Delete' });
    await make('two', { bmc: '10.0.0.1', deletionPolicy: 'Delete' });
    await pass(120);
    expect(remote.calls).toEqual(['POST nodes', 'POST nodes']);
    const states = { one: await ready('one'), two: await ready('two') };
    const winner = states.one!.status === 'True' ? 'one' : 'two';
    const loser = winner === 'one' ? 'two' : 'one';
    expect(states[winner]).toMatchObject({ status: 'True' });
    expect(states[loser]).toMatchObject({ reason: 'BMCTaken', message: expect.stringContaining(`shop/${winner}`) });
    await remove(winner);
    await pass(400);
    expect(await ready(loser)).toMatchObject({ status: 'True' });
    expect([...remote.held.nodes.keys()]).toEqual([idOf('seen'), idOf(loser)]);
  });

  test('is free again when its holder asks for another one', async () => {
    const { remote, start, make, pass, patch, ready } = await machineWorld();
    await start();
    await make('one', { bmc: '10.0.0.1' });
    await pass(60);
    await make('two', { bmc: '10.0.0.1' });
    await pass(60);
    expect((await ready('two'))!.reason).toBe('BMCTaken');
    await patch('one', { spec: { bmc: '10.0.0.2' } });
    await pass(150);
    expect([(await ready('one'))!.status, (await ready('two'))!.status]).toEqual(['True', 'True']);
    expect(bmcs(remote)).toEqual(['10.0.0.2', '10.0.0.1']);
  });

  test('is free again when nothing was made for it and its resource is gone', async () => {
    const { remote, start, make, pass, ready, delete: remove } = await machineWorld();
    await start();
    remote.mishaps = ['refused'];
    await make('one', { bmc: '10.0.0.1' });
    await pass(60);
    expect((await ready('one'))!.reason).toBe('InvalidSpec');
    await make('two', { bmc: '10.0.0.1' });
    await pass(60);
    expect(await ready('two')).toMatchObject({ reason: 'BMCTaken', message: expect.stringContaining('shop/one') });
    await remove('one');
    await pass(90);
    expect((await ready('two'))!.status).toBe('True');
  });

  test('stays with the one that is recorded after a restart, and the other still waits', async () => {
    const { remote, start, make, pass, ready, restart } = await machineWorld();
    await start();
    await make('web', { bmc: '10.0.0.1' });
    await pass(60);
    // By name and by queue it comes first.
    await make('alpha', { bmc: '10.0.0.1' });
    await pass(60);
    for (let time = 0; time < 2; time += 1) {
      await restart();
      await pass(120);
    }
    expect([(await ready('web'))!.status, (await ready('alpha'))!.reason]).toEqual(['True', 'BMCTaken']);
    expect(remote.calls).toEqual(['POST nodes']);
  });

  test.each([
    ['recorded, and no list shows it yet', 'none'],
    ['sent, and nobody knows what came of it', 'lost-late'],
  ] as const)('stays after a restart with the one whose create is %s', async (_state, mishap) => {
    const { remote, start, make, pass, term, until, flush } = await machineWorld();
    await start();
    await make('seen');
    await pass(60);
    remote.freeze('nodes');
    remote.mishaps = [mishap];
    await make('web', { bmc: '10.0.0.1' });
    // Dead before the answer to a lost create is looked for.
    await until(() => remote.calls.length > 1);
    await flush();
    await term().stop({ drain: true });
    expect(remote.calls).toHaveLength(2);
    await make('alpha', { bmc: '10.0.0.1' });
    await start();
    await pass(60);
    remote.commit();
    remote.frozenLists.clear();
    await pass(1200);
    expect(bmcs(remote).filter((bmc) => bmc === '10.0.0.1')).toHaveLength(1);
    expect([...remote.held.nodes.keys()]).not.toContain(idOf('alpha'));
  });

  test('is not taken from another by a changed spec: the machine stays as it is', async () => {
    const { remote, start, make, pass, patch, ready } = await machineWorld();
    remote.held.nodes.set(stranger.id, stranger);
    await start();
    await make('web', { bmc: '10.0.0.2', macs: ['aa'] });
    await pass(60);
    await patch('web', { spec: { bmc: '10.0.0.1' } });
    await pass(150);
    expect(remote.calls.filter((call) => call.startsWith('PATCH'))).toEqual([]);
    expect((await ready('web'))!.reason).toBe('BMCTaken');
    remote.held.nodes.delete(stranger.id);
    await pass(90);
    expect([bmcs(remote), (await ready('web'))!.status]).toEqual([['10.0.0.1'], 'True']);
  });

  test('does not stop what else is changed on the machine that has it', async () => {
    const { remote, start, make, pass, patch, ready } = await machineWorld();
    await start();
    await make('web', { bmc: '10.0.0.2', label: 'old' });
    await pass(60);
    // A person gave the same address to another machine at the remote.
    remote.held.nodes.set(stranger.id, { ...stranger, bmc: '10.0.0.2' });
    await pass(90);
    await patch('web', { spec: { label: 'new' } });
    await pass(90);
    expect([remote.held.nodes.get(idOf('web'))!.label, (await ready('web'))!.status]).toEqual(['new', 'True']);
  });
});
