import { isIPv6 } from 'node:net';
import type { Secret } from '../../base/secret.ts';
import type { SecretNeed } from '../../engine/kind.ts';
import type { Node } from '../wire-node.ts';
import type { BMC } from './schema-bmc.ts';
import type { Spec } from './schema.ts';

/** How the driver_info of a family of drivers spells what every BMC has. */
interface Keys {
  address: string;
  /** Absent: the port is a part of the address. */
  port?: string;
  username: string;
  password: string;
}

/** Words of a driver's name that tell its family: `pxe_drac` and `idrac`, `ilo5` and `agent_ilo`. */
const families: [RegExp, string][] = [
  [/^redfish$/, 'redfish'],
  [/^i?drac$/, 'drac'],
  [/^ilo\d*$/, 'ilo'],
  [/^irmc$/, 'irmc'],
  [/^xclarity$/, 'xclarity'],
  [/^ibmc$/, 'ibmc'],
];

function prefixOf(driver: string | undefined, keyPrefix?: string): string {
  if (keyPrefix !== undefined) return keyPrefix;
  const words = (driver ?? '').toLowerCase().split(/[^a-z0-9]+/);
  return families.find(([pattern]) => words.some((word) => pattern.test(word)))?.[1] ?? 'ipmi';
}

function keysOf(prefix: string): Keys {
  const keys = { address: `${prefix}_address`, username: `${prefix}_username`, password: `${prefix}_password` };
  switch (prefix) {
    case 'redfish':
    case 'ibmc':
      return keys;
    // Ironic, hardware types ilo and xclarity: these two are named otherwise.
    case 'ilo':
      return { ...keys, port: 'client_port' };
    case 'xclarity':
      return { ...keys, address: 'xclarity_manager_ip', port: 'xclarity_port' };
    default:
      return { ...keys, port: `${prefix}_port` };
  }
}

/** `https://bmc/` with port 8443 is `https://bmc:8443/`; a host without a scheme stays one. */
function withPort(address: string, port: number): string {
  if (isIPv6(address)) return `[${address}]:${port}`;
  const parts = endpoint.exec(address)?.groups;
  return parts ? `${parts['scheme'] ?? ''}${parts['host']}:${port}${parts['path'] ?? ''}` : address;
}

/** What the spec says of driver_info, but for the secrets. */
export function driverInfoOf({ bmc, driver }: Spec): Record<string, string> {
  if (!bmc) return {};
  const keys = keysOf(prefixOf(driver, bmc.keyPrefix));
  const inAddress = bmc.port !== undefined && keys.port === undefined;
  const given = {
    ...bmc.driverInfo,
    [keys.address]: inAddress ? withPort(bmc.address, bmc.port!) : bmc.address,
    ...(bmc.port !== undefined && keys.port !== undefined && { [keys.port]: String(bmc.port) }),
  };
  const secret = new Set(Object.keys(secretsOf({ bmc, driver })));
  return Object.fromEntries(Object.entries(given).filter(([key]) => !secret.has(key)));
}

/**
 * Secret values of driver_info, under their keys there: a driver with another prefix has other secrets, so that theirs
 * count as never proved and are sent.
 */
export function secretsOf({ bmc, driver }: Pick<Spec, 'bmc' | 'driver'>): Record<string, SecretNeed> {
  const { username, password } = keysOf(prefixOf(driver, bmc?.keyPrefix));
  const ref = bmc?.credentialsSecretRef;
  return {
    ...(ref && {
      [username]: { name: ref.name, key: ref.usernameKey, live: true, public: true },
      [password]: { name: ref.name, key: ref.passwordKey, live: true },
    }),
    ...Object.fromEntries(
      (bmc?.driverInfoFrom ?? []).map(({ key, secretKeyRef }) => [key, { ...secretKeyRef, live: true } as const]),
    ),
  };
}

/** The secret values to send: of those that are named. */
export function valuesOf(
  spec: Spec,
  secrets: Record<string, Secret>,
  names: readonly string[] = Object.keys(secretsOf(spec)),
): Record<string, Secret> {
  return Object.fromEntries(
    Object.keys(secretsOf(spec)).flatMap((name) =>
      names.includes(name) && secrets[name] !== undefined ? [[name, secrets[name]]] : [],
    ),
  );
}

const endpoint =
  /^(?<scheme>[a-z][a-z0-9+.-]*:\/\/)?(?<host>\[[^\]]+\]|[^:/?#[\]]+)(?::(?<port>\d+))?(?<path>[/?#].*)?$/i;

const defaultPorts: Record<string, number> = { 'http://': 80, 'https://': 443 };

/** `host:port` in one spelling, so that the same BMC is the same text. */
function spelled(address: string, port: string | undefined, prefix: string): string | undefined {
  const parts = endpoint.exec(isIPv6(address) ? `[${address}]` : address.trim())?.groups;
  const host = parts?.['host']?.toLowerCase().replace(/\.$/, '');
  if (!parts || host === undefined || host === '') return undefined;
  const usual = defaultPorts[parts['scheme']?.toLowerCase() ?? ''] ?? (prefix === 'ipmi' ? 623 : 443);
  // `fe80::1` has many spellings; a URL knows one.
  const one = host.startsWith('[') && URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : host;
  return `${one}:${Number(parts['port'] ?? port ?? usual)}`;
}

/** Which BMC the spec names, as `host:port`. */
export function wantedBMC({ bmc, driver }: { bmc?: BMC | undefined; driver?: string | undefined }): string | undefined {
  if (!bmc) return undefined;
  const { address, port, keyPrefix } = bmc;
  const prefix = prefixOf(driver, keyPrefix);
  return spelled(
    port !== undefined && keysOf(prefix).port === undefined ? withPort(address, port) : address,
    port === undefined ? undefined : String(port),
    prefix,
  );
}

const text = (value: unknown) =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;

/** Which BMC a node has: that of its driver, or of any other whose address stands there. */
export function remoteBMC({ driver, driver_info: info }: Pick<Node, 'driver' | 'driver_info'>): string | undefined {
  const others = Object.keys(info)
    .filter((key) => /^[a-z0-9]+_address$/.test(key))
    .map((key) => key.replace(/_address$/, ''))
    .sort();
  for (const prefix of [prefixOf(driver), ...others]) {
    const keys = keysOf(prefix);
    const address = text(info[keys.address]);
    if (address !== undefined) return spelled(address, keys.port && text(info[keys.port]), prefix);
  }
  return undefined;
}

/** What is wrong with driverInfo that the schema cannot say. */
export function driverInfoProblem({ bmc, driver }: Spec): string | undefined {
  if (!bmc) return undefined;
  const { address, port, username, password } = keysOf(prefixOf(driver, bmc.keyPrefix));
  const fields: Record<string, string> = {
    [address]: 'spec.bmc.address',
    [port ?? address]: port === undefined ? 'spec.bmc.address' : 'spec.bmc.port',
    [username]: 'spec.bmc.credentialsSecretRef',
    [password]: 'spec.bmc.credentialsSecretRef',
  };
  const key = Object.keys(bmc.driverInfo ?? {}).find((name) => Object.hasOwn(fields, name));
  return key === undefined ? undefined : `spec.bmc.driverInfo has the key ${key}, which ${fields[key]} is for`;
}
