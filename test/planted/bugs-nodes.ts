import { type Bug, type Edit, node } from './bug.ts';

const folder = 'src/cloudos/bare-metal-node';

/** Before a create, among what is there. */
export const bmcNotLookedFor: Edit = {
  file: 'src/engine/gate.ts',
  find: '  if (taken) return taken;\n',
  replace: "  if (taken?.standing.message === '') return taken;\n",
};

/** What only machines in a rack have: power, provisioning, maintenance, ports. */
export const nodeBugs: readonly Bug[] = [
  {
    name: 'action-obeyed-twice',
    law: 1,
    kinds: node,
    edits: [
      {
        file: `${folder}/plan-action.ts`,
        find: 'if (spec.action === undefined || spec.action.requestedAt === action?.requestedAt || isFormer(spec, action))',
        replace: 'if (spec.action === undefined || isFormer(spec, action))',
      },
    ],
    why: 'A machine is cleaned or rebooted over and over for one word.',
  },
  {
    name: 'action-journalled-after-the-call',
    law: 1,
    kinds: node,
    edits: [
      {
        file: 'src/engine/act.ts',
        find: `  pass.resource = await context.journal.obeying(
    kind,
    pass.resource,
    step.obeys === 'action' ? { action } : { lastRetry: retryOf(resource) },
  );
  /** Kept`,
        replace: `  if (step.obeys === 'retry')
    pass.resource = await context.journal.obeying(kind, pass.resource, { lastRetry: retryOf(resource) });
  /** Kept`,
      },
    ],
    why: 'A crash after the call, or a lost answer, reboots a machine a second time under its users.',
  },
  {
    name: 'action-of-a-lost-cluster-obeyed',
    law: 1,
    kinds: node,
    edits: [
      {
        file: 'src/engine/follow.ts',
        find: "  if (Date.parse(action.requestedAt) >= Date.parse(metadata.creationTimestamp ?? '')) return false;",
        replace: "  if (Date.parse(action.requestedAt) >= 0 || metadata.name === '') return false;",
      },
    ],
    why: 'A cluster rebuilt from Git cleans machines for words that were obeyed a year ago.',
  },
  {
    name: 'foreign-maintenance-ended',
    law: 2,
    kinds: node,
    edits: [
      {
        file: `${folder}/maintenance.ts`,
        find: 'return isOurs(node) ? leaveMaintenance(node) : undefined;',
        replace: 'return node.maintenance ? leaveMaintenance(node) : undefined;',
      },
    ],
    why: 'A technician has the hands in the machine, and the operator gives it free.',
  },
  {
    name: 'power-switched-in-foreign-maintenance',
    law: 2,
    kinds: node,
    edits: [
      {
        file: `${folder}/plan.ts`,
        find: 'if (isForeign(node)) return inMaintenance(target, node);',
        replace: '',
      },
    ],
    why: 'A technician has the hands in the machine, and the operator switches it on.',
  },
  {
    name: 'power-without-a-word',
    law: 10,
    kinds: node,
    edits: [
      {
        file: `${folder}/power.ts`,
        find: "    case 'Unmanaged':\n      return undefined;",
        replace: "    case 'Unmanaged':\n      return 'power off';",
      },
    ],
    why: 'Machines that nobody asked to be switched are switched off.',
  },
  {
    name: 'node-in-use-changed',
    law: 10,
    kinds: node,
    edits: [
      {
        file: `${folder}/states.ts`,
        find: "node.instance_uuid !== undefined || ['deployed', 'broken'].includes(phaseOf(node));",
        replace: "node.instance_uuid === '' || ['deployed', 'broken'].includes(phaseOf(node));",
      },
    ],
    why: 'A machine that somebody’s instance runs on is switched or cleaned.',
  },
  {
    name: 'node-in-use-deleted',
    law: 10,
    kinds: node,
    edits: [
      {
        file: `${folder}/plan-removal.ts`,
        find: 'if (node.instance_uuid !== undefined)',
        replace: "if (node.instance_uuid === '')",
      },
    ],
    why: 'A node that somebody’s instance runs on is struck from the books.',
  },
  {
    name: 'old-news-before-a-deletion',
    law: 10,
    kinds: node,
    edits: [
      {
        file: 'src/engine/follow.ts',
        find: 'if (!wantsFresh(step, kind)) return { step, remote: seen.remote };',
        replace: "if (!wantsFresh(step, kind) || seen.id !== '') return { step, remote: seen.remote };",
      },
    ],
    why: 'An instance came to the node after the last list, and the node is deleted or switched under it.',
  },
  {
    name: 'adopted-node-cleaned',
    law: 10,
    kinds: node,
    edits: [
      {
        file: `${folder}/provisioning.ts`,
        find: '  externalID === undefined || allowCleaning;',
        replace: "  externalID === undefined || allowCleaning || externalID !== '';",
      },
    ],
    why: 'The disks of a machine that was only adopted are erased.',
  },
  {
    name: 'cleaning-by-itself-after-a-failure',
    law: 10,
    kinds: node,
    edits: [
      {
        file: `${folder}/plan.ts`,
        find: '  if (retry !== undefined) {\n    if (leaves)',
        replace: '  if (always(node) || retry !== undefined) {\n    if (leaves)',
      },
      {
        file: `${folder}/plan.ts`,
        find: '/** Is it the maintenance that the failed cleaning left?',
        replace: `const always = (node: Node) => stateOf(node) !== '';

/** Is it the maintenance that the failed cleaning left?`,
      },
    ],
    why: 'A machine whose cleaning failed is cleaned over and over without anybody having looked.',
  },
  {
    name: 'ports-of-others-removed',
    law: 2,
    kinds: node,
    edits: [
      {
        file: 'src/engine/parts.ts',
        find: 'if (ours) yield [instance, id];',
        replace: "if (ours || instance !== '') yield [instance, id];",
      },
    ],
    why: 'A port that the network team added to our node disappears.',
  },
  {
    name: 'bmc-held-by-another-node',
    law: 2,
    kinds: node,
    edits: [bmcNotLookedFor],
    why: 'Two nodes stand for one machine, and each switches it as it likes.',
  },
  {
    name: 'another-machine-under-the-same-name',
    law: 2,
    kinds: node,
    edits: [
      {
        file: 'src/engine/reconcile.ts',
        find: '    if (former) return former;\n',
        replace: "    if (former?.standing.message === '') return former;\n",
      },
    ],
    why: 'A new resource is given the machine of a former one of its name, and cleans it.',
  },
];
