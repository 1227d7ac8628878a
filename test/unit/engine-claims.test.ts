import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createClaims, type Claims } from '../../src/engine/claims.ts';
import type { Resource } from '../../src/engine/resource.ts';

const target = 'sdpf/jp1/t1';
const kind = 'Server';

interface Sketch {
  name: string;
  /** spec.externalID */
  wish?: string | undefined;
  /** status.externalID */
  recorded?: string | undefined;
  target?: string | undefined;
  made?: number;
  creation?: 'sent' | 'Created' | undefined;
  deletion?: boolean;
}

const holder = (name: string) => `${kind}/shop/${name}`;

function resource({ name, wish, recorded, made = 0, creation, deletion, ...rest }: Sketch): Resource {
  const bound = 'target' in rest ? rest.target : recorded !== undefined || creation ? target : undefined;
  return {
    apiVersion: 'v1',
    kind,
    metadata: {
      name,
      namespace: 'shop',
      creationTimestamp: new Date(made * 1000).toISOString(),
      ...(bound !== undefined && { annotations: { 'freehold.dev/target': bound } }),
    },
    spec: { tenantRef: { name: 't' }, managementPolicy: 'Manage', deletionPolicy: 'Retain', externalID: wish },
    status: {
      ...(recorded !== undefined && { externalID: recorded }),
      ...(creation && {
        creation: {
          attemptID: 'a',
          sentAt: '2026-01-01T00:00:00Z',
          holder: 'h',
          ...(creation === 'Created' && { outcome: creation }),
        },
      }),
      ...(deletion && { deletion: { sentAt: '2026-01-01T00:00:00Z' } }),
    },
  };
}

const put = (claims: Claims, sketch: Sketch) => claims.update(holder(sketch.name), resource(sketch), kind);
const claim = (claims: Claims, name: string, id = 'x', at = target) => claims.claim(id, at, holder(name));

