import { inspect } from 'node:util';

const redacted = '[redacted]';

/**
 * A value that cannot be printed: every way of turning it into text gives `[redacted]`. It lives in a private field, so
 * neither `JSON.stringify`, a logger, `util.inspect` nor a spread can reach it.
 */
export class Secret<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. Call it only where the value leaves for its one destination (a request body or header). */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [Symbol.toPrimitive](): string {
    return redacted;
  }

  [inspect.custom](): string {
    return redacted;
  }
}
