import { isObject, isRecord, isVersioned, readStatus } from './answers.ts';
import { KubeError, type KubeObject, KubeUnreachable, type WatchEvent } from './types.ts';

/**
 * The events in the body of a watch. Throws KubeError for an ERROR event (410 `Expired` above all) and KubeUnreachable
 * for a line that cannot be read or is no event, or a body that stops within one.
 */
export async function* watchEvents<T extends KubeObject>(
  body: AsyncIterable<Uint8Array>,
  target: string,
): AsyncGenerator<WatchEvent<T>> {
  for await (const line of jsonLines(body)) {
    const event = parseEvent(line, target);
    if (isRecord(event) && event['type'] === 'ERROR') {
      const { code = 500, reason, message } = readStatus(event['object']);
      throw new KubeError(code, reason, `WATCH ${target}: ${code} ${reason}: ${message}`);
    }
    if (!isEvent<T>(event)) {
      throw new KubeUnreachable(`WATCH ${target}: an event that is none of Kubernetes`, undefined);
    }
    yield event;
  }
}

const changes: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED']);

function isEvent<T extends KubeObject>(event: unknown): event is WatchEvent<T> {
  if (!isRecord(event)) return false;
  const { type, object } = event;
  return type === 'BOOKMARK' ? isVersioned(object) : changes.has(type) && isObject(object);
}

/** The parser's own error would quote what it could not read: the object may be a Secret. */
function parseEvent(line: string, target: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new KubeUnreachable(`WATCH ${target}: cut off or unreadable event of ${line.length} characters`, undefined);
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
