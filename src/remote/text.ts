import type { Secret } from '../base/secret.ts';

/** The value of a JSON text, or undefined when it is none (no JSON text has the value undefined). Never throws. */
export function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Text of a remote as one line that is safe to log and to show: no control or direction characters, white space
 * collapsed, cut to `length`. A trailing literal `\n` goes too: Dedicated Hypervisor ends its messages with backslash and
 * n (seed 000, Delete Server).
 */
export function cleanText(text: string, length: number): string {
  const line = text
    .slice(0, length * 20)
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
    .replaceAll(/\p{Cf}/gu, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/(?:\s|\\[nr])+$/, '')
    .trimStart();
  return line.length <= length ? line : `${line.slice(0, length - 1).toWellFormed()}…`;
}

const tags = /<\/?(?:html|head|title|body|h\d|p|div|span|a|b|i|em|strong|pre|code|br|hr|ul|li)(?:\s[^<>]*|\/)?>/gi;

/**
 * Text in which tags of HTML are blanks: OpenStack writes `<br />` and whole pages into messages that are JSON (Ironic
 * 21.4). Other words in angle brackets stay. The text is cut where no message of ours would show it.
 */
export function withoutTags(text: string): string {
  return text
    .slice(0, 10_000)
    .replace(/<head\b[^]*?<\/head>/i, ' ')
    .replaceAll(tags, ' ');
}

/** `text` with every occurrence of a secret replaced, in every usual spelling. */
export function redact(text: string, secrets: readonly Secret<string | number>[]): string {
  return (
    secrets
      .map((secret) => String(secret.reveal()))
      // As it is, as JSON writes it, and as Python does.
      .flatMap((value) => [
        value,
        JSON.stringify(value).slice(1, -1),
        value.replaceAll('\\', '\\\\').replaceAll("'", "\\'"),
      ])
      .filter((value) => value !== '')
      .sort((a, b) => b.length - a.length)
      .reduce((result, value) => result.replaceAll(value, '[redacted]'), text)
  );
}
