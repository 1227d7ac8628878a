/** The items of one list: never changed once it is there, so that what was found out about them stays true. */
export type Items = ReadonlyMap<string, unknown>;

/** Below this it is cheaper to look at all than to remember. */
const few = 8;

const remembered = new WeakMap<Items, Map<unknown, unknown>>();

/**
 * What `make` finds out about a whole list, once a list, whoever asks. `about` tells one question from another: the same
 * one must always go with the same `make`.
 */
export function onceAList<T>(items: Items, about: unknown, make: () => T): T {
  if (items.size <= few) return make();
  let answers = remembered.get(items);
  if (!answers) remembered.set(items, (answers = new Map()));
  let answer = answers.get(about) as T | undefined;
  if (answer === undefined) answers.set(about, (answer = make()));
  return answer;
}

/** IDs by a text, each in the order of the list. */
export type ByText = ReadonlyMap<string, readonly string[]>;

/** IDs by what `of` reads of each item, those left out of which it reads nothing: one look at all serves all who ask. */
export function byText(items: Items, of: (remote: never) => string | undefined): ByText {
  return onceAList(items, of, () => {
    const groups = new Map<string, string[]>();
    for (const [id, remote] of items) add(groups, of(remote as never), id);
    return groups;
  });
}

/** Puts `id` under `text`, where there is one. */
export function add(groups: Map<string, string[]>, text: string | undefined, id: string): void {
  if (text === undefined) return;
  const group = groups.get(text);
  if (group) group.push(id);
  else groups.set(text, [id]);
}
