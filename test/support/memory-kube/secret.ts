import { isEmpty, isSame, isTree, type Tree, withFields } from './values.ts';

/** What the API server makes of a Secret that was sent: `stringData` is encoded into `data`, and there is a type. */
export function encodedSecret(secret: Tree): Tree {
  const { stringData, data } = secret;
  const encoded = isTree(stringData)
    ? Object.fromEntries(
        Object.entries(stringData).map(([key, text]) => [key, Buffer.from(String(text)).toString('base64')]),
      )
    : undefined;
  const all = encoded ? Object.freeze({ ...(data as Tree), ...encoded }) : data;
  const known = ['apiVersion', 'kind', 'metadata', 'immutable', 'data', 'type'];
  return withFields(secret, {
    ...Object.fromEntries(
      Object.keys(secret).map((field) => [field, known.includes(field) ? secret[field] : undefined]),
    ),
    type: secret['type'] ?? 'Opaque',
    data: isTree(all) && !isEmpty(all) ? all : undefined,
  });
}

/** What may not be changed in a Secret, in the words of the API server; undefined: nothing was. */
export function secretRefusal(before: Tree, after: Tree): string | undefined {
  if (before['type'] !== after['type']) return `type: Invalid value: "${String(after['type'])}": field is immutable`;
  if (before['immutable'] !== true) return undefined;
  if (after['immutable'] !== true) return 'immutable: Forbidden: field is immutable when `immutable` is set';
  if (!isSame(before['data'], after['data'])) return 'data: Forbidden: field is immutable when `immutable` is set';
  return undefined;
}
