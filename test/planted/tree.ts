import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bug, edited } from './bug.ts';

/** The tree that this file belongs to. */
export const root = join(import.meta.dirname, '..', '..');

/** What the simulation, and the unit tests, need of it. */
const parts = ['src', 'test', 'crds', 'package.json', 'tsconfig.json', 'vitest.config.ts'];

/** Makes `folder` anew as a copy of the tree at `from`, with one bug in it where one is given. */
export function plant(from: string, folder: string, bug?: Bug): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const part of parts) cpSync(join(from, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  if (!bug) return;
  for (const file of new Set(bug.edits.map((edit) => edit.file))) {
    const path = join(folder, file);
    writeFileSync(path, edited(readFileSync(path, 'utf8'), file, bug));
  }
}
