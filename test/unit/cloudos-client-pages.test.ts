import { describe, expect, test } from 'vitest';
import { createCloudOSClient, type CloudOSClient } from '../../src/cloudos/client.ts';
import { remoteFixture } from '../support/remote-fixture.ts';
import { answerJSON } from '../support/scripted-server.ts';
import * as samples from './cloudos-client-samples.ts';

const notFound = {
  error_message: '{"faultcode":"Client","faultstring":"Node b could not be found.","debuginfo":null}',
};

/** An Ironic that holds objects of these IDs and gives `size` at once; `next` is there as soon as a page is full. */
async function paged(ids: string[], size: number, make: (uuid: string) => unknown) {
  const fixture = await remoteFixture();
  fixture.answers.api = (request, response) => {
    const url = new URL(request.path, fixture.server.url);
    const marker = url.searchParams.get('marker');
    const from = marker === null ? 0 : ids.indexOf(marker) + 1;
    if (marker !== null && from === 0) return answerJSON(response, 404, notFound);
    const page = ids.slice(from, from + size);
    const list = /portgroups/.test(url.pathname) ? 'portgroups' : /ports/.test(url.pathname) ? 'ports' : 'nodes';
    answerJSON(response, 200, {
      [list]: page.map(make),
      ...(page.length === size && { next: `http://ironic.internal:6385/v1/x?limit=${size}&marker=${page.at(-1)}` }),
    });
  };
  const client = createCloudOSClient(fixture.session, { paths: { baremetal: '' }, microversion: '1.34' });
  return {
    fixture,
    client,
    paths: () => fixture.calls().map(({ path }) => path.replace('/api/v1/', '')),
    [Symbol.asyncDispose]: fixture[Symbol.asyncDispose],
  };
}

const nodeOf = (uuid: string) => ({ ...samples.node, uuid });
const names = ({ items }: { items: { uuid: string }[] }) => items.map(({ uuid }) => uuid);

describe('the pages of a list', () => {
  const lists: [
    string,
    (client: CloudOSClient) => Promise<{ items: { uuid: string }[] }>,
    (uuid: string) => unknown,
  ][] = [
    ['nodes/detail', (client) => client.listNodes('poll'), nodeOf],
    ['ports/detail', (client) => client.listPorts('poll'), (uuid) => ({ ...samples.port, uuid })],
    ['portgroups/detail', (client) => client.listPortGroups('poll'), (uuid) => ({ ...samples.fullGroup, uuid })],
    ['nodes/n/ports/detail', (client) => client.listNodePorts('n', 'poll'), (uuid) => ({ ...samples.port, uuid })],
    [
      'portgroups?node=n',
      (client) => client.listNodePortGroups('n', 'poll'),
      (uuid) => ({ ...samples.briefGroup, uuid }),
    ],
  ];
  test.each(lists)(
    '%s are followed by the last ID, never by `next`, and never with a limit',
    async (path, list, make) => {
      await using setUp = await paged(['a', 'b', 'c', 'd'], 2, make);
      expect(names(await list(setUp.client))).toEqual(['a', 'b', 'c', 'd']);
      const mark = path.includes('?') ? '&' : '?';
      // A page that is exactly full has a `next` that leads to an empty one.
      expect(setUp.paths()).toEqual([path, `${path}${mark}marker=b`, `${path}${mark}marker=d`]);
    },
  );

  test('end where there is no `next`, however many there are: the gateway documents none', async () => {
    const ids = Array.from({ length: 1_500 }, (_value, index) => `n${index}`);
    await using setUp = await paged(ids, 5_000, nodeOf);
    expect(names(await setUp.client.listNodes('poll'))).toEqual(ids);
    expect(setUp.paths()).toEqual(['nodes/detail']);
  });

  test('go on behind a node that cannot be read, and name it', async () => {
    await using setUp = await paged(['a', 'b', 'c'], 2, (uuid) =>
      uuid === 'b' ? { uuid, instance_uuid: 5 } : nodeOf(uuid),
    );
    const { items, dropped } = await setUp.client.listNodes('poll');
    expect(items.map(({ uuid }) => uuid)).toEqual(['a', 'c']);
    expect(dropped).toEqual([{ index: 1, id: 'b', problem: expect.stringContaining('instance_uuid') as string }]);
    expect(setUp.paths()[1]).toContain('marker=b');
  });

  test('number what cannot be read through all of them', async () => {
    await using setUp = await paged(['a', 'b', 'c'], 2, (uuid) => (uuid === 'c' ? { uuid, name: 5 } : nodeOf(uuid)));
    expect((await setUp.client.listNodes('poll')).dropped).toMatchObject([{ index: 2, id: 'c' }]);
  });

  test('that a gateway repeats, knowing no marker, are no complete list', async () => {
    await using setUp = await paged(['a', 'b'], 2, nodeOf);
    setUp.fixture.answers.api = (_request, response) =>
      answerJSON(response, 200, { nodes: [nodeOf('a'), nodeOf('b')], next: 'http://x/' });
    await expect(setUp.client.listNodes('poll')).rejects.toMatchObject({
      reason: 'BadAnswer',
      outcome: 'definitely-not',
      message: expect.stringContaining('the pages of the list do not end') as string,
    });
    expect(setUp.paths()).toEqual(['nodes/detail', 'nodes/detail?marker=b']);
  });

  test('that never end are given up', async () => {
    await using setUp = await paged([], 1, nodeOf);
    let count = 0;
    setUp.fixture.answers.api = (_request, response) =>
      answerJSON(response, 200, { nodes: [{ uuid: `n${count++}` }], next: 'http://x/' });
    await expect(setUp.client.listNodes('poll')).rejects.toMatchObject({ reason: 'BadAnswer' });
    expect(count).toBe(1_000);
  });

  test.each([
    ['ends with a node without an ID', [nodeOf('a'), { name: 'x' }]],
    ['is empty', []],
  ])('of which one has a `next` and %s cannot be followed, and are no complete list', async (_name, nodes) => {
    await using setUp = await paged([], 1, nodeOf);
    setUp.fixture.answers.api = (_request, response) => answerJSON(response, 200, { nodes, next: 'http://x/' });
    await expect(setUp.client.listNodes('poll')).rejects.toMatchObject({ reason: 'BadAnswer' });
  });

  test('are read anew when the node at the mark is deleted meanwhile: nobody takes that for a missing node', async () => {
    const ids = ['a', 'b', 'c'];
    await using setUp = await paged(ids, 2, nodeOf);
    const { api } = setUp.fixture.answers;
    setUp.fixture.answers.api = (request, response) => {
      if (request.path.includes('marker=b')) ids.splice(1, 1);
      api(request, response);
    };
    expect(names(await setUp.client.listNodes('poll'))).toEqual(['a', 'c']);
    expect(setUp.paths()).toEqual(['nodes/detail', 'nodes/detail?marker=b', 'nodes/detail', 'nodes/detail?marker=c']);
  });

  test('whose mark is never found are no complete list, and no missing node', async () => {
    await using setUp = await paged(['a', 'b', 'c'], 2, (uuid) => nodeOf(`${uuid}x`));
    await expect(setUp.client.listNodes('poll')).rejects.toMatchObject({ reason: 'BadAnswer' });
    expect(setUp.paths()).toHaveLength(6);
  });
});
