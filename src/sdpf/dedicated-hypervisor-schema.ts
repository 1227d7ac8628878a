import * as z from 'zod';
import { commonSpec, commonStatus, objectName, secretKey, text } from '../engine/schema.ts';

/** What people call it. */
export const noun = 'server';

const reference = (description: string) => z.string().min(1).max(2048).regex(/^\S+$/).describe(description);

export const network = z
  .object({
    uuid: z.string().min(1).max(64).optional().describe('ID of the logical network. Either this or port.'),
    port: z.string().min(1).max(64).optional().describe('ID of an existing port. Either this or uuid.'),
    fixedIP: z
      .string()
      .min(1)
      .max(45)
      .optional()
      .describe('IPv4 address in the network. Default: the platform picks one.'),
    segmentationID: z.int().min(4).max(4093).optional().describe('VLAN ID.'),
    plane: z.enum(['data', 'storage']).optional().describe('Plane of the physical NIC. Sent only where given.'),
  })
  .meta({
    k8s: {
      'x-kubernetes-validations': [
        { rule: 'has(self.uuid) != has(self.port)', message: 'a network needs either uuid or port, not both' },
      ],
    },
  })
  .describe('One physical NIC.');

export const spec = z
  .object({
    ...commonSpec(noun),
    name: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe(
        'Name of the server, also its host name. The only field that can be changed once the server was bought. Default: metadata.name; an adopted server keeps its name.',
      ),
    description: z
      .string()
      .max(180)
      .optional()
      .describe(
        'Description. The owner marker is put before it, so that the server is found again after any loss of the cluster.',
      ),
    imageRef: reference('ID or URL of the hypervisor image.').optional(),
    flavorRef: reference('ID or URL of the flavor (the size of the machine).').optional(),
    availabilityZone: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe('Availability zone, e.g. zone1-groupa. Default: the platform picks one.'),
    networks: z
      .array(network)
      .min(1)
      .max(4)
      .optional()
      .describe(
        'Networks in order: one entry for each physical NIC, so a logical network usually stands twice. The first is the default gateway.',
      )
      .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
    metadata: z
      .record(z.string(), z.string().max(255).describe('Value, at most 255 bytes.'))
      .optional()
      .describe('Key-value pairs kept with the server; at most 255 bytes each. The key freehold-owner is ours.')
      .meta({
        k8s: {
          maxProperties: 32,
          'x-kubernetes-validations': [
            {
              rule: "!('freehold-owner' in self)",
              message: 'the key freehold-owner is written by the operator: choose another key',
            },
          ],
        },
      }),
    adminPasswordSecretRef: z
      .object({
        name: objectName('Name of the Secret in this namespace, of type freehold.dev/credentials.'),
        key: secretKey('Key in the Secret.').default('password'),
      })
      .optional()
      .describe(
        'The root password for the create. Default: one is generated and stored in the Secret <metadata.name>-admin-password, key password, before the server is ordered.',
      ),
  })
  .describe('The server as it should be.');

export const status = z
  .object({
    ...commonStatus(noun),
    state: text('Status of the server as the remote says it: BUILD, ACTIVE, ERROR.'),
    taskState: text('What the machine is doing; absent when idle.'),
    powerState: text('RUNNING, SHUTDOWN or CRASHED, as the remote says it.'),
    name: text('Name of the server at the remote.'),
    hypervisorType: text('Hypervisor, e.g. vsphere_esxi.'),
    imageName: text('Name of the image.'),
    availabilityZone: text('Where the machine stands.'),
    cfgwConnected: z.boolean().optional().describe('Connected to the common function gateway.'),
    chassis: z
      .record(z.string(), z.string().describe('As the remote says it: true, false or a number.'))
      .optional()
      .describe('Health of the chassis by part, e.g. power-supply.'),
    nics: z
      .array(
        z.object({
          macAddress: z.string().describe('MAC address, lower case.'),
          plane: text('data or storage.'),
          addresses: z
            .array(z.string())
            .describe('IP addresses of the ports attached to it.')
            .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
        }),
      )
      .optional()
      .describe('Physical NICs. One port with a 169.254 address belongs to the common function gateway.')
      .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
    createdAt: text('When the server was created, as the remote says.'),
    updatedAt: text('When the server was last updated, as the remote says.'),
  })
  .describe('The server as it was last seen, written by the operator.');
