import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeChanges } from '../../src/cloudos/bare-metal-node/node-changes.ts';
import type { Spec } from '../../src/cloudos/bare-metal-node/schema.ts';
import { node as nodeSchema, type Node } from '../../src/cloudos/wire-node.ts';
import { reasons } from '../../src/engine/reasons.ts';
import type { Step } from '../../src/engine/kind.ts';
import { deployed, maybe, more, moving, nodes, partsThere, states, takes, wishes } from './cloudos-node-arbitraries.ts';
import { createFakeIronic, drive, kind, password, patched, plan, present, secretsFor } from './cloudos-node-samples.ts';

const settings = { numRuns: 300 };
/** Half of the nodes are as the spec says but for state and power: otherwise an update would come first nearly always. */
const given = (holds: (step: Step, spec: Spec, node: Node) => void) =>
  fc.assert(
    fc.property(wishes, nodes, more, partsThere, fc.boolean(), (spec, found, rest, parts, same) => {
      const patch = nodeChanges(spec, found).ready.map((change) => change.patch);
      const node = same ? patched(found, patch) : found;
      const { changedSecrets: _, ...unchanged } = rest;
      holds(plan(spec, node, same ? unchanged : rest, parts), spec, node);
    }),
    settings,
  );

const sends = (step: Step) => ['create', 'update', 'act', 'remove'].includes(step.do);

