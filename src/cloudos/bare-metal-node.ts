import { defineKind, type Kind, type PartObject } from '../engine/kind.ts';
import { commonColumns, commonRules, requiredUnlessAdopted } from '../engine/schema.ts';
import { driverInfoProblem, secretsOf } from './bare-metal-node/bmc.ts';
import { propertiesProblem } from './bare-metal-node/node-changes.ts';
import { nodeObject } from './bare-metal-node/node.ts';
import { planRemoval } from './bare-metal-node/plan-removal.ts';
import { planNode } from './bare-metal-node/plan.ts';
import { portGroupObject } from './bare-metal-node/port-group.ts';
import { portObject } from './bare-metal-node/port.ts';
import { report, reportParts } from './bare-metal-node/report.ts';
import { noun, type Spec, spec } from './bare-metal-node/schema.ts';
import { status } from './bare-metal-node/schema-status.ts';
import { standingDifferences } from './bare-metal-node/differences.ts';
import type { CloudOSClient } from './client.ts';
import type { Node } from './wire-node.ts';

/** A machine in a rack, as Ironic knows it, with its NICs and bonds. */
export const bareMetalNode: Kind = defineKind<typeof spec, Node, CloudOSClient>({
  group: 'cloudos.freehold.dev',
  version: 'v1alpha1',
  names: { kind: 'BareMetalNode', plural: 'baremetalnodes', shortNames: ['bmn'], categories: ['freehold'] },
  description:
    'A BareMetalNode is a machine that a bare-metal service (Ironic, plain or behind the CloudOS gateway) manages by its BMC: it is registered, verified and, where asked for, inspected, made available and switched on or off.',
  spec,
  status,
  conditions: [
    {
      type: 'PowerMatches',
      description: 'The power state is as spec.power says.',
      reasons: ['PowerAsWished', 'PowerUnmanaged', 'PowerDiffers', 'NotReported'],
    },
    {
      type: 'InMaintenance',
      description: 'The node is in maintenance, whoever asked for it.',
      reasons: ['InMaintenance', 'NotInMaintenance'],
    },
    {
      type: 'InUse',
      description: 'An instance has the node: its provisioning and its power are left to that instance.',
      reasons: ['InstanceAttached', 'NoInstance'],
    },
  ],
  printerColumns: commonColumns([
    { name: 'State', type: 'string', jsonPath: '.status.state' },
    { name: 'Power', type: 'string', jsonPath: '.status.powerState' },
    { name: 'Synced', type: 'string', jsonPath: '.status.conditions[?(@.type=="Synced")].status' },
    { name: 'Instance', type: 'string', jsonPath: '.status.instanceID', priority: 1 },
    { name: 'External-ID', type: 'string', jsonPath: '.status.externalID', priority: 1 },
    { name: 'Driver', type: 'string', jsonPath: '.status.driver', priority: 1 },
  ]),
  rules: [
    ...commonRules(noun),
    requiredUnlessAdopted('driver'),
    requiredUnlessAdopted('bmc'),
    {
      rule: '!has(oldSelf.spec.action) || !has(self.spec.action) || self.spec.action.requestedAt != oldSelf.spec.action.requestedAt || self.spec.action.verb == oldSelf.spec.action.verb',
      message:
        'spec.action.verb was changed under the same requestedAt, which was asked for already: write the present date',
      fieldPath: '.spec.action.verb',
      reason: 'FieldValueInvalid',
    },
    {
      rule: '!has(self.spec.bmc) || has(self.spec.driver) || has(self.spec.bmc.keyPrefix)',
      message:
        'spec.bmc needs spec.driver or spec.bmc.keyPrefix: they say what its keys are called at the remote, e.g. ipmi_address',
      fieldPath: '.spec.bmc.keyPrefix',
      reason: 'FieldValueRequired',
    },
    {
      rule: '!has(self.spec.ports) || self.spec.ports.all(port, !has(port.portGroup) || (has(self.spec.portGroups) && self.spec.portGroups.exists(group, group.name == port.portGroup)))',
      message: 'spec.ports[].portGroup must name an entry of spec.portGroups',
      fieldPath: '.spec.ports',
      reason: 'FieldValueInvalid',
    },
    {
      rule: '!has(self.spec.ports) || !has(self.spec.portGroups) || self.spec.ports.all(port, !has(port.portGroup) || (has(port.pxeEnabled) && !port.pxeEnabled) || self.spec.portGroups.all(group, group.name != port.portGroup || !has(group.standalonePortsSupported) || group.standalonePortsSupported))',
      message:
        'a port in a port group with standalonePortsSupported: false cannot boot from the network: give it pxeEnabled: false',
      fieldPath: '.spec.ports',
      reason: 'FieldValueInvalid',
    },
  ],
  tenantKind: 'CloudOSTenant',
  limit: 'maxBareMetalNodes',
  retained: 'the node stays registered as it is, and the same manifest applied again finds it',
  main: nodeObject,
  parts: {
    portGroup: portGroupObject as PartObject<Spec, unknown, CloudOSClient>,
    port: portObject as PartObject<Spec, unknown, CloudOSClient>,
  },
  secrets: secretsOf,
  validate: ({ spec: wanted }) => driverInfoProblem(wanted) ?? propertiesProblem(wanted),
  plan(desired, { main, parts }) {
    switch (main.state) {
      case 'present':
        return planNode(desired, main.remote, parts);
      case 'absent':
        return { do: 'create', remote: 'main' };
      case 'unknown':
        return { do: 'wait', reason: main.reason, message: main.message };
    }
  },
  planRemoval: ({ main }) => planRemoval(main),
  differences: ({ spec: wanted, action }, node) => standingDifferences(wanted, node, action),
  report: (node, _now, wanted) => report(node, wanted),
  reportParts,
});
