import { type Key, KubeError, type ObjectMeta, type ResourceType } from '../../../src/kube/types.ts';
import type { Tree } from './values.ts';

/** What a call was about. */
export interface Call {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'WATCH';
  type: ResourceType;
  key: Partial<Key>;
  subresource?: 'status' | undefined;
}

const resourceOf = ({ group, plural }: ResourceType) => (group ? `${plural}.${group}` : plural);

/** In the words of an API server, as the client hands them on. */
export function refusal(call: Call, status: number, reason: string, why: string): KubeError {
  const { method, type, key, subresource } = call;
  const name = method === 'POST' ? undefined : key.name;
  const target = [resourceOf(type), key.namespace, name, subresource].filter(Boolean).join('/');
  const said = [status, reason].filter(Boolean).join(' ');
  return new KubeError(status, reason, `${method} ${target}: ${said}: ${why}`);
}

export function notFound(call: Call): KubeError {
  return refusal(call, 404, 'NotFound', `${resourceOf(call.type)} "${call.key.name}" not found`);
}

export function alreadyExists(call: Call, { metadata }: { metadata: ObjectMeta }): KubeError {
  const going = metadata.deletionTimestamp === undefined ? '' : 'object is being deleted: ';
  return refusal(call, 409, 'AlreadyExists', `${going}${resourceOf(call.type)} "${call.key.name}" already exists`);
}

export function conflict(call: Call, why: string): KubeError {
  const what = `Operation cannot be fulfilled on ${resourceOf(call.type)} "${call.key.name}": ${why}`;
  return refusal(call, 409, 'Conflict', what);
}

export function invalid(call: Call, why: string): KubeError {
  const { group, kind } = call.type;
  return refusal(call, 422, 'Invalid', `${group ? `${kind}.${group}` : kind} "${call.key.name}" is invalid: ${why}`);
}

/** What a write may not say of the metadata. A status is written without all that, the uid included. */
export function checkMeta(call: Call, before: ObjectMeta & Tree, sent: Tree | undefined): void {
  if (!sent) return;
  const { name, namespace, resourceVersion } = sent;
  if (name !== undefined && name !== call.key.name) {
    const why = `the name of the object (${JSON.stringify(name)}) does not match the name on the URL (${call.key.name})`;
    throw refusal(call, 400, 'BadRequest', why);
  }
  if (namespace !== undefined && namespace !== call.key.namespace) {
    const why = 'the namespace of the provided object does not match the namespace sent on the request';
    throw refusal(call, 400, 'BadRequest', why);
  }
  if (typeof resourceVersion === 'string' && resourceVersion !== before.resourceVersion) {
    throw conflict(call, 'the object has been modified; please apply your changes to the latest version and try again');
  }
  if (call.subresource) return;
  for (const field of ['uid', 'deletionTimestamp']) {
    const wanted = sent[field];
    if (wanted === undefined || wanted === null || wanted === before[field]) continue;
    throw invalid(call, `metadata.${field}: Invalid value: ${JSON.stringify(wanted)}: field is immutable`);
  }
}

export function checkPreconditions(
  call: Call,
  { uid, resourceVersion }: ObjectMeta,
  wanted: { uid?: string | undefined; resourceVersion?: string | undefined },
): void {
  const text = (field: string, asked: string, is: string | undefined, might: string) =>
    `the ${field} in the precondition (${asked}) does not match the ${field} in record (${is}). The object might have been ${might}`;
  if (wanted.uid !== undefined && wanted.uid !== uid) {
    throw conflict(call, text('UID', wanted.uid, uid, 'deleted and then recreated'));
  }
  if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion) {
    throw conflict(call, text('ResourceVersion', wanted.resourceVersion, resourceVersion, 'modified'));
  }
}
