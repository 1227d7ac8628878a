import { RemoteError } from '../remote/errors.ts';
import type { TolerantList } from '../remote/tolerant-list.ts';

/**
 * A read of one object where the API has none: a second complete list. An item that could not be read and may be the one
 * asked for is never taken for absent: RemoteError `BadAnswer`.
 */
export function readFromList<Client, Item extends { id: string }>(
  list: (client: Client) => Promise<TolerantList<Item>>,
) {
  return async (client: Client, id: string): Promise<Item | undefined> => {
    const { items, dropped } = await list(client);
    const found = items.find((item) => item.id === id);
    const unsure = found ? undefined : dropped.find((item) => item.id === undefined || item.id === id);
    if (!unsure) return found;
    const message = `item ${unsure.index} of the list cannot be read (${unsure.problem}), and may be ${id}`;
    throw new RemoteError({ reason: 'BadAnswer', outcome: 'definitely-not', operation: 'list', message });
  };
}
