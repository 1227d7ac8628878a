import type * as z from 'zod';
import { Secret } from '../../src/base/secret.ts';
import { bareMetalNode } from '../../src/cloudos/bare-metal-node.ts';
import { spec as specSchema, type Spec } from '../../src/cloudos/bare-metal-node/schema.ts';
import type { CreateNode, JSONPatch, Node } from '../../src/cloudos/wire-node.ts';
import { node as nodeSchema } from '../../src/cloudos/wire-node.ts';
import type { CreatePort, CreatePortGroup, Port, PortGroup } from '../../src/cloudos/wire-port.ts';
import { portGroupsAnswer, portsAnswer } from '../../src/cloudos/wire-port.ts';
import type { Desired, Effect, Observed, RemoteObject, Step } from '../../src/engine/kind.ts';
import type { ActionRecord } from '../../src/engine/resource.ts';
import { RemoteError } from '../../src/remote/errors.ts';

export const kind = bareMetalNode;
export const mac = '52:54:00:00:00:01';
export const mac2 = '52:54:00:00:00:02';
export const password = 'canary-bmc-password';

/** A spec with a driver and a BMC, as the API server stores it. */
export const specOf = (fields: Partial<z.input<typeof specSchema>> = {}): Spec =>
  specSchema.parse({
    tenantRef: { name: 'lab' },
    driver: 'ipmi',
    bmc: { address: '10.0.0.1', credentialsSecretRef: { name: 'bmc' } },
    ...fields,
  });

/** A node as the remote answers it; it is as `specOf()` wants it. */
export const nodeOf = (fields: Record<string, unknown> = {}): Node =>
  nodeSchema.parse({
    uuid: 'n1',
    driver: 'ipmi',
    driver_info: { ipmi_address: '10.0.0.1', ipmi_username: 'admin', ipmi_password: '******' },
    provision_state: 'manageable',
    power_state: 'power off',
    ...fields,
  });

export const portOf = (fields: Record<string, unknown> = {}): Port =>
  portsAnswer.parse({ ports: [{ uuid: 'p1', address: mac, node_uuid: 'n1', pxe_enabled: true, ...fields }] }).ports
    .items[0]!;

export const groupOf = (fields: Record<string, unknown> = {}): PortGroup =>
  portGroupsAnswer.parse({
    portgroups: [{ uuid: 'g1', name: 'n1-bond0', node_uuid: 'n1', mode: 'active-backup', ...fields }],
  }).portgroups.items[0]!;

export const present = <Remote extends { uuid: string }>(remote: Remote) =>
  ({ state: 'present', id: remote.uuid, remote }) as const;

/** Ports and groups as the engine observes them. */
export const partsOf = (ports: Port[] = [], groups: PortGroup[] = []): Observed => ({
  ...Object.fromEntries(groups.map((group) => [`portGroup/${group.name?.replace('n1-', '')}`, present(group)])),
  ...Object.fromEntries(ports.map((port) => [`port/${port.address}`, present(port)])),
});

export function plan(spec: Spec, node: Node, more: Partial<Desired<Spec>> = {}, parts: Observed = {}): Step {
  return kind.plan({ spec, name: 'web', ...more }, { main: present(node), parts });
}

const no = (status: number, message: string) =>
  new RemoteError({
    reason: status === 409 ? 'Conflict' : status === 404 ? 'NotFound' : 'Rejected',
    outcome: 'definitely-not',
    operation: 'fake',
    status,
    message,
  });

/** RFC 6902 as Ironic does it: all of it or nothing, `replace` and `remove` of what is not there are refused. */
export function patched<T extends object>(object: T, patch: JSONPatch): T {
  const copy = structuredCloneOf(object) as Record<string, unknown>;
  for (const { op, path, value } of patch) {
    if (!/^(\/[\w-]+)+$/.test(path)) throw no(400, `'${path}' does not match '^(/[\\w-]+)+$'`);
    const keys = path.slice(1).split('/');
    const last = keys.pop()!;
    const target = keys.reduce((at, key) => (at[key] ??= {}) as Record<string, unknown>, copy);
    if (op !== 'add' && target[last] === undefined) throw no(400, `can't ${op} ${path}`);
    if (op === 'remove') delete target[last];
    else target[last] = value;
  }
  return copy as T;
}

const structuredCloneOf = <T extends object>(object: T): T =>
  Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      key,
      typeof value === 'object' && value !== null && !(value instanceof Secret) ? { ...value } : value,
    ]),
  ) as T;

