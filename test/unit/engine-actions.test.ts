import { describe, expect, test } from 'vitest';
import { chosenID } from '../../src/engine/owner.ts';
import { KubeError } from '../../src/kube/types.ts';
import { machineWorld } from '../support/machine-world.ts';
import { oneMachine } from '../support/one-machine.ts';
import type { Mishap } from '../support/toy-kind.ts';

describe('a one-off action', () => {
  test('is written down before it is sent, is sent once, and its result is told', async () => {
    const { ask, pass, action, remote, node, kube, events } = await oneMachine();
    const order: string[] = [];
    kube.intercept = ({ body }) => {
      const record = (body['status'] as { action?: { sentAt?: string; acceptedAt?: string } } | undefined)?.action;
      if (record?.sentAt) order.push(`written, ${remote.calls.length} sent`);
    };
    await ask('monday');
    await pass(120);
    expect([order[0], remote.calls, node.boots]).toEqual(['written, 0 sent', ['ACT reboot'], 1]);
    expect(await action()).toMatchObject({
      requestedAt: 'monday',
      verb: 'reboot',
      sentAt: expect.stringMatching(/^2026/),
      acceptedAt: expect.stringMatching(/^2026/),
      finishedAt: expect.stringMatching(/^2026/),
      result: 'Succeeded',
    });
    expect(events.filter(({ reason }) => reason.startsWith('Action')).map(({ reason }) => reason)).toEqual([
      'ActionSucceeded',
    ]);
  });

  test('is not sent again by a restart, and is sent anew for a new date', async () => {
    const { ask, pass, restart, remote, action } = await oneMachine();
    await ask('monday');
    await pass(60);
    await restart();
    await pass(300);
    expect(remote.calls).toEqual(['ACT reboot']);
    await ask('tuesday');
    await pass(60);
    expect(remote.calls).toEqual(['ACT reboot', 'ACT reboot']);
    expect(await action()).toMatchObject({ requestedAt: 'tuesday', result: 'Succeeded' });
  });

  test.each<[Mishap, number]>([
    ['hangs-before', 0],
    ['hangs-after', 1],
  ])(
    'is not sent again when the process died in its call (%s), and nothing is claimed about it',
    async (mishap, boots) => {
      const { ask, pass, crash, remote, node, action } = await oneMachine();
      remote.mishaps = [mishap];
      await ask('monday');
      await pass(5);
      expect(remote.calls).toEqual(['ACT reboot']);
      await crash();
      await pass(300);
      expect([remote.calls, node.boots ?? 0]).toEqual([['ACT reboot'], boots]);
      expect(await action()).toMatchObject({ result: 'Unknown', message: expect.stringContaining('requestedAt') });
    },
  );

  test('is not sent again when the process died right after it was written down', async () => {
    const { ask, pass, crash, remote, kube, action } = await oneMachine();
    let dead: Promise<void> | undefined;
    kube.intercept = ({ body }) => {
      if (!dead && JSON.stringify(body).includes('"sentAt":"')) dead = Promise.resolve().then(crash);
    };
    await ask('monday');
    await pass(300);
    await dead;
    expect(remote.calls).toEqual([]);
    expect(await action()).toMatchObject({ result: 'Unknown' });
  });

  test.each<Mishap>(['lost-before', 'lost-after'])(
    'whose answer was lost (%s) is over, and is not repeated',
    async (mishap) => {
      const { ask, pass, remote, action, ready } = await oneMachine();
      remote.mishaps = [mishap];
      await ask('monday');
      await pass(300);
      expect(remote.calls).toEqual(['ACT reboot']);
      expect(await action()).toMatchObject({ result: 'Unknown', message: expect.stringContaining('lost') });
      expect((await action())!.acceptedAt).toBeUndefined();
      expect(await ready('web')).toMatchObject({ status: 'True' });
    },
  );

  test.each<[Mishap, string]>([
    ['busy', 'Conflict'],
    ['locked', 'Locked'],
  ])('that the remote refuses for now (%s) still stands, and is sent once more', async (mishap, reason) => {
    const { ask, pass, settle, remote, node, action, ready } = await oneMachine();
    remote.mishaps = [mishap];
    await ask('monday');
    await settle();
    expect(await action()).toBeUndefined();
    expect(await ready('web')).toMatchObject({ status: 'False', reason });
    await pass(10);
    expect([remote.calls, node.boots]).toEqual([['ACT reboot', 'ACT reboot'], 1]);
    expect(await action()).toMatchObject({ result: 'Succeeded' });
  });

  test('that a proxy repeated, and that was refused the second time, is over and is not repeated', async () => {
    const { ask, pass, remote, node, action, ready } = await oneMachine();
    remote.mishaps = ['twice'];
    await ask('monday');
    await pass(300);
    expect([remote.calls, node.boots]).toEqual([['ACT reboot'], 1]);
    const message = expect.stringContaining('refused while the remote changed (the toy says it is locked)');
    expect(await action()).toMatchObject({ result: 'Unknown', message });
    expect((await ready('web'))!.status).toBe('True');
    await ask('tuesday');
    await pass(60);
    expect([node.boots, await action()]).toEqual([2, expect.objectContaining({ result: 'Succeeded' })]);
  });

  test('that the remote refuses for now leaves the record of the former one', async () => {
    const { ask, pass, settle, remote, action } = await oneMachine();
    await ask('monday');
    await pass(60);
    remote.mishaps = ['busy'];
    await ask('tuesday');
    await settle();
    expect(await action()).toMatchObject({ requestedAt: 'monday', result: 'Succeeded' });
    await pass(60);
    expect(await action()).toMatchObject({ requestedAt: 'tuesday', result: 'Succeeded' });
  });

  test('that the remote refuses for good has failed, in its words', async () => {
    const { ask, pass, remote, action } = await oneMachine();
    remote.mishaps = ['refused'];
    await ask('monday');
    await pass(300);
    expect(remote.calls).toEqual(['ACT reboot']);
    expect(await action()).toMatchObject({
      result: 'Failed',
      message: expect.stringContaining('the toy says Rejected'),
    });
    expect((await action())!.acceptedAt).toBeUndefined();
  });

  test('that there is no way to obey is answered without any call, once', async () => {
    const { ask, pass, remote, action, events, ready } = await oneMachine();
    await ask('monday', 'dance');
    await pass(120);
    expect(remote.calls).toEqual([]);
    expect(await action()).toMatchObject({ verb: 'dance', result: 'Failed', message: 'there is no dance' });
    expect((await action())!.sentAt).toBeUndefined();
    expect(events.filter(({ reason }) => reason === 'ActionFailed')).toHaveLength(1);
    expect((await ready('web'))!.status).toBe('True');
  });

  test.each(['reboot', 'dance'])(
    'is neither obeyed nor answered where the operator only observes: %s',
    async (verb) => {
      const { ask, patch, pass, remote, action } = await oneMachine();
      await patch('web', { spec: { managementPolicy: 'Observe' } });
      await ask('monday', verb);
      await pass(60);
      expect([remote.calls, await action()]).toEqual([[], undefined]);
    },
  );

  test('that was taken is not called lost because somebody changed the resource at that moment', async () => {
    const { ask, annotate, pass, remote, kube, action } = await oneMachine();
    let raced = false;
    kube.intercept = ({ body }) => {
      if (raced || !JSON.stringify(body).includes('"acceptedAt":"')) return;
      raced = true;
      void annotate('note', 'x');
      throw new KubeError(409, 'Conflict', 'changed meanwhile');
    };
    await ask('monday');
    await pass(120);
    expect([raced, remote.calls]).toEqual([true, ['ACT reboot']]);
    expect(await action()).toMatchObject({ result: 'Succeeded' });
  });

  test('that was refused for now still stands when somebody changed the resource at that moment', async () => {
    const { ask, annotate, pass, remote, kube, action } = await oneMachine();
    remote.mishaps = ['busy'];
    let raced = false;
    kube.intercept = ({ body }) => {
      const { action: written } = (body['status'] ?? {}) as { action?: unknown };
      if (raced || written !== null) return;
      raced = true;
      void annotate('note', 'x');
      throw new KubeError(409, 'Conflict', 'changed meanwhile');
    };
    await ask('monday');
    await pass(120);
    expect([raced, remote.calls]).toEqual([true, ['ACT reboot', 'ACT reboot']]);
    expect(await action()).toMatchObject({ result: 'Succeeded' });
  });
});

