import * as z from 'zod';
import { Secret } from '../base/secret.ts';

/*
 * Wire schemas of Dedicated Hypervisor 1.0.0 (seed 000). Names are the API's own. Unknown fields are dropped, unknown values
 * of statuses and types pass, null and absent are the same: undefined. `links` are not read, since they must not be followed.
 */

/** A field by which we decide: null or absent is undefined, another type makes the object unreadable. */
export function optional<T>(schema: z.ZodType<T>) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** A field for people only: what cannot be read is left out rather than hiding the whole object. */
export function lenient<T>(schema: z.ZodType<T>) {
  return optional(schema).catch(undefined);
}

/** An ID by which an object is addressed: never empty, and no longer than what status.externalID holds. */
export const id = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => text.isWellFormed(), 'Invalid input: expected whole characters');

/** Text that must not be shown: a Secret from the moment it is read. */
export const secretText = z.string().transform((text) => new Secret(text));

/** A number that older documents write as a string (usage values). */
export const numeric = z
  .union([z.number(), z.string().regex(/^\s*-?\d+(\.\d+)?\s*$/)])
  .transform((value) => Number(value));
