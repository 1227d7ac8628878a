import type { JsonObject } from '../sdpf/input.ts';

/** Name of the one conductor: what `reservation` says while it works on a node. */
export const CONDUCTOR = 'sandbox-conductor';

/** What the records of all three resources have in common. */
export interface Committed {
  uuid: string;
  createdAt: number;
  updatedAt: number | null;
  /** Call that created it; null for somebody else's hands. */
  createdByCall: number | null;
  deletedAt: number | null;
  deletedByCall: number | null;
}

/** How a piece of the conductor's work ends. */
export interface Ending {
  state: string;
  /** `target_provision_state` from then on: the failed states keep theirs. */
  target: string | null;
  lastError: string | null;
  changes: Partial<NodeFields & NodeState>;
  /** The machine is taken out of service: maintenance. */
  breaks?: boolean;
}

/** A transient state, and its end. */
export interface Stage {
  state: string;
  target: string;
  endsAt: number;
  ending: Ending;
}

/** A power action under way. */
export interface PowerWork {
  endsAt: number;
  /** Power state afterwards. */
  state: string | null;
  lastError: string | null;
}

/** What clients may write, by the names of the API. */
export interface NodeFields {
  name: string | null;
  driver: string;
  driver_info: JsonObject;
  properties: JsonObject;
  extra: JsonObject;
  instance_info: JsonObject;
  instance_uuid: string | null;
  chassis_uuid: string | null;
  resource_class: string | null;
  maintenance: boolean;
  boot_interface: string | null;
  console_interface: string | null;
  deploy_interface: string | null;
  inspect_interface: string | null;
  management_interface: string | null;
  network_interface: string | null;
  power_interface: string | null;
  raid_interface: string | null;
  storage_interface: string | null;
  vendor_interface: string | null;
}

/** What only the conductor writes. */
export interface NodeState {
  maintenance_reason: string | null;
  provision_state: string;
  target_provision_state: string | null;
  power_state: string | null;
  target_power_state: string | null;
  last_error: string | null;
  /** Milliseconds; null: never. */
  provisionUpdatedAt: number | null;
  inspectionStartedAt: number | null;
  inspectionFinishedAt: number | null;
}

export interface NodeRecord extends Committed, NodeFields, NodeState {
  /** When the lists begin to hold it. */
  listedAt: number;
  /** Transient states that are still to come or under way, in order. */
  stages: Stage[];
  power: PowerWork | null;
  /** A lock that somebody else's hands have put on it. */
  heldBy: string | null;
}

export interface PortFields {
  node_uuid: string;
  /** MAC address, lower case. */
  address: string;
  extra: JsonObject;
  local_link_connection: JsonObject;
  physical_network: string | null;
  portgroup_uuid: string | null;
  pxe_enabled: boolean;
}

export interface PortRecord extends Committed, PortFields {}

export interface PortGroupFields {
  node_uuid: string;
  address: string | null;
  name: string | null;
  extra: JsonObject;
  mode: string;
  properties: JsonObject;
  standalone_ports_supported: boolean;
}

export interface PortGroupRecord extends Committed, PortGroupFields {}

/** One resource: everything that was ever committed, and what is there now. A UUID may come back after a delete. */
class Shelf<T extends Committed> {
  readonly all: T[] = [];
  readonly #live = new Map<string, T>();

  add(record: T): T {
    this.all.push(record);
    this.#live.set(record.uuid, record);
    return record;
  }

  /** UUIDs are compared exactly as they were sent, case included (Ironic 21.4). */
  get(uuid: string): T | undefined {
    return this.#live.get(uuid);
  }

  /** Oldest first, as Ironic lists them. */
  live(): T[] {
    return [...this.#live.values()];
  }

  find(wanted: (record: T) => boolean): T | undefined {
    for (const record of this.#live.values()) if (wanted(record)) return record;
    return undefined;
  }

  remove(record: T, now: number, call: number | null): void {
    record.deletedAt = now;
    record.deletedByCall = call;
    this.#live.delete(record.uuid);
  }
}

/** Who may use a BMC. */
export interface BMC {
  username: string;
  password: string;
}

/** The state of the one Ironic that stands behind both doors, the gateway and the plain endpoint. */
export class Ironic {
  readonly nodes = new Shelf<NodeRecord>();
  readonly ports = new Shelf<PortRecord>();
  readonly portgroups = new Shelf<PortGroupRecord>();
  /** By address. Where there is none, any user name and password do. */
  readonly bmcs = new Map<string, BMC>();
}
