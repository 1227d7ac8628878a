import * as z from 'zod';
import type { PrinterColumn } from './crd.ts';
import { everyStatus, objectName } from './schema.ts';
import type { Rule } from './structural.ts';

/** Where a remote is called. */
export const url = (description: string) =>
  z
    .string()
    .max(2048)
    .regex(/^https?:\/\/[^\s?#]+$/)
    .describe(description);

/** Columns of `kubectl get`: is it well, which one is it, how old; where it is and why with `-o wide`. */
export function tenantColumns(own: PrinterColumn[]): PrinterColumn[] {
  return [
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    ...own,
    { name: 'Endpoint', type: 'string', jsonPath: '.status.endpoint', priority: 1 },
    { name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ];
}

/** Spec fields of every tenant kind. */
export function tenantSpec(keys: string, limits: z.ZodRawShape) {
  return {
    credentialsSecretRef: z
      .object({ name: objectName('Name of the Secret in this namespace.') })
      .describe(
        `The Secret with the credentials: type freehold.dev/credentials, keys ${keys}. It is read again every 5 minutes, and new credentials are proved before the old ones are dropped.`,
      ),
    caBundle: z
      .string()
      .min(1)
      .max(65536)
      .optional()
      .describe('PEM certificates that replace the system roots when the remote is called.'),
    pollInterval: z
      .int()
      .min(5)
      .max(3600)
      .default(60)
      .describe('Seconds between two lists while nothing is in motion. One list feeds all resources of the tenant.'),
    limits: z
      .object({
        requestsPerSecond: z
          .number()
          .min(0.01)
          .max(1000)
          .default(5)
          .describe('Calls a second to the remote, in the long run, over all resources of this remote tenant.'),
        burst: z.int().min(1).max(1000).default(20).describe('Calls that may go out at once after a quiet time.'),
        ...limits,
      })
      .prefault({})
      .describe('Bounds that keep this operator from costing more than intended.'),
  };
}

/** Status fields of every tenant kind; `facts` are the provider's own. */
export function tenantStatus(facts: z.ZodRawShape) {
  return z.object({
    ...everyStatus,
    reachable: z.boolean().optional().describe('Signed in, and the last lists were complete.'),
    endpoint: z
      .string()
      .optional()
      .describe('Where calls go; last proved by a sign-in and, where something is recorded, by seeing it there.'),
    identity: z
      .object({
        projectID: z.string().describe('ID of the project that the token is for.'),
        projectName: z.string().describe('Its name.'),
        userName: z.string().describe('The user of the credentials.'),
      })
      .optional()
      .describe('What the token says of us.'),
    credentials: z
      .object({
        uid: z.string().describe('metadata.uid of the Secret.'),
        resourceVersion: z.string().describe('metadata.resourceVersion of the Secret.'),
      })
      .optional()
      .describe('Which state of the credentials Secret was last proved at the remote.'),
    unclaimed: z
      .array(
        z.object({
          type: z.string().describe('What it is, e.g. servers.'),
          id: z.string().describe('Its ID at the remote.'),
          since: z.string().optional().describe('When it came to be, as the remote says.'),
        }),
      )
      .optional()
      .describe('Remote objects that no resource claims, at most 100: they cost money, and no manifest speaks of them.')
      .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
    breakers: z
      .array(
        z.object({
          kind: z.string().describe('Kind whose recorded objects are missing.'),
          missing: z.int().describe('How many are missing.'),
          hash: z.string().describe('What the annotation freehold.dev/accept-loss must say to accept this very loss.'),
          ids: z
            .array(z.string())
            .describe('IDs of the missing objects, at most 20.')
            .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
        }),
      )
      .optional()
      .describe('Open loss breakers: while one is open, nothing is created, deleted or released in this remote tenant.')
      .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
    acceptedLosses: z
      .array(z.string())
      .optional()
      .describe('IDs of lost objects whose loss was accepted by freehold.dev/accept-loss.')
      .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
    lastAcceptLoss: z
      .string()
      .optional()
      .describe('The annotation freehold.dev/accept-loss that was last obeyed. It accepts no further loss.'),
    ...facts,
  });
}

/** A tenant resource names one remote tenant for good. */
export function immutable(field: string, why: string): Rule {
  return {
    rule: `self.spec.${field} == oldSelf.spec.${field}`,
    message: `spec.${field} cannot be changed: ${why}`,
    fieldPath: `.spec.${field}`,
    reason: 'FieldValueForbidden',
  };
}
