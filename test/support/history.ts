import { isDeepStrictEqual } from 'node:util';
import type { Condition } from '../../src/engine/conditions.ts';
import { typeOf } from '../../src/engine/kind.ts';
import { reasons } from '../../src/engine/reasons.ts';
import { kinds } from '../../src/kinds.ts';
import type { KubeObject, ResourceType } from '../../src/kube/types.ts';
import { kstatus, type StatusObject } from './kstatus.ts';
import type { Scenario } from './scenario.ts';

const eventType: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event' };

export interface KubeEvent extends KubeObject {
  type: string;
  reason: string;
  action: string;
  note: string;
  regarding: { kind: string; name: string; uid: string };
  series?: { count: number };
}

/** Every state that any resource of ours in the namespace went through, as the API server told it. */
export interface History {
  /** All states of one resource, oldest first. */
  of(kind: string, name: string): StatusObject[];
  /** `True Ready`, `False Building` …: Ready as it went, each once in a row. */
  ready(kind: string, name: string): string[];
  events(kind: string, name: string): Promise<KubeEvent[]>;
  /** What no state may ever be, and events that no transition explains: one line each. */
  violations(): Promise<string[]>;
  stop(): void;
}

/** What is wrong with one state of a resource. */
export function violationsOf(object: StatusObject): string[] {
  const where = `${object.kind}/${object.metadata.name}@${object.metadata.resourceVersion}`;
  const { conditions, observedGeneration } = object.status ?? {};
  const found: string[] = [];
  const is = (type: string) => conditions?.find((condition) => condition.type === type)?.status === 'True';
  if (conditions === undefined) {
    if (kstatus(object) === 'Current') found.push(`${where}: Current without conditions`);
    return found;
  }
  if (is('Stalled') && is('Ready')) found.push(`${where}: Stalled beside Ready`);
  if (is('Stalled') && is('Reconciling')) found.push(`${where}: Stalled beside Reconciling`);
  if (is('Reconciling') && is('Ready')) found.push(`${where}: Reconciling beside Ready`);
  if (!conditions.some(({ type }) => type === 'Ready')) found.push(`${where}: no Ready`);
  if (!is('Ready') && !is('Stalled') && !is('Reconciling'))
    found.push(`${where}: not ready, and neither Reconciling nor Stalled`);
  for (const condition of conditions) {
    const name = `${where} ${condition.type}`;
    if (!(condition.reason in reasons)) found.push(`${name}: unknown reason ${condition.reason}`);
    if (condition.message.trim() === '') found.push(`${name}: no message`);
    if (condition.observedGeneration !== observedGeneration) found.push(`${name}: another observedGeneration`);
    if (Number.isNaN(Date.parse(condition.lastTransitionTime))) found.push(`${name}: no lastTransitionTime`);
    if (['Reconciling', 'Stalled'].includes(condition.type) && condition.status !== 'True')
      found.push(`${name}: present while not true`);
  }
  return found;
}

const readyOf = (object: StatusObject): Condition | undefined =>
  object.status?.conditions?.find(({ type }) => type === 'Ready');

/** lastTransitionTime moves with the status and with nothing else. */
function transitionViolations(before: StatusObject, after: StatusObject): string[] {
  return (after.status?.conditions ?? []).flatMap((condition) => {
    const former = before.status?.conditions?.find(({ type }) => type === condition.type);
    if (former === undefined || former.status !== condition.status) return [];
    return former.lastTransitionTime === condition.lastTransitionTime
      ? []
      : [`${after.kind}/${after.metadata.name} ${condition.type}: lastTransitionTime moved without a transition`];
  });
}

/** Watches all kinds of ours in the scenario's namespace from now on. */
export async function watchHistory(scenario: Scenario): Promise<History> {
  const { api, namespace } = scenario;
  const states: StatusObject[] = [];
  const stopping = new AbortController();

  async function follow(type: ResourceType): Promise<void> {
    const { items, resourceVersion } = await api.list<StatusObject>(type, { namespace });
    states.push(...items);
    void (async () => {
      let from = resourceVersion;
      while (!stopping.signal.aborted) {
        const options = { namespace, resourceVersion: from, timeoutSeconds: 300, signal: stopping.signal };
        for await (const event of api.watch<StatusObject>(type, options)) {
          from = event.object.metadata.resourceVersion ?? from;
          if (event.type === 'ADDED' || event.type === 'MODIFIED') states.push(event.object);
        }
      }
    })().catch(() => undefined);
  }
  await Promise.all(kinds.map((kind) => follow(typeOf(kind))));

  const of = (kind: string, name: string) =>
    states.filter((object) => object.kind === kind && object.metadata.name === name);
  const ready = (kind: string, name: string) => {
    const seen: string[] = [];
    for (const object of of(kind, name)) {
      const condition = readyOf(object);
      const text = condition && `${condition.status} ${condition.reason}`;
      if (text !== undefined && seen.at(-1) !== text) seen.push(text);
    }
    return seen;
  };
  const events = async (kind: string, name: string) =>
    (await api.list<KubeEvent>(eventType, { namespace })).items.filter(
      ({ regarding }) => regarding.kind === kind && regarding.name === name,
    );

  return {
    of,
    ready,
    events,
    async violations() {
      const found = states.flatMap(violationsOf);
      const names = new Set(states.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
      for (const id of names) {
        const [kind = '', name = ''] = id.split('/');
        const history = of(kind, name);
        for (const [index, object] of history.entries()) {
          const before = history[index - 1];
          if (before === undefined || before.metadata.uid !== object.metadata.uid) continue;
          found.push(...transitionViolations(before, object));
          const { metadata: _, ...rest } = object;
          const { metadata: __, ...former } = before;
          const touched = ['finalizers', 'annotations', 'labels', 'deletionTimestamp', 'generation'] as const;
          if (
            isDeepStrictEqual(rest, former) &&
            touched.every((field) => isDeepStrictEqual(object.metadata[field], before.metadata[field]))
          )
            found.push(`${id}@${object.metadata.resourceVersion}: a write that changed nothing`);
        }
        const told = (await events(kind, name)).filter(({ action }) => ['Reconcile', 'Connect'].includes(action));
        const count = told.reduce((sum, { series }) => sum + (series?.count ?? 1), 0);
        const transitions = ready(kind, name).length;
        if (count > transitions)
          found.push(
            `${id}: ${count} events of a state (${told.map(({ reason }) => reason).join(', ')}) for ${transitions} transitions`,
          );
      }
      return [...new Set(found)];
    },
    stop: () => stopping.abort(),
  };
}
