import * as z from 'zod';
import { defineKind, type Kind, type MainObject, type PartObject } from '../../src/engine/kind.ts';
import { commonRules, commonSpec, commonStatus } from '../../src/engine/schema.ts';
import { tenantSpec, tenantStatus } from '../../src/engine/schema-tenant.ts';
import { defineTenant, type TenantKind } from '../../src/engine/tenant.ts';
import type { RemoteSession } from '../../src/remote/call.ts';
import { RemoteError } from '../../src/remote/errors.ts';

/** An object of the toy remote. `extra` is what was sent beside the ID. */
export interface Thing {
  id: string;
  extra: string;
  power?: 'on' | 'off';
  label?: string | undefined;
  bmc?: string | undefined;
  /** It needs a person's word before it goes on. */
  failed?: boolean;
  /** How often it was restarted. */
  boots?: number;
  /** Of a port: its node and its address. */
  main?: string;
  mac?: string;
}

export type Collection = 'nodes' | 'groups' | 'ports';

/**
 * How one call goes wrong. `lost-…`: the answer is lost, and nothing or everything was done, or it is done only when
 * `commit` is called. `hangs-…`: no answer ever comes. `busy` and `locked` are conflicts;
 * `twice` is one with itself: a proxy repeats the call, and answers with the refusal of the second.
 */
export type Mishap =
  | 'none'
  | 'lost-before'
  | 'lost-after'
  | 'lost-late'
  | 'hangs-before'
  | 'hangs-after'
  | 'refused'
  | 'busy'
  | 'locked'
  | 'twice';

/** A remote in memory with nodes, groups and ports, whose IDs the client may choose. */
export function createToyRemote() {
  const held: Record<Collection, Map<string, Thing>> = { nodes: new Map(), groups: new Map(), ports: new Map() };
  let made = 0;
  const remote = {
    held,
    /** Every mutating call, as `POST ports aa` and `DELETE nodes`. */
    calls: [] as string[],
    lists: 0,
    mishaps: [] as Mishap[],
    /** A gateway that ignores the ID that it is sent. */
    ignoresIDs: false,
    /** One that does not keep what is sent beside the ID either. */
    ignoresExtra: false,
    /** It takes calls, and nothing comes of them. */
    swallows: false,
    /** Those lists are empty, whatever there is. */
    laggingLists: new Set<Collection>(),
    /** Those lists show this, whatever there is. */
    frozenLists: new Map<Collection, Thing[]>(),
    freeze: (collection: Collection) =>
      void remote.frozenLists.set(collection, structuredClone([...held[collection].values()])),
    /** How often each collection was listed. */
    listsOf: { nodes: 0, groups: 0, ports: 0 } as Record<Collection, number>,
    /** Every read of one, as `nodes <ID>`, and of the ports of one, as `ports of <ID>`. */
    reads: [] as string[],
    /** What `lost-late` calls will do. */
    late: [] as (() => unknown)[],
    commit() {
      for (const done of remote.late.splice(0)) {
        try {
          done();
        } catch (error) {
          // Another one came first; nobody waits for this answer.
          if (!(error instanceof RemoteError)) throw error;
        }
      }
    },
    async list(collection: Collection): Promise<{ items: Thing[] }> {
      remote.lists += 1;
      remote.listsOf[collection] += 1;
      if (remote.laggingLists.has(collection)) return { items: [] };
      return structuredClone({ items: remote.frozenLists.get(collection) ?? [...held[collection].values()] });
    },
    async read(collection: Collection, id: string): Promise<Thing | undefined> {
      remote.reads.push(`${collection} ${id}`);
      return structuredClone(held[collection].get(id));
    },
    async portsOf(main: string): Promise<{ items: Thing[] } | undefined> {
      remote.reads.push(`ports of ${main}`);
      if (!held.nodes.has(main)) return undefined;
      return structuredClone({ items: [...held.ports.values()].filter((port) => port.main === main) });
    },
    async create(collection: Collection, thing: Thing, fence: () => void): Promise<{ id: string }> {
      fence();
      remote.calls.push(`POST ${collection} ${thing.extra.split('#').slice(2).join('')}`.trimEnd());
      return mishap(() => {
        const id = remote.ignoresIDs ? `made-${++made}` : thing.id;
        if (held[collection].has(id)) throw failure('Conflict', 'definitely-not');
        held[collection].set(id, { ...thing, id, ...(remote.ignoresExtra && { extra: '' }) });
        return { id };
      });
    },
    async update(collection: Collection, id: string, fields: Partial<Thing>, fence: () => void): Promise<void> {
      fence();
      remote.calls.push(`PATCH ${collection} ${Object.keys(fields).join()}`);
      await mishap(() => void Object.assign(existing(collection, id), fields));
    },
    async act(id: string, verb: string, fence: () => void): Promise<void> {
      fence();
      remote.calls.push(`ACT ${verb}`);
      await mishap(() => {
        const node = existing('nodes', id);
        if (verb.startsWith('power ')) node.power = verb === 'power on' ? 'on' : 'off';
        else if (verb === 'reboot') node.boots = (node.boots ?? 0) + 1;
        else node.failed = false;
      });
    },
    async remove(collection: Collection, id: string, fence: () => void): Promise<void> {
      fence();
      const extra = held[collection].get(id)?.extra ?? '';
      remote.calls.push(`DELETE ${collection} ${extra.split('#').slice(2).join('')}`.trimEnd());
      await mishap(() => {
        if (!held[collection].delete(id)) throw failure('NotFound', 'definitely-not');
      });
    },
    session: {
      identity: async () => ({ projectID: 'p', projectName: 'project', userName: 'user', roles: [] }),
      endpoint: async () => new URL('https://toy.example/v1'),
      close: () => {},
    } as unknown as RemoteSession,
  };

  function existing(collection: Collection, id: string): Thing {
    const thing = held[collection].get(id);
    if (!thing) throw failure('NotFound', 'definitely-not');
    return remote.swallows ? structuredClone(thing) : thing;
  }

  async function mishap<T>(done: () => T): Promise<T> {
    const next = remote.mishaps.shift();
    if (next === 'refused') throw failure('Rejected', 'definitely-not');
    if (next === 'busy') throw failure('Conflict', 'definitely-not');
    if (next === 'locked') throw failure('Conflict', 'definitely-not', 'it is locked');
    if (next === 'lost-before') throw failure('Unreachable', 'unknown');
    if (next === 'hangs-before') await new Promise(() => {});
    if (next === 'lost-late') {
      remote.late.push(done);
      throw failure('Unreachable', 'unknown');
    }
    const answer = done();
    if (next === 'twice') throw failure('Conflict', 'definitely-not', 'it is locked');
    if (next === 'lost-after') throw failure('Unreachable', 'unknown');
    if (next === 'hangs-after') await new Promise(() => {});
    return answer;
  }

  const failure = (
    reason: 'Rejected' | 'Unreachable' | 'Conflict' | 'NotFound',
    outcome: 'definitely-not' | 'unknown',
    words: string = reason,
  ) => {
    const status = { Rejected: 400, NotFound: 404, Conflict: 409, Unreachable: undefined }[reason];
    const message = `the toy says ${words}`;
    return new RemoteError({ reason, outcome, operation: 'Toy', message, ...(status !== undefined && { status }) });
  };

  return remote;
}
export type ToyRemote = ReturnType<typeof createToyRemote>;

