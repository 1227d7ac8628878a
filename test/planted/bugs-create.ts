import { type Bug, type Edit, every, license, node } from './bug.ts';

const file = 'src/engine/create.ts';
const journalled = `    pass.resource = await context.journal.sending(kind, pass.resource, attempt);
    memory.sent = attempt;
    sent = true;
`;

/** A create goes by the cache: neither read once more nor locked. */
export const onStaleCache: readonly Edit[] = [
  {
    file,
    find: `    await freshRead(pass);
    const attemptID`,
    replace: '    const attemptID',
  },
  {
    file: 'src/engine/journal.ts',
    find: `    uid: resource.metadata.uid,
    resourceVersion: resource.metadata.resourceVersion,`,
    replace: '    uid: resource.metadata.uid,',
  },
];

const classify = 'src/remote/classify.ts';
const refused = 'const refused = own && status >= 400 && status < 500 && status !== 408;';
const notSent = "const outcome = !context.mutating || error.failure === 'not-sent' ?";

/** Sending a create, and what its answer is taken for. */
export const createBugs: readonly Bug[] = [
  {
    name: 'journal-after-post',
    law: 1,
    kinds: every,
    edits: [
      { file, find: journalled, replace: '    sent = true;\n' },
      {
        file,
        find: `      delete memory.rejections;
    } catch (error) {`,
        replace: `      delete memory.rejections;
      pass.resource = await context.journal.sending(kind, pass.resource, attempt);
      memory.sent = attempt;
    } catch (error) {`,
      },
    ],
    why: 'A create whose answer is lost is forgotten, and the next pass buys a second machine.',
  },
  {
    name: 'journal-not-written',
    law: 1,
    kinds: every,
    edits: [{ file, find: journalled, replace: '    sent = true;\n' }],
    why: 'After a crash nobody knows that something was ordered, so it is ordered once more.',
  },
  {
    name: 'journal-failure-ignored',
    law: 1,
    kinds: every,
    edits: [
      {
        file,
        find: 'pass.resource = await context.journal.sending(kind, pass.resource, attempt);',
        replace: `pass.resource = await context.journal
      .sending(kind, pass.resource, attempt)
      .catch(() => pass.resource);`,
      },
    ],
    why: 'While the API server stumbles, orders leave that are written down nowhere.',
  },
  {
    name: 'no-fresh-read-no-lock',
    law: 1,
    kinds: every,
    edits: onStaleCache,
    why: 'A cache that is behind buys what another leader has bought already, or what the user has paused.',
  },
  {
    name: 'post-retried-by-http',
    law: 1,
    kinds: every,
    edits: [
      {
        file: 'src/remote/session.ts',
        find: `const { value, response } = await attempt(call, { priority: 'write', deadline: () => writeDeadline, fence });`,
        replace: `const once = () => attempt(call, { priority: 'write', deadline: () => writeDeadline, fence });
        const { value, response } = await once().catch(once);`,
      },
    ],
    why: 'A lost reply makes the HTTP layer order the same machine twice.',
  },
  {
    name: '503-taken-as-nothing-made',
    law: 1,
    kinds: every,
    edits: [
      {
        file: classify,
        find: refused,
        replace: 'const refused = (own && status >= 400 && status < 500 && status !== 408) || status === 503;',
      },
    ],
    why: 'A 503 of a proxy after the commit is taken for a refusal, and the order is sent again.',
  },
  {
    name: '500-taken-as-nothing-made',
    law: 1,
    kinds: every,
    edits: [
      {
        file: classify,
        find: refused,
        replace: 'const refused = own && status >= 400 && status !== 408;',
      },
    ],
    why: 'The API fails after it has made the object, and it is made again.',
  },
  {
    name: 'unreadable-2xx-taken-as-nothing-made',
    law: 1,
    kinds: every,
    edits: [
      {
        file: classify,
        find: "const outcome = context.mutating ? 'unknown' : 'definitely-not';",
        replace: "const outcome: FailureOutcome = 'definitely-not';",
      },
    ],
    why: 'A create that was answered with an HTML page has bought a machine, and a second one follows.',
  },
  {
    name: 'reset-taken-as-not-sent',
    law: 1,
    kinds: every,
    edits: [
      {
        file: classify,
        find: notSent,
        replace: "const outcome = !context.mutating || ['not-sent', 'reset'].includes(error.failure) ?",
      },
    ],
    why: 'A connection that broke after the request is taken for one that never stood, and the order is sent again.',
  },
  {
    name: 'timeout-taken-as-not-sent',
    law: 1,
    kinds: every,
    edits: [
      {
        file: classify,
        find: notSent,
        replace: "const outcome = !context.mutating || ['not-sent', 'timeout'].includes(error.failure) ?",
      },
    ],
    why: 'A slow remote carries out the first order after the second one was sent.',
  },
  {
    name: 'two-creates-at-once-of-one-licence-type',
    law: 1,
    kinds: license,
    edits: [
      {
        file: 'src/engine/gate.ts',
        find: 'return other === undefined ? undefined : queued(pass, message, { awaitTurn: lockOf(pass) });',
        replace: "return other === '' ? queued(pass, message, { awaitTurn: lockOf(pass) }) : undefined;",
      },
    ],
    why: 'Nobody can tell any more which order made which licence, so one is paid for and never used.',
  },
  {
    name: 'new-id-for-each-attempt',
    law: 1,
    kinds: node,
    edits: [
      {
        file,
        find: `        id: chosenID(pass.owner),
      });`,
        replace: `        id: uuid(context.random),
      });`,
      },
      {
        file: 'src/engine/gate.ts',
        find: "kind.main.identity.level === 'chosen-id' && kept === true;",
        replace: "kind.main.identity.level === 'chosen-id' && kept !== undefined;",
      },
    ],
    why: 'A create that is sent once more, because its ID was ours, registers the machine twice.',
  },
  {
    name: 'lost-bought-again',
    law: 10,
    kinds: every,
    edits: [
      {
        file: 'src/engine/reconcile.ts',
        find: "if (resource.spec.recreatePolicy !== 'Always' || resource.spec.managementPolicy === 'Observe') {",
        replace: "if (resource.spec.managementPolicy === 'Observe') {",
      },
    ],
    why: 'Somebody removes a machine in the portal, and the operator spends money on another one without a word.',
  },
];
