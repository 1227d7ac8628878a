import type { Act, History } from './history.ts';

/**
 * The smallest history that `fails` still holds for, as far as leaving things out leads: resources, acts, faults, weather,
 * one half, quarter … and one at a time, until nothing more can go.
 */
export async function shrink(history: History, fails: (smaller: History) => Promise<boolean>): Promise<History> {
  let smallest = history;
  for (let again = true; again; ) {
    again = false;
    for (const part of ['acts', 'faults', 'weather', 'resources'] as const) {
      for (let size = Math.max(1, smallest[part].length >> 1); size >= 1; size >>= 1) {
        for (let from = 0; from < smallest[part].length; ) {
          const smaller = without(smallest, part, from, size);
          if (smaller && (await fails(smaller))) {
            smallest = smaller;
            again = true;
          } else from += size;
        }
      }
    }
    const simpler = simplerThan(smallest);
    for (const one of simpler) {
      if (await fails(one)) {
        smallest = one;
        again = true;
        break;
      }
    }
  }
  return smallest;
}

type Part = 'acts' | 'faults' | 'weather' | 'resources';

/** undefined: something else needs what would go. */
function without(history: History, part: Part, from: number, size: number): History | undefined {
  const left = history[part].filter((_, index) => index < from || index >= from + size);
  const smaller = { ...history, [part]: left };
  const names = new Set(smaller.resources.map(({ name }) => name));
  if (names.size === 0) return undefined;
  const dangling = smaller.resources.some(({ spec }) => {
    const license = (spec.licenseRef as { name: string } | undefined)?.name;
    return license !== undefined && !names.has(license);
  });
  if (dangling) return undefined;
  const knows = (act: Act) => !('of' in act) || names.has(act.of);
  // Whoever is left out does nothing, neither by himself nor after a fault.
  const faults = smaller.faults.map((fault) =>
    fault.follows ? { ...fault, follows: fault.follows.filter(knows) } : fault,
  );
  return { ...smaller, acts: smaller.acts.filter(knows), faults };
}

/** One setting or one operator less. */
function simplerThan(history: History): History[] {
  const settings = Object.keys(history.settings).map((name) => ({
    ...history,
    settings: Object.fromEntries(Object.entries(history.settings).filter(([other]) => other !== name)),
  }));
  const alone: History[] = history.operators === 2 ? [{ ...history, operators: 1 }] : [];
  return [...alone, ...settings];
}
