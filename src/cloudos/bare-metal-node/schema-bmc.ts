import * as z from 'zod';
import { objectName, secretKey } from '../../engine/schema.ts';
import { patchableKeys } from './schema-keys.ts';

const secretKeyRef = z
  .object({
    name: objectName('Name of the Secret in this namespace, of type freehold.dev/credentials.'),
    key: secretKey('Key in the Secret.'),
  })
  .describe('Where the value stands.');

/** How the BMC of a node is reached: what becomes driver_info. */
export const bmc = z
  .object({
    address: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[^\s@]+$/)
      .describe(
        'Host name, IP address or (with redfish) URL of the BMC. One BMC serves one node: where another node or resource has it, this one is Stalled with reason BMCTaken.',
      ),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe(
        'Port of the BMC. Default: the driver picks its usual one. With redfish it becomes part of the address.',
      ),
    credentialsSecretRef: z
      .object({
        name: objectName('Name of the Secret in this namespace, of type freehold.dev/credentials.'),
        usernameKey: secretKey('Key of the user name in the Secret.').default('username'),
        passwordKey: secretKey('Key of the password in the Secret.').default('password'),
      })
      .optional()
      .describe(
        'User name and password of the BMC. A changed Secret is sent on within 5 minutes. The remote never shows the password again, so a change that somebody makes there is not seen.',
      ),
    keyPrefix: z
      .string()
      .max(32)
      .regex(/^[a-z][a-z0-9_]*$/)
      .optional()
      .describe(
        'What the keys of driver_info begin with, as in ipmi_address. Default: by the driver, redfish for redfish, drac for idrac, ilo, irmc, xclarity and ibmc for drivers of these names, else ipmi.',
      ),
    driverInfo: z
      .record(z.string(), z.string().max(2048).describe('Value; nothing secret.'))
      .optional()
      .describe(
        'Further driver_info by name, e.g. deploy_kernel or redfish_system_id; address, port, user name and password stand above. Only what is named here is compared and sent; what is removed here stays at the remote.',
      )
      .meta({
        k8s: {
          maxProperties: 64,
          'x-kubernetes-validations': [
            patchableKeys,
            {
              rule: "self.all(key, !key.lowerAscii().contains('password'))",
              message:
                'a password does not belong into a resource: use credentialsSecretRef, or driverInfoFrom for a further one',
            },
          ],
        },
      }),
    driverInfoFrom: z
      .array(
        z.object({
          key: z
            .string()
            .min(1)
            .max(255)
            .regex(/^[A-Za-z0-9_-]+$/)
            .describe('Name in driver_info, e.g. snmp_auth_key.'),
          secretKeyRef,
        }),
      )
      .max(16)
      .optional()
      .describe(
        'Further driver_info whose values are secret. A changed Secret is sent on within 5 minutes. It wins over driverInfo and over credentialsSecretRef.',
      )
      .meta({ k8s: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['key'] } }),
  })
  .describe('The management controller of the machine, and how to sign in there.');

export type BMC = z.output<typeof bmc>;
