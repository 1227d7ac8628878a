import { hash } from 'node:crypto';

/** State of the loss breaker of one kind in one remote tenant. */
export interface Breaker {
  open: boolean;
  /** Recorded IDs that the list lacks, sorted, without those accepted. */
  missing: string[];
  /** What freehold.dev/accept-loss must say; empty while it is closed. */
  hash: string;
}

/**
 * The hash of a set of missing IDs: a person's word covers these and no others. `answered` is the last hash that was
 * accepted: the same set missing once more is another question, which the old word, still in Git, must not answer.
 */
export function lossHash(missing: readonly string[], answered = ''): string {
  return hash('sha256', [...missing].sort().join('\n') + answered).slice(0, 16);
}

const fewest = 3;
const share = 0.2;

/**
 * Opens when all recorded objects are missing (at least one), or at least 3 and 20 % of them, without a DELETE of ours.
 * It is computed from what is recorded and listed now, so a restart changes nothing.
 */
export function breaker(
  recorded: readonly string[],
  listed: (id: string) => boolean,
  accepted: ReadonlySet<string>,
  answered?: string,
): Breaker {
  const counted = recorded.filter((id) => !accepted.has(id));
  const missing = counted.filter((id) => !listed(id)).sort();
  const all = missing.length > 0 && missing.length === counted.length;
  const many = missing.length >= fewest && missing.length >= share * counted.length;
  const open = all || many;
  return { open, missing, hash: open ? lossHash(missing, answered) : '' };
}