const ends: Record<string, Record<string, string>> = {
  enroll: { manage: 'manageable' },
  manageable: { inspect: 'manageable', provide: 'available', clean: 'manageable', adopt: 'active' },
  available: { manage: 'manageable' },
  'clean wait': { abort: 'clean failed' },
  'clean failed': { manage: 'manageable' },
  'inspect failed': { manage: 'manageable', inspect: 'manageable' },
  'adopt failed': { manage: 'manageable', adopt: 'active' },
};

/** One node in memory with what Ironic demands of the order of calls; `calls` are those that change something. */
export function createFakeIronic(first?: Node) {
  const ironic = {
    node: first,
    ports: new Map<string, Port>(),
    groups: new Map<string, PortGroup>(),
    calls: [] as string[],
    bodies: [] as unknown[],
    client: {} as Record<string, (...args: never[]) => unknown>,
  };
  const note = (call: string, body?: unknown) => {
    ironic.calls.push(call);
    ironic.bodies.push(body);
  };
  const masked = (info: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(info).map(([key, value]) => [
        key,
        key.includes('password') ? '******' : value instanceof Secret ? value.reveal() : value,
      ]),
    );
  const connectable = () =>
    ironic.node!.maintenance || ['enroll', 'manageable'].includes(ironic.node!.provision_state ?? '');
  ironic.client = {
    createNode(body: CreateNode) {
      note('POST node', body);
      ironic.node = nodeSchema.parse({
        ...body,
        driver_info: masked(body.driver_info ?? {}),
        provision_state: 'enroll',
      });
      return { uuid: ironic.node.uuid };
    },
    patchNode(_id: string, patch: JSONPatch) {
      note(`PATCH node ${patch.map(({ path }) => path).join(' ')}`, patch);
      const next = patched(ironic.node!, patch);
      ironic.node = { ...next, driver_info: masked(next.driver_info) };
    },
    deleteNode: () => note('DELETE node'),
    setProvisionState(_id: string, body: { target: string }) {
      note(body.target, body);
      const next = ends[ironic.node!.provision_state ?? '']?.[body.target];
      if (next === undefined) throw no(400, `The requested action "${body.target}" can not be performed`);
      const inspected = body.target === 'inspect' && { inspection_finished_at: '2026-01-01T00:00:00+00:00' };
      ironic.node = { ...ironic.node!, provision_state: next, power_state: 'power off', ...inspected };
    },
    setPowerState(_id: string, body: { target: string }) {
      note(body.target, body);
      ironic.node = { ...ironic.node!, power_state: body.target === 'rebooting' ? 'power on' : body.target };
    },
    setMaintenance(_id: string, { reason }: { reason: string }) {
      note(`maintenance: ${reason}`);
      ironic.node = { ...ironic.node!, maintenance: true, maintenance_reason: reason };
    },
    unsetMaintenance() {
      note('leave maintenance');
      ironic.node = { ...ironic.node!, maintenance: false, maintenance_reason: undefined };
    },
    createPort(body: CreatePort) {
      note(`POST port ${body.address}`, body);
      inOneNetwork(body.portgroup_uuid, body.physical_network, body.uuid!);
      ironic.ports.set(body.uuid!, portOf({ pxe_enabled: true, ...body }));
      return { uuid: body.uuid! };
    },
    patchPort(id: string, patch: JSONPatch) {
      note(
        `PATCH port ${ironic.ports.get(id)!.address} ${patch.map(({ op, path }) => `${op} ${path}`).join(' ')}`,
        patch,
      );
      if (!connectable()) throw no(409, 'can not have any connectivity attributes updated');
      const next = patched(ironic.ports.get(id)!, patch);
      inOneNetwork(next.portgroup_uuid, next.physical_network, id);
      ironic.ports.set(id, next);
    },
    deletePort(id: string) {
      note(`DELETE port ${ironic.ports.get(id)!.address}`);
      ironic.ports.delete(id);
    },
    createPortGroup(body: CreatePortGroup) {
      note(`POST group ${body.name}`, body);
      ironic.groups.set(body.uuid!, groupOf({ mode: 'active-backup', ...body }));
      return { uuid: body.uuid! };
    },
    patchPortGroup(id: string, patch: JSONPatch) {
      note(`PATCH group ${patch.map(({ path }) => path).join(' ')}`, patch);
      ironic.groups.set(id, patched(ironic.groups.get(id)!, patch));
    },
    deletePortGroup(id: string) {
      note(`DELETE group ${ironic.groups.get(id)!.name}`);
      if ([...ironic.ports.values()].some((port) => port.portgroup_uuid === id)) throw no(500, 'FOREIGN KEY');
      ironic.groups.delete(id);
    },
  };
  function inOneNetwork(group: string | undefined, network: string | undefined, except: string) {
    if (group === undefined) return;
    if (!ironic.groups.has(group)) throw no(400, `Portgroup ${group} could not be found`);
    for (const [id, port] of ironic.ports)
      if (id !== except && port.portgroup_uuid === group && port.physical_network !== network)
        throw no(409, 'physical network differs');
  }
  return ironic;
}

