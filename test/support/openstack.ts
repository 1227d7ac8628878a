import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Hand, handOn } from '../openstack/hand.ts';

const script = path.resolve(import.meta.dirname, '../openstack/openstack.sh');

/** How to reach it, as a person with all rights. */
export interface OpenStackInfo {
  /** Of Keystone, with `/v3`. */
  authURL: string;
  /** Of Ironic, without `/v1`. The catalogue says the same. */
  endpoint: string;
  project: string;
  username: string;
  password: string;
  /** Name of the domain of user and project. */
  domain: string;
  region: string;
  /** A driver that needs no hardware. */
  driver: string;
}

/** A second, empty Ironic behind the same Keystone, on a port of its own: what a wrong endpoint leads to. */
export interface EmptyIronic {
  endpoint: string;
  ironic: Hand;
  stop(): Promise<void>;
}

/** A real Keystone and a real Ironic, processes of their own, in a directory of their own. */
export interface OpenStack {
  /** Of its settings, databases and logs. */
  directory: string;
  info: OpenStackInfo;
  /** `OS_*`, for OpenStack's own command-line programs. */
  env: Record<string, string>;
  ironic: Hand;
  /** The same hand, by another way (a recorder) or to another Ironic. */
  through(endpoint: string): Hand;
  /** Seconds that each step of fake-hardware takes that begins from now on. One that was asked for may not have begun. */
  delay(seconds: number): Promise<void>;
  /** SIGKILL for Ironic, and a new start: work under way fails, as after a power failure. About 3 s. */
  crash(): Promise<void>;
  killIronic(): Promise<void>;
  startIronic(): Promise<void>;
  emptyIronic(): Promise<EmptyIronic>;
  /** Ends all of it and removes the directory. */
  stop(): Promise<void>;
}

export interface OpenStackOptions {
  /** Seconds that each step of fake-hardware takes; default 0. */
  delay?: number;
  /** Seconds that a token lives; default 3600. */
  tokenSeconds?: number;
}

/** About 4 s, 300 MB. Ends with this process at the latest. Throws with the reason where it cannot run on this machine. */
export async function startOpenStack(options: OpenStackOptions = {}): Promise<OpenStack> {
  const directory = await mkdtemp(path.join(tmpdir(), 'freehold-openstack-'));
  const info = await run(['up', directory], {
    FAKE_DELAY: String(options.delay ?? 0),
    TOKEN_SECONDS: String(options.tokenSeconds ?? 3600),
    OWNER_PID: String(process.pid),
  });
  return openStackIn(directory, JSON.parse(info) as OpenStackInfo);
}

/** Where the OpenStack that all test files share is told to them. */
export const sharedOpenStackDirectory = 'FREEHOLD_TEST_OPENSTACK';

/** The one of this test run, started by global setup. It keeps its nodes from test to test: `ironic.clear()`. */
export async function sharedOpenStack(): Promise<Omit<OpenStack, 'stop'>> {
  const directory = process.env[sharedOpenStackDirectory];
  if (!directory) {
    throw new Error('no OpenStack was started for these tests: vitest run --project ironic');
  }
  return openStackIn(directory, JSON.parse(await run(['start', directory])) as OpenStackInfo);
}

function openStackIn(directory: string, info: OpenStackInfo): OpenStack {
  let empties = 0;
  const through = (endpoint: string) => handOn(endpoint, () => signIn(info));
  return {
    directory,
    info,
    env: {
      OS_AUTH_TYPE: 'password',
      OS_AUTH_URL: info.authURL,
      OS_USERNAME: info.username,
      OS_PASSWORD: info.password,
      OS_PROJECT_NAME: info.project,
      OS_USER_DOMAIN_NAME: info.domain,
      OS_PROJECT_DOMAIN_NAME: info.domain,
      OS_REGION_NAME: info.region,
    },
    ironic: through(info.endpoint),
    through,
    async delay(seconds) {
      await run(['delay', directory, String(seconds)]);
    },
    async crash() {
      await run(['crash', directory]);
    },
    async killIronic() {
      await run(['kill', directory]);
    },
    async startIronic() {
      await run(['start', directory]);
    },
    async emptyIronic() {
      const name = `ironic-${process.pid}-${(empties += 1)}`;
      const { endpoint } = JSON.parse(await run(['start', directory, name])) as OpenStackInfo;
      return {
        endpoint,
        ironic: through(endpoint),
        async stop() {
          await run(['kill', directory, name]);
        },
      };
    },
    async stop() {
      await run(['wipe', directory]);
    },
  };
}

export async function signIn({ authURL, project, username, password, domain }: OpenStackInfo): Promise<string> {
  const user = { name: username, domain: { name: domain }, password };
  const scope = { project: { name: project, domain: { name: domain } } };
  const response = await fetch(`${authURL}/auth/tokens`, {
    method: 'POST',
    headers: { connection: 'close', 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
  });
  const token = response.headers.get('x-subject-token');
  if (token === null) {
    throw new Error(`Keystone refuses: ${response.status} ${await response.text()}`);
  }
  return token;
}

/** What it prints. Throws with what it says on standard error. */
async function run(args: string[], env: Record<string, string> = {}): Promise<string> {
  try {
    return (await promisify(execFile)(script, args, { env: { ...process.env, ...env }, timeout: 120_000 })).stdout;
  } catch (error) {
    throw new Error((error as { stderr?: string }).stderr || String(error), { cause: error });
  }
}
