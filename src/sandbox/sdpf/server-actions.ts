import { ApiError, badRequest } from '../errors.ts';
import type { Result } from '../types.ts';
import { bodyObject, isObject, requiredText } from './input.ts';
import type { Context, JsonObject } from './input.ts';
import { serverState } from './server-record.ts';
import { findServer } from './servers.ts';

export interface JobRecord {
  id: string;
  tenantID: string;
  serverID: string;
  kind: 'add-license-to-vm' | 'deploy-guestimage';
  /** As sent; echoed in the result. */
  requested: JsonObject;
  /** Of add-license-to-vm. */
  licenseTypes: string[];
  startedAt: number;
  endsAt: number;
  outcome: string;
  message: string | null;
}

/** Server Actions: the single key of the body selects the action (seed 000, Server Actions). */
export function serverAction(context: Context): Result {
  const server = findServer(context);
  const body = bodyObject(context);
  const names = Object.keys(body);
  const [action] = names;
  const param = action === undefined ? undefined : body[action];
  if (names.length !== 1 || action === undefined) throw badRequest('exactly one action is required');
  if (!isObject(param)) throw badRequest(`${action} must be an object`);
  switch (action) {
    case 'add-license-to-vm':
      return start(context, server.id, action, readAddLicense(context, param));
    case 'get-result-for-add-license-to-vm':
      return result(context, server.id, 'add-license-to-vm', param);
    case 'deploy-guestimage':
      // Neither the body nor its answer is documented: taken as it comes.
      return start(context, server.id, action, param);
    case 'get-result-for-deploy-guestimage':
      return result(context, server.id, 'deploy-guestimage', param);
    default:
      throw badRequest('the action is unknown');
  }
}

function start(context: Context, serverID: string, kind: JobRecord['kind'], requested: JsonObject): Result {
  const { world, tenantID } = context;
  const server = world.servers.get(serverID);
  if (!server || serverState(world, server).status !== 'ACTIVE') throw badRequest('server is not ACTIVE');
  const job: JobRecord = {
    // 24 hexadecimal characters, not a UUID.
    id: world.ids.hex(24),
    tenantID,
    serverID,
    kind,
    requested,
    licenseTypes: Array.isArray(requested.license_types) ? requested.license_types.map(String) : [],
    startedAt: world.now(),
    endsAt: world.now() + world.settings.jobSeconds * 1000,
    outcome: world.settings.jobOutcome,
    message: world.settings.jobMessage,
  };
  world.jobs.set(job.id, job);
  return { status: 200, body: { job_id: job.id } };
}

function result(context: Context, serverID: string, kind: JobRecord['kind'], param: JsonObject): Result {
  const { world, tenantID } = context;
  const job = world.jobs.get(requiredText(param, 'job_id'));
  if (!job || job.tenantID !== tenantID || job.serverID !== serverID || job.kind !== kind) {
    throw new ApiError(404, 'Job not found');
  }
  const ended = job.endsAt <= world.now();
  return {
    status: 200,
    body: {
      job_id: job.id,
      // COMPLETED is the only status that is known; the one before it is an invention.
      status: ended ? job.outcome : 'PROCESSING',
      requested_param: job.requested,
      message: ended ? job.message : null,
    },
  };
}

function readAddLicense(context: Context, param: JsonObject): JsonObject {
  const { settings } = context.world;
  const types = param.license_types;
  if (!Array.isArray(types) || types.length === 0) throw badRequest('license_types is required');
  for (const name of types) {
    if (typeof name !== 'string' || name === '') throw badRequest('license_types must hold names');
    const type = settings.licenseTypes.find((one) => one.name === name);
    // The document's own sample names a type that cannot be switched and one that is not in its catalogue.
    if (settings.strictLicenseTypes && !type?.license_switch) throw badRequest(`license type ${name} is invalid`);
  }
  if (typeof param.vm_id === 'string' && param.vm_id !== '') return { vm_id: param.vm_id, license_types: types };
  return { vm_name: requiredText(param, 'vm_name'), license_types: types };
}
