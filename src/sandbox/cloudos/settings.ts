/** What a test may set about CloudOS and the Ironic behind it; a part of the settings of settings.ts. */
export interface CloudOSSettings {
  /** How long a node is `verifying`, with the lock held. What a change of state takes is fixed when it begins. */
  verifySeconds: number;
  inspectSeconds: number;
  cleanSeconds: number;
  adoptSeconds: number;
  deploySeconds: number;
  /** How long a node is `deleting`, before it is cleaned. */
  undeploySeconds: number;
  powerSeconds: number;
  /** Texts that end up in `last_error`; '' is success. A node that verifies goes back to `enroll`. */
  failVerify: string;
  failInspect: string;
  /** The node ends in `clean failed` and in maintenance, as where a step fails while it runs. */
  failClean: string;
  failAdopt: string;
  /** The power state stays what it was. */
  failPower: string;
  /** Range of API versions, as `1.34`. What is asked for outside of it gets 406. */
  minVersion: string;
  maxVersion: string;
  /** Drivers that a conductor serves; others get 400. */
  drivers: string[];
  /** What an inspection finds out: laid over `properties` when it ends. */
  inspectedProperties: Record<string, unknown>;
  /** Status codes and create answers of the gateway: the document's (always 200), or Ironic's own. */
  gatewayCodes: 'seed' | 'ironic';
  /** The gateway refuses `Accept` where the document has no response body (seed 004 L33). */
  strictAccept: boolean;
  /** The gateway puts Ironic's errors into its own envelope; otherwise it passes them on. */
  wrapErrors: boolean;
  /** false: the gateway drops `uuid` of a create, and Ironic chooses one. */
  keepUUID: boolean;
  /** false: the gateway drops `extra` of a create. */
  keepExtra: boolean;
  /** `extra` of the gateway's port list: typed string, described as an object (seed 004 L14116); a string is JSON. */
  portExtra: 'string' | 'object';
  /** A new node is missing from the lists for so long. */
  nodeListLagSeconds: number;
  /** Lists come back empty, calls by ID answer 404. */
  hideNodes: boolean;
  /** As `hideNodes`, for ports and port groups. */
  hidePorts: boolean;
}

export function defaultCloudOSSettings(): CloudOSSettings {
  return {
    verifySeconds: 1,
    inspectSeconds: 2,
    cleanSeconds: 2,
    adoptSeconds: 1,
    deploySeconds: 2,
    undeploySeconds: 1,
    powerSeconds: 1,
    failVerify: '',
    failInspect: '',
    failClean: '',
    failAdopt: '',
    failPower: '',
    minVersion: '1.1',
    maxVersion: '1.82',
    drivers: ['fake-hardware', 'ipmi', 'pxe_ipmitool', 'redfish'],
    inspectedProperties: {},
    gatewayCodes: 'seed',
    strictAccept: true,
    wrapErrors: false,
    keepUUID: true,
    keepExtra: true,
    portExtra: 'string',
    nodeListLagSeconds: 0,
    hideNodes: false,
    hidePorts: false,
  };
}

type Check = (value: unknown) => boolean;

const isFlag: Check = (value) => typeof value === 'boolean';
const isString: Check = (value) => typeof value === 'string';
const isAmount: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isVersion: Check = (value) => typeof value === 'string' && /^1\.\d{1,3}$/.test(value);
const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);

export const CLOUDOS_CHECKS: Record<keyof CloudOSSettings, Check> = {
  verifySeconds: isAmount,
  inspectSeconds: isAmount,
  cleanSeconds: isAmount,
  adoptSeconds: isAmount,
  deploySeconds: isAmount,
  undeploySeconds: isAmount,
  powerSeconds: isAmount,
  failVerify: isString,
  failInspect: isString,
  failClean: isString,
  failAdopt: isString,
  failPower: isString,
  minVersion: isVersion,
  maxVersion: isVersion,
  drivers: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== ''),
  inspectedProperties: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  gatewayCodes: oneOf('seed', 'ironic'),
  strictAccept: isFlag,
  wrapErrors: isFlag,
  keepUUID: isFlag,
  keepExtra: isFlag,
  portExtra: oneOf('string', 'object'),
  nodeListLagSeconds: isAmount,
  hideNodes: isFlag,
  hidePorts: isFlag,
};
