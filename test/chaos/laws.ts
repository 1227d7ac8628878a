import { isDeepStrictEqual } from 'node:util';
import { leaderOnly } from './leader.ts';
import {
  deletedAt,
  type Entry,
  type Evidence,
  last,
  type Ledger,
  type Law,
  type Life,
  nameOf,
  recordedBy,
  shelfOf,
  shelves,
  type Word,
} from './records.ts';

const time = (text: string | undefined) => (text === undefined ? Infinity : Date.parse(text));

/** Made by the operator, and not in the portal. */
const isOurs = (entry: Entry) => entry.createdByCall !== null;

const isAlive = (entry: Entry) => entry.deletedAt === undefined;

const told = (entry: Entry) =>
  `${entry.id} (${entry.name ?? entry.licenseID ?? entry.address ?? entry.licenseType ?? ''}, call ${entry.createdByCall ?? 'portal'} at ${entry.createdAt}${entry.deletedAt === undefined ? '' : `, deleted by ${entry.deletedByCall ?? 'portal'} at ${entry.deletedAt}`})`;

/**
 * By what the story itself tells whose an object is, whatever the operator thinks: names, BMC and MAC addresses are given
 * to one resource only; a licence is registered once. Licences carry nothing and are counted instead.
 */
const ownerOf: Partial<Record<keyof Ledger, (entry: Entry) => string>> = {
  servers: ({ tenantID, name }) => `${tenantID}/${name?.replace(/-renamed$/, '')}`,
  vcenters: ({ licenseID }) => String(licenseID),
  nodes: ({ bmcAddress }) => String(bmcAddress),
  ports: ({ address }) => String(address),
  portgroups: ({ name }) => String(name),
};

/** No create is committed while an earlier object of the same owner is alive. */
export const neverTwice: Law = ({ ledger }) => {
  const found: string[] = [];
  for (const shelf of shelves) {
    const owner = ownerOf[shelf];
    if (!owner) continue;
    const groups = Map.groupBy(ledger[shelf].filter(isOurs), owner);
    for (const [name, entries] of groups) {
      const inOrder = entries.toSorted((one, other) => (one.createdByCall ?? 0) - (other.createdByCall ?? 0));
      for (const [index, entry] of inOrder.entries()) {
        const twin = inOrder.slice(0, index).find((former) => time(former.deletedAt) > time(entry.createdAt));
        if (twin) found.push(`${shelf} of ${name}: ${told(entry)} was made while ${told(twin)} was there`);
      }
    }
  }
  return found;
};

/** Licences are bought once for each resource, and once more for each that others deleted. */
export const neverTwiceALicense: Law = ({ ledger, lives, removedByOthers }) => {
  const bought = ledger.licenses.filter(isOurs);
  const found: string[] = [];
  for (const life of lives.filter(({ kind }) => kind === 'GuestLicense')) {
    const ids = [...recordedBy(life)];
    const lost = ids.filter((id) => removedByOthers.has(id)).length;
    if (ids.length > lost + 1) found.push(`${nameOf(life)} had licences ${ids.join(', ')}, and ${lost} were lost`);
  }
  const perType = Map.groupBy(bought, ({ licenseType }) => String(licenseType));
  for (const [type, entries] of perType) {
    const wanted = lives.filter(({ kind, words }) => kind === 'GuestLicense' && words[0]?.spec['licenseType'] === type);
    const lost = entries.filter(({ id }) => removedByOthers.has(id)).length;
    if (entries.length > wanted.length + lost)
      found.push(`${entries.length} licences ${type} were bought for ${wanted.length} resources, ${lost} of them lost`);
  }
  return found;
};

