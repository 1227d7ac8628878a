import * as z from 'zod';
import { isRecord } from './text.ts';

/**
 * A list of which unreadable items were dropped, so that one strange object does not hide all others. What was dropped
 * is still there: the list is no evidence that a dropped `id` is absent, and when an item was dropped whose id could not
 * be read, no evidence of any absence, nor that no object carries a given marker.
 */
export interface TolerantList<T> {
  items: T[];
  dropped: DroppedItem[];
}

export interface DroppedItem {
  /** Its place in the list. */
  index: number;
  /** Where even that could be read. */
  id?: string;
  /** Which field is wrong and how, without its value. */
  problem: string;
}

/** The schema of a list whose items are read one by one. What is not a list at all still fails. */
export function tolerantList<T>(item: z.ZodType<T>): z.ZodType<TolerantList<T>> {
  return z.array(z.unknown()).transform((values) => {
    const list: TolerantList<T> = { items: [], dropped: [] };
    for (const [index, value] of values.entries()) {
      const read = item.safeParse(value);
      if (read.success) list.items.push(read.data);
      else list.dropped.push({ index, ...idOf(value), problem: firstProblem(read.error) });
    }
    return list;
  });
}

/** `server.status: Invalid input: expected string, received number`: the first wrong field, never its value. */
export function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'it does not have the expected form';
  const path = issue.path.map(String).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

function idOf(value: unknown): { id?: string } {
  return isRecord(value) && typeof value['id'] === 'string' ? { id: value['id'] } : {};
}
