/**
 * Every reason a condition can carry, with what it means: one list for code, docs and tests. `stalled` ones need a person
 * (spec, annotation or remote); all others pass by themselves once their cause is gone, and must never stop helm or Argo CD.
 */
export const reasons = {
  // Well
  Ready: 'The remote object is as wanted.',
  Observed: 'Seen, and never changed by this operator (managementPolicy: Observe).',
  InSync: 'The remote object differs from the spec in nothing.',
  Drifted: 'The remote object differs from the spec in the fields that the message lists.',

  // In progress
  Creating: 'The create call is being prepared or was just answered.',
  Building: 'The remote builds the object.',
  Updating: 'A change was sent and is not confirmed yet.',
  Deleting: 'The remote deletes the object.',
  InProgress: 'The remote works on the object.',
  UnknownState: 'The remote shows a state that this version does not know; it is waited on.',
  Confirming: 'The object was not found; a second look, later, must agree before it counts as gone.',
  CreateOutcomeUnknown: 'A create was sent and its outcome is not known; nothing more is sent before it is settled.',
  CreationQueued: 'Creates run one at a time in this remote tenant until it is seen to keep the owner marker.',
  PreviousBeingDeleted:
    'The former object of this resource is still being deleted; a new one is created after it is gone.',

  // Waits that pass by themselves
  Paused: 'Annotated freehold.dev/paused: nothing is done until it is removed.',
  TenantNotFound: 'The tenant named by spec.tenantRef does not exist in this namespace.',
  TenantNotReady: 'The tenant is not reachable; its own conditions say why.',
  TargetChanged: 'The tenant now names another remote tenant than the one this resource was bound to.',
  TargetUnproved:
    'The endpoint of the tenant changed; nothing is changed there before a recorded object was seen at it.',
  SecretMissing: 'A Secret that is needed does not exist.',
  SecretMalformed: 'A Secret has the wrong type or lacks a key.',
  CredentialsRefused: 'The remote refuses the credentials.',
  WrongTenant: 'The credentials belong to another project than the tenant.',
  Forbidden: 'The remote forbids the call to these credentials.',
  Unreachable: 'The remote does not answer.',
  BadAnswer: 'The remote, or a proxy before it, answers what cannot be read.',
  ServerError: 'The remote answers with an error of its own.',
  RateLimited: 'The remote asks for fewer calls.',
  Conflict: 'The remote refuses the call for now because of the state of the object.',
  NotFound: 'The remote answers 404 where something must be.',
  Rejected: 'The remote refuses the request.',
  EndpointNotAllowed: 'The address is not among those that --allowed-endpoints allows.',
  BudgetExhausted: 'The request budget of this remote tenant is used up.',
  LimitReached: 'The tenant resource limits how many objects may be owned, and that many exist.',
  BreakerOpen:
    'Many recorded objects are missing at once: nothing is created, deleted or released until that is explained.',
  BuildInProgress: 'The object cannot be deleted while it is being built.',
  InUse: 'Something else still uses it; the message names the user.',

  LicenseNotReady: 'The licence that it refers to is not Ready.',
  NoFreeAddress: 'The remote offers no free address.',
  OutOfStock: 'The remote has none to give (503), and it is proved that nothing was made.',

  Locked: 'The remote works on the object and refuses changes meanwhile; it is tried again.',
  VersionRefused: 'The remote does not speak the API version that was asked for.',
  DriverUnknown: 'No conductor of the remote serves the driver of the spec.',
  VerifyFailed: 'The BMC could not be used with the address and the credentials that are recorded.',
  PowerFailed: 'The remote could not change the power state.',
  InMaintenance: 'The node is in maintenance.',
  NotChangeableNow: 'The remote does not allow the change in the present state; the message says in which it does.',

  // A person must act
  BMCTaken: 'Another node or another resource has the same BMC.',
  NameTaken: 'The name is in use by somebody else.',
  CleanFailed: 'Cleaning failed; the message has the words of the remote and the way back.',
  InspectFailed: 'Inspection failed; the message has the words of the remote and the way back.',
  AdoptFailed: 'The adoption of a running machine failed; the message has the words of the remote and the way back.',
  UnclaimedLicensesExist:
    'The remote tenant holds licences of this type that no resource stands for; write spec.claim.',
  AddressTaken: 'The address is in use by somebody else.',
  InvalidSpec: 'The remote refuses the spec in its own words.',
  RemoteError: 'The remote object is in an error state; it is never rebuilt by itself.',
  RemoteLost: 'The recorded remote object is gone, and recreatePolicy does not allow another one.',
  CreateOutcomeAmbiguous:
    'After a create with unknown outcome there are objects that may be ours; answer with freehold.dev/resolve.',
  CreationForgotten:
    'A person answered freehold.dev/resolve with forget: nothing is created until they answer retry or adopt.',
  AlreadyClaimed: 'Another resource already stands for this remote object.',
  OwnedElsewhere: 'The remote object is marked for another owner.',
  MarkerNotKept: 'The remote tenant does not keep the owner marker: no further object is created there.',
  SecretExists: 'A Secret of the name to be written exists and is not ours.',

  // Of a tenant
  Connected: 'Signed in, and the last list was complete.',
  Proved: 'The credentials in the Secret were used with success.',
  Listing: 'Waiting for the first complete list.',
  WithinBudget: 'No call waits long for the request budget.',
  CallsWait: 'Calls wait long for the request budget, or did so in the last minutes.',

  // Of domain conditions
  NotExpiring: 'The licence ends, but not within 30 days.',
  NeverExpires: 'The licence has no end.',
  ExpiresInThirtyDays: 'The licence ends within 30 days.',
  ExpiresInSevenDays: 'The licence ends within 7 days.',
  ExpiresInOneDay: 'The licence ends within a day.',
  Expired: 'The licence has ended.',
  Metered: 'The platform meters the vCenter.',
  MeteringFailed: 'The platform cannot meter the vCenter.',
  Generated: 'The operator made the password and stored it before the create.',
  FromSecret: 'The password was read from the Secret that the spec names.',
  NotRecoverable: 'The password was set elsewhere and cannot be read from the remote.',
  CFGWUp: 'The common function gateway reaches the hypervisor.',
  CFGWDown: 'The common function gateway does not reach the hypervisor.',
  NotReported: 'The remote does not say.',
  PowerAsWished: 'The power state is the one of the spec.',
  PowerUnmanaged: 'The spec leaves the power state alone.',
  PowerDiffers: 'The power state is not the one of the spec.',
  NotInMaintenance: 'The node is not in maintenance.',
  InstanceAttached: 'The node belongs to an instance: provisioning and power are left to it.',
  NoInstance: 'No instance has the node.',
} as const;