describe('whatever the spec says and the remote answers, the plan of a node', () => {
  test('is found, with a reason that people can look up', () => {
    given((step) => {
      if ('reason' in step) expect(reasons).toHaveProperty(step.reason);
      if ('message' in step) expect(step.message).not.toMatch(/undefined|\[object/);
      if (step.do === 'update') expect(step.drift.join()).not.toContain(password);
    });
  });

  test('has no verb, no power and no part for one that an instance has, or somebody who deployed it', () => {
    given((step, _, node) => {
      if (node.instance_uuid === undefined && !deployed.includes(node.provision_state ?? '')) return;
      expect(['update', 'wait', 'ready', 'blocked', 'conclude']).toContain(step.do);
      if (step.do === 'update') expect(step.remote).toBe('main');
    });
  });

  test('never cleans an adopted node without the word that allows it', () => {
    given((step, spec, node) => {
      if (step.do !== 'act' || spec.externalID === undefined || spec.allowCleaning) return;
      expect(['provide', 'clean']).not.toContain(step.verb);
      // Coming back from there cleans it.
      if (node.provision_state === 'available') expect(step.verb).not.toBe('manage');
    });
  });

  test('sends nothing while the remote is at work, but the abort that a person asked for', () => {
    given((step, spec, node) => {
      const state = node.provision_state ?? '';
      const busy = node.reservation !== undefined || node.target_power_state !== undefined;
      if (!busy && !moving.includes(state) && states.includes(state) && state !== 'dreaming' && state !== '') return;
      if (step.do === 'act') {
        expect([step.verb, spec.action?.verb, step.obeys, busy]).toEqual(['abort', 'Abort', 'action', false]);
      } else expect(sends(step)).toBe(false);
    });
  });

  test('sends no verb that the state does not take', () => {
    given((step, _, node) => {
      if (step.do !== 'act' || step.verb.includes('maintenance') || /^power |^rebooting$/.test(step.verb)) return;
      expect(takes[node.provision_state ?? '']).toContain(step.verb);
    });
  });

  test('switches the power, inspects, cleans and adopts by a written word only', () => {
    given((step, spec) => {
      if (step.do !== 'act') return;
      const words: Record<string, boolean> = {
        'power on': spec.power === 'PoweredOn',
        'power off': spec.power === 'PoweredOff',
        rebooting: spec.action?.verb === 'Reboot',
        inspect: spec.inspect === 'Once' || spec.action?.verb === 'Inspect',
        clean: spec.action?.verb === 'Clean',
        adopt: spec.action?.verb === 'Adopt',
        provide: spec.provisioning === 'Available',
      };
      expect(words[step.verb] ?? true).toBe(true);
    });
  });

  test('leaves a failed state by a word only', () => {
    given((step, _, node) => {
      if (!['clean failed', 'inspect failed', 'adopt failed'].includes(node.provision_state ?? '')) return;
      if (step.do !== 'act' || step.verb === 'maintenance') return;
      const ownMaintenance = step.verb === 'leave maintenance' && node.maintenance_reason?.startsWith('freehold: ');
      if (!ownMaintenance) expect(step.obeys ?? (step.fresh && 'retry')).toMatch(/action|retry/);
    });
  });
});

describe('whatever the remote answers, the way towards none', () => {
  test('deletes no node that is used or at work, and only where Ironic takes it', () => {
    fc.assert(
      fc.property(nodes, partsThere, (node, parts) => {
        const step = kind.planRemoval({ main: node, parts, name: 'web' }, {} as never);
        const busy = node.reservation !== undefined || node.target_power_state !== undefined;
        if (node.instance_uuid !== undefined || busy) expect(step.do).toBe('wait');
        if (step.do === 'remove') expect(['enroll', 'manageable', 'adopt failed']).toContain(node.provision_state);
        if (step.do === 'act')
          expect([step.verb, takes[node.provision_state ?? '']]).toEqual([
            'manage',
            expect.arrayContaining(['manage']),
          ]);
      }),
      settings,
    );
  });
});

describe('whatever differs, a patch of the node', () => {
  test('mends it: after it nothing is left to send', () => {
    fc.assert(
      fc.property(wishes, nodes, (spec, node) => {
        const patch = nodeChanges(spec, node).ready.map((change) => change.patch);
        expect(nodeChanges(spec, patched(node, patch)).ready).toEqual([]);
      }),
      settings,
    );
  });

  test('holds no secret as text, no mask, and of the secrets only those that changed', () => {
    fc.assert(
      fc.property(
        wishes,
        nodes,
        fc.subarray(['ipmi_username', 'ipmi_password', 'redfish_password']),
        (spec, node, changed) => {
          const { ready } = nodeChanges(spec, node, changed, secretsFor(spec));
          const text = JSON.stringify(ready);
          expect(text).not.toContain(password);
          expect(ready.map(({ patch }) => patch.value)).not.toContain('******');
          const secret = ready
            .filter(({ patch }) => /_(username|password)$/.test(patch.path))
            .map(({ patch }) => patch.path);
          const names = Object.keys(secretsFor(spec)).filter((name) => changed.includes(name));
          expect(secret).toEqual(names.map((name) => `/driver_info/${name}`));
        },
      ),
      settings,
    );
  });
});

describe('whatever the remote answers, status', () => {
  test('shows it in the fields of the schema, without a secret', () => {
    fc.assert(
      fc.property(wishes, nodes, partsThere, (spec, node, parts) => {
        const shown = kind.report(node, 0, spec);
        const status = { ...shown.status, ...kind.reportParts!(parts) };
        const stored = JSON.parse(JSON.stringify(status)) as object;
        expect(kind.status.partial().strict().parse(stored)).toEqual(stored);
        expect(JSON.stringify(shown)).not.toContain(password);
        for (const { type, reason } of shown.conditions) {
          const declared = kind.conditions!.find((condition) => condition.type === type);
          expect(declared?.reasons).toContain(reason);
        }
        for (const difference of kind.differences({ spec: spec, name: 'web' }, node))
          expect(difference).toMatch(/: wanted /);
      }),
      settings,
    );
  });
});

describe('whatever the spec, a node', () => {
  test('comes to rest, and then nothing more is sent', async () => {
    const start = fc.record(
      {
        provision_state: fc.constantFrom(
          'enroll',
          'manageable',
          'available',
          'clean failed',
          'inspect failed',
          'active',
        ),
        maintenance: fc.boolean(),
        maintenance_reason: fc.constantFrom('freehold: x', 'Bob'),
        power_state: fc.constantFrom('power on', 'power off', null),
      },
      { requiredKeys: ['provision_state'] },
    );
    await fc.assert(
      fc.asyncProperty(wishes, maybe(start), more, async (spec, fields, { retry, changedSecrets }) => {
        const ironic = createFakeIronic(
          fields &&
            nodeSchema.parse({ uuid: 'n1', driver: 'ipmi', driver_info: { ipmi_password: '******' }, ...fields }),
        );
        const rest = {
          ...(retry !== undefined && { retry }),
          ...(changedSecrets && { changedSecrets: [...changedSecrets] }),
        };
        const last = await drive(ironic, spec, rest);
        const { length } = ironic.calls;
        const { action } = last;
        await drive(ironic, spec, action ? { action } : {});
        expect(ironic.calls.slice(length)).toEqual([]);
        expect(new Set(ironic.calls.filter((call) => call.startsWith('POST'))).size).toBe(
          ironic.calls.filter((call) => call.startsWith('POST')).length,
        );
        expect(present(ironic.node!).id).toBe('n1');
      }),
      { numRuns: 150 },
    );
  });
});
