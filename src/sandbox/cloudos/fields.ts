import { isObject } from '../sdpf/input.ts';
import type { JsonObject } from '../sdpf/input.ts';
import { badRequest, notAcceptable } from './errors.ts';

/** What a value is stored as; undefined: it cannot be taken. */
type Read = (value: unknown) => unknown;

const text: Read = (value) => (typeof value === 'string' ? value : undefined);
const textOrNull: Read = (value) => (value === null ? null : text(value));
/** null stands for empty. */
const object: Read = (value) => (value === null ? {} : isObject(value) ? value : undefined);
/** Booleans are also taken as words. */
const flag: Read = (value) => {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  if (/^(1|t|true|on|y|yes)$/i.test(value)) return true;
  return /^(0|f|false|off|n|no)$/i.test(value) ? false : undefined;
};
const where =
  (check: (value: unknown) => boolean): Read =>
  (value) =>
    check(value) ? value : undefined;
const orNull =
  (read: Read): Read =>
  (value) =>
    value === null ? null : read(value);

/** With or without dashes, in any case: kept as it was sent (Ironic 21.4). */
export const isUUIDLike = (value: unknown): boolean =>
  typeof value === 'string' && /^[0-9a-f]{32}$/i.test(value.replaceAll('-', ''));

const isMAC = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value);

/** Names are host names that are no UUIDs. */
export const isName = (name: string): boolean => name.length <= 255 && /^[\w.\-~]+$/.test(name) && !isUUIDLike(name);

/** One field that clients may write. */
interface Field {
  read: Read;
  /** Minor version of the API that brought it; 1 where it was always there. */
  since?: number;
  /** What it is without a word from the client. */
  standard: unknown;
}

export type Fields = Record<string, Field>;

const face: Field = { read: textOrNull, since: 31, standard: null };
const uuid = where(isUUIDLike);
const mac: Read = (value) => (isMAC(value) ? value.toLowerCase() : undefined);

export const NODE_FIELDS: Fields = {
  name: { read: textOrNull, since: 5, standard: null },
  driver: { read: text, standard: undefined },
  driver_info: { read: object, standard: {} },
  properties: { read: object, standard: {} },
  extra: { read: object, standard: {} },
  instance_info: { read: object, standard: {} },
  instance_uuid: { read: orNull(uuid), standard: null },
  chassis_uuid: { read: orNull(uuid), standard: null },
  resource_class: {
    read: orNull(where((value) => typeof value === 'string' && value.length <= 80)),
    since: 21,
    standard: null,
  },
  maintenance: { read: flag, standard: false },
  boot_interface: face,
  console_interface: face,
  deploy_interface: face,
  inspect_interface: face,
  management_interface: face,
  network_interface: { ...face, since: 20 },
  power_interface: face,
  raid_interface: face,
  storage_interface: { ...face, since: 33 },
  vendor_interface: face,
};

export const PORT_FIELDS: Fields = {
  node_uuid: { read: uuid, standard: undefined },
  address: { read: mac, standard: undefined },
  extra: { read: object, standard: {} },
  local_link_connection: { read: link, since: 19, standard: {} },
  physical_network: {
    read: orNull(where((value) => typeof value === 'string' && value !== '' && value.length <= 64)),
    since: 34,
    standard: null,
  },
  portgroup_uuid: { read: orNull(uuid), since: 24, standard: null },
  pxe_enabled: { read: flag, since: 19, standard: true },
};

export const PORTGROUP_FIELDS: Fields = {
  node_uuid: { read: uuid, standard: undefined },
  address: { read: orNull(mac), standard: null },
  name: { read: textOrNull, standard: null },
  extra: { read: object, standard: {} },
  // Not checked: `bogus` was taken (Ironic 21.4).
  mode: { read: textOrNull, since: 26, standard: 'active-backup' },
  properties: { read: object, since: 26, standard: {} },
  standalone_ports_supported: { read: flag, standard: true },
};

/** Fields of later versions: not acceptable below theirs, and taken without effect from there on. */
const LATER = new Map(
  Object.entries({
    rescue_interface: 38,
    bios_interface: 40,
    conductor_group: 46,
    automated_clean: 47,
    protected: 48,
    protected_reason: 48,
    owner: 50,
    description: 51,
    is_smartnic: 53,
    retired: 61,
    retired_reason: 61,
    lessee: 65,
    network_data: 66,
  }),
);

/** Fields that answers have, by the minor version that brought them; all others were always there. */
const SHOWN_SINCE: Record<string, number> = {
  driver_internal_info: 3,
  inspection_finished_at: 6,
  inspection_started_at: 6,
  clean_step: 7,
  raid_config: 12,
  target_raid_config: 12,
  states: 14,
  internal_info: 18,
  portgroups: 24,
  volume: 32,
};

/** An answer without the fields that its version does not know. */
export function asOf(minor: number, fields: Fields, view: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(view).filter(([name]) => (fields[name]?.since ?? SHOWN_SINCE[name] ?? 1) <= minor),
  );
}

/**
 * The fields of a body as they are stored, those of later versions left out. Refuses what clients may not write, or not
 * yet, or not so. `what` names the resource.
 */
export function readFields(what: string, fields: Fields, body: JsonObject, minor: number): JsonObject {
  const read: JsonObject = {};
  for (const [name, value] of Object.entries(body)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (minor < (field?.since ?? LATER.get(name) ?? 1)) throw notAcceptable();
    if (field) {
      read[name] = field.read(structuredClone(value));
      if (read[name] === undefined) throw invalid(what, name, value);
    } else if (!LATER.has(name)) {
      throw badRequest(`Schema error for ${what}: Additional properties are not allowed ('${name}' was unexpected)`);
    }
  }
  return read;
}

/** A value in a sentence. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function invalid(what: string, name: string, value: unknown): Error {
  const given = shown(value);
  if (name === 'address') return badRequest(`Expected valid MAC address for address: ${given}`);
  if (name.endsWith('_uuid')) return badRequest(`Expected UUID for ${name}: ${given}`);
  return badRequest(`Schema error for ${what}: ${given} is not valid for '${name}'`);
}

/** What every field is when nothing is said. */
export function standardValues(fields: Fields): JsonObject {
  return structuredClone(Object.fromEntries(Object.entries(fields).map(([name, { standard }]) => [name, standard])));
}

/** A field that this version of the API does not know yet. */
export function isLater(name: string, minor: number): boolean {
  return minor < (LATER.get(name) ?? 1);
}

/**
 * `local_link_connection`: empty, or a port with a switch (a MAC or an OpenFlow datapath ID) or a host name, or unmanaged.
 * A key beyond these is refused.
 */
function link(value: unknown): unknown {
  if (value === null) return {};
  if (!isObject(value)) return undefined;
  const { port_id: port, switch_id: bridge, hostname, network_type: network, switch_info: info, ...rest } = value;
  const texts = [port, bridge, hostname, network, info].filter((item) => item !== undefined);
  if (Object.keys(rest).length > 0 || texts.some((item) => typeof item !== 'string')) return undefined;
  if (texts.length === 0) return {};
  const complete = (port !== undefined && (bridge ?? hostname) !== undefined) || network === 'unmanaged';
  if (!complete) return undefined;
  if (typeof bridge !== 'string') return value;
  const isSwitch = isMAC(bridge) || /^([0-9a-f]{16}|[0-9a-f]{2}(:[0-9a-f]{2}){7})$/i.test(bridge);
  return isSwitch ? { ...value, switch_id: bridge.toLowerCase() } : undefined;
}
