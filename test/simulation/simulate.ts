import { findCondition } from '../../src/engine/conditions.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { ResourceType } from '../../src/kube/types.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { createMemoryKube, type MemoryKube } from '../support/memory-kube/memory-kube.ts';
import type { Act, Channel, Fault, History } from './history.ts';
import { kubeThrough } from './kube-network.ts';
import { createBlurs } from './blurs.ts';
import { createLaws, type Deeds, type Violation } from './laws.ts';
import { control, readLedger } from './ledger.ts';
import { crds, passwords, typeNamed } from './manifests.ts';
import { createNetwork } from './network.ts';
import { createOperators } from './operators.ts';
import { createPeople } from './people.ts';
import type { Process } from './process.ts';
import { createQuiet } from './quiet.ts';
import { type Asked, remoteThrough } from './remote-network.ts';
import { createScheduler } from './scheduler.ts';
import { seeded } from './seeded.ts';
import { minute, second, storyBegin } from './times.ts';
import { traceTo } from './trace.ts';
import { rests, untrue } from './truth.ts';

export interface Result {
  violations: Violation[];
  /** Crossings between processes and the world. */
  crossings: number;
  byChannel: Partial<Record<Channel, number>>;
  /** What went wrong, by name, crashes and weather included. */
  faults: Record<string, number>;
  crashes: number;
  resources: number;
  /** Mutating calls that were carried out. */
  changes: number;
  /** Of the story until rest, seconds of its own time. */
  seconds: number;
  trace: string[];
}

/** Bound of the end without faults. */
const mostRounds = 20;
const roundLength = 6 * minute;
const quietLength = 3 * minute;
/** A watch counts as dead after 150 s of silence. */
const bookmarkEvery = 110 * second;

/** Leases and events tick by themselves. */
const isOfInterest = ({ plural }: ResourceType) => plural !== 'leases' && plural !== 'events';

