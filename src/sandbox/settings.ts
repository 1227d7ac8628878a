import { CLOUDOS_CHECKS, defaultCloudOSSettings } from './cloudos/settings.ts';
import type { CloudOSSettings } from './cloudos/settings.ts';
import { ADDRESSES, FLAVORS, IMAGES, LICENSE_TYPES } from './sdpf/catalogue.ts';
import type { Flavor, Image, LicenseType } from './sdpf/catalogue.ts';

/** What a test, or a person who rehearses a change, may set about the service: `PATCH /control/settings`. */
export interface Settings extends CloudOSSettings {
  /** From the create until a server leaves BUILD. A server keeps the value it was created under. */
  buildSeconds: number;
  /** From the accepted delete until a server answers 404. */
  deleteSeconds: number;
  /** A new server is missing from the lists for so long. */
  listLagSeconds: number;
  /** With `listLagSeconds` or `nodeListLagSeconds`: calls by ID answer 404 for as long. */
  showLag: boolean;
  licenseListLagSeconds: number;
  vcenterListLagSeconds: number;
  /** false: `description` of a create is accepted and forgotten. */
  keepDescription: boolean;
  /** false: `metadata` of a create is accepted and forgotten, as the real service once did. */
  keepMetadata: boolean;
  /** Longer descriptions lose their end without a word. */
  descriptionMaxLength: number | null;
  /** New servers end in ERROR. */
  forceError: boolean;
  /** Every server reports this status, whatever it is. */
  forceStatus: string | null;
  /** What `baremetal_server` is during BUILD. */
  machineDuringBuild: 'full' | 'null' | 'empty';
  /** New servers until "503 Service Unavailable"; counts down. */
  serverStock: number | null;
  /** false: the tenant has no common function gateway, and a server create answers 400. */
  cfgwGateway: boolean;
  tokenTTLSeconds: number;
  /** Type of `value` in usages: number in the 1.0.0 document, string in NTT's Go SDK. */
  usageValueType: 'number' | 'string';
  /** Month of the contracts, `YYYY-MM`; null follows the clock (UTC). */
  month: string | null;
  defaultLimit: number;
  /** Items of a page at most, of all APIs. */
  maxLimit: number;
  /** From a registration or update until the vCenter's metering fields are filled. */
  meteringSeconds: number;
  /** `healthy`, or the error type that metering reports. */
  meteringOutcome: string;
  /** Lists come back empty, calls by ID answer 404: what a wrong endpoint or an empty proxy page looks like. */
  hideServers: boolean;
  hideLicenses: boolean;
  hideVCenters: boolean;
  /** Delay of every answer but Keystone's. */
  latencyMs: number;
  /** By licence type: keys left until "503 Service Unavailable"; counts down; a type not named has no end. */
  licenseStock: Record<string, number>;
  /** From a server action until its job has ended. */
  jobSeconds: number;
  /** Status of an ended job. */
  jobOutcome: string;
  jobMessage: string | null;
  /** Server actions take only types of the catalogue with `license_switch`. The document's own sample breaks that. */
  strictLicenseTypes: boolean;
  images: Image[];
  flavors: Flavor[];
  licenseTypes: LicenseType[];
  /** Link-local addresses that vCenters may take. */
  addresses: string[];
}

export function defaultSettings(): Settings {
  return {
    buildSeconds: 30,
    deleteSeconds: 15,
    listLagSeconds: 0,
    showLag: false,
    licenseListLagSeconds: 0,
    vcenterListLagSeconds: 0,
    keepDescription: true,
    keepMetadata: true,
    descriptionMaxLength: null,
    forceError: false,
    forceStatus: null,
    machineDuringBuild: 'full',
    serverStock: null,
    cfgwGateway: true,
    tokenTTLSeconds: 3600,
    usageValueType: 'number',
    month: null,
    defaultLimit: 100,
    maxLimit: 1000,
    meteringSeconds: 60,
    meteringOutcome: 'healthy',
    hideServers: false,
    hideLicenses: false,
    hideVCenters: false,
    latencyMs: 0,
    licenseStock: {},
    jobSeconds: 5,
    jobOutcome: 'COMPLETED',
    jobMessage: null,
    strictLicenseTypes: false,
    images: structuredClone(IMAGES),
    flavors: structuredClone(FLAVORS),
    licenseTypes: structuredClone(LICENSE_TYPES),
    addresses: [...ADDRESSES],
    ...defaultCloudOSSettings(),
  };
}

type Check = (value: unknown) => boolean;

const isFlag: Check = (value) => typeof value === 'boolean';
const isText: Check = (value) => typeof value === 'string' && value !== '';
const isAmount: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isCount: Check = (value) => isAmount(value) && Number.isInteger(value);
const isPositive: Check = (value) => isCount(value) && value !== 0;
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const withKeys =
  (keys: Record<string, Check>): Check =>
  (value) =>
    isObject(value) && Object.entries(keys).every(([key, check]) => check(value[key]));

const CHECKS: Record<keyof Settings, Check> & Record<string, Check | undefined> = {
  buildSeconds: isAmount,
  deleteSeconds: isAmount,
  listLagSeconds: isAmount,
  showLag: isFlag,
  licenseListLagSeconds: isAmount,
  vcenterListLagSeconds: isAmount,
  keepDescription: isFlag,
  keepMetadata: isFlag,
  descriptionMaxLength: orNull(isCount),
  forceError: isFlag,
  forceStatus: orNull(isText),
  machineDuringBuild: oneOf('full', 'null', 'empty'),
  serverStock: orNull(isCount),
  cfgwGateway: isFlag,
  tokenTTLSeconds: isAmount,
  usageValueType: oneOf('number', 'string'),
  month: orNull((value) => typeof value === 'string' && /^\d{4}-(0[1-9]|1[0-2])$/.test(value)),
  defaultLimit: isPositive,
  maxLimit: isPositive,
  meteringSeconds: isAmount,
  meteringOutcome: isText,
  hideServers: isFlag,
  hideLicenses: isFlag,
  hideVCenters: isFlag,
  latencyMs: isAmount,
  licenseStock: (value) => isObject(value) && Object.values(value).every(isCount),
  jobSeconds: isAmount,
  jobOutcome: isText,
  jobMessage: orNull(isText),
  strictLicenseTypes: isFlag,
  images: listOf(withKeys({ id: isText, name: isText })),
  flavors: listOf(withKeys({ id: isText, cores: isCount })),
  licenseTypes: listOf(
    withKeys({
      id: isText,
      name: isText,
      has_license_key: isFlag,
      license_switch: isFlag,
      unit: isText,
      description: isText,
    }),
  ),
  addresses: listOf(isText),
  ...CLOUDOS_CHECKS,
};

/** Settings with `patch` laid over them. An unknown name or a wrong type is refused: a lever that does nothing lies. */
export function patchSettings(settings: Settings, patch: Record<string, unknown>): Settings {
  for (const [name, value] of Object.entries(patch)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
    if (!check) throw new Error(`unknown setting "${name}"; known: ${Object.keys(CHECKS).join(', ')}`);
    if (!check(value)) throw new Error(`setting "${name}" cannot be ${JSON.stringify(value)}`);
  }
  return { ...settings, ...(structuredClone(patch) as Partial<Settings>) };
}
