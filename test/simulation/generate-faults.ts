import type { Act, Channel, Fault, FaultName, Planned } from './history.ts';
import type { Dice } from './seeded.ts';

/** How often each channel is crossed in a story, roughly: where the nth crossing may be chosen. */
const traffic: Record<Channel, number> = {
  read: 80,
  write: 60,
  lease: 60,
  event: 15,
  watch: 120,
  'remote-read': 80,
  'remote-change': 10,
  'sign-in': 4,
};

const process: FaultName[] = ['crash-before', 'crash-after', 'crash-after', 'stop-before', 'stop-after'];
const usual: FaultName[] = ['refuse', 'reset-before', 'reset-after', 'silence-before', 'silence-after', 'slow'];
const answers: FaultName[] = ['503-before', '500-before', '429-before'];
const lies: FaultName[] = ['503-after', '500-after', 'html-before', 'html-after', 'truncated-after'];

const possible: Record<Channel, FaultName[]> = {
  read: [...process, ...usual, ...answers],
  write: [...process, ...process, ...usual, ...answers, 'late', 'touched', 'touched', '500-after'],
  lease: [...process, ...usual, '500-after', 'late'],
  event: [...usual, ...answers, 'crash-after'],
  watch: ['crash-before', 'broken', 'broken', 'expired', 'expired'],
  'remote-read': [...process, ...usual, ...answers, ...lies, 'stale', 'stale', 'strange-item', 'strange-item', 'twice'],
  'remote-change': [...process, ...process, ...usual, ...usual, ...answers, ...lies, ...lies, 'late', 'late', 'twice'],
  'sign-in': [...process, ...usual, ...answers, ...lies],
};

/** After these nobody knows what became of the change. */
const losing: ReadonlySet<FaultName> = new Set<FaultName>([
  ...([
    'reset-before',
    'reset-after',
    'silence-before',
    'silence-after',
    'late',
    'crash-before',
    'crash-after',
  ] as const),
  ...(['503-after', '500-after', 'html-before', 'html-after', 'truncated-after'] as const),
]);

export function faultsOf(dice: Dice, resources: Planned[], operators: number): Fault[] {
  const count = 5 + dice.int(8);
  const channels: Channel[] = [
    'remote-change',
    'remote-change',
    'remote-change',
    'remote-change',
    'write',
    'write',
    'write',
  ];
  channels.push('read', 'lease', 'watch', 'watch', 'remote-read', 'remote-read', 'sign-in', 'event');
  return Array.from({ length: count }, (): Fault => {
    const on = dice.pick(channels);
    const what = dice.pick(possible[on]);
    const reach = on === 'remote-change' ? resources.length + 5 : traffic[on];
    const fault: Fault = { on, nth: 1 + dice.int(reach), what };
    if (what.startsWith('stop')) fault.for = dice.pick([5, 30, 70, 130]);
    if (what === 'slow') fault.for = dice.pick([2, 12, 25]);
    // With the lag of lists, and the deadline, well below the settle window.
    if (what === 'late') fault.for = on === 'remote-change' ? dice.pick([35, 90, 180]) : dice.pick([10, 35, 50]);
    if (on !== 'remote-change') return fault;
    if (losing.has(what) && dice.chance(0.5)) fault.follows = afterLoss(dice, resources, operators);
    if (what === 'slow' && dice.chance(0.5)) fault.follows = [forgets(dice)];
    return fault;
  });
}

/** The answer came, and cannot be written down. */
const forgets = (dice: Dice): Act => ({
  at: 0,
  do: 'fault',
  ahead: dice.int(2),
  fault: { on: 'write', what: dice.pick(['refuse', 'reset-before', 'silence-before', '500-before', 'crash-before']) },
});

const loseOneMore = (dice: Dice, at: number): Act => {
  const what = dice.pick(['reset-after', 'silence-after', 'crash-after', '503-after', 'late'] as const);
  return { at, do: 'fault', ahead: 0, fault: { on: 'remote-change', what, ...(what === 'late' && { for: 90 }) } };
};

/** What makes a lost answer dangerous: what people, clocks and caches do in the minutes after it. */
function afterLoss(dice: Dice, resources: Planned[], operators: number): Act[] {
  const { name: of } = dice.pick(resources);
  const at = dice.pick([5, 20, 60, 150, 300]);
  const operator = 1 + dice.int(operators);
  const type = dice.pick(['first', 'second'] as const);
  switch (dice.int(10)) {
    case 0:
      return [{ at, do: 'delete', of }];
    case 1:
      return [
        { at, do: 'edit', of, spec: { deletionPolicy: 'Retain' } },
        { at, do: 'delete', of },
        { at: at + 1, do: 'recreate', of },
      ];
    case 2:
      return [{ at, do: 'step-clock', operator, by: 3600 }];
    case 3:
      return [{ at, do: 'portal-license', type }];
    case 4:
      return [{ at: 0, do: 'weather', what: 'watch-lag', by: dice.pick([8, 25]), for: 120 }];
    case 5:
      return [{ at, do: 'kill', operator, for: dice.pick([60, 200]) }];
    case 6:
      return [loseOneMore(dice, 0)];
    case 7:
      return [
        { at: 360 + dice.int(120), do: 'fault', ahead: dice.int(5), fault: { on: 'remote-read', what: 'stale' } },
      ];
    case 8:
      return [{ at: dice.pick([5, 20, 60]), do: 'hasty-retry', of }];
    default: {
      // Answered by a person, and lost once more.
      const asked = 370 + dice.int(60);
      return [{ at: 20, do: 'portal-license', type }, loseOneMore(dice, asked - 1), { at: asked, do: 'answer' }];
    }
  }
}
