import type { KindName } from '../simulation/history.ts';

/** One piece of text of `src/` and what takes its place. */
export interface Edit {
  /** Below the root of the tree. */
  file: string;
  /** Stands exactly once in the file: a patch that no longer applies is an error. */
  find: string;
  replace: string;
}

/** A mistake that somebody could make in `src/`; the simulation must catch it. */
export interface Bug {
  name: string;
  /** The law that it breaks first, 1 to 10 (docs/architecture.md). */
  law: number;
  /** Whom it concerns. */
  kinds: readonly KindName[];
  /** More than one where a second defence would hide the mistake. */
  edits: readonly Edit[];
  /** What a user would suffer. */
  why: string;
}

export const server: readonly KindName[] = ['DedicatedHypervisor'];
export const license: readonly KindName[] = ['GuestLicense'];
export const vcenter: readonly KindName[] = ['VCenterRegistration'];
export const node: readonly KindName[] = ['BareMetalNode'];
export const every: readonly KindName[] = [...server, ...license, ...vcenter, ...node];

/** The text with all edits of that file done. Throws where one does not apply exactly once. */
export function edited(text: string, file: string, { name, edits }: Bug): string {
  let result = text;
  for (const edit of edits.filter((one) => one.file === file)) {
    const times = result.split(edit.find).length - 1;
    if (times !== 1)
      throw new Error(
        `planted bug ${name}: its text stands ${times} times in ${file}, it must stand there once: mend the entry`,
      );
    result = result.replace(edit.find, () => edit.replace);
  }
  return result;
}
