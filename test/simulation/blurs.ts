import type { HttpResponse } from '../../src/remote/transport.ts';
import type { Blur } from './history.ts';
import { makeStrange, notThere } from './odd-answers.ts';
import type { Scheduler } from './scheduler.ts';

/** Objects of which the remote tells wrongly for a time: that they are there changes in no book. */
export interface Blurs {
  /** From now on, for so many seconds. */
  begin(id: string, how: Blur, seconds: number): void;
  /** What becomes of the answer to a read. */
  through<T extends HttpResponse>(path: string, response: T): T;
}

type Item = Record<string, unknown>;

const idOf = ({ id, uuid }: Item) => String(id ?? uuid);

export function createBlurs({ now }: Pick<Scheduler, 'now'>): Blurs {
  const blurred = new Map<string, { how: Blur; until: number }>();

  const howIs = (id: string) => {
    const one = blurred.get(id);
    return one && now() < one.until ? one.how : undefined;
  };

  return {
    begin: (id, how, seconds) => void blurred.set(id, { how, until: now() + seconds * 1000 }),
    through(path, response) {
      if (blurred.size === 0 || response.status !== 200) return response;
      const body = JSON.parse(response.body) as Item;
      const alone = howIs(/\/([^/?]+)(?:\?|$)/.exec(path)?.[1] ?? '');
      if (alone === 'gone') return { ...response, ...notThere(path) };
      if (alone === 'strange') makeStrange((body['server'] as Item | undefined) ?? body);
      for (const [name, list] of Object.entries(body)) {
        if (!Array.isArray(list)) continue;
        const items = list as Item[];
        const shown = items.filter((item) => !['unlisted', 'gone'].includes(howIs(idOf(item)) ?? ''));
        for (const item of shown) if (howIs(idOf(item)) === 'strange') makeStrange(item);
        body[name] = shown;
      }
      return { ...response, body: JSON.stringify(body) };
    },
  };
}
