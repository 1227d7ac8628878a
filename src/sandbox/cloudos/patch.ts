import { isObject } from '../sdpf/input.ts';
import type { JsonObject } from '../sdpf/input.ts';
import { badRequest } from './errors.ts';

/** One step of a JSON patch, checked. */
export interface PatchStep {
  op: 'add' | 'replace' | 'remove';
  /** Segments of the path. */
  path: string[];
  value: unknown;
}

/** Reads a patch: an array of `add`, `replace` and `remove`. Other operations of RFC 6902 are refused (Ironic 21.4). */
export function readPatch(body: unknown): PatchStep[] {
  if (!Array.isArray(body)) throw badRequest(`Schema error for patch: ${JSON.stringify(body)} is not of type 'array'`);
  return body.map((item: unknown) => {
    if (!isObject(item)) throw badRequest(`Schema error for patch: ${JSON.stringify(item)} is not of type 'object'`);
    const { op, path, value } = item;
    if (op !== 'add' && op !== 'replace' && op !== 'remove') {
      throw badRequest(`Schema error for patch: ${JSON.stringify(op)} is not one of ['add', 'replace', 'remove']`);
    }
    // No dot, no tilde: a key such as `example.org/owner` cannot be patched by itself (Ironic 21.4).
    if (typeof path !== 'string' || !/^(\/[\w-]+)+$/.test(path)) {
      throw badRequest(`Schema error for patch: ${JSON.stringify(path)} does not match '^(/[\\w-]+)+$'`);
    }
    if (op !== 'remove' && !Object.hasOwn(item, 'value')) {
      throw couldNot("The operation does not contain a 'value' member");
    }
    return { op, path: path.slice(1).split('/'), value };
  });
}

/** Refuses a path whose first segment is not a field that may be patched. */
export function refuseOthers(steps: readonly PatchStep[], names: readonly string[]): void {
  const other = steps.find(({ path }) => !names.includes(path[0] ?? ''));
  if (!other) return;
  throw badRequest(
    `Cannot patch /${other.path.join('/')}. Only the following can be updated: ${[...names].sort().join(', ')}`,
  );
}

/** Names of the fields that a patch changes. */
export function changedNames(before: JsonObject, after: JsonObject): string[] {
  return Object.keys(after).filter((name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]));
}

/**
 * `fields` with the patch applied, all or nothing. A top-level field that is removed becomes what `defaults` says; to
 * remove or replace what is not there is refused, deeper down.
 */
export function applyPatch(fields: JsonObject, steps: readonly PatchStep[], defaults: JsonObject): JsonObject {
  const result = structuredClone(fields);
  for (const step of steps) {
    const [top = '', ...rest] = step.path;
    if (rest.length > 0) applyDeep(result, step);
    else result[top] = step.op === 'remove' ? structuredClone(defaults[top]) : structuredClone(step.value);
  }
  return result;
}

function applyDeep(root: JsonObject, { op, path, value }: PatchStep): void {
  const last = path.at(-1) ?? '';
  let parent: unknown = root;
  for (const name of path.slice(0, -1)) parent = childOf(parent, name);
  if (Array.isArray(parent)) {
    applyToArray(parent, op, last, value);
    return;
  }
  if (!isObject(parent)) throw couldNot(`member '${last}' not found in ${JSON.stringify(parent)}`);
  if (op !== 'add' && !Object.hasOwn(parent, last)) throw couldNot(`can't ${op} a non-existent object '${last}'`);
  if (op === 'remove') delete parent[last];
  else parent[last] = structuredClone(value);
}

function applyToArray(items: unknown[], op: PatchStep['op'], last: string, value: unknown): void {
  const index = last === '-' && op === 'add' ? items.length : Number(last);
  const end = op === 'add' ? items.length : items.length - 1;
  if (!Number.isInteger(index) || index < 0 || index > end) throw couldNot(`can't ${op} outside of list`);
  if (op === 'remove') items.splice(index, 1);
  else items.splice(index, op === 'add' ? 0 : 1, structuredClone(value));
}

function childOf(parent: unknown, name: string): unknown {
  if (Array.isArray(parent)) return parent[Number(name)];
  if (isObject(parent) && Object.hasOwn(parent, name)) return parent[name];
  throw couldNot(`member '${name}' not found`);
}

function couldNot(reason: string): Error {
  return badRequest(`Couldn't apply patch. Reason: ${reason}`);
}
