import * as z from 'zod';

/** A CEL rule of `x-kubernetes-validations`. */
export interface Rule {
  /** CEL over `self` and, in a transition, `oldSelf`. */
  rule: string;
  /** For a person: what is wrong, and what to do instead. */
  message: string;
  /** CEL that yields the message where it must show values; `message` is used when it fails. */
  messageExpression?: string;
  /** The field that the refusal names, e.g. `.spec.imageRef`. */
  fieldPath?: string;
  reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
  /** The rule also runs on creation, with `oldSelf` an empty optional. */
  optionalOldSelf?: boolean;
}

/** What zod cannot say of a node, given as `.meta({ k8s: { … } })`. */
export interface Extensions {
  /** Required on every array. */
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-validations'?: Rule[];
  'x-kubernetes-preserve-unknown-fields'?: true;
  'x-kubernetes-int-or-string'?: true;
  /** Bound of a map. */
  maxProperties?: number;
  /** Bound of the string of an int-or-string. */
  maxLength?: number;
}

declare module 'zod' {
  interface GlobalMeta {
    k8s?: Extensions;
  }
}

/** A node of a structural schema, the subset of OpenAPI 3.0 that a CustomResourceDefinition may hold. */
export interface Schema extends Extensions {
  description?: string;
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  format?: string;
  nullable?: boolean;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  minLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  anyOf?: Schema[];
  allOf?: Schema[];
}

type Json = Record<string, unknown>;

const values = ['description', 'type', 'format', 'nullable', 'default', 'enum', 'pattern', 'multipleOf'];
const sizes = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties'];
const ranges = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];
/** Copied as they are; the order is the order in the CRD. */
const copied = [...values, ...sizes, ...ranges];
/** Turned into something else below. */
const converted = ['k8s', 'properties', 'required', 'items', 'additionalProperties', 'anyOf', 'oneOf', 'allOf'];
/** Words for readers of JSON Schema that a CRD has no place for. */
const dropped = ['$schema', 'title', 'readOnly', 'writeOnly', 'examples', 'deprecated', 'contentEncoding'];

/**
 * Formats that the API server is left to check: it knows their longest value, and zod's pattern for them is a calendar. All
 * others go where zod gives a pattern, since the API server's idea of, say, a UUID differs from zod's.
 */
const dateFormats = ['date', 'date-time'];
/** Longest value of a format, so that nobody has to write `.max(36)` after `z.uuid()`. */
const formatLength: Record<string, number> = { uuid: 36, ipv4: 15, ipv6: 45, mac: 17 };

/**
 * The structural schema of a zod schema, as `.parse()` takes it (before defaults). Throws, naming the path, for whatever
 * an API server or a GitOps tool would stumble over later: a field without description, a list without list type, a
 * default in the items of an atomic list, a union that is none of literals, an unbounded value under a rule.
 */
export function structural(schema: z.ZodType, path: string): Schema {
  let json: Json;
  try {
    json = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline', cycles: 'throw' });
  } catch (error) {
    throw new Error(`${path}: not representable in a CRD: ${(error as Error).message}`, { cause: error });
  }
  return convertField(json, path);
}

function convertField(json: Json, path: string): Schema {
  const field = convert(json, path);
  if (!field.description) {
    fail(path, 'has no description: add .describe()');
  }
  return field;
}

function convert(json: Json, path: string): Schema {
  const unknown = Object.keys(json).find((key) => ![...copied, ...converted, ...dropped].includes(key));
  if (unknown !== undefined) {
    fail(path, `keyword "${unknown}" has no place in a structural schema`);
  }
  const extensions = (json.k8s ?? {}) as Extensions;
  const node: Schema = Object.fromEntries(copied.filter((key) => key in json).map((key) => [key, json[key]]));
  convertUnion(node, json, extensions, path);
  convertString(node, json, path);
  convertNumber(node);
  convertObject(node, json, extensions, path);
  Object.assign(node, extensions);
  convertList(node, json, path);
  if (node.type === undefined && !extensions['x-kubernetes-preserve-unknown-fields'] && !node.anyOf) {
    fail(path, "has no single type: say what it is, or set k8s 'x-kubernetes-preserve-unknown-fields'");
  }
  if (node.nullable && node.enum) {
    fail(path, 'is a nullable enum: the API server lets no null through an enum, listed or not');
  }
  if (node['x-kubernetes-validations']) {
    requireBounds(node, path);
  }
  return node;
}

function convertUnion(node: Schema, json: Json, extensions: Extensions, path: string): void {
  const options = (json.anyOf ?? json.oneOf) as Schema[] | undefined;
  if (!options) {
    return;
  }
  if (extensions['x-kubernetes-int-or-string']) {
    node.anyOf = [{ type: 'integer' }, { type: 'string' }];
    return;
  }
  const type = options[0]?.type;
  if (!type || options.some((option) => option.type !== type || !option.enum)) {
    fail(path, 'is a union of more than literals of one type');
  }
  node.type = type;
  node.enum = [...new Set(options.flatMap((option) => option.enum))];
}

