import * as z from 'zod';
import { Secret } from '../base/secret.ts';
import { isRecord, parseJSON } from '../remote/text.ts';

/*
 * Wire schemas of Ironic at API 1.34 as the CloudOS gateway documents it (seed 004, 1.12) and as Ironic 21.4 was seen to
 * answer. Names are the API's own. Unknown fields are dropped, unknown values of states pass. What is empty is undefined,
 * whether it is written `""` or `{}` (gateway) or null (Ironic). `links` are not read, since they must not be followed.
 */

/** An ID by which an object is addressed: never empty, and no longer than what status.externalID holds. */
export const id = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => text.isWellFormed(), 'Invalid input: expected whole characters');

const nothing = z.strictObject({});

/** A text by which we decide: another type makes the object unreadable. */
export const text = z
  .union([z.string(), nothing])
  .nullish()
  .transform((value) => (typeof value === 'string' && value !== '' ? value : undefined));

/** A text for people only: what cannot be read is left out rather than hiding the whole object. */
export const lenientText = text.catch(undefined);

/** A boolean, also as text (`True`; seed 004 L13647); nothing at all is undefined. */
export const flag = z
  .union([z.boolean(), z.string().regex(/^(?:true|false)?$/i), nothing])
  .nullish()
  .transform((value) =>
    typeof value === 'string' ? asBoolean(value) : typeof value === 'boolean' ? value : undefined,
  );

/** Beyond this, objects cannot be compared as text: one of them would hide all others of its list. */
const mostLevels = 100;

/** An object, also as text of JSON (seed 004 L14116); nothing at all is undefined. */
export const record = z
  .unknown()
  .optional()
  .transform((value, context): Record<string, unknown> | undefined => {
    if (value === undefined || value === null || value === '' || value === 'null') return undefined;
    const read = typeof value === 'string' ? parseJSON(value) : value;
    if (isRecord(read) && !isDeeper(read, mostLevels)) return read;
    context.addIssue({ code: 'custom', message: 'Invalid input: expected an object, or text that holds one' });
    return z.NEVER;
  });

/**
 * As `record`, none is `{}`. What a key says is a password becomes a Secret: Ironic masks those of driver_info, but
 * nothing of properties (`properties.password`, seed 004 L12563). A mask stays as it is, since it tells nothing.
 */
export const guardedRecord = record.transform((value = {}) =>
  Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      key,
      /password/i.test(key) && typeof entry === 'string' && !/^\**$/.test(entry) ? new Secret(entry) : entry,
    ]),
  ),
);

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((entry) => isDeeper(entry, levels - 1));
}

function asBoolean(text: string): boolean | undefined {
  return text === '' ? undefined : text.toLowerCase() === 'true';
}