export type Reason = keyof typeof reasons;

const stalling: ReadonlySet<Reason> = new Set<Reason>([
  'InvalidSpec',
  'RemoteError',
  'RemoteLost',
  'CreateOutcomeAmbiguous',
  'CreationForgotten',
  'AlreadyClaimed',
  'OwnedElsewhere',
  'MarkerNotKept',
  'SecretExists',
  'UnclaimedLicensesExist',
  'AddressTaken',
  'BMCTaken',
  'NameTaken',
  'CleanFailed',
  'InspectFailed',
  'AdoptFailed',
]);

const answered: ReadonlySet<Reason> = new Set<Reason>(['CleanFailed', 'InspectFailed', 'AdoptFailed']);

/** Is it the question that the annotation freehold.dev/retry answers? */
export const isAnsweredByRetry = (reason: Reason): boolean => answered.has(reason);

const unhurried: ReadonlySet<Reason> = new Set<Reason>([
  'InMaintenance',
  'NotChangeableNow',
  'UnknownState',
  'InUse',
  'BadAnswer',
]);

/** Does the wait end by somebody's hand rather than by the remote's work? Then it is not looked at more often than all else. */
export const isUnhurried = (reason: Reason): boolean => unhurried.has(reason);

const warned: ReadonlySet<Reason> = new Set<Reason>(['VerifyFailed', 'PowerFailed', 'DriverUnknown']);

/** Does its event warn? What stalls does, and what somebody will have to mend although it may pass. */
export const isWarning = (reason: Reason): boolean => stalling.has(reason) || warned.has(reason);

/** Must a person change spec, an annotation or the remote before this passes? */
export function isStalling(reason: Reason): boolean {
  return stalling.has(reason);
}
