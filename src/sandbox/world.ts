import { CallLog } from './calls.ts';
import { Ironic } from './cloudos/ironic.ts';
import { Faults } from './faults.ts';
import { identifiers } from './identifiers.ts';
import type { Identifiers } from './identifiers.ts';
import type { Tenant, Token } from './keystone.ts';
import type { ContractBook } from './sdpf/contract-book.ts';
import type { LicenseRecord } from './sdpf/licenses.ts';
import type { JobRecord } from './sdpf/server-actions.ts';
import type { ServerRecord } from './sdpf/server-record.ts';
import type { VCenterRecord } from './sdpf/vcenters.ts';
import type { Settings } from './settings.ts';

export interface WorldOptions {
  /** Wall clock, milliseconds since 1970. */
  now: () => number;
  /** As `Math.random`. */
  random: () => number;
  region: string;
  settings: Settings;
  /** The first tenant of each cloud; the first one is the default of the SDPF portal. */
  tenants: readonly Tenant[];
}

/**
 * All state of one sandbox. Records are never removed: the ledger tells what was ever bought, and whether something "is
 * there" follows from its times and the clock.
 */
export class World {
  readonly region: string;
  readonly ids: Identifiers;
  readonly defaultTenantID: string;
  readonly tenants = new Map<string, Tenant>();
  readonly tokens = new Map<string, Token>();
  readonly servers = new Map<string, ServerRecord>();
  readonly licenses = new Map<string, LicenseRecord>();
  readonly vcenters = new Map<string, VCenterRecord>();
  readonly jobs = new Map<string, JobRecord>();
  readonly ironic = new Ironic();
  readonly contracts = new Map<string, ContractBook>();
  readonly faults = new Faults();
  readonly calls = new CallLog();
  settings: Settings;
  readonly #now: () => number;
  #shift = 0;
  #cfgwAddress = 10;

  constructor(options: WorldOptions) {
    this.region = options.region;
    this.settings = options.settings;
    this.ids = identifiers(options.random);
    this.defaultTenantID = options.tenants[0]?.id ?? '';
    for (const tenant of options.tenants) this.tenants.set(tenant.id, { ...tenant });
    this.#now = options.now;
  }

  now(): number {
    return this.#now() + this.#shift;
  }

  /** Moves this sandbox's clock forward, and with it everything that takes time. */
  advance(seconds: number): void {
    this.#shift += seconds * 1000;
  }

  /** The month that contracts live in. The document names no time zone; the sandbox takes UTC. */
  month(): string {
    return this.settings.month ?? new Date(this.now()).toISOString().slice(0, 7);
  }

  /** Next address on the common function gateway network. */
  nextCFGWAddress(): string {
    this.#cfgwAddress += 1;
    return `169.254.${(this.#cfgwAddress >> 8) & 255}.${this.#cfgwAddress & 255}`;
  }
}
