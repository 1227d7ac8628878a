import { isDeepStrictEqual } from 'node:util';
import { timestamp } from '../base/clock.ts';
import { jitter } from '../base/random.ts';
import { isConflict, KubeError, KubeUnreachable } from '../kube/types.ts';
import { finalizer, isDeleting, isPaused, reconcileRequestOf } from './annotations.ts';
import { type Claim, findCondition, mergeConditions, standingConditions, type Standing } from './conditions.ts';
import type { Context } from './context.ts';
import { typeOf } from './kind.ts';
import type { RunResult } from './queue.ts';
import { isStalling, type Reason } from './reasons.ts';
import { applyStatus, asItStands, reportManager } from './report.ts';
import { isOurs, shardOf } from './shards.ts';
import type { TenantKind, TenantResource, TenantStatus } from './tenant.ts';
import {
  acceptLoss,
  credentials,
  letSecretGo,
  prove,
  seenIn,
  type TenantPass,
  wakeUnmade,
  wakeUsers,
} from './tenant-connect.ts';
import { tenantFacts } from './tenant-status.ts';
import type { Binding } from './tenants.ts';

/** One pass over one tenant: credentials, connection, lists, status. It never throws. */
export async function reconcileTenant(
  context: Context,
  kind: TenantKind,
  key: { namespace: string; name: string },
): Promise<RunResult> {
  const identifier = `${kind.names.kind}/${key.namespace}/${key.name}`;
  const resource = context.tenantStore(kind).get(`${key.namespace}/${key.name}`);
  if (!resource) {
    forget(context, identifier);
    return { failed: false };
  }
  if (!isOurs(context, identifier)) {
    context.handOver(identifier);
    return { failed: false };
  }
  const pass: TenantPass = { context, kind, identifier, memory: context.tenantMemory(identifier), resource };
  const before = usability(context, identifier);
  const factsBefore = JSON.stringify(pass.memory.facts);
  try {
    const again = await looksOnly(pass);
    if (again !== undefined) return { failed: false, after: again };
    const users = usedBy(pass);
    const standing = await judge(pass);
    if (standing === undefined) return { failed: false };
    const lists = listsOf(pass);
    if (pass.memory.foreign) {
      // From here on the status tells everybody whose it is.
      await report(pass, standing);
      return { failed: false };
    }
    // A new term has not listed yet: until it has, what was written stands (law 5).
    if (standing.reason !== 'Listing' || asItStands(pass.resource) === undefined) await report(pass, standing);
    const retry = !standing.ready && standing.reason !== 'Listing';
    const { secretInterval } = context.settings;
    const after = retry ? Math.min(30_000, secretInterval) : jitter(context.random, secretInterval);
    if (!retry || !byOtherSecret.has(standing.reason)) return { failed: false, after };
    pass.memory.look = {
      until: context.clock.monotonic() + after,
      seen: seenOf(pass, pass.memory.secretSeen, users, lists),
    };
    return { failed: false, after: Math.min(after, lookEvery) };
  } catch (error) {
    const known = isConflict(error) || error instanceof KubeError || error instanceof KubeUnreachable;
    if (!isConflict(error))
      context.log[known ? 'warn' : 'error']({ err: error, resource: identifier }, 'the pass over a tenant failed');
    return { failed: true };
  } finally {
    // Its users can go on even where that could not be written down.
    if (before !== usability(context, identifier)) wakeUsers(context, identifier);
    else if (factsBefore !== JSON.stringify(pass.memory.facts)) wakeUnmade(context, identifier);
  }
}

/** What another Secret mends: it is looked for this often, milliseconds. */
const lookEvery = 5_000;
const byOtherSecret: ReadonlySet<Reason> = new Set<Reason>([
  'CredentialsRefused',
  'WrongTenant',
  'SecretMissing',
  'SecretMalformed',
]);

const usedBy = ({ context, identifier }: TenantPass) => context.users.of(identifier).size > 0;
const listsOf = ({ context, identifier }: TenantPass) =>
  [...(context.tenants.binding(identifier)?.remote.collections.values() ?? [])].map((list) => [
    list.failure()?.reason,
    list.snapshot() !== undefined,
  ]);

/** All that a whole pass might answer otherwise than the last one did, but for the remote's mind; as that one saw it. */
const seenOf = ({ resource }: TenantPass, ...rest: [secret: unknown, users: boolean, lists: unknown]): string =>
  JSON.stringify([resource.metadata.resourceVersion, ...rest]);

