import { createHash, hash } from 'node:crypto';
import { add } from './lookup.ts';

/** Who owns a remote object. `ownerID` outlives the cluster: a cluster rebuilt from Git with the same one finds its own again. */
export interface Owner {
  ownerID: string;
  namespace: string;
  name: string;
}

/** `ownerID/namespace/name`: for people, and for remote fields that have room. */
export function ownerText(owner: Owner): string {
  return `${owner.ownerID}/${owner.namespace}/${owner.name}`;
}

/** What is sent beside the chosen ID of a further object of the owner: its part and instance follow the owner. */
export function partText(owner: Owner, part: string, instance: string): string {
  return `${ownerText(owner)}#${part}#${instance}`;
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

function base32(bytes: Uint8Array, characters: number): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5 && text.length < characters) {
      text += alphabet[(buffer >>> (bits - 5)) & 31];
      bits -= 5;
      buffer &= (1 << bits) - 1;
    }
  }
  return text;
}

const sha256 = (text: string) => hash('sha256', text, 'buffer');

const idLength = 26;
const checkLength = 4;
const opening = '[fh1:';
const markerLength = opening.length + idLength + 1 + checkLength + 1;

/** The owner's 26 characters: 130 bits of SHA-256, so that two owners never share them. */
function ownerHash(owner: Owner): string {
  return base32(sha256(ownerText(owner)), idLength);
}

const checkOf = (hash: string) => base32(sha256(`fh1:${hash}`), checkLength);

/** What we write at the front of a remote description: truncation cuts the end. */
export function markerOf(owner: Owner): string {
  const hash = ownerHash(owner);
  return `${opening}${hash}:${checkOf(hash)}]`;
}

/** The description to send: the marker, then the user's own words. */
export function markedDescription(owner: Owner, description: string | undefined): string {
  return description ? `${markerOf(owner)} ${description}` : markerOf(owner);
}

/** The user's part of a description that may carry a marker. */
export function withoutMarker(description: string | null | undefined): string {
  return (description ?? '').replace(/^\[fh1:[^\]\s]*\]\s?/, '');
}

/** What a description says about its owner. */
export type Marking =
  | { mark: 'none' }
  | { mark: 'ours' }
  /** A sound marker of somebody else; `marker` as `freehold.dev/take-over` wants it. */
  | { mark: 'other'; marker: string }
  /** Broken or cut, and not provably somebody else's: it may be ours. */
  | { mark: 'damaged' };

const sound = new RegExp(`^\\[fh1:([a-z2-7]{${idLength}}):([a-z2-7]{${checkLength}})\\]`);

/** Fewest differing characters that prove that a damaged marker is not ours. */
const provablyOther = 6;

/** How a marker begins, in capitals and without its bracket, too. */
const begins = /^\[?fh1?:/i;

export function readMarker(description: string | null | undefined, owner: Owner): Marking {
  return readAs(description, ownerHash(owner));
}

function readAs(description: string | null | undefined, ours: string): Marking {
  const text = (description ?? '').trimStart();
  const lower = text.toLowerCase();
  if (!begins.test(text)) {
    // Cut within its first characters, or behind words that somebody put before it.
    const cut = text !== '' && opening.startsWith(lower.trimEnd());
    return { mark: cut || lower.includes(ours) ? 'damaged' : 'none' };
  }
  const match = sound.exec(text);
  if (match?.[1] !== undefined && checkOf(match[1]) === match[2]) {
    return match[1] === ours ? { mark: 'ours' } : { mark: 'other', marker: match[0] };
  }
  const seen = lower.replace(begins, '').slice(0, idLength);
  let differing = 0;
  for (let index = 0; index < seen.length; index += 1) if (seen[index] !== ours[index]) differing += 1;
  return differing >= provablyOther && seen.length === idLength
    ? { mark: 'other', marker: text.slice(0, markerLength).trim() }
    : { mark: 'damaged' };
}

/** Does the description carry a sound marker of anybody? It proves that this tenant keeps markers. */
export function isMarked(description: string | null | undefined): boolean {
  return soundHash(description) !== undefined;
}

/** The 26 characters of the sound marker that stands there. */
function soundHash(description: string | null | undefined): string | undefined {
  const match = sound.exec((description ?? '').trimStart());
  return match?.[1] !== undefined && checkOf(match[1]) === match[2] ? match[1] : undefined;
}

/** What many descriptions say about their owners, read once: readMarker for each of them would hash each for every owner. */
export interface Markers {
  /** Where readMarker says `ours` to that owner, in order, and where `damaged` or `none`: the rest is somebody else's. */
  of(owner: Owner): { ours: readonly string[]; others: readonly { id: string; mark: 'none' | 'damaged' }[] };
}

export function readMarkers(
  descriptions: Iterable<readonly [id: string, description: string | null | undefined]>,
): Markers {
  const bySound = new Map<string, string[]>();
  const unsound: (readonly [string, string | null | undefined])[] = [];
  for (const [id, description] of descriptions) {
    const owner = soundHash(description);
    if (owner === undefined) unsound.push([id, description]);
    else add(bySound, owner, id);
  }
  return {
    of(owner) {
      const ours = ownerHash(owner);
      const others = unsound.flatMap(([id, description]) => {
        const { mark } = readAs(description, ours);
        return mark === 'none' || mark === 'damaged' ? [{ id, mark }] : [];
      });
      return { ours: bySound.get(ours) ?? [], others };
    },
  };
}

/** UUIDv5 of the owner (and of the part and instance): the ID we choose where the remote lets us. */
export function chosenID(owner: Owner, part = '', instance = ''): string {
  const bytes = createHash('sha1')
    .update(Buffer.from('8f6f3c1e5a0b4d9c9b7a2e4d6c8f0a12', 'hex'))
    .update(partText(owner, part, instance))
    .digest()
    .subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
