import { randomBytes } from 'node:crypto';

/** Randomness, as a port: a seeded one makes a history repeatable. */
export interface Random {
  /** A number in [0, 1), for jitter. */
  next(): number;
  /** Bytes good enough for passwords and IDs. */
  bytes(length: number): Uint8Array;
}

export const systemRandom: Random = {
  next: () => Math.random(),
  bytes: (length) => randomBytes(length),
};

/** `value` spread evenly over ± `fraction` of itself. */
export function jitter(random: Random, value: number, fraction = 0.1): number {
  return value * (1 - fraction + 2 * fraction * random.next());
}

/** A version 4 UUID from the port. */
export function uuid(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