export const nodeSpec = z
  .object({
    ...commonSpec('node'),
    macs: z.array(z.string().max(20)).max(8).default([]).describe('Addresses of its ports.'),
  })
  .describe('The node as it should be.');
type Spec = z.output<typeof nodeSpec>;

export const nodeStatus = z
  .object({ ...commonStatus('node'), power: z.string().optional().describe('on or off.') })
  .describe('s');

function object(noun: string, collection: Collection): MainObject<Spec, Thing, ToyRemote> {
  return {
    noun,
    collection,
    identity: { level: 'chosen-id', owner: ({ extra }) => extra },
    read: async (client, id) => client.held[collection].get(id),
    create: ({ client, owner, fence }, { id }) => client.create(collection, { id, extra: owner, power: 'on' }, fence),
    remove: ({ client, fence }, id) => client.remove(collection, id, fence),
  };
}

/** A node with one group and a port for each address: made in this order, and removed the other way round. */
export const toyNode: Kind = defineKind<typeof nodeSpec, Thing, ToyRemote>({
  group: 'toy.freehold.dev',
  version: 'v1alpha1',
  names: { kind: 'ToyNode', plural: 'toynodes', categories: ['freehold'] },
  description: 'A node of a toy.',
  spec: nodeSpec,
  status: nodeStatus,
  printerColumns: [],
  rules: commonRules('node'),
  tenantKind: 'ToyTenant',
  main: object('node', 'nodes'),
  parts: {
    group: object('group', 'groups') as PartObject<Spec, unknown, ToyRemote>,
    port: {
      ...(object('port', 'ports') as PartObject<Spec, unknown, ToyRemote>),
      instances: ({ macs }) => macs,
    },
  },
  plan({ spec: wanted }, { main, parts }) {
    if (main.state !== 'present') return { do: 'create', remote: 'main' };
    for (const key of ['group', ...wanted.macs.map((mac) => `port/${mac}`)]) {
      const part = parts[key]!;
      const [remote = '', instance] = key.split('/');
      if (part.state === 'unknown') return { do: 'wait', reason: part.reason, message: part.message };
      if (part.state === 'absent') return { do: 'create', remote, ...(instance !== undefined && { instance }) };
    }
    return { do: 'ready', message: 'the node and its parts are there' };
  },
  planRemoval({ parts }) {
    for (const [key, part] of Object.entries(parts).toReversed()) {
      const [remote = '', instance] = key.split('/');
      if (part.state === 'unknown') return { do: 'wait', reason: part.reason, message: part.message };
      if (part.state === 'present') return { do: 'remove', remote, ...(instance !== undefined && { instance }) };
    }
    return { do: 'remove', remote: 'main' };
  },
  differences: () => [],
  report: ({ power }) => ({ status: { power }, conditions: [] }),
});

const tenant = z.object({ ...tenantSpec('key', {}) }).describe('t');

export function toyTenant(remote: ToyRemote): TenantKind {
  const collection = (name: Collection) => ({
    list: (client: ToyRemote) => client.list(name),
    id: (item: unknown) => (item as Thing).id,
    since: () => undefined,
  });
  return defineTenant<typeof tenant, ToyRemote>({
    group: 'toy.freehold.dev',
    version: 'v1alpha1',
    names: { kind: 'ToyTenant', plural: 'toytenants', categories: ['freehold'] },
    description: 'A tenant of a toy.',
    spec: tenant,
    status: tenantStatus({}).describe('s'),
    printerColumns: [],
    rules: [],
    secretKeys: ['key'],
    remoteKey: () => 'toy/t1',
    connect: () => ({ client: remote, session: remote.session }),
    collections: {
      nodes: collection('nodes'),
      groups: collection('groups'),
      // `portReads`: this remote has no list of all ports.
      ports: { ...collection('ports'), perMain: (wish) => (wish as { portReads?: number }).portReads },
    },
    factFields: [],
    facts: async () => ({}),
  });
}
