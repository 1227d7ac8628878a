import { isDeepStrictEqual } from 'node:util';
import { forwardingBudget } from '../remote/budget.ts';
import type { Identity } from '../remote/call.ts';
import { RemoteError } from '../remote/errors.ts';
import { acceptLossOf, inUseFinalizer, isDeleting, reconcileRequestOf, targetOf } from './annotations.ts';
import { lossHash } from './breaker.ts';
import type { Context, TenantMemory } from './context.ts';
import { asItStands } from './report.ts';
import type { ReadSecret } from './secrets.ts';
import { mayBind } from './shards.ts';
import type { TenantKind, TenantResource } from './tenant.ts';
import { type Binding, listedElsewhere, type Problem } from './tenants.ts';

/** What tells one state of a credentials Secret from another. */
export const seenIn = (read: ReadSecret): unknown => (read.ok ? read.version : read.message);

/** One pass over one tenant resource, handed from step to step. */
export interface TenantPass {
  readonly context: Context;
  readonly kind: TenantKind;
  readonly identifier: string;
  readonly memory: TenantMemory;
  resource: TenantResource;
}

/** Whoever has not signed in yet: a remote tenant's key then says what the spec alone tells. */
const nobody: Identity = { projectID: '-', projectName: '-', userName: '-', roles: [] };

export function wakeUsers(context: Context, identifier: string): void {
  const binding = context.tenants.problem(identifier) ? undefined : context.tenants.binding(identifier);
  for (const user of context.users.of(identifier)) {
    const list = binding && onlyListed(context, binding, user);
    if (binding && list !== undefined) context.awaitList(binding.remote, user, [list]);
    else context.enqueue(user, 1);
  }
}

/** The list for which a resource waits that is as it was left: until that has come, it has nothing to say or do. */
function onlyListed(context: Context, { remote }: Binding, user: string): string | undefined {
  const [name = '', namespace, object] = user.split('/');
  const kind = context.kinds.get(name);
  const resource = kind && context.store(kind).get(`${namespace}/${object}`);
  if (!resource || !asItStands(resource) || isDeleting(resource) || targetOf(resource) !== remote.key) return undefined;
  if (reconcileRequestOf(resource) !== resource.status?.lastHandledReconcileAt) return undefined;
  const list = remote.collections.get(kind.main.collection);
  return list?.snapshot() || list?.failure() ? undefined : list?.name;
}

/** Whoever has made nothing yet may do so by what is known of the tenant now. */
export function wakeUnmade(context: Context, identifier: string): void {
  for (const user of context.users.of(identifier)) {
    const [name = '', namespace, object] = user.split('/');
    const kind = context.kinds.get(name);
    if (kind?.validate && context.store(kind).get(`${namespace}/${object}`)?.status?.externalID === undefined)
      context.enqueue(user, 1);
  }
}

/**
 * Makes sure of a connection with credentials that were proved. New ones are proved before the old ones are dropped.
 * Returns why there is none.
 */
export async function credentials(pass: TenantPass, users: number): Promise<Problem | undefined> {
  const { context, kind, identifier, memory, resource } = pass;
  const { namespace = '' } = resource.metadata;
  const { name } = resource.spec.credentialsSecretRef;
  const binding = context.tenants.binding(identifier);
  const now = context.clock.monotonic();
  const requested = reconcileRequestOf(resource);
  const specSame = binding !== undefined && isDeepStrictEqual(binding.spec, resource.spec);
  const due = memory.secretRead === undefined || now - memory.secretRead >= context.settings.secretInterval * 0.85;
  const failing =
    binding !== undefined && [...binding.remote.collections.values()].some((collection) => collection.failure());
  const held = users > 0;
  const known = memory.held === held && memory.handled === requested && !memory.refusal && !memory.secretProblem;
  if (specSame && !due && !failing && known) return undefined;
  const asked = memory.handled !== requested;
  if (asked) delete memory.facts;
  memory.handled = requested;

  // A malformed one is not held: its type can only be mended by deleting it.
  if (memory.held !== held && !held) await letSecretGo(pass);
  memory.held = held;
  // The one that the spec named before.
  if (memory.heldName !== undefined && memory.heldName !== name) await letSecretGo(pass, memory.heldName);
  memory.heldName = name;
  let read = await context.secrets.read(namespace, name, kind.secretKeys);
  if (read.ok && held && !read.finalizers.includes(inUseFinalizer)) {
    await context.secrets.hold(namespace, name, true);
    read = await context.secrets.read(namespace, name, kind.secretKeys);
  }
  memory.secretRead = now;
  memory.secretSeen = seenIn(read);
  if (!read.ok) {
    memory.secretProblem = read;
    return { reason: read.reason, message: read.message };
  }
  delete memory.secretProblem;
  const { values, version } = read;
  const touched = !failing && kind.secretKeys.every((key) => memory.proved?.[key]?.reveal() === values[key]?.reveal());
  if (specSame && (touched || isDeepStrictEqual(binding.version, version))) {
    binding.version = version;
    memory.trial?.session.close();
    delete memory.trial;
    delete memory.refusal;
    return undefined;
  }

  const bound = () => context.tenants.binding(identifier)?.remote;
  const { clock, random, log } = context;
  const { trial } = memory;
  const same =
    !asked && isDeepStrictEqual(trial?.spec, resource.spec) && isDeepStrictEqual(trial?.version, read.version);
  if (!same) trial?.session.close();
  const made =
    same && trial
      ? trial
      : kind.connect({
          spec: resource.spec,
          credentials: read.values,
          // Calls follow the binding, which is made before the first of them; a sign-in takes no budget.
          budget: forwardingBudget(() => bound()?.budget),
          clock,
          random,
          log,
          tenant: () => bound()?.key ?? kind.remoteKey(resource.spec, nobody),
          ports: context.ports,
        });
  delete memory.trial;
  let identity: Identity;
  let endpoint: string;
  try {
    identity = await made.session.identity();
    endpoint = (await made.session.endpoint()).href;
  } catch (error) {
    if (!(error instanceof RemoteError)) {
      made.session.close();
      throw error;
    }
    memory.trial = { ...made, spec: resource.spec, version: read.version };
    memory.refusal = { reason: error.reason, message: error.message };
    // The former credentials go on working until they, too, are refused.
    return specSame && !failing ? undefined : memory.refusal;
  }
  delete memory.refusal;
  delete memory.facts;
  const key = kind.remoteKey(resource.spec, identity);
  if (!mayBind(context, key)) {
    made.session.close();
    context.handOver(identifier);
    // For the rest of this pass.
    memory.foreign = { key, identity };
    return undefined;
  }
  memory.proved = values;
  const remote = context.tenants.remote(kind, key);
  const next: Binding = {
    identifier,
    remote,
    client: made.client,
    session: made.session,
    spec: resource.spec,
    version: read.version,
    endpoint,
    since: context.clock.monotonic(),
    unproved: undefined,
    answered: binding?.answered ?? resource.status?.lastAcceptLoss,
  };
  // Before anybody can use it.
  for (const id of resource.status?.acceptedLosses ?? []) remote.accepted.add(id);
  prove(pass, next);
  context.tenants.bind(identifier, next);
  return undefined;
}

