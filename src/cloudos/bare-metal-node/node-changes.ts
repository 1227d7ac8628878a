import type { Secret } from '../../base/secret.ts';
import type { CreateNode, InterfaceField, Node } from '../wire-node.ts';
import { driverInfoOf, secretsOf, valuesOf } from './bmc.ts';
import { type Change, change, mapChanges, untold } from './patch.ts';
import type { Spec } from './schema.ts';
import { takesInterfaces, takesResourceClass } from './states.ts';

type Interfaces = [InterfaceField, string][];

const interfacesOf = ({ interfaces }: Spec): Interfaces =>
  Object.entries(interfaces ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[`${name}_interface` as InterfaceField, value]],
  );

/** `k:v,k:v` as pairs; what is no pair stays as it stands. */
const pairs = (text: string) =>
  text
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair): [string, string | undefined] => {
      const colon = pair.indexOf(':');
      return colon < 0 ? [pair.trim(), undefined] : [pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()];
    });

/** The remote's capabilities with those of the spec among them; undefined where the spec names none. */
function capabilitiesOf({ properties, bootMode }: Spec, have: unknown): string | undefined {
  const want = {
    ...properties?.capabilities,
    ...(bootMode !== undefined && { boot_mode: bootMode.toLowerCase() }),
  };
  if (Object.keys(want).length === 0) return undefined;
  const merged = new Map([...pairs(typeof have === 'string' ? have : ''), ...Object.entries(want)]);
  return [...merged].map(([name, value]) => (value === undefined ? name : `${name}:${value}`)).join(',');
}

/** Properties as they are sent: all of them text, as the seed's samples have them (seed 004 L12499-L12607). */
function propertiesOf(spec: Spec, have: Record<string, unknown>): Record<string, string> {
  const { cpus, memoryMB, localGB, architecture, extra } = spec.properties ?? {};
  const capabilities = capabilitiesOf(spec, have['capabilities']);
  return {
    ...extra,
    ...(cpus !== undefined && { cpus: String(cpus) }),
    ...(memoryMB !== undefined && { memory_mb: String(memoryMB) }),
    ...(localGB !== undefined && { local_gb: String(localGB) }),
    ...(architecture !== undefined && { cpu_arch: architecture }),
    ...(capabilities !== undefined && { capabilities }),
  };
}

/** Have the capabilities that the spec names these values, in whatever order and spelling of the rest? */
function hasCapabilities(spec: Spec, have: unknown): boolean {
  const wanted = capabilitiesOf(spec, undefined);
  if (wanted === undefined) return true;
  const known = new Map(pairs(typeof have === 'string' ? have : ''));
  return pairs(wanted).every(([name, value]) => known.get(name) === value);
}

const sameProperties = (spec: Spec, have: Record<string, unknown>) => {
  const { capabilities, ...rest } = propertiesOf(spec, have);
  return hasCapabilities(spec, have['capabilities']) || capabilities === undefined ? rest : { ...rest, capabilities };
};

/** Differences that can be sent in the present state, or (`stuck`) that the remote takes in others only. */
interface NodeChanges {
  ready: Change[];
  stuck: Change[];
}

/**
 * What of the node is not as the spec says. Of secrets only those count that `changed` names, since the remote shows none;
 * their values are in the patch where `secrets` has them.
 */
export function nodeChanges(
  spec: Spec,
  node: Node,
  changed: readonly string[] = [],
  secrets: Record<string, Secret> = {},
): NodeChanges {
  const field = (name: keyof Node, want: string | undefined, label: string): Change[] =>
    want === undefined || node[name] === want ? [] : [change([name], want, node[name], label)];
  const limited = [
    ...field('driver', spec.driver, 'driver'),
    ...interfacesOf(spec).flatMap(([name, want]) =>
      field(name, want, `interfaces.${name.slice(0, -'_interface'.length)}`),
    ),
  ];
  const resourceClass = field('resource_class', spec.resourceClass, 'resourceClass');
  const takesClass = takesResourceClass(node) || node.resource_class === undefined;
  const values = valuesOf(spec, secrets, changed);
  const rotated = Object.keys(secretsOf(spec)).filter((name) => changed.includes(name));
  return {
    ready: [
      ...field('name', spec.name, 'name'),
      ...(takesInterfaces(node) ? limited : []),
      ...(takesClass ? resourceClass : []),
      ...mapChanges('properties', sameProperties(spec, node.properties), node.properties),
      ...mapChanges('driver_info', driverInfoOf(spec), node.driver_info, { show: untold }),
      ...rotated.map((key): Change => {
        const { patch } = change(['driver_info', key], values[key] ?? null, node.driver_info[key]);
        return {
          text: `driver_info.${key}: the Secret changed, or what it holds was never proved at the remote`,
          patch,
        };
      }),
    ],
    stuck: [...(takesInterfaces(node) ? [] : limited), ...(takesClass ? [] : resourceClass)],
  };
}

/** The whole node for a create. */
export function newNode(spec: Spec, secrets: Record<string, Secret>, id: string, owner: string): CreateNode {
  const properties = propertiesOf(spec, {});
  return {
    uuid: id,
    ...(spec.name !== undefined && { name: spec.name }),
    driver: spec.driver ?? '',
    driver_info: { ...driverInfoOf(spec), ...valuesOf(spec, secrets) },
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(spec.resourceClass !== undefined && { resource_class: spec.resourceClass }),
    ...Object.fromEntries(interfacesOf(spec)),
    extra: { freehold: owner },
  };
}

/** What is wrong with properties that the schema cannot say. */
export function propertiesProblem({ properties }: Spec): string | undefined {
  const name = Object.keys(properties?.capabilities ?? {}).find((key) => /[,:\s]/.test(key) || key === '');
  if (name !== undefined)
    return `spec.properties.capabilities has the name "${name}"; a name has no comma, colon or space`;
  const fields = {
    cpus: 'cpus',
    memory_mb: 'memoryMB',
    local_gb: 'localGB',
    cpu_arch: 'architecture',
    capabilities: '',
  };
  const key = Object.keys(properties?.extra ?? {}).find((extra) => Object.hasOwn(fields, extra));
  return key === undefined
    ? undefined
    : `spec.properties.extra has the key ${key}, which spec.properties.${fields[key as keyof typeof fields] || key} is for`;
}
