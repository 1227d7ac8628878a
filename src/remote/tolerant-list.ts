import * as z from 'zod';
import type { Listed } from './collection.ts';
import { RemoteError } from './errors.ts';
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
  /** Its `id` or (OpenStack) `uuid`, where even that could be read. */
  id?: string;
  /** Which field is wrong and how, without its value. */
  problem: string;
}

/** With more unreadable items than this it is the list that is unreadable: each costs as much as hundreds of good ones. */
const mostDropped = 1_000;

/** The schema of a list whose items are read one by one. What is not a list at all still fails. */
export function tolerantList<T>(item: z.ZodType<T>): z.ZodType<TolerantList<T>> {
  return z.array(z.unknown()).transform((values, context) => {
    const list: TolerantList<T> = { items: [], dropped: [] };
    for (const [index, value] of values.entries()) {
      const read = item.safeParse(value);
      if (read.success) list.items.push(read.data);
      else list.dropped.push({ index, ...idOf(value), problem: firstProblem(read.error) });
      if (list.dropped.length > mostDropped) {
        context.addIssue({ code: 'custom', message: `more than ${mostDropped} items cannot be read` });
        return z.NEVER;
      }
    }
    return list;
  });
}

/**
 * The list as a collection takes it. Throws RemoteError `BadAnswer` where the ID of a dropped item could not be read: it
 * could be anybody's, so the list is no evidence that something is absent, and none at all.
 */
export function listed<T>({ items, dropped }: TolerantList<T>): Listed<T> {
  const unreadable = dropped.map(({ id, index, problem }) => {
    if (id !== undefined) return id;
    const message = `item ${index} of the list has no readable ID (${problem}): what the list lacks cannot be told`;
    throw new RemoteError({ reason: 'BadAnswer', outcome: 'definitely-not', operation: 'list', message });
  });
  return { items, unreadable };
}

/** `server.status: Invalid input: expected string, received number`: the first wrong field, never its value. */
export function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'it does not have the expected form';
  const path = issue.path.map(String).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

function idOf(value: unknown): { id?: string } {
  if (!isRecord(value)) return {};
  const id = [value['id'], value['uuid']].find((text) => typeof text === 'string' && text !== '');
  return typeof id === 'string' ? { id } : {};
}
