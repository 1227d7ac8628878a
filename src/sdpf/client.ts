import type { RemoteSession } from '../remote/call.ts';
import { licenseCalls } from './client-licenses.ts';
import { serverCalls } from './client-servers.ts';
import { vcenterCalls } from './client-vcenters.ts';

/**
 * Dedicated Hypervisor 1.0.0: every operation of its reference (seed 000) under the document's name. The session's
 * endpoint is `https://{host}/v1.0/{tenant_id}`. Reads say who asks, writes bring their fence; every method throws
 * RemoteError. Any 2xx is success, since documents and clients disagree on 200, 202 and 204.
 */
export function createSDPFClient(session: RemoteSession): SDPFClient {
  return { ...serverCalls(session), ...licenseCalls(session), ...vcenterCalls(session) };
}

export type SDPFClient = ReturnType<typeof serverCalls> &
  ReturnType<typeof licenseCalls> &
  ReturnType<typeof vcenterCalls>;
