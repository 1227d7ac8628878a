import * as z from 'zod';
import { patchableKeys } from './schema-keys.ts';

const macAddress = z
  .string()
  .max(17)
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);

const groupName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[^\s/]+$/);

export const portGroups = z
  .array(
    z.object({
      name: groupName.describe(
        'Name, e.g. bond0. At the remote it is <ID of the node>-<name>, since names of port groups are unique there.',
      ),
      address: macAddress.optional().describe('MAC address of the bond, lower case. Default: it is left alone.'),
      mode: z
        .string()
        .min(1)
        .max(64)
        .regex(/^\S+$/)
        .optional()
        .describe('Bonding mode, e.g. active-backup or 802.3ad. Default: the remote picks one.'),
      properties: z
        .record(z.string(), z.string().max(255).describe('Value.'))
        .optional()
        .describe('Properties of the bond, e.g. miimon.')
        .meta({ k8s: { maxProperties: 32, 'x-kubernetes-validations': [patchableKeys] } }),
      standalonePortsSupported: z
        .boolean()
        .optional()
        .describe('May its ports be used alone, e.g. to boot from the network? Default: the remote says yes.'),
    }),
  )
  .max(16)
  .describe(
    'Port groups (bonds) by name. One that is removed here is removed at the remote; one that this operator did not make and that is not named here is left alone. A gateway that shows no more than name and address is not compared further.',
  )
  .meta({ k8s: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] } });

export const ports = z
  .array(
    z.object({
      macAddress: macAddress.describe('MAC address of the NIC, lower case with colons.'),
      pxeEnabled: z
        .boolean()
        .optional()
        .describe('May the machine boot from the network by it? Default: the remote says yes, or it is left alone.'),
      physicalNetwork: z
        .string()
        .min(1)
        .max(64)
        .regex(/^\S+$/)
        .optional()
        .describe('Physical network; the same for all ports of a group. Default: it is left alone.'),
      localLinkConnection: z
        .object({
          portID: z.string().min(1).max(255).describe('Port of the switch, e.g. Ethernet3/1.'),
          switchID: z
            .string()
            .min(1)
            .max(255)
            .describe('MAC address or OpenFlow datapath ID of the switch; case does not matter.'),
          switchInfo: z.string().min(1).max(255).optional().describe('What else says which switch it is.'),
        })
        .optional()
        .describe('Where the NIC is plugged in. Default: it is left alone.'),
      portGroup: groupName
        .optional()
        .describe('Name of the entry of portGroups that it belongs to. Default: none that stands there.'),
    }),
  )
  .max(32)
  .describe(
    'NICs by MAC address. One that is removed here is removed at the remote; one that this operator did not make (inspection makes some) and that is not named here is left alone. What says how it is connected can be changed while the node is in enroll or manageable, or in maintenance.',
  )
  .meta({ k8s: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['macAddress'] } });

export type PortGroupSpec = z.output<typeof portGroups>[number];
export type PortSpec = z.output<typeof ports>[number];
