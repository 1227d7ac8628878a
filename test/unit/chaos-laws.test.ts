import { describe, expect, test } from 'vitest';
import {
  allAccountedFor,
  always,
  breaches,
  neverTwice,
  neverTwiceALicense,
  neverTwiceAnAction,
  nothingDestroyed,
  specKept,
  statesMakeSense,
  strangersLeftAlone,
} from '../chaos/laws.ts';
import type { Call, Entry, Evidence, Law, Ledger, Life, Spec, Version } from '../chaos/records.ts';

const minute = (count: number) => count * 60_000;
const time = (count: number) => new Date(minute(count)).toISOString();

/** Made by the operator in the first minute, and still there. */
function entry(id: string, more: Partial<Entry> = {}): Entry {
  return { id, createdAt: time(1), createdByCall: 1, deletedByCall: null, ...more };
}

const removed = (at: number, call: number | null = null) => ({ deletedAt: time(at), deletedByCall: call });

function specOf(said: Partial<Spec>): Spec {
  return { tenantRef: { name: 'tenant' }, managementPolicy: 'Manage', deletionPolicy: 'Retain', ...said };
}

interface Told {
  kind?: string;
  /** What a person wrote, one spec a minute. */
  says?: Partial<Spec>[];
  /** The minute in which a person asked for its end, and that in which it was gone. */
  endsAt?: number;
  goneAt?: number;
}

/** A resource that went through these states, the last spec in each, Ready if nothing else is said. */
function life(name: string, states: Partial<Version>[], told: Told = {}): Life {
  const { kind = 'DedicatedHypervisor', says = [{}], endsAt, goneAt } = told;
  const said = says.map((one, index) => ({ at: minute(index), generation: index + 1, spec: specOf(one) }));
  const { generation, spec } = said.at(-1)!;
  const words: Life['words'] = [...said];
  if (endsAt !== undefined) words.push({ at: minute(endsAt), generation: generation + 1, spec, deletes: true });
  const well = { at: minute(1), generation, spec, deleting: false, ready: true, flaws: [] };
  const versions = states.map((state, index) => ({ ...well, resourceVersion: String(index + 1), ...state }));
  const gone = goneAt === undefined ? {} : { goneAt: minute(goneAt) };
  return { uid: name, kind, namespace: 'ns', name, words, versions, ...gone };
}

type Story = Partial<Ledger> & { lives?: Life[]; calls?: Call[]; removedByOthers?: string[] };

function evidence({ lives = [], calls = [], removedByOthers = [], ...held }: Story): Evidence {
  const ledger = { servers: [], licenses: [], vcenters: [], nodes: [], ports: [], portgroups: [], ...held };
  const nobody = { passed: [], audits: [], tenures: [] };
  return { ledger, lives, calls, removedByOthers: new Set(removedByOthers), ...nobody, slack: 1000 };
}

function call(seq: number, operation: string, path: string, requestBody: unknown = {}): Call {
  return { seq, at: time(seq), operation, method: 'PUT', path, status: 200, committed: true, requestBody };
}

const change = call(4, 'UpdateServer', '/servers/s1');
const reboot = (seq: number) => call(seq, 'SetPowerState', '/v1/nodes/n1/states/power', { target: 'rebooting' });

const license = (id: string, more: Partial<Entry> = {}) => entry(id, { licenseType: 'Windows', ...more });
function guest(name: string, ...ids: string[]): Life {
  const states = ids.map((externalID) => ({ externalID }));
  return life(name, states, { kind: 'GuestLicense', says: [{ licenseType: 'Windows' }] });
}

const spare: Story = { licenses: [license('l1', removed(3)), license('l2')], lives: [guest('one', 'l2')] };
const machine = (says: Partial<Spec>[]) => life('metal', [{ externalID: 'n1' }], { kind: 'BareMetalNode', says });
const wired = (...macs: string[]) => ({ ports: macs.map((macAddress) => ({ macAddress })) });
const port = (more: Partial<Entry> = {}) => entry('p1', { nodeUUID: 'n1', address: 'aa:01', ...more });
const nodes = [entry('n1', { bmcAddress: '10.0.0.1' })];
const server = (id: string, more: Partial<Entry> = {}) => entry(id, { tenantID: 't', name: 'web', ...more });

function rebooted(...asked: string[]): Story {
  const says = asked.map((requestedAt) => ({ action: { verb: 'rebooting', requestedAt } }));
  return { nodes, calls: [reboot(3), reboot(4)], lives: [machine(says)] };
}

/** `right` is the same story, made good by one more fact. */
interface Case {
  law: Law;
  /** What somebody suffers. */
  suffers: string;
  wrong: Story;
  says: string;
  right: Story;
}

