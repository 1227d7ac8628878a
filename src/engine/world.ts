import type { Secret } from '../base/secret.ts';
import { RemoteError } from '../remote/errors.ts';
import { reconcileRequestOf, retryOf } from './annotations.ts';
import { heldBack } from './held.ts';
import type { Desired, Obstacle, World } from './kind.ts';
import { identifier as identifierOf, isUnsettled, type Resource } from './resource.ts';
import { type Outcome, type Pass, refused, Stale, unready } from './outcome.ts';
import { ownerText } from './owner.ts';
import type { ReadSecret, SecretVersion } from './secrets.ts';
import type { Binding } from './tenants.ts';

/** What the kind may look at: lists and stores that are there already. */
export function worldOf(pass: Pass, binding: Binding): World {
  const { context, identifier, resource } = pass;
  return {
    listed: (collection) => binding.remote.collections.get(collection)?.snapshot()?.items,
    resources(name) {
      const kind = context.kinds.get(name);
      const all: Resource[] = kind ? context.store(kind).list() : [];
      return all.filter(({ metadata }) => metadata.namespace === resource.metadata.namespace);
    },
    resource(name, of) {
      const kind = context.kinds.get(name);
      return kind && context.store(kind).get(`${resource.metadata.namespace ?? ''}/${of}`);
    },
    reserved: (choice) => ![undefined, identifier].includes(context.claims.heldBy(choice, binding.remote.key)),
    now: context.clock.now(),
  };
}

/** An obstacle is a wait, or a stop where its reason says so; it is looked at again after each list. */
export const obstacle = ({ reason, message }: Obstacle): Outcome => unready(reason, message, { awaitList: true });

/**
 * What the resource asks for, with what it refers to; `missing` says why that cannot be used. `key` is what it refers to
 * also then: what it is recognised by does not depend on whether it may be used.
 */
export function desiredOf(
  pass: Pass,
  binding: Binding,
  changedSecrets: readonly string[] = [],
): { desired: Desired<never>; key?: string | undefined; missing?: Obstacle } {
  const { kind, resource } = pass;
  const reference = kind.reference?.(resource.spec, worldOf(pass, binding));
  const retry = retryOf(resource);
  const { action, lastRetry } = resource.status ?? {};
  const desired = {
    spec: resource.spec as never,
    name: resource.metadata.name,
    changedSecrets,
    ...(retry !== undefined && retry !== lastRetry && { retry }),
    ...(action && { action }),
  };
  if (reference === undefined) return { desired };
  return 'reason' in reference
    ? { desired, key: reference.value, missing: reference }
    : { desired: { ...desired, reference: reference.value }, key: reference.value };
}

/** What a resource without a record is looked for by: what its last create was sent with, else what it refers to now. */
export const keyOf = (pass: Pass, binding: Binding): string | undefined =>
  pass.resource.status?.creation?.key ?? desiredOf(pass, binding).key;

/** What it refers to cannot be used yet: that wakes it. Lists can help only where they may show what was made for it before. */
export function unmet(pass: Pass, binding: Binding, { reason, message }: Obstacle): Outcome {
  const mayShow = isUnsettled(pass.resource) || keyOf(pass, binding) !== undefined;
  return unready(reason, message, mayShow ? { awaitList: true } : {});
}

/** One reference serves one resource: who else has it, or undefined once it is ours. */
export function holdReference(pass: Pass, binding: Binding, reference: string | undefined): string | undefined {
  const { context, identifier, memory } = pass;
  const target = binding.remote.key;
  if (memory.reference !== undefined && memory.reference !== reference) {
    context.claims.release(`reference ${memory.reference}`, target, identifier);
  }
  if (reference === undefined) return undefined;
  const other =
    context.claims.hold(`reference ${reference}`, target, identifier) ?? recordedUser(pass, binding, reference);
  if (other === undefined) memory.reference = reference;
  return other;
}

