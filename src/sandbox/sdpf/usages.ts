import { badRequest } from '../errors.ts';
import { derivedUUID } from '../identifiers.ts';
import type { Result } from '../types.ts';
import type { World } from '../world.ts';
import type { LicenseType } from './catalogue.ts';
import { pathID } from './input.ts';
import type { Context, JsonObject } from './input.ts';

const HOUR = 3_600_000;

/** Something metered: the licences put on one VM, or the keys of one type that a tenant holds. */
interface Usage {
  id: string;
  type: LicenseType;
  resourceID: string;
  /** Amount in use at a time. */
  at(time: number): number;
  /** Largest amount in use within a span. */
  within(from: number, to: number): number;
}

/** List Usages: no wrapper around the list's owner (seed 000, List Usages). */
export function listUsages(context: Context): Result {
  const { world, tenantID, query } = context;
  const { from, to } = readSpan(world, query);
  const wanted = query.get('license_type');
  const rows = usages(world, tenantID).flatMap((usage) => {
    const value = usage.within(from, to);
    if (value === 0) return [];
    if (wanted !== null && wanted !== usage.type.name && wanted !== dottedType(usage.type.name)) return [];
    return [usageView(world, usage, value)];
  });
  return { status: 200, body: { tenant_id: tenantID, usages: rows } };
}

/** Show Usage Histories: one value an hour. An unknown ID is 400, for the document lists no 404 here. */
export function showUsageHistories(context: Context): Result {
  const { world, tenantID, query } = context;
  const usage = usages(world, tenantID).find((one) => one.id === pathID(context));
  if (!usage) throw badRequest('usage_id is unknown');
  const { from, to } = readSpan(world, query);
  const histories: JsonObject[] = [];
  for (let time = Math.ceil(from / HOUR) * HOUR; time <= Math.min(to, world.now()); time += HOUR) {
    histories.push({ time: historyTime(time), value: amount(world, usage.at(time)) });
  }
  return {
    status: 200,
    body: {
      tenant_id: tenantID,
      unit: usage.type.unit,
      resource_id: usage.resourceID,
      license_type: usage.type.name,
      histories,
    },
  };
}

function usages(world: World, tenantID: string): Usage[] {
  const found = new Map<string, Usage>();
  for (const job of world.jobs.values()) {
    if (job.tenantID !== tenantID || job.kind !== 'add-license-to-vm') continue;
    if (job.outcome !== 'COMPLETED' || job.endsAt > world.now()) continue;
    const resourceID = String(job.requested.vm_id ?? job.requested.vm_name);
    for (const name of job.licenseTypes) {
      const type = knownType(world, name);
      const id = derivedUUID(`usage ${tenantID} ${name} ${resourceID}`);
      const value = type.unit === 'vCPU' ? 4 : 1;
      // The first job counts: to put the same licence on a VM again changes nothing.
      if (found.has(id)) continue;
      found.set(id, {
        id,
        type,
        resourceID,
        at: (time) => (job.endsAt <= time ? value : 0),
        within: (_, to) => (job.endsAt <= to ? value : 0),
      });
    }
  }
  for (const type of world.settings.licenseTypes) {
    const held = [...world.licenses.values()].filter(
      (license) => license.tenantID === tenantID && license.licenseType === type.name,
    );
    if (held.length === 0) continue;
    const count = (from: number, to: number): number =>
      held.filter((one) => one.assignedFrom <= to && (one.deletedAt ?? Number.POSITIVE_INFINITY) > from).length;
    const id = derivedUUID(`usage ${tenantID} ${type.name}`);
    found.set(id, { id, type, resourceID: tenantID, at: (time) => count(time, time), within: count });
  }
  return [...found.values()];
}

function knownType(world: World, name: string): LicenseType {
  const type = world.settings.licenseTypes.find((one) => one.name === name);
  return type ?? { id: '', name, has_license_key: false, license_switch: true, unit: 'VM', description: name };
}

function usageView(world: World, usage: Usage, value: number): JsonObject {
  return {
    id: usage.id,
    type: dottedType(usage.type.name),
    value: amount(world, value),
    unit: usage.type.unit,
    name: usage.type.name,
    description: usage.type.description,
    has_license_key: usage.type.has_license_key,
    resource_id: usage.resourceID,
  };
}

/** A number in the 1.0.0 document, a string in NTT's Go SDK: both cannot be pleased at once. */
function amount(world: World, value: number): number | string {
  return world.settings.usageValueType === 'string' ? String(value) : value;
}

/** `SQL Server 2014 Standard Edition` → `dedicated-hypervisor.guest-image.sql-server-2014-standard`. */
function dottedType(name: string): string {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-edition$/, '');
  return `dedicated-hypervisor.guest-image.${slug}`;
}

/** `2015-05-06 11:00:00`, exactly: the Go SDK parses it. Taken as UTC. */
function historyTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** `from` and `to` lie in one month; without them, the month's begin and end (seed 000, List Usages). */
function readSpan(world: World, query: URLSearchParams): { from: number; to: number } {
  const given = { from: readTime(query.get('from'), 'from'), to: readTime(query.get('to'), 'to') };
  const within = new Date(given.from ?? given.to ?? world.now());
  const begin = Date.UTC(within.getUTCFullYear(), within.getUTCMonth(), 1);
  const end = Date.UTC(within.getUTCFullYear(), within.getUTCMonth() + 1, 1) - 1;
  const from = given.from ?? begin;
  const to = given.to ?? end;
  if (from < begin || to > end) throw badRequest('from and to must be in the same month');
  if (from > to) throw badRequest('from must not be after to');
  return { from, to };
}

/** Both formats in use: RFC 3339, and `YYYY-MM-DD hh:mm:ss` (or the date alone) without a zone. */
function readTime(text: string | null, name: string): number | null {
  if (text === null || text === '') return null;
  const naive = /^(\d{4}-\d{2}-\d{2})(?: (\d{2}:\d{2}:\d{2}))?$/.exec(text);
  const time = Date.parse(naive ? `${naive[1]}T${naive[2] ?? '00:00:00'}Z` : text.replace(' ', '+'));
  if (Number.isNaN(time)) throw badRequest(`${name} must be a date`);
  return time;
}
