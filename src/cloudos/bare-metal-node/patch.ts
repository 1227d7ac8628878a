import { Secret } from '../../base/secret.ts';
import type { JsonBody } from '../../remote/call.ts';
import type { PatchOperation } from '../wire-node.ts';

/** One difference between a remote object and its spec, and what mends it. */
export interface Change {
  /** `driver: wanted "ipmi", is "redfish"`, for people; of a secret only that it changed. */
  text: string;
  patch: PatchOperation;
}

const shown = (value: unknown): string =>
  value === undefined ? 'not set' : typeof value === 'object' ? JSON.stringify(value) : `"${textOf(value)}"`;

/** For what may hold a secret that nobody marked as one, such as a URL with a password in it. */
export const untold = (value: unknown): string => (value === undefined ? 'not set' : 'another value');

/** What the remote shows instead of a secret; stored as it stands when it is sent back (Ironic 21.4). */
const isMasked = (value: unknown): boolean => typeof value === 'string' && /^\*+$/.test(value);

/**
 * A field, or a key in a field, that is to have a value. Ironic 21.4 answers 400 to `replace` of an absent one, and to a
 * path of anything but letters, digits, `_` and `-`: the schema takes no other keys.
 */
export function change(path: string[], want: JsonBody, is: unknown, name = path.join('.'), show = shown): Change {
  const op = is === undefined ? 'add' : 'replace';
  return {
    text: `${name}: wanted ${shown(want)}, is ${show(is)}`,
    patch: { op, path: `/${path.join('/')}`, value: want },
  };
}

/** A field that is to have none. */
export const removal = (field: string, name: string, is: unknown): Change => ({
  text: `${name}: wanted none, is ${shown(is)}`,
  patch: { op: 'remove', path: `/${field}` },
});

/**
 * Keys of a map that are to have these texts. Numbers and texts are the same to the API; what the remote masks cannot be
 * compared, and what the spec does not name is left alone.
 */
export function mapChanges(
  field: string,
  want: Record<string, string>,
  have: Record<string, unknown>,
  { name = field, show = shown } = {},
): Change[] {
  return Object.entries(want).flatMap(([key, value]) => {
    const is = Object.hasOwn(have, key) ? (have[key] ?? undefined) : undefined;
    if (isMasked(is)) return [];
    const same = is instanceof Secret ? is.reveal() === value : is !== undefined && textOf(is) === value;
    return same ? [] : [change([field, key], value, is, `${name}.${key}`, show)];
  });
}

/** JSON knows no other types; a text stays as it is. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