/**
 * Between two passes that may sign in, only the Secret is looked at, and the same credentials are never tried more often for
 * it: accounts get locked. Milliseconds until the next look; undefined: a whole pass is due.
 */
async function looksOnly(pass: TenantPass): Promise<number | undefined> {
  const { context, kind, memory, resource } = pass;
  const { look } = memory;
  delete memory.look;
  if (!look) return undefined;
  const left = look.until - context.clock.monotonic();
  if (left <= 0) return undefined;
  const { namespace = '' } = resource.metadata;
  const read = await context.secrets.read(namespace, resource.spec.credentialsSecretRef.name, kind.secretKeys);
  const now = context.tenantStore(kind).get(`${namespace}/${resource.metadata.name}`) ?? resource;
  if (look.seen !== seenOf({ ...pass, resource: now }, seenIn(read), usedBy(pass), listsOf(pass))) return undefined;
  pass.memory.look = look;
  return Math.min(left, lookEvery);
}

function forget(context: Context, identifier: string): void {
  context.tenants.bind(identifier, undefined);
  context.tenants.setProblem(identifier, undefined);
  wakeUsers(context, identifier);
}

/** What users of the tenant would be told; when it changes, they run. */
function usability(context: Context, identifier: string): string {
  const problem = context.tenants.problem(identifier);
  const binding = context.tenants.binding(identifier);
  const modes = Object.values(binding?.remote.kind.collections ?? {}).map(({ perMain }) => perMain?.(binding!.spec));
  return `${problem?.reason}/${problem?.message}/${binding?.remote.key}/${binding?.unproved}/${JSON.stringify(modes)}`;
}

async function judge(pass: TenantPass): Promise<Standing | undefined> {
  const { context, kind, identifier, resource } = pass;
  const users = [...context.users.of(identifier)].sort();
  if (isDeleting(resource)) {
    if (users.length > 0) {
      await connect(pass, users.length);
      const some = users.slice(0, 5).join(', ') + (users.length > 5 ? ` and ${users.length - 5} more` : '');
      return {
        ready: false,
        reason: 'InUse',
        message: `the deletion waits: ${some} still use this tenant; delete them first`,
      };
    }
    await letGo(pass);
    return undefined;
  }
  if (isPaused(resource))
    return {
      ready: false,
      reason: 'Paused',
      message: 'annotated freehold.dev/paused: its credentials are not read and nothing new is connected',
    };
  if (users.length > 0 && !resource.metadata.finalizers?.includes(finalizer)) {
    const { uid, resourceVersion, finalizers = [], name, namespace = '' } = resource.metadata;
    const patch = { metadata: { uid, resourceVersion, finalizers: [...finalizers, finalizer] } };
    pass.resource = await context.kube.mergePatch<TenantResource>(typeOf(kind), { namespace, name }, patch, {
      fieldManager: reportManager,
    });
    context.tenantStore(kind).observe(pass.resource);
  }
  return connect(pass, users.length);
}

/** Nobody uses it any more: the Secret may go, and the tenant. */
async function letGo(pass: TenantPass): Promise<void> {
  const { context, kind, identifier, resource } = pass;
  const { uid, resourceVersion, finalizers = [], name, namespace = '' } = resource.metadata;
  context.tenants.bind(identifier, undefined);
  if (!finalizers.includes(finalizer)) return;
  await letSecretGo(pass);
  const patch = { metadata: { uid, resourceVersion, finalizers: finalizers.filter((entry) => entry !== finalizer) } };
  await context.kube.mergePatch(typeOf(kind), { namespace, name }, patch, { fieldManager: reportManager });
}

/** The service catalogue may name another endpoint with any new token; that one, too, is to be proved. */
async function followEndpoint(context: Context, binding: Binding): Promise<void> {
  const now = await binding.session.endpoint().then(
    ({ href }) => href,
    () => binding.endpoint,
  );
  if (now === binding.endpoint) return;
  binding.endpoint = now;
  binding.since = context.clock.monotonic();
  // What the former gateway did with our IDs proves nothing of this one.
  delete binding.keepsIDs;
  for (const collection of binding.remote.collections.values()) collection.refresh();
}

