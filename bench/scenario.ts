/** What a run is given; each is an option of bench/run.ts. */
export interface Parameters {
  /** Resources in all; a quarter of each kind, or all of `kind`. */
  n: number;
  kind: KindName | undefined;
  runs: number;
  /** `limits.requestsPerSecond` of each tenant: 1000 is as good as none. */
  budget: number;
  /** How long a scenario looks at rest. */
  minutes: number;
  /** Of every answer of the remote but Keystone's, milliseconds. */
  latency: number;
  /** The operator's --motion-interval; its default is 15s. */
  motion: string;
  /** `pollInterval` of each tenant, seconds. */
  poll: number;
  /** Nodes behind the gateway, or in the Ironic itself. */
  door: 'plain' | 'gateway';
}

export const kindNames = ['DedicatedHypervisor', 'GuestLicense', 'VCenterRegistration', 'BareMetalNode'] as const;
export type KindName = (typeof kindNames)[number];

/** What one run found: numbers, and words where numbers do not do; nested as a reader finds it clear. */
export interface Figures {
  [name: string]: number | string | Figures | undefined;
}

/** One line of what must be shown. */
export interface Bound {
  figure: string;
  bound: string;
  measured: number;
  met: boolean;
}

export interface Scenario {
  name: string;
  /** One sentence: what is done, and what is measured. */
  about: string;
  /** Where the command line says nothing. */
  defaults: Partial<Parameters>;
  /** Laid over the defaults where all scenarios run, one after the other: modest, so that the whole ends. */
  sizes?: Partial<Parameters>[];
  /** Not among all scenarios: it needs more than this machine has by itself. */
  byHand?: true;
  /** Figures that docs/performance.md shows: words of a reader, and the path in the figures. */
  shown: Record<string, string>;
  /** Yields the figures of `runs` runs. */
  measure(parameters: Parameters): AsyncGenerator<Figures>;
  /** Judged by the medians. */
  bounds?(median: Figures, parameters: Parameters): Bound[];
}

/** The number at a dotted path; NaN where there is none. */
export function figureAt(figures: Figures, path: string): number {
  let value: Figures[string] = figures;
  for (const name of path.split('.')) value = typeof value === 'object' ? value[name] : undefined;
  return typeof value === 'number' ? value : NaN;
}

export function atMost(figure: string, measured: number, most: number, unit = ''): Bound {
  return { figure, bound: `≤ ${most}${unit}`, measured, met: measured <= most };
}

export function atLeast(figure: string, measured: number, least: number): Bound {
  return { figure, bound: `≥ ${least}`, measured, met: measured >= least };
}
