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
  for (const name of [...changed, ...stale]) {
    console.error(`${join(directory, name)} is not what the kinds say`);
    process.exitCode = 1;
  }
  if (process.exitCode) {
    console.error('run: make generate');
  }
}
