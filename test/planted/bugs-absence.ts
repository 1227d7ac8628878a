import { type Bug, every, license, server } from './bug.ts';

const file = 'src/engine/observe.ts';

/** When something counts as gone, and who is let go then. */
export const absenceBugs: readonly Bug[] = [
  {
    name: 'list-is-witness-enough',
    law: 3,
    kinds: every,
    edits: [
      {
        file,
        find: 'const remote = await kind.main.read(binding.client, id);',
        replace: 'const remote: unknown = undefined as unknown;',
      },
    ],
    why: 'A list that lags, or a page that is lost, makes a machine that runs count as lost.',
  },
  {
    name: '404-taken-as-gone',
    law: 3,
    kinds: every,
    edits: [
      {
        file: 'src/engine/remove.ts',
        find: "if (error.reason === 'NotFound') return { ...waiting, awaitList: true, after: context.settings.motionInterval };",
        replace: "if (error.reason === 'NotFound') return finish(pass);",
      },
    ],
    why: 'A wrong route answers 404 to the delete, the resource goes, and the machine goes on costing money.',
  },
  {
    name: 'no-second-look',
    law: 3,
    kinds: every,
    edits: [
      {
        file: 'src/engine/witness.ts',
        find: '        first.set(key, clock.monotonic());\n        return false;',
        replace: '        first.set(key, clock.monotonic());\n        return true;',
      },
    ],
    why: 'One wrong answer of a load balancer is enough to lose, or to buy again, a machine that is there.',
  },
  {
    name: 'unseen-since-its-create-taken-as-lost',
    law: 3,
    kinds: every,
    edits: [{ file, find: '      if (isFresh(pass))\n', replace: '      if (isFresh(pass) && id === "")\n' }],
    why: 'A machine that the remote does not list yet counts as lost, and another one is bought.',
  },
  {
    name: 'breaker-off',
    law: 3,
    kinds: every,
    edits: [
      {
        file: 'src/engine/breaker.ts',
        find: 'const open = all || many;',
        replace: 'const open = (all || many) && missing.length < 0;',
      },
    ],
    why: 'A wrong endpoint that answers with empty lists makes the operator buy everything again.',
  },
  {
    name: 'finalizer-removed-after-the-delete-call',
    law: 3,
    kinds: every,
    edits: [
      {
        file: 'src/engine/remove.ts',
        find: '    memory.deleteSent = { id: gone, at: context.clock.monotonic() };\n',
        replace: `    memory.deleteSent = { id: gone, at: context.clock.monotonic() };
    if (isMain) return await finish(pass);
`,
      },
    ],
    why: 'The resource is gone while the machine still stands; when the delete fails later, nobody knows of it.',
  },
  {
    name: 'lost-delete-taken-as-done',
    law: 3,
    kinds: every,
    edits: [
      {
        file: 'src/engine/remove.ts',
        find: "    if (error.outcome === 'unknown') {\n",
        replace:
          "    if (error.outcome === 'unknown' && isMain) return finish(pass);\n    if (error.outcome === 'unknown') {\n",
      },
    ],
    why: 'A delete that never arrived leaves a machine behind that costs money and that no resource names.',
  },
  {
    name: 'unreadable-item-taken-for-absent',
    law: 3,
    kinds: license,
    edits: [
      {
        file: 'src/sdpf/read-from-list.ts',
        find: 'if (!unsure) return found;',
        replace: 'if (unsure?.index !== -1) return found;',
      },
      { file, find: 'if (snapshot.unreadable.has(id)) {', replace: "if (id === '') {" },
    ],
    why: 'A licence with one strange field counts as lost.',
  },
  {
    name: 'retain-deletes',
    law: 10,
    kinds: every,
    edits: [
      {
        file: 'src/engine/remove.ts',
        find: "if (deletionPolicy === 'Retain' || managementPolicy === 'Observe') return true;",
        replace: "if (managementPolicy === 'Observe') return true;",
      },
    ],
    why: 'Deleting a resource that was to keep its machine erases the machine.',
  },
  {
    name: 'old-word-of-the-deletion-policy',
    law: 10,
    kinds: server,
    edits: [
      {
        file: 'src/engine/remove.ts',
        find: '  else await freshRead(pass);\n  const owned',
        replace: '  const owned',
      },
      {
        file: 'src/engine/journal.ts',
        find: 'deleting: (kind, resource) => status(kind, resource, { deletion: { sentAt: timestamp(clock.now()) } }),',
        replace:
          "deleting: (kind, resource) => write(kind, resource, { status: { deletion: { sentAt: timestamp(clock.now()) } } }, 'status'),",
      },
    ],
    why: 'Somebody switches to Retain at the last moment, the cache does not know, and the machine is deleted.',
  },
  {
    name: 'licence-deleted-in-use',
    law: 10,
    kinds: license,
    edits: [
      {
        file: 'src/sdpf/guest-license.ts',
        find: "    if (user !== undefined)\n      return {\n        do: 'wait',\n        reason: 'InUse',",
        replace: "    if (user === '')\n      return {\n        do: 'wait',\n        reason: 'InUse',",
      },
    ],
    why: 'The licence under a running vCenter is returned, and NTT stops what it cannot meter.',
  },
];
