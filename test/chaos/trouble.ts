import { setTimeout as sleep } from 'node:timers/promises';
import type { Dice } from '../simulation/seeded.ts';
import type { Proxy } from '../support/proxy.ts';
import { count, type People, type Tally } from './people.ts';
import type { Replica, Site } from './site.ts';

/** What goes wrong around the operators, chosen by dice. */
export interface Trouble {
  /** One piece of bad luck; resolves when it is over. */
  strike(): Promise<void>;
  /** Ends all that is left of it: both replicas run, nothing is in the way. */
  over(): Promise<void>;
  tally: Tally;
}

const creates = ['CreateServer', 'CreateLicense', 'RegisterVCenter', 'CreateNode', 'CreatePort'];

/** Faults of the sandbox; each stays until it has fired `times`. `status` without `commit` does nothing and says so. */
function fault(dice: Dice): [string, Record<string, unknown>] {
  const html = '<html><body><h1>502 Bad Gateway</h1></body></html>';
  const changes = [
    ...creates,
    'UpdateServer',
    'DeleteServer',
    'DeleteLicense',
    'DeleteVCenter',
    'PatchNode',
    'DeleteNode',
    'SetProvisionState',
    'SetPowerState',
    'DeletePort',
  ];
  // A 503 to the order of a licence means that none is in stock: that is asked again half an hour later.
  const notLicenses = changes.filter((name) => name !== 'CreateLicense');
  const lists = ['ListServersDetail', 'ListLicenses', 'ListVCenters', 'ListNodesDetail', 'ListPortsDetail'];
  const times = 1 + dice.int(4);
  return dice.pick<[string, Record<string, unknown>]>([
    ['answers of creates lost', { operation: creates, drop: 'after-commit', times }],
    ['answers of changes lost', { operation: changes, drop: 'after-commit', times }],
    ['changes lost', { operation: changes, drop: 'before-commit', times }],
    ['connections reset after the commit', { operation: changes, reset: 'after-commit', times }],
    ['connections reset before the commit', { operation: '*', reset: 'before-commit', times: 2 * times }],
    ['503 after the commit', { operation: changes, status: 503, commit: true, times }],
    ['500 after the commit', { operation: creates, status: 500, commit: true, times }],
    ['503 without a commit', { operation: [...notLicenses, ...lists], status: 503, times: 2 * times }],
    ['answers of changes cut', { operation: changes, truncate: 20, times }],
    ['lists cut', { operation: lists, truncate: 50, times: 2 * times }],
    ['HTML after the commit', { operation: changes, body: html, times }],
    ['HTML instead of lists', { operation: lists, body: html, times: 2 * times }],
    ['429', { operation: [...notLicenses, ...lists], status: 429, headers: { 'retry-after': '5' }, times }],
    ['answers later than the deadline', { operation: changes, delayMs: 90_000, times: 1 }],
    ['sign-ins refused for a moment', { operation: 'IssueToken', status: 503, times }],
  ]);
}

