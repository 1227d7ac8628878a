import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes `directory` hold exactly these files. With `check` it changes nothing, but says what differs and sets the exit
 * code to 1.
 */
export function keepGenerated(directory: string, files: Record<string, string>, { check }: { check: boolean }): void {
  const present = existsSync(directory) ? readdirSync(directory) : [];
  const stale = present.filter((name) => !(name in files));
  const changed = Object.keys(files).filter(
    (name) => !present.includes(name) || readFileSync(join(directory, name), 'utf8') !== files[name],
  );
  if (!check) {
    mkdirSync(directory, { recursive: true });
    stale.forEach((name) => rmSync(join(directory, name)));
    changed.forEach((name) => writeFileSync(join(directory, name), files[name]!));
    return;
  }
  complain([...changed, ...stale].map((name) => join(directory, name)));
}

/** The same for a single file among others. */
export function keepGeneratedFile(file: string, text: string, { check }: { check: boolean }): void {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  if (check) complain([file]);
  else writeFileSync(file, text);
}

function complain(files: string[]): void {
  for (const file of files) console.error(`${file} is out of date`);
  if (files.length === 0) return;
  console.error('run: make generate');
  process.exitCode = 1;
}
