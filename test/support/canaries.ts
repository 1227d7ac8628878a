/** Every form in which a text might turn up in an output: as it is, and as the usual encodings write it. */
export function formsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  // The part of a base64 text that does not depend on what stands before and after it, at each of three offsets.
  const base64 = [0, 1, 2].map((offset) => {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    return padded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
  });
  return [text, encodeURIComponent(text), bytes.toString('hex'), ...base64];
}

/**
 * Which of these secrets a text gives away, in part at least: a piece of `piece` characters is enough. `where` and the
 * secret's name are told, never its value.
 */
export function leaks(where: string, text: string, secrets: Record<string, string>, piece = 12): string[] {
  const found: string[] = [];
  for (const [name, secret] of Object.entries(secrets)) {
    const pieces: string[] = [];
    for (let at = 0; at < secret.length; at += piece / 2) pieces.push(secret.slice(at, at + piece));
    const searched = pieces.filter(({ length }) => length === piece).flatMap(formsOf);
    const hit = searched.find((form) => text.includes(form));
    if (hit === undefined) continue;
    const at = text.indexOf(hit);
    found.push(`${where} holds ${name}: …${text.slice(Math.max(0, at - 120), at).replaceAll(/\s+/g, ' ')}`);
  }
  return found;
}
