import * as z from 'zod';
import type { CrdDefinition } from '../../src/engine/crd.ts';

/** A kind that uses everything a schema of ours may use. */
export const sampleKind: CrdDefinition = {
  group: 'test.freehold.dev',
  version: 'v1alpha1',
  names: { kind: 'Sample', plural: 'samples', shortNames: ['smp'], categories: ['freehold'] },
  description: 'A server that stands nowhere.',
  spec: z
    .object({
      imageRef: z.string().min(1).max(64).optional().describe('Image of the server. Only a create needs it.'),
      policy: z.enum(['Retain', 'Delete']).default('Retain').describe('What becomes of the server.'),
      cores: z.int().min(1).max(128).optional().describe('Cores, see <name>|x.'),
      big: z.int().optional().describe('A large number.'),
      ratio: z.number().gt(0).max(1).optional().describe('A share.'),
      tenantRef: z
        .strictObject({ name: z.string().max(63).describe('Name of the tenant.') })
        .describe('The tenant that pays.'),
      networks: z
        .array(z.object({ uuid: z.uuid().describe('ID of the network.') }))
        .max(4)
        .default([])
        .meta({ description: 'Networks; the first is the gateway.', k8s: { 'x-kubernetes-list-type': 'atomic' } }),
      ports: z
        .array(
          z.object({
            name: z.string().max(20).describe('Name of the port.'),
            speed: z
              .union([z.literal('slow'), z.literal('fast')])
              .default('slow')
              .describe('Speed.'),
            segmentationID: z.int().max(4094).optional().describe('VLAN.'),
          }),
        )
        .max(8)
        .optional()
        .meta({
          description: 'Ports.',
          k8s: {
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
            'x-kubernetes-validations': [
              {
                rule: "self.all(p, p.speed == 'slow' || has(p.segmentationID))",
                message: 'a fast port needs a segmentationID',
              },
            ],
          },
        }),
      labels: z
        .record(z.string().max(20), z.string().max(40))
        .optional()
        .meta({ description: 'Labels of the server.', k8s: { maxProperties: 10 } }),
      weight: z
        .union([z.int(), z.string().max(10)])
        .optional()
        .meta({ description: 'Weight.', k8s: { 'x-kubernetes-int-or-string': true, maxLength: 10 } }),
      options: z
        .unknown()
        .optional()
        .meta({ description: 'Passed on as it is.', k8s: { 'x-kubernetes-preserve-unknown-fields': true } }),
      note: z.string().max(100).regex(/^\S/).regex(/\S$/).nullable().optional().describe('A note.'),
    })
    .describe('What is wanted.'),
  status: z
    .object({
      observedGeneration: z.int().optional().describe('Generation that the status speaks of.'),
      externalID: z.string().max(64).optional().describe('ID of the server.'),
      lastSyncTime: z.iso.datetime().optional().describe('When the server was last seen changed.'),
      fault: z.string().optional().describe('The words of the remote, of any length.'),
      conditions: z
        .array(
          z.object({
            type: z.string().describe('Name of the condition.'),
            status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
            observedGeneration: z.int32().optional().describe('Generation that it speaks of.'),
          }),
        )
        .optional()
        .meta({
          description: 'Conditions.',
          k8s: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
        }),
    })
    .describe('What is known.'),
  printerColumns: [
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'ID', type: 'string', jsonPath: '.status.externalID', priority: 1, description: 'ID of the server.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  conditions: [{ type: 'CFGWConnected', description: 'The gateway is up.', reasons: ['CFGWUp', 'CFGWDown'] }],
  rules: [
    {
      rule: '!has(oldSelf.status) || !has(oldSelf.status.externalID) || (has(self.spec.imageRef) == has(oldSelf.spec.imageRef) && (!has(self.spec.imageRef) || self.spec.imageRef == oldSelf.spec.imageRef))',
      message: 'imageRef cannot change once the server exists: make another resource',
      fieldPath: '.spec.imageRef',
      reason: 'FieldValueForbidden',
    },
    { rule: 'self.spec.tenantRef == oldSelf.spec.tenantRef', message: 'tenantRef is immutable' },
  ],
};
