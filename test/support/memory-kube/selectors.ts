import type { KubeObject, ListOptions } from '../../../src/kube/types.ts';

/** Whether an object is among those asked for. Throws for a selector that no API server takes. */
export type Matches = (object: KubeObject) => boolean;

export function matching({ namespace, labelSelector, fieldSelector }: ListOptions): Matches | undefined {
  const tests: Matches[] = [];
  if (namespace !== undefined && namespace !== '') tests.push(({ metadata }) => metadata.namespace === namespace);
  for (const term of fieldSelector?.split(',') ?? []) {
    const parts = /^metadata\.(name|namespace)(!?)==?(.*)$/.exec(term);
    if (!parts) throw new Error(`field label not supported: ${term}`);
    const [, field, not, value] = parts as unknown as [string, 'name' | 'namespace', string, string];
    tests.push(({ metadata }) => (metadata[field] === value) !== (not === '!'));
  }
  for (const term of labelSelector?.split(/,(?![^(]*\))/) ?? []) tests.push(labelTest(term.trim()));
  if (tests.length <= 1) return tests[0];
  return (object) => tests.every((test) => test(object));
}

function labelTest(term: string): Matches {
  const of = ({ metadata }: KubeObject, key: string) => metadata.labels?.[key];
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
  if (set) {
    const [, key, word, list] = set as unknown as [string, string, string, string];
    const values = list.split(',').map((value) => value.trim());
    return (object) => {
      const value = of(object, key);
      return word === 'in'
        ? value !== undefined && values.includes(value)
        : value === undefined || !values.includes(value);
    };
  }
  const equal = /^([^\s=!]+)\s*(!?)==?\s*(\S*)$/.exec(term);
  if (equal) {
    const [, key, not, wanted] = equal as unknown as [string, string, string, string];
    return (object) => (of(object, key) === wanted) !== (not === '!');
  }
  const there = /^(!?)([^\s=!]+)$/.exec(term);
  if (!there) throw new Error(`unable to parse requirement: ${term}`);
  return (object) => (of(object, there[2]!) === undefined) === (there[1] === '!');
}
