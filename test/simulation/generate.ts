import type { Fault, History, Weather } from './history.ts';
import { actsOf } from './generate-acts.ts';
import { faultsOf } from './generate-faults.ts';
import { resourcesOf } from './generate-resources.ts';
import { type Dice, seeded } from './seeded.ts';

/** One random history. The same seed gives the same one. */
export function generate(seed: number): History {
  const dice = seeded(seed);
  // Many dense ones, and some that are longer than the settle window.
  const long = dice.fork('length').chance(0.2);
  const seconds = long ? 700 : 300;
  const resources = resourcesOf(dice.fork('resources'), long ? 6 : 3);
  const operators = dice.chance(0.5) ? 2 : 1;
  const acts = actsOf(dice.fork('acts'), resources, operators, seconds);
  const cloud = dice.chance(0.5) ? 'gateway' : 'ironic';
  const settings = settingsOf(dice.fork('settings'), cloud);
  // Nothing at the remote tells whose a server is, and the cluster that knew it is gone: nobody can know.
  const forgets = acts.some((act) => act.do === 'rebuild-cluster' || act.do === 'recreate');
  if (forgets) delete settings.keepDescription;
  return {
    seed,
    operators,
    settings,
    cloud,
    licenseBuyers: dice.chance(0.3) ? 'OnlyThisOperator' : 'Shared',
    resources,
    acts,
    faults: faultsOf(dice.fork('faults'), resources, operators),
    weather: weatherOf(dice.fork('weather'), operators, seconds),
  };
}

/**
 * The same with creates that arrive after the settle window, and lists that lag longer than it: what a journal cannot know
 * of. The operator may buy twice there; docs/operations.md says so.
 */
export function beyondTheWindow(seed: number): History {
  const history = generate(seed);
  const dice = seeded(seed).fork('beyond');
  const late: Fault[] = [1, 2, 3].map((nth) => ({ on: 'remote-change', nth, what: 'late', for: 400 + dice.int(600) }));
  const lag = { listLagSeconds: 900, licenseListLagSeconds: 900, showLag: true };
  const faults = history.faults.filter(({ on }) => on !== 'remote-change');
  return dice.chance(0.5)
    ? { ...history, faults: [...faults, ...late] }
    : { ...history, settings: { ...history.settings, ...lag } };
}

function settingsOf(dice: Dice, cloud: History['cloud']): Record<string, unknown> {
  const settings: Record<string, unknown> = {
    buildSeconds: dice.pick([5, 30, 120]),
    deleteSeconds: dice.pick([0, 15, 60]),
    showLag: dice.chance(0.3),
  };
  const lag = () => (dice.chance(0.35) ? dice.pick([5, 20, 45]) : 0);
  settings.listLagSeconds = lag();
  settings.licenseListLagSeconds = lag();
  settings.vcenterListLagSeconds = lag();
  settings.nodeListLagSeconds = lag();
  if (dice.chance(0.12)) settings.keepMetadata = false;
  const description = dice.next();
  if (description < 0.08) settings.keepDescription = false;
  else if (description < 0.16) settings.descriptionMaxLength = 40;
  // Ironic itself keeps both.
  if (cloud === 'gateway') {
    if (dice.chance(0.3)) settings.keepUUID = false;
    if (dice.chance(0.15)) settings.keepExtra = false;
    if (dice.chance(0.3)) settings.gatewayCodes = 'ironic';
  }
  return settings;
}

function weatherOf(dice: Dice, operators: number, seconds: number): Weather[] {
  return Array.from({ length: dice.int(4) }, (): Weather => {
    const what = dice.pick([
      'kube-down',
      'remote-down',
      'remote-429',
      'remote-503',
      'watch-lag',
      'watch-lag',
      'slow-kube',
      'slow-remote',
    ] as const);
    const from = dice.int(seconds);
    const one: Weather = { from, to: from + dice.pick([10, 40, 90, 200]), what };
    if (what === 'watch-lag') one.by = dice.pick([2, 8, 25]);
    if (what.startsWith('slow')) one.by = dice.pick([1, 4, 10]);
    if (operators === 2 && what === 'kube-down' && dice.chance(0.6)) one.operator = 1 + dice.int(2);
    return one;
  });
}
