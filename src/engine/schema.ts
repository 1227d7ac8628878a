import * as z from 'zod';
import type { PrinterColumn } from './crd.ts';
import type { Rule } from './structural.ts';

/**
 * Parts of every kind's schema, spelled the same. Descriptions are what `kubectl explain` shows: they are written for the
 * person who has to fill the field in.
 */

const dnsName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Name of another object in the namespace. */
export const objectName = (description: string) => z.string().min(1).max(253).regex(dnsName).describe(description);

/** Key of a Secret's data. */
export const secretKey = (description: string) =>
  z
    .string()
    .min(1)
    .max(253)
    .regex(/^[-._a-zA-Z0-9]+$/)
    .describe(description);

/** What a kind's common fields say of its remote object. */
export interface Words {
  /** Of deletionPolicy. */
  retain: string;
  delete: string;
  /** Of recreatePolicy. */
  again: string;
  /** Of externalID: what is done without it. */
  instead: string;
}

/** For what is bought by the month. */
const bought: Words = {
  retain: 'it stays as it is, goes on costing money, and the same manifest applied again finds it',
  delete: 'it is deleted for good, with its data; the resource goes away once it is proved gone',
  again: 'another one is bought',
  instead: 'buying one',
};

/** Spec fields of every kind that stands for a remote object. */
export function commonSpec(noun: string, words: Words = bought) {
  return {
    tenantRef: z
      .object({ name: objectName('Name of the tenant resource in this namespace.') })
      .describe(`The tenant that holds the ${noun}. It cannot be changed.`),
    managementPolicy: z
      .enum(['Manage', 'Observe'])
      .default('Manage')
      .describe(
        `Manage: create, change and (see deletionPolicy) delete the ${noun}. Observe: only look at it and report; nothing is ever sent that changes it.`,
      ),
    deletionPolicy: z
      .enum(['Retain', 'Delete'])
      .default('Retain')
      .describe(
        `What happens to the ${noun} when this resource is deleted. Retain: ${words.retain}. Delete: ${words.delete}.`,
      ),
    recreatePolicy: z
      .enum(['Never', 'Always'])
      .default('Never')
      .describe(
        `What happens when the ${noun} was deleted by somebody else. Never: the resource is Stalled with reason RemoteLost. Always: ${words.again}.`,
      ),
    externalID: z
      .string()
      .min(1)
      .max(128)
      .regex(/^[A-Za-z0-9][-A-Za-z0-9]*$/)
      .optional()
      .describe(
        `ID of an existing ${noun} to adopt instead of ${words.instead}. It may be added only while nothing is recorded in status.externalID, or with the value recorded there.`,
      ),
  };
}

const condition = z.object({
  type: z.string().describe('Name of the condition.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('True, False or Unknown.'),
  reason: z.string().describe('One word for machines; docs/kinds lists them.'),
  message: z.string().describe('What is so, and what to do next.'),
  observedGeneration: z.int().describe('metadata.generation of the spec that this condition speaks of.'),
  lastTransitionTime: z.string().meta({ format: 'date-time' }).describe('When status last changed.'),
});

/** Status fields of every kind, tenants included. */
export const everyStatus = {
  observedGeneration: z
    .int()
    .describe(
      'metadata.generation of the spec that this status speaks of; -1 before the operator has seen the resource.',
    ),
  lastHandledReconcileAt: z
    .string()
    .optional()
    .describe('Value of the annotation freehold.dev/reconcile-requested-at that was last answered.'),
  conditions: z
    .array(condition)
    .optional()
    .describe('Ready, Synced, and Reconciling or Stalled only while true; further ones per kind.')
    .meta({ k8s: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] } }),
};

