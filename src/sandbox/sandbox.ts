import { loggedBody, loggedHeaders } from './calls.ts';
import { control } from './control.ts';
import { moment } from './faults.ts';
import type { Fault } from './faults.ts';
import { OPERATION_NAMES, PATHS, resolveRequest } from './route.ts';
import type { Resolved } from './route.ts';
import type { Tenant } from './keystone.ts';
import { FLAVORS, IMAGES, LICENSE_TYPE, NETWORK_ID, VCENTER_LICENSE_TYPE } from './sdpf/catalogue.ts';
import { isObject } from './sdpf/input.ts';
import { defaultSettings, patchSettings } from './settings.ts';
import type { Settings } from './settings.ts';
import { jsonAnswer } from './types.ts';
import type { Answer, Result, SandboxRequest } from './types.ts';
import { World } from './world.ts';

export interface SandboxOptions {
  /** Wall clock, milliseconds since 1970. */
  now: () => number;
  /** As `Math.random`; the same numbers give the same sandbox to the byte. */
  random: () => number;
  /** `http://host:port` under which clients reach the sandbox. Without it, the Host header of each request says. */
  baseURL?: string;
  region?: string;
  tenantID?: string;
  apiKey?: string;
  apiSecret?: string;
  /** First values of settings; a reset comes back to them. */
  settings?: Partial<Settings>;
}

/** Where things are and how to sign in: the line that `freehold sandbox` prints. */
export interface SandboxInfo {
  control: string;
  sdpf: {
    authURL: string;
    endpoint: string;
    region: string;
    tenantID: string;
    apiKey: string;
    apiSecret: string;
    imageRef: string;
    flavorRef: string;
    networkID: string;
    licenseType: string;
    vcenterLicenseType: string;
  };
  cloudos: {
    authURL: string;
    /** Of the gateway. */
    endpoint: string;
    /** Of the Ironic behind it. */
    plainEndpoint: string;
    project: string;
    username: string;
    password: string;
    /** Of user and project. */
    domain: string;
    driver: string;
  };
}

export interface Sandbox {
  /** Answers one request, of either cloud or of the control API. Never throws, never waits. */
  handle(request: SandboxRequest): Answer;
  info(baseURL: string): SandboxInfo;
}

/** The first project of CloudOS. Its ID is the document's example of one (seed 004 L357). */
const PROJECT: Tenant = {
  cloud: 'cloudos',
  id: '9052ae85792143ff955c35c52e8e41bd',
  name: 'admin',
  domain: 'Default',
  user: 'admin',
  secret: 'sandbox-password',
};

/** A simulated platform without a network: synchronous, and without a clock or a random number of its own. */
export function createSandbox(options: SandboxOptions): Sandbox {
  const region = options.region ?? 'jp1';
  // The document's example of a tenant (seed 000, List Servers).
  const id = options.tenantID ?? 'aaa8749130bc3d2886d6b9bb3fcb1715';
  const tenant: Tenant = {
    cloud: 'sdpf',
    id,
    name: id,
    domain: 'Default',
    user: options.apiKey ?? 'sandbox-api-key',
    secret: options.apiSecret ?? 'sandbox-api-secret',
  };
  const first = (): World => {
    const settings = patchSettings(defaultSettings(), { ...options.settings });
    return new World({ now: options.now, random: options.random, region, settings, tenants: [tenant, PROJECT] });
  };
  let world = first();
  const reset = (): void => {
    world = first();
  };

  return {
    handle(request) {
      const baseURL = options.baseURL ?? `http://${request.headers.host ?? 'localhost'}`;
      const [path, search] = split(request.path);
      if (path === '/control' || path.startsWith('/control/')) {
        const segments = path.split('/').slice(2);
        const query = new URLSearchParams(search);
        const { method, body } = request;
        return jsonAnswer(
          control(world, { method, segments, query, body, baseURL }, { operations: OPERATION_NAMES, reset }),
        );
      }
      return serveCall(world, request, resolveRequest(world, request, path, search, baseURL));
    },
    info: (baseURL) => ({
      control: `${baseURL}/control`,
      sdpf: {
        authURL: baseURL + PATHS.sdpfKeystone,
        endpoint: `${baseURL}${PATHS.sdpf}/${tenant.id}`,
        region,
        tenantID: tenant.id,
        apiKey: tenant.user,
        apiSecret: tenant.secret,
        imageRef: IMAGES[0]?.id ?? '',
        flavorRef: FLAVORS[0]?.id ?? '',
        networkID: NETWORK_ID,
        licenseType: LICENSE_TYPE,
        vcenterLicenseType: VCENTER_LICENSE_TYPE,
      },
      cloudos: {
        authURL: baseURL + PATHS.cloudosKeystone,
        endpoint: baseURL + PATHS.gateway,
        plainEndpoint: baseURL + PATHS.ironic,
        project: PROJECT.name,
        username: PROJECT.user,
        password: PROJECT.secret,
        domain: PROJECT.domain,
        driver: 'fake-hardware',
      },
    }),
  };
}

