import type { Fence, Priority, RemoteSession } from '../remote/call.ts';
import type { TolerantList } from '../remote/tolerant-list.ts';
import * as wire from './wire-vcenter.ts';

type ReadPriority = Exclude<Priority, 'write'>;

/** Registered vCenters, the addresses for them, and vSphere contracts. */
export function vcenterCalls(session: RemoteSession) {
  return {
    /** There is no read of one. Seed 000, List Registered vCenters Information. */
    async listVCenters(priority: ReadPriority): Promise<TolerantList<wire.VCenter>> {
      const call = {
        operation: 'ListVCenters',
        method: 'GET' as const,
        path: 'vcenters',
        answer: wire.vcentersAnswer,
      };
      return (await session.read(call, priority)).vcenters;
    },

    /**
     * The address must be a free one of listVCenterAddresses: two callers may race for it. Metering fills the observed
     * fields later. Seed 000, Register vCenter Information.
     */
    async registerVCenter(vcenter: wire.RegisterVCenter, fence: Fence): Promise<wire.VCenter> {
      const call = {
        operation: 'RegisterVCenter',
        method: 'POST' as const,
        path: 'vcenters',
        body: { vcenter },
        answer: wire.vcenterAnswer,
      };
      return (await session.write(call, fence)).vcenter;
    },

    /** May change the address too, so the ID is what recognises it. Seed 000, Update Registered vCenter Information. */
    async updateVCenter(vcenterID: string, vcenter: wire.RegisterVCenter, fence: Fence): Promise<wire.VCenter> {
      const call = {
        operation: 'UpdateVCenter',
        method: 'PUT' as const,
        path: `vcenters/${encodeURIComponent(vcenterID)}`,
        body: { vcenter },
        answer: wire.vcenterAnswer,
      };
      return (await session.write(call, fence)).vcenter;
    },

    /** Seed 000, Delete Registered vCenter Information. */
    deleteVCenter: (vcenterID: string, fence: Fence): Promise<void> =>
      session.write(
        { operation: 'DeleteVCenter', method: 'DELETE', path: `vcenters/${encodeURIComponent(vcenterID)}` },
        fence,
      ),

    /** Seed 000, List Available IP Addresses of vCenter: also those in use. */
    async listVCenterAddresses(priority: ReadPriority): Promise<TolerantList<wire.VCenterAddress>> {
      const call = {
        operation: 'ListVCenterAddresses',
        method: 'GET' as const,
        path: 'vcenters/addresses',
        answer: wire.vcenterAddressesAnswer,
      };
      return (await session.read(call, priority)).addresses;
    },

    /** Seed 000, List vSphere Contracts. */
    listVSphereContracts: (priority: ReadPriority): Promise<wire.VSphereContracts> =>
      session.read(
        {
          operation: 'ListVSphereContracts',
          method: 'GET',
          path: 'vsphere_contracts',
          answer: wire.vsphereContractsAnswer,
        },
        priority,
      ),

    /**
     * Orders, changes or (0 cores) withdraws cores from next month; what `cores` means depends on the contract's state and
     * the month, and the same call a month later orders again. undefined: the answer shows no contract, as after a
     * withdrawal. Seed 000, Manage vSphere Contracts.
     */
    manageVSphereContract: (
      contract: { contract_year: number; cores: number },
      fence: Fence,
    ): Promise<wire.VSphereContract | undefined> =>
      session.write(
        {
          operation: 'ManageVSphereContract',
          method: 'POST',
          path: 'vsphere_contracts',
          body: { vsphere_contract: contract },
          answer: wire.managedContractAnswer,
        },
        fence,
      ),

    /** Selects the contract by its term, not by an ID. Seed 000, Enable/Disable Contract Renewal. */
    async updateVSphereContractRenewal(
      renewal: { contract_year: number; contract_renewal: boolean },
      fence: Fence,
    ): Promise<wire.VSphereContract> {
      const call = {
        operation: 'UpdateVSphereContractRenewal',
        method: 'PUT' as const,
        path: 'vsphere_contracts',
        body: { vsphere_contract: renewal },
        answer: wire.vsphereContractAnswer,
      };
      return (await session.write(call, fence)).vsphere_contract;
    },
  };
}
