import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { kinds } from '../../src/kinds.ts';
import { type ControlPlane, startControlPlane } from '../support/controlplane.ts';
import { blocks, root } from '../support/docs.ts';
import { passUntil } from '../support/servers.ts';
import { until } from '../support/wait.ts';
import { type SampleSite, sampleSite } from './support/sample-site.ts';

/** Of its own: rights and CRDs of the whole cluster are taken away here. */
let cluster: ControlPlane;
const directory = mkdtempSync(path.join(tmpdir(), 'freehold-removal-'));
beforeAll(async () => {
  cluster = await startControlPlane();
}, 120_000);
afterAll(async () => {
  await cluster?.stop();
  rmSync(directory, { recursive: true });
});

/** What a GitOps tool deletes, by kind. */
const isTenant = (kind: string) => kind.endsWith('Tenant');
const parts = {
  resources: (kind: string) => kind !== 'Secret' && !isTenant(kind),
  tenants: isTenant,
  secrets: (kind: string) => kind === 'Secret',
};
type Part = keyof typeof parts;
type Cascade = 'foreground' | 'background';
type Listed = { kind: string; metadata: { name: string; finalizers?: string[]; deletionTimestamp?: string } };

const everything = [...kinds.map(({ names }) => names.plural), 'secrets'].join();

