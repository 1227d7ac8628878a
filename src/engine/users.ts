import type { Kind } from './kind.ts';
import type { Resource } from './resource.ts';

/** Identifier of the tenant resource that a resource names. */
export const tenantOf = (kind: Kind, { metadata, spec }: Resource): string =>
  `${kind.tenantKind}/${metadata.namespace ?? ''}/${spec.tenantRef.name}`;

/** Which resources name which others: their tenant resource, and what they refer to. All by identifier; made from the resources themselves. */
export interface Users {
  update(identifier: string, resource: Resource | undefined, kind: Kind): void;
  /** Whoever names that tenant resource or resource. */
  of(named: string): ReadonlySet<string>;
}

export function createUsers(): Users {
  const names = new Map<string, string[]>();
  const users = new Map<string, Set<string>>();
  const nobody: ReadonlySet<string> = new Set();

  function namedBy(resource: Resource, kind: Kind): string[] {
    const { namespace = '' } = resource.metadata;
    const others = kind.refers?.(resource.spec) ?? [];
    return [tenantOf(kind, resource), ...others.map(([other, name]) => `${other}/${namespace}/${name}`)];
  }

  return {
    update(identifier, resource, kind) {
      const before = names.get(identifier) ?? [];
      const now = resource ? namedBy(resource, kind) : [];
      if (before.length === now.length && before.every((one, index) => one === now[index])) return;
      for (const one of before) {
        const set = users.get(one);
        set?.delete(identifier);
        if (set?.size === 0) users.delete(one);
      }
      for (const one of now) users.set(one, (users.get(one) ?? new Set()).add(identifier));
      if (now.length > 0) names.set(identifier, now);
      else names.delete(identifier);
    },
    of: (one) => users.get(one) ?? nobody,
  };
}
