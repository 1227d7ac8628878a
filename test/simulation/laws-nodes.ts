import { isDeleting, retryOf } from '../../src/engine/annotations.ts';
import type { Resource } from '../../src/engine/resource.ts';
import { identityOf, type Onlooker, shelfOfCreate, targetOf } from './onlooker.ts';
import type { Process } from './process.ts';
import type { Asked } from './remote-network.ts';
import type { Told } from './told.ts';
import { grace, type Words } from './words.ts';

interface NodeView {
  maintenance?: boolean | string;
  maintenance_reason?: string | null;
  instance_uuid?: string | null;
  provision_state?: string;
  updated_at?: string | null;
}

interface NodeSpec {
  power?: string;
  provisioning?: string;
  inspect?: string;
  allowCleaning?: boolean;
  bmc?: { address: string };
  action?: { verb: string; requestedAt: string };
}

/** From the read of one node to the change that it was read for, milliseconds; longer where something is slow. */
const moment = 60_000;

const failed = (node: NodeView) => node.provision_state?.endsWith(' failed') === true;
// At the gateway a flag is a text, and an empty one is false.
const inMaintenance = ({ maintenance: is }: NodeView) => is !== undefined && /^true$/i.test(String(is));
const foreign = (node: NodeView) => inMaintenance(node) && node.maintenance_reason?.startsWith('freehold: ') !== true;
const used = ({ instance_uuid: by }: NodeView) => by !== undefined && by !== null && by !== '';

const specOf = ({ spec }: Resource) => spec as NodeSpec;

/** Which action of spec.action a target of Ironic is. */
const verbs: Record<string, string> = {
  rebooting: 'Reboot',
  clean: 'Clean',
  inspect: 'Inspect',
  abort: 'Abort',
  adopt: 'Adopt',
};

