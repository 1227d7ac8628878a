import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { FloorTask } from './floor.ts';
import { type Call, countCalls, isPage } from './remote.ts';
import type { World } from './world.ts';

/** The operator's own default of --workers. */
const workers = 64;

/** Bare calls of the same count, in the same run. */
export async function floorOf(world: World, log: readonly Call[]): Promise<{ seconds: number; calls: number }> {
  await world.emptyRemote();
  const lists: Record<string, number> = {};
  for (const { path } of log.filter(isPage)) {
    const url = new URL(path, world.remote.info.control);
    url.searchParams.delete('marker');
    // Behind the gateway a call has other headers; there the cheapest read stands for it.
    if (/^\/(dedicated-hypervisor|ironic)\//.test(path))
      lists[url.pathname + url.search] = (lists[url.pathname + url.search] ?? 0) + 1;
  }
  const { IssueToken: _, ...calls } = countCalls(log).byOperation;
  const task: FloorTask = { info: world.remote.info, concurrency: workers, calls, lists };
  const running = promisify(execFile)(process.execPath, [path.join(import.meta.dirname, 'floor.ts')]);
  running.child.stdin!.end(JSON.stringify(task));
  return JSON.parse((await running).stdout) as { seconds: number; calls: number };
}
