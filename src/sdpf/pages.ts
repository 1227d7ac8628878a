import { refusedHere } from '../remote/classify.ts';
import { operationText } from '../remote/exchange.ts';
import type { TolerantList } from '../remote/tolerant-list.ts';

/** More pages than any tenant has: the remote does not stop. */
const mostPages = 1_000;

/**
 * All pages of a list with `limit` and `marker` (the last ID seen, exclusive; seed 000, List Servers). The largest page
 * that the API gives is not documented, so a page shorter than asked for proves nothing: only an empty one ends the list,
 * at the price of one call. A page without anything new is BadAnswer, never a complete list.
 */
export async function allPages<T extends { id: string }>(
  name: string,
  path: string,
  page: (marker: string | undefined) => Promise<TolerantList<T>>,
): Promise<TolerantList<T>> {
  const all: TolerantList<T> = { items: [], dropped: [] };
  const seen = new Set<string>();
  let marker: string | undefined;
  for (let count = 0; count < mostPages; count++) {
    const { items, dropped } = await page(marker);
    const length = items.length + dropped.length;
    if (length === 0) return all;
    const offset = all.items.length + all.dropped.length;
    const before = seen.size;
    for (const item of items) {
      if (!seen.has(item.id)) all.items.push(item);
      seen.add(item.id);
    }
    for (const item of dropped) {
      if (item.id === undefined || !seen.has(item.id)) all.dropped.push({ ...item, index: offset + item.index });
      if (item.id !== undefined) seen.add(item.id);
    }
    const last = dropped.at(-1);
    marker = last?.index === length - 1 && last.id !== undefined ? last.id : (items.at(-1)?.id ?? last?.id);
    if (seen.size === before || marker === undefined) break;
  }
  const context = { name, operation: operationText(name, 'GET', path), origin: 'this tenant' };
  throw refusedHere(
    context,
    'BadAnswer',
    `the pages of the list do not end: after ${all.items.length} objects they repeat`,
  );
}
