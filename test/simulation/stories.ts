import type { Channel, Fault, FaultName, History, KindName, Planned } from './history.ts';

/** The basic story of one kind: it is bought, changed, deleted with `Delete`, and applied again. */
export function basicStory(kind: KindName): History {
  const resources = resourcesOf(kind);
  const of = resources.at(-1)!.name;
  return {
    seed: 1,
    operators: 1,
    settings: { buildSeconds: 5, deleteSeconds: 5 },
    cloud: 'gateway',
    licenseBuyers: 'OnlyThisOperator',
    resources,
    acts: [
      { at: 40, do: 'edit', of, spec: changeOf(kind, of) },
      { at: 90, do: 'delete', of },
      { at: 600, do: 'recreate', of },
    ],
    faults: [],
    weather: [],
  };
}

function resourcesOf(kind: KindName): Planned[] {
  const namespace = 'shop';
  const common = { deletionPolicy: 'Delete' };
  switch (kind) {
    case 'DedicatedHypervisor':
      return [{ kind, namespace, name: 'shop-dh1', at: 0, spec: common }];
    case 'GuestLicense':
      return [{ kind, namespace, name: 'shop-gl1', at: 0, spec: { ...common, type: 'first' } }];
    case 'VCenterRegistration':
      return [
        { kind: 'GuestLicense', namespace, name: 'shop-gl1', at: 0, spec: { ...common, type: 'second' } },
        { kind, namespace, name: 'shop-vc2', at: 0, spec: { ...common, licenseRef: { name: 'shop-gl1' } } },
      ];
    case 'BareMetalNode': {
      const ports = [{ macAddress: '52:54:00:00:01:00', portGroup: 'bond0' }, { macAddress: '52:54:00:00:01:01' }];
      const portGroups = [{ name: 'bond0', mode: '802.3ad' }];
      const spec = { ...common, ports, portGroups, provisioning: 'Available', power: 'PoweredOn' };
      return [{ kind, namespace, name: 'shop-bm1', at: 0, spec }];
    }
  }
}

function changeOf(kind: KindName, of: string): Record<string, unknown> {
  switch (kind) {
    case 'DedicatedHypervisor':
      return { name: `${of}-renamed` };
    case 'GuestLicense':
      return { claim: 'Unclaimed' };
    case 'VCenterRegistration':
      return { recreatePolicy: 'Always' };
    case 'BareMetalNode':
      return { resourceClass: 'large', ports: [{ macAddress: '52:54:00:00:01:01' }], power: 'PoweredOff' };
  }
}

const crashes: FaultName[] = ['crash-before', 'crash-after'];
const lost: FaultName[] = ['refuse', 'reset-before', 'reset-after', 'silence-before', 'silence-after', '503-before'];
const lies: FaultName[] = [
  '500-before',
  '500-after',
  '503-after',
  '429-before',
  'html-before',
  'html-after',
  'truncated-after',
];

/**
 * `story` with each single fault: a crash at every crossing, and at those that change something every other fault too.
 * `crossings`: how often the story without a fault crosses each channel.
 */
export function singleFaults(story: History, crossings: Partial<Record<Channel, number>>): History[] {
  const each = (Object.entries(crossings) as [Channel, number][]).flatMap(([on, count]) => {
    const changes = on === 'remote-change' ? [...lost, ...lies, 'late' as const, 'stop-before' as const] : [];
    const writes = on === 'write' ? [...lost, '500-after' as const, 'touched' as const] : [];
    const possible = [...(on === 'watch' ? ['crash-before' as const] : crashes), ...changes, ...writes];
    return Array.from({ length: count }, (_, index) =>
      possible.map((what): Fault => ({ on, nth: index + 1, what, ...(what === 'late' && { for: 60 }) })),
    ).flat();
  });
  return each.map((fault) => ({ ...story, faults: [fault] }));
}