describe('who stands for a remote object', () => {
  test('of two that race for it, one has it at once and the other is told who', () => {
    const claims = createClaims();
    put(claims, { name: 'a' });
    put(claims, { name: 'b' });
    expect(claim(claims, 'a')).toBeUndefined();
    expect(claim(claims, 'b')).toBe(holder('a'));
    expect(claim(claims, 'a')).toBeUndefined();
    expect(claims.holderOf('x', target)).toBe(holder('a'));
  });

  test('what is held is held through the record of its holder, and only the holder can give it back', () => {
    const claims = createClaims();
    put(claims, { name: 'a' });
    put(claims, { name: 'b' });
    expect(claims.hold('licence', target, holder('a'))).toBeUndefined();
    put(claims, { name: 'a', recorded: 'x' });
    expect(claims.hold('licence', target, holder('b'))).toBe(holder('a'));
    claims.release('licence', target, holder('b'));
    expect(claims.heldBy('licence', target)).toBe(holder('a'));
    claims.release('licence', target, holder('a'));
    expect(claims.hold('licence', target, holder('b'))).toBeUndefined();
  });

  test('what is held is free when its holder is gone', () => {
    const claims = createClaims();
    put(claims, { name: 'a' });
    claims.hold('licence', target, holder('a'));
    claims.update(holder('a'), undefined, 'Server');
    expect(claims.heldBy('licence', target)).toBeUndefined();
  });

  test('the recorded one beats every wish, however old', () => {
    const claims = createClaims();
    put(claims, { name: 'old', wish: 'x', made: 1 });
    put(claims, { name: 'a', recorded: 'x', made: 9 });
    expect(claim(claims, 'old')).toBe(holder('a'));
    expect(claims.holderOf('x', target)).toBe(holder('a'));
  });

  test('an older wish beats a younger, whoever runs first', () => {
    const claims = createClaims();
    put(claims, { name: 'a', wish: 'x', made: 9 });
    put(claims, { name: 'old', wish: 'x', made: 1 });
    expect(claim(claims, 'a')).toBe(holder('old'));
    expect(claim(claims, 'old')).toBeUndefined();
  });

  test('a wish holds back nobody who finds it by other means', () => {
    const claims = createClaims();
    put(claims, { name: 'old', wish: 'x', made: 1 });
    put(claims, { name: 'a', made: 9 });
    expect(claim(claims, 'a')).toBeUndefined();
  });

  test('the same ID in another remote tenant is another object', () => {
    const claims = createClaims();
    put(claims, { name: 'a', recorded: 'x' });
    expect(claim(claims, 'b', 'x', 'sdpf/jp1/t2')).toBeUndefined();
    expect(claims.recorded(kind, 'sdpf/jp1/t2')).toEqual([]);
    expect(claim(claims, 'b')).toBe(holder('a'));
  });

  test('who goes away gives it back, and who waited for it is named', () => {
    const claims = createClaims();
    put(claims, { name: 'a', recorded: 'x' });
    put(claims, { name: 'b', wish: 'x' });
    put(claims, { name: 'c', wish: 'y' });
    expect(claim(claims, 'b')).toBe(holder('a'));
    expect(claims.update(holder('a'), undefined, kind)).toEqual([holder('b')]);
    expect(claim(claims, 'b')).toBeUndefined();
    expect(claims.update(holder('c'), undefined, kind)).toEqual([]);
  });

  test('what was claimed and not recorded is free again when its holder goes away', () => {
    const claims = createClaims();
    put(claims, { name: 'a' });
    claim(claims, 'a');
    put(claims, { name: 'a' });
    expect(claim(claims, 'b')).toBe(holder('a'));
    claims.update(holder('a'), undefined, kind);
    expect(claim(claims, 'b')).toBeUndefined();
  });

  test('a corrected wish gives up the former one', () => {
    const claims = createClaims();
    put(claims, { name: 'a', wish: 'x', made: 1 });
    put(claims, { name: 'b', wish: 'x', made: 2 });
    expect(put(claims, { name: 'a', wish: 'y', made: 1 })).toEqual([holder('b')]);
    expect(put(claims, { name: 'a', wish: 'y', made: 1 })).toEqual([]);
    expect(claims.holderOf('x', target)).toBe(holder('b'));
  });

  test('parts belong to their resource until it lets them go', () => {
    const claims = createClaims();
    put(claims, { name: 'a', recorded: 'x' });
    claims.holdParts(holder('a'), target, ['p1', 'p2']);
    expect(claims.holderOf('p1', target)).toBe(holder('a'));
    expect(claims.holderOf('p1', 'elsewhere')).toBeUndefined();
    claims.holdParts(holder('a'), target, ['p2', 'p3']);
    expect(['p1', 'p2', 'p3'].map((id) => claims.holderOf(id, target))).toEqual([undefined, holder('a'), holder('a')]);
    claims.update(holder('a'), undefined, kind);
    expect(claims.holderOf('p3', target)).toBeUndefined();
  });

  test('what is recorded, and which creates have no outcome, is counted by kind and remote tenant', () => {
    const claims = createClaims();
    put(claims, { name: 'a', recorded: 'x', creation: 'Created' });
    put(claims, { name: 'b', recorded: 'y', wish: 'y', deletion: true });
    put(claims, { name: 'c', creation: 'sent' });
    put(claims, { name: 'd', wish: 'z' });
    expect(claims.recorded(kind, target)).toMatchObject([
      { holder: holder('a'), id: 'x', bought: true, excused: false, since: Date.parse('2026-01-01T00:00:00Z') },
      { holder: holder('b'), id: 'y', bought: false, excused: true, since: undefined },
    ]);
    expect(claims.unsettled(kind, target)).toEqual([holder('c')]);
    expect([claims.recorded('Other', target), claims.unsettled('Other', target)]).toEqual([[], []]);
    put(claims, { name: 'c', recorded: 'w', creation: 'Created' });
    expect(claims.unsettled(kind, target)).toEqual([]);
  });
});

test('the same resources give the same holders, in whatever order and after whatever history they are read', () => {
  const id = fc.constantFrom('x', 'y', undefined);
  const sketch = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    wish: id,
    recorded: id,
    made: fc.nat(2),
    target: fc.constantFrom(target, 'sdpf/jp1/t2', undefined),
  });
  const final = fc.uniqueArray(sketch, { selector: ({ name }) => name, maxLength: 4 });
  const view = (claims: Claims) =>
    ['x', 'y'].flatMap((id) => [target, 'sdpf/jp1/t2'].map((at) => claims.holderOf(id, at)));
  fc.assert(
    fc.property(
      final.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
      fc.array(sketch),
      ([list, shuffled], history) => {
        const restarted = createClaims();
        for (const one of list) put(restarted, one);
        const longLived = createClaims();
        for (const one of history) put(longLived, one);
        for (const name of ['a', 'b', 'c', 'd']) {
          if (!list.some((one) => one.name === name)) longLived.update(holder(name), undefined, kind);
        }
        for (const one of shuffled) put(longLived, one);
        expect(view(longLived)).toEqual(view(restarted));
      },
    ),
  );
});

test('whatever happens, two never hold one object that nobody had recorded before', () => {
  const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), act: fc.constantFrom('claim', 'record', 'leave') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const claims = createClaims();
      const holding = new Set<string>();
      for (const { name, act } of steps) {
        if (act === 'leave') {
          claims.update(holder(name), undefined, kind);
          holding.delete(name);
        } else if (claim(claims, name) === undefined) {
          holding.add(name);
          if (act === 'record') put(claims, { name, recorded: 'x' });
        }
        expect(holding.size).toBeLessThanOrEqual(1);
      }
    }),
  );
});
