import type { Bug } from './bug.ts';
import { absenceBugs } from './bugs-absence.ts';
import { createBugs } from './bugs-create.ts';
import { identityBugs } from './bugs-identity.ts';
import { leaderBugs } from './bugs-leader.ts';
import { nodeBugs } from './bugs-nodes.ts';
import { secretBugs } from './bugs-secrets.ts';
import { settleBugs } from './bugs-settle.ts';
import { wordBugs } from './bugs-words.ts';

/** Every planted bug. Each must be caught by the simulation. */
export const bugs: readonly Bug[] = [
  ...createBugs,
  ...settleBugs,
  ...identityBugs,
  ...absenceBugs,
  ...leaderBugs,
  ...wordBugs,
  ...secretBugs,
  ...nodeBugs,
];
