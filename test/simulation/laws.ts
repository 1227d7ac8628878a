import type { Condition } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { KubeObject, ResourceType } from '../../src/kube/types.ts';
import type { Commit } from '../support/memory-kube/memory-kube.ts';
import type { Sent } from './kube-network.ts';
import { journalLaws } from './laws-journal.ts';
import { leaderLaws } from './laws-leader.ts';
import { licenseLaws } from './laws-licenses.ts';
import { nodeLaws } from './laws-nodes.ts';
import { recordLaws } from './laws-record.ts';
import { secretLaws } from './laws-secrets.ts';
import { type Entry, type Ledger, mainShelves } from './ledger.ts';
import { createOnlooker, identityOf, type OnlookerOptions, targetOf } from './onlooker.ts';
import type { Process } from './process.ts';
import type { Asked } from './remote-network.ts';
import { createTold } from './told.ts';
import { createWords, grace } from './words.ts';

/** A law that did not hold. */
export interface Violation {
  /** Number of the law in docs/architecture.md. */
  law: number;
  invariant: string;
  message: string;
  /** Milliseconds since the beginning. */
  at: number;
}

/** What people did, as far as the laws have to know of it. */
export interface Deeds {
  /** Objects that somebody else made, by `shelf/id`: may they be taken, and by which resources alone? */
  strangers: Map<string, 'never' | 'adoptable' | { by: string[] }>;
  /** Objects that somebody else removed, by `shelf/id`. */
  removed: Set<string>;
  /** For which resource (its UID) a licence was bought, by its ID: whoever asks the seller learns it. */
  boughtFor: Map<string, string>;
  /** When the create of an attempt was journalled, milliseconds since the beginning, by its ID. */
  journalled: Map<string, number>;
  /** Clusters that were rebuilt so far. */
  rebuilds: number;
}

export interface Laws {
  readonly violations: Violation[];
  /** In the turn in which a change leaves a process. */
  sent(asked: Asked): void;
  sentToKube(by: Process, sent: Sent): void;
  /** Kubernetes told a process what there is of a type, which it began to ask at `begunAt`. */
  listed(by: Process, type: ResourceType, begunAt: number): void;
  /** The good answer to a read that a process was told. */
  told(by: Process, path: string, body: string): void;
  /** Something was carried out at a simulated cloud. */
  carriedOut(asked: Asked, before: Ledger, after: Ledger): void;
  /** Something was written to Kubernetes, by a process or by people (undefined). */
  committed(commit: Commit, by: Process | undefined): void;
  /** A text that somebody can read: a log line. */
  printed(text: string): void;
  /** A password or token that is in use. */
  secret(value: string): void;
  /** When all has come to rest. */
  atRest(): void;
  note(law: number, invariant: string, message: string): void;
}

/** What the operator may write into metadata. */
const ownFinalizers = ['freehold.dev/remote', 'freehold.dev/in-use'];
const ownAnnotations = ['freehold.dev/target', 'freehold.dev/owner'];

