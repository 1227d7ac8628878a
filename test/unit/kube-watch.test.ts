import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonLines } from '../../src/kube/watch.ts';

async function* cutAt(bytes: Buffer, places: number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const place of [...places.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(start, place);
    start = place;
  }
}

async function linesOf(source: AsyncIterable<Uint8Array>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of jsonLines(source)) {
    lines.push(line);
  }
  return lines;
}

test('lines come out whole wherever the network cuts them, within a character too', async () => {
  const value = fc.record({ text: fc.string({ unit: 'grapheme' }), list: fc.array(fc.integer()) });
  const history = fc.tuple(fc.array(value), fc.array(fc.nat(10_000)), fc.boolean());
  await fc.assert(
    fc.asyncProperty(history, async ([values, places, closed]) => {
      const text = values.map((one) => JSON.stringify(one)).join('\n') + (closed ? '\n' : '');
      const lines = await linesOf(cutAt(Buffer.from(text), places));
      expect(lines.map((line) => JSON.parse(line))).toEqual(values);
    }),
  );
});

test('an object of 8 MB in pieces of 16 KB is read in well under a second', async () => {
  const line = Buffer.from(`${JSON.stringify({ blob: 'x'.repeat(8 << 20) })}\n`);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < line.length; start += 16_384) {
      yield line.subarray(start, start + 16_384);
    }
  }
  const began = performance.now();
  expect((await linesOf(pieces()))[0]).toHaveLength(line.length - 1);
  expect(performance.now() - began).toBeLessThan(1_000);
});
