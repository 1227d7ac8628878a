import type { World } from '../world.ts';
import { refusal } from './bmc.ts';
import { badRequest, IronicError, notAcceptable } from './errors.ts';
import { CONDUCTOR } from './ironic.ts';
import type { Ending, NodeRecord, NodeState, Stage } from './ironic.ts';
import { isObject } from '../sdpf/input.ts';

interface Verb {
  /** Minor version of the API that brought it. */
  since: number;
  /** States that take it. */
  from: readonly string[];
}

/** The verbs of a change of state, and where each is taken (Ironic 21.4 at 1.34). */
const VERBS: Record<string, Verb> = {
  manage: { since: 4, from: ['enroll', 'available', 'clean failed', 'inspect failed', 'adopt failed'] },
  provide: { since: 4, from: ['manageable'] },
  inspect: { since: 6, from: ['manageable', 'inspect failed'] },
  clean: { since: 15, from: ['manageable'] },
  adopt: { since: 17, from: ['manageable', 'adopt failed'] },
  abort: { since: 13, from: ['clean wait', 'inspect wait'] },
  active: { since: 1, from: ['available', 'deploy failed'] },
  rebuild: { since: 1, from: ['active', 'deploy failed', 'error'] },
  deleted: { since: 1, from: ['active', 'deploy failed', 'wait call-back', 'error'] },
  // Known, and not simulated: no state takes them.
  rescue: { since: 38, from: [] },
  unrescue: { since: 38, from: [] },
};

/** Every state that a node can be asked for by. */
export const STATES: readonly string[] = [
  ...new Set(Object.values(VERBS).flatMap(({ from }) => from)),
  ...['verifying', 'inspecting', 'cleaning', 'deploying', 'adopting', 'deleting'],
  ...['deleted', 'deploy hold', 'clean hold', 'rescue', 'rescuing', 'rescue failed', 'rescue wait'],
  ...['unrescuing', 'unrescue failed'],
];

/** What a transient state becomes when the work in it fails; the failed states keep their target. */
const FAILED: Record<string, { state: string; target: string | null }> = {
  verifying: { state: 'enroll', target: null },
  inspecting: { state: 'inspect failed', target: 'manageable' },
  cleaning: { state: 'clean failed', target: 'available' },
  deploying: { state: 'deploy failed', target: 'active' },
  adopting: { state: 'adopt failed', target: 'active' },
  deleting: { state: 'error', target: null },
};

/** Who holds the lock of a node; null: nobody. */
export function reservation(node: NodeRecord): string | null {
  return node.heldBy ?? (node.stages.length > 0 || node.power ? CONDUCTOR : null);
}

export function refuseLocked(node: NodeRecord): void {
  const host = reservation(node);
  if (host === null) return;
  const text = `Node ${node.uuid} is locked by host ${host}, please retry after the current operation is completed.`;
  throw new IronicError(409, text);
}

/** Brings a node up to the present: everything the conductor finished since somebody last looked. */
export function settle(world: World, node: NodeRecord): void {
  const now = world.now();
  for (let stage = node.stages[0]; stage && stage.endsAt <= now; stage = node.stages[0]) {
    node.stages.shift();
    end(node, stage.ending, stage.endsAt);
    const next = node.stages[0];
    if (next) enter(node, next, stage.endsAt);
  }
  if (node.power && node.power.endsAt <= now) {
    const { endsAt, state, lastError } = node.power;
    node.power = null;
    Object.assign(node, { power_state: state, target_power_state: null, last_error: lastError, updatedAt: endsAt });
  }
}

/** Begins what a verb asks for, or refuses it. The answer comes before the work is done. */
export function provision(world: World, node: NodeRecord, name: string, minor: number, steps: unknown[]): void {
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb && minor < verb.since) throw notAcceptable();
  refuseLocked(node);
  if ((name === 'active' || name === 'rebuild') && node.maintenance) throw inMaintenance(node, 'provisioning');
  if (!verb?.from.includes(node.provision_state)) {
    throw badRequest(
      `The requested action "${name}" can not be performed on node "${node.uuid}" while it is in state ` +
        `"${node.provision_state}".`,
    );
  }
  if (name === 'clean' && steps.length === 0) {
    throw badRequest('"clean_steps" is required when setting target provision state to clean');
  }
  if (name === 'clean' && node.maintenance) throw inMaintenance(node, 'cleaning');
  if (name === 'abort') {
    const failed = FAILED[node.provision_state.startsWith('clean') ? 'cleaning' : 'inspecting'];
    end(node, { state: '', target: null, ...failed, lastError: 'The operation was aborted', changes: {} }, world.now());
    return;
  }
  if (name === 'manage' && node.provision_state !== 'enroll') {
    // At once, and without a worker that would clear the last error (Ironic 21.4).
    changeState(node, 'manageable', null, world.now());
    return;
  }
  if (name === 'inspect' && node.inspect_interface === 'no-inspect') {
    throw badRequest(`Driver ${node.driver} does not support inspect (disabled or not implemented).`);
  }
  node.last_error = null;
  const stages = stagesOf(world, node, name);
  const unknown = steps.find((step) => !isKnownStep(node, step));
  const [cleaning] = stages;
  if (name === 'clean' && unknown !== undefined && cleaning) {
    // Taken, and found out at the start: no step ran, so that nothing is in maintenance for it (Ironic 21.4).
    const lastError = `Cannot clean node ${node.uuid}: node does not support this clean step: ${JSON.stringify(unknown)}`;
    cleaning.ending = { ...failure('cleaning', 'manageable', lastError), breaks: false };
    stages.length = 1;
  }
  begin(world, node, stages);
}