function convertString(node: Schema, json: Json, path: string): void {
  if (json.allOf) {
    // zod gives several patterns as allOf; only value validations may stand there.
    node.allOf = (json.allOf as Schema[]).map(({ pattern }) => ({
      pattern: pattern ?? fail(path, 'is an intersection'),
    }));
  }
  for (const { pattern } of [node, ...(node.allOf ?? [])]) {
    if (pattern && /\(\?[=!<]|\\[1-9]/.test(pattern)) {
      fail(path, `pattern ${pattern} looks around or back, which RE2 cannot`);
    }
  }
  if (node.type !== 'string' || node.format === undefined) {
    return;
  }
  const longest = formatLength[node.format];
  if (longest !== undefined) {
    node.maxLength ??= longest;
  }
  if (dateFormats.includes(node.format)) {
    delete node.pattern;
  } else if (node.format !== 'uri') {
    delete node.format;
  }
}

function convertNumber(node: Schema): void {
  if (node.type !== 'integer') {
    return;
  }
  node.format = 'int64';
  // What JavaScript can count says nothing about the field.
  if (node.minimum === Number.MIN_SAFE_INTEGER) {
    delete node.minimum;
  }
  if (node.maximum === Number.MAX_SAFE_INTEGER) {
    delete node.maximum;
  }
}

function convertObject(node: Schema, json: Json, extensions: Extensions, path: string): void {
  const required = json.required as string[] | undefined;
  if (required?.length) {
    node.required = required;
  }
  const properties = Object.entries(json.properties ?? {});
  // The API server drops an empty one, so that whoever else applies the same CustomResourceDefinition would have a conflict.
  if (properties.length > 0) {
    node.properties = Object.fromEntries(
      properties.map(([name, property]) => [name, convertField(property, `${path}.${name}`)]),
    );
  }
  // `false` (a strict object) is left out: the API server prunes what a schema does not name.
  const values = json.additionalProperties as Json | false | undefined;
  if (values && !json.properties) {
    node.additionalProperties = convert(values, `${path}.*`);
  } else if (values && !extensions['x-kubernetes-preserve-unknown-fields']) {
    fail(path, "is a loose object: set k8s 'x-kubernetes-preserve-unknown-fields'");
  }
}

function convertList(node: Schema, json: Json, path: string): void {
  if (node.type !== 'array') {
    return;
  }
  if (!json.items) {
    fail(path, 'is a list of anything');
  }
  const items = convert(json.items as Json, `${path}[]`);
  node.items = items;
  const keys = node['x-kubernetes-list-map-keys'] ?? [];
  switch (node['x-kubernetes-list-type']) {
    case undefined:
      return fail(path, "is a list without k8s 'x-kubernetes-list-type'");
    case 'atomic': {
      const found = findDefault(items, `${path}[]`);
      return found === undefined
        ? undefined
        : fail(found, 'has a default inside an atomic list: Argo CD shows a diff for ever');
    }
    case 'set':
      return items.type === 'object' ? fail(path, 'is a set of objects: make it a map') : undefined;
    case 'map': {
      const loose = keys.find(
        (key) => !items.required?.includes(key) && items.properties?.[key]?.default === undefined,
      );
      return keys.length === 0 || loose !== undefined
        ? fail(path, `is a list of type map: its key ${loose ?? ''} must be named, and required or have a default`)
        : undefined;
    }
  }
}

/**
 * Throws when a string, list or map at or below `path` has no bound. The API server takes an unbounded value to be as
 * large as a whole request, and refuses the rule that reads it as too costly.
 */
export function requireBounds(node: Schema, path: string): void {
  const text = node.type === 'string' || node['x-kubernetes-int-or-string'];
  if (text && node.maxLength === undefined && !node.enum && !dateFormats.includes(node.format ?? '')) {
    fail(path, 'is a string without maxLength where rules may read it: add .max()');
  }
  if (node.type === 'array' && node.maxItems === undefined) {
    fail(path, 'is a list without maxItems where rules may read it: add .max()');
  }
  if (node.additionalProperties && node.maxProperties === undefined) {
    fail(path, 'is a map without maxProperties where rules may read it: set it in k8s');
  }
  for (const [child, childPath] of children(node, path)) {
    requireBounds(child, childPath);
  }
}

function findDefault(node: Schema, path: string): string | undefined {
  if (node.default !== undefined) {
    return path;
  }
  for (const [child, childPath] of children(node, path)) {
    const found = findDefault(child, childPath);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** The schemas right below a node, with their paths: `spec.networks[].uuid`, `spec.labels.*`. */
export function children(node: Schema, path: string): [Schema, string][] {
  return [
    ...Object.entries(node.properties ?? {}).map(([name, child]): [Schema, string] => [child, `${path}.${name}`]),
    ...(node.items ? [[node.items, `${path}[]`] as [Schema, string]] : []),
    ...(node.additionalProperties ? [[node.additionalProperties, `${path}.*`] as [Schema, string]] : []),
  ];
}

function fail(path: string, why: string): never {
  throw new Error(`${path} ${why}`);
}