interface Removal extends SampleSite {
  /** How many of each the remote has. */
  atRemote(): Promise<Record<string, number>>;
  /** Asks for the end of all that was applied of this sort, and does not wait. */
  remove(part: Part, cascade: Cascade): Promise<void>;
  /** What of the applied is still there. */
  left(): Promise<Listed[]>;
  /** Moves time on until nothing is left of what was applied. */
  ended(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** The samples under that policy, Ready and older than the settle window, with an operator that runs. */
async function readySite(deletionPolicy: 'Retain' | 'Delete', config: Record<string, unknown> = {}): Promise<Removal> {
  const site = await sampleSite({ cluster }, ({ spec }) => {
    if (spec && 'deletionPolicy' in spec) Object.assign(spec, { deletionPolicy });
  });
  const { s, kubectl } = site;
  const applied = (JSON.parse(site.text) as { items: Listed[] }).items;
  const named = (one: Listed) => `${one.kind}/${one.metadata.name}`;
  await s.apply(...applied);
  const deadlines = { readDeadline: '10m', writeDeadline: '10m' };
  const settings = { ...deadlines, absenceInterval: '20s', motionInterval: '5s', ...config };
  let operator = await s.start(settings);
  await site.allReady();
  await s.pass(16 * 60_000, 60_000);
  const left = async () => {
    const { items } = JSON.parse(await kubectl('get', everything, '-o', 'json')) as { items: Listed[] };
    return items.filter((one) => applied.some((other) => named(other) === named(one)));
  };
  return {
    ...site,
    left,
    stop: () => operator.stop(),
    async start() {
      operator = await s.start(settings);
    },
    async atRemote() {
      const ledger = await s.sandbox.control<Record<string, { deletedAt?: string }[]>>('GET', 'ledger');
      const alive = (all: { deletedAt?: string }[]) => all.filter(({ deletedAt }) => deletedAt === undefined).length;
      return Object.fromEntries(Object.entries(ledger).map(([name, all]) => [name, alive(all)]));
    },
    async remove(part, cascade) {
      const names = applied.filter(({ kind }) => parts[part](kind)).map(named);
      await kubectl('delete', ...names, `--cascade=${cascade}`, '--wait=false', '--ignore-not-found');
    },
    async ended() {
      await passUntil(s, 'all is gone', async () => (await left()).length === 0, 30 * 60_000, 5_000).catch(
        async (error: unknown) => {
          throw new Error(`${String(error)}: ${JSON.stringify(await left(), undefined, 1)}`);
        },
      );
    },
  };
}

async function removing(
  site: Promise<Removal>,
  body: (site: Removal, before: Record<string, number>) => Promise<void>,
): Promise<void> {
  const removal = await site;
  try {
    await body(removal, await removal.atRemote());
  } finally {
    await removal.s.end();
  }
}

/** Everything under `Delete` is gone; what was bought by hand is only looked at. */
const onlyTheForeignServer = { servers: 1, licenses: 0, vcenters: 0, nodes: 0, ports: 0, portgroups: 0 };

/** The commands of a step, as the document has them. */
function commandsOf(first: string): string {
  const found = blocks('docs/operations.md', 'sh').find((block) => block.includes(first));
  if (!found) throw new Error(`docs/operations.md does not have ${first}`);
  return found;
}

/** Runs them as a person would, with that namespace in the kubeconfig; its output. */
function run(script: string, { s }: SampleSite): Promise<string> {
  const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { contexts: { context: object }[] };
  for (const { context } of config.contexts) Object.assign(context, { namespace: s.namespace });
  const kubeconfig = path.join(directory, s.namespace);
  writeFileSync(kubeconfig, stringify(config));
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: `${path.join(root, 'build')}:${process.env['PATH']}` };
  return new Promise((resolve, reject) => {
    execFile('/bin/bash', ['-euo', 'pipefail', '-c', script], { env, timeout: 60_000 }, (error, stdout, stderr) =>
      error ? reject(new Error(stderr || error.message)) : resolve(stdout),
    );
  });
}

const orders: Part[][] = [
  ['resources', 'tenants', 'secrets'],
  ['resources', 'secrets', 'tenants'],
  ['tenants', 'resources', 'secrets'],
  ['tenants', 'secrets', 'resources'],
  ['secrets', 'resources', 'tenants'],
  ['secrets', 'tenants', 'resources'],
];

describe('while the operator runs', () => {
  it.each(orders.map((order) => ({ order, words: order.join(', then ') })))(
    'a deletion of $words ends: in the foreground with what Delete deletes, in the background with what Retain keeps',
    async ({ order }) => {
      for (const [policy, cascade] of [['Delete', 'foreground'] as const, ['Retain', 'background'] as const]) {
        await removing(readySite(policy), async ({ s, remove, ended, atRemote }, before) => {
          for (const part of order) {
            await remove(part, cascade);
            // Between two waves something happens.
            await s.pass(30_000, 5_000);
          }
          await ended();
          expect(await atRemote()).toEqual(policy === 'Delete' ? onlyTheForeignServer : before);
        });
      }
    },
  );

  it('a deletion of the namespace, all at once, ends', async () => {
    await removing(readySite('Delete'), async ({ s, atRemote }) => {
      const { code } = await cluster.kubectl(['delete', 'namespace', s.namespace, '--wait=false']);
      expect(code).toBe(0);
      const gone = async () => (await cluster.kubectl(['get', 'namespace', s.namespace])).code !== 0;
      await passUntil(s, 'the namespace is gone', gone, 30 * 60_000, 5_000);
      expect(await atRemote()).toEqual(onlyTheForeignServer);
    });
  });

  it('the commands of the documents end, and leave nothing but Secrets', async () => {
    await removing(readySite('Delete'), async (site) => {
      const commands = run(commandsOf('kubectl delete dh,gl,vcreg,bmn --all'), site);
      let over = false;
      void commands.finally(() => (over = true)).catch(() => undefined);
      await passUntil(site.s, 'they end', () => over, 30 * 60_000, 5_000);
      await commands;
      expect(new Set((await site.left()).map(({ kind }) => kind))).toEqual(new Set(['Secret']));
      expect(await site.atRemote()).toEqual(onlyTheForeignServer);
    });
  });
});

describe('where the operator goes first', () => {
  /** All is asked to go, and all that has to be let go stays. */
  async function hanging({ s, remove, left }: Removal): Promise<void> {
    for (const part of ['resources', 'tenants', 'secrets'] as const) await remove(part, 'foreground');
    await s.pass(10 * 60_000, 60_000);
    const held = (await left()).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    const finalizers = new Set(held.flatMap(({ metadata }) => metadata.finalizers ?? []));
    expect(finalizers).toEqual(new Set(['freehold.dev/remote', 'freehold.dev/in-use']));
    for (const { names } of kinds) expect(held.map(({ kind }) => kind)).toContain(names.kind);
  }

  it('everything hangs, and ends by its policy when it is installed again', async () => {
    await removing(readySite('Delete'), async (site, before) => {
      await site.stop();
      await hanging(site);
      expect(await site.atRemote()).toEqual(before);
      await site.start();
      await site.ended();
      expect(await site.atRemote()).toEqual(onlyTheForeignServer);
    });
  });

  it('in the midst of the deletion, the rest ends when it is installed again', async () => {
    await removing(readySite('Delete'), async (site) => {
      await site.s.sandbox.set({ deleteSeconds: 600 });
      for (const part of ['resources', 'tenants', 'secrets'] as const) await site.remove(part, 'foreground');
      await passUntil(site.s, 'a delete was sent', async () => (await site.s.sandbox.calls('DeleteServer')).length > 0);
      await site.stop();
      await site.s.pass(60 * 60_000, 600_000);
      expect((await site.left()).length).toBeGreaterThan(0);
      await site.start();
      await site.ended();
      expect(await site.atRemote()).toEqual(onlyTheForeignServer);
      expect(await site.s.sandbox.calls('DeleteServer')).toHaveLength(1);
    });
  });

  it('the way out of the documents ends it too, and leaves the remote as it is', async () => {
    await removing(readySite('Delete'), async (site, before) => {
      await site.stop();
      await hanging(site);
      await run(commandsOf('"finalizers": null'), site);
      await until('all is gone', async () => (await site.left()).length === 0);
      expect(await site.atRemote()).toEqual(before);
    });
  });
});

describe('where the rights of the operator go first', () => {
  const [rules = ''] = blocks('docs/security.md', 'yaml');
  const must = async (args: string[], input?: string) => {
    const { code, stdout, stderr } = await cluster.kubectl(args, input);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  };

  it('everything hangs, and ends when they are back', async () => {
    await must(['apply', '-n', 'default', '-f', '-'], rules);
    await must(['create', 'serviceaccount', '-n', 'default', 'freehold']);
    const account = '--serviceaccount=default:freehold';
    await must(['create', 'clusterrolebinding', 'freehold', '--clusterrole=freehold', account]);
    const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { user: object }[] };
    const token = await must(['create', 'token', '-n', 'default', 'freehold']);
    for (const entry of config.users) entry.user = { token };
    const kubeconfig = path.join(directory, 'of-the-operator');
    writeFileSync(kubeconfig, stringify(config));
    await removing(readySite('Delete', { kubeconfig }), async (site, before) => {
      await must(['delete', 'clusterrolebinding,clusterrole', 'freehold']);
      for (const part of ['resources', 'tenants', 'secrets'] as const) await site.remove(part, 'foreground');
      await site.s.pass(10 * 60_000, 30_000);
      expect((await site.left()).length).toBeGreaterThanOrEqual(site.resources.length);
      // Nothing is destroyed that could not be written down.
      expect(await site.atRemote()).toEqual(before);
      await must(['apply', '-n', 'default', '-f', '-'], rules);
      await must(['create', 'clusterrolebinding', 'freehold', '--clusterrole=freehold', account]);
      await site.ended();
      expect(await site.atRemote()).toEqual(onlyTheForeignServer);
    });
  });
});

// The last of all: nothing in this cluster works without them.
describe('where the CRDs go first', () => {
  it('all resources are deleted with them, by their policies', async () => {
    await removing(readySite('Retain'), async (site, before) => {
      const crds = kinds.map(({ group, names }) => `crd/${names.plural}.${group}`);
      expect((await cluster.kubectl(['delete', ...crds, '--wait=false'])).code).toBe(0);
      const gone = async () => (await cluster.kubectl(['get', ...crds])).stdout === '';
      await passUntil(site.s, 'the CRDs are gone', gone, 30 * 60_000, 5_000);
      expect(await site.atRemote()).toEqual(before);
    });
  });
});
