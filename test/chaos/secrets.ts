import { createReadStream } from 'node:fs';
import { formsOf } from '../support/canaries.ts';

/** So many characters in a row give a secret away. */
const piece = 12;

/** Looks for any of many secrets in long texts. It says whose a secret is and where it stood, never what it is. */
export function secretFinder(secrets: ReadonlyMap<string, string>) {
  const pieces = new Map<string, string>();
  for (const value of secrets.keys()) {
    for (const form of formsOf(value)) {
      for (let at = 0; at + piece <= form.length; at += 1) pieces.set(form.slice(at, at + piece), value);
    }
  }
  /** Each secret is told of once; what stands before its first piece holds nothing of it. */
  function look(where: string, text: string, told: Set<string>): string[] {
    const found: string[] = [];
    for (let at = 0; at + piece <= text.length; at += 1) {
      const value = pieces.get(text.slice(at, at + piece));
      if (value === undefined || told.has(value)) continue;
      told.add(value);
      found.push(`${where} gives away ${secrets.get(value)}, after …${text.slice(Math.max(0, at - 80), at)}`);
    }
    return found;
  }
  const inText = (where: string, text: string) => look(where, text, new Set());
  return {
    inText,
    async inFile(file: string): Promise<string[]> {
      const found: string[] = [];
      const told = new Set<string>();
      let rest = '';
      for await (const chunk of createReadStream(file, 'utf8')) {
        const text = rest + String(chunk);
        found.push(...look(file, text, told));
        rest = text.slice(1 - piece);
      }
      return found;
    },
  };
}
