import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { edited } from './bug.ts';
import { bugs } from './bugs.ts';
import { root } from './tree.ts';

const source = (file: string) => readFileSync(join(root, file), 'utf8');

describe('planted bugs', () => {
  it.each(bugs)('$name still applies to src, and what comes of it can be run', (bug) => {
    for (const file of new Set(bug.edits.map((edit) => edit.file))) {
      expect(file).toMatch(/^src\/(?!sandbox\/)/);
      const text = edited(source(file), file, bug);
      expect(text).not.toBe(source(file));
      expect(() => stripTypeScriptTypes(text)).not.toThrow();
    }
  });

  it('have names of their own', () => {
    expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
  });

  it('are there for each of the ten laws and each kind', () => {
    expect([...new Set(bugs.map(({ law }) => law))].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(new Set(bugs.flatMap(({ kinds }) => kinds)).size).toBe(4);
  });

  it('a text that is no longer there, or there twice, is an error that names the entry', () => {
    const bug = { ...bugs[0]!, edits: [{ file: 'src/x.ts', find: 'here', replace: 'there' }] };
    expect(() => edited('nothing', 'src/x.ts', bug)).toThrow(`${bug.name}: its text stands 0 times in src/x.ts`);
    expect(() => edited('here, here', 'src/x.ts', bug)).toThrow('stands 2 times');
  });
});
