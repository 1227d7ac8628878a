import { isDeepStrictEqual } from 'node:util';
import { timestamp } from '../base/clock.ts';
import { reconcileRequestOf } from './annotations.ts';
import { clean } from './clean.ts';
import { type Claim, findCondition, mergeConditions, type Standing, standingConditions } from './conditions.ts';
import type { KubeApi, KubeObject } from '../kube/types.ts';
import type { CrdDefinition } from './crd.ts';
import { type Kind, typeOf } from './kind.ts';
import type { CommonStatus } from './resource.ts';
import type { Outcome, Pass } from './outcome.ts';
import { isWarning } from './reasons.ts';

/** Field manager of spec-side patches and of the report. */
export const reportManager = 'freehold';

/** Fields of the journal: the report never contains them. */
const journalFields: (keyof CommonStatus)[] = [
  'externalID',
  'creation',
  'deletion',
  'lastResolve',
  'action',
  'lastRetry',
];
const engineFields: (keyof CommonStatus)[] = [
  'observedGeneration',
  'conditions',
  'lastSyncTime',
  'lastHandledReconcileAt',
  'provedSecrets',
];

function without(status: Record<string, unknown>, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(status).filter(([name, value]) => !fields.includes(name) && value !== undefined),
  );
}

/** Conditions that a pass which could not look at the remote leaves as they are. */
function carried(previous: readonly { type: string }[], claims: Claim[]): Claim[] {
  const standing = ['Ready', 'Reconciling', 'Stalled', 'Paused'];
  return (previous as Claim[])
    .filter(({ type }) => !standing.includes(type) && !claims.some((claim) => claim.type === type))
    .map(({ type, status, reason, message }) => ({ type, status, reason, message }));
}

/** What the status says of this very spec: it is repeated while a new term, or a new look, knows nothing else yet. */
export function asItStands(resource: KubeObject & { status?: CommonStatus }): Standing | undefined {
  const ready = findCondition(resource.status?.conditions, 'Ready');
  if (ready?.observedGeneration !== resource.metadata.generation || !ready) return undefined;
  return { ready: ready.status === 'True', reason: ready.reason, message: ready.message };
}

/** What is shown of the parts; where they could not be looked at, what was shown before. */
function partsShown(kind: Kind, { parts }: Outcome, shown: Record<string, unknown>): Record<string, unknown> {
  if (!kind.reportParts) return {};
  const fields = kind.reportParts(parts ?? {});
  if (parts) return without(fields, []);
  return Object.fromEntries(Object.keys(fields).flatMap((name) => (name in shown ? [[name, shown[name]]] : [])));
}

/** The whole status as it should be, but for the journal's fields. Pure. */
export function statusOf(pass: Pass, outcome: Outcome, now: string): Record<string, unknown> {
  const { kind, resource } = pass;
  const current: Record<string, unknown> & CommonStatus = resource.status ?? {};
  const generation = resource.metadata.generation ?? 0;
  const shown = without(current, [...journalFields, ...engineFields]);
  const seen = outcome.remote === undefined ? undefined : kind.report(outcome.remote, Date.parse(now), resource.spec);
  const projection = outcome.gone
    ? {}
    : seen
      ? { ...without(seen.status, []), ...partsShown(kind, outcome, shown) }
      : shown;
  const own = [...(seen?.conditions ?? []), ...(outcome.conditions ?? [])];
  const previous = current.conditions ?? [];
  const claims = [...standingConditions(outcome.standing), ...own, ...(outcome.gone ? [] : carried(previous, own))];
  const changed =
    pass.memory.unsaid === true ||
    outcome.changed === true ||
    (seen !== undefined && !isDeepStrictEqual(projection, shown));
  const handled = (outcome.unanswered ? undefined : reconcileRequestOf(resource)) ?? current.lastHandledReconcileAt;
  const proved =
    pass.memory.proved && Object.keys(pass.memory.proved).length > 0 ? pass.memory.proved : current.provedSecrets;
  const synced = changed ? now : current.lastSyncTime;
  return {
    ...projection,
    observedGeneration: generation,
    conditions: mergeConditions(previous, claims, generation, now),
    ...(handled !== undefined && { lastHandledReconcileAt: handled }),
    ...(synced !== undefined && { lastSyncTime: synced }),
    ...(proved && !outcome.gone && { provedSecrets: proved }),
  };
}

/** Applies a whole status, locked by the resourceVersion that it was computed from: a stale one is refused (409). */
export async function applyStatus<T extends KubeObject>(
  kube: KubeApi,
  definition: CrdDefinition,
  resource: T,
  status: Record<string, unknown>,
): Promise<T> {
  const { namespace = '', name, resourceVersion } = resource.metadata;
  const type = typeOf(definition);
  const metadata = { namespace, name, resourceVersion };
  const object = { apiVersion: `${type.group}/${type.version}`, kind: type.kind, metadata, status };
  return kube.apply<T>(type, { namespace, name }, object, { fieldManager: reportManager, subresource: 'status' });
}

/** One server-side apply of the status, only if something differs; one event, only on a transition (law 5). */
export async function report(pass: Pass, outcome: Outcome): Promise<void> {
  const { context, kind, resource } = pass;
  const { known } = pass.memory;
  const status = clean(statusOf(pass, outcome, timestamp(context.clock.now())), known);
  const current = without(resource.status ?? {}, journalFields);
  delete pass.memory.unsaid;
  if (isDeepStrictEqual(current, status)) return;
  const before = findCondition(resource.status?.conditions, 'Ready');
  const written = await applyStatus(context.kube, kind, resource, status);
  context.store(kind).observe(written);
  warn(pass, outcome, written);
  const { ready, reason } = outcome.standing;
  const message = clean(outcome.standing.message, known);
  if (before?.reason === reason && before.status === (ready ? 'True' : 'False')) return;
  context.event(written, {
    type: isWarning(reason) ? 'Warning' : 'Normal',
    reason,
    action: 'Reconcile',
    note: message,
  });
  context.log.info({ resource: pass.identifier, generation: resource.metadata.generation, reason, ready }, message);
}

/** Conditions that a person must hear of: an event when one comes to a new reason. */
function warn({ context, kind, memory, resource }: Pass, { remote }: Outcome, written: KubeObject): void {
  if (remote === undefined) return;
  for (const { type, reason, message, warn: loud } of kind.report(remote, context.clock.now(), resource.spec)
    .conditions) {
    if (!loud || findCondition(resource.status?.conditions, type)?.reason === reason) continue;
    context.event(written, { type: 'Warning', reason, action: 'Observe', note: clean(message, memory.known) });
  }
}
