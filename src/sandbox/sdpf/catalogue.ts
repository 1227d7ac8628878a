/** What the simulated platform has on offer. IDs are those of the document's samples, so that its examples work as is. */

export interface Image {
  id: string;
  name: string;
}

export interface Flavor {
  id: string;
  /** Licence cores of one server, at least 16 a socket. */
  cores: number;
}

export interface LicenseType {
  id: string;
  name: string;
  has_license_key: boolean;
  license_switch: boolean;
  unit: string;
  description: string;
}

/** First IDs: seed 000, Create Server. */
export const IMAGES: Image[] = [
  { id: 'b5660a6e-4b46-4be3-9707-6b47221b454f', name: 'vSphere ESXi 8.0' },
  { id: '293063f6-8986-4b79-becd-7a6d28794bb8', name: 'vSphere ESXi 7.0' },
];

export const FLAVORS: Flavor[] = [
  { id: '05184ba3-00ba-4fbc-b7a2-03b62b884931', cores: 32 },
  { id: '303b4993-cf29-4301-abd0-99512b5413a5', cores: 64 },
];

/** A logical network of the tenant (seed 000, Create Server). The sandbox takes any UUID for one. */
export const NETWORK_ID = 'd32019d3-bc6e-4319-9c1d-6722fc136a22';

/** The first three: seed 000, List LicenseTypes. A current vCenter key is added, for vCenter registrations of today. */
export const LICENSE_TYPES: LicenseType[] = [
  {
    id: '69fcba22209347719e764e3eba862db1',
    name: 'vCenter Server 5.5 Standard',
    has_license_key: true,
    license_switch: false,
    unit: 'license',
    description: 'vCenter Server 5.5 Standard',
  },
  {
    id: '69fcba22209347719e764e3eba862db2',
    name: 'SQL Server 2014 Standard Edition',
    has_license_key: false,
    license_switch: true,
    unit: 'vCPU',
    description: 'SQL Server 2014 Standard Edition',
  },
  {
    id: '69fcba22209347719e764e3eba862db3',
    name: 'Windows Server',
    has_license_key: false,
    license_switch: false,
    unit: 'VM',
    description: 'Windows Server 2008 - 2012 R2',
  },
  {
    id: '69fcba22209347719e764e3eba862db4',
    name: 'vCenter Server 8.0 Standard',
    has_license_key: true,
    license_switch: false,
    unit: 'license',
    description: 'vCenter Server 8.0 Standard',
  },
];

export const LICENSE_TYPE = 'vCenter Server 5.5 Standard';
export const VCENTER_LICENSE_TYPE = 'vCenter Server 8.0 Standard';

/** The first three: seed 000, List Available IP Addresses of vCenter. */
export const ADDRESSES: readonly string[] = [132, 133, 134, 135, 136, 137, 138, 139].map((n) => `169.254.127.${n}`);
