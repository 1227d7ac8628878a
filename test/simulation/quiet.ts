import { findCondition } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { Commit } from '../support/memory-kube/memory-kube.ts';
import type { Violation } from './laws.ts';

/** The minutes at the end in which nothing changes: what is written, sent and read then. */
export interface Quiet {
  /** From now on nothing is to change. */
  begin(): void;
  /** An operator changed something in Kubernetes. */
  wrote(commit: Commit): void;
  /** An operator asked Kubernetes for a change, whether or not it changes anything. */
  asked(): void;
  /** Something was changed at the remote. */
  changed(): void;
  read(path: string): void;
  /** What was too much; `resources` as they are at the end. */
  judge(resources: (Resource | undefined)[]): void;
}

/** Of one list in that time, with jitter. */
const mostPolls = 4;

export function createQuiet(note: (law: Violation['law'], invariant: string, message: string) => void): Quiet {
  const reads = new Map<string, number>();
  let begun = false;
  let asked = 0;
  return {
    begin: () => void (begun = true),
    wrote(commit) {
      if (begun) note(5, 'quiet', `nothing changed, and this was written: ${difference(commit)}`);
    },
    asked: () => void (asked += Number(begun)),
    changed() {
      if (begun) note(5, 'quiet', 'something was changed at the remote although nothing changed');
    },
    read(path) {
      if (begun) reads.set(path, (reads.get(path) ?? 0) + 1);
    },
    judge(resources) {
      if (asked > 0) note(5, 'quiet', `nothing changed, and ${asked} writes that change nothing were sent`);
      const ready = resources.every((one) => !one || findCondition(one.status?.conditions, 'Ready')?.status === 'True');
      // Nothing waits for anything: then each tenant is polled, and no object read alone.
      for (const [path, times] of ready ? reads : []) {
        const alone = /\/(servers|nodes)\/[0-9a-f-]{32,}$/.test(path);
        if (alone) note(6, 'polled by tenant', `at rest ${path} was read alone, ${times} times`);
        else if (times > mostPolls) note(6, 'polled by tenant', `at rest ${path} was listed ${times} times`);
      }
    },
  };
}

/** What a write changed, for people. */
function difference({ before, after, type }: Commit): string {
  const of = (object: unknown) => Object.entries((object as Resource | undefined)?.status ?? {});
  const former = new Map(of(before).map(([name, value]) => [name, JSON.stringify(value)]));
  const changes = of(after).filter(([name, value]) => former.get(name) !== JSON.stringify(value));
  const gone = [...former.keys()].filter((name) => !of(after).some(([other]) => other === name));
  const lines = [...gone.map((name) => [name, undefined] as const), ...changes].map(
    ([name, value]) => `${name} ${former.get(name)} → ${JSON.stringify(value)}`,
  );
  return `${type.plural} ${(after ?? before)?.metadata.name}: ${lines.join('; ') || JSON.stringify([before?.metadata, after?.metadata])}`;
}
