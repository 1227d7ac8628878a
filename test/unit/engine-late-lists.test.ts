import { afterEach, describe, expect, test } from 'vitest';
import { createToyWorld, toyServer, type ToyWorldOptions } from '../support/toy-world.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
const world = async (options: ToyWorldOptions = {}) => {
  const made = await createToyWorld(options);
  ends.push(() => made.end());
  return made;
};
const posts = (calls: string[]) => calls.filter((call) => call.startsWith('POST'));

describe('a server that was bought a moment ago and is in no list yet', () => {
  test('is not let go of by Retain before a list shows it, so that the same manifest finds it', async () => {
    const { start, make, pass, remote, get, ready, delete: remove } = await world({ kind: toyServer });
    await start();
    remote.laggingLists.add('nodes');
    await make('web');
    await pass(5);
    const id = (await get('web'))!.status!.externalID;
    expect(id).toBeDefined();
    await remove('web');
    await pass(60);
    expect((await ready('web'))!.message).toMatch(/no list shows it yet/);
    remote.laggingLists.clear();
    await pass(60);
    expect(await get('web')).toBeUndefined();
    await make('web');
    await pass(60);
    expect((await get('web'))!.status!.externalID).toBe(id);
    expect(posts(remote.calls)).toHaveLength(1);
  });

  test('is let go of at the end of the settle window, whatever the lists show', async () => {
    const { start, make, pass, remote, get, delete: remove } = await world({ kind: toyServer });
    await start();
    remote.laggingLists.add('nodes');
    await make('web');
    await pass(5);
    await remove('web');
    await pass(850);
    expect(await get('web')).toBeDefined();
    await pass(60);
    expect(await get('web')).toBeUndefined();
  });
});

describe('a create without an outcome', () => {
  test("is settled although somebody else's server has the same namespace and name, and holds nobody back", async () => {
    const { start, make, pass, remote, get, ready } = await world({ settings: { settleWindow: 120_000 } });
    await start();
    remote.mishaps = ['lost-before'];
    await make('web');
    await pass(5);
    remote.held.nodes.set('theirs', { id: 'theirs', extra: 'another/shop/web' });
    await pass(300);
    expect((await get('web'))!.status!.creation).toBeUndefined();
    await make('other');
    await pass(60);
    expect((await ready('other'))!.status).toBe('True');
  });
});
