import { bareMetalNode } from '../../src/cloudos/bare-metal-node.ts';
import { typeOf } from '../../src/engine/kind.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { Hand, Shown } from '../openstack/hand.ts';
import type { OpenStackInfo } from '../support/openstack.ts';
import type { Recorder } from '../support/recorder.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';
import { conditionOf, passUntil } from '../support/servers.ts';
import { until } from '../support/wait.ts';

/** One place where nodes are: the simulated gateway, the simulated Ironic, or a real one. */
export interface Cloud {
  info: Omit<OpenStackInfo, 'endpoint' | 'region'>;
  /** Empty for a plain Ironic. */
  path: string;
  /** Stands between the operator and the API. */
  recorder: Recorder;
  /** Somebody with all rights at the Ironic behind it. */
  hand: Hand;
  /** What it does in this time of the scenario's clock happens in real time: a step must leave it the time. */
  step: number;
  /** The conductor dies in the middle of its work, and another one starts. */
  crash(): Promise<void>;
  /** While true an empty Ironic answers at the address of the API. */
  empty(on: boolean): Promise<void>;
  /** Each step of its work takes so many seconds of its time from now on. */
  slow(seconds: number): Promise<unknown>;
  /** Spec fields of a node whose BMC refuses, or does not answer. */
  brokenBMC(): Promise<{ driver: string; bmc: object }>;
  end(): Promise<void>;
}

export type OpenCloud = (s: Scenario) => Promise<Cloud>;

const nodes = typeOf(bareMetalNode);
let made = 0;

/** An address and MACs that nobody else has: tests share one Ironic. */
export function machine() {
  made += 1;
  const number = (process.pid % 4000) * 1000 + made;
  const bytes = [number >> 16, number >> 8, number].map((part) => (part & 255).toString(16).padStart(2, '0'));
  const mac = (last: number) => `52:54:${bytes.join(':')}:${last.toString(16).padStart(2, '0')}`;
  return { address: `bmc-${process.pid}-${made}.example`, mac };
}

/** One scenario with a cloud, and what people do and see there. */
export interface Site {
  s: Scenario;
  cloud: Cloud;
  /** Secrets and CloudOSTenant. */
  tenant(spec?: object, name?: string): object[];
  /** A BareMetalNode with a BMC of its own. */
  node(name: string, spec?: object, metadata?: object): object;
  get(name: string): Promise<Resource>;
  change(name: string, spec: object): Promise<Resource>;
  annotate(name: string, annotations: Record<string, string>): Promise<Resource>;
  /** Moves time on until Ready has that reason, by the present spec. */
  reason(name: string, reason: string, most?: number): Promise<Resource>;
  ready(name: string, most?: number): Promise<Resource>;
  until(what: string, holds: () => boolean | Promise<boolean>, most?: number): Promise<void>;
  gone(name: string, most?: number): Promise<void>;
  /** status.externalID */
  id(name: string): Promise<string>;
  /** The node at the remote; undefined when there is none. */
  shown(id: string): Promise<Shown | undefined>;
  ports(id: string): Promise<Shown[]>;
  groups(id: string): Promise<Shown[]>;
  /** All nodes of this scenario's owner at the remote. */
  own(): Promise<Shown[]>;
  /** Every call of the operator that changes something, as `POST nodes`, `PUT provision manage`, `PATCH nodes /name`. */
  sent(): string[];
}

export const condition = (resource: Resource, type: string) => conditionOf(resource, type);

/** What a call asks for, in short. */
function short(method: string, path: string, body: unknown): string {
  const fields = (body ?? {}) as Record<string, unknown>;
  const text = (name: string) => (typeof fields[name] === 'string' ? ` ${fields[name]}` : '');
  if (path.endsWith('/states/provision')) return `${method} provision${text('target')}`;
  if (path.endsWith('/states/power')) return `${method} power${text('target')}`;
  if (path.endsWith('/maintenance')) return `${method} maintenance`;
  const [, what = ''] = /\/v1\/(\w+)/.exec(path) ?? [];
  if (Array.isArray(body)) return `${method} ${what} ${body.map((one: { path?: string }) => one.path).join(' ')}`;
  return `${method} ${what}${what === 'ports' ? text('address') : ''}`;
}

