import { isDeleting } from './annotations.ts';
import { refusedBefore } from './asked.ts';
import { keepsIDs } from './gate.ts';
import type { Pass } from './outcome.ts';
import type { Binding } from './tenants.ts';

/** Can a create without an outcome make no second object, and is it still asked for? */
export const maySendAgain = (pass: Pass, binding: Binding): boolean =>
  keepsIDs(pass, binding) &&
  !isDeleting(pass.resource) &&
  pass.resource.spec.managementPolicy !== 'Observe' &&
  !refusedBefore(pass, 'create');

/** Between two repetitions of a create without an answer, at most, milliseconds. */
const longestPause = 5 * 60_000;

/** The first repetition comes at once, each further one after a pause twice as long; milliseconds. */
export function pauseBeforeNext({ context, memory }: Pass, attemptID: string): number {
  const { unanswered } = memory;
  if (unanswered?.attemptID !== attemptID || unanswered.times < 2) return 0;
  const pause = Math.min(context.settings.motionInterval * 2 ** (unanswered.times - 2), longestPause);
  return unanswered.at + pause - context.clock.monotonic();
}
