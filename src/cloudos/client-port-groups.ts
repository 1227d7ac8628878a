import type { Fence, Priority, RemoteSession } from '../remote/call.ts';
import type { TolerantList } from '../remote/tolerant-list.ts';
import type { MakeCall } from './client-call.ts';
import { allPages } from './client-pages.ts';
import type { Created, JSONPatch } from './wire-node.ts';
import { created } from './wire-node.ts';
import * as wire from './wire-port.ts';

type ReadPriority = Exclude<Priority, 'write'>;

/** Port groups of nodes. There is no read of one; which ports are in it, the ports tell. */
export function portGroupCalls(session: RemoteSession, call: MakeCall) {
  return {
    /** Port groups of all nodes: Ironic's own, which the gateway does not document. */
    listPortGroups: (priority: ReadPriority): Promise<TolerantList<wire.PortGroup>> =>
      allPages('ListPortGroupsDetail', 'v1/portgroups/detail', async (marker) => {
        const { portgroups: list, next } = await session.read(
          call({
            operation: 'ListPortGroupsDetail',
            method: 'GET',
            path: 'portgroups/detail',
            query: { marker },
            answer: wire.portGroupsAnswer,
          }),
          priority,
        );
        return { list, next };
      }),

    /** ID, name and address only; the node is the one asked for, unless an item names another. NotFound: there is no such node. Seed 004, 1.12-14. */
    async listNodePortGroups(nodeID: string, priority: ReadPriority): Promise<TolerantList<wire.PortGroup>> {
      const { items, dropped } = await allPages('ListNodePortGroups', 'v1/portgroups', async (marker) => {
        const { portgroups: list, next } = await session.read(
          call({
            operation: 'ListNodePortGroups',
            method: 'GET',
            path: 'portgroups',
            query: { node: nodeID, marker },
            answer: wire.portGroupsOfNodeAnswer,
          }),
          priority,
        );
        return { list, next };
      });
      return { items: items.map((group) => ({ ...group, node_uuid: group.node_uuid ?? nodeID })), dropped };
    },

    /** Seed 004, 1.12-15. */
    createPortGroup: (group: wire.CreatePortGroup, fence: Fence): Promise<Created> =>
      session.write(
        call({ operation: 'CreatePortGroup', method: 'POST', path: 'portgroups', body: group, answer: created }),
        fence,
      ),

    /** Ironic's own: the gateway documents no change of a port group. */
    patchPortGroup: (groupID: string, patch: JSONPatch, fence: Fence): Promise<void> =>
      session.write(
        call({ operation: 'PatchPortGroup', method: 'PATCH', path: groupPath(groupID), body: patch }),
        fence,
      ),

    /** With ports in it, Ironic 21.4 answers 500 and deletes nothing. Seed 004, 1.12-16. */
    deletePortGroup: (groupID: string, fence: Fence): Promise<void> =>
      session.write(call({ operation: 'DeletePortGroup', method: 'DELETE', path: groupPath(groupID) }), fence),
  };
}

function groupPath(groupID: string): string {
  return `portgroups/${encodeURIComponent(groupID)}`;
}
