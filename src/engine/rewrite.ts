import { type Pass, Stale } from './outcome.ts';

/** Somebody wiped the status while a create was open: without its journal another one would follow. */
export async function rewriteJournal(pass: Pass): Promise<void> {
  const { context, kind, memory, resource } = pass;
  if (resource.status?.externalID !== undefined) {
    // Recorded, though the answer to that may have been lost: it is open no more, also once this object is lost.
    delete memory.sent;
    delete memory.answered;
  }
  if (!memory.sent || resource.status?.creation !== undefined) return;
  pass.resource = await context.journal.sending(kind, resource, memory.sent);
  throw new Stale('the journal is written again');
}

/** What came of a person's word, when it could not be written down at once. */
export async function rewriteWord(pass: Pass): Promise<void> {
  const { context, kind, memory, resource } = pass;
  const { word } = memory;
  if (!word) return;
  const { action, lastRetry } = resource.status ?? {};
  if ('action' in word && action?.requestedAt === word.of)
    pass.resource = await context.journal.concluding(kind, resource, word.action);
  if ('lastRetry' in word && lastRetry === word.of)
    pass.resource = await context.journal.obeying(kind, resource, { lastRetry: word.lastRetry });
  delete memory.word;
}
