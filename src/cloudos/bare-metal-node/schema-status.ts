import * as z from 'zod';
import { commonStatus, text } from '../../engine/schema.ts';
import { noun } from './schema.ts';

export const status = z
  .object({
    ...commonStatus(noun),
    state: text('Provision state as the remote says it, e.g. enroll, manageable, available, active.'),
    targetState: text('Provision state that the remote brings the node to; absent at rest.'),
    powerState: text('power on, power off or error, as the remote says it.'),
    targetPowerState: text('Power state that the remote brings the node to; absent at rest.'),
    lastError: text('Last error of the node, in the words of the remote.'),
    maintenance: z
      .object({
        enabled: z.boolean().describe('In maintenance.'),
        reason: text('Why.'),
      })
      .optional()
      .describe('Maintenance at the remote, whoever asked for it.'),
    reservation: text('The conductor that has locked the node; absent mostly.'),
    instanceID: text('ID of the instance that has the node.'),
    driver: text('Driver of the node.'),
    name: text('Name of the node at the remote.'),
    resourceClass: text('Resource class of the node.'),
    hardware: z
      .object({
        cpus: text('Number of CPUs.'),
        memoryMB: text('Memory in MiB.'),
        localGB: text('Local disk in GiB.'),
        architecture: text('CPU architecture.'),
        capabilities: text('Capabilities as the remote has them, name:value with commas between.'),
      })
      .optional()
      .describe('What the remote knows of the machine, by the spec or by inspection.'),
    ports: z
      .array(
        z.object({
          macAddress: z.string().describe('MAC address, lower case.'),
          id: z.string().describe('ID of the port.'),
          pxeEnabled: z.boolean().optional().describe('May the machine boot from the network by it?'),
          portGroupID: text('ID of the port group that it belongs to.'),
          physicalNetwork: text('Physical network.'),
        }),
      )
      .optional()
      .describe('Ports of the node.')
      .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
    portGroups: z
      .array(
        z.object({
          name: z.string().describe('Name, without the ID of the node.'),
          id: z.string().describe('ID of the port group.'),
          address: text('MAC address.'),
          mode: text('Bonding mode.'),
        }),
      )
      .optional()
      .describe('Port groups of the node.')
      .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
    createdAt: text('When the node was registered, as the remote says.'),
    provisionUpdatedAt: text('When its provision state last changed, as the remote says.'),
    inspectionFinishedAt: text('When its last inspection ended, as the remote says.'),
  })
  .describe('The node as it was last seen, written by the operator.');