function siteOf(s: Scenario, cloud: Cloud): Site {
  const { info, path, recorder, hand, step } = cloud;
  const site: Site = {
    s,
    cloud,
    tenant: (spec = {}, name = 'cloud') => [
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: `${name}-credentials` },
        type: 'freehold.dev/credentials',
        stringData: { username: info.username, password: info.password },
      },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: `${name}-bmc` },
        type: 'freehold.dev/credentials',
        stringData: { username: 'bmc-user', password: 'bmc-first-password' },
      },
      {
        apiVersion: 'cloudos.freehold.dev/v1alpha1',
        kind: 'CloudOSTenant',
        metadata: { name },
        spec: {
          authURL: info.authURL,
          project: info.project,
          domain: info.domain,
          endpoint: recorder.url,
          paths: { baremetal: path },
          credentialsSecretRef: { name: `${name}-credentials` },
          limits: { requestsPerSecond: 500, burst: 500 },
          ...spec,
        },
      },
    ],
    node: (name, spec = {}, metadata = {}) => ({
      apiVersion: 'cloudos.freehold.dev/v1alpha1',
      kind: 'BareMetalNode',
      metadata: { name, ...metadata },
      spec: {
        tenantRef: { name: 'cloud' },
        driver: info.driver,
        bmc: { address: machine().address, credentialsSecretRef: { name: 'cloud-bmc' } },
        ...spec,
      },
    }),
    get: async (name) => (await s.get('bmn', name))!,
    change: (name, spec) => s.api.mergePatch<Resource>(nodes, { namespace: s.namespace, name }, { spec }),
    annotate: (name, annotations) =>
      s.api.mergePatch<Resource>(nodes, { namespace: s.namespace, name }, { metadata: { annotations } }),
    async reason(name, reason, most) {
      let last: Resource | undefined;
      const holds = async () => {
        last = await s.get('bmn', name);
        const ready = conditionOf(last, 'Ready');
        return ready?.reason === reason && ready.observedGeneration === last?.metadata.generation;
      };
      await site.until(`${name} is ${reason}`, holds, most).catch((error: unknown) => {
        throw new Error(
          `${String(error)}; it is ${JSON.stringify(last?.status, undefined, 1)}; sent: ${site.sent().join(', ')}`,
        );
      });
      return last!;
    },
    ready: (name, most) => site.reason(name, 'Ready', most),
    until: (what, holds, most = 30 * 60_000) => passUntil(s, what, holds, most, step),
    gone: (name, most) => site.until(`${name} is gone`, async () => (await s.get('bmn', name)) === undefined, most),
    id: async (name) => (await s.get('bmn', name))!.status!.externalID!,
    async shown(id) {
      const { status, body } = await hand.call('GET', `/v1/nodes/${id}`);
      return status === 200 ? (body as Shown) : undefined;
    },
    async ports(id) {
      let shown: Shown[] = [];
      // Ironic 21.4 answers this list with 404 at the moment in which a port group goes.
      await until('the list of ports', async () => {
        const { status, body } = await hand.call('GET', '/v1/ports/detail');
        shown = status === 200 ? (body as { ports: Shown[] }).ports : [];
        return status === 200;
      });
      return shown.filter(({ node_uuid: node }) => node === id);
    },
    groups: async (id) => (await hand.portGroups()).filter(({ node_uuid: node }) => node === id),
    own: async () =>
      (await hand.nodes()).filter(({ extra }) =>
        String((extra as { freehold?: string } | null)?.freehold).startsWith(`${s.ownerID}/${s.namespace}/`),
      ),
    sent: () =>
      recorder.calls
        .filter(({ method, path: at }) => method !== 'GET' && at.includes('/v1/'))
        // At the gateway `/v1` stands twice: its own and that of Ironic.
        .map(({ method, path: at, requestBody }) => short(method, at.slice(at.lastIndexOf('/v1/')), requestBody)),
  };
  return site;
}

/** Gives each test a scenario and a cloud; what a test leaves in a shared Ironic goes with it. */
export const inCloud =
  (open: OpenCloud) =>
  <Row extends unknown[]>(body: (site: Site, ...row: Row) => Promise<void>) =>
  async (...row: Row): Promise<void> => {
    const s = await createScenario();
    try {
      const cloud = await open(s);
      try {
        await body(siteOf(s, cloud), ...row);
      } finally {
        await cloud.end();
      }
    } finally {
      await s.end();
    }
  };
