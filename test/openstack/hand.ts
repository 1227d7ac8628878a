import { until } from '../support/wait.ts';

/** A resource as Ironic shows it at microversion 1.34. */
export type Shown = Record<string, unknown> & { uuid: string };

export interface HandAnswer {
  status: number;
  /** Parsed where it is JSON; `''` where there is none. */
  body: unknown;
}

/** An administrator with a token of the test's own: for assertions, and for what other people do to nodes. */
export interface Hand {
  /** Any call. Never throws for a status. */
  call(method: string, path: string, body?: unknown): Promise<HandAnswer>;
  /** These throw for anything but 2xx, saying call, status and answer. */
  nodes(): Promise<Shown[]>;
  ports(): Promise<Shown[]>;
  portGroups(): Promise<Shown[]>;
  /** By UUID or name. */
  node(id: string): Promise<Shown>;
  get(path: string): Promise<Shown>;
  post(path: string, body: unknown): Promise<Shown>;
  patch(
    path: string,
    operations: { op: 'add' | 'replace' | 'remove'; path: string; value?: unknown }[],
  ): Promise<Shown>;
  delete(path: string): Promise<void>;
  /** Asks for `manage`, `provide`, …; does not wait. */
  provision(id: string, target: string, more?: Record<string, unknown>): Promise<void>;
  /** Asks for `power on`, `power off`, `rebooting`, …; does not wait. */
  power(id: string, target: string): Promise<void>;
  /** Waits until nobody holds the node and no power change is under way. */
  settled(id: string): Promise<Shown>;
  /** Removes every node, with its ports and groups, whatever its state. */
  clear(): Promise<void>;
}

/** @param token asked for before the first call, and after a 401. */
export function handOn(endpoint: string, token: () => Promise<string>): Hand {
  let signedIn: Promise<string> | undefined;

  async function once(method: string, path: string, body: unknown): Promise<HandAnswer> {
    signedIn ??= token();
    const response = await fetch(endpoint + path, {
      method,
      headers: {
        // Ironic is killed under the tests: a connection that was kept open would be a broken one.
        connection: 'close',
        'x-auth-token': await signedIn,
        'x-openstack-ironic-api-version': '1.34',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  }

  async function call(method: string, path: string, body?: unknown): Promise<HandAnswer> {
    const answer = await once(method, path, body);
    if (answer.status !== 401) {
      return answer;
    }
    signedIn = undefined;
    return once(method, path, body);
  }

  async function wanted<T = Shown>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call(method, path, body);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body as T;
  }

  const hand: Hand = {
    call,
    nodes: async () => (await wanted<{ nodes: Shown[] }>('GET', '/v1/nodes/detail')).nodes,
    ports: async () => (await wanted<{ ports: Shown[] }>('GET', '/v1/ports/detail')).ports,
    portGroups: async () => (await wanted<{ portgroups: Shown[] }>('GET', '/v1/portgroups/detail')).portgroups,
    node: (id) => wanted('GET', `/v1/nodes/${id}`),
    get: (path) => wanted('GET', path),
    post: (path, body) => wanted('POST', path, body),
    patch: (path, operations) => wanted('PATCH', path, operations),
    delete: (path) => wanted('DELETE', path),
    provision: (id, target, more = {}) => wanted('PUT', `/v1/nodes/${id}/states/provision`, { target, ...more }),
    power: (id, target) => wanted('PUT', `/v1/nodes/${id}/states/power`, { target }),
    async settled(id) {
      let node = await hand.node(id);
      const still = async () => {
        node = await hand.node(id);
        return node['reservation'] === null && node['target_power_state'] === null;
      };
      await until(`node ${id} is left alone by Ironic`, still, 60_000);
      return node;
    },
    async clear() {
      for (const { uuid } of await hand.nodes()) {
        const gone = async () => {
          // Ironic deletes a node in maintenance in any state, with an instance too, only not a locked one (409).
          await call('PUT', `/v1/nodes/${uuid}/maintenance`, {});
          return [204, 404].includes((await call('DELETE', `/v1/nodes/${uuid}`)).status);
        };
        await until(`node ${uuid} is gone`, gone, 60_000);
      }
    },
  };
  return hand;
}
