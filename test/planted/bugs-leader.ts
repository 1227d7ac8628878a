import { type Bug, type Edit, every } from './bug.ts';
import { onStaleCache } from './bugs-create.ts';

const withoutBarrier: Edit = {
  file: 'src/engine/term.ts',
  find: '      await Promise.all(stores.map((store) => store.relist()));\n',
  replace: '      if (stores.length === 0) return;\n',
};

/** The report. */
const unlocked: Edit = {
  file: 'src/engine/report.ts',
  find: 'const metadata = { namespace, name, resourceVersion };',
  replace: "const metadata = { namespace, name, ...(resourceVersion === '' && { resourceVersion }) };",
};

/** One writer, and what it may believe. */
export const leaderBugs: readonly Bug[] = [
  {
    name: 'remote-calls-without-the-lease',
    law: 8,
    kinds: every,
    edits: [
      {
        file: 'src/engine/term.ts',
        find: `        throw new Error('the term of leadership is over: nothing more is sent');
      options.fence();`,
        replace: "        log.debug('the term of leadership is over');",
      },
    ],
    why: 'A process that stood still for a minute wakes up and sends an order beside the new leader.',
  },
  {
    name: 'writes-without-the-lease',
    law: 8,
    kinds: every,
    edits: [{ file: 'src/operator.ts', find: 'kube: fenced(kube, fence),', replace: 'kube: fenced(kube, () => {}),' }],
    why: 'A former leader overwrites what the present one wrote down.',
  },
  {
    name: 'lease-taken-too-early',
    law: 8,
    kinds: every,
    edits: [
      {
        file: 'src/kube/lease.ts',
        find: 'return observed.at + (observed.lease.spec.leaseDurationSeconds ?? 0) * 1000 - clock.monotonic();',
        replace: 'return observed.at + (observed.lease.spec.leaseDurationSeconds ?? 0) * 200 - clock.monotonic();',
      },
    ],
    why: 'A slow renewal is enough for two leaders at once.',
  },
  {
    name: 'lease-believed-for-too-long',
    law: 8,
    kinds: every,
    edits: [
      {
        file: 'src/kube/lease.ts',
        find: 'if (Math.max(clock.monotonic() - monotonic, clock.now() - wall) < timing.renewDeadline) {',
        replace: 'if (Math.max(clock.monotonic() - monotonic, clock.now() - wall) < timing.renewDeadline * 4) {',
      },
      {
        file: 'src/kube/lease.ts',
        find: 'const left = began.monotonic + timing.renewDeadline - clock.monotonic();',
        replace: 'const left = began.monotonic + timing.renewDeadline * 4 - clock.monotonic();',
      },
    ],
    why: 'A leader that is cut off goes on buying after another one took over.',
  },
  {
    name: 'takeover-without-the-barrier',
    law: 8,
    kinds: every,
    edits: [withoutBarrier],
    why: 'A new leader whose watch is behind does not know what the former one has sent.',
  },
  {
    name: 'takeover-on-a-stale-cache',
    law: 8,
    kinds: every,
    edits: [withoutBarrier, ...onStaleCache],
    why: 'A new leader whose watch is behind buys what the former one has just bought.',
  },
  {
    name: 'report-not-locked',
    law: 1,
    kinds: every,
    edits: [unlocked],
    why: 'A cache that is behind writes a status of long ago over the present one.',
  },
  {
    name: 'report-erases-the-journal',
    law: 1,
    kinds: every,
    edits: [
      unlocked,
      {
        file: 'src/engine/report.ts',
        find: `  return {
    ...projection,
    observedGeneration: generation,`,
        replace: `  return {
    ...projection,
    ...Object.fromEntries(journalFields.flatMap((name) => (name in current ? [[name, current[name]]] : []))),
    observedGeneration: generation,`,
      },
      {
        file: 'src/engine/report.ts',
        find: 'const current = without(resource.status ?? {}, journalFields);',
        replace: 'const current = without(resource.status ?? {}, []);',
      },
    ],
    why: 'What the operator must not forget is overwritten from a cache that is behind, and bought again.',
  },
];