/** A new endpoint is believed once a recorded object was seen there; where nothing is recorded, the matching project is enough. */
export function prove(pass: TenantPass, binding: Binding): void {
  const { context, resource } = pass;
  const before = resource.status?.endpoint;
  if (before === undefined || before === binding.endpoint) {
    binding.unproved = undefined;
    return;
  }
  let recorded = 0;
  let seen = 0;
  for (const kind of context.kinds.values()) {
    if (kind.tenantKind !== pass.kind.names.kind) continue;
    const snapshot = binding.remote.collections.get(kind.main.collection)?.snapshot();
    const own = listedElsewhere(binding, kind.main.collection) === undefined;
    for (const { id } of context.claims.recorded(kind.names.kind, binding.remote.key)) {
      recorded += 1;
      if (own && snapshot && snapshot.begunAt >= binding.since && snapshot.items.has(id)) seen += 1;
    }
  }
  binding.unproved =
    recorded === 0 || seen > 0
      ? undefined
      : `the endpoint changed from ${before} to ${binding.endpoint}, and none of the ${recorded} recorded objects was seen there yet: nothing is changed there before`;
}

/** The person's word that very objects are lost; it is remembered in status. */
export function acceptLoss(pass: TenantPass, binding: Binding): void {
  const { context, resource } = pass;
  const { remote } = binding;
  for (const id of resource.status?.acceptedLosses ?? []) remote.accepted.add(id);
  const word = acceptLossOf(resource);
  const open = context.tenants.openBreaker(remote, binding.answered);
  if (open && word === open.breaker.hash) {
    for (const id of open.breaker.missing) remote.accepted.add(id);
    // The same question was put to every tenant resource here: their words, too, are used up.
    for (const other of remote.bindings.values()) other.answered = lossHash(open.breaker.missing, other.answered);
    binding.answered = word;
    context.event(resource, {
      type: 'Warning',
      reason: 'LossAccepted',
      action: 'AcceptLoss',
      note: `the loss of ${open.breaker.missing.length} ${open.kind.main.noun}s was accepted: ${word}`,
    });
    wakeUsers(context, pass.identifier);
  }
  // A word given for objects that came back, or that nobody records any more, is used up.
  for (const id of remote.accepted) {
    const listed = [...remote.collections.values()].some((collection) => collection.snapshot()?.items.has(id));
    if (listed || context.claims.holderOf(id, remote.key) === undefined) remote.accepted.delete(id);
  }
}

/** Lets a credentials Secret go, unless another tenant with users names it. */
export async function letSecretGo(
  pass: TenantPass,
  name = pass.resource.spec.credentialsSecretRef.name,
): Promise<void> {
  const { context, identifier, resource } = pass;
  const { namespace = '' } = resource.metadata;
  const shared = [...context.tenantKinds.values()].some((other) =>
    context
      .tenantStore(other)
      .list()
      .some((tenant) => {
        const id = `${other.names.kind}/${tenant.metadata.namespace}/${tenant.metadata.name}`;
        return (
          id !== identifier &&
          tenant.metadata.namespace === namespace &&
          tenant.spec.credentialsSecretRef.name === name &&
          context.users.of(id).size > 0
        );
      }),
  );
  if (!shared) await context.secrets.hold(namespace, name, false);
}
