import type { Act, Planned } from './history.ts';
import type { Dice } from './seeded.ts';
import { storyBegin } from './times.ts';

/** What people do and what happens to processes in so many seconds, in order. */
export function actsOf(dice: Dice, resources: Planned[], operators: number, seconds: number): Act[] {
  const count = 3 + dice.int(6);
  const acts = Array.from({ length: count }, () => actOf(dice, dice.pick(resources), operators, seconds)).flat();
  const last = acts.filter((act) => act.do === 'delete');
  for (const { at, of } of last) {
    // A change of mind: it is to stay, and the remote is at it already.
    if (dice.chance(0.1)) acts.push({ at: at + 3, do: 'edit', of, spec: { deletionPolicy: 'Retain' } });
    // Whoever deletes often applies it again, at once or later.
    if (dice.chance(0.6)) acts.push({ at: at + dice.pick([1, 5, 60, 200]), do: 'recreate', of });
    if (dice.fork(`${of} ${at}`).chance(0.25))
      acts.push({ at, do: 'fault', fault: { on: 'remote-change', what: '404-before' }, ahead: 0 });
  }
  return acts.sort((one, other) => one.at - other.at);
}

function actOf(dice: Dice, planned: Planned, operators: number, length: number): Act | Act[] {
  const { name: of } = planned;
  const at = dice.int(length);
  const operator = 1 + dice.int(operators);
  if (planned.kind === 'BareMetalNode' && dice.chance(0.25)) return atPortal(dice, at, planned, length);
  switch (dice.int(28)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return { at, do: 'delete', of };
    case 5:
    case 6:
    case 7:
      return { at, do: 'edit', of, spec: editOf(dice, at, planned) };
    case 8:
      return { at, do: 'edit', of, spec: { deletionPolicy: dice.pick(['Delete', 'Retain']) } };
    case 9:
      return { at, do: 'touch', of };
    case 10:
      return { at, do: 'annotate', of, annotations: { 'freehold.dev/paused': 'true' } };
    case 11:
      return { at, do: 'edit', of, spec: { managementPolicy: dice.pick(['Observe', 'Manage']) } };
    case 12:
    case 13:
      return { at, do: 'lookalike', of, mark: dice.pick(['none', 'foreign', 'damaged'] as const) };
    case 14:
      return { at, do: 'portal-remove', of };
    case 15: {
      const type = dice.pick(['first', 'second'] as const);
      return dice.chance(0.6) ? { at, do: 'portal-license', type } : { at, do: 'used-license', type, for: 20 };
    }
    case 16:
      return { at, do: 'answer' };
    case 17:
      return { at, do: 'kill', operator, for: dice.pick([0, 5, 60, 200]) };
    case 18:
      return dice.chance(0.5)
        ? { at, do: 'stop', operator, for: dice.pick([10, 50, 90, 200]) }
        : { at, do: 'restart', operator };
    case 19:
      return { at, do: 'step-clock', operator, by: dice.pick([-3600, -30, 30, 3600]) };
    case 20:
      return dice.chance(0.4) ? { at, do: 'rebuild-cluster', for: dice.pick([400, 700]) } : { at, do: 'compact' };
    case 21: {
      const hide = dice.pick(['hideServers', 'hideLicenses', 'hideVCenters', 'hideNodes', 'hidePorts']);
      return { at, do: 'settings', settings: { [hide]: true }, for: dice.pick([20, 90, 240]) };
    }
    case 22:
      return dice.pick([
        { at, do: 'expire-tokens' },
        { at, do: 'new-credentials' },
        { at, do: 'crash-ironic' },
      ] as const);
    case 23:
      return { at, do: 'annotate', of, annotations: { 'freehold.dev/reconcile-requested-at': `at ${at}` } };
    case 24:
      // Soon enough to find nothing recorded, where it can be.
      return dice.chance(0.5)
        ? {
            at: planned.at + dice.int(20),
            do: 'adopt',
            of,
            object: `later of ${of}`,
            mark: dice.chance(0.3) ? 'foreign' : 'none',
          }
        : { at: dice.chance(0.5) ? 0 : at, do: 'own-secret', of };
    default:
      return atPortal(dice, at, planned, length);
  }
}

