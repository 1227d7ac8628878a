import { KubeError, type KubeObject, KubeUnreachable, type WatchEvent } from './types.ts';

interface StatusObject {
  code?: number;
  reason?: string;
  message?: string;
}

/**
 * The events in the body of a watch. Throws KubeError for an ERROR event (410 `Expired` above all) and KubeUnreachable
 * for a line that cannot be read or a body that stops within one.
 */
export async function* watchEvents<T extends KubeObject>(
  body: AsyncIterable<Uint8Array>,
  target: string,
): AsyncGenerator<WatchEvent<T>> {
  for await (const line of jsonLines(body)) {
    const event = parseEvent(line, target);
    if (event.type === 'ERROR') {
      const { code = 500, reason = '', message = 'no message' } = event.object as StatusObject;
      throw new KubeError(code, reason, `WATCH ${target}: ${code} ${reason}: ${message}`);
    }
    yield event as WatchEvent<T>;
  }
}

function parseEvent(line: string, target: string): { type: string; object: unknown } {
  try {
    return JSON.parse(line) as { type: string; object: unknown };
  } catch (error) {
    throw new KubeUnreachable(`WATCH ${target}: cut off or unreadable event of ${line.length} characters`, error);
  }
}

const newline = 0x0a;

/**
 * Lines of a byte stream, without their ends; what follows the last newline is a line too. Bytes are only joined and
 * decoded at a newline: a character cut by a chunk stays whole, and an object of megabytes is copied once.
 */
export async function* jsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  const take = () => {
    const line = Buffer.concat(parts).toString('utf8');
    parts = [];
    return line;
  };
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      parts.push(chunk.subarray(start, end));
      start = end + 1;
      const line = take();
      if (line.trim()) {
        yield line;
      }
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
    }
  }
  const rest = take();
  if (rest.trim()) {
    yield rest;
  }
}
