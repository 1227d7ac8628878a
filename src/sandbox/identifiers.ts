import { hash } from 'node:crypto';

/** Makes identifiers from the caller's source of random numbers, so that a simulation repeats itself to the byte. */
export interface Identifiers {
  uuid(): string;
  hex(length: number): string;
  mac(): string;
  pick<T>(items: readonly T[]): T;
}

export function identifiers(random: () => number): Identifiers {
  const hex = (length: number): string => {
    let text = '';
    while (text.length < length) text += Math.floor(random() * 16).toString(16);
    return text;
  };
  return {
    hex,
    uuid: () => uuidFromHex(hex(32)),
    // Locally administered, as in the sample (seed 000, Show Server: 0a:31:c1:d5:6d:9c).
    mac: () => `0a:${hex(10).match(/../g)?.join(':') ?? ''}`,
    pick: (items) => {
      const item = items[Math.floor(random() * items.length)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
  };
}

/** The same text always gives the same UUID: for IDs that must not change from one read to the next. */
export function derivedUUID(text: string): string {
  return uuidFromHex(sha256(text));
}

export function sha256(text: string): string {
  return hash('sha256', text);
}

function uuidFromHex(hex: string): string {
  const variant = '89ab'[Number.parseInt(hex[16] ?? '0', 16) % 4];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
