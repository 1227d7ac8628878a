import { reconcileRequestOf, retryOf } from './annotations.ts';
import { type Outcome, type Pass, unready } from './outcome.ts';

/** A new generation, a new word of a person or a changed live Secret asks the remote again. */
export const askedBy = ({ memory, resource }: Pass) =>
  JSON.stringify([resource.metadata.generation, reconcileRequestOf(resource), retryOf(resource), memory.live]);

/** The remote refused this very step because of the spec: asking again with the same spec makes nothing but noise. */
export function refusedBefore(pass: Pass, step: string): Outcome | undefined {
  const { refused: before } = pass.memory;
  if (before?.asked !== askedBy(pass) || before.step !== step) return undefined;
  if (before.until === undefined) return unready(before.reason, before.message, { awaitList: true });
  const left = before.until - pass.context.clock.monotonic();
  return left > 0 ? unready(before.reason, before.message, { awaitList: true, after: left }) : undefined;
}
