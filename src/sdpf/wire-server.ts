import * as z from 'zod';
import type { Secret } from '../base/secret.ts';
import { tolerantList } from '../remote/tolerant-list.ts';
import { id, lenient, optional, secretText } from './wire-common.ts';

const nicPort = z.object({
  mac_addr: lenient(z.string()),
  plane: lenient(z.string()),
  attached_ports: lenient(
    z.array(z.object({ fixed_ips: lenient(z.array(z.object({ ip_address: lenient(z.string()) }))) })),
  ),
});

/** The machine under a server. Null or `{}` while it is being built. Lists hold thousands: what nothing here uses is not read. */
const baremetalServer = z.object({
  'OS-EXT-STS:power_state': lenient(z.string()),
  /** The text `None` when idle (not null). */
  'OS-EXT-STS:task_state': lenient(z.string()),
  'OS-EXT-AZ:availability_zone': lenient(z.string()),
  created: lenient(z.string()),
  updated: lenient(z.string()),
  flavor: lenient(z.object({ id: lenient(z.string()) })),
  metadata: lenient(z.record(z.string(), z.string())),
  nic_physical_ports: lenient(z.array(nicPort)),
  /** By part; `disk` is a number among booleans, and no document says of what. */
  'chassis-status': lenient(z.record(z.string(), z.union([z.boolean(), z.number()]))),
});

/** List Servers Detail, Show Server, Update Server. */
export const server = z.object({
  id,
  name: z.string(),
  /** Carries the owner marker, so it is never guessed: null is undefined, anything but text makes the server unreadable. */
  description: optional(z.string()),
  hypervisor_type: lenient(z.string()),
  imageRef: lenient(z.string()),
  image_name: lenient(z.string()),
  status: z.string(),
  cfgw_connection_status: lenient(z.boolean()),
  baremetal_server: lenient(baremetalServer),
});

/** List Servers: no status and no description. */
const briefServer = z.object({
  id,
  name: z.string(),
  baremetal_server: lenient(z.object({ id: lenient(z.string()), name: lenient(z.string()) })),
});

export type Server = z.output<typeof server>;
export type BriefServer = z.output<typeof briefServer>;

export const serverAnswer = z.object({ server });
export const serversAnswer = z.object({ servers: tolerantList(server) });
export const briefServersAnswer = z.object({ servers: tolerantList(briefServer) });

/** Create Server: the only answer that shows the password. */
export const createdServer = z.object({
  server: z.object({ id, name: lenient(z.string()), adminPass: lenient(secretText) }),
});
export type CreatedServer = z.output<typeof createdServer>['server'];

/** Create Server, request. The first network is the default gateway; a network has one entry for each physical NIC. */
export type CreateServer = {
  name: string;
  description?: string;
  adminPass?: Secret;
  imageRef: string;
  flavorRef: string;
  networks: ServerNetwork[];
  availability_zone?: string;
  metadata?: Record<string, string>;
};

export type ServerNetwork = {
  uuid?: string;
  port?: string;
  fixed_ip?: string;
  segmentation_id?: number;
  plane?: string;
};

const cfgwConnection = z.object({
  id,
  cfgw_connection: z.object({
    status: z.boolean(),
    error_type: optional(z.string()),
    last_established_at: lenient(z.string()),
    updated_at: lenient(z.string()),
  }),
});

/** Show CFGW Connection; Update CFGW Connection Status adds `info`. */
export const cfgwAnswer = z.object({ server: cfgwConnection, info: lenient(z.string()) });
export type CFGWConnection = z.output<typeof cfgwConnection>['cfgw_connection'];

export const jobStarted = z.object({ job_id: id });

/**
 * Result of an action. Of the statuses only `COMPLETED` is known; the body of a guest image's result is not documented at
 * all, so everything but the job is optional.
 */
export const job = z.object({
  job_id: lenient(z.string()),
  status: lenient(z.string()),
  message: lenient(z.string()),
  requested_param: lenient(
    z.object({
      vm_id: lenient(z.string()),
      vm_name: lenient(z.string()),
      license_types: lenient(z.array(z.string())),
    }),
  ),
});
export type Job = z.output<typeof job>;
