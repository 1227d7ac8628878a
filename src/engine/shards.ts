import { hash } from 'node:crypto';
import type { Identity } from '../remote/call.ts';
import type { Change } from '../kube/store.ts';
import type { Context } from './context.ts';
import { identifier as identifierOf } from './resource.ts';
import type { TenantKind, TenantResource } from './tenant.ts';

/** The part of the remote tenants that this process works on. */
export interface Shard {
  /** From 0. */
  index: number;
  /** 1: it works on all of them. */
  count: number;
}

/**
 * The shard to which a key belongs, by rendezvous hashing: each shard bids with a hash over itself and the key, and the
 * highest bid wins. One shard more takes one part of each of the others, and nothing else moves.
 */
export function shardOf(key: string, count: number): number {
  let best = { shard: 0, bid: '' };
  for (let shard = 0; count > 1 && shard < count; shard += 1) {
    const bid = hash('sha256', `${shard}/${key}`);
    if (bid > best.bid) best = { shard, bid };
  }
  return best.shard;
}

/** What is asked of the context. */
type View = Pick<Context, 'settings' | 'tenantKinds' | 'tenantStore'>;

/**
 * May this process bind the remote tenant of that key, which its own sign-in has proved? Everything that is done at a
 * remote rests on this alone: so one process holds a remote tenant's list, budget and locks.
 */
export const mayBind = ({ settings }: View, key: string): boolean =>
  shardOf(key, settings.shard.count) === settings.shard.index;

/**
 * The shard that speaks for a tenant resource and its users: that of the remote tenant, by the identity that status keeps
 * of the last sign-in. Before the first one, that of the resource's own name: it signs in, and writes down who it is. An
 * edit moves nothing: who speaks signs in anew, and hands over where that gives another identity.
 */
export function speaker(
  kind: TenantKind | undefined,
  identifier: string,
  resource: TenantResource | undefined,
  count: number,
): number {
  if (count === 1) return 0;
  const identity = resource?.status?.['identity'] as Omit<Identity, 'roles'> | undefined;
  const known = kind && resource && identity && kind.remoteKey(resource.spec, { ...identity, roles: [] });
  return shardOf(known ?? identifier, count);
}

/** Who speaks for a tenant resource from this change on, where somebody else did before; undefined: nothing moved. */
export function movedTo(kind: TenantKind, change: Change<TenantResource>, count: number): number | undefined {
  const { object, type } = change;
  const identifier = identifierOf(kind.names.kind, object);
  const before = type === 'updated' ? change.old : type === 'deleted' ? object : undefined;
  const after = type === 'deleted' ? undefined : object;
  const [from, to] = [before, after].map((resource) => speaker(kind, identifier, resource, count));
  return from === to ? undefined : to;
}

/** Is it for this process to speak for the tenant resource of that identifier, there or not? */
export function isOurs({ settings, tenantKinds, tenantStore }: View, identifier: string): boolean {
  const { count, index } = settings.shard;
  const [name = '', namespace, object] = identifier.split('/');
  const kind = tenantKinds.get(name);
  const resource = kind && tenantStore(kind).get(`${namespace}/${object}`);
  return speaker(kind, identifier, resource, count) === index;
}
