import { types } from './manifests.ts';
import { rounded, total } from './measure.ts';
import { type Figures, kindNames } from './scenario.ts';
import type { World } from './world.ts';

/** By kind: Kubernetes writes of resource and Secret, as the API server counted requests and as states were seen. */
export function writesPer(world: World, writes: Record<string, number>): Figures {
  const { resources, written } = world.following;
  const figures: Figures = {};
  for (const kind of kindNames) {
    const count = [...resources.values()].filter((one) => one.kind === kind).length;
    if (count === 0) continue;
    const { plural } = types[kind];
    const of = (pattern: string) => total(writes, new RegExp(pattern));
    const status = of(`^(PATCH|APPLY|PUT) ${plural}/status$`) / count;
    const metadata = of(`^(PATCH|APPLY|PUT) ${plural}$`) / count;
    const secrets = (written[`Secret of ${kind}`] ?? 0) / count;
    figures[kind] = {
      status: rounded(status),
      metadata: rounded(metadata),
      secrets: rounded(secrets),
      all: rounded(status + metadata + secrets),
      statesSeen: rounded((written[kind] ?? 0) / count),
    };
  }
  return figures;
}
