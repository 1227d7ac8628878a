import * as z from 'zod';
import type { JsonBody } from '../remote/call.ts';
import { tolerantList } from '../remote/tolerant-list.ts';
import { flag, guardedRecord, id, lenientText, record, text } from './wire-common.ts';

/** `<name>_interface`: which part of the driver does what. */
const interfaces = {
  bios_interface: text,
  boot_interface: text,
  console_interface: text,
  deploy_interface: text,
  inspect_interface: text,
  management_interface: text,
  network_interface: text,
  power_interface: text,
  raid_interface: text,
  storage_interface: text,
  vendor_interface: text,
};

/**
 * A node, in lists and alone (seed 004, 1.12-1 and 1.12-2). updated_at and driver_internal_info are not read: they change
 * without meaning, and each change of a node wakes its resource.
 */
export const node = z.object({
  uuid: id,
  name: text,
  driver: text,
  /** Values whose key contains `password` are `******` here (Ironic 21.4), whatever is stored. */
  driver_info: guardedRecord,
  /** Numbers are text at the gateway. */
  properties: guardedRecord,
  /** Carries the owner. */
  extra: record.transform((value = {}) => value),
  resource_class: text,
  instance_uuid: text,
  /** What it is, e.g. `manageable`; the list of states is open. */
  provision_state: text,
  target_provision_state: text,
  power_state: text,
  /** Only ever `power on` or `power off`, and only while it is being changed (Ironic 21.4). */
  target_power_state: text,
  last_error: text,
  maintenance: flag.transform((value) => value ?? false),
  maintenance_reason: text,
  /** The conductor that holds the lock. */
  reservation: text,
  ...interfaces,
  created_at: lenientText,
  provision_updated_at: lenientText,
  inspection_started_at: lenientText,
  inspection_finished_at: text,
  /** The step of a cleaning that is running. */
  clean_step: record
    .catch(undefined)
    .transform((step) => (step === undefined || Object.keys(step).length === 0 ? undefined : step)),
});

export type Node = z.output<typeof node>;
export type InterfaceField = keyof typeof interfaces;

/** One page: `next` says that there is another. */
export const nodesAnswer = z.object({ nodes: tolerantList(node), next: text });

/** Answer of a create: short at the gateway, with fields of other types (seed 004, 1.12-5), so only the ID is read. */
export const created = z.object({ uuid: id });
export type Created = z.output<typeof created>;

/** Create node, request; further fields than the seed's are Ironic's own. A value may be a Secret. */
export type CreateNode = { [field in InterfaceField]?: string } & {
  uuid?: string;
  name?: string;
  driver: string;
  driver_info?: Record<string, JsonBody>;
  properties?: Record<string, JsonBody>;
  extra?: Record<string, JsonBody>;
  resource_class?: string;
};

/** Path as RFC 6901 writes it, e.g. `/extra/freehold`; all other operations are refused with 400 (Ironic 21.4). */
export type PatchOperation = { op: 'add' | 'replace' | 'remove'; path: string; value?: JsonBody };

/** All of it is done, or nothing (Ironic 21.4). */
export type JSONPatch = PatchOperation[];

/** A verb, e.g. `manage`, not a state; `clean_steps` with `clean` only. */
export type ProvisionTarget = { target: string; clean_steps?: CleanStep[] };

export type CleanStep = { interface: string; step: string; args?: { [key: string]: JsonBody } };

/** `power on`, `power off`, `rebooting`, `soft power off`, `soft rebooting`; timeout in seconds. */
export type PowerTarget = { target: string; timeout?: number };
