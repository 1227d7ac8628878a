import type { TolerantList } from '../remote/tolerant-list.ts';

/**
 * A read of one object where the API has none: a second complete list. An item that could not be read may be the one
 * asked for, so it is never taken for absent.
 */
export function readFromList<Client, Item extends { id: string }>(
  list: (client: Client) => Promise<TolerantList<Item>>,
) {
  return async (client: Client, id: string): Promise<Item | undefined> => {
    const { items, dropped } = await list(client);
    const found = items.find((item) => item.id === id);
    if (found === undefined && dropped.length > 0)
      throw new Error(`the list holds ${dropped.length} items that cannot be read`);
    return found;
  };
}
