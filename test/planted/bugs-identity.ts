import { type Bug, every, license, node, server, vcenter } from './bug.ts';
import { bmcNotLookedFor } from './bugs-nodes.ts';

const file = 'src/engine/identify.ts';

/** Whose a remote object is. */
export const identityBugs: readonly Bug[] = [
  {
    name: 'adoption-by-name',
    law: 2,
    kinds: server,
    edits: [
      {
        file,
        find: "return byMarker(question) ?? byKey(question) ?? elsewhere(question) ?? { which: 'none' };",
        replace: `const [named] = [...snapshot.items].find(([, remote]) => (remote as { name?: string }).name === owner.name) ?? [];
  const byName = named === undefined ? undefined : ({ which: 'known', id: named, listed: true, how: 'marker' } as const);
  return byMarker(question) ?? byKey(question) ?? elsewhere(question) ?? byName ?? { which: 'none' };`,
      },
    ],
    why: 'A server of somebody else with the same name is taken over, and later deleted.',
  },
  {
    name: 'node-adopted-by-name',
    law: 2,
    kinds: node,
    edits: [
      {
        file,
        find: "return (part ? undefined : elsewhere(question)) ?? { which: 'none' };",
        replace: `const [named] =
      [...snapshot.items].find(([, remote]) => !part && (remote as { name?: string }).name === owner.name) ?? [];
    if (named !== undefined) return { which: 'known', id: named, listed: true, how: 'chosen' };
    return (part ? undefined : elsewhere(question)) ?? { which: 'none' };`,
      },
    ],
    why: 'A node that another team registered under that name is powered, cleaned and deleted by us.',
  },
  {
    name: 'owner-id-ignored',
    law: 2,
    kinds: server,
    edits: [
      {
        file,
        find: 'const { ours, others } = markersIn(identity.marker, snapshot).of(owner);',
        replace: `const { ours: marks, others } = markersIn(identity.marker, snapshot).of(owner);
  const same = (remote: unknown) => identity.owner(remote)?.endsWith(\`/\${owner.namespace}/\${owner.name}\`) === true;
  const ours = [...snapshot.items].filter(([id, remote]) => marks.includes(id) || same(remote)).map(([id]) => id);`,
      },
    ],
    why: 'Two installations in one tenant take each other’s servers where namespace and name are equal.',
  },
  {
    name: 'foreign-marker-adopted-by-id',
    law: 2,
    kinds: every,
    edits: [
      {
        file,
        find: 'if (other === undefined || other === question.takeOver) return undefined;',
        replace: "if (other !== '') return undefined;",
      },
    ],
    why: 'A wrong externalID takes over an object that another installation manages.',
  },
  {
    name: 'owner-mark-in-extra-not-read',
    law: 1,
    kinds: node,
    edits: [
      {
        file,
        find: "if (named !== undefined) return { which: 'known', id: named, listed: true, how: 'chosen' };",
        replace: "if (named === id) return { which: 'known', id, listed: true, how: 'chosen' };",
      },
      // Else the machine's BMC would be found taken.
      bmcNotLookedFor,
    ],
    why: 'Behind a gateway that chooses IDs itself a machine is registered twice after a lost answer.',
  },
  {
    name: 'claims-off',
    law: 2,
    kinds: every,
    edits: [
      {
        file: 'src/engine/claims.ts',
        find: 'if (other) return other.holder;',
        replace: "if (other?.holder === '') return other.holder;",
      },
      {
        file: 'src/engine/claims.ts',
        find: 'if (by !== undefined && by !== holder) return by;',
        replace: '',
      },
    ],
    why: 'Two resources stand for one object; deleting one of them takes it from the other.',
  },
  {
    name: 'one-licence-for-two-registrations',
    law: 1,
    kinds: vcenter,
    edits: [
      {
        file: 'src/engine/world.ts',
        find: 'if (other === undefined) memory.reference = reference;\n  return other;',
        replace: 'if (other === undefined) memory.reference = reference;\n  return undefined;',
      },
    ],
    why: 'A licence is registered for two vCenters, and which of them is ours cannot be told any more.',
  },
  {
    name: 'strangers-registration-adopted-by-key',
    law: 2,
    kinds: vcenter,
    edits: [
      {
        file,
        find: 'const ids = [...(byText(snapshot.items, identity.keyOf).get(key) ?? [])];',
        replace:
          'const ids = [...snapshot.items].filter(([, remote]) => identity.keyOf(remote) !== undefined).map(([id]) => id).slice(0, 1);',
      },
    ],
    why: 'The vCenter of another team is given our licence and password.',
  },
  {
    name: 'unclaimed-licence-not-asked-for',
    law: 1,
    kinds: license,
    edits: [
      {
        file: 'src/engine/stock.ts',
        find: "if (unclaimed.length === 0 || word === 'Unclaimed' || isToldToRetry(pass)) return undefined;",
        replace: "if (unclaimed.length >= 0 || word === 'Unclaimed' || isToldToRetry(pass)) return undefined;",
      },
    ],
    why: 'A rebuilt cluster buys every licence again although the old ones are still there.',
  },
  {
    name: 'unclaimed-licence-taken-without-a-word',
    law: 2,
    kinds: license,
    edits: [
      {
        file: 'src/engine/stock.ts',
        find: "const mayTake = word === 'Unclaimed' || identity.onlyBuyer(binding.spec);",
        replace: 'const mayTake = true;',
      },
    ],
    why: 'A licence that a colleague bought and has not used yet is taken from them.',
  },
  {
    name: 'licence-in-use-taken-as-stock',
    law: 2,
    kinds: license,
    edits: [
      {
        file: 'src/sdpf/guest-license.ts',
        find: "spare: (id, world) => userOf(id, '', world) === undefined,",
        replace: "spare: (id, world) => userOf(id, '', world) !== '',",
      },
    ],
    why: 'The licence under a running vCenter becomes ours, and goes when our resource goes.',
  },
  {
    name: 'stock-on-one-look',
    law: 3,
    kinds: license,
    edits: [
      {
        file: 'src/engine/stock.ts',
        find: 'if (listBegunAt - memory.unused.at >= absenceInterval) return undefined;',
        replace: 'if (listBegunAt - memory.unused.at >= -Infinity) return undefined;',
      },
    ],
    why: 'One empty page of vCenters is enough to take the licence under a vCenter that runs.',
  },
  {
    name: 'retained-and-deleting-server-adopted',
    law: 1,
    kinds: server,
    edits: [
      {
        file: 'src/engine/reconcile.ts',
        find: "if (seen.how !== 'wished' && kind.main.beingDeleted?.(seen.remote)) {",
        replace: "if (seen.how === 'wished' && kind.main.beingDeleted?.(seen.remote)) {",
      },
    ],
    why: 'A new resource is bound to a server that is just being deleted, and ends without one.',
  },
];
