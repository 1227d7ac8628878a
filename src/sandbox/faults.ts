import type { Moment } from './types.ts';

/** One lever on one or more operations: `POST /control/faults`. */
export interface FaultSpec {
  /** Operation names, or `*` for every call of the simulated clouds. */
  operation: string | string[];
  /** Only calls of this tenant, or of this project of CloudOS by its ID. */
  tenantID?: string;
  /** Only calls whose path with query contains this text. */
  pathIncludes?: string;
  /** Only calls whose body contains this text. */
  bodyIncludes?: string;
  /** How often it fires; without it, until removed. */
  times?: number;
  /** Matching calls that pass first. */
  after?: number;
  /** Only every nth matching call. */
  every?: number;
  delayMs?: number;
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  drop?: 'before-commit' | 'after-commit';
  reset?: 'before-commit' | 'after-commit';
  /** With `status`: carry the operation out before this answer is sent. */
  commit?: boolean;
  /** Bytes of the body that are sent before the connection closes. */
  truncate?: number;
  /** Carry the operation out, and answer with its lists empty. */
  emptyList?: boolean;
}

export interface Fault extends FaultSpec {
  id: string;
  /** Matching calls so far. */
  seen: number;
  fired: number;
}

interface Subject {
  operation: string;
  tenantID: string | null;
  path: string;
  body: string;
}

/** The faults in force, in the order in which they were set. */
export class Faults {
  #faults: Fault[] = [];
  #count = 0;

  add(spec: FaultSpec): Fault {
    this.#count += 1;
    const fault = { ...spec, id: `fault-${this.#count}`, seen: 0, fired: 0 };
    this.#faults.push(fault);
    return fault;
  }

  all(): Fault[] {
    return this.#faults;
  }

  remove(id: string): boolean {
    const before = this.#faults.length;
    this.#faults = this.#faults.filter((fault) => fault.id !== id);
    return this.#faults.length < before;
  }

  clear(): void {
    this.#faults = [];
  }

  /** The fault that applies to this call. Every matching fault counts the call, the first one that is due fires. */
  take(subject: Subject): Fault | undefined {
    let taken: Fault | undefined;
    for (const fault of this.#faults) {
      if (!matches(fault, subject)) continue;
      fault.seen += 1;
      if (taken || !isDue(fault)) continue;
      fault.fired += 1;
      taken = fault;
    }
    return taken;
  }
}

function matches(fault: Fault, subject: Subject): boolean {
  const names = Array.isArray(fault.operation) ? fault.operation : [fault.operation];
  if (!names.includes('*') && !names.includes(subject.operation)) return false;
  if (fault.tenantID !== undefined && fault.tenantID !== subject.tenantID) return false;
  if (fault.pathIncludes !== undefined && !subject.path.includes(fault.pathIncludes)) return false;
  return fault.bodyIncludes === undefined || subject.body.includes(fault.bodyIncludes);
}

function isDue(fault: Fault): boolean {
  if (fault.fired >= (fault.times ?? Number.POSITIVE_INFINITY)) return false;
  const turn = fault.seen - (fault.after ?? 0);
  return turn > 0 && turn % (fault.every ?? 1) === 0;
}

export function moment(value: 'before-commit' | 'after-commit'): Moment {
  return value === 'before-commit' ? 'before' : 'after';
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string' && value !== '';
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0;
const isMoment: Check = (value) => value === 'before-commit' || value === 'after-commit';
const isFlag: Check = (value) => typeof value === 'boolean';

const CHECKS: Record<keyof FaultSpec, Check> & Record<string, Check | undefined> = {
  operation: (value) => isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText)),
  tenantID: isText,
  pathIncludes: isText,
  bodyIncludes: isText,
  times: (value) => isCount(value) && value !== 0,
  after: isCount,
  every: (value) => isCount(value) && value !== 0,
  delayMs: (value) => typeof value === 'number' && value >= 0,
  status: (value) => isCount(value) && value >= 200 && value <= 599,
  body: () => true,
  headers: (value) => typeof value === 'object' && value !== null && Object.values(value).every(isText),
  drop: isMoment,
  reset: isMoment,
  commit: isFlag,
  truncate: isCount,
  emptyList: isFlag,
};

/** Reads a fault from JSON. What it cannot understand is refused: a fault that never fires makes a test pass for nothing. */
export function parseFault(input: Record<string, unknown>, operations: readonly string[]): FaultSpec {
  for (const [name, value] of Object.entries(input)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
    if (!check) throw new Error(`unknown field "${name}" of a fault; known: ${Object.keys(CHECKS).join(', ')}`);
    if (!check(value)) throw new Error(`field "${name}" of a fault cannot be ${JSON.stringify(value)}`);
  }
  if (!isFaultSpec(input)) throw new Error('a fault needs "operation": an operation name, a list, or "*"');
  for (const name of Array.isArray(input.operation) ? input.operation : [input.operation]) {
    if (name !== '*' && !operations.includes(name)) {
      throw new Error(`unknown operation "${name}"; known: *, ${operations.join(', ')}`);
    }
  }
  return input;
}

/** Every field that is there has been checked; one must be there. */
function isFaultSpec(input: object): input is FaultSpec {
  return 'operation' in input && input.operation !== undefined;
}
