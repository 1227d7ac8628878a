import { type Bug, every, license, server } from './bug.ts';

const file = 'src/engine/settle.ts';

/** Finding out what came of a create whose answer was lost. */
export const settleBugs: readonly Bug[] = [
  {
    name: 'settle-window-zero',
    law: 1,
    kinds: every,
    edits: [
      {
        file,
        find: 'const { settleWindow, motionInterval } = context.settings;',
        replace: 'const settleWindow = 0;\n  const { motionInterval } = context.settings;',
      },
    ],
    why: 'A remote that carries out a request late, or lists it late, ends with two machines.',
  },
  {
    name: 'complete-lists-not-awaited',
    law: 1,
    kinds: every,
    edits: [
      {
        file,
        find: `    snapshot !== undefined &&
    snapshot.count - lists >= listsToPass &&
    snapshot.begunAt - since >= settleWindow;`,
        replace: '    snapshot !== undefined &&\n    snapshot.count >= lists;',
      },
    ],
    why: 'After a long outage the first list, from the memory of a proxy, decides that nothing was bought.',
  },
  {
    name: 'window-by-the-wall-clock',
    law: 1,
    kinds: every,
    edits: [
      {
        file,
        find: 'const elapsed = context.clock.monotonic() - since;',
        replace: 'const elapsed = context.clock.now() - Date.parse(creation.sentAt);',
      },
      {
        file,
        find: `    snapshot.count - lists >= listsToPass &&
    snapshot.begunAt - since >= settleWindow;`,
        replace: '    snapshot.count - lists >= listsToPass;',
      },
    ],
    why: 'A clock that NTP sets forward ends the wait for a lost answer, and a second machine is bought.',
  },
  {
    name: 'new-candidates-overlooked',
    law: 1,
    kinds: every,
    edits: [
      {
        file,
        find: 'const candidates = candidatesOf(pass, binding, seen);',
        replace: 'const candidates = windowPassed ? [] : candidatesOf(pass, binding, seen);',
      },
    ],
    why: 'New licences that may be ours are overlooked, and another one is bought.',
  },
  {
    name: 'retry-obeyed-within-the-window',
    law: 1,
    kinds: every,
    edits: [{ file, find: "if (!windowPassed) return 'problem';", replace: '' }],
    why: 'A person who looks into a portal that lags says "retry", and two machines are built.',
  },
  {
    name: 'old-resolve-obeyed',
    law: 1,
    kinds: every,
    edits: [
      {
        file,
        find: "if (!answer || 'problem' in answer || answer.attemptID !== attemptID) return undefined;",
        replace: "if (!answer || 'problem' in answer) return undefined;",
      },
      { file, find: 'if (answer.text === pass.resource.status?.lastResolve) return undefined;', replace: '' },
    ],
    why: 'A word that still stands in Git answers the next question, which nobody has seen.',
  },
  {
    name: 'strangers-licence-adopted-under-shared',
    law: 2,
    kinds: license,
    edits: [
      {
        file,
        find: "first !== undefined && identity.level === 'none' && identity.onlyBuyer(binding.spec)",
        replace: "first !== undefined && identity.level === 'none'",
      },
    ],
    why: 'A licence that a colleague bought a minute ago is taken, and later deleted.',
  },
  {
    name: 'unsettled-create-let-go',
    law: 1,
    kinds: every,
    edits: [{ file: 'src/engine/remove.ts', find: 'if (isUnsettled(resource)) return false;', replace: '' }],
    why: 'A resource that is deleted while its create is open leaves a machine behind that nobody knows and that costs money.',
  },
  {
    name: 'unseen-object-let-go',
    law: 1,
    kinds: server,
    edits: [
      {
        file: 'src/engine/remove.ts',
        find: "if (externalID === undefined || creation?.outcome !== 'Created' || binding?.remote.shown.has(externalID))",
        replace: "if (externalID === undefined || creation?.outcome !== 'Created' || binding?.remote.key !== '')",
      },
    ],
    why: 'A resource that is deleted with Retain and applied again while lists lag buys a second machine.',
  },
  {
    name: 'marker-check-off',
    law: 1,
    kinds: server,
    edits: [
      {
        file: 'src/engine/identify.ts',
        find: 'const { ours, others } = markersIn(identity.marker, snapshot).of(owner);',
        replace: `const { others } = markersIn(identity.marker, snapshot).of(owner);
  const ours: string[] = [];`,
      },
    ],
    why: 'A server of ours whose record was lost is not found again, and another one is bought.',
  },
  {
    name: 'damaged-marker-taken-for-none',
    law: 1,
    kinds: server,
    edits: [
      {
        file: 'src/engine/identify.ts',
        find: "const doubtful = others.filter(({ id, mark }) => mark === 'damaged' || remains(id)).map(({ id }) => id);",
        replace:
          "const doubtful = others.filter(({ id, mark }) => mark === 'damaged' && id === '' && remains(id)).map(({ id }) => id);",
      },
    ],
    why: 'Somebody edits the description of a server, the cluster is rebuilt, and the server is bought again.',
  },
];
