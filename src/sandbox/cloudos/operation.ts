import { isObject } from '../sdpf/input.ts';
import type { JsonObject } from '../sdpf/input.ts';
import type { Result } from '../types.ts';
import type { World } from '../world.ts';
import { badRequest, IronicError, notFound } from './errors.ts';
import { isUUIDLike, shown } from './fields.ts';
import type { NodeRecord } from './ironic.ts';
import { settle } from './machine.ts';

/** What every operation of Ironic is given. Token and version have been checked. */
export interface Call {
  world: World;
  /** Minor version of API 1. */
  minor: number;
  /** The variable segments of the path, in order. */
  params: string[];
  /** Path below the door, as in `/v1/nodes/detail`. */
  path: string;
  query: URLSearchParams;
  body: string;
  /** Number of this call in the call log. */
  seq: number;
  /** What links begin with. */
  links: string;
}

export type Operation = (call: Call) => Result;

/** The body, parsed. What is not JSON is an error of the server (Ironic 21.4). */
export function bodyOf(call: Call): unknown {
  try {
    return JSON.parse(call.body);
  } catch {
    throw new IronicError(500, 'The request body is not valid JSON.');
  }
}

/** The body as an object; none at all is an empty one. */
export function objectOf(call: Call): JsonObject {
  const body = call.body.trim() === '' ? {} : bodyOf(call);
  if (!isObject(body)) throw badRequest(`Schema error: ${JSON.stringify(body)} is not of type 'object'`);
  return body;
}

/** The node that the path names by UUID or, from version 1.5 on, by name; up to date. 404 where there is none. */
export function nodeOf(call: Call): NodeRecord {
  const id = call.params[0] ?? '';
  return findNode(call, id) ?? missing(id);
}

function missing(id: string): never {
  throw notFound('Node', id);
}

/** The node of a UUID or name, as far as this client can see it; up to date. */
export function findNode({ world, minor }: Call, id: string): NodeRecord | undefined {
  const { ironic, settings } = world;
  if (settings.hideNodes) return undefined;
  const node = ironic.nodes.get(id) ?? (minor >= 5 ? ironic.nodes.find((one) => one.name === id) : undefined);
  if (!node || (settings.showLag && node.listedAt > world.now())) return undefined;
  settle(world, node);
  return node;
}

/** The UUID that a create asks for; undefined: Ironic is to choose. */
export function chosenUUID(uuid: unknown): string | undefined {
  if (uuid === undefined || uuid === null) return undefined;
  if (typeof uuid === 'string' && isUUIDLike(uuid)) return uuid;
  throw badRequest(`Expected UUID for uuid: ${shown(uuid)}`);
}

/** The last variable segment of the path, which must be a UUID. */
export function uuidParam(call: Call, what: string): string {
  const id = call.params[0] ?? '';
  if (!isUUIDLike(id)) throw badRequest(`Expected UUID for ${what}: ${id}`);
  return id;
}
