import { type Bug, every } from './bug.ts';

/** The user’s words, and what the user is told. */
export const wordBugs: readonly Bug[] = [
  {
    name: 'observe-acts',
    law: 10,
    kinds: every,
    edits: [
      {
        file: 'src/engine/follow.ts',
        find: "    resource.spec.managementPolicy === 'Observe' &&\n    ['create',",
        replace: "    resource.spec.managementPolicy === 'Observe' &&\n    id === '' &&\n    ['create',",
      },
    ],
    why: 'Who only wanted to look at a machine has it renamed or switched off.',
  },
  {
    name: 'observe-buys',
    law: 10,
    kinds: every,
    edits: [
      {
        file: 'src/engine/reconcile.ts',
        find: "  if (resource.spec.managementPolicy === 'Observe') {\n    return unready(\n      'NotFound',",
        replace:
          "  if (resource.spec.managementPolicy === 'Observe' && kind.limit === '') {\n    return unready(\n      'NotFound',",
      },
    ],
    why: 'Who only wanted to look at a machine pays for a new one.',
  },
  {
    name: 'observe-deletes',
    law: 10,
    kinds: every,
    edits: [
      {
        file: 'src/engine/remove.ts',
        find: "if (deletionPolicy === 'Retain' || managementPolicy === 'Observe') return true;",
        replace: "if (deletionPolicy === 'Retain') return true;",
      },
    ],
    why: 'Deleting the resource through which somebody only looked deletes the machine.',
  },
  {
    name: 'paused-ignored',
    law: 10,
    kinds: every,
    edits: [
      {
        file: 'src/engine/reconcile.ts',
        find: 'if (isPaused(resource)) return paused(pass, deleting);',
        replace: "if (isPaused(resource) && resource.metadata.name === '') return paused(pass, deleting);",
      },
    ],
    why: 'A person works on the machine, and the operator works on it, too.',
  },
  {
    name: 'spec-written',
    law: 4,
    kinds: every,
    edits: [
      {
        file: 'src/engine/journal.ts',
        find: 'metadata: { ...lock(resource), finalizers: all, annotations: { [targetAnnotation]: target } },',
        replace: `metadata: { ...lock(resource), finalizers: all, annotations: { [targetAnnotation]: target } },
        spec: { recreatePolicy: 'Never' },`,
      },
    ],
    why: 'What the user wrote is taken back: Argo CD shows a difference that nobody made, and puts it back for ever.',
  },
  {
    name: 'label-written',
    law: 4,
    kinds: every,
    edits: [
      {
        file: 'src/engine/journal.ts',
        find: 'annotations: { [targetAnnotation]: target } },',
        replace: "annotations: { [targetAnnotation]: target }, labels: { 'freehold.dev/bound': 'true' } },",
      },
    ],
    why: 'The user’s own metadata changes under the hands of whoever syncs it from Git.',
  },
  {
    name: 'status-ticks',
    law: 5,
    kinds: every,
    edits: [
      {
        file: 'src/engine/report.ts',
        find: 'const synced = changed ? now : current.lastSyncTime;',
        replace: 'const synced = now;',
      },
    ],
    why: 'Every pass writes a status, wakes every watcher and fills etcd.',
  },
  {
    name: 'status-written-on-every-pass',
    law: 5,
    kinds: every,
    edits: [
      {
        file: 'src/engine/report.ts',
        find: 'if (isDeepStrictEqual(current, status)) return;',
        replace: 'if (isDeepStrictEqual(current, undefined)) return;',
      },
    ],
    why: 'A thousand resources at rest keep the API server busy.',
  },
  {
    name: 'read-of-each-object',
    law: 6,
    kinds: every,
    edits: [
      {
        file: 'src/engine/observe.ts',
        find: '  if (answer.listed) {\n    context.witnesses.seen(identifier);\n',
        replace:
          '  if (answer.listed) {\n    context.witnesses.seen(identifier);\n    await kind.main.read(binding.client, id).catch(() => undefined);\n',
      },
    ],
    why: 'The budget of the tenant is used up by reads that say nothing new.',
  },
  {
    name: 'list-asked-for-on-every-pass',
    law: 6,
    kinds: every,
    edits: [
      {
        file: 'src/engine/reconcile.ts',
        find: 'const pace = outcome.motion ? paceOf(pass) : undefined;',
        replace: 'const pace = paceOf(pass);',
      },
    ],
    why: 'A tenant at rest is listed every 15 seconds, for ever.',
  },
  {
    name: 'wait-not-told',
    law: 9,
    kinds: every,
    edits: [
      {
        file: 'src/engine/reconcile.ts',
        find: 'if (!outcome.released && !outcome.quiet) await report(pass, outcome);',
        replace: 'if (!outcome.released && !outcome.quiet && outcome.standing.ready) await report(pass, outcome);',
      },
    ],
    why: 'A resource waits for hours, and describe does not say for what.',
  },
];
