import { type KubeObject, KubeUnreachable } from './types.ts';

/*
 * What stands between us and an API server may answer 200 with anything. What is not of the form that Kubernetes promises
 * counts as no answer: an object without a name would break whoever reads it, and a list that is none would empty a cache.
 */

interface List<T> {
  items: T[] | null;
  metadata: { resourceVersion: string; continue?: string };
}

/** What is read of a metav1.Status. */
export interface Status {
  code?: number;
  reason: string;
  message: string;
  retryAfterSeconds?: number;
}

/** One object, as a read or a write answers it. Throws KubeUnreachable for anything else. */
export function asObject(value: unknown, target: string): KubeObject {
  if (!isObject(value)) throw new KubeUnreachable(`${target}: the answer is no object of Kubernetes`, undefined);
  return value;
}

/** One page of a list. Throws KubeUnreachable for anything else, and for a list with an item that is no object. */
export function asList<T extends KubeObject>(value: unknown, target: string): List<T> {
  if (!isList<T>(value)) throw new KubeUnreachable(`LIST ${target}: the answer is no list of Kubernetes`, undefined);
  return value;
}

/** A metav1.Status, in bounds within which it can be logged and shown; what it lacks is told as such. */
export function readStatus(value: unknown): Status {
  const { code, reason, message, details } = isRecord(value) ? value : {};
  const seconds = isRecord(details) ? details['retryAfterSeconds'] : undefined;
  return {
    ...(typeof code === 'number' && { code }),
    reason: text(reason).slice(0, 100),
    message: text(message).slice(0, 2_000) || 'no message',
    ...(typeof seconds === 'number' && { retryAfterSeconds: seconds }),
  };
}

/** Has a name and a resource version. */
export function isObject(value: unknown): value is KubeObject {
  return isVersioned(value) && text(value.metadata['name']) !== '';
}

/** Resource versions are compared as numbers: one that is none, once remembered, would stop every later list and watch. */
export function isVersioned(value: unknown): value is { metadata: Record<string, unknown> } {
  return (
    isRecord(value) && isRecord(value['metadata']) && /^\d{1,40}$/.test(text(value['metadata']['resourceVersion']))
  );
}

function isList<T extends KubeObject>(value: unknown): value is List<T> {
  if (!isVersioned(value) || !['string', 'undefined'].includes(typeof value.metadata['continue'])) return false;
  // A list without items may be written as null.
  const { items } = value as { items?: unknown };
  return items === null || (Array.isArray(items) && items.every(isObject));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
