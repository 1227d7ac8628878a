import type { Scenario } from './scenario.ts';
import { apply } from './scenarios/apply.ts';
import { deletion } from './scenarios/deletion.ts';
import { drift } from './scenarios/drift.ts';
import { ironic } from './scenarios/ironic.ts';
import { large } from './scenarios/large.ts';
import { memory } from './scenarios/memory.ts';
import { outage } from './scenarios/outage.ts';
import { reconcile } from './scenarios/reconcile.ts';
import { restart } from './scenarios/restart.ts';
import { rotation } from './scenarios/rotation.ts';
import { start } from './scenarios/start.ts';
import { steady } from './scenarios/steady.ts';
import { takeover } from './scenarios/takeover.ts';
import { watchLag } from './scenarios/watch-lag.ts';

/** In the order in which all of them run. */
export const scenarios: readonly Scenario[] = [
  start,
  apply,
  restart,
  memory,
  steady,
  large,
  reconcile,
  watchLag,
  drift,
  deletion,
  takeover,
  rotation,
  outage,
  ironic,
];