export type FakeIronic = ReturnType<typeof createFakeIronic>;

/** What the engine has observed of it: what the spec names, and what it named once. */
function observed(ironic: FakeIronic, spec: Spec): Observed {
  return {
    ...Object.fromEntries(
      (spec.portGroups ?? []).map(({ name }) => [`portGroup/${name}`, { state: 'absent' as const }]),
    ),
    ...Object.fromEntries((spec.ports ?? []).map((port) => [`port/${port.macAddress}`, { state: 'absent' as const }])),
    ...partsOf([...ironic.ports.values()], [...ironic.groups.values()]),
  };
}

/** Secret values by the names that the kind gives them. */
export const secretsFor = (spec: Spec): Record<string, Secret> =>
  Object.fromEntries(
    Object.entries(kind.secrets!(spec, 'web')).map(([name, need]) => [
      name,
      new Secret(need.key === 'username' ? 'admin' : password),
    ]),
  );

/**
 * Plans and does what is planned, one step at a time as the engine does, until there is nothing to do. The last step is
 * returned; `conclude` is written down and goes on.
 */
export async function drive(
  ironic: FakeIronic,
  spec: Spec,
  more: { retry?: string; changedSecrets?: string[]; action?: ActionRecord } = {},
): Promise<Step & { action?: ActionRecord }> {
  const state = { ...more };
  for (let steps = 0; steps < 60; steps += 1) {
    const parts = ironic.node ? observed(ironic, spec) : {};
    const main = ironic.node ? present(ironic.node) : ({ state: 'absent' } as const);
    const desired = { spec: spec, name: 'web', ...state } as never;
    const step = kind.plan(desired, { main, parts });
    if (step.do === 'conclude') {
      state.action = {
        requestedAt: spec.action!.requestedAt,
        verb: spec.action!.verb,
        finishedAt: 'now',
        result: step.result,
        message: step.message,
      };
      continue;
    }
    if (step.do === 'wait' || step.do === 'ready' || step.do === 'blocked')
      return { ...step, ...(state.action && { action: state.action }) };
    if (step.do === 'act' && step.obeys === 'action')
      state.action = { requestedAt: spec.action!.requestedAt, verb: spec.action!.verb, sentAt: 'now' };
    if (step.do === 'act' && step.obeys === 'retry') delete state.retry;
    await perform(ironic, spec, step, parts, state.changedSecrets);
    if (step.do === 'update' && step.remote === 'main') delete state.changedSecrets;
  }
  throw new Error(`it never comes to rest: ${ironic.calls.slice(-8).join(', ')}`);
}

async function perform(
  ironic: FakeIronic,
  spec: Spec,
  step: Extract<Step, { do: 'create' | 'update' | 'act' | 'remove' }>,
  parts: Observed,
  changedSecrets: string[] | undefined,
): Promise<void> {
  const object = (step.remote === 'main' ? kind.main : kind.parts![step.remote]!) as unknown as RemoteObject<
    never,
    never,
    never
  >;
  const instance = step.instance ?? '';
  const seen = step.remote === 'main' ? undefined : parts[`${step.remote}/${instance}`];
  const found = seen?.state === 'present' ? seen : undefined;
  const id = step.remote === 'main' ? (ironic.node?.uuid ?? 'n1') : (found?.id ?? `${step.remote}-${instance}`);
  const remote = (step.remote === 'main' ? ironic.node : found?.remote) as never;
  const effect = {
    client: ironic.client,
    spec,
    name: 'web',
    marked: () => '',
    owner: `o/n/web${step.remote === 'main' ? '' : `#${step.remote}#${instance}`}`,
    ...(ironic.node && { mainID: ironic.node.uuid }),
    parts,
    secrets: secretsFor(spec),
    ...(changedSecrets && { changedSecrets }),
    fence: () => {},
  } as unknown as Effect<never, never>;
  if (step.do === 'create') await object.create(effect, { instance, id });
  else if (step.do === 'update') await object.update!(effect, { instance, id, remote });
  else if (step.do === 'act') await object.act!(effect, { instance, id, remote, verb: step.verb });
  else await object.remove(effect, id);
}
