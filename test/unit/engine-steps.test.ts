import { describe, expect, test } from 'vitest';
import type { Kind } from '../../src/engine/kind.ts';
import { machineWorld } from '../support/machine-world.ts';
import { type OneMachine, oneMachine } from '../support/one-machine.ts';
import { toyMachine } from '../support/toy-machine.ts';
import { secretsType } from '../support/toy-world.ts';

describe('a step that would harm at a wrong moment', () => {
  test('is not taken when the list is old and a read of the moment says otherwise', async () => {
    const { patch, pass, remote, node, ready } = await oneMachine({ power: 'on' });
    node.power = 'off';
    remote.freeze('nodes');
    node.power = 'on';
    await pass(300);
    expect(remote.reads.length).toBeGreaterThan(0);
    expect([remote.calls, (await ready('web'))!.status]).toEqual([[], 'True']);
    // It is taken where both say so.
    await patch('web', { spec: { power: 'off' } });
    remote.frozenLists.clear();
    await pass(60);
    expect(remote.calls).toEqual(['ACT power off']);
  });

  test('is not taken either where it is an update', async () => {
    const { pass, remote, node, ready } = await oneMachine({ bmc: '10.0.0.1' });
    node.bmc = '10.0.0.2';
    remote.freeze('nodes');
    node.bmc = '10.0.0.1';
    await pass(300);
    expect(remote.reads.length).toBeGreaterThan(0);
    expect([remote.calls, (await ready('web'))!.status]).toEqual([[], 'True']);
  });

  test('waits where the list shows what the read does not find', async () => {
    const { patch, pass, remote, ready } = await oneMachine({ power: 'on' });
    remote.freeze('nodes');
    remote.held.nodes.clear();
    await patch('web', { spec: { power: 'off' } });
    await pass(60);
    expect([remote.calls, (await ready('web'))!.reason]).toEqual([[], 'Confirming']);
  });
});

describe('a call that the remote takes and that never shows', () => {
  /** Seconds at which the calls were made. */
  const sentIn = async (world: OneMachine, seconds: number) => {
    const times: number[] = [];
    for (let second = 1; second <= seconds; second += 1) {
      await world.pass(1);
      while (times.length < world.remote.calls.length) times.push(second);
    }
    return times;
  };
  const gaps = (times: number[]) => times.slice(1).map((time, place) => time - times[place]!);

  test('is sent again ever more rarely, and at least once an hour', async () => {
    const world = await oneMachine({ power: 'on' });
    world.remote.swallows = true;
    await world.patch('web', { spec: { power: 'off' } });
    const pauses = gaps(await sentIn(world, 4 * 3600));
    expect(world.remote.calls.every((call) => call === 'ACT power off')).toBe(true);
    for (const [place, pause] of pauses.entries()) {
      const planned = Math.min(120 * 2 ** place, 3600);
      expect(pause).toBeGreaterThanOrEqual(planned - 1);
      // One list at the pace of motion, or the next one, brings the next pass.
      expect(pause).toBeLessThan(planned + 20);
    }
    expect(pauses.length).toBeGreaterThan(5);
    expect(await world.ready('web')).toMatchObject({
      reason: 'PowerFailed',
      message: expect.stringContaining('the power off seems to have failed'),
    });
  });

  test('is not called failed before it was ever sent', async () => {
    const world = await oneMachine({ power: 'on' });
    await world.patch('web', { spec: { power: 'off' } });
    await world.pass(60);
    expect(world.events.map(({ reason }) => reason)).not.toContain('PowerFailed');
    expect(world.remote.calls).toEqual(['ACT power off']);
  });

  test('writes nothing more while it waits', async () => {
    const world = await oneMachine({ power: 'on' });
    world.remote.swallows = true;
    await world.patch('web', { spec: { power: 'off' } });
    await world.pass(200);
    world.kube.writes = [];
    const before = world.remote.calls.length;
    await world.pass(120);
    expect([world.kube.writes, world.remote.calls.length]).toEqual([[], before]);
  });

  test.each([
    ['a request to look again', (world) => world.annotate('reconcile-requested-at', 'now')],
    ['a changed spec', (world) => world.patch('web', { spec: { label: 'x', recreatePolicy: 'Always' } })],
  ] as [string, (world: OneMachine) => Promise<unknown>][])('is asked for at once by %s', async (_name, ask) => {
    const world = await oneMachine({ power: 'on', label: 'x' });
    world.remote.swallows = true;
    await world.patch('web', { spec: { power: 'off' } });
    await world.pass(30);
    expect(world.remote.calls).toHaveLength(1);
    await ask(world);
    await world.pass(5);
    expect(world.remote.calls).toHaveLength(2);
  });

  test('is asked for at once by a changed Secret', async () => {
    const kind = {
      ...toyMachine,
      secrets: () => ({ key: { name: 'bmc', key: 'key', live: true } }),
    } as unknown as Kind;
    const world = await machineWorld({ kind, settings: { secretInterval: 20_000 } });
    await world.secret('bmc');
    await world.start();
    await world.make('web', { power: 'on' });
    await world.pass(90);
    world.remote.calls = [];
    world.remote.swallows = true;
    await world.patch('web', { spec: { power: 'off' } });
    await world.pass(30);
    expect(world.remote.calls).toHaveLength(1);
    await world.kube.mergePatch(secretsType, { namespace: 'shop', name: 'bmc' }, { data: { key: 'bmV3' } });
    await world.pass(30);
    expect(world.remote.calls).toHaveLength(2);
  });

  test.each([
    ['an update', { label: 'new' }, 'PATCH nodes label'],
    ['a create of a part', { macs: ['aa'] }, 'POST ports aa'],
  ])('is not repeated at the pace of the lists: %s', async (_name, wish, call) => {
    const world = await oneMachine();
    world.remote.swallows = true;
    world.remote.laggingLists.add('ports');
    const { create } = world.remote;
    // It says yes, and makes nothing.
    world.remote.create = async (collection, thing, fence) => {
      const answer = await create(collection, thing, fence);
      world.remote.held[collection].delete(thing.id);
      return answer;
    };
    await world.patch('web', { spec: wish });
    const times = await sentIn(world, 800);
    expect(world.remote.calls.every((sent) => sent === call)).toBe(true);
    for (const [place, pause] of gaps(times).entries()) {
      expect(pause).toBeGreaterThanOrEqual(60 * 2 ** place - 1);
      expect(pause).toBeLessThan(60 * 2 ** place + 20);
    }
    expect(times.length).toBeGreaterThan(2);
    expect((await world.ready('web'))!.message).toContain('does not show');
  });
});

