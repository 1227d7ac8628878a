import type { Node } from '../wire-node.ts';

/** Provision verbs that this operator sends; deploying and undeploying belong to whoever has the instance. */
export type Verb = 'manage' | 'inspect' | 'provide' | 'clean' | 'adopt' | 'abort';

interface State {
  /**
   * rest: waits for us. moving: the remote is at work. failed: a person must look. deployed: a machine in use, its state
   * belongs to whoever deployed it. broken: so does this one, and it went wrong there.
   */
  phase: 'rest' | 'moving' | 'failed' | 'deployed' | 'broken';
  /** Verbs that it takes (others are answered 400), each with the state in which it ends when all is well. */
  verbs?: Partial<Record<Verb, string>>;
}

/** Ironic 21.4: which verbs each provision state takes, tried at API 1.34. */
const table: Record<string, State> = {
  enroll: { phase: 'rest', verbs: { manage: 'manageable' } },
  manageable: {
    phase: 'rest',
    verbs: { inspect: 'manageable', provide: 'available', clean: 'manageable', adopt: 'active' },
  },
  available: { phase: 'rest', verbs: { manage: 'manageable' } },

  verifying: { phase: 'moving' },
  inspecting: { phase: 'moving' },
  'inspect wait': { phase: 'moving', verbs: { abort: 'inspect failed' } },
  cleaning: { phase: 'moving' },
  'clean wait': { phase: 'moving', verbs: { abort: 'clean failed' } },
  'clean hold': { phase: 'moving' },
  adopting: { phase: 'moving' },
  deploying: { phase: 'moving' },
  // `abort` is answered 400 here.
  'wait call-back': { phase: 'moving' },
  'deploy hold': { phase: 'moving' },
  'deploy complete': { phase: 'moving' },
  rebuild: { phase: 'moving' },
  undeploy: { phase: 'moving' },
  deleting: { phase: 'moving' },
  deleted: { phase: 'moving' },
  rescuing: { phase: 'moving' },
  'rescue wait': { phase: 'moving' },
  unrescuing: { phase: 'moving' },
  servicing: { phase: 'moving' },
  'service wait': { phase: 'moving' },
  'service hold': { phase: 'moving' },

  'clean failed': { phase: 'failed', verbs: { manage: 'manageable' } },
  'inspect failed': { phase: 'failed', verbs: { manage: 'manageable', inspect: 'manageable' } },
  'adopt failed': { phase: 'failed', verbs: { manage: 'manageable', adopt: 'active' } },

  active: { phase: 'deployed' },
  rescue: { phase: 'deployed' },
  'deploy failed': { phase: 'broken' },
  error: { phase: 'broken' },
  'rescue failed': { phase: 'broken' },
  'unrescue failed': { phase: 'broken' },
  'service failed': { phase: 'broken' },
};

const states = new Map(Object.entries(table));

export const stateOf = (node: Node): string => node.provision_state ?? '';

export const phaseOf = (node: Node): State['phase'] | 'unknown' => states.get(stateOf(node))?.phase ?? 'unknown';

/** Does the present state take the verb? */
export const takes = (node: Node, verb: Verb): boolean => states.get(stateOf(node))?.verbs?.[verb] !== undefined;

/** States in which the verb ends when all is well. */
export const endsOf = (verb: Verb): Set<string> =>
  new Set([...states.values()].flatMap(({ verbs }) => verbs?.[verb] ?? []));

/** May the remote not be asked for anything now? It has locked the node, or is switching its power. */
export const isBusy = (node: Node): boolean => node.reservation !== undefined || node.target_power_state !== undefined;

/** Does an instance have it, or somebody who deployed it by other means? */
export const isInUse = (node: Node): boolean =>
  node.instance_uuid !== undefined || ['deployed', 'broken'].includes(phaseOf(node));

/**
 * Ironic 21.4: how a port is connected can be changed in these states, or in maintenance; all else of a port, and a port
 * group, at any time.
 */
export const takesConnectivity = (node: Node): boolean =>
  node.maintenance || ['enroll', 'inspecting', 'inspect wait', 'manageable'].includes(stateOf(node));

/** Ironic 21.4: driver and interfaces can be changed in these states, or in maintenance; a resource class in these only. */
export const takesInterfaces = (node: Node): boolean => node.maintenance || takesResourceClass(node);

export const takesResourceClass = (node: Node): boolean =>
  ['enroll', 'inspecting', 'inspect wait', 'manageable', 'available'].includes(stateOf(node));

/** `cleaning (on its way to available) since 2026-…`. */
export function motionOf(node: Node): string {
  const target = node.target_provision_state === undefined ? '' : ` (on its way to ${node.target_provision_state})`;
  const since = node.provision_updated_at === undefined ? '' : ` since ${node.provision_updated_at}`;
  return `${stateOf(node) || 'in no state'}${target}${since}`;
}

/** What the remote says went wrong, as an ending: `: <words>`. */
export const errorOf = (node: Node): string =>
  node.last_error === undefined ? ' (the remote does not say why)' : `: ${node.last_error.replace(/\.+$/, '')}`;
