import * as z from 'zod';
import type { JsonBody } from '../remote/call.ts';
import { tolerantList } from '../remote/tolerant-list.ts';
import { flag, id, lenientText, record, text } from './wire-common.ts';

/** A MAC address; Ironic answers it in lower case whatever was sent. */
const macAddress = z
  .string()
  .min(1)
  .transform((address) => address.toLowerCase());

/** A port (seed 004, 1.12-10 and 1.12-11). */
const port = z.object({
  uuid: id,
  address: macAddress,
  node_uuid: id,
  portgroup_uuid: text,
  pxe_enabled: flag,
  physical_network: text,
  local_link_connection: record.transform((value = {}) =>
    Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
  ),
  /** Carries the owner. */
  extra: record.transform((value = {}) => value),
  created_at: lenientText,
});
export type Port = z.output<typeof port>;

export const portsAnswer = z.object({ ports: tolerantList(port), next: text });

/** Ironic at 1.34 numbers no modes; the gateway's sample does (seed 004 L14770). */
const mode = z
  .union([text, z.number()])
  .transform((value) => (value === undefined ? undefined : String(value)))
  .catch(undefined);

/** What every answer tells of a port group: all that the gateway's list does (seed 004, 1.12-14). */
const brief = {
  uuid: id,
  name: text,
  address: text.transform((address) => address?.toLowerCase()),
};

/** undefined is unknown: the gateway's list tells neither these nor the node. */
const details = {
  mode,
  properties: record,
  standalone_ports_supported: flag,
  extra: record,
  created_at: lenientText,
};

/** Of the list by node: it is told without the node. */
const portGroupOfNode = z.object({ ...brief, ...details, node_uuid: text });
const portGroup = z.object({ ...brief, ...details, node_uuid: id });
export type PortGroup = z.output<typeof portGroup>;

export const portGroupsOfNodeAnswer = z.object({ portgroups: tolerantList(portGroupOfNode), next: text });
export const portGroupsAnswer = z.object({ portgroups: tolerantList(portGroup), next: text });

/** Create port, request: the node and the address must be there, whatever seed 004, 1.12-11, marks as optional. */
export type CreatePort = {
  uuid?: string;
  node_uuid: string;
  address: string;
  portgroup_uuid?: string;
  pxe_enabled?: boolean;
  physical_network?: string;
  local_link_connection?: Record<string, string>;
  extra?: Record<string, JsonBody>;
};

/** Create port group, request: seed 004, 1.12-15, gives no field at all; these are Ironic's. */
export type CreatePortGroup = {
  uuid?: string;
  node_uuid: string;
  name?: string;
  address?: string;
  mode?: string;
  properties?: Record<string, JsonBody>;
  standalone_ports_supported?: boolean;
  extra?: Record<string, JsonBody>;
};
