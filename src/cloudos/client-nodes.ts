import type { Fence, Priority, RemoteSession } from '../remote/call.ts';
import type { TolerantList } from '../remote/tolerant-list.ts';
import type { MakeCall } from './client-call.ts';
import { allPages } from './client-pages.ts';
import * as wire from './wire-node.ts';

type ReadPriority = Exclude<Priority, 'write'>;

/** Nodes, and the verbs on them. A verb that is answered has only begun: read the node to see what became of it. */
export function nodeCalls(session: RemoteSession, call: MakeCall) {
  return {
    /** All nodes that the project may see. Seed 004, 1.12-1. */
    listNodes: (priority: ReadPriority): Promise<TolerantList<wire.Node>> =>
      allPages('ListNodesDetail', 'v1/nodes/detail', async (marker) => {
        const { nodes: list, next } = await session.read(
          call({
            operation: 'ListNodesDetail',
            method: 'GET',
            path: 'nodes/detail',
            query: { marker },
            answer: wire.nodesAnswer,
          }),
          priority,
        );
        return { list, next };
      }),

    /** NotFound is one witness that it is gone, not two. Seed 004, 1.12-2. */
    getNode: (nodeID: string, priority: ReadPriority): Promise<wire.Node> =>
      session.read(call({ operation: 'GetNode', method: 'GET', path: nodePath(nodeID), answer: wire.node }), priority),

    /**
     * The node begins in `enroll`. A repeated create is refused by 409, and its text names the node's name where both name
     * and ID are taken (Ironic 21.4). Seed 004, 1.12-5.
     */
    createNode: (node: wire.CreateNode, fence: Fence): Promise<wire.Created> =>
      session.write(
        call({ operation: 'CreateNode', method: 'POST', path: 'nodes', body: node, answer: wire.created }),
        fence,
      ),

    /** Refused by 409 while the node is locked. Seed 004, 1.12-3. */
    patchNode: (nodeID: string, patch: wire.JSONPatch, fence: Fence): Promise<void> =>
      session.write(call({ operation: 'PatchNode', method: 'PATCH', path: nodePath(nodeID), body: patch }), fence),

    /** Its ports and port groups go with it (Ironic 21.4). Seed 004, 1.12-4. */
    deleteNode: (nodeID: string, fence: Fence): Promise<void> =>
      session.write(call({ operation: 'DeleteNode', method: 'DELETE', path: nodePath(nodeID) }), fence),

    /** Begins a verb; a wrong one for the state is refused by 400. Seed 004, 1.12-6. */
    setProvisionState: (nodeID: string, target: wire.ProvisionTarget, fence: Fence): Promise<void> =>
      session.write(
        call({
          operation: 'SetProvisionState',
          method: 'PUT',
          path: `${nodePath(nodeID)}/states/provision`,
          body: target,
        }),
        fence,
      ),

    /** Seed 004, 1.12-9, which prints the path without the gateway's part. */
    setPowerState: (nodeID: string, target: wire.PowerTarget, fence: Fence): Promise<void> =>
      session.write(
        call({ operation: 'SetPowerState', method: 'PUT', path: `${nodePath(nodeID)}/states/power`, body: target }),
        fence,
      ),

    /** Also replaces the reason of a maintenance. Seed 004, 1.12-7. */
    setMaintenance: (nodeID: string, maintenance: { reason: string }, fence: Fence): Promise<void> =>
      session.write(
        call({
          operation: 'SetMaintenance',
          method: 'PUT',
          path: `${nodePath(nodeID)}/maintenance`,
          body: maintenance,
        }),
        fence,
      ),

    /** Seed 004, 1.12-8. */
    unsetMaintenance: (nodeID: string, fence: Fence): Promise<void> =>
      session.write(
        call({ operation: 'UnsetMaintenance', method: 'DELETE', path: `${nodePath(nodeID)}/maintenance` }),
        fence,
      ),
  };
}

function nodePath(nodeID: string): string {
  return `nodes/${encodeURIComponent(nodeID)}`;
}