describe('a one-off action that Git still holds', () => {
  const found = async (requestedAt: string, prepare: (world: Awaited<ReturnType<typeof machineWorld>>) => void) => {
    const world = await machineWorld();
    prepare(world);
    await world.start();
    await world.make('web', { action: { requestedAt, verb: 'reboot' } });
    await world.pass(120);
    const { action } = (await world.get('web'))!.status!;
    return { ...world, action, reboots: world.remote.calls.filter((call) => call === 'ACT reboot').length };
  };
  const there = ({ remote }: Awaited<ReturnType<typeof machineWorld>>) => {
    const id = chosenID({ ownerID: 'prod', namespace: 'shop', name: 'web' });
    remote.held.nodes.set(id, { id, extra: 'prod/shop/web', power: 'off' });
  };

  test('is not sent a second time to a machine that a rebuilt cluster finds again', async () => {
    const { reboots, action, ready } = await found('2025-12-24T00:00:00Z', there);
    expect(reboots).toBe(0);
    expect(action).toMatchObject({ result: 'Failed', message: expect.stringContaining('older than this resource') });
    expect(action!.sentAt).toBeUndefined();
    expect((await ready('web'))!.status).toBe('True');
  });

  test('is sent to a machine that was made for this very resource', async () => {
    const { reboots, action } = await found('2025-12-24T00:00:00Z', () => {});
    expect([reboots, action!.result]).toEqual([1, 'Succeeded']);
  });

  test('is sent to a machine that was found when it was asked for afterwards', async () => {
    const { reboots, action } = await found('2026-01-01T00:01:00Z', there);
    expect([reboots, action!.result]).toEqual([1, 'Succeeded']);
  });
});

