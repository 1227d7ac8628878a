import { describe, expect, test } from 'vitest';
import { idOf, machineWorld } from '../support/machine-world.ts';

/** A new cluster: its resource names machine `other`, and one that was made for it stands there, too. */
async function rebuilt(extra = '') {
  const made = await machineWorld();
  const { held } = made.remote;
  held.nodes.set(idOf('web'), { id: idOf('web'), extra: 'prod/shop/web', power: 'off', bmc: 'web.bmc' });
  held.nodes.set('other', { id: 'other', extra, power: 'off', bmc: 'other.bmc' });
  await made.start();
  await made.make('web', { externalID: 'other' });
  await made.pass(60);
  const ready = async () => (await made.ready('web'))!;
  return {
    ...made,
    ready,
    externalID: async () => (await made.get('web'))!.status!.externalID,
    answer: async (words: string) => {
      const question = /"(\S+) retry"/.exec((await ready()).message)![1];
      await made.patch('web', { metadata: { annotations: { 'freehold.dev/resolve': `${question} ${words}` } } });
      await made.pass(60);
    },
  };
}

describe('spec.externalID, where another machine was made for this very resource and is recorded nowhere', () => {
  test.each(['', 'old/shop/web'])('is a question to a person that names both (the other is of "%s")', async (extra) => {
    const { ready, externalID, remote } = await rebuilt(extra);
    expect(await ready()).toMatchObject({ status: 'False', reason: 'CreateOutcomeAmbiguous' });
    for (const id of [idOf('web'), 'other']) expect((await ready()).message).toContain(id);
    expect([await externalID(), remote.calls]).toEqual([undefined, []]);
  });

  test.each([idOf('web'), 'other'])('is answered by adopt=%s', async (id) => {
    const { answer, externalID, remote } = await rebuilt();
    await answer(`adopt=${id}`);
    expect([await externalID(), remote.calls]).toEqual([id, []]);
  });

  test('is answered by taking it out of the spec', async () => {
    const { patch, pass, externalID } = await rebuilt();
    await patch('web', { spec: { externalID: null } });
    await pass(60);
    expect(await externalID()).toBe(idOf('web'));
  });

  test('is not yet the word that the machine of another owner may be taken', async () => {
    const { answer, externalID, ready } = await rebuilt('old/shop/web');
    await answer('adopt=other');
    expect([await externalID(), (await ready()).reason]).toEqual([undefined, 'OwnedElsewhere']);
  });

  test.each(['retry', 'forget'])('makes no third one by the word %s', async (word) => {
    const { answer, externalID, remote, ready } = await rebuilt();
    await answer(word);
    expect([await externalID(), remote.calls, (await ready()).reason]).toEqual([undefined, [], 'CreationForgotten']);
  });

  test('is obeyed where another resource stands for that machine', async () => {
    const made = await machineWorld();
    for (const id of [idOf('web'), 'other']) made.remote.held.nodes.set(id, { id, extra: '', power: 'off' });
    await made.start();
    await made.make('second', { externalID: idOf('web') });
    await made.pass(60);
    await made.make('web', { externalID: 'other' });
    await made.pass(60);
    const ids = ['second', 'web'].map(async (name) => (await made.get(name))!.status!.externalID);
    expect(await Promise.all(ids)).toEqual([idOf('web'), 'other']);
  });
});
