import type { Identity } from '../remote/call.ts';
import type { Context, TenantMemory } from './context.ts';
import type { TenantKind, TenantResource } from './tenant.ts';
import type { Binding } from './tenants.ts';
import { unclaimedIn } from './unclaimed.ts';

const shown = ({ projectID, projectName, userName }: Identity) => ({ projectID, projectName, userName });

/** What status shows of a tenant beside its conditions. It changes only when the facts do. */
export async function tenantFacts(
  context: Context,
  kind: TenantKind,
  resource: TenantResource,
  binding: Binding | undefined,
  memory: TenantMemory,
): Promise<Record<string, unknown>> {
  const current: Record<string, unknown> = resource.status ?? {};
  if (!binding) {
    const kept = Object.fromEntries(
      Object.entries(current).filter(([name]) =>
        ['endpoint', 'acceptedLosses', 'lastAcceptLoss', 'credentials'].includes(name),
      ),
    );
    // Who speaks for it follows from the last sign-in, also while there is no other.
    const last = memory.foreign?.identity ?? (context.settings.shard.count > 1 ? current['identity'] : undefined);
    return { ...kept, reachable: false, ...(last !== undefined && { identity: shown(last as Identity) }) };
  }
  const { remote } = binding;
  const failing = [...remote.collections.values()].some((collection) => collection.failure() ?? !collection.snapshot());
  const identity = await binding.session.identity().catch(() => undefined);
  const breakers = [...context.kinds.values()]
    .filter((other) => other.tenantKind === kind.names.kind)
    .map((other) => ({ kind: other.names.kind, ...context.tenants.breakerOf(other, remote, binding.answered) }))
    .filter(({ open }) => open)
    .map((state) => ({
      kind: state.kind,
      missing: state.missing.length,
      hash: state.hash,
      ids: state.missing.slice(0, 20),
    }));
  const unclaimed = unclaimedIn(context, remote);
  return {
    reachable: !failing,
    endpoint: binding.unproved === undefined ? binding.endpoint : current['endpoint'],
    credentials: { uid: binding.version.uid, resourceVersion: binding.version.resourceVersion },
    ...(identity ? { identity: shown(identity) } : current['identity'] ? { identity: current['identity'] } : {}),
    ...(memory.facts ??
      Object.fromEntries(
        kind.factFields.filter((name) => current[name] !== undefined).map((name) => [name, current[name]]),
      )),
    ...(unclaimed.length > 0 && { unclaimed }),
    ...(breakers.length > 0 && { breakers }),
    ...(remote.accepted.size > 0 && { acceptedLosses: [...remote.accepted].sort() }),
    ...(binding.answered !== undefined && { lastAcceptLoss: binding.answered }),
  };
}
