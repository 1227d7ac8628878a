import type { Fence, Priority, RemoteSession } from '../remote/call.ts';
import type { TolerantList } from '../remote/tolerant-list.ts';
import * as wire from './wire-license.ts';

type ReadPriority = Exclude<Priority, 'write'>;

/**
 * A span of usage, both ends in the same month; without them the current month. The format is not documented: clients send
 * `YYYY-MM-DD hh:mm:ss`, others RFC 3339.
 */
export type UsageSpan = { from?: string; to?: string };

/** License keys, license types and usages. */
export function licenseCalls(session: RemoteSession) {
  return {
    /** All licenses with their keys, or those of one type by its name; there is no read of one. Seed 000, List Licenses. */
    async listLicenses(priority: ReadPriority, licenseType?: string): Promise<TolerantList<wire.License>> {
      const call = {
        operation: 'ListLicenses',
        method: 'GET' as const,
        path: 'licenses',
        query: { license_type: licenseType },
        answer: wire.licensesAnswer,
      };
      return (await session.read(call, priority)).licenses;
    },

    /**
     * Buys a key of a type that has keys; the answer holds it. The body has no wrapper, unlike all others. 503 may mean out
     * of stock. Seed 000, Create License.
     */
    async createLicense(licenseType: string, fence: Fence): Promise<wire.License> {
      const call = {
        operation: 'CreateLicense',
        method: 'POST' as const,
        path: 'licenses',
        body: { license_type: licenseType },
        answer: wire.licenseAnswer,
      };
      return (await session.write(call, fence)).license;
    },

    /** Seed 000, Delete License (its text and its rule on statuses are those of servers). */
    deleteLicense: (licenseID: string, fence: Fence): Promise<void> =>
      session.write(
        { operation: 'DeleteLicense', method: 'DELETE', path: `licenses/${encodeURIComponent(licenseID)}` },
        fence,
      ),

    /** What this tenant is offered. Seed 000, List LicenseTypes. */
    async listLicenseTypes(priority: ReadPriority): Promise<TolerantList<wire.LicenseType>> {
      const call = {
        operation: 'ListLicenseTypes',
        method: 'GET' as const,
        path: 'license_types',
        answer: wire.licenseTypesAnswer,
      };
      return (await session.read(call, priority)).license_types;
    },

    /** Seed 000, List Usages. */
    listUsages: (priority: ReadPriority, filter: UsageSpan & { license_type?: string } = {}): Promise<wire.Usages> =>
      session.read(
        { operation: 'ListUsages', method: 'GET', path: 'usages', query: filter, answer: wire.usagesAnswer },
        priority,
      ),

    /** In steps of an hour. Seed 000, Show Usage Histories. */
    showUsageHistories: (usageID: string, priority: ReadPriority, span: UsageSpan = {}): Promise<wire.UsageHistories> =>
      session.read(
        {
          operation: 'ShowUsageHistories',
          method: 'GET',
          path: `usages/${encodeURIComponent(usageID)}/histories`,
          query: span,
          answer: wire.usageHistories,
        },
        priority,
      ),
  };
}
