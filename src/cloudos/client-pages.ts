import { refusedHere } from '../remote/classify.ts';
import { RemoteError } from '../remote/errors.ts';
import { operationText } from '../remote/exchange.ts';
import type { TolerantList } from '../remote/tolerant-list.ts';

export interface Page<T> {
  list: TolerantList<T>;
  /** The remote says that there is another page. */
  next: string | undefined;
}

/** More pages than any tenant has: Ironic's own page holds 1,000. */
const mostPages = 1_000;

/** How often a list is begun anew because the object at its mark went away meanwhile. */
const mostRestarts = 2;

/**
 * All pages of a list. A page with `next` has a following one, asked for by `marker`, the last ID seen: `next` itself names
 * a host that may not be reachable, so it is never followed (Ironic 21.4). `limit` is never sent, since the gateway
 * documents none (seed 004, 1.12-1); a gateway that knows no marker either gives the same page again, which is BadAnswer
 * and never a complete list.
 */
export async function allPages<T extends { uuid: string }>(
  name: string,
  path: string,
  page: (marker: string | undefined) => Promise<Page<T>>,
): Promise<TolerantList<T>> {
  const unusable = (problem: string) =>
    refusedHere({ name, operation: operationText(name, 'GET', path), origin: 'this tenant' }, 'BadAnswer', problem);
  for (let restart = 0; restart <= mostRestarts; restart++) {
    const all = await once(page, unusable);
    if (all !== undefined) return all;
  }
  throw unusable('the list changes faster than its pages can be read');
}

/** undefined: an object went away while it was the mark between two pages, so that the rest of the list is not known. */
async function once<T extends { uuid: string }>(
  page: (marker: string | undefined) => Promise<Page<T>>,
  unusable: (problem: string) => RemoteError,
): Promise<TolerantList<T> | undefined> {
  const all: TolerantList<T> = { items: [], dropped: [] };
  const seen = new Set<string>();
  let marker: string | undefined;
  for (let count = 0; count < mostPages; count++) {
    const read = await page(marker).catch((error: unknown) => {
      if (marker !== undefined && error instanceof RemoteError && error.reason === 'NotFound') return undefined;
      throw error;
    });
    if (read === undefined) return undefined;
    const { items, dropped } = read.list;
    const offset = all.items.length + all.dropped.length;
    all.items.push(...items);
    all.dropped.push(...dropped.map((item) => ({ ...item, index: offset + item.index })));
    if (read.next === undefined) return all;
    marker = lastID(read.list);
    if (marker === undefined) throw unusable('a page of the list ends with an object without a readable ID');
    if (seen.has(marker)) break;
    seen.add(marker);
  }
  throw unusable(`the pages of the list do not end: after ${all.items.length} objects they repeat`);
}

function lastID<T extends { uuid: string }>({ items, dropped }: TolerantList<T>): string | undefined {
  const last = dropped.at(-1);
  return last?.index === items.length + dropped.length - 1 ? last.id : items.at(-1)?.uuid;
}
