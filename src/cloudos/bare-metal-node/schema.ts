import * as z from 'zod';
import { commonSpec } from '../../engine/schema.ts';
import { bmc } from './schema-bmc.ts';
import { patchableKeys } from './schema-keys.ts';
import { portGroups, ports } from './schema-ports.ts';

/** What people call it. */
export const noun = 'node';

const word = (longest: number, description: string) =>
  z.string().min(1).max(longest).regex(/^\S+$/).describe(description);

/** Values in `k:v,k:v`: a comma would end one. */
const capabilityValue = z
  .string()
  .max(255)
  .regex(/^[^,]*$/);

const properties = z
  .object({
    cpus: z.int().min(1).max(65_535).optional().describe('Number of CPUs; sent as properties.cpus.'),
    memoryMB: z.int().min(1).max(1_073_741_824).optional().describe('Memory in MiB; sent as properties.memory_mb.'),
    localGB: z.int().min(1).max(1_073_741_824).optional().describe('Local disk in GiB; sent as properties.local_gb.'),
    architecture: word(64, 'CPU architecture, e.g. x86_64; sent as properties.cpu_arch.').optional(),
    capabilities: z
      .record(z.string(), capabilityValue.describe('Value, without a comma.'))
      .optional()
      .describe(
        'Capabilities by name. They are merged into those that the remote has, since inspection adds its own; one that is removed here stays there.',
      )
      .meta({ k8s: { maxProperties: 64 } }),
    extra: z
      .record(z.string(), z.string().max(2048).describe('Value.'))
      .optional()
      .describe('Further properties, sent under these very names. One that is removed here stays at the remote.')
      .meta({ k8s: { maxProperties: 64, 'x-kubernetes-validations': [patchableKeys] } }),
  })
  .optional()
  .describe(
    'What the machine is. Only what is named here is compared and sent; what is removed here stays at the remote as it is.',
  );

const interfaceName = (description: string) => word(255, description).optional();

const interfaces = z
  .object({
    bios: interfaceName('bios_interface.'),
    boot: interfaceName('boot_interface.'),
    console: interfaceName('console_interface.'),
    deploy: interfaceName('deploy_interface.'),
    inspect: interfaceName('inspect_interface.'),
    management: interfaceName('management_interface.'),
    network: interfaceName('network_interface, e.g. neutron, flat or noop.'),
    power: interfaceName('power_interface.'),
    raid: interfaceName('raid_interface.'),
    storage: interfaceName('storage_interface.'),
    vendor: interfaceName('vendor_interface.'),
  })
  .optional()
  .describe(
    'Hardware interfaces, where the default of the driver does not fit. They can be changed while the node is in enroll, manageable or available, or in maintenance.',
  );

const cleanStep = z
  .object({
    interface: word(64, 'Hardware interface that has the step, e.g. deploy or raid.'),
    step: word(255, 'Name of the step, e.g. erase_devices_metadata.'),
    args: z
      .looseObject({})
      .optional()
      .describe('Arguments of the step.')
      .meta({ k8s: { 'x-kubernetes-preserve-unknown-fields': true } }),
  })
  .describe('One step.');

const action = z
  .object({
    requestedAt: z
      .string()
      .min(1)
      .max(64)
      .meta({ format: 'date-time' })
      .describe(
        'When it was asked for, e.g. 2026-11-22T08:00:00Z: it runs once, and a later date asks anew (an earlier one than that of status.action does not); status.action has the result. One older than this resource is not sent to a node that was there before: it may have been carried out already.',
      ),
    verb: z
      .enum(['Reboot', 'Inspect', 'Clean', 'Abort', 'Adopt'])
      .describe(
        'Reboot: power off and on, hard. Inspect: look at the hardware again (it reboots). Clean: run cleanSteps, which may erase disks. Abort: stop a cleaning or an inspection that waits for the machine. Adopt: take the machine as deployed, without touching it.',
      ),
    cleanSteps: z
      .array(cleanStep)
      .min(1)
      .max(32)
      .optional()
      .describe('What Clean is to do, in this order. Required with Clean, and only there.')
      .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
  })
  .optional()
  .describe('Something to be done once.')
  .meta({
    k8s: {
      'x-kubernetes-validations': [
        {
          rule: "(self.verb == 'Clean') == has(self.cleanSteps)",
          message: 'cleanSteps are required with verb Clean, and only allowed there',
        },
      ],
    },
  });

export const spec = z
  .object({
    ...commonSpec(noun, {
      retain: 'it stays registered as it is, and the same manifest applied again finds it',
      delete:
        'it is removed from the bare-metal service with its ports and port groups, once nobody uses it; its disks are not erased',
      again: 'it is registered once more',
      instead: 'registering one',
    }),
    name: word(
      255,
      'Name of the node at the remote, unique there. Default: it has none (an adopted node keeps its own).',
    ).optional(),
    driver: word(255, 'Driver (hardware type), e.g. ipmi, redfish or pxe_ipmitool.').optional(),
    resourceClass: word(80, 'Resource class by which a scheduler finds the node.').optional(),
    bmc: bmc.optional(),
    properties,
    bootMode: z
      .enum(['BIOS', 'UEFI'])
      .optional()
      .describe('How the machine boots: the capability boot_mode. Default: it is left alone.'),
    interfaces,
    portGroups: portGroups.optional(),
    ports: ports.optional(),
    provisioning: z
      .enum(['Enrolled', 'Manageable', 'Available'])
      .default('Manageable')
      .describe(
        'How far the node is brought. Enrolled: known, nothing more. Manageable: its BMC is verified. Available: offered to a scheduler; on the way there, and on the way back, the remote may clean the node, and cleaning may erase all disks. A node that an instance has is left to it.',
      ),
    allowCleaning: z
      .boolean()
      .default(false)
      .describe(
        'Matters for an adopted node (externalID) only: without it the node is never cleaned, so it is neither made available nor taken back from there.',
      ),
    power: z
      .enum(['PoweredOn', 'PoweredOff', 'Unmanaged'])
      .default('Unmanaged')
      .describe(
        'Power of a node that no instance has. PoweredOff is a hard power off: the operating system is not asked. Unmanaged: it is left alone.',
      ),
    maintenance: z
      .object({ reason: z.string().min(1).max(255).describe('Why; shown at the remote after "freehold: ".') })
      .optional()
      .describe(
        'Puts the node in maintenance. Removed, the node leaves it again; a maintenance of somebody else is left alone.',
      ),
    inspect: z
      .enum(['Never', 'Once'])
      .default('Never')
      .describe(
        'Once: the hardware of a manageable node is inspected if it never was; the machine reboots for that. Never: it is not.',
      ),
    action,
  })
  .describe('The node as it should be.');

export type Spec = z.output<typeof spec>;