/** Runs one history from its first line to rest. */
export async function simulate(history: History, options: { trace?: boolean } = {}): Promise<Result> {
  const trace: string[] | undefined = options.trace ? [] : undefined;
  const scheduler = createScheduler();
  const tell = traceTo(trace, scheduler.now);
  const network = createNetwork(history, scheduler, (fault) => follow(fault));
  const wall = () => storyBegin + scheduler.now();
  const dice = seeded(history.seed).fork('sandbox');
  const sandbox = createSandbox({
    now: wall,
    random: dice.next,
    baseURL: 'http://clouds.example',
    settings: history.settings,
  });
  const info = sandbox.info('http://clouds.example');
  const deeds: Deeds = {
    strangers: new Map(),
    removed: new Set(),
    boughtFor: new Map(),
    journalled: new Map(),
    rebuilds: 0,
  };
  const blurs = createBlurs(scheduler);
  const connections = new Set<() => void>();
  let uids = 0;
  let kube = newCluster();
  let ledger = readLedger(sandbox);
  let changes = 0;
  let writer: Process | undefined;
  const { buildSeconds, deleteSeconds } = control(sandbox, 'GET', 'settings') as {
    buildSeconds: number;
    deleteSeconds: number;
  };
  const laws = createLaws({
    deeds,
    kube: () => kube,
    ledger: () => ledger,
    now: scheduler.now,
    wall,
    serverStands: deleteSeconds * second,
  });
  const quiet = createQuiet(laws.note);
  for (const value of [info.sdpf.apiSecret, info.cloudos.password, ...Object.values(passwords)]) laws.secret(value);
  const people = createPeople({
    history,
    sandbox,
    info,
    kube: () => kube,
    ledger: fresh,
    scheduler,
    deeds,
    blurs,
    tell,
    now: wall,
  });
  const kept = new Map();

  function newCluster(): MemoryKube {
    const cluster = createMemoryKube({ now: wall, uid: () => `uid-${(uids += 1)}` });
    for (const crd of crds) cluster.define(crd);
    cluster.onCommit((commit) => {
      if (writer && isOfInterest(commit.type)) quiet.wrote(commit);
      laws.committed(commit, writer);
    });
    return cluster;
  }

  function fresh() {
    ledger = readLedger(sandbox);
    return ledger;
  }

  function carryOut(asked: Asked, effect: () => void): void {
    if (asked.method === 'GET' || asked.path.includes('/auth/tokens')) {
      effect();
      return;
    }
    const before = fresh();
    effect();
    changes += 1;
    quiet.changed();
    laws.carriedOut(asked, before, fresh());
  }

  const operators = createOperators({
    seed: history.seed,
    scheduler,
    tell,
    printed: laws.printed,
    reach(process) {
      const shared = { process, network, scheduler, tell };
      return {
        kube: kubeThrough({
          ...shared,
          kube: () => kube,
          connections,
          writing: (who) => void (writer = who),
          onSend(sent) {
            if (isOfInterest(sent.type)) quiet.asked();
            laws.sentToKube(process, sent);
          },
          onListed: (type, begunAt) => laws.listed(process, type, begunAt),
        }),
        transport: remoteThrough({
          ...shared,
          sandbox,
          kept,
          blurs,
          carryOut,
          onSend: laws.sent,
          onTold(path, body) {
            quiet.read(path);
            laws.told(process, path, body);
          },
          onSecret: laws.secret,
        }),
      };
    },
  });

  function perform(act: Act): void {
    if (act.do === 'kill') operators.kill(act.operator, act.for);
    else if (act.do === 'stop') operators.stop(act.operator, act.for);
    else if (act.do === 'restart') operators.leave(act.operator);
    else if (act.do === 'step-clock') operators.stepClock(act.operator, act.by);
    else if (act.do === 'compact') kube.compact();
    else if (act.do === 'rebuild-cluster') loseCluster(act.for);
    else if (act.do === 'fault') network.strike(act.fault, act.ahead);
    else if (act.do === 'weather') network.begin(act.what, act.by, act.for);
    else people.act(act);
    fresh();
  }

  let ended = false;
  /** What comes of a fault; it is about the resource that is being bought at that moment. */
  function follow({ follows = [] }: Fault): void {
    const it = follows.length > 0 ? people.buying() : undefined;
    const type = it?.spec.type as 'first' | 'second' | undefined;
    for (const act of follows) {
      const about = { ...act, ...(it && 'of' in act && { of: it.name }), ...(type && 'type' in act && { type }) };
      scheduler.at(scheduler.now() + act.at * second, () => {
        if (!ended) perform(about);
      });
    }
  }

  function loseCluster(seconds: number): void {
    operators.killAll(seconds);
    for (const broken of connections) broken();
    deeds.rebuilds += 1;
    kube = newCluster();
    scheduler.at(scheduler.now() + seconds * second, people.applyAll);
  }

  const resources = () =>
    history.resources.map(({ kind, namespace, name }) => kube.get<Resource>(typeNamed(kind), { namespace, name }));

  function atRest(): boolean {
    const all = resources();
    return history.resources.every(({ name }, index) => {
      const resource = all[index];
      return resource ? rests(resource, all) : !people.wants(name);
    });
  }

  people.begin();
  for (const { at, name } of history.resources) scheduler.at(at * second, () => people.apply(name));
  for (const act of history.acts) {
    scheduler.at(act.at * second, () => {
      tell('history', () => JSON.stringify(act));
      perform(act);
    });
  }
  for (const { from, what } of history.weather) {
    if (what === 'kube-down') scheduler.at(from * second, () => connections.forEach((broken) => broken()));
  }
  const bookmarks = () => {
    kube.bookmark();
    scheduler.at(scheduler.now() + bookmarkEvery, bookmarks);
  };
  scheduler.at(bookmarkEvery, bookmarks);
  for (let operator = 1; operator <= history.operators; operator += 1) operators.start(operator);
  const last = Math.max(
    ...history.resources.map(({ at }) => at),
    ...history.acts.map((act) => act.at + ('for' in act ? act.for : 0)),
    ...history.weather.map(({ to }) => to),
    0,
  );
  const broken = () => laws.violations.length > 0;
  await scheduler.run((last + 60) * second, broken);

  // From here on nothing goes wrong any more, and everything must come to rest.
  network.calm();
  ended = true;
  tell('history', () => 'nothing goes wrong from now on');
  if (!broken()) {
    const calm = { listLagSeconds: 0, licenseListLagSeconds: 0, vcenterListLagSeconds: 0, nodeListLagSeconds: 0 };
    control(sandbox, 'PATCH', 'settings', calm);
    people.tidy();
    for (let round = 0; round < mostRounds && !broken(); round += 1) {
      const end = scheduler.now() + roundLength;
      // What people did a moment ago is not answered yet, and a poll must have seen what others did.
      await scheduler.run(scheduler.now() + 2.5 * minute, broken);
      while (scheduler.now() < end && !broken() && !atRest())
        await scheduler.run(scheduler.now() + 15 * second, broken);
      // What is asked of them, people answer at least once: some of it has passed by then.
      const asked = () =>
        resources().some((one) => one && findCondition(one.status?.conditions, 'Ready')?.status !== 'True');
      const told = () => resources().every((one) => !one || !untrue(one, fresh(), deeds));
      if (atRest() && told() && (round > 0 || !asked())) break;
      people.answer();
      fresh();
    }
  }
  if (!broken()) {
    const all = resources();
    for (const [index, { name }] of history.resources.entries()) {
      const resource = all[index];
      if (!resource) {
        if (people.wants(name)) laws.note(9, 'all comes to rest', `${name} is wanted and not there`);
        continue;
      }
      const ready = findCondition(resource.status?.conditions, 'Ready');
      const says = `${ready?.reason}: ${ready?.message}`;
      if (!rests(resource, all)) laws.note(9, 'all comes to rest', `${name} is not at rest: ${says}`);
      const lie = untrue(resource, fresh(), deeds);
      if (lie) laws.note(9, 'what it says is true', `${name} says ${says}; but ${lie}`);
    }
    laws.atRest();
  }
  const atRestAt = { seconds: scheduler.now() / second, byChannel: { ...network.counts.byChannel } };
  if (!broken()) {
    // What came to rest a moment ago may still have a word to say; what asks a person may still be built, and a poll shows its end.
    await scheduler.run(scheduler.now() + 2.5 * minute + Math.max(buildSeconds, deleteSeconds) * second, broken);
    quiet.begin();
    await scheduler.run(scheduler.now() + quietLength, broken);
    if (!broken()) quiet.judge(resources());
  }
  const { crashes } = operators;
  operators.killAll(0);
  return {
    violations: laws.violations,
    crossings: network.counts.crossings,
    ...atRestAt,
    faults: network.counts.faults,
    crashes,
    resources: history.resources.length,
    changes,
    trace: trace ?? [],
  };
}
