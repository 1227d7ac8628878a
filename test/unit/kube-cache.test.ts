import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Change, createCache } from '../../src/kube/cache.ts';
import { keyOf, type KubeObject } from '../../src/kube/types.ts';

function object(name: string, resourceVersion: number, uid = `${name}-1`, namespace = 'a'): KubeObject {
  return { apiVersion: 'v1', kind: 'Thing', metadata: { name, namespace, uid, resourceVersion: `${resourceVersion}` } };
}

/** `added a/x 7`, for a comparison that reads well. */
function told(changes: Change<KubeObject>[]): string[] {
  return changes.map(({ type, object }) => `${type} ${keyOf(object)} ${object.metadata.resourceVersion}`);
}

const all = { rewound: false };

describe('a cache', () => {
  test('tells what a list changed, and nothing when nothing did', () => {
    const cache = createCache();
    expect(told(cache.replace([object('x', 1), object('y', 2)], '5', all))).toEqual(['added a/x 1', 'added a/y 2']);
    expect(cache.replace([object('x', 1), object('y', 2)], '6', all)).toEqual([]);
    expect(told(cache.replace([object('x', 8), object('z', 9)], '9', all))).toEqual([
      'deleted a/y 2',
      'updated a/x 8',
      'added a/z 9',
    ]);
  });

  test('takes an object of the same name with a new UID for another one', () => {
    const cache = createCache();
    cache.replace([object('x', 1)], '1', all);
    expect(told(cache.apply({ type: 'MODIFIED', object: object('x', 4, 'x-2') }))).toEqual([
      'deleted a/x 1',
      'added a/x 4',
    ]);
    expect(told(cache.replace([object('x', 6, 'x-3')], '6', all))).toEqual(['deleted a/x 4', 'added a/x 6']);
  });

  test('lets a list of one namespace touch no other', () => {
    const cache = createCache();
    cache.replace([object('x', 1)], '1', { namespace: 'a', rewound: false });
    cache.replace([object('x', 2, 'u', 'b')], '2', { namespace: 'b', rewound: false });
    expect(told(cache.replace([], '3', { namespace: 'b', rewound: false }))).toEqual(['deleted b/x 2']);
    expect(cache.objects.size).toBe(1);
  });

  test('shows our own write at once, and no older event or list undoes it', () => {
    const cache = createCache();
    cache.replace([object('x', 1)], '10', all);
    expect(told(cache.observe(object('x', 12), '10'))).toEqual(['updated a/x 12']);
    expect(told(cache.observe(object('new', 13), '10'))).toEqual(['added a/new 13']);
    expect(cache.apply({ type: 'MODIFIED', object: object('x', 11) })).toEqual([]);
    expect(cache.apply({ type: 'MODIFIED', object: object('x', 12) })).toEqual([]);
    expect(cache.replace([object('x', 11)], '11', all)).toEqual([]);
    expect(told(cache.replace([object('x', 12)], '14', all))).toEqual(['deleted a/new 13']);
  });

  test('does not let a late answer of our own bring back what was deleted', () => {
    const cache = createCache();
    cache.replace([object('x', 1)], '1', all);
    cache.apply({ type: 'DELETED', object: object('x', 9) });
    expect(cache.observe(object('x', 8), '9')).toEqual([]);
    expect(cache.objects.size).toBe(0);
  });

  test('does not take the deletion of a former object for that of its successor', () => {
    const cache = createCache();
    cache.replace([object('x', 1)], '1', all);
    cache.observe(object('x', 7, 'x-2'), '1');
    expect(cache.apply({ type: 'DELETED', object: object('x', 6, 'x-1') })).toEqual([]);
    expect(cache.objects.get('a/x')?.metadata.uid).toBe('x-2');
  });

  test('gives up what it holds when history went back (etcd restored)', () => {
    const cache = createCache();
    cache.replace([object('x', 90), object('y', 80)], '100', all);
    expect(told(cache.replace([object('x', 40)], '50', { rewound: true }))).toEqual([
      'deleted a/y 80',
      'updated a/x 40',
    ]);
  });
});

/** A step of a random life: a write to one of three objects, or a moment at which something reaches the cache. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), name: fc.constantFrom('x', 'y', 'z') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), name: fc.constantFrom('x', 'y', 'z') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('event' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('answer' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('list' as const) }) },
);

test('whatever is late or told twice, no object ever gets older, the listeners can follow, and the end is the truth', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const truth = new Map<string, KubeObject>();
      const history: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject }[] = [];
      const answers: KubeObject[] = [];
      let version = 0;
      let delivered = 0;
      let seen = 0;
      const cache = createCache();
      const followed = new Map<string, KubeObject>();
      const newest = new Map<string, number>();

      const follow = (changes: Change<KubeObject>[]) => {
        for (const { type, object: one } of changes) {
          const key = keyOf(one);
          expect(type === 'added').toBe(!followed.has(key));
          if (type === 'deleted') {
            followed.delete(key);
            continue;
          }
          followed.set(key, one);
          expect(Number(one.metadata.resourceVersion)).toBeGreaterThan(newest.get(key) ?? 0);
          newest.set(key, Number(one.metadata.resourceVersion));
        }
      };
      const deliver = () => {
        const event = history[delivered];
        if (event) {
          delivered += 1;
          follow(cache.apply(event));
          seen = Number(event.object.metadata.resourceVersion);
        }
      };

      for (const one of steps) {
        if (one.do === 'write') {
          version += 1;
          const old = truth.get(one.name);
          const next = object(one.name, version, old?.metadata.uid ?? `${one.name}-${version}`);
          truth.set(one.name, next);
          history.push({ type: old ? 'MODIFIED' : 'ADDED', object: next });
          answers.push(next);
        } else if (one.do === 'delete') {
          const old = truth.get(one.name);
          if (old) {
            version += 1;
            truth.delete(one.name);
            history.push({ type: 'DELETED', object: object(one.name, version, old.metadata.uid) });
          }
        } else if (one.do === 'event') {
          deliver();
        } else if (one.do === 'answer') {
          const answer = answers[one.which % Math.max(1, answers.length)];
          if (answer && seen > 0) {
            follow(cache.observe(answer, `${seen}`));
          }
        } else {
          follow(cache.replace([...truth.values()], `${version}`, { rewound: version < seen }));
          seen = version;
          delivered = history.length;
        }
      }
      while (delivered < history.length) {
        deliver();
      }
      const bySeen = (objects: Iterable<KubeObject>) =>
        [...objects].map((one) => one.metadata).sort((a, b) => (a.name < b.name ? -1 : 1));
      expect(bySeen(cache.objects.values())).toEqual(bySeen(truth.values()));
      expect(bySeen(followed.values())).toEqual(bySeen(truth.values()));
    }),
    { numRuns: 500 },
  );
});
