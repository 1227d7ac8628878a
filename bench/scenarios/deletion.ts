import { setTimeout as sleep } from 'node:timers/promises';
import { atRest, counting, rounded, secondsSince, total } from '../measure.ts';
import { addresses, macOf, namespace, types, type Wanted, wantedOf } from '../manifests.ts';
import type { Scenario } from '../scenario.ts';
import { inParallel } from '../cluster.ts';
import { openWorld, tenantOf, type World } from '../world.ts';

/** Somebody else makes what the resource is to adopt; the answer is what its spec then says. */
async function bought(world: World, one: Wanted, licenses: Map<number, string>, free: string[]): Promise<object> {
  const { remote } = world;
  const make = async (route: string, body: object) => remote.control<{ id: string; uuid: string }>('POST', route, body);
  const tenantID = world.tenantIDs.get(tenantOf(one, [...world.tenantIDs.keys()]));
  const license = async () => {
    const license_type = remote.info.sdpf.vcenterLicenseType;
    const id = licenses.get(one.index) ?? (await make('licenses', { tenantID, license_type })).id;
    licenses.set(one.index, id);
    return id;
  };
  switch (one.kind) {
    case 'DedicatedHypervisor':
      return { externalID: (await make('servers', { tenantID, name: `bought-${one.index}` })).id };
    case 'GuestLicense':
      return { externalID: await license() };
    case 'VCenterRegistration': {
      const licenseID = await license();
      const vcenter = { tenantID, link_local_address: free[one.index], license_id: licenseID };
      return { licenseRef: undefined, licenseID, externalID: (await make('vcenters', vcenter)).id };
    }
    case 'BareMetalNode': {
      const { uuid } = await make('nodes', { provision_state: 'manageable', power_state: 'power off' });
      await make('ports', { node_uuid: uuid, address: macOf(one.index) });
      return { externalID: uuid, provisioning: 'Manageable' };
    }
  }
}

export const deletion: Scenario = {
  name: 'deletion',
  about:
    'Resources with deletionPolicy Delete, which adopted what somebody else had bought (so that no settle window runs), are all deleted at once: time until the last is gone, calls and writes.',
  defaults: { n: 100, runs: 1 },
  sizes: [{ n: 100 }],
  shown: {
    'until the last resource is gone, s': 'seconds',
    'until the last DELETE was sent, s': 'secondsToLastDelete',
    'remote deletes': 'deletes',
    'remote calls': 'calls.all',
    'list pages': 'calls.listPages',
    'remote calls per resource without list pages': 'callsPerResource',
    'Kubernetes writes per resource': 'writesPerResource',
    'CPU seconds': 'cpuSeconds',
  },
  async *measure(parameters) {
    for (let run = 0; run < parameters.runs; run += 1) {
      await using world = await openWorld(parameters);
      const wanted = wantedOf(parameters.n, parameters.kind);
      const free = addresses(parameters.n);
      const adopting = new Map<Wanted, object>();
      const licenses = new Map<number, string>();
      for (const one of wanted) adopting.set(one, await bought(world, one, licenses, free));
      const operator = await world.operator('deletion');
      await world.apply(wanted, (one) => ({ ...adopting.get(one), deletionPolicy: 'Delete' }));
      await world.allReady();
      await atRest(operator);
      const end = await counting(world, operator);
      const began = performance.now();
      const beganAt = Date.now();
      const { resources } = world.following;
      await inParallel([...resources.values()], ({ kind, name }) => world.api.delete(types[kind], { namespace, name }));
      while (resources.size > 0) await sleep(50);
      const seconds = secondsSince(began);
      const log = await world.remote.calls();
      const { calls, kubernetes, cpuSeconds } = await end(operator);
      const deletes = log.filter(({ method, committed }) => method === 'DELETE' && committed);
      yield {
        seconds: rounded(seconds),
        secondsToLastDelete: rounded((Date.parse(deletes.at(-1)?.at ?? '') - beganAt) / 1000),
        deletes: deletes.length,
        callsPerResource: rounded((calls.changes + calls.others) / parameters.n),
        writesPerResource: rounded(total(kubernetes.writes, /^(PATCH|APPLY|PUT) /) / parameters.n),
        cpuSeconds,
        calls,
        kubernetes,
      };
    }
  },
};