export function createTrouble(site: Site, people: People, dice: Dice): Trouble {
  const { replicas, sandbox, plane } = site;
  const tally: Tally = {};
  let ended = false;

  /** Waits, but not beyond the end. */
  async function pass(least: number, most: number): Promise<void> {
    for (let left = dice.between(least, most); left > 0 && !ended; left -= 100) await sleep(Math.min(100, left));
  }

  async function killReplica(replica: Replica, how: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await replica.kill(how);
    await pass(0, 4000);
    replica.start();
  }

  async function freeze(replica: Replica): Promise<void> {
    replica.signal('SIGSTOP');
    // Up to twice the lease: another one leads when it wakes.
    await pass(500, 12_000);
    replica.signal('SIGCONT');
  }

  /** Sets a fault and waits until it has fired; false: there was no such call. */
  async function strikes(spec: Record<string, unknown>): Promise<boolean> {
    const { id } = await sandbox.control<{ id: string }>('POST', 'faults', spec);
    const fired = async () => {
      const { faults } = await sandbox.control<{ faults: { id: string; fired: number }[] }>('GET', 'faults');
      return (faults.find((one) => one.id === id)?.fired ?? 0) > 0;
    };
    for (let turn = 0; turn < 200 && !ended; turn += 1) {
      if (await fired()) return true;
      await sleep(100);
    }
    await sandbox.control('DELETE', `faults/${id}`).catch(() => undefined);
    return false;
  }

  /** The answer to a create takes its time, and nobody lives to hear it. */
  async function inTheMiddle(): Promise<string> {
    // Nothing on a licence tells later whose it is: the journal must.
    const operation = dice.pick<string | string[]>(['CreateLicense', 'CreateLicense', creates]);
    const killed = dice.chance(0.7);
    if (!(await strikes({ operation, delayMs: 3000 * site.speed, times: 1 }))) return 'no create to be killed in';
    await Promise.all(replicas.map((replica) => (killed ? killReplica(replica, 'SIGKILL') : freeze(replica))));
    return `operators ${killed ? 'killed' : 'frozen'} during a create`;
  }

  /** An order that is lost, and somebody else buys the same in that very moment: it looks like what was ordered. */
  async function rival(): Promise<string> {
    const drop = dice.pick(['before-commit', 'after-commit']);
    if (!(await strikes({ operation: 'CreateLicense', drop, times: 1 }))) return 'no order to rival';
    const { licenseType, vcenterLicenseType } = sandbox.info.sdpf;
    for (const license_type of [licenseType, vcenterLicenseType])
      await sandbox.control('POST', 'licenses', { license_type });
    return 'licences bought by others at the moment of a lost order';
  }

  async function network(proxy: Proxy): Promise<string> {
    const what = dice.pick(['reset', 'reset', 'reset', 'refused', 'silent', 'slow']);
    if (what === 'reset') proxy.reset();
    if (what === 'refused') {
      proxy.refuse(true);
      proxy.reset();
      await pass(500, 5000);
      proxy.refuse(false);
    }
    if (what === 'silent') {
      proxy.blackhole(true);
      await pass(500, 6000);
      proxy.blackhole(false);
      // What was swallowed is missing from the streams.
      proxy.reset();
    }
    if (what === 'slow') {
      proxy.delay(dice.int(400));
      await pass(1000, 6000);
      proxy.delay(0);
      // A later piece must not overtake an earlier one.
      proxy.reset();
    }
    return what;
  }

  const strokes: [number, () => Promise<string>][] = [
    [1.5, async () => (await killReplica(dice.pick(replicas), 'SIGKILL'), 'operator killed')],
    [1, async () => (await killReplica(dice.pick(replicas), 'SIGTERM'), 'operator restarted')],
    [2, async () => (await freeze(dice.pick(replicas)), 'operator frozen')],
    [6, inTheMiddle],
    [2, rival],
    [
      1,
      async () => {
        const how = dice.pick(['kill', 'restart'] as const);
        await people.alone(async () => {
          if (how === 'kill') await plane.kill();
          await plane.restart();
        });
        return how === 'kill' ? 'API server killed' : 'API server restarted';
      },
    ],
    [4, async () => `API connection ${await network(dice.pick(replicas).kube)}`],
    [4, async () => `remote connection ${await network(sandbox.proxy)}`],
    [
      1,
      async () => {
        sandbox.signal('SIGSTOP');
        await pass(500, 8000);
        sandbox.signal('SIGCONT');
        return 'remote frozen';
      },
    ],
    [
      10,
      async () => {
        const [name, spec] = fault(dice);
        await sandbox.control('POST', 'faults', spec);
        return name;
      },
    ],
    [1, async () => (await sandbox.control('POST', 'expire-tokens', {}), 'tokens expired')],
    [0.7, async () => (await sandbox.control('POST', 'crash-ironic', {}), 'conductor of Ironic died')],
    [
      1,
      async () => {
        await sandbox.control('PATCH', 'settings', { latencyMs: dice.int(10_000) });
        await pass(1000, 6000);
        await sandbox.control('PATCH', 'settings', { latencyMs: 0 });
        return 'remote slow';
      },
    ],
  ];
  const all = strokes.reduce((sum, [weight]) => sum + weight, 0);
  const going = new Set<Promise<void>>();

  /** One in twenty answers is lost from the first call to the last. */
  const usual = () => sandbox.control('POST', 'faults', { operation: '*', every: 20, drop: 'after-commit' });
  let begun = false;

  return {
    tally,
    async strike() {
      if (!begun) {
        begun = true;
        await usual();
      }
      let left = dice.between(0, all);
      const stroke = strokes.find(([weight]) => (left -= weight) <= 0)?.[1];
      if (!stroke) return;
      const work = stroke().then((what) => count(tally, what));
      going.add(work);
      await work.finally(() => going.delete(work));
    },
    async over() {
      ended = true;
      await Promise.allSettled(going);
      for (const replica of replicas) {
        replica.signal('SIGCONT');
        replica.start();
        replica.kube.reset();
      }
      sandbox.signal('SIGCONT');
      await sandbox.control('DELETE', 'faults');
      await sandbox.control('PATCH', 'settings', { latencyMs: 0 });
    },
  };
}
