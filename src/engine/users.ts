import type { Kind } from './kind.ts';
import type { Resource } from './resource.ts';

/** Which resources name which tenant resource; both by identifier. Made from the resources themselves. */
export interface Users {
  update(identifier: string, resource: Resource | undefined, kind: Kind): void;
  of(tenant: string): ReadonlySet<string>;
}

export function createUsers(): Users {
  const tenantOf = new Map<string, string>();
  const users = new Map<string, Set<string>>();
  const nobody: ReadonlySet<string> = new Set();
  return {
    update(identifier, resource, kind) {
      const tenant =
        resource && `${kind.tenantKind}/${resource.metadata.namespace ?? ''}/${resource.spec.tenantRef.name}`;
      const before = tenantOf.get(identifier);
      if (before === tenant) return;
      if (before !== undefined) {
        const set = users.get(before);
        set?.delete(identifier);
        if (set?.size === 0) users.delete(before);
      }
      if (tenant === undefined) tenantOf.delete(identifier);
      else {
        tenantOf.set(identifier, tenant);
        users.set(tenant, (users.get(tenant) ?? new Set()).add(identifier));
      }
    },
    of: (tenant) => users.get(tenant) ?? nobody,
  };
}