/** What others do to the machine or server itself, and what runs into it. */
function atPortal(
  dice: Dice,
  somewhen: number,
  { kind, name: of, at: born, spec }: Planned,
  length: number,
): Act | Act[] {
  const seconds = dice.pick([30, 120, 300]);
  const at = Math.min(length, born + 30 + dice.int(length - 200));
  if (kind === 'DedicatedHypervisor') {
    const edit: Act = { at, do: 'portal-edit', of, change: dice.pick(['cut', 'letter', 'metadata']), for: 0 };
    return dice.chance(0.5) ? edit : [edit, ...again(of, at + dice.pick([10, 60]))];
  }
  if (kind !== 'BareMetalNode') return { at: somewhen, do: 'lookalike', of, mark: 'none' };
  if (spec.provisioning === 'Available' && dice.chance(0.4)) {
    const edit: Act = { at, do: 'portal-edit', of, change: 'instance', for: seconds };
    const wish: Act = { at: at + 20, do: 'edit', of, spec: { provisioning: 'Manageable' } };
    return [edit, dice.chance(0.5) ? { at: at + 20, do: 'delete', of } : wish];
  }
  switch (dice.int(8)) {
    case 0:
    case 1: {
      const edit: Act = { at, do: 'portal-edit', of, change: 'maintenance', for: seconds };
      const power = dice.pick(['PoweredOn', 'PoweredOff']);
      return dice.chance(0.5) ? edit : [edit, { at: at + 15, do: 'edit', of, spec: { power } }];
    }
    case 2:
      return { at, do: 'foreign-port', of };
    case 3:
      return {
        at: born,
        do: 'settings',
        settings: { failVerify: 'login failed with password canary-bmc-password' },
        for: seconds,
      };
    default: {
      const [settings, wish] = dice.pick(failures)(at);
      return [
        { at, do: 'settings', settings, for: seconds },
        { at: at + 5, do: 'edit', of, spec: wish },
      ];
    }
  }
}

/** Let go of, and applied once more. */
const again = (of: string, at: number): Act[] => [
  { at: at - 1, do: 'edit', of, spec: { deletionPolicy: 'Retain' } },
  { at, do: 'delete', of },
  { at: at + 30, do: 'recreate', of },
];

const dated = (at: number) => new Date(storyBegin + at * 1000).toISOString();

const cleanSteps = [{ interface: 'bios', step: 'factory_reset' }];

/** What fails on machines, and the wish that meets it. */
const failures: ((at: number) => [settings: Record<string, string>, wish: Record<string, unknown>])[] = [
  () => [{ failClean: 'a clean step failed' }, { provisioning: 'Available' }],
  (at) => [{ failClean: 'a clean step failed' }, { action: { verb: 'Clean', requestedAt: dated(at), cleanSteps } }],
  (at) => [{ failInspect: 'no call from the ramdisk' }, { action: { verb: 'Inspect', requestedAt: dated(at) } }],
  () => [{ failPower: 'the BMC did not obey' }, { power: 'PoweredOn' }],
];

function editOf(dice: Dice, at: number, { kind, name: of, spec }: Planned): Record<string, unknown> {
  switch (kind) {
    case 'DedicatedHypervisor':
      return { name: `${of}-renamed${dice.int(3)}` };
    case 'GuestLicense':
      return { claim: dice.pick(['Never', 'Unclaimed']) };
    case 'VCenterRegistration':
      return { recreatePolicy: dice.pick(['Always', 'Never']) };
    case 'BareMetalNode': {
      const ports = spec.ports as object[];
      const requestedAt = dated(at);
      return dice.pick([
        { resourceClass: dice.pick(['small', 'large']) },
        { properties: { cpus: 1 + dice.int(64) } },
        { ports: ports.slice(1) },
        { ports: [...ports, { macAddress: `52:54:00:00:ff:${10 + dice.int(80)}` }] },
        { provisioning: dice.pick(['Manageable', 'Available']) },
        { power: dice.pick(['PoweredOn', 'PoweredOff']) },
        { maintenance: { reason: 'a new disk' } },
        { action: { verb: 'Reboot', requestedAt } },
        { action: { verb: dice.pick(['Inspect', 'Abort']), requestedAt } },
        { action: { verb: 'Clean', requestedAt, cleanSteps } },
      ]);
    }
  }
}
