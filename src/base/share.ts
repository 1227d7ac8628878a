/** Shorter texts V8 shares by itself where JSON is read; longer ones are hardly ever equal. */
const least = 11;
const longest = 200;

/** So many different texts are remembered, then all are forgotten: it bounds memory, and what is shared already stays so. */
const most = 4_000;

/**
 * Makes equal texts in what JSON gave one and the same, over all values that are handed to it: thousands of objects repeat
 * the words of their conditions, the names of their tenants and the IDs of their images. It changes the value in place, in
 * a way that nobody can see; what is frozen, or no plain JSON, is left as it is.
 */
export function createSharing(): <T>(value: T) => T {
  let texts = new Map<string, string>();

  function shared(text: string): string {
    const known = texts.get(text);
    if (known !== undefined) return known;
    if (texts.size >= most) texts = new Map();
    texts.set(text, text);
    return text;
  }

  function walk(value: object): void {
    if (Object.isFrozen(value)) return;
    const members = value as Record<string, unknown>;
    for (const name of Object.keys(value)) {
      const member = members[name];
      if (typeof member === 'string') {
        if (member.length >= least && member.length <= longest) members[name] = shared(member);
      } else if (typeof member === 'object' && member !== null) walk(member);
    }
  }

  return (value) => {
    if (typeof value === 'object' && value !== null) walk(value);
    return value;
  };
}
