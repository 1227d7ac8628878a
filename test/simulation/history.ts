/**
 * One history, as plain data: what people have, what they do and when, and what goes wrong. It follows from its seed
 * (generate.ts), can be made smaller (shrink.ts), and always runs the same way (simulate.ts). Times are seconds.
 */
export interface History {
  /** Of all delays and IDs. */
  seed: number;
  /** Operators alive at once. */
  operators: 1 | 2;
  /** Settings of the simulated clouds from the start. */
  settings: Record<string, unknown>;
  /** Is the gateway used, or the Ironic behind it? */
  cloud: 'gateway' | 'ironic';
  /** The word about the tenant's licences. */
  licenseBuyers: 'Shared' | 'OnlyThisOperator';
  resources: Planned[];
  acts: Act[];
  faults: Fault[];
  weather: Weather[];
}

export type KindName = 'DedicatedHypervisor' | 'GuestLicense' | 'VCenterRegistration' | 'BareMetalNode';

/** A resource that somebody applies. Its name is `<namespace>-<letters><number>`, and nothing else has it. */
export interface Planned {
  kind: KindName;
  namespace: string;
  name: string;
  at: number;
  spec: Record<string, unknown>;
  annotations?: Record<string, string>;
  /** It names (spec.externalID) an object that was there before. */
  adopts?: Adopted;
}

/** An object that somebody made and that a resource names. Whoever gives the same label names the same object. */
export interface Adopted {
  object: string;
  /** `foreign`: it carries the mark of another owner, and nobody may take it. */
  mark: 'none' | 'foreign';
}

/** What somebody does. `of` is the name of a resource of the history. */
export type Act = { at: number } & (
  | { do: 'edit'; of: string; spec: Record<string, unknown> }
  | { do: 'annotate'; of: string; annotations: Record<string, string | null> }
  | { do: 'delete'; of: string }
  /** Applies the manifest again, and again until it is there: as whoever syncs from Git. `spec`: what was changed meanwhile. */
  | { do: 'recreate'; of: string; spec?: Record<string, unknown> }
  /** Somebody else's write to the resource: a label. */
  | { do: 'touch'; of: string }
  /** Somebody removes, changes or makes things at the remote, past the operator. */
  | { do: 'portal-remove'; of: string }
  | { do: 'portal-edit'; of: string; change: PortalChange; for: number }
  /** The remote tells wrongly of the object that the resource stands for. */
  | { do: 'blur'; of: string; how: Blur; for: number }
  /** A port of somebody else on the node of that resource. */
  | { do: 'foreign-port'; of: string }
  /** A licence of that type that a vCenter of somebody else uses; lists of vCenters are empty for `for` seconds then. */
  | { do: 'used-license'; type: 'first' | 'second'; for: number }
  | { do: 'lookalike'; of: string; mark: 'none' | 'foreign' | 'damaged' }
  | { do: 'portal-license'; type: 'first' | 'second' }
  /** Names an object that is there, while nothing is recorded. */
  | { do: 'adopt'; of: string; object: string; mark: Adopted['mark'] }
  /** Says `retry` about a create of which nobody knows yet what it made, and looks once more later. */
  | { do: 'hasty-retry'; of: string }
  /** A Secret by the name of the one that the operator would write; in its place where it is there already (`replace`). */
  | { do: 'own-secret'; of: string; replace?: true }
  /** Answers every question that is open. */
  | { do: 'answer' }
  | { do: 'kill'; operator: number; for: number }
  | { do: 'stop'; operator: number; for: number }
  | { do: 'restart'; operator: number }
  | { do: 'step-clock'; operator: number; by: number }
  /** Every object of Kubernetes is gone; people apply their manifests to a new cluster. */
  | { do: 'rebuild-cluster'; for: number }
  | { do: 'settings'; settings: Record<string, unknown>; for: number }
  | { do: 'compact' }
  | { do: 'expire-tokens' }
  | { do: 'new-credentials' }
  | { do: 'crash-ironic' }
  /** Something goes wrong with the next crossing of that channel, or so many further on. */
  | { do: 'fault'; fault: Omit<Fault, 'nth'>; ahead: number }
  | { do: 'weather'; what: Weather['what']; by: number; for: number }
);

/**
 * What somebody does to an object that a resource stands for: a node is put into maintenance or given to an instance, for a
 * while; the description of a server loses its end or a letter of its mark, its metadata the owner.
 */
export type PortalChange = 'maintenance' | 'instance' | 'cut' | 'letter' | 'metadata';

/**
 * How the remote tells of an object that is there, while one of its shards or rows is ill: lists lack it (`unlisted`), a
 * read of it answers 404 besides (`gone`), or what is said of it cannot be read (`strange`).
 */
export type Blur = 'unlisted' | 'gone' | 'strange';

/** Where something crosses the border of the process. */
export type Channel = 'read' | 'write' | 'lease' | 'event' | 'watch' | 'remote-read' | 'remote-change' | 'sign-in';

/** What goes wrong with the nth crossing of a channel. */
export interface Fault {
  on: Channel;
  nth: number;
  what: FaultName;
  /** Of `stop`, `late`, `slow`; of `stale` how old the answer may be. */
  for?: number;
  /**
   * What happens because of it, or just then: `at` counts from when it goes wrong. What is `of` a resource is of the one
   * whose create is under way at that moment, where there is one.
   */
  follows?: Act[];
}

export type FaultName =
  /** The process dies: nothing was sent, or everything happened and nobody was told. */
  | 'crash-before'
  | 'crash-after'
  /** The process stands still, before it sends or before it hears. */
  | 'stop-before'
  | 'stop-after'
  /** No connection. */
  | 'refuse'
  /** The connection breaks, before or after the effect. */
  | 'reset-before'
  | 'reset-after'
  /** No answer at all. */
  | 'silence-before'
  | 'silence-after'
  /** The effect comes after the deadline. */
  | 'late'
  /** The answer comes late. */
  | 'slow'
  /** Another answer than the right one: a status, or a body that cannot be read. */
  | '503-before'
  | '503-after'
  | '429-before'
  | '500-before'
  /** A wrong route answers a DELETE, in the words of the API, that there is no such thing. */
  | '404-before'
  | '500-after'
  | 'html-before'
  | 'html-after'
  | 'truncated-after'
  /** A proxy sends it twice (what HTTP lets a proxy repeat: GET, PUT, DELETE). */
  | 'twice'
  /** A proxy answers with what it kept from before. */
  | 'stale'
  /** One item of the list is not of its form. */
  | 'strange-item'
  /** Somebody else writes the same object a moment before. */
  | 'touched'
  /** The watch breaks, or its place in history is gone. */
  | 'broken'
  | 'expired';

/** What holds for a time. */
export interface Weather {
  from: number;
  to: number;
  what: 'kube-down' | 'remote-down' | 'remote-429' | 'remote-503' | 'watch-lag' | 'slow-kube' | 'slow-remote';
  /** Of `watch-lag` and `slow`, seconds. */
  by?: number;
  /** Only this operator; all where it is not there. */
  operator?: number;
}
