import { ApiError, badRequest } from '../errors.ts';
import type { World } from '../world.ts';

/** What every operation is given. The token has been checked, and the path's tenant is the token's. */
export interface Context {
  world: World;
  tenantID: string;
  /** The variable segments of the path, in order. */
  params: string[];
  query: URLSearchParams;
  /** The raw request body. */
  body: string;
  /** Number of this call in the call log. */
  seq: number;
  /** `http://host:port`, as the client addressed it. */
  baseURL: string;
}

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The request body as a JSON object. */
export function bodyObject(context: Context): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(context.body);
  } catch {
    throw badRequest('the body is not JSON');
  }
  if (!isObject(parsed)) throw badRequest('the body is not an object');
  return parsed;
}

/** The object under the wrapper that most bodies have: `{"server": {…}}`. */
export function wrapped(context: Context, name: string): JsonObject {
  const inner = bodyObject(context)[name];
  if (!isObject(inner)) throw badRequest(`${name} is required`);
  return inner;
}

/** The one variable segment of the path. */
export function pathID(context: Context): string {
  const id = context.params[0];
  if (id === undefined) throw new ApiError(404, 'Not Found');
  return id;
}

export function requiredText(object: JsonObject, name: string): string {
  const value = object[name];
  if (typeof value !== 'string' || value === '') throw badRequest(`${name} is required`);
  return value;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUUID(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** `2025-07-01T09:27:18Z`, as servers carry it. */
export function wireSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `2016-06-01T00:00:00.000Z`, as licences and connections carry it. */
export function wireMilliseconds(ms: number): string {
  return new Date(ms).toISOString();
}