/** A reboot that was asked for once is sent once. */
export const neverTwiceAnAction: Law = ({ calls, lives }) => {
  const reboots = calls.filter(
    ({ operation, committed, requestBody }) =>
      operation === 'SetPowerState' && committed && (requestBody as { target?: string } | null)?.target === 'rebooting',
  );
  const found: string[] = [];
  for (const [id, sent] of Map.groupBy(reboots, ({ path }) => /\/nodes\/([^/]+)\//.exec(path)?.[1] ?? '')) {
    const asked = new Set(
      lives
        .filter((life) => recordedBy(life).has(id))
        .flatMap(({ words }) => words.flatMap(({ spec }) => spec.action?.requestedAt ?? [])),
    );
    if (sent.length > asked.size)
      found.push(`node ${id} was rebooted ${sent.length} times, and ${asked.size} were asked for`);
  }
  return found;
};

/** The words that held at some moment between `from` and `to`. */
function wordsIn(words: readonly Word[], from: number, to: number): Word[] {
  const before = words.filter(({ at }) => at <= from);
  return [...before.slice(-1), ...words.filter(({ at }) => at > from && at <= to)];
}

/** Nothing goes without `deletionPolicy: Delete` and somebody who asked for the resource's end. */
export const nothingDestroyed: Law = ({ ledger, lives, slack }) => {
  const found: string[] = [];
  for (const [kind, shelf] of Object.entries(shelfOf)) {
    const holders = new Map<string, Life[]>();
    for (const life of lives.filter((one) => one.kind === kind))
      for (const id of recordedBy(life)) holders.set(id, [...(holders.get(id) ?? []), life]);
    for (const entry of ledger[shelf].filter(({ deletedByCall }) => deletedByCall !== null)) {
      const at = time(entry.deletedAt);
      const asked = (holders.get(entry.id) ?? []).some((life) => {
        const word = deletedAt(life);
        if (word === undefined || word > at) return false;
        return wordsIn(life.words, at - slack, at).some(({ spec }) => spec.deletionPolicy === 'Delete');
      });
      if (!asked) found.push(`${shelf} ${told(entry)} was deleted, and nobody had asked for it`);
    }
  }
  for (const entry of ledger.ports.filter(({ deletedByCall }) => deletedByCall !== null)) {
    const at = time(entry.deletedAt);
    const node = ledger.nodes.find(
      ({ id, deletedByCall }) => id === entry.nodeUUID && deletedByCall === entry.deletedByCall,
    );
    const unwanted = lives
      .filter((life) => recordedBy(life).has(String(entry.nodeUUID)))
      .some(({ words }) =>
        wordsIn(words, at - slack, at).some(({ spec }) => !macsOf(spec).includes(String(entry.address))),
      );
    if (!node && !(isOurs(entry) && unwanted))
      found.push(`port ${told(entry)} was deleted, and the spec still named it`);
  }
  return found;
};

function macsOf(spec: Word['spec']): string[] {
  return ((spec['ports'] ?? []) as { macAddress: string }[]).map(({ macAddress }) => macAddress);
}

/** What others made is neither changed nor deleted, unless a person's word made it ours. */
export const strangersLeftAlone: Law = ({ ledger, calls, lives }) => {
  const strangers = new Map<string, Entry>();
  for (const shelf of shelves)
    for (const entry of ledger[shelf].filter((one) => !isOurs(one))) strangers.set(entry.id, entry);
  const given = new Set<string>();
  const found: string[] = [];
  for (const life of lives) {
    for (const id of recordedBy(life)) {
      if (!strangers.has(id)) continue;
      const named = life.words.some(({ spec }) => spec.externalID === id);
      const claimed = life.words.some(({ spec }) => spec['claim'] === 'Unclaimed');
      const resolved = life.versions.some(({ resolve }) => resolve?.endsWith(`adopt=${id}`));
      if (named || claimed || resolved) given.add(id);
      else found.push(`${nameOf(life)} took ${told(strangers.get(id)!)}, and nobody gave it`);
    }
  }
  for (const call of calls) {
    const id = [...strangers.keys()].find((one) => call.path.includes(one) && !given.has(one));
    if (id !== undefined)
      found.push(
        `${call.operation} ${call.method} ${call.path} (call ${call.seq}) at a stranger's ${told(strangers.get(id)!)}`,
      );
  }
  return found;
};

/** The spec is always as somebody wrote it. */
export const specKept: Law = ({ lives }) => {
  const found: string[] = [];
  for (const life of lives) {
    for (const version of life.versions) {
      // A word that is under way when chaos ends was never written down.
      const word = last(life.words.filter(({ generation }) => generation <= version.generation));
      if (word && !isDeepStrictEqual(word.spec, version.spec))
        found.push(
          `${nameOf(life)}@${version.resourceVersion} (generation ${version.generation}): the spec is ${JSON.stringify(version.spec)}, and people wrote ${JSON.stringify(word.spec)}`,
        );
    }
  }
  return found;
};

/** No state contradicts itself, and none says what nothing in the story explains. */
export const statesMakeSense: Law = ({ lives, removedByOthers }) => {
  const unexplained = ['BreakerOpen', 'MarkerNotKept', 'OwnedElsewhere', 'InvalidSpec', 'RemoteError', 'SecretExists'];
  const taken = [
    'NameTaken',
    'BMCTaken',
    'AddressTaken',
    'AlreadyClaimed',
    'WrongTenant',
    'TargetChanged',
    'DriverUnknown',
  ];
  const found = new Set<string>();
  for (const life of lives) {
    for (const { reason, flaws, externalID } of life.versions) {
      for (const flaw of flaws) found.add(flaw);
      if (reason !== undefined && [...unexplained, ...taken].includes(reason))
        found.add(`${nameOf(life)} was ${reason}, and nothing in the story explains it`);
      // A record is already gone where another object is about to be made.
      if (reason === 'RemoteLost' && ![...recordedBy(life)].some((id) => removedByOthers.has(id)))
        found.add(`${nameOf(life)} was RemoteLost, and nobody had removed ${externalID}`);
    }
  }
  return [...found];
};

/** After all: everybody is well, and everything that was made is accounted for. */
export const allAccountedFor: Law = ({ ledger, lives, removedByOthers }) => {
  const found: string[] = [];
  const present = lives.filter(({ goneAt }) => goneAt === undefined);
  for (const life of present) {
    const version = last(life.versions);
    const lost = version?.reason === 'RemoteLost' && removedByOthers.has(String(version.externalID));
    if (deletedAt(life) !== undefined) found.push(`${nameOf(life)} is still there: ${version?.reason}`);
    else if (!version?.ready && !lost) found.push(`${nameOf(life)} is not Ready: ${version?.reason ?? 'no status'}`);
    const shelf = shelfOf[life.kind]!;
    if (version?.ready && !ledger[shelf].some((entry) => entry.id === version.externalID && isAlive(entry)))
      found.push(`${nameOf(life)} is Ready, and ${version.externalID} is not at the remote`);
  }
  for (const [kind, shelf] of Object.entries(shelfOf)) {
    const own = lives.filter((life) => life.kind === kind);
    for (const entry of ledger[shelf].filter((one) => isOurs(one) && isAlive(one))) {
      const held = own.some((life) => life.goneAt === undefined && last(life.versions)?.externalID === entry.id);
      const retained = own.some(
        (life) =>
          life.goneAt !== undefined &&
          recordedBy(life).has(entry.id) &&
          last(life.words)?.spec.deletionPolicy === 'Retain',
      );
      if (!held && !retained) found.push(`${shelf} ${told(entry)} is there, and no resource stands for it`);
    }
  }
  for (const port of ledger.ports.filter((one) => isOurs(one) && isAlive(one))) {
    const life = present.find((one) => last(one.versions)?.externalID === port.nodeUUID);
    const node = ledger.nodes.find((one) => one.id === port.nodeUUID && isAlive(one));
    if (!node || (life && !macsOf(last(life.words)!.spec).includes(String(port.address))))
      found.push(`port ${told(port)} is there, and no resource names it`);
  }
  for (const life of present.filter(({ kind, versions }) => kind === 'BareMetalNode' && last(versions)?.ready)) {
    const id = last(life.versions)?.externalID;
    const there = ledger.ports.filter((one) => one.nodeUUID === id && isAlive(one)).map(({ address }) => address);
    const missing = macsOf(last(life.words)?.spec ?? life.versions[0]!.spec).filter((mac) => !there.includes(mac));
    if (missing.length > 0) found.push(`${nameOf(life)} is Ready without ports ${missing.join(', ')}`);
  }
  return found;
};

/** Those that hold at any moment. */
export const always: Record<string, Law> = {
  neverTwice,
  neverTwiceALicense,
  neverTwiceAnAction,
  nothingDestroyed,
  strangersLeftAlone,
  specKept,
  statesMakeSense,
  leaderOnly,
};

export function breaches(laws: Record<string, Law>, evidence: Evidence): string[] {
  return Object.entries(laws).flatMap(([name, law]) => law(evidence).map((line) => `${name}: ${line}`));
}