describe('a removal with steps on the way', () => {
  test('switches off, removes the parts, and then the machine: each by one call', async () => {
    const {
      remote,
      delete: remove,
      pass,
      get,
    } = await oneMachine({ power: 'on', deletionPolicy: 'Delete', macs: ['aa'] });
    await remove('web');
    await pass(600);
    expect(remote.calls).toEqual(['ACT power off', 'DELETE ports aa', 'DELETE nodes']);
    expect(await get('web')).toBeUndefined();
  });

  test('removes nothing when a read of the moment says that it runs again', async () => {
    const { remote, node, delete: remove, pass, flush } = await oneMachine({ power: 'on', deletionPolicy: 'Delete' });
    await remove('web');
    for (let turn = 0; turn < 10 && remote.calls.length === 0; turn += 1) await flush();
    expect(remote.calls).toEqual(['ACT power off']);
    remote.freeze('nodes');
    node.power = 'on';
    remote.swallows = true;
    await pass(300);
    expect(remote.calls.filter((call) => call.startsWith('DELETE'))).toEqual([]);
    remote.swallows = false;
    remote.frozenLists.clear();
    await pass(600);
    expect(remote.calls.at(-1)).toBe('DELETE nodes');
  });

  test('sends no step any more once the person took back their word, though the watch did not tell yet', async () => {
    const {
      remote,
      delete: remove,
      pass,
      flush,
      patch,
      silent,
      type,
      node,
    } = await oneMachine({ deletionPolicy: 'Delete', power: 'on' });
    remote.mishaps = ['busy'];
    await remove('web');
    for (let turn = 0; turn < 10 && remote.calls.length === 0; turn += 1) await flush();
    expect(remote.calls).toEqual(['ACT power off']);
    silent.add(type.plural);
    await patch('web', { spec: { deletionPolicy: 'Retain' } });
    await pass(120);
    silent.clear();
    expect([remote.calls, node.power]).toEqual([['ACT power off'], 'on']);
  });

  test('goes on after a lost answer and after a crash in the middle', async () => {
    const { remote, delete: remove, pass, get, crash } = await oneMachine({ power: 'on', deletionPolicy: 'Delete' });
    remote.mishaps = ['lost-after', 'hangs-after'];
    await remove('web');
    await pass(60);
    expect(remote.calls).toEqual(['ACT power off', 'DELETE nodes']);
    await crash();
    await pass(600);
    expect(await get('web')).toBeUndefined();
    expect(remote.calls).toEqual(['ACT power off', 'DELETE nodes']);
  });
});

test('a retry that was given while nothing had failed is used up, and answers no later failure', async () => {
  const { annotate, pass, remote, node, lastRetry, ready } = await oneMachine();
  await annotate('retry', 'early');
  await pass(90);
  expect(await lastRetry()).toBe('early');
  node.failed = true;
  await pass(90);
  expect([remote.calls, (await ready('web'))!.reason]).toEqual([[], 'CleanFailed']);
});
