import type { KindName, Planned } from './history.ts';
import type { Dice } from './seeded.ts';

/** What is applied in one history, and what the manifests say: 3 to `most` resources, and what a last registration brings. */
export function resourcesOf(dice: Dice, most: number): Planned[] {
  const resources: Planned[] = [];
  const count = 3 + dice.int(most - 2);
  const add = (kind: KindName, letters: string, spec: Record<string, unknown>, at = dice.int(300)): Planned => {
    const namespace = dice.chance(0.8) ? 'shop' : 'lab';
    const name = `${namespace}-${letters}${resources.length + 1}`;
    const planned: Planned = { kind, namespace, name, at: dice.chance(0.5) ? 0 : at, spec };
    const handsOff = dice.next();
    if (handsOff < 0.05) planned.spec = { ...spec, managementPolicy: 'Observe' };
    else if (handsOff < 0.1) planned.annotations = { 'freehold.dev/paused': 'true' };
    resources.push(planned);
    return planned;
  };
  while (resources.length < count) {
    const deletionPolicy = dice.chance(0.6) ? 'Delete' : 'Retain';
    const recreatePolicy = dice.chance(0.3) ? { recreatePolicy: 'Always' } : {};
    const common = { deletionPolicy, ...recreatePolicy };
    switch (dice.pick(['dh', 'dh', 'gl', 'vc', 'bm', 'bm'] as const)) {
      case 'dh':
        adopting(dice, resources, add('DedicatedHypervisor', 'dh', common));
        break;
      case 'gl':
        adopting(dice, resources, add('GuestLicense', 'gl', { ...common, type: typeOf(dice), ...claimOf(dice) }));
        break;
      case 'vc':
        registrations(dice, resources, common, add);
        break;
      case 'bm':
        adopting(dice, resources, add('BareMetalNode', 'bm', { ...common, ...nodeOf(dice, resources.length) }));
        break;
    }
  }
  return resources;
}

const typeOf = (dice: Dice) => dice.pick(['first', 'second']);

const claimOf = (dice: Dice) => {
  const claim = dice.pick([undefined, 'Never', 'Unclaimed'] as const);
  return claim === undefined ? {} : { claim };
};

/** Some name an object that is there; of these, some the same one as another, and some one that is not theirs to take. */
function adopting(dice: Dice, resources: Planned[], planned: Planned): void {
  if (!dice.chance(0.13)) return;
  const { kind } = planned;
  const other = resources.find((one) => one.kind === kind && one.adopts && one !== planned);
  if (other?.adopts && dice.chance(0.5)) planned.adopts = other.adopts;
  else
    planned.adopts = {
      object: `of ${planned.name}`,
      mark: kind !== 'GuestLicense' && dice.chance(0.25) ? 'foreign' : 'none',
    };
}

/** A licence and the registration of a vCenter with it; seldom two for the same licence. */
function registrations(
  dice: Dice,
  resources: Planned[],
  common: Record<string, unknown>,
  add: (kind: KindName, letters: string, spec: Record<string, unknown>) => Planned,
): void {
  const license = add('GuestLicense', 'gl', { ...common, type: 'second', ...claimOf(dice) });
  const { namespace, at } = license;
  const count = dice.chance(0.15) ? 2 : 1;
  for (let each = 0; each < count; each += 1) {
    const spec: Record<string, unknown> = { ...common, licenseRef: { name: license.name } };
    if (dice.chance(0.4)) spec.linkLocalAddress = `169.254.127.${132 + dice.int(3)}`;
    const name = `${namespace}-vc${resources.length + 1}`;
    resources.push({ kind: 'VCenterRegistration', namespace, name, at, spec });
  }
}

const macOf = (node: number, port: number) => `52:54:00:00:${String(node).padStart(2, '0')}:0${port}`;

function nodeOf(dice: Dice, index: number): Record<string, unknown> {
  const groups = dice.chance(0.3);
  const ports = Array.from({ length: dice.int(3) }, (_, port) => ({
    macAddress: macOf(index, port),
    ...(groups && { portGroup: 'bond0' }),
  }));
  return {
    ports,
    ...(groups && { portGroups: [{ name: 'bond0', mode: '802.3ad' }] }),
    provisioning: dice.pick(['Enrolled', 'Manageable', 'Manageable', 'Available']),
    ...(dice.chance(0.3) && { power: dice.pick(['PoweredOn', 'PoweredOff']) }),
    ...(dice.chance(0.3) && { unnamed: true }),
    ...(dice.chance(0.1) && { inspect: 'Once' }),
    ...(dice.chance(0.3) && { allowCleaning: true }),
  };
}