/** Another resource that used the reference for what it made: after a restart it may not have taken hold of it again. */
function recordedUser(pass: Pass, binding: Binding, reference: string): string | undefined {
  const { context, kind, identifier, resource } = pass;
  if (kind.main.identity.level !== 'natural-key' || resource.status?.externalID !== undefined) return undefined;
  const others = context.store(kind).list();
  const user = others.find((other) => {
    if (other.status?.externalID === undefined && !isUnsettled(other)) return false;
    const tenant = `${kind.tenantKind}/${other.metadata.namespace ?? ''}/${other.spec.tenantRef.name}`;
    if (context.tenants.binding(tenant)?.remote !== binding.remote) return false;
    return (
      identifierOf(kind.names.kind, other) !== identifier && keyOf({ ...pass, resource: other }, binding) === reference
    );
  });
  return user && identifierOf(kind.names.kind, user);
}

/** Live Secrets: their values, and which of them were not yet proved at the remote as they are now. */
export async function liveSecrets(
  pass: Pass,
): Promise<
  { values: Record<string, Secret>; versions: Record<string, SecretVersion>; changed: string[] } | { outcome: Outcome }
> {
  const { context, kind, memory, resource } = pass;
  const values: Record<string, Secret> = {};
  const versions: Record<string, SecretVersion> = {};
  const changed: string[] = [];
  const { namespace = '', name: own } = resource.metadata;
  const needs = Object.entries(kind.secrets?.(resource.spec as never, own) ?? {}).filter(([, { live }]) => live);
  /** One read of a Secret serves all its keys. */
  const reads = new Map<string, ReadSecret>();
  for (const [name, need] of needs) {
    const keys = needs.filter(([, other]) => other.name === need.name).map(([, { key }]) => key);
    const shared = need.check === undefined ? reads.get(need.name) : undefined;
    const read =
      shared ?? (await context.secrets.read(namespace, need.name, need.check ? [need.key] : keys, need.check));
    reads.set(need.name, read);
    if (!read.ok) return { outcome: unready(read.reason, read.message, { after: 30_000 }) };
    values[name] = read.values[need.key]!;
    versions[name] = read.version;
    if (memory.provedValues?.[name]?.reveal() === values[name].reveal()) {
      memory.proved = { ...memory.proved, [name]: read.version };
      continue;
    }
    memory.live = { ...memory.live, [name]: read.version };
    const proved = memory.proved?.[name] ?? resource.status?.provedSecrets?.[name];
    if (proved?.uid !== read.version.uid || proved.resourceVersion !== read.version.resourceVersion) changed.push(name);
  }
  memory.known = needs.flatMap(([name, need]) => (need.public ? [] : [values[name]!]));
  return { values, versions, changed };
}

/** Writes the Secret that the kind makes from its remote object. undefined: it is there and right. */
export async function publish(pass: Pass, remote: unknown): Promise<Outcome | undefined> {
  const { context, kind, memory, resource } = pass;
  const { namespace = '', name, uid } = resource.metadata;
  const output = kind.output?.({ spec: resource.spec, name }, remote);
  // Once a term, after each change of the resource and on request: a Secret of our own that somebody deletes is written again then.
  const asked = `${resource.status?.externalID}/${resource.metadata.generation}/${reconcileRequestOf(resource)}`;
  if (!output?.value || memory.published === asked) return undefined;
  const written = await context.secrets.publish(namespace, output, ownerText(pass.owner), uid);
  if (!written.ok) return unready(written.reason, written.message, { after: 30_000 });
  memory.published = asked;
  return undefined;
}

/** Credentials that are refused are not worth a line in the journal. Nothing is sent while a token is good. */
export async function signIn(pass: Pass, binding: Binding): Promise<Outcome | undefined> {
  const { context, kind } = pass;
  const { identifier, session } = binding;
  const replaced = () => context.tenants.binding(identifier) !== binding;
  try {
    // A session that was closed would try the former credentials once more.
    const now = replaced() ? undefined : (await session.endpoint()).href;
    if (now !== binding.endpoint && !replaced()) {
      // A new token may bring another catalogue: the tenant looks there first.
      context.enqueue(identifier, 1);
      const message = `the service catalogue names ${now}, and no longer ${binding.endpoint}: nothing is created before a look there`;
      return unready('TargetUnproved', message, { awaitList: true, after: 5_000 });
    }
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    if (!replaced()) return refused(error, `the create of the ${kind.main.noun}`);
  }
  if (replaced()) throw new Stale('the tenant is connected anew');
  // Meanwhile a list may have shown what holds it.
  return heldBack(pass, binding);
}