function secondServer(firstIsGoneAt: number): Story {
  return {
    servers: [server('s1', removed(firstIsGoneAt)), server('s2', { createdAt: time(5), createdByCall: 5 })],
    lives: [life('web', [{ externalID: 's1' }, { externalID: 's2' }])],
    removedByOthers: ['s1'],
  };
}

function renamedServer(name: string): Story {
  return {
    servers: [server('s1', { name: 'web-renamed' }), server('s2', { name, createdByCall: 5 })],
    lives: [life('web', [{ externalID: 's1' }]), life(name, [{ externalID: 's2' }])],
  };
}

const web = (state: Partial<Version> = {}, told: Told = {}) => life('web', [{ externalID: 's1', ...state }], told);
const standing = (life: Life): Story => ({ servers: [server('s1')], lives: [life] });
const lost: Story = { servers: [server('s1', removed(3))], removedByOthers: ['s1'] };
const portal: Story = { servers: [server('s1', { createdByCall: null })] };

function endOf(spec: Partial<Spec>, endsAt: number): Story {
  return { servers: [server('s1', removed(5, 9))], lives: [web({}, { says: [spec], endsAt, goneAt: 7 })] };
}

/** It was in this state for a while, and is well now. */
function passesThrough(state: Partial<Version>, removedByOthers: string[] = []): Story {
  return {
    servers: [server('s1', removed(2)), server('s2', { createdAt: time(3), createdByCall: 3 })],
    lives: [life('web', [{ externalID: 's1', ready: false, ...state }, { externalID: 's2' }])],
    removedByOthers,
  };
}

