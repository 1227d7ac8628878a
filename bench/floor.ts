/**
 * A process of its own that makes as many bare calls as the operator made, with the same concurrency, to the same sandbox:
 * what that machine and that remote can do at best. Standard input: FloorTask; standard output: {seconds, calls}.
 */
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { Agent, request } from 'undici';
import type { SandboxInfo } from '../src/sandbox/sandbox.ts';
import { addresses, macOf } from './manifests.ts';

export interface FloorTask {
  info: SandboxInfo;
  concurrency: number;
  /** Calls by operation, as the sandbox counted them; sign-ins left out. */
  calls: Record<string, number>;
  /** Of these, reads of lists by path and query, without what says where a page begins. */
  lists: Record<string, number>;
}

const { info, concurrency, calls, lists } = JSON.parse(await text(process.stdin)) as FloorTask;
const { sdpf, cloudos } = info;
const dispatcher = new Agent({ connections: concurrency });

async function call<T = unknown>(
  method: 'GET' | 'POST' | 'PUT',
  url: string,
  token: string,
  body?: object,
): Promise<T> {
  const headers = {
    'x-auth-token': token,
    accept: 'application/json',
    'x-openstack-ironic-api-version': '1.34',
    ...(body && { 'content-type': 'application/json' }),
  };
  const response = await request(url, { method, dispatcher, headers, ...(body && { body: JSON.stringify(body) }) });
  const answer = await response.body.text();
  if (response.statusCode >= 400) throw new Error(`${method} ${url}: ${response.statusCode} ${answer}`);
  return (answer === '' ? undefined : JSON.parse(answer)) as T;
}

async function signIn(authURL: string, user: object, project: object): Promise<string> {
  const identity = { methods: ['password'], password: { user } };
  const body = JSON.stringify({ auth: { identity, scope: { project } } });
  const headers = { 'content-type': 'application/json' };
  const response = await request(`${authURL}/auth/tokens`, { method: 'POST', dispatcher, headers, body });
  await response.body.dump();
  return String(response.headers['x-subject-token']);
}

const domain = { name: cloudos.domain };
const sdpfToken = await signIn(
  sdpf.authURL,
  { domain: { id: 'default' }, name: sdpf.apiKey, password: sdpf.apiSecret },
  { id: sdpf.tenantID },
);
const cloudosToken = await signIn(
  cloudos.authURL,
  { domain, name: cloudos.username, password: cloudos.password },
  { name: cloudos.project, domain },
);

const made = (operation: string) => calls[operation] ?? 0;

const ironic = cloudos.plainEndpoint;
const free = addresses(made('RegisterVCenter'));

async function server(): Promise<void> {
  const nic = { uuid: sdpf.networkID, plane: 'data', segmentation_id: 2001 };
  const body = {
    name: `floor-${randomUUID()}`,
    imageRef: sdpf.imageRef,
    flavorRef: sdpf.flavorRef,
    networks: [nic, nic],
  };
  await call('POST', `${sdpf.endpoint}/servers`, sdpfToken, { server: body });
}

async function license(): Promise<void> {
  const { license: bought } = await call<{ license: { id: string } }>('POST', `${sdpf.endpoint}/licenses`, sdpfToken, {
    license_type: sdpf.vcenterLicenseType,
  });
  if (free.length === 0) return;
  const vcenter = { link_local_address: free.pop(), license_id: bought.id, password: 'not-a-real-one' };
  await call('POST', `${sdpf.endpoint}/vcenters`, sdpfToken, { vcenter });
}

async function node(index: number): Promise<void> {
  const uuid = randomUUID();
  const created = { uuid, driver: cloudos.driver, driver_info: { ipmi_address: uuid } };
  await call('POST', `${ironic}/v1/nodes`, cloudosToken, created);
  const port = { node_uuid: uuid, address: macOf(index) };
  if (index < made('CreatePort')) await call('POST', `${ironic}/v1/ports`, cloudosToken, port);
  const provision = `${ironic}/v1/nodes/${uuid}/states/provision`;
  if (index < made('SetProvisionState')) await call('PUT', provision, cloudosToken, { target: 'manage' });
}

const times = (count: number, job: (index: number) => Promise<unknown>) =>
  Array.from({ length: Math.max(0, count) }, (_, index) => () => job(index));

const nodes = made('CreateNode');
const planned = [
  ...[made('CreateServer'), made('CreateLicense'), nodes],
  ...[Math.min(made('RegisterVCenter'), made('CreateLicense'))],
  ...[Math.min(made('CreatePort'), nodes), Math.min(made('SetProvisionState'), nodes)],
  ...Object.values(lists),
].reduce((sum, count) => sum + count, 0);
const wanted = Object.values(calls).reduce((sum, count) => sum + count, 0);

/** The same list, of the one tenant that all is made in here. */
function list(path: string): Promise<unknown> {
  const token = path.startsWith('/dedicated-hypervisor/') ? sdpfToken : cloudosToken;
  const own = path.replace(/\/v1\.0\/[0-9a-f]{32}\//, `/v1.0/${sdpf.tenantID}/`);
  return call('GET', new URL(own, sdpf.endpoint).href, token);
}

const everything = [
  ...times(made('CreateServer'), server),
  ...times(made('CreateLicense'), license),
  ...times(nodes, node),
  ...Object.entries(lists).flatMap(([path, count]) => times(count, () => list(path))),
  // What else the operator asked costs no less than the cheapest read.
  ...times(wanted - planned, () => call('GET', `${ironic}/v1/nodes?limit=1`, cloudosToken)),
];
// Lists come all along, as from the operator.
const jobs = everything.map((job) => ({ job, at: Math.random() })).toSorted((a, b) => b.at - a.at);

const began = performance.now();
await Promise.all(
  Array.from({ length: concurrency }, async () => {
    for (let next = jobs.pop(); next; next = jobs.pop()) await next.job();
  }),
);
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000, calls: wanted }));
await dispatcher.close();
