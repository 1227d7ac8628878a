import type { Fence, Priority, RemoteSession } from '../remote/call.ts';
import type { TolerantList } from '../remote/tolerant-list.ts';
import type { MakeCall } from './client-call.ts';
import { allPages } from './client-pages.ts';
import type { Created, JSONPatch } from './wire-node.ts';
import { created } from './wire-node.ts';
import * as wire from './wire-port.ts';

type ReadPriority = Exclude<Priority, 'write'>;

/** Ports of nodes. There is no read of one. */
export function portCalls(session: RemoteSession, call: MakeCall) {
  const pages = (operation: string, path: string, priority: ReadPriority) =>
    allPages(operation, `v1/${path}`, async (marker) => {
      const { ports: list, next } = await session.read(
        call({ operation, method: 'GET', path, query: { marker }, answer: wire.portsAnswer }),
        priority,
      );
      return { list, next };
    });

  return {
    /** Ports of all nodes: Ironic's own, which the gateway does not document. */
    listPorts: (priority: ReadPriority): Promise<TolerantList<wire.Port>> =>
      pages('ListPortsDetail', 'ports/detail', priority),

    /** NotFound: there is no such node. Seed 004, 1.12-10. */
    listNodePorts: (nodeID: string, priority: ReadPriority): Promise<TolerantList<wire.Port>> =>
      pages('ListNodePorts', `nodes/${encodeURIComponent(nodeID)}/ports/detail`, priority),

    /** A taken address or ID is refused by 409, an unknown node by 400 (Ironic 21.4). Seed 004, 1.12-11. */
    createPort: (port: wire.CreatePort, fence: Fence): Promise<Created> =>
      session.write(
        call({ operation: 'CreatePort', method: 'POST', path: 'ports', body: port, answer: created }),
        fence,
      ),

    /** Seed 004, 1.12-13. */
    patchPort: (portID: string, patch: JSONPatch, fence: Fence): Promise<void> =>
      session.write(call({ operation: 'PatchPort', method: 'PATCH', path: portPath(portID), body: patch }), fence),

    /** Seed 004, 1.12-12. */
    deletePort: (portID: string, fence: Fence): Promise<void> =>
      session.write(call({ operation: 'DeletePort', method: 'DELETE', path: portPath(portID) }), fence),
  };
}

function portPath(portID: string): string {
  return `ports/${encodeURIComponent(portID)}`;
}
