import { ApiError, badRequest } from '../errors.ts';
import type { Result } from '../types.ts';
import type { World } from '../world.ts';
import { pathID, wrapped } from './input.ts';
import type { Context, JsonObject } from './input.ts';
import { readName, referenceID } from './server-create.ts';
import { isGone, lastChange, serverState } from './server-record.ts';
import type { ServerRecord } from './server-record.ts';
import { briefServer, fullServer } from './server-view.ts';

export function listServers(context: Context): Result {
  return { status: 200, body: { servers: page(context).map((server) => briefServer(server, context.baseURL)) } };
}

export function listServersDetail(context: Context): Result {
  const { world, baseURL } = context;
  return { status: 200, body: { servers: page(context).map((server) => fullServer(world, server, baseURL)) } };
}

export function showServer(context: Context): Result {
  return serverAnswer(context, findServer(context));
}

/** Update Server changes the name, and nothing else; what else is sent is let pass, as NTT's SDK adds the ID. */
export function updateServer(context: Context): Result {
  const server = findServer(context);
  server.name = readName(wrapped(context, 'server'));
  server.updatedAt = context.world.now();
  return serverAnswer(context, server);
}

/** Delete Server: only in ACTIVE or ERROR (seed 000, Delete Server); the machine stays readable for a while. */
export function deleteServer(context: Context): Result {
  const { world, seq } = context;
  const server = findServer(context);
  const { status, taskState } = serverState(world, server);
  if ((status !== 'ACTIVE' && status !== 'ERROR') || taskState !== 'None') {
    throw new ApiError(409, `Conflict: server is ${status}, task ${taskState}`);
  }
  markDeleted(world, server, world.settings.deleteSeconds, seq);
  return { status: 204 };
}

export function markDeleted(world: World, server: ServerRecord, seconds: number, call: number | null): void {
  server.deletingSince = world.now();
  server.updatedAt = world.now();
  server.goneAt = world.now() + seconds * 1000;
  server.deletedByCall = call;
}

/** The server of the path, or 404. */
export function findServer(context: Context): ServerRecord {
  const { world, tenantID } = context;
  const server = world.servers.get(pathID(context));
  if (!server || server.tenantID !== tenantID || isGone(world, server) || !isShown(world, server)) {
    throw new ApiError(404, 'Server not found');
  }
  return server;
}

function isShown(world: World, server: ServerRecord): boolean {
  if (world.settings.hideServers) return false;
  return !world.settings.showLag || server.listedAt <= world.now();
}

function serverAnswer(context: Context, server: ServerRecord): Result {
  return { status: 200, body: { server: fullServer(context.world, server, context.baseURL) } };
}

/**
 * The servers that a list call asks for, oldest first. `limit` and `marker` page; neither default nor maximum of
 * `limit` is documented, so both are settings, and a larger limit is cut without a word, as Nova does.
 */
function page(context: Context): ServerRecord[] {
  const { world, tenantID, query } = context;
  const { settings } = world;
  const limit = readLimit(query.get('limit'), settings.defaultLimit, settings.maxLimit);
  const keep = readFilters(world, query);
  const all = [...world.servers.values()].filter((server) => server.tenantID === tenantID && !isGone(world, server));
  const marker = query.get('marker');
  let from = 0;
  if (marker !== null) {
    from = all.findIndex((server) => server.id === marker) + 1;
    if (from === 0) throw badRequest('marker not found');
  }
  const listed = all
    .slice(from)
    .filter((server) => !settings.hideServers && server.listedAt <= world.now() && keep(server));
  return listed.slice(0, limit);
}

function readLimit(text: string | null, standard: number, maximum: number): number {
  if (text === null) return Math.min(standard, maximum);
  if (!/^\d{1,9}$/.test(text)) throw badRequest('limit must be a non-negative integer');
  const limit = Number(text);
  return limit === 0 ? Math.min(standard, maximum) : Math.min(limit, maximum);
}

/** Filters: name exact, image and flavor as URL or ID, status as reported. */
function readFilters(world: World, query: URLSearchParams): (server: ServerRecord) => boolean {
  const wanted: JsonObject = {};
  for (const name of ['name', 'image', 'flavor', 'status']) {
    const value = query.get(name);
    if (value !== null) wanted[name] = name === 'image' || name === 'flavor' ? referenceID(value) : value;
  }
  const since = query.get('changes-since');
  // A "+" of a zone offset that was not percent-encoded arrives as a space.
  const sinceTime = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since.replace(' ', '+'));
  if (Number.isNaN(sinceTime)) throw badRequest('changes-since must be a date-time');
  return (server) => {
    if (wanted.name !== undefined && server.name !== wanted.name) return false;
    if (wanted.image !== undefined && server.image.id !== wanted.image) return false;
    if (wanted.flavor !== undefined && server.flavorID !== wanted.flavor) return false;
    if (wanted.status !== undefined && serverState(world, server).status !== wanted.status) return false;
    return lastChange(world, server) >= sinceTime;
  };
}
