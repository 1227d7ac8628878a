import { expect, test } from 'vitest';
import { parseErrorBody } from '../../src/remote/error-body.ts';
import { answer, expectClear, expectUnpolluted, hostileRemote, nested } from '../support/hostile.ts';
import { clientsOf, lists, reads, writes } from '../support/hostile-operations.ts';
import { remoteFixture } from '../support/remote-fixture.ts';

const create = writes[0]!;

test('an answer of 50 MB is cut off on its way: a read fails, a create has an unknown outcome', async () => {
  await using fixture = await remoteFixture();
  /** Megabytes of each answer. */
  const written: number[] = [];
  const piece = 'x'.repeat(1 << 20);
  fixture.answers.api = (_request, response) => {
    const at = written.push(0) - 1;
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = () => {
      while (written[at]! < 50 && !response.destroyed) {
        written[at]! += 1;
        if (!response.write(piece)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  };
  const clients = clientsOf(fixture.session);
  const list = await clients.sdpf.listServersDetail('poll').catch((error: unknown) => error);
  expectClear(list);
  expect(list).toMatchObject({ reason: 'BadAnswer', outcome: 'definitely-not' });
  // A smaller page is asked for, once.
  expect(written).toHaveLength(2);
  expect(Math.max(...written)).toBeLessThan(40);
  const made = await create.call(clients, () => {}).catch((error: unknown) => error);
  expectClear(made);
  expect(made).toMatchObject({ reason: 'BadAnswer', outcome: 'unknown' });
});

test('what is compressed, though nobody asked for that, is no answer', async () => {
  await using fixture = await remoteFixture();
  fixture.answers.api = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    response.end(Buffer.from('1f8b0800000000000003ab562a4e2d2a4b2d52b28a8ead05002c3c1b5e0e000000', 'hex'));
  };
  const { sdpf } = clientsOf(fixture.session);
  expectClear(await sdpf.listServersDetail('poll').catch((error: unknown) => error));
});

test('a million items, more than fit into an answer, are no list', async () => {
  await using fixture = await remoteFixture();
  const body = `{"addresses":[${'{"address":"169.254.0.1","in_use":true},'.repeat(1e6)}{}]}`;
  fixture.answers.api = (_request, response) => void response.end(body);
  const end = await clientsOf(fixture.session)
    .sdpf.listVCenterAddresses('poll')
    .catch((error: unknown) => error);
  expectClear(end);
  expect(end.reason).toBe('BadAnswer');
});

test('twenty thousand levels break no client', async () => {
  const deep = nested(20_000);
  for (const read of [...lists, ...reads]) {
    for (const [name, valid] of Object.entries(read.valid)) {
      const remote = hostileRemote();
      const inItem = Array.isArray(valid) ? `[{"id":"x","uuid":"x","name":${deep},"extra":${deep}}]` : deep;
      remote.answers.api = ({ url }) =>
        url.searchParams.has('marker')
          ? answer(200, read.last ?? {})
          : answer(200, `{${JSON.stringify(name)}:${inItem}}`);
      const end = await remote.settle(() => read.call(clientsOf(remote.session)));
      if (end.error !== undefined) expectClear(end.error);
    }
  }
  for (const write of writes) {
    const remote = hostileRemote();
    remote.answers.api = () => answer(400, deep);
    const end = await remote.settle(() => write.call(clientsOf(remote.session), () => {}));
    expectClear(end.error);
    expect(end.error.outcome).toBe('unknown');
  }
  expectUnpolluted();
});

test('words of an error that are long and made to be slow to read take no time', () => {
  const began = performance.now();
  for (const words of ['\\n', ' ', '<', '<p ', '<head', '<head></head', '\u200b', '\u2028', '"', '\\', '[redacted]']) {
    const { message } = parseErrorBody('application/json', JSON.stringify({ message: `${words.repeat(500_000)}x` }));
    expect(message.length).toBeLessThanOrEqual(500);
    expect(parseErrorBody('text/plain', `x${words.repeat(500_000)}x`).message.length).toBeLessThanOrEqual(200);
  }
  expect(performance.now() - began).toBeLessThan(5_000);
});

test.each(['é', '\u00ff', ' ', '"', ','])('a token with %j in it harms no call that follows', async (odd) => {
  await using fixture = await remoteFixture();
  const { keystone } = fixture.answers;
  fixture.answers.keystone = (request, response) => {
    response.setHeader('x-subject-token', Buffer.from(`a${odd}b`, 'utf8').toString('latin1'));
    const { writeHead } = response;
    response.writeHead = (status: number) => writeHead.call(response, status, { 'content-type': 'application/json' });
    keystone(request, response);
  };
  fixture.answers.api = (_request, response) => void response.end('{"licenses":[]}');
  const end = await clientsOf(fixture.session)
    .sdpf.listLicenses('poll')
    .catch((error: unknown) => error);
  if (end instanceof Error) expectClear(end);
  else expect(end).toEqual({ items: [], dropped: [] });
});
