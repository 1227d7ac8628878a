import { isObject } from '../sdpf/input.ts';
import type { JsonObject } from '../sdpf/input.ts';
import type { Result } from '../types.ts';
import { badRequest, IronicError, notFound } from './errors.ts';
import { isUUIDLike } from './fields.ts';
import type { Call } from './operation.ts';

const PAGING = ['limit', 'marker', 'sort_key', 'sort_dir'];

/** Refuses query keys that a list does not know (Ironic 21.4: 400). */
export function checkQuery(call: Call, known: readonly string[]): void {
  const unknown = [...call.query.keys()].find((key) => !known.includes(key) && !PAGING.includes(key));
  if (unknown !== undefined) throw badRequest(`Unexpected arguments: ${unknown}`);
}

/**
 * One page of views. A page that is exactly full has a `next`, which may lead to an empty page; a limit above the largest
 * is cut without a word (Ironic 21.4).
 */
export function page(call: Call, key: string, what: string, views: JsonObject[]): Result {
  const { query } = call;
  const sorted = sort(views, query.get('sort_key'), query.get('sort_dir'));
  const limit = readLimit(query.get('limit'), call.world.settings.maxLimit);
  const marker = query.get('marker');
  let from = 0;
  if (marker !== null && !isUUIDLike(marker)) throw badRequest(`Expected UUID for marker: ${marker}`);
  if (marker !== null) {
    from = sorted.findIndex((view) => view.uuid === marker) + 1;
    if (from === 0) throw notFound(what, marker);
  }
  const items = sorted.slice(from, from + limit);
  const body: JsonObject = { [key]: items.map((view) => pick(view, query.get('fields'), 500)) };
  const last = items.at(-1);
  if (last && items.length === limit) {
    const next = new URLSearchParams(query);
    next.set('limit', String(limit));
    next.set('marker', String(last.uuid));
    body.next = `${call.links}${call.path}?${next.toString()}`;
  }
  return { status: 200, body };
}

/** The fields that `fields` names, with the links. An unknown one fails with `status`, which differs by call. */
export function pick(view: JsonObject, fields: string | null, status: number): JsonObject {
  if (fields === null) return view;
  const names = fields.split(',');
  const unknown = names.find((name) => !Object.hasOwn(view, name));
  if (unknown !== undefined) throw new IronicError(status, `Field ${unknown} is not a valid field.`);
  return Object.fromEntries(Object.entries(view).filter(([name]) => names.includes(name) || name === 'links'));
}

function readLimit(text: string | null, largest: number): number {
  if (text === null) return largest;
  const limit = Number(text);
  if (!/^-?\d+$/.test(text)) throw badRequest(`Expected an integer for limit: ${text}`);
  if (limit <= 0) throw badRequest('Limit must be positive');
  return Math.min(limit, largest);
}

function sort(views: JsonObject[], key: string | null, direction: string | null): JsonObject[] {
  if (direction !== null && direction !== 'asc' && direction !== 'desc') {
    throw badRequest(`Invalid sort direction: ${direction}. Acceptable values are 'asc' or 'desc'`);
  }
  const sorted = [...views];
  if (key !== null && key !== 'id') {
    if (views[0] && (!Object.hasOwn(views[0], key) || isObject(views[0][key]) || Array.isArray(views[0][key]))) {
      throw badRequest(`The sort_key value "${key}" is an invalid field for sorting`);
    }
    sorted.sort((a, b) => compare(JSON.stringify(a[key] ?? ''), JSON.stringify(b[key] ?? '')));
  }
  return direction === 'desc' ? sorted.toReversed() : sorted;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