/** The clean steps of fake-hardware (Ironic 21.4). Of those of other drivers nothing is known here: all are taken. */
const FAKE_STEPS: Record<string, readonly string[]> = { bios: ['factory_reset', 'apply_configuration'] };

function isKnownStep({ driver }: NodeRecord, step: unknown): boolean {
  if (driver !== 'fake-hardware' || !isObject(step)) return true;
  const { interface: of, step: name } = step;
  return typeof of === 'string' && typeof name === 'string' && FAKE_STEPS[of]?.includes(name) === true;
}

function inMaintenance(node: NodeRecord, doing: string): Error {
  return badRequest(`The ${doing} operation can't be performed on node ${node.uuid} because it's in maintenance mode.`);
}

/** The stages that a verb leads through. How each ends is decided here, once. */
function stagesOf(world: World, node: NodeRecord, name: string): Stage[] {
  const { settings } = world;
  const stages: Stage[] = [];
  const add = (state: string, target: string, seconds: number, error: string | null, good: Ending): void => {
    const before = stages.at(-1)?.endsAt ?? world.now();
    const ending = error ? failure(state, target, error) : good;
    if (stages.length === 0 || stages.at(-1)?.ending.lastError === null) {
      stages.push({ state, target, endsAt: before + seconds * 1000, ending });
    }
  };
  // The fake driver knows no power state but what a power call made (Ironic 21.4).
  const power = (state: string): Partial<NodeState> => (node.driver === 'fake-hardware' ? {} : { power_state: state });
  const addCleaning = (target: string): void =>
    add('cleaning', target, settings.cleanSeconds, settings.failClean, success(target));
  switch (name) {
    case 'manage': {
      const refused = refusal(world, node);
      const told = refused && `Failed to get power state for node ${node.uuid}. Error: ${refused}`;
      const error = settings.failVerify || told;
      const good = { ...success('manageable'), changes: power(node.power_state ?? 'power off') };
      add('verifying', 'manageable', settings.verifySeconds, error, good);
      break;
    }
    case 'inspect': {
      const changes = { properties: { ...node.properties, ...structuredClone(settings.inspectedProperties) } };
      const good = { ...success('manageable'), changes };
      add('inspecting', 'manageable', settings.inspectSeconds, settings.failInspect, good);
      break;
    }
    case 'provide':
      addCleaning('available');
      break;
    case 'clean':
      addCleaning('manageable');
      break;
    case 'adopt':
      add('adopting', 'active', settings.adoptSeconds, settings.failAdopt, success('active'));
      break;
    case 'deleted': {
      // Its instance is gone; the machine is on its way back to the pool.
      const changes = { instance_uuid: null, instance_info: {}, ...power('power off') };
      add('deleting', 'available', settings.undeploySeconds, null, { ...success('available'), changes });
      addCleaning('available');
      break;
    }
    default: {
      const good = { ...success('active'), changes: power('power on') };
      add('deploying', 'active', settings.deploySeconds, null, good);
    }
  }
  return stages;
}

function begin(world: World, node: NodeRecord, stages: Stage[]): void {
  node.stages = stages;
  const first = stages[0];
  if (first) enter(node, first, world.now());
}

function enter(node: NodeRecord, stage: Stage, at: number): void {
  changeState(node, stage.state, stage.target, at);
}

function end(node: NodeRecord, ending: Ending, at: number): void {
  changeState(node, ending.state, ending.target, at);
  Object.assign(node, ending.changes, { last_error: ending.lastError });
  if (ending.breaks) {
    // A reason that somebody gave is kept (Ironic 21.4).
    node.maintenance = true;
    node.maintenance_reason ??= ending.lastError;
  }
}

/** The times of an inspection follow from the states: the start is forgotten when it ends (seed 004 L12717). */
function changeState(node: NodeRecord, state: string, target: string | null, at: number): void {
  const times: Partial<NodeState> = {};
  if (node.provision_state.startsWith('inspect') && ['manageable', 'inspect failed'].includes(state)) {
    times.inspectionStartedAt = null;
    if (state === 'manageable' && node.provision_state !== 'inspect failed') times.inspectionFinishedAt = at;
  }
  if (state === 'inspecting') Object.assign(times, { inspectionStartedAt: at, inspectionFinishedAt: null });
  Object.assign(node, times, {
    provision_state: state,
    target_provision_state: target,
    provisionUpdatedAt: at,
    updatedAt: at,
  });
}

function success(state: string): Ending {
  return { state, target: null, lastError: null, changes: {} };
}

function failure(state: string, target: string, lastError: string): Ending {
  const failed = FAILED[state] ?? { state: 'error', target: null };
  return {
    state: failed.state,
    target: failed.target === null ? null : target,
    lastError,
    changes: {},
    breaks: state === 'cleaning',
  };
}

/**
 * The conductor dies in the middle of its work and starts again: transient states fail, power actions are dropped, locks
 * are gone. Nothing is known of what was done, so that no node goes into maintenance (Ironic 21.4). Answers how many
 * nodes it met.
 */
export function crash(world: World): number {
  let count = 0;
  for (const node of world.ironic.nodes.live()) {
    settle(world, node);
    const state = node.provision_state;
    const failed = Object.hasOwn(FAILED, state) ? FAILED[state] : undefined;
    if (!failed && !node.power && node.heldBy === null) continue;
    count += 1;
    Object.assign(node, { stages: [], heldBy: null });
    if (node.power) {
      const lastError = 'Pending power operation was aborted due to conductor restart';
      Object.assign(node, { power: null, target_power_state: null, last_error: lastError });
    }
    if (!failed) continue;
    const lastError = `The ${state} state can't be resumed by conductor ${CONDUCTOR}. Moving to fail state.`;
    end(node, { ...failed, lastError, changes: {} }, world.now());
  }
  return count;
}
