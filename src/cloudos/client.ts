import type { RemoteSession } from '../remote/call.ts';
import { type BareMetalAPI, ironicCalls } from './client-call.ts';
import { nodeCalls } from './client-nodes.ts';
import { portGroupCalls } from './client-port-groups.ts';
import { portCalls } from './client-ports.ts';

/**
 * The bare-metal part of CloudOS (seed 004, 1.12-1 to 1.12-16), which is Ironic behind a gateway, and what a plain Ironic
 * has beside it. The session's endpoint is the gateway's base URL, or Ironic's without `/v1`. Reads say who asks, writes
 * bring their fence; every method throws RemoteError. Any 2xx is success: the gateway documents 200 throughout, Ironic
 * answers 200, 201, 202 and 204.
 */
export function createCloudOSClient(session: RemoteSession, api: BareMetalAPI): CloudOSClient {
  const call = ironicCalls(api);
  return { ...nodeCalls(session, call), ...portCalls(session, call), ...portGroupCalls(session, call) };
}

export type CloudOSClient = ReturnType<typeof nodeCalls> &
  ReturnType<typeof portCalls> &
  ReturnType<typeof portGroupCalls>;