/** An error of a pass that is none of the remote's, of Kubernetes' or of a lease that was lost. */
const surprise =
  /^\{"level":"error".*"msg":"(?:the pass failed|the pass over a tenant failed|list failed unexpectedly|a resource could not be taken in)"/;
const leaseLost = /the lease is not held|the term of leadership is over/;

/** The laws of docs/architecture.md, as an onlooker can check them who sees every message and every book. */
export function createLaws(options: OnlookerOptions): Laws {
  const { deeds, ledger, now } = options;
  const violations: Violation[] = [];
  const note: Laws['note'] = (law, invariant, message) => void violations.push({ law, invariant, message, at: now() });
  const onlooker = createOnlooker(options, note);
  const { resources, ownerOf, isStranger, stands } = onlooker;
  const words = createWords(now);
  const journal = journalLaws(onlooker, words);
  const lists = createTold(now);
  const leader = leaderLaws(onlooker);
  const records = recordLaws(onlooker);
  const licenses = licenseLaws(onlooker, words, lists);
  const nodes = nodeLaws(onlooker, words, lists);
  const secrets = secretLaws(onlooker);
  /** Until when the word to delete holds, by resource; Infinity while it stands. */
  const mayDelete = new Map<string, number>();
  /** Since when a resource is Observe or paused. */
  const handsOff = new Map<string, number>();
  /** IDs that a resource let go of by `Retain`, and owners that did. */
  const retained = new Set<string>();

  function created(entry: Entry, by: Asked): void {
    const { shelf, title } = entry;
    if (shelf === 'licenses') return licenses.created(entry);
    const twin = [...ledger().values()].find(
      (other) =>
        other.shelf === shelf &&
        other.id !== entry.id &&
        other.title === title &&
        other.nodeID === entry.nodeID &&
        other.alive &&
        other.byCall !== null,
    );
    if (twin) {
      note(1, 'never twice', `${shelf} ${entry.id} was made for ${title} by ${by.by.name} while ${twin.id} is alive`);
    }
    const owner = resources().find(({ kind, metadata }) => mainShelves[kind] === shelf && metadata.name === title);
    const since = owner && handsOff.get(identityOf(owner));
    if (since !== undefined && by.sentAt - since > grace) {
      note(10, 'hands off', `${shelf} ${entry.id} was made for ${title}, which is observed or paused`);
    }
    journal.created(entry, owner);
    secrets.created(entry, by, owner);
  }

  function removedBy(entry: Entry, by: Asked): void {
    const owner = ownerOf(entry);
    if (by.method === 'DELETE' && owner === undefined && entry.byCall === null) {
      note(2, "never a stranger's", `${entry.shelf} ${entry.id} was removed, which no resource stands for`);
    }
  }

  /** May this be sent? Asked in the turn in which it is. */
  function sent(call: Asked): void {
    const { by, method, path, body } = call;
    leader.begins(by, `${method} ${path}`);
    journal.sent(call);
    licenses.sent(call);
    nodes.sent(call);
    secrets.sent(call);
    const target = targetOf(path, body);
    if (!target) return;
    const what = `${method} ${path}`;
    const stranger =
      isStranger(`${target.shelf}/${target.id}`) ||
      [...body.matchAll(/[0-9a-f-]{32,36}/g)].some(([id]) => isStranger(`nodes/${id}`));
    if (stranger) note(2, "never a stranger's", `${what} was sent, which is about something of somebody else's`);
    const owner = ownerOf(target);
    if (owner === undefined) return;
    const identity = identityOf(owner);
    const since = handsOff.get(identity);
    if (since !== undefined && now() - since > grace) {
      note(10, 'hands off', `${what} was sent for ${identity}, which is observed or paused`);
    }
    const isMain = path.endsWith(target.id) && mainShelves[owner.kind] === target.shelf;
    if (method === 'DELETE' && isMain && (mayDelete.get(identity) ?? 0) < now()) {
      note(
        10,
        'deleted by word',
        `${what} was sent for ${identity}, which is not being deleted with deletionPolicy: Delete`,
      );
    }
  }

  function committed(commit: Commit, by: Process | undefined): void {
    const { type, verb } = commit;
    const before = commit.before as Resource | undefined;
    const after = commit.after as Resource | undefined;
    const object = after ?? before;
    if (!object) return;
    if (type.plural === 'events') {
      secrets.printed(JSON.stringify(after));
      return;
    }
    if (object.kind === 'Secret') secrets.committed(commit, by);
    leader.committed(commit, by);
    if (by && before && after) untouched(before, after, `${verb} ${identityOf(object)}`);
    const shelf = mainShelves[object.kind];
    if (shelf === undefined) return;
    words.remember(before, after);
    remember(identityOf(object), after);
    licenses.remember(before, after);
    nodes.remember(after);
    if (after && by) secrets.printed(JSON.stringify(after.status));
    if (before && after && by) {
      journal.committed(shelf, before, after);
      if (shelf === 'licenses') licenses.recorded(before, after, by);
      if (shelf === 'nodes') nodes.recorded(before, after);
    }
    if (after && by) records.committed(shelf, before, after);
    if (before && !after) gone(shelf, before, by);
  }

  /** The words of the people that the laws ask about. */
  function remember(identity: string, resource: Resource | undefined): void {
    const { deletionPolicy, managementPolicy } = resource?.spec ?? {};
    const word =
      resource?.metadata.deletionTimestamp !== undefined &&
      deletionPolicy === 'Delete' &&
      managementPolicy !== 'Observe';
    if (word) mayDelete.set(identity, Infinity);
    else if (mayDelete.get(identity) === Infinity) mayDelete.set(identity, now() + grace);
    const off = managementPolicy === 'Observe' || resource?.metadata.annotations?.['freehold.dev/paused'] !== undefined;
    if (!off) handsOff.delete(identity);
    else if (!handsOff.has(identity)) handsOff.set(identity, now());
  }

  /** Spec, labels and what else is not ours. */
  function untouched(before: KubeObject, after: KubeObject, what: string): void {
    const others = ({ metadata, ...object }: KubeObject & { spec?: unknown }) => {
      const annotations = Object.entries(metadata.annotations ?? {}).filter(([name]) => !ownAnnotations.includes(name));
      const finalizers = metadata.finalizers?.filter((name) => !ownFinalizers.includes(name)) ?? [];
      return JSON.stringify([object.spec, metadata.labels ?? {}, annotations, finalizers, metadata.ownerReferences]);
    };
    if (before.kind === 'Secret' || before.kind === 'Lease') return;
    if (others(before) !== others(after))
      note(4, "spec is the user's", `${what} changed more than status, finalizer and target`);
  }

  function gone(shelf: string, { spec, status, metadata, kind }: Resource, by: Process | undefined): void {
    const id = status?.externalID;
    if (spec.deletionPolicy === 'Retain' || spec.managementPolicy === 'Observe') {
      if (id !== undefined) retained.add(`${shelf}/${id}`);
      retained.add(`${shelf} of ${metadata.name}`);
      return;
    }
    if (!by) return;
    const left = [...ledger().values()].find(
      (entry) =>
        entry.shelf === shelf &&
        stands(entry) &&
        !isStranger(`${shelf}/${entry.id}`) &&
        (entry.id === id || (entry.byCall !== null && entry.title === metadata.name)),
    );
    if (left) note(3, 'finalizer', `${kind} ${metadata.name} was let go (Delete), and ${left.id} still stands`);
  }

  function atRest(): void {
    const all = resources();
    const held = new Set(all.map(({ kind, status }) => `${mainShelves[kind]}/${status?.externalID}`));
    for (const entry of ledger().values()) {
      const { shelf, id, title } = entry;
      if (!entry.alive || entry.byCall === null || !Object.values(mainShelves).includes(shelf)) continue;
      if (held.has(`${shelf}/${id}`) || retained.has(`${shelf}/${id}`) || retained.has(`${shelf} of ${title}`))
        continue;
      // A person is asked about it, or the cluster that knew of it is gone.
      if (all.some((one) => mainShelves[one.kind] === shelf && stalledOver(one, id))) continue;
      if (deeds.rebuilds > 0 && !all.some((one) => mainShelves[one.kind] === shelf && one.metadata.name === title))
        continue;
      note(
        1,
        'nothing is forgotten',
        `${shelf} ${id} (${title}) was made by the operator, and no resource knows of it`,
      );
    }
    secrets.atRest();
  }

  /** What goes wrong is told to people; an error that nobody reckoned with is told to nobody. */
  function printed(text: string): void {
    secrets.printed(text);
    if (surprise.test(text) && !leaseLost.test(text))
      note(9, 'every wait has a reason', `an error that nobody reckoned with: ${text}`);
  }

  return {
    violations,
    note,
    sent,
    sentToKube(by, call) {
      const { type } = call;
      // The Lease itself is how one comes to lead; events are a standby's, too.
      if (type.plural !== 'leases' && type.plural !== 'events') leader.begins(by, `a write of ${type.plural}`);
      journal.sentToKube(call);
    },
    told(by, path, body) {
      lists.told(by, path, body);
      nodes.told(by, path, body);
    },
    carriedOut(call, before, after) {
      nodes.carriedOut(call);
      for (const [key, entry] of after) {
        const former = before.get(key);
        if (!former && entry.byCall !== null) created(entry, call);
        if (former?.alive && !entry.alive) removedBy(entry, call);
      }
    },
    listed: leader.listed,
    committed,
    printed,
    secret: secrets.secret,
    atRest,
  };
}

const stalledOver = ({ status }: Resource, id: string) =>
  status?.conditions?.some(
    ({ type, status: is, message }: Condition) => type === 'Stalled' && is === 'True' && message.includes(id),
  ) ?? false;
