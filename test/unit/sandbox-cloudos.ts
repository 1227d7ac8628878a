import { createSandbox } from '../../src/sandbox/sandbox.ts';
import type { Sandbox, SandboxInfo } from '../../src/sandbox/sandbox.ts';
import type { Answer } from '../../src/sandbox/types.ts';

/** An answer as a client sees it. `body` is parsed where it is JSON. */
export interface Seen {
  status: number;
  headers: Record<string, string>;
  // Tests reach into answers of every shape.
  body: any;
  text: string;
  answer: Answer;
}

type Headers = Record<string, string | undefined>;

export const UUID = 'e15691cf-3c7e-437b-9f30-2a9fba829bd7';

/** Where links of the gateway lead (seed 004 L12690). */
export const INTERNAL = 'http://api-kinton-service.default.svc.cloudos:9000';

/** A CloudOS on a clock that moves when told to, without a network. */
export class CloudOS {
  readonly sandbox: Sandbox;
  readonly info: SandboxInfo['cloudos'];
  token = '';
  now = Date.parse('2026-01-01T00:00:00Z');

  constructor() {
    let seed = 1;
    const random = (): number => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    this.sandbox = createSandbox({ now: () => this.now, random, baseURL: 'http://sandbox' });
    this.info = this.sandbox.info('http://sandbox').cloudos;
    this.token = this.signIn().headers['x-subject-token'] ?? '';
  }

  signIn(user: Record<string, unknown> = {}, project: Record<string, unknown> = {}): Seen {
    const { username, password, project: name, domain } = this.info;
    const wanted = { name: username, password, domain: { name: domain }, ...user };
    const scope = { project: { name, domain: { name: domain }, ...project } };
    const identity = { methods: ['password'], password: { user: wanted } };
    return this.send('POST', '/cloudos/keystone/v3/auth/tokens', { auth: { identity, scope } }, {});
  }

  /** A call of the gateway, below `/os/kinton/v1`, with the headers that it wants. */
  gateway(method: string, path: string, body?: unknown, headers: Headers = {}): Seen {
    return this.send(method, `/cloudos/os/kinton/v1${path}`, body, {
      'h3cloudos-core-target': 'bare_metal',
      'x-openstack-ironic-api-version': '1.34',
      'x-auth-token': this.token,
      ...headers,
    });
  }

  /** A call of Ironic itself. */
  plain(method: string, path: string, body?: unknown, headers: Headers = {}): Seen {
    return this.send(method, `/ironic${path}`, body, {
      'x-openstack-ironic-api-version': '1.34',
      'x-auth-token': this.token,
      ...headers,
    });
  }

  control(method: string, path: string, body?: unknown): any {
    const seen = this.send(method, `/control/${path}`, body, {});
    if (seen.status >= 400) throw new Error(`control ${method} ${path}: ${seen.status} ${seen.text}`);
    return seen.body;
  }

  set(settings: Record<string, unknown>): void {
    this.control('PATCH', 'settings', settings);
  }

  later(seconds: number): void {
    this.now += seconds * 1000;
  }

  /** A node that was registered over the plain endpoint, in `enroll`. */
  enroll(fields: Record<string, unknown> = {}): any {
    const driverInfo = { ipmi_address: '172.25.16.99', ipmi_username: 'admin', ipmi_password: 'admin123' };
    const seen = this.plain('POST', '/v1/nodes', { driver: 'ipmi', driver_info: driverInfo, ...fields });
    if (seen.status !== 201) throw new Error(seen.text);
    return seen.body;
  }

  /** Registers a node and brings it so far. */
  nodeIn(state: 'enroll' | 'manageable' | 'available' | 'active', fields: Record<string, unknown> = {}): string {
    const { uuid } = this.enroll(fields);
    const verbs = { enroll: [], manageable: ['manage'], available: ['manage', 'provide'], active: ['manage', 'adopt'] };
    for (const verb of verbs[state]) {
      this.verb(uuid, verb);
      this.later(10);
    }
    return uuid;
  }

  verb(uuid: string, target: string, more: Record<string, unknown> = {}): Seen {
    return this.plain('PUT', `/v1/nodes/${uuid}/states/provision`, { target, ...more });
  }

  node(uuid: string): any {
    return this.plain('GET', `/v1/nodes/${uuid}`).body;
  }

  /** State, target and lock of a node, in short. */
  states(uuid: string): unknown[] {
    const node = this.node(uuid);
    return [node.provision_state, node.target_provision_state, node.reservation];
  }

  send(method: string, path: string, body: unknown, headers: Headers): Seen {
    const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const sent = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
    const answer = this.sandbox.handle({ method, path, headers: Object.fromEntries(given), body: sent });
    let parsed: unknown = answer.body;
    try {
      parsed = JSON.parse(answer.body);
    } catch {
      // Empty, or not JSON: the text itself.
    }
    return { status: answer.status, headers: answer.headers, body: parsed, text: answer.body, answer };
  }
}

/** What Ironic says in an error; its value is a string of JSON. */
export function told(seen: Seen): any {
  return JSON.parse(seen.body.error_message);
}
