import { targetOf } from './annotations.ts';
import { type Outcome, type Pass, unready } from './outcome.ts';
import { type Binding, listedElsewhere } from './tenants.ts';

/**
 * What the lists of this remote tenant lack proves nothing now: nothing is created, deleted or judged gone. Each waits
 * for a list that shows what is recorded.
 */
export function heldBack(pass: Pass, binding: Binding): Outcome | undefined {
  if (binding.unproved !== undefined) return unready('TargetUnproved', binding.unproved, { awaitList: true });
  const elsewhere = listedElsewhere(binding, pass.kind.main.collection);
  if (elsewhere !== undefined) {
    const message = `the lists of ${binding.remote.key} come from ${elsewhere}, and not from ${binding.endpoint}: nothing is created, deleted or judged gone before all its tenant resources name the same endpoint`;
    return unready('TargetUnproved', message, { awaitList: true });
  }
  const open = pass.context.tenants.openBreaker(binding.remote, binding.answered);
  if (!open) return undefined;
  const { missing, hash } = open.breaker;
  return unready(
    'BreakerOpen',
    `${missing.length} recorded ${open.kind.main.noun}s are missing in ${binding.remote.key} at once, so nothing is created, deleted or released there. If endpoint and credentials are right and they are really gone, annotate the tenant with freehold.dev/accept-loss: ${hash}`,
    { awaitList: true },
  );
}

/**
 * Does another resource stand for this object? Whoever only wishes for it must name this very remote tenant: else a wish
 * from anywhere could hide what may be ours.
 */
export function heldByOther({ context, identifier }: Pass, binding: Binding, id: string): boolean {
  const holder = context.claims.holderOf(id, binding.remote.key);
  if (holder === undefined || holder === identifier) return false;
  const [kindName = '', namespace = '', name = ''] = holder.split('/');
  const kind = context.kinds.get(kindName);
  const resource = kind && context.store(kind).get(`${namespace}/${name}`);
  if (!resource || resource.status?.externalID !== undefined || targetOf(resource) !== undefined) return true;
  const tenant = `${kind.tenantKind}/${namespace}/${resource.spec.tenantRef.name}`;
  return context.tenants.binding(tenant)?.remote === binding.remote;
}

/** One resource stands for one object. */
export function claimedBy({ kind: { main } }: Pass, id: string, holder: string): Outcome {
  return unready(
    'AlreadyClaimed',
    `${main.noun} ${id} already belongs to ${holder}; one resource stands for one ${main.noun}: delete one of the two (deletionPolicy Retain keeps the ${main.noun})`,
    { awaitList: true },
  );
}
