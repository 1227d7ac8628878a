import type { Portal } from '../portal.ts';
import type { JsonObject } from '../sdpf/input.ts';
import type { World } from '../world.ts';
import { interfacesOf } from './drivers.ts';
import { NODE_FIELDS, PORT_FIELDS, PORTGROUP_FIELDS, readFields, standardValues } from './fields.ts';
import type { Fields } from './fields.ts';
import type { NodeFields, NodeRecord, NodeState, PortFields, PortGroupFields } from './ironic.ts';
import { settle } from './machine.ts';
import { commitNode, removeNode } from './nodes.ts';
import { chosenUUID } from './operation.ts';
import { commitPortGroup } from './portgroups.ts';
import { commitPort } from './ports.ts';
import { nodeView, portGroupView, portView } from './views.ts';

/** Knows every field. */
const NEWEST = Number.POSITIVE_INFINITY;

/** Somebody else's hands on nodes, ports and port groups: past every rule, at once, and never with a lock. */
export function hands(world: World, collection: string, links: string): Portal | undefined {
  const seen = { minor: NEWEST, links };
  switch (collection) {
    case 'nodes':
      return nodeHands(world, (node) => nodeView(seen, node));
    case 'ports':
      return plainHands(world, {
        shelf: world.ironic.ports,
        what: 'port',
        fields: PORT_FIELDS,
        commit: (uuid, wanted) => commitPort(world, uuid, wanted as unknown as PortFields, null),
        view: (port) => portView(seen, port),
      });
    case 'portgroups':
      return plainHands(world, {
        shelf: world.ironic.portgroups,
        what: 'portgroup',
        fields: PORTGROUP_FIELDS,
        commit: (uuid, wanted) => commitPortGroup(world, uuid, wanted as unknown as PortGroupFields, null),
        view: (group) => portGroupView(seen, group),
      });
    default:
      return undefined;
  }
}

const TEXTS = [
  'provision_state',
  'target_provision_state',
  'power_state',
  'target_power_state',
  'last_error',
  'maintenance_reason',
] as const;

function nodeHands(world: World, view: (node: NodeRecord) => JsonObject): Portal {
  const { nodes } = world.ironic;
  return {
    create({ uuid: chosen, ...fields }) {
      const { given, state } = splitNode({ driver: 'fake-hardware', ...fields });
      const wanted = { ...standardValues(NODE_FIELDS), ...interfacesOf(given.driver), ...given };
      const uuid = chosenUUID(chosen) ?? world.ids.uuid();
      if (nodes.get(uuid)) throw new Error(`there is a node ${uuid} already`);
      const node = commitNode(world, uuid, wanted as unknown as NodeFields, null);
      changeState(world, node, state);
      return view(node);
    },
    update(id, fields) {
      const node = nodes.get(id);
      if (!node) return undefined;
      settle(world, node);
      const { given, state } = splitNode(fields);
      Object.assign(node, given, { updatedAt: world.now() });
      if (given.maintenance === false) node.maintenance_reason = null;
      changeState(world, node, state);
      return view(node);
    },
    remove(id) {
      const node = nodes.get(id);
      if (node) removeNode(world, node, null);
      return node !== undefined;
    },
  };
}

/** What the API lets a client write, and what only the conductor writes. */
function splitNode(fields: JsonObject): { given: JsonObject; state: JsonObject } {
  const isState = (name: string): boolean => name === 'reservation' || TEXTS.some((one) => one === name);
  const entries = Object.entries(fields);
  const given = Object.fromEntries(entries.filter(([name]) => !isState(name)));
  const state = Object.fromEntries(entries.filter(([name]) => isState(name)));
  for (const [name, value] of Object.entries(state)) {
    if (value !== null && typeof value !== 'string') throw new Error(`${name} must be a string or null`);
  }
  if (state.provision_state === null) throw new Error('provision_state must be a string');
  return { given: readFields('node', NODE_FIELDS, given, NEWEST), state };
}

/** A state that is set ends the work that would have led to another. */
function changeState(world: World, node: NodeRecord, state: JsonObject): void {
  const { reservation, ...texts } = state;
  if (texts.provision_state !== undefined) {
    Object.assign(node, { stages: [], target_provision_state: null, provisionUpdatedAt: world.now() });
  }
  if (texts.power_state !== undefined) Object.assign(node, { power: null, target_power_state: null });
  if (reservation !== undefined) node.heldBy = reservation as string | null;
  Object.assign(node, texts as Partial<NodeState>);
}

interface Kind<T> {
  shelf: { get(uuid: string): T | undefined; remove(record: T, now: number, call: number | null): void };
  what: string;
  fields: Fields;
  commit: (uuid: string, wanted: JsonObject) => T;
  view: (record: T) => JsonObject;
}

function plainHands<T extends { updatedAt: number | null }>(world: World, kind: Kind<T>): Portal {
  const { shelf, what, fields, commit, view } = kind;
  return {
    create({ uuid: chosen, ...body }) {
      const given = readFields(what, fields, body, NEWEST);
      if (!world.ironic.nodes.get(String(body.node_uuid))) throw new Error('node_uuid must be that of a node');
      if (what === 'port' && given.address === undefined) throw new Error('address is required');
      const uuid = chosenUUID(chosen) ?? world.ids.uuid();
      if (shelf.get(uuid)) throw new Error(`there is a ${what} ${uuid} already`);
      return view(commit(uuid, { ...standardValues(fields), ...given }));
    },
    update(id, body) {
      const record = shelf.get(id);
      if (!record) return undefined;
      Object.assign(record, readFields(what, fields, body, NEWEST), { updatedAt: world.now() });
      return view(record);
    },
    remove(id) {
      const record = shelf.get(id);
      if (record) shelf.remove(record, world.now(), null);
      return record !== undefined;
    },
  };
}
