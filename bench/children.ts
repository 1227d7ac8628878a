import type { ChildProcess } from 'node:child_process';

const children = new Set<ChildProcess>();

/** However this process ends, but by SIGKILL, the child does not stay behind. */
export function tied<T extends ChildProcess>(child: T): T {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => process.exit(130));