const cases: Case[] = [
  {
    law: neverTwice,
    suffers: 'a second server is ordered while the first one is there',
    wrong: secondServer(7),
    says: 'servers of t/web: s2 (web, call 5',
    right: secondServer(3),
  },
  {
    law: neverTwice,
    suffers: 'a server that was renamed in the portal is ordered again',
    wrong: renamedServer('web'),
    says: 'servers of t/web: s2 (web, call 5',
    right: renamedServer('db'),
  },
  {
    law: neverTwiceALicense,
    suffers: 'one guest takes two licences, and its neighbour has none',
    wrong: { licenses: [license('l1'), license('l2')], lives: [guest('one', 'l1', 'l2'), guest('other')] },
    says: 'GuestLicense/ns/one had licences l1, l2, and 0 were lost',
    right: { ...spare, lives: [guest('one', 'l1', 'l2')], removedByOthers: ['l1'] },
  },
  {
    law: neverTwiceALicense,
    suffers: 'a licence is paid for that no guest ever had',
    wrong: spare,
    says: '2 licences Windows were bought for 1 resources, 0 of them lost',
    right: { ...spare, removedByOthers: ['l1'] },
  },
  {
    law: neverTwiceAnAction,
    suffers: 'a machine at work is rebooted once more than was asked for',
    wrong: rebooted('noon'),
    says: 'node n1 was rebooted 2 times, and 1 were asked for',
    right: rebooted('noon', 'evening'),
  },
  {
    law: nothingDestroyed,
    suffers: 'a server is deleted that its resource was to leave behind',
    wrong: endOf({ deletionPolicy: 'Retain' }, 4),
    says: 'servers s1 (web, call 1',
    right: endOf({ deletionPolicy: 'Delete' }, 4),
  },
  {
    law: nothingDestroyed,
    suffers: 'a server is deleted before anybody asked for the end of its resource',
    wrong: endOf({ deletionPolicy: 'Delete' }, 6),
    says: 'servers s1 (web, call 1',
    right: endOf({ deletionPolicy: 'Delete' }, 4),
  },
  {
    law: nothingDestroyed,
    suffers: 'a machine loses a port that its spec names',
    wrong: { nodes, ports: [port(removed(5, 9))], lives: [machine([wired('aa:01')])] },
    says: 'port p1 (aa:01, call 1',
    right: { nodes, ports: [port(removed(5, 9))], lives: [machine([wired('aa:01'), wired()])] },
  },
  ...[
    { by: 'naming it', given: web({}, { says: [{ externalID: 's1' }] }) },
    { by: 'allowing claims', given: web({}, { says: [{ claim: 'Unclaimed' }] }) },
    { by: 'resolving an attempt', given: web({ resolve: 'attempt adopt=s1' }) },
  ].map(({ by, given }) => ({
    law: strangersLeftAlone,
    suffers: `a server made in the portal is taken, and nobody gave it by ${by}`,
    wrong: { ...portal, lives: [web({ resolve: 'attempt retry' })] },
    says: 'DedicatedHypervisor/ns/web took s1 (web, call portal',
    right: { ...portal, lives: [given] },
  })),
  {
    law: strangersLeftAlone,
    suffers: 'a server made in the portal is changed, and nobody gave it',
    wrong: { ...portal, calls: [change] },
    says: "UpdateServer PUT /servers/s1 (call 4) at a stranger's s1",
    right: { ...portal, calls: [change], lives: [web({}, { says: [{ externalID: 's1' }] })] },
  },
  {
    law: specKept,
    suffers: 'what a person wrote is written over',
    wrong: standing(web({ generation: 2, spec: specOf({ flavor: 'big' }) })),
    says: 'DedicatedHypervisor/ns/web@1 (generation 2): the spec is',
    right: standing(web({}, { says: [{}, { flavor: 'big' }] })),
  },
  {
    law: statesMakeSense,
    suffers: 'a status contradicts itself',
    wrong: passesThrough({ flaws: ['Ready and Stalled'] }),
    says: 'Ready and Stalled',
    right: passesThrough({ flaws: [] }),
  },
  ...['NameTaken', 'OwnedElsewhere', 'RemoteError'].map((reason) => ({
    law: statesMakeSense,
    suffers: `a resource is ${reason} without a cause`,
    wrong: passesThrough({ reason }),
    says: `DedicatedHypervisor/ns/web was ${reason}`,
    right: passesThrough({ reason: 'Creating' }),
  })),
  {
    law: statesMakeSense,
    suffers: 'a server is said to be lost that nobody had removed',
    wrong: passesThrough({ reason: 'RemoteLost' }),
    says: 'DedicatedHypervisor/ns/web was RemoteLost, and nobody had removed s1',
    right: passesThrough({ reason: 'RemoteLost' }, ['s1']),
  },
  {
    law: allAccountedFor,
    suffers: 'a resource never goes',
    wrong: standing(web({ reason: 'Deleting' }, { endsAt: 4 })),
    says: 'DedicatedHypervisor/ns/web is still there: Deleting',
    right: standing(web({ reason: 'Deleting' }, { endsAt: 4, goneAt: 5 })),
  },
  {
    law: allAccountedFor,
    suffers: 'a resource never becomes Ready',
    wrong: standing(web({ ready: false, reason: 'Creating' })),
    says: 'DedicatedHypervisor/ns/web is not Ready: Creating',
    right: standing(web()),
  },
  {
    law: allAccountedFor,
    suffers: 'a resource is Ready long after its server was removed',
    wrong: { ...lost, lives: [web()] },
    says: 'DedicatedHypervisor/ns/web is Ready, and s1 is not at the remote',
    right: { ...lost, lives: [web({ ready: false, reason: 'RemoteLost' })] },
  },
  {
    law: allAccountedFor,
    suffers: 'a server is paid for that should have gone with its resource',
    wrong: standing(web({}, { says: [{ deletionPolicy: 'Delete' }], endsAt: 4, goneAt: 5 })),
    says: 'servers s1 (web, call 1',
    right: standing(web({}, { endsAt: 4, goneAt: 5 })),
  },
  {
    law: allAccountedFor,
    suffers: 'a port is left behind by a machine that is gone',
    wrong: { nodes: [entry('n1', removed(3))], ports: [port()] },
    says: 'port p1 (aa:01, call 1',
    right: { nodes: [entry('n1', removed(3))], ports: [port(removed(3))] },
  },
  {
    law: allAccountedFor,
    suffers: 'a machine keeps a port that its spec no longer names',
    wrong: { nodes, ports: [port()], lives: [machine([wired()])] },
    says: 'port p1 (aa:01, call 1',
    right: { nodes, ports: [port()], lives: [machine([wired('aa:01')])] },
  },
  {
    law: allAccountedFor,
    suffers: 'a machine is Ready without a port that its spec names',
    wrong: { nodes, lives: [machine([wired('aa:01')])] },
    says: 'BareMetalNode/ns/metal is Ready without ports aa:01',
    right: { nodes, ports: [port()], lives: [machine([wired('aa:01')])] },
  },
];

describe('a law of chaos speaks when', () => {
  test.each(cases)('$suffers', ({ law, wrong, says, right }) => {
    expect(law(evidence(wrong))).toEqual([expect.stringContaining(says)]);
    expect(breaches({ ...always, allAccountedFor }, evidence(right))).toEqual([]);
  });

  test.each([
    ['vcenters', { licenseID: 'l1' }, { licenseID: 'l2' }],
    ['nodes', { bmcAddress: '10.0.0.1' }, { bmcAddress: '10.0.0.2' }],
    ['ports', { address: 'aa:01' }, { address: 'aa:02' }],
    ['portgroups', { name: 'bond0' }, { name: 'bond1' }],
  ] as const)('two %s of the same key are made side by side', (shelf, key, other) => {
    const made = (of: Partial<Entry>) =>
      evidence({ [shelf]: [entry('x1', key), entry('x2', { createdByCall: 5, ...of })] });
    expect(neverTwice(made(key))).toEqual([expect.stringContaining('x2')]);
    expect(neverTwice(made(other))).toEqual([]);
    expect(neverTwice(made({ ...key, createdByCall: null }))).toEqual([]);
  });
});
