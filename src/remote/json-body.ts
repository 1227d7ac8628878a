import { Secret } from '../base/secret.ts';
import type { JsonBody } from './call.ts';

/** A request body ready to leave: a Secret as soon as it holds one, and those that it holds, for redaction. */
export interface SerialisedBody {
  text: string | Secret;
  secrets: Secret[];
}

/** JSON text of a body, its secrets revealed. Members that are undefined are left out. */
export function serialise(body: JsonBody): SerialisedBody {
  const secrets: Secret[] = [];
  const text = JSON.stringify(body, function (this: Record<string, unknown>, key: string, value: unknown) {
    // `value` is already what toJSON made of it; the holder still has the Secret itself.
    const original = this[key];
    if (!(original instanceof Secret)) return value;
    secrets.push(original as Secret);
    return original.reveal() as unknown;
  });
  return { text: secrets.length > 0 ? new Secret(text) : text, secrets };
}
