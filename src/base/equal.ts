import { Secret } from './secret.ts';

/**
 * Whether two values as JSON gives them (with Secrets in them) are the same: the order of members does not count, and one
 * that is undefined is as good as missing. Anything else is the same only as itself.
 */
export function isSameJSON(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return Number.isNaN(a) && Number.isNaN(b);
  if (a instanceof Secret || b instanceof Secret)
    return a instanceof Secret && b instanceof Secret && isSameJSON(a.reveal(), b.reveal());
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let index = 0; index < a.length; index += 1) if (!isSameJSON(a[index], b[index])) return false;
    return true;
  }
  return holds(a, b) && holds(b, a);
}

/** Every member of `a` is the same in `b`. */
function holds(a: object, b: object): boolean {
  for (const [name, value] of Object.entries(a)) {
    const other: unknown = Object.hasOwn(b, name) ? b[name as never] : undefined;
    if (!isSameJSON(value, other)) return false;
  }
  return true;
}
