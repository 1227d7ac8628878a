import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Claim,
  type Condition,
  findCondition,
  mergeConditions,
  standingConditions,
} from '../../src/engine/conditions.ts';
import { isStalling, type Reason, reasons } from '../../src/engine/reasons.ts';

const all = Object.keys(reasons) as Reason[];
const reason = fc.constantFrom(...all);
const status = fc.constantFrom('True', 'False', 'Unknown' as const);
const message = fc.string({ unit: 'binary', maxLength: 3000 });
const claims: fc.Arbitrary<Claim[]> = fc.uniqueArray(
  fc.record({ type: fc.constantFrom('Ready', 'Synced', 'Stalled', 'X'), status, reason, message }),
  { selector: ({ type }) => type },
);
const before = '2026-01-01T00:00:00Z';
const now = '2026-02-02T00:00:00Z';

describe('Ready, Reconciling and Stalled', () => {
  test('never contradict each other', () => {
    fc.assert(
      fc.property(fc.boolean(), reason, message, (ready, reason, message) => {
        const conditions = standingConditions({ ready, reason, message });
        const value = (type: string) => conditions.find((condition) => condition.type === type)?.status;
        expect(value('Ready')).toBe(ready ? 'True' : 'False');
        expect([value('Reconciling'), value('Stalled')].filter((status) => status === 'True')).toHaveLength(
          ready ? 0 : 1,
        );
        expect(value('Stalled') === 'True').toBe(!ready && isStalling(reason));
        for (const condition of conditions) expect(condition).toMatchObject({ reason, message });
      }),
    );
  });

  /** What the design allows to stop helm and Argo CD, whether or not this release has the reason yet. */
  const design = [
    'InvalidSpec',
    'RemoteError',
    'RemoteLost',
    'CreateOutcomeAmbiguous',
    'CreationForgotten',
    'AlreadyClaimed',
    'OwnedElsewhere',
    'AddressTaken',
    'BMCTaken',
    'NameTaken',
    'CleanFailed',
    'InspectFailed',
    'AdoptFailed',
    'MarkerNotKept',
    'SecretExists',
    'UnclaimedLicensesExist',
  ];

  test('only what a person must mend stalls, and all of that', () => {
    expect(all.filter(isStalling).sort()).toEqual(design.filter((name) => name in reasons).sort());
  });

  test('every reason is a word that the API server takes, with a sentence for the docs', () => {
    for (const [name, text] of Object.entries(reasons)) {
      expect(name).toMatch(/^[A-Z][A-Za-z]*$/);
      expect(text).toMatch(/^[A-Z].*\.$/);
    }
  });
});

describe('merged conditions', () => {
  test('move lastTransitionTime when the status of the type changes, and only then', () => {
    fc.assert(
      fc.property(claims, claims, fc.nat(9), (first, second, generation) => {
        const previous = mergeConditions([], first, generation, before);
        for (const condition of previous) expect(condition.lastTransitionTime).toBe(before);
        for (const condition of mergeConditions(previous, second, generation + 1, now)) {
          const old = findCondition(previous, condition.type);
          expect(condition.lastTransitionTime).toBe(old?.status === condition.status ? before : now);
          expect(condition.observedGeneration).toBe(generation + 1);
        }
      }),
    );
  });

  test('are what was claimed, in its order, and nothing of what was before', () => {
    fc.assert(
      fc.property(claims, claims, (first, second) => {
        const merged = mergeConditions(mergeConditions([], first, 1, before), second, 1, now);
        expect(merged.map(({ type, status, reason }) => [type, status, reason])).toEqual(
          second.map(({ type, status, reason }) => [type, status, reason]),
        );
      }),
    );
  });

  test('are the same when nothing changed', () => {
    fc.assert(
      fc.property(claims, (claims) => {
        const merged = mergeConditions([], claims, 1, before);
        expect(mergeConditions(merged, claims, 1, now)).toEqual(merged);
        expect(JSON.parse(JSON.stringify(merged))).toEqual(merged);
      }),
    );
  });

  test('cut what is too long to read, and never through a character', () => {
    const cut = (message: string): Condition =>
      mergeConditions([], [{ type: 'Ready', status: 'False', reason: 'BadAnswer', message }], 1, now)[0]!;
    expect(cut('x'.repeat(1024)).message).toBe('x'.repeat(1024));
    expect(cut('x'.repeat(1025)).message).toBe(`${'x'.repeat(1023)}…`);
    fc.assert(
      fc.property(fc.nat(3), (offset) => {
        const { message } = cut('x'.repeat(offset) + '🖥️'.repeat(1000));
        expect(message.length).toBeLessThanOrEqual(1024);
        expect(message.isWellFormed()).toBe(true);
        expect(message.endsWith('…')).toBe(true);
      }),
    );
  });
});
