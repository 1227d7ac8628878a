import { describe, expect, test } from 'vitest';
import { createWaiting } from '../../src/engine/waiting.ts';
import { machineWorld } from '../support/machine-world.ts';
import { createToyRemote } from '../support/toy-kind.ts';
import { toyServer } from '../support/toy-world.ts';

describe('who waits for a list', () => {
  test('runs after one of the collection that it named, and only once', () => {
    const waiting = createWaiting();
    waiting.list('r', 'a', ['nodes']);
    waiting.list('r', 'b');
    expect(waiting.ended('r', 'ports')).toEqual(['b']);
    expect(waiting.ended('other', 'nodes')).toEqual([]);
    expect(waiting.ended('r', 'nodes')).toEqual(['a']);
    expect(waiting.ended('r', 'nodes')).toEqual([]);
  });

  test('misses none that ended while its pass was running', () => {
    const waiting = createWaiting();
    waiting.began('a');
    waiting.ended('r', 'ports');
    expect(waiting.list('r', 'a', ['nodes'])).toBe(false);
    waiting.ended('r', 'nodes');
    expect(waiting.list('r', 'a', ['nodes'])).toBe(true);
  });

  test('waits for all that several passes asked for', () => {
    const waiting = createWaiting();
    waiting.list('r', 'a', ['nodes']);
    waiting.list('r', 'a', ['ports']);
    expect(waiting.ended('r', 'ports')).toEqual(['a']);
    waiting.list('r', 'a');
    waiting.list('r', 'a', ['ports']);
    expect(waiting.ended('r', 'nodes')).toEqual(['a']);
  });
});

describe('who waits for its turn', () => {
  const three = () => {
    const waiting = createWaiting();
    for (const key of ['a', 'b', 'c']) waiting.turn('r', 'type 1', key);
    waiting.turn('r', 'type 2', 'x');
    return waiting;
  };

  test('is called by a list, one behind each lock', () => {
    const waiting = three();
    expect(waiting.ended('r', 'nodes')).toEqual(['a', 'x']);
    expect(waiting.ended('r', 'nodes')).toEqual([]);
  });

  test('comes right after the one before it, which is through', () => {
    const waiting = three();
    waiting.ended('r', 'nodes');
    expect(waiting.passed('a')).toEqual(['b']);
    expect(waiting.passed('b')).toEqual(['c']);
    expect(waiting.passed('c')).toEqual([]);
  });

  test('comes with the next list where the one before it still found somebody before itself', () => {
    const waiting = three();
    waiting.ended('r', 'nodes');
    waiting.turn('r', 'type 1', 'a');
    expect(waiting.passed('a')).toEqual([]);
    expect(waiting.ended('r', 'nodes')).toEqual(['b']);
  });

  test('comes also where the one before it is gone', () => {
    const waiting = three();
    waiting.forget('a');
    expect(waiting.ended('r', 'nodes')).toEqual(['b', 'x']);
  });

  test('is called at once where the list ended while it lined up', () => {
    const waiting = createWaiting();
    waiting.began('a');
    waiting.ended('r', 'nodes');
    expect(waiting.turn('r', 'type 1', 'a')).toEqual(['a']);
  });
});

describe('a list that ended', () => {
  test('is looked at by those alone whose object it shows changed', async () => {
    const { start, make, pass, remote, passes } = await machineWorld();
    await start();
    for (const name of ['a', 'b', 'c', 'd']) await make(name);
    await pass(60);
    const before = passes();
    remote.held.nodes.values().next().value!.extra += ' ';
    await pass(65);
    expect(passes() - before).toBe(1);
  });

  test('is looked at after a restart by those alone that wait for that very list', async () => {
    const remote = createToyRemote();
    const { start, make, pass, restart, passes, clock, ready } = await machineWorld({ kind: toyServer, remote });
    const { list } = remote;
    remote.list = async (collection) => {
      const seconds = { nodes: 1, groups: 3, ports: 5 }[collection];
      await new Promise<void>((done) => void clock.after(seconds * 1000, done));
      return list(collection);
    };
    await start();
    for (const name of ['a', 'b', 'c', 'd']) await make(name);
    await pass(60);
    const before = passes();
    await restart();
    await pass(15);
    // When it is seen, and with the list of its servers.
    expect(passes() - before).toBe(4 * 2);
    expect((await ready('d'))!.status).toBe('True');
  });
});

describe('creates that run one at a time', () => {
  const status = (writes: { plural: string; name: string; subresource?: string | undefined }[], name: string) =>
    writes.filter((write) => write.name === name && write.subresource === 'status').length;

  test('say nothing of a turn that comes within seconds', async () => {
    const { start, make, pass, kube, ready } = await machineWorld();
    await start();
    for (const name of ['a', 'b', 'c', 'd']) await make(name);
    await pass(60);
    for (const name of ['a', 'b', 'c', 'd']) {
      expect((await ready(name))!.status).toBe('True');
      // Journal, record, and Ready.
      expect([name, status(kube.writes, name)]).toEqual([name, 3]);
    }
  });

  test('name the one whose outcome is not known, and write that once', async () => {
    const { start, make, pass, remote, kube, ready } = await machineWorld();
    await start();
    remote.mishaps = ['lost-before'];
    await make('first');
    await pass(5);
    for (const name of ['a', 'b', 'c']) await make(name);
    await pass(10);
    const writes = kube.writes.length;
    for (const name of ['a', 'b', 'c']) {
      expect(await ready(name)).toMatchObject({ reason: 'CreationQueued' });
      expect((await ready(name))!.message).toMatch(/the create of ToyMachine\/shop\/first has no outcome yet/);
    }
    await pass(120);
    expect(kube.writes.slice(writes).filter(({ name }) => ['a', 'b', 'c'].includes(name))).toEqual([]);
  });
});
