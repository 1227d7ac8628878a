import { createHash } from 'node:crypto';
import { dedicatedHypervisor } from '../../src/sdpf/dedicated-hypervisor.ts';
import { typeOf } from '../../src/engine/kind.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { createScenario, type LoggedCall, type Scenario } from './scenario.ts';

export const hypervisors = typeOf(dedicatedHypervisor);

export interface KubeSecret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

/** Gives each test a scenario of its own, so that the tests of one file may run at the same time. */
export const inScenario =
  <Row extends unknown[]>(body: (s: Scenario, ...row: Row) => Promise<void>) =>
  async (...row: Row): Promise<void> => {
    const s = await createScenario();
    try {
      await body(s, ...row);
    } finally {
      await s.end();
    }
  };

export function conditionOf(resource: Resource | undefined, type: string) {
  return resource?.status?.conditions?.find((condition) => condition.type === type);
}

/** As a merge of the manifest: `spec` and `annotations` of a DedicatedHypervisor; null removes. */
export function change(
  s: Scenario,
  name: string,
  { spec, annotations }: { spec?: object; annotations?: Record<string, string | null> },
): Promise<Resource> {
  const patch = { ...(spec && { spec }), ...(annotations && { metadata: { annotations } }) };
  return s.api.mergePatch<Resource>(hypervisors, { namespace: s.namespace, name }, patch);
}

/** The answer of the API server to something that it must refuse. */
export async function refusal(write: Promise<unknown>): Promise<string> {
  try {
    await write;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('the API server took it');
}

/** Moves the clock on until `holds`; fails, saying `what`, when `most` milliseconds were not enough. */
export async function passUntil(
  s: Scenario,
  what: string,
  holds: () => boolean | Promise<boolean>,
  most = 10 * 60_000,
  step = 10_000,
): Promise<void> {
  await s.pass(0.1);
  for (let passed = 0; !(await holds()); passed += step) {
    if (passed >= most) throw new Error(`not within ${most / 60_000} min of the scenario's time: ${what}`);
    await s.pass(step, step);
  }
}

/** Moves the clock on until the resource's Ready has that reason. */
export async function passUntilReason(s: Scenario, name: string, reason: string, most?: number): Promise<Resource> {
  let last: Resource | undefined;
  const holds = async () => {
    last = await s.get('dh', name);
    const ready = conditionOf(last, 'Ready');
    return ready?.reason === reason && ready.observedGeneration === last?.metadata.generation;
  };
  await passUntil(s, `${name} is ${reason}`, holds, most).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${JSON.stringify(last?.status, undefined, 1)}`);
  });
  return last!;
}

/** Everything that was asked of the platform and changes something there. */
export async function changes(s: Scenario): Promise<LoggedCall[]> {
  const calls = await s.sandbox.calls();
  return calls.filter(({ method, path }) => method !== 'GET' && path.startsWith('/dedicated-hypervisor/'));
}

/** A server that somebody made in the portal; its ID. Fields: src/sandbox/portal.ts. */
export async function inPortal(s: Scenario, fields: object): Promise<string> {
  return (await s.sandbox.control<{ id: string }>('POST', 'servers', fields)).id;
}

export function secret(s: Scenario, name: string): Promise<KubeSecret | undefined> {
  return s.api.get<KubeSecret>(
    { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' },
    { namespace: s.namespace, name },
  );
}

/** As the sandbox's ledger keeps a password. */
export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The clear text of a key. */
export const textOf = (object: KubeSecret | undefined, key: string) =>
  Buffer.from(object?.data?.[key] ?? '', 'base64').toString();