/** Carries out one call of the simulated platform under the fault that applies to it, and logs it. */
function serveCall(world: World, request: SandboxRequest, resolved: Resolved): Answer {
  const { operation, tenantID } = resolved;
  const seq = world.calls.nextSeq();
  const fault = world.faults.take({ operation, tenantID, path: request.path, body: request.body });
  const broken = fault?.reset ?? fault?.drop;
  const carriedOut = broken !== undefined ? broken === 'after-commit' : !replacesOperation(fault);

  const at = new Date(world.now()).toISOString();
  const result = carriedOut ? resolved.run(seq) : undefined;
  const answer = withFault(result, fault, resolved);
  const delayMs = (fault?.delayMs ?? 0) + (resolved.delayed ? world.settings.latencyMs : 0);
  if (delayMs > 0) answer.delayMs = delayMs;

  world.calls.add({
    seq,
    at,
    method: request.method,
    path: request.path,
    operation,
    tenantID,
    requestBody: loggedBody(request.body),
    requestHeaders: loggedHeaders(request),
    status: broken === undefined ? answer.status : null,
    committed: result !== undefined && result.status < 400,
    ...(fault && { fault: fault.id }),
  });
  return answer;
}

/** A fault with a status stands in for the operation, unless it says that the operation commits first. */
function replacesOperation(fault: Fault | undefined): boolean {
  return fault?.status !== undefined && fault.commit !== true;
}

function withFault(result: Result | undefined, fault: Fault | undefined, resolved: Resolved): Answer {
  const answer = jsonAnswer(result ?? { status: 500 });
  if (!fault) return answer;
  if (fault.status !== undefined) {
    Object.assign(answer, jsonAnswer(fault.status >= 400 ? resolved.refuse(fault.status) : { status: fault.status }));
  }
  if (fault.emptyList) answer.body = withEmptyLists(answer.body);
  if (fault.body !== undefined) {
    const { body } = fault;
    answer.body = typeof body === 'string' ? body : JSON.stringify(body);
    answer.headers['content-type'] = typeof body === 'string' ? 'text/html' : 'application/json';
  }
  for (const [name, value] of Object.entries(fault.headers ?? {})) answer.headers[name.toLowerCase()] = value;
  if (fault.reset) answer.reset = moment(fault.reset);
  else if (fault.drop) answer.drop = moment(fault.drop);
  if (fault.truncate !== undefined) answer.truncate = fault.truncate;
  return answer;
}

/** An answer whose lists lost their items and kept their form. */
function withEmptyLists(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (!isObject(parsed)) return body;
    return JSON.stringify(
      Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, Array.isArray(value) ? [] : value])),
    );
  } catch {
    return body;
  }
}

function split(path: string): [string, string] {
  const mark = path.indexOf('?');
  return mark < 0 ? [path, ''] : [path.slice(0, mark), path.slice(mark + 1)];
}
