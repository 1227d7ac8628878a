import type { Secret } from '../base/secret.ts';
import { cleanText, redact } from '../remote/text.ts';

/** IDs as the remote lists them, for a message: as they are they may be of any length and hold anything. */
export function shownIDs(ids: Iterable<string>, most = 10): string {
  return [...ids]
    .slice(0, most)
    .map((id) => cleanText(id, 128))
    .join(', ');
}

/** Shorter ones are words: a user name `root` is no secret, and would be blanked wherever it is a part of another word. */
const shortest = 6;

/** The remote may quote what it was sent, a BMC's password in an error say: nothing of that is shown. */
export function clean<T>(value: T, secrets: readonly Secret[] = []): T {
  const long = secrets.filter((secret) => secret.reveal().length >= shortest);
  if (long.length === 0) return value;
  const walk = (part: unknown): unknown => {
    // One word is a name, a state or an ID, of which the spec says the same.
    if (typeof part === 'string') return part.includes(' ') ? redact(part, long) : part;
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, walk(inner)]));
  };
  return walk(value) as T;
}