/** Machines are switched, cleaned and deleted by a word, and while nobody else has them. */
export function nodeLaws({ note, ownerOf, wall, ledger }: Onlooker, words: Words, { knew }: Told) {
  /** How often an action was obeyed, by node and verb; and the words for it. */
  const obeyed = new Map<string, number>();
  const asked = new Map<string, Set<string>>();
  const counted = new WeakSet<Asked>();
  /** What each process was last told by a read of one node. */
  const reads = new WeakMap<Process, Map<string, { at: number; body: string }>>();

  function ask(key: string, word: string): void {
    asked.set(key, (asked.get(key) ?? new Set()).add(word));
  }

  /**
   * What a node is like for whoever sends: as it is, where that was to be seen for long; and where it was read a moment
   * before, as it was then and still is.
   */
  function seenBy(call: Asked, id: string, now: NodeView, is: (node: NodeView) => boolean): boolean {
    if (!is(now)) return false;
    const read = reads.get(call.by)?.get(id);
    if (read && wall() - read.at < moment && is(JSON.parse(read.body) as NodeView)) return true;
    return !now.updated_at || Date.parse(now.updated_at) + grace < wall();
  }

  function power(target: string, said: Resource[], what: string): void {
    const wanted = said.some((one) => {
      const { power: wish, action } = specOf(one);
      if (target === 'rebooting') return action?.verb === 'Reboot';
      return wish === (target === 'power on' ? 'PoweredOn' : 'PoweredOff');
    });
    if (!wanted) note(10, 'power by word', `${what} was sent (${target}), which the spec does not ask for`);
  }

  function provision(
    target: string,
    said: Resource[],
    node: NodeView,
    adopted: boolean,
    what: string,
    sees: (is: typeof failed) => boolean,
  ): void {
    const action = said.some((one) => verbs[target] !== undefined && specOf(one).action?.verb === verbs[target]);
    const retried = said.some((one) => retryOf(one) !== undefined);
    const leaves = said.some((one) => isDeleting(one)) && target === 'manage';
    const wanted =
      action ||
      target === 'manage' ||
      (target === 'provide' && said.some((one) => specOf(one).provisioning === 'Available')) ||
      (target === 'inspect' && said.some((one) => specOf(one).inspect === 'Once'));
    if (!wanted) note(10, 'provisioning by word', `${what} was sent (${target}), which the spec does not ask for`);
    if (['clean', 'provide'].includes(target) && adopted && !said.some((one) => specOf(one).allowCleaning))
      note(
        10,
        'an adopted node is not cleaned',
        `${what} was sent (${target}), and spec.allowCleaning does not say so`,
      );
    if (!action && !retried && !leaves && target !== 'abort' && sees(failed))
      note(10, 'a failure is left by a word', `${what} was sent (${target}) to a node in ${node.provision_state}`);
  }

  /** A machine that is registered is not registered once more. */
  function registered({ by, body }: Asked): void {
    const twin = [...ledger().values()].find(
      ({ shelf, alive, bmc, id }) =>
        shelf === 'nodes' && alive && bmc !== undefined && body.includes(`"${bmc}"`) && knew(by, 'nodes', id),
    );
    if (twin)
      note(2, 'one machine, one node', `a node with the BMC ${twin.bmc} was registered, which node ${twin.id} has`);
  }

  return {
    /** The node of another machine is taken by a person's word only. */
    recorded(before: Resource, after: Resource): void {
      const id = after.status?.externalID;
      if (id === undefined || before.status?.externalID === id) return;
      const wanted = specOf(before).bmc?.address;
      const is = ledger().get(`nodes/${id}`)?.bmc;
      if (wanted === undefined || is === undefined || is === wanted) return;
      const resolve = before.metadata.annotations?.['freehold.dev/resolve'] ?? '';
      if (before.spec.externalID === id || resolve.endsWith(`adopt=${id}`)) return;
      note(2, 'one machine, one node', `${identityOf(after)} (BMC ${wanted}) took ${id}, which has the BMC ${is}`);
    },

    remember(after: Resource | undefined): void {
      if (after?.kind !== 'BareMetalNode') return;
      const { action, inspect } = specOf(after);
      const identity = identityOf(after);
      if (action) ask(`${identity} ${action.verb}`, action.requestedAt);
      // Wished, and not journalled: sent again where nothing shows that it was done.
      if (inspect === 'Once') ask(`${identity} Inspect`, 'once');
      const retry = retryOf(after);
      // A word to try again stands for whatever failed.
      if (retry !== undefined)
        for (const verb of ['Inspect', 'Adopt', 'Clean']) ask(`${identity} ${verb}`, `retry ${retry}`);
    },

    told(by: Process, path: string, body: string): void {
      const id = /\/nodes\/([0-9a-f-]{32,})$/.exec(path)?.[1];
      if (id === undefined) return;
      const known = reads.get(by) ?? new Map<string, { at: number; body: string }>();
      reads.set(by, known.set(id, { at: wall(), body }));
    },

    sent(call: Asked): void {
      const { method, path, body } = call;
      if (shelfOfCreate(call) === 'nodes') registered(call);
      const match = /^([^?]*\/nodes\/([^/?]+))(?:\/(maintenance|states\/power|states\/provision))?$/.exec(path);
      const [, main, id = '', part] = match ?? [];
      if (main === undefined || !['PUT', 'DELETE'].includes(method)) return;
      const node = call.look(main) as NodeView | undefined;
      const owner = ownerOf({ shelf: 'nodes', id });
      const said = owner ? words.lately(owner) : [];
      const what = `${method} ${path}`;
      const target = /"target":"([^"]+)"/.exec(body)?.[1] ?? '';
      if (part === 'states/power') power(target, said, what);
      if (!node) return;
      const adopted = ledger().get(`nodes/${id}`)?.byCall === null;
      const sees = (is: (one: NodeView) => boolean) => seenBy(call, id, node, is);
      if (part === 'states/provision') provision(target, said, node, adopted, what, sees);
      const retried = said.some((one) => retryOf(one) !== undefined);
      // Maintenance that a failure left is ended by the word to try again; and `manage` prepares a deletion.
      const leaves = target === 'manage' && said.some((one) => isDeleting(one));
      if (part !== undefined && !retried && !leaves && target !== 'abort' && sees(foreign)) {
        note(
          2,
          "somebody else's maintenance",
          `${what} ${target} was sent in a maintenance of others: ${node.maintenance_reason}`,
        );
      }
      const harms = part === undefined ? method === 'DELETE' : part === 'states/power' || target === 'provide';
      const read = reads.get(call.by)?.get(id);
      if (harms && (!read || wall() - read.at > grace + moment))
        note(10, 'read right before', `${what} ${target} was sent, and the node was not read alone before it`);
      if (part !== 'maintenance' && sees(used))
        note(10, 'a node in use is left alone', `${what} ${target} was sent to a node that ${node.instance_uuid} uses`);
    },

    /** One word, one deed; a refusal did nothing. */
    carriedOut(call: Asked): void {
      if ((call.answered ?? 0) >= 400 || call.method !== 'PUT' || counted.has(call)) return;
      counted.add(call);
      const target = targetOf(call.path, call.body);
      const verb = verbs[/"target":"(\w+)"/.exec(call.body)?.[1] ?? ''];
      if (!target || verb === undefined) return;
      const owner = ownerOf(target);
      const key = `${owner ? identityOf(owner) : target.id} ${verb}`;
      // A node that was registered anew has had nothing done to it: its resource's words hold for it once more.
      const its = `${key} of ${ledger().get(`nodes/${target.id}`)?.byCall}`;
      const times = (obeyed.get(its) ?? 0) + 1;
      obeyed.set(its, times);
      const said = asked.get(key)?.has('once') ? Infinity : (asked.get(key)?.size ?? 0);
      if (times > said)
        note(10, 'one word, one deed', `${key} was carried out ${times} times, and asked for ${said} times`);
    },
  };
}