/** undefined: the term ended meanwhile, and whoever leads next says how the tenant is. */
async function connect(pass: TenantPass, users: number): Promise<Standing | undefined> {
  const { context, kind, identifier, memory, resource } = pass;
  const problem = await credentials(pass, users);
  context.tenants.setProblem(identifier, problem);
  if (problem) return { ready: false, reason: problem.reason, message: problem.message };
  if (memory.foreign) {
    const { count } = context.settings.shard;
    const { key } = memory.foreign;
    return {
      ready: false,
      reason: 'Listing',
      message: `signed in to ${key}; shard ${shardOf(key, count)} of ${count} takes it from here: it signs in, lists and reports`,
    };
  }
  const binding = context.tenants.binding(identifier);
  if (!binding) return undefined;
  await followEndpoint(context, binding);
  prove(pass, binding);
  acceptLoss(pass, binding);
  for (const collection of binding.remote.collections.values()) {
    const failure = collection.failure();
    if (failure) return { ready: false, reason: failure.reason, message: failure.message };
    if (!collection.snapshot())
      return {
        ready: false,
        reason: 'Listing',
        message: `signed in; waiting for the first complete list of ${collection.name}`,
      };
  }
  if (binding.unproved !== undefined) return { ready: false, reason: 'TargetUnproved', message: binding.unproved };
  const open = context.tenants.openBreaker(binding.remote, binding.answered);
  if (open) {
    return {
      ready: false,
      reason: 'BreakerOpen',
      message: `${open.breaker.missing.length} recorded ${open.kind.main.noun}s are missing at once (${open.breaker.missing.slice(0, 5).join(', ')}): nothing is created, deleted or released. If they are really gone, annotate with freehold.dev/accept-loss: ${open.breaker.hash}`,
    };
  }
  memory.facts ??= await kind.facts(binding.client).catch((error: unknown) => {
    context.log.warn({ err: error, resource: identifier }, 'facts of the tenant could not be read');
    return undefined;
  });
  const way = memory.refusal
    ? `; the credentials now in Secret ${resource.spec.credentialsSecretRef.name} are not used: ${memory.refusal.message}`
    : '';
  return { ready: true, reason: 'Connected', message: `connected to ${binding.remote.key}${way}` };
}

/** No figure that moves with every call: those are metrics. */
function budgetOf({ remote, spec }: Binding): Claim {
  const type = 'BudgetExhausted';
  if (!remote.budget.figures().exhausted)
    return { type, status: 'False', reason: 'WithinBudget', message: 'no call waits long for the budget' };
  const { requestsPerSecond, burst } = spec.limits;
  return {
    type,
    status: 'True',
    reason: 'CallsWait',
    message: `calls waited long in the last minutes: spec.limits (${requestsPerSecond} a second, ${burst} at once) or a 429 of the remote holds them back; creates and deletes go first`,
  };
}

async function report(pass: TenantPass, standing: Standing): Promise<void> {
  const { context, kind, identifier, memory, resource } = pass;
  const binding = context.tenants.binding(identifier);
  const current: TenantStatus & Record<string, unknown> = resource.status ?? {};
  const generation = resource.metadata.generation ?? 0;
  const now = timestamp(context.clock.now());
  const handled = reconcileRequestOf(resource) ?? current.lastHandledReconcileAt;
  const proved: Claim = memory.refusal
    ? { type: 'CredentialsProved', status: 'False', reason: memory.refusal.reason, message: memory.refusal.message }
    : (binding ?? memory.foreign)
      ? {
          type: 'CredentialsProved',
          status: 'True',
          reason: 'Proved',
          message: 'the credentials in the Secret were accepted',
        }
      : { type: 'CredentialsProved', status: 'Unknown', reason: standing.reason, message: standing.message };
  const claims = [...standingConditions(standing), proved, ...(binding ? [budgetOf(binding)] : [])];
  const status: Record<string, unknown> = {
    ...(await tenantFacts(context, kind, resource, binding, memory)),
    observedGeneration: generation,
    conditions: mergeConditions(current.conditions ?? [], claims, generation, now),
    ...(handled !== undefined && { lastHandledReconcileAt: handled }),
  };
  if (isDeepStrictEqual(current, status)) return;
  const before = findCondition(current.conditions, 'Ready');
  const written = await applyStatus(context.kube, kind, resource, status);
  context.tenantStore(kind).observe(written);
  pass.resource = written;
  if (before?.reason === standing.reason && before.status === (standing.ready ? 'True' : 'False')) return;
  context.event(written, {
    type: standing.ready || standing.reason === 'Listing' ? 'Normal' : 'Warning',
    reason: standing.reason,
    action: 'Connect',
    note: standing.message,
  });
  context.log.info(
    { resource: identifier, reason: standing.reason, ready: standing.ready, stalled: isStalling(standing.reason) },
    standing.message,
  );
}
