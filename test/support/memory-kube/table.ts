import type { KubeObject, ResourceType, WatchEvent } from '../../../src/kube/types.ts';
import type { Managers } from './managers.ts';
import { builtIn, objectSchema, type Schema } from './schema.ts';
import type { Matches } from './selectors.ts';
import { isTree, type Tree } from './values.ts';

/** A stored object: frozen, shared by all who read it. */
export type Stored = KubeObject & Tree;

export interface Entry {
  object: Stored;
  managers: Managers;
  /** It was made without a field that its schema has a default for: each read shows it, and the next write stores it. */
  undefaulted: boolean;
  /** What it was fitted to. */
  schema: Schema;
}

export type OnEvent = (event: WatchEvent<KubeObject>) => void;

interface Subscriber {
  matches: Matches | undefined;
  onEvent: OnEvent;
}

interface Past {
  version: number;
  event: WatchEvent<KubeObject>;
}

/** All that is stored of one resource type. */
export interface Table {
  type: ResourceType;
  schema: Schema;
  /** Of a definition; the others are built in. */
  custom: boolean;
  /** Whether the status is written apart. */
  hasStatus: boolean;
  /** By namespace/name. */
  entries: Map<string, Entry>;
  /** In the order of a list; undefined: to be sorted again. */
  sorted: Entry[] | undefined;
  history: Past[];
  subscribers: Set<Subscriber>;
}

function createTable(type: ResourceType, of: Pick<Table, 'schema' | 'custom' | 'hasStatus'>): Table {
  return { type, ...of, entries: new Map(), sorted: undefined, history: [], subscribers: new Set() };
}

/** Of a type that no definition made: undefined where only a definition could. */
export function builtInTable(type: ResourceType): Table | undefined {
  const custom = type.group.includes('.') && !type.group.endsWith('.k8s.io');
  return custom ? undefined : createTable(type, { schema: builtIn, custom: false, hasStatus: false });
}

/** Of a CustomResourceDefinition, in the version that it stores. */
export function definedTable(crd: unknown): Table {
  const { group, names, versions } = (crd as { spec: Definition }).spec;
  const version = versions.find(({ storage }) => storage)!;
  const type = { group, version: version.name, plural: names.plural, kind: names.kind };
  const hasStatus = isTree(version.subresources?.['status']);
  return createTable(type, { schema: objectSchema(version.schema.openAPIV3Schema), custom: true, hasStatus });
}

interface Definition {
  group: string;
  names: { plural: string; kind: string };
  versions: { name: string; storage: boolean; subresources?: Tree; schema: { openAPIV3Schema: unknown } }[];
}

export function sortedEntries(table: Table): readonly Entry[] {
  table.sorted ??= [...table.entries].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, entry]) => entry);
  return table.sorted;
}

/** What happened after that version, in order. */
export function eventsAfter({ history }: Table, version: number): WatchEvent<KubeObject>[] {
  let from = history.length;
  while (from > 0 && history[from - 1]!.version > version) from -= 1;
  return history.slice(from).map(({ event }) => event);
}

/** Tells the events one after the other, also when who is told of one causes the next. */
export function createTeller(): (table: Table, event: WatchEvent<KubeObject>) => void {
  const waiting: { subscriber: Subscriber; table: Table; event: WatchEvent<KubeObject> }[] = [];
  let telling = false;
  return (table, event) => {
    for (const subscriber of table.subscribers) waiting.push({ subscriber, table, event });
    if (telling) return;
    telling = true;
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const { subscriber } = next;
        if (!next.table.subscribers.has(subscriber)) continue;
        if (next.event.type === 'BOOKMARK' || (subscriber.matches?.(next.event.object) ?? true)) {
          subscriber.onEvent(next.event);
        }
      }
    } finally {
      telling = false;
    }
  };
}
