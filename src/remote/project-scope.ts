import * as z from 'zod';
import { cleanText } from './text.ts';

/** By ID, or by a name that is unique in its domain. */
export type ProjectScope = { projectID: string } | { projectID?: undefined; projectName: string; domainName: string };

/** The `project` of a token. */
export const projectAnswer = z.object({
  id: z.string().min(1).max(128),
  /** Shown in the tenant's status: one that is longer than any name counts as none. */
  name: z
    .string()
    .max(255)
    .refine((text) => text.isWellFormed())
    .optional()
    .catch(undefined),
  domain: z.object({ name: z.string().optional() }).nullish().catch(undefined),
});

/** The `project` of a Keystone scope. */
export function scopeBody(scope: ProjectScope) {
  return scope.projectID === undefined
    ? { name: scope.projectName, domain: { name: scope.domainName } }
    : { id: scope.projectID };
}

/** What the token is for, and what not, where that is not the tenant's project; undefined when it is. */
export function otherProject(
  project: z.output<typeof projectAnswer> | null | undefined,
  wanted: ProjectScope,
  knownID: string | undefined,
): string | undefined {
  if (!project) return `no project, not for ${knownID ?? named(wanted)}`;
  const { id, name, domain } = project;
  const shown = (text: string) => cleanText(text, 100);
  if (wanted.projectID === undefined) {
    const inDomain = domain?.name ?? wanted.domainName;
    if (name !== wanted.projectName || inDomain !== wanted.domainName) {
      return `${shown(name ?? id)} of domain ${shown(inDomain)}, not for ${named(wanted)}`;
    }
  }
  return knownID === undefined || sameID(id, knownID) ? undefined : `${shown(id)}, not for ${knownID}`;
}

function named(wanted: ProjectScope): string {
  return wanted.projectID ?? `project ${wanted.projectName} of domain ${wanted.domainName}`;
}

/** A tenant ID is 32 hex digits; some answers write it with hyphens (seed 000, List Usages). */
function sameID(a: string, b: string): boolean {
  const plain = (id: string) => id.replaceAll('-', '').toLowerCase();
  return plain(a) === plain(b);
}
