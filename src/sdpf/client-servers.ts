import type * as z from 'zod';
import type { Call, Fence, JsonBody, Priority, RemoteSession } from '../remote/call.ts';
import { RemoteError } from '../remote/errors.ts';
import type { TolerantList } from '../remote/tolerant-list.ts';
import { TransportError } from '../remote/transport.ts';
import { allPages } from './pages.ts';
import * as wire from './wire-server.ts';

type ReadPriority = Exclude<Priority, 'write'>;

/** Filters of the two lists. Whether `name` matches exactly is not documented: check what comes back. */
export type ServerFilter = {
  /** RFC 3339. */
  'changes-since'?: string;
  name?: string;
  /** The URL of an image, not its ID; a flavor likewise. */
  image?: string;
  flavor?: string;
  status?: string;
};

/** How an action names the VM: by one of the two. */
export type GuestVM = { vm_id: string } | { vm_name: string };

/**
 * Servers a page. The largest that the API gives is not documented; Nova, after whose manner it is made, gives 1,000 and cuts
 * what is more. Where 1,000 are refused, are more than an answer may hold, or take too long, `fewer` are asked for.
 */
const many = 1_000;
const fewer = 100;

/** Servers, the actions on them, and their connection to the common function gateway (CFGW). */
export function serverCalls(session: RemoteSession) {
  let size = many;

  async function sized<T>(page: (limit: number) => Promise<T>): Promise<T> {
    try {
      return await page(size);
    } catch (error) {
      const then = size > fewer ? smaller(error) : undefined;
      if (then === undefined) throw error;
      if (then === 'now') {
        const answered = await page(fewer);
        size = fewer;
        return answered;
      }
      size = fewer;
      throw error;
    }
  }

  const pages = <T extends { id: string }>(
    operation: string,
    path: string,
    answer: z.ZodType<{ servers: TolerantList<T> }>,
    priority: ReadPriority,
    filter: ServerFilter = {},
  ) =>
    allPages(operation, path, (marker) =>
      sized(async (limit) => {
        const query = { ...filter, limit, marker };
        return (await session.read({ operation, method: 'GET', path, query, answer }, priority)).servers;
      }),
    );

  return {
    /** All pages of the brief list, without status and description: identify by listServersDetail. Seed 000, List Servers. */
    listServers: (priority: ReadPriority, filter?: ServerFilter): Promise<TolerantList<wire.BriefServer>> =>
      pages('ListServers', 'servers', wire.briefServersAnswer, priority, filter),

    /** All pages of the full list; it always ends with a call that answers an empty page. Seed 000, List Servers Detail. */
    listServersDetail: (priority: ReadPriority, filter?: ServerFilter): Promise<TolerantList<wire.Server>> =>
      pages('ListServersDetail', 'servers/detail', wire.serversAnswer, priority, filter),

    /** NotFound is one witness that it is gone, not two. Seed 000, Show Server. */
    async showServer(serverID: string, priority: ReadPriority): Promise<wire.Server> {
      const call = {
        operation: 'ShowServer',
        method: 'GET' as const,
        path: serverPath(serverID),
        answer: wire.serverAnswer,
      };
      return (await session.read(call, priority)).server;
    },

    /** Begins a create that takes up to an hour; the answer says nothing of its status. Seed 000, Create Server. */
    async createServer(server: wire.CreateServer, fence: Fence): Promise<wire.CreatedServer> {
      const call = {
        operation: 'CreateServer',
        method: 'POST' as const,
        path: 'servers',
        body: { server },
        answer: wire.createdServer,
      };
      return (await session.write(call, fence)).server;
    },

    /** The name is the only attribute known to be editable. Seed 000, Update Server. */
    async updateServer(serverID: string, update: { name: string }, fence: Fence): Promise<wire.Server> {
      const call = {
        operation: 'UpdateServer',
        method: 'PUT' as const,
        path: serverPath(serverID),
        body: { server: update },
        answer: wire.serverAnswer,
      };
      return (await session.write(call, fence)).server;
    },

    /** Begins a delete; allowed in status ACTIVE and ERROR. The server stays visible for a while. Seed 000, Delete Server. */
    deleteServer: (serverID: string, fence: Fence): Promise<void> =>
      session.write({ operation: 'DeleteServer', method: 'DELETE', path: serverPath(serverID) }, fence),

    /** Begins to put licenses on a VM and returns the job's ID. Not idempotent, no undo. Seed 000, Server Actions. */
    async addLicenseToVM(
      serverID: string,
      request: GuestVM & { license_types: string[] },
      fence: Fence,
    ): Promise<string> {
      const call = action('AddLicenseToVM', serverID, { 'add-license-to-vm': request }, wire.jobStarted);
      return (await session.write(call, fence)).job_id;
    },

    /** A POST that changes nothing. Seed 000, Server Actions. */
    getResultForAddLicenseToVM: (serverID: string, jobID: string, priority: ReadPriority): Promise<wire.Job> =>
      session.read(
        action(
          'GetResultForAddLicenseToVM',
          serverID,
          { 'get-result-for-add-license-to-vm': { job_id: jobID } },
          wire.job,
        ),
        priority,
      ),

    /**
     * Begins to deploy a guest image, only for an ESXi that no vCenter manages, and returns the job's ID. Seed 000, Server
     * Actions, names it without its body: `request` goes out as it is.
     */
    async deployGuestImage(serverID: string, request: JsonBody, fence: Fence): Promise<string> {
      const call = action('DeployGuestImage', serverID, { 'deploy-guestimage': request }, wire.jobStarted);
      return (await session.write(call, fence)).job_id;
    },

    /** A POST that changes nothing; its body is inferred from its sibling. Seed 000, Server Actions. */
    getResultForDeployGuestImage: (serverID: string, jobID: string, priority: ReadPriority): Promise<wire.Job> =>
      session.read(
        action(
          'GetResultForDeployGuestImage',
          serverID,
          { 'get-result-for-deploy-guestimage': { job_id: jobID } },
          wire.job,
        ),
        priority,
      ),

    /** Seed 000, Show CFGW Connection. */
    async showCFGWConnection(serverID: string, priority: ReadPriority): Promise<wire.CFGWConnection> {
      const call = {
        operation: 'ShowCFGWConnection',
        method: 'GET' as const,
        path: `${serverPath(serverID)}/cfgw_connection`,
        answer: wire.cfgwAnswer,
      };
      return (await session.read(call, priority)).server.cfgw_connection;
    },

    /** Has the service check the connection anew; it has no body. Seed 000, Update CFGW Connection Status. */
    async updateCFGWConnection(serverID: string, fence: Fence): Promise<wire.CFGWConnection> {
      const call = {
        operation: 'UpdateCFGWConnection',
        method: 'POST' as const,
        path: `${serverPath(serverID)}/cfgw_connection`,
        answer: wire.cfgwAnswer,
      };
      return (await session.write(call, fence)).server.cfgw_connection;
    },
  };
}

/** Whether a smaller page may help against that failure, and when it is asked for. */
function smaller(error: unknown): 'now' | 'next time' | undefined {
  if (!(error instanceof RemoteError)) return undefined;
  if (error.reason === 'Rejected' || error.status === 413) return 'now';
  const failure = error.cause instanceof TransportError ? error.cause.failure : undefined;
  return failure === 'too-large' ? 'now' : failure === 'timeout' ? 'next time' : undefined;
}

function serverPath(serverID: string): string {
  return `servers/${encodeURIComponent(serverID)}`;
}

function action<T>(operation: string, serverID: string, body: JsonBody, answer: z.ZodType<T>): Call<T> {
  return { operation, method: 'POST', path: `${serverPath(serverID)}/action`, body, answer };
}
