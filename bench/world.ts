import { type Cluster, inParallel, openCluster } from './cluster.ts';
import {
  addresses,
  credentials,
  manifest,
  password,
  resource,
  secretType,
  types,
  type Wanted,
  wantedOf,
} from './manifests.ts';
import { type Remote, startRemote } from './remote.ts';
import type { Parameters } from './scenario.ts';

/** A cluster, a sandbox, and tenants in both. */
export interface World extends Omit<Cluster, 'apply' | 'before'> {
  remote: Remote;
  /** IDs of the SDPF tenants, by the name of their resource. */
  tenantIDs: Map<string, string>;
  /** Creates the resources, many at a time. `more` is laid over the spec of each. */
  apply(wanted: readonly Wanted[], more?: (wanted: Wanted) => object): Promise<void>;
  /** The sandbox as it was before anything was made, with its first tenants only. */
  emptyRemote(): Promise<void>;
}

/** One SDPF tenant for each thousand resources; one CloudOS tenant, since one Ironic stands behind them all. */
const sdpfTenants = (n: number) => Array.from({ length: Math.max(1, Math.ceil(n / 1000)) }, (_, at) => `sdpf-${at}`);

export const tenantOf = ({ kind, index }: Wanted, tenants: readonly string[]) =>
  kind === 'BareMetalNode' ? 'cloudos' : tenants[index % tenants.length]!;

/** `names` of SDPF tenants; default by size. */
export async function openWorld(parameters: Parameters, names = sdpfTenants(parameters.n)): Promise<World> {
  const { n, latency, budget, poll, door, motion } = parameters;
  const cluster = await openCluster();
  try {
    const remote = await startRemote();
    cluster.before(() => remote.end());
    const { sdpf, cloudos } = remote.info;
    const settings = {
      ...{ latencyMs: latency, addresses: addresses(Math.max(parameters.kind ? n : n / 4, 100)), meteringSeconds: 0 },
      ...{ buildSeconds: 1, deleteSeconds: 1, verifySeconds: 0.5, cleanSeconds: 0.5 },
    };
    await remote.control('PATCH', 'settings', settings);
    for (const secret of [
      credentials('sdpf', { apiKey: sdpf.apiKey, apiSecret: sdpf.apiSecret }),
      credentials('cloudos', { username: cloudos.username, password: cloudos.password }),
      credentials('vcenter', { password }),
      credentials('bmc', { username: 'bmc-user', password }),
    ])
      await cluster.api.create(secretType, secret);

    const tenant = async (kind: 'SDPFTenant' | 'CloudOSTenant', name: string, spec: object) => {
      // What may be saved up is worth a second.
      const limits = { requestsPerSecond: budget, burst: Math.min(1000, Math.max(1, Math.ceil(budget))) };
      const whole = { pollInterval: poll, limits, ...spec };
      await cluster.api.create(types[kind], manifest(types[kind], name, { spec: whole }));
    };
    const tenantIDs = new Map<string, string>();
    for (const [at, name] of names.entries()) {
      const { apiKey, apiSecret, authURL, region } = sdpf;
      const tenantID = at === 0 ? sdpf.tenantID : at.toString(16).padStart(32, '0');
      tenantIDs.set(name, tenantID);
      if (at > 0) await remote.control('POST', 'tenants', { tenantID, apiKey, apiSecret });
      const credentialsSecretRef = { name: 'sdpf' };
      await tenant('SDPFTenant', name, {
        ...{ region, tenantID, authURL, credentialsSecretRef },
        licenseBuyers: 'OnlyThisOperator',
      });
    }
    const { authURL, project, domain, endpoint, plainEndpoint } = cloudos;
    const plain = door === 'plain' && { endpoint: plainEndpoint, paths: { baremetal: '' } };
    const credentialsSecretRef = { name: 'cloudos' };
    await tenant('CloudOSTenant', 'cloudos', { authURL, project, domain, endpoint, ...plain, credentialsSecretRef });

    return {
      ...cluster,
      remote,
      tenantIDs,
      operator: (identity, args = []) => cluster.operator(identity, ['--motion-interval', motion, ...args]),
      apply: (wanted, more) =>
        cluster.apply(
          wanted.map((one) => ({
            kind: one.kind,
            object: resource(one, tenantOf(one, names), remote.info, more?.(one)),
          })),
        ),
      async emptyRemote() {
        await remote.control('POST', 'reset');
        await remote.control('PATCH', 'settings', settings);
      },
    };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** A mixture, or one kind; registrations alone refer to licences that somebody else bought. */
export async function applyAll(world: World, { n, kind }: Parameters): Promise<void> {
  const wanted = wantedOf(n, kind);
  if (kind !== 'VCenterRegistration') return world.apply(wanted);
  const license_type = world.remote.info.sdpf.vcenterLicenseType;
  const licenses = new Map<number, string>();
  await inParallel(wanted, async (one) => {
    const tenantID = world.tenantIDs.get(tenantOf(one, [...world.tenantIDs.keys()]));
    const { id } = await world.remote.control<{ id: string }>('POST', 'licenses', { tenantID, license_type });
    licenses.set(one.index, id);
  });
  await world.remote.mark();
  await world.apply(wanted, ({ index }) => ({ licenseRef: undefined, licenseID: licenses.get(index) }));
}