/** Status fields of every kind that stands for a remote object. */
export function commonStatus(noun: string) {
  return {
    ...everyStatus,
    externalID: z
      .string()
      .max(128)
      .optional()
      .describe(`ID of the ${noun} at the remote. Once it is there, this resource acts on that ${noun} only.`),
    creation: z
      .object({
        attemptID: z.string().max(64).describe('Names the attempt; freehold.dev/resolve must name it.'),
        sentAt: z.string().meta({ format: 'date-time' }).describe('When the create was about to be sent.'),
        holder: z.string().max(320).describe('The operator process that sent it.'),
        outcome: z
          .enum(['Created', 'Found', 'Forgotten'])
          .optional()
          .describe(
            'Created: the remote answered with the ID. Found: the answer was lost and the object was found afterwards. Forgotten: a person said so. Absent: not known yet.',
          ),
        idsBefore: z
          .array(z.string())
          .optional()
          .describe('What the remote held before the create, where new objects cannot be recognised otherwise.')
          .meta({ k8s: { 'x-kubernetes-list-type': 'atomic' } }),
        choice: z.string().optional().describe('What was chosen for the create, e.g. an address.'),
        key: z
          .string()
          .optional()
          .describe('What the object is recognised by, e.g. the ID of its licence, as the create was sent with it.'),
      })
      .optional()
      .describe('Journal of the last create, written before it was sent.'),
    deletion: z
      .object({ sentAt: z.string().meta({ format: 'date-time' }).describe('When the delete was about to be sent.') })
      .optional()
      .describe('Journal of the delete, written before it was sent.'),
    action: z
      .object({
        requestedAt: z.string().max(64).describe('spec.action.requestedAt that this answers.'),
        verb: z.string().max(64).describe('What was asked for.'),
        sentAt: z
          .string()
          .meta({ format: 'date-time' })
          .optional()
          .describe('When it was about to be sent. Absent: it was answered without being sent.'),
        before: z.string().optional().describe('What the remote said of its last change when it was sent.'),
        acceptedAt: z
          .string()
          .meta({ format: 'date-time' })
          .optional()
          .describe('When the remote took it. Absent while that is not known.'),
        finishedAt: z.string().meta({ format: 'date-time' }).optional().describe('When its result was known.'),
        result: z
          .enum(['Succeeded', 'Failed', 'Unknown'])
          .optional()
          .describe(
            'Absent: it is still running. Unknown: its answer was lost, and nothing tells whether it was carried out.',
          ),
        message: z.string().optional().describe('What came of it.'),
      })
      .optional()
      .describe('The last one-off action, written before it was sent: it is sent at most once.'),
    lastRetry: z.string().optional().describe('The annotation freehold.dev/retry that was last obeyed.'),
    lastResolve: z.string().optional().describe('The annotation freehold.dev/resolve that was last obeyed.'),
    provedSecrets: z
      .record(
        z.string(),
        z
          .object({
            uid: z.string().describe('metadata.uid of the Secret.'),
            resourceVersion: z.string().describe('metadata.resourceVersion of the Secret.'),
          })
          .describe('One state of a Secret.'),
      )
      .optional()
      .describe('Which state of each Secret that is sent on when it changes was last proved at the remote.'),
    lastSyncTime: z
      .string()
      .meta({ format: 'date-time' })
      .optional()
      .describe(`When the ${noun} was last changed, or seen changed. It does not tick.`),
  };
}

/** True, in CEL, once something was bought or sent: from then on what the remote cannot change is immutable. */
const recorded = 'has(oldSelf.status) && (has(oldSelf.status.externalID) || has(oldSelf.status.creation))';

/** Rules of every kind that stands for a remote object. */
export function commonRules(noun: string): Rule[] {
  return [
    {
      rule: 'self.spec.tenantRef.name == oldSelf.spec.tenantRef.name',
      message:
        'spec.tenantRef cannot be changed: delete this resource (deletionPolicy Retain keeps what it stands for) and create one under the other tenant',
      fieldPath: '.spec.tenantRef',
      reason: 'FieldValueForbidden',
    },
    {
      rule: `!(has(oldSelf.status) && has(oldSelf.status.externalID)) || !has(self.spec.externalID) || self.spec.externalID == oldSelf.status.externalID`,
      message: `spec.externalID differs from the recorded status.externalID: a resource stands for one ${noun}; create another resource to adopt another one`,
      fieldPath: '.spec.externalID',
      reason: 'FieldValueForbidden',
    },
    {
      rule: `!(has(oldSelf.status) && has(oldSelf.status.externalID)) || !has(oldSelf.spec.externalID) || has(self.spec.externalID)`,
      message: `spec.externalID cannot be removed once the ${noun} was adopted: delete this resource (deletionPolicy Retain keeps the ${noun})`,
      fieldPath: '.spec.externalID',
      reason: 'FieldValueForbidden',
    },
  ];
}

/** A spec field that cannot be changed once something was recorded, and what to do instead. */
export function immutableOnceRecorded(field: string, optional: boolean, noun: string): Rule {
  const [now, before] = [`self.spec.${field}`, `oldSelf.spec.${field}`];
  const same = optional
    ? `(has(${now}) == has(${before}) && (!has(${now}) || ${now} == ${before}))`
    : `${now} == ${before}`;
  return {
    rule: `!(${recorded}) || ${same}`,
    message: `spec.${field} cannot be changed: the ${noun} was bought (or its purchase was sent) with the former value. Put it back, or delete this resource and create another one`,
    fieldPath: `.spec.${field}`,
    reason: 'FieldValueForbidden',
  };
}

/** A spec field that only a create needs. */
export function requiredUnlessAdopted(field: string): Rule {
  return {
    rule: `has(self.spec.externalID) || has(self.spec.${field})`,
    message: `spec.${field} is required, unless spec.externalID adopts an existing object`,
    fieldPath: `.spec.${field}`,
    reason: 'FieldValueRequired',
  };
}

/** A status field that holds the remote's own words. */
export const text = (description: string) => z.string().optional().describe(description);

/** Columns of `kubectl get`: is it well, what is it, how old; what belongs to it and why with `-o wide`. */
export function commonColumns(own: PrinterColumn[]): PrinterColumn[] {
  return [
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    ...own,
    { name: 'Tenant', type: 'string', jsonPath: '.spec.tenantRef.name', priority: 1 },
    { name: 'Policy', type: 'string', jsonPath: '.spec.deletionPolicy', priority: 1 },
    { name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ];
}