describe('the word to leave a failed state', () => {
  const failed = async () => {
    const world = await oneMachine();
    world.node.failed = true;
    await world.pass(90);
    expect(await world.ready('web')).toMatchObject({ reason: 'CleanFailed' });
    expect(world.remote.calls).toEqual([]);
    return world;
  };

  test('is obeyed once, and again for a new word', async () => {
    const { annotate, pass, remote, node, lastRetry, ready, restart } = await failed();
    await annotate('retry', 'monday');
    await pass(60);
    expect([remote.calls, await lastRetry()]).toEqual([['ACT recover'], 'monday']);
    expect((await ready('web'))!.status).toBe('True');
    node.failed = true;
    await pass(90);
    await restart();
    await pass(90);
    expect([remote.calls, (await ready('web'))!.reason]).toEqual([['ACT recover'], 'CleanFailed']);
    await annotate('retry', 'tuesday');
    await pass(60);
    expect([remote.calls.length, await lastRetry(), node.failed]).toEqual([2, 'tuesday', false]);
  });

  test.each<Mishap>(['hangs-before', 'hangs-after'])(
    'is not obeyed twice when the process died in its call (%s)',
    async (mishap) => {
      const { annotate, pass, remote, crash, lastRetry } = await failed();
      remote.mishaps = [mishap];
      await annotate('retry', 'monday');
      await pass(5);
      await crash();
      await pass(300);
      expect([remote.calls, await lastRetry()]).toEqual([['ACT recover'], 'monday']);
    },
  );

  test('still stands when the remote refused it for now', async () => {
    const { annotate, pass, settle, remote, node, lastRetry } = await failed();
    remote.mishaps = ['busy'];
    await annotate('retry', 'monday');
    await settle();
    expect([remote.calls.length, await lastRetry()]).toEqual([1, undefined]);
    await pass(10);
    expect([remote.calls.length, await lastRetry(), node.failed]).toEqual([2, 'monday', false]);
  });

  test('is not obeyed twice when a proxy repeated the call, and it was refused the second time', async () => {
    const { annotate, pass, until, remote, node, lastRetry, ready } = await failed();
    remote.mishaps = ['twice'];
    await annotate('retry', 'monday');
    await until(() => remote.calls.length === 1);
    expect([node.failed, await lastRetry()]).toEqual([false, 'monday']);
    // It fails once more, for the same cause.
    node.failed = true;
    await pass(90);
    expect([remote.calls, (await ready('web'))!.reason]).toEqual([['ACT recover'], 'CleanFailed']);
  });

  test('is heard at once, though the last one was given a moment ago and nothing came of it', async () => {
    const { annotate, pass, remote, lastRetry } = await failed();
    remote.swallows = true;
    await annotate('retry', 'monday');
    await pass(20);
    await annotate('retry', 'tuesday');
    await pass(5);
    expect([remote.calls.length, await lastRetry()]).toEqual([2, 'tuesday']);
  });

  test('is heard anew after a refusal for good', async () => {
    const { annotate, pass, remote, node, ready } = await failed();
    remote.mishaps = ['refused'];
    await annotate('retry', 'monday');
    await pass(300);
    expect([remote.calls, (await ready('web'))!.reason]).toEqual([['ACT recover'], 'InvalidSpec']);
    await annotate('retry', 'tuesday');
    await pass(30);
    expect([remote.calls.length, node.failed]).toEqual([2, false]);
  });
});
