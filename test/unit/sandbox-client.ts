import { listen } from '../../src/sandbox/serve.ts';
import type { Listening } from '../../src/sandbox/serve.ts';
import type { SandboxOptions } from '../../src/sandbox/sandbox.ts';

/** An answer as a client sees it. `body` is parsed where it is JSON. */
export interface Seen {
  status: number;
  headers: Headers;
  // Tests reach into answers of every shape.
  body: any;
  text: string;
}

/** A plain client of the sandbox, with no idea of retries, that signs in when told to. */
export class Client {
  readonly sandbox: Listening;
  token = '';
  tenantID: string;

  private constructor(sandbox: Listening) {
    this.sandbox = sandbox;
    this.tenantID = sandbox.info.sdpf.tenantID;
  }

  static async start(options: Partial<SandboxOptions> = {}): Promise<Client> {
    const client = new Client(await listen({ host: '127.0.0.1', port: 0, ...options }));
    await client.signIn();
    return client;
  }

  async signIn(): Promise<Seen> {
    const { apiKey, apiSecret, authURL } = this.sandbox.info.sdpf;
    const seen = await this.fetch('POST', `${authURL}/auth/tokens`, tokenRequest(apiKey, apiSecret, this.tenantID));
    this.token = seen.headers.get('x-subject-token') ?? '';
    return seen;
  }

  /** A call of the Dedicated Hypervisor API. */
  async call(method: string, path: string, body?: unknown): Promise<Seen> {
    const { endpoint, tenantID } = this.sandbox.info.sdpf;
    return this.fetch(method, `${endpoint.replace(tenantID, this.tenantID)}/${path}`, body);
  }

  async control(method: string, path: string, body?: unknown): Promise<Seen> {
    const seen = await this.fetch(method, `${this.sandbox.info.control}/${path}`, body);
    if (seen.status >= 400) throw new Error(`control ${method} ${path}: ${seen.status} ${seen.text}`);
    return seen;
  }

  async set(settings: Record<string, unknown>): Promise<void> {
    await this.control('PATCH', 'settings', settings);
  }

  async advance(seconds: number): Promise<void> {
    await this.control('POST', 'advance', { seconds });
  }

  /** Creates a server and answers what the create answered. */
  async createServer(fields: Record<string, unknown> = {}): Promise<any> {
    const seen = await this.call('POST', 'servers', this.serverBody(fields));
    if (seen.status !== 200) throw new Error(`create: ${seen.status} ${seen.text}`);
    return seen.body.server;
  }

  serverBody(fields: Record<string, unknown> = {}): unknown {
    const { imageRef, flavorRef, networkID } = this.sandbox.info.sdpf;
    const networks = [
      { uuid: networkID, fixed_ip: '10.0.0.100', segmentation_id: 2001 },
      { uuid: networkID, fixed_ip: '10.0.0.101', segmentation_id: 2001 },
    ];
    return { server: { name: 'server-test-1', imageRef, flavorRef, networks, ...fields } };
  }

  async fetch(method: string, url: string, body?: unknown): Promise<Seen> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (this.token !== '') headers['x-auth-token'] = this.token;
    const sent = typeof body === 'string' ? body : JSON.stringify(body);
    if (sent !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(url, { method, headers, body: sent });
    const text = await response.text();
    let parsed: unknown = text;
    try {
      parsed = JSON.parse(text);
    } catch {
      // Not JSON: the text itself.
    }
    return { status: response.status, headers: response.headers, body: parsed, text };
  }

  stop(): Promise<void> {
    return this.sandbox.close();
  }
}

export function tokenRequest(name: string, password: string, projectID: string): unknown {
  const user = { domain: { id: 'default' }, name, password };
  return {
    auth: { identity: { methods: ['password'], password: { user } }, scope: { project: { id: projectID } } },
  };
}
