import type { Result } from '../types.ts';
import type { World } from '../world.ts';
import { wireMilliseconds } from './input.ts';
import type { Context, JsonObject } from './input.ts';
import { serverState } from './server-record.ts';
import type { ServerRecord } from './server-record.ts';
import { findServer } from './servers.ts';

/** The connection as the platform last saw it (seed 000, Show CFGW Connection). */
export function showCFGWConnection(context: Context): Result {
  const server = findServer(context);
  return { status: 200, body: { server: connection(context.world, server) } };
}

/** Takes no input: the platform looks at the connection again and stores what it saw. */
export function updateCFGWConnection(context: Context): Result {
  const { world } = context;
  const server = findServer(context);
  if (!serverState(world, server).building) {
    const { status, errorType } = server.cfgwActual;
    const establishedAt = status ? world.now() : server.cfgwKnown.establishedAt;
    server.cfgwKnown = { status, errorType, establishedAt, checkedAt: world.now() };
  }
  return { status: 200, body: { server: connection(world, server), info: 'Successfully updated' } };
}

function connection(world: World, server: ServerRecord): JsonObject {
  const { status, errorType, establishedAt, checkedAt } = server.cfgwKnown;
  // A machine in BUILD has never been connected.
  const seen = !serverState(world, server).building;
  const time = (ms: number | null): string | null => (seen && ms !== null ? wireMilliseconds(ms) : null);
  return {
    id: server.id,
    cfgw_connection: {
      status: seen && status,
      error_type: seen ? errorType : null,
      last_established_at: time(establishedAt),
      updated_at: time(checkedAt),
    },
  };
}
