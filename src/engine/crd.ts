import type * as z from 'zod';
import type { Reason } from './reasons.ts';
import { children, type Rule, requireBounds, type Schema, structural } from './structural.ts';

/** A column of `kubectl get`. */
export interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  jsonPath: string;
  /** 0 (default) always shows, 1 only in `-o wide`. */
  priority?: number;
  description?: string;
  format?: string;
}

/** What is declared of a kind: its CustomResourceDefinition and its reference page come from here. */
export interface CrdDefinition {
  group: string;
  version: 'v1alpha1';
  names: {
    kind: string;
    plural: string;
    /** Default: the kind in lower case. */
    singular?: string;
    shortNames?: string[];
    categories: ['freehold'];
  };
  /** What one resource of this kind stands for, in a sentence or two. */
  description: string;
  spec: z.ZodObject;
  /** Must hold `observedGeneration`. */
  status: z.ZodObject;
  printerColumns: PrinterColumn[];
  /** Conditions of this kind's own, beside those that all kinds have; for the reference page. */
  conditions?: { type: string; description: string; reasons: Reason[] }[];
  /** At the root of the resource: they may read `self.metadata.name`, `self.spec`, `self.status` and `oldSelf`. */
  rules: Rule[];
}

export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string };
  spec: {
    group: string;
    scope: 'Namespaced';
    names: Omit<CrdDefinition['names'], 'singular'> & { singular: string; listKind: string };
    versions: [
      {
        name: string;
        served: true;
        storage: true;
        subresources: { status: object };
        additionalPrinterColumns: PrinterColumn[];
        schema: { openAPIV3Schema: Schema };
      },
    ];
  };
}

/** Names are parts of derived names and of label values, which end at 63 characters. */
const nameFits: Rule = {
  rule: 'size(self.metadata.name) <= 63',
  message: 'metadata.name is longer than 63 characters: choose a shorter one',
};

/**
 * The CustomResourceDefinition of a kind. Every string, list and map of the spec must be bounded, and those of the status
 * that a rule reads (a bound on others would only make the API server refuse a long answer of a remote).
 * Throws, with the path of the field, when a schema would not do.
 */
export function crd(definition: CrdDefinition): CustomResourceDefinition {
  const { group, names } = definition;
  const rules = [nameFits, ...definition.rules];
  const root: Schema = {
    description: definition.description,
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: `${group}/${definition.version}` },
      kind: { type: 'string', description: names.kind },
      metadata: { type: 'object' },
      spec: structural(definition.spec, 'spec'),
      status: newborn(structural(definition.status, 'status')),
    },
    'x-kubernetes-validations': rules,
  };
  requireBounds(root.properties!.spec!, 'spec');
  for (const { rule, messageExpression = '' } of rules) {
    requireBoundsOfRead(root, `${rule} ${messageExpression}`);
  }
  definition.printerColumns.forEach((column) => requireField(root, column));
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { ...names, singular: names.singular ?? names.kind.toLowerCase(), listKind: `${names.kind}List` },
      versions: [
        {
          name: definition.version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: definition.printerColumns,
          schema: { openAPIV3Schema: root },
        },
      ],
    },
  };
}

/**
 * A resource without a status counts as ready for kstatus, so that `helm install --wait` would return before the operator
 * has seen it. With a generation that is never the current one it is in progress from birth.
 */
function newborn(status: Schema): Schema {
  if (!status.properties?.observedGeneration) {
    throw new Error('status has no observedGeneration');
  }
  const required = status.required?.filter((name) => name !== 'observedGeneration') ?? [];
  if (required.length > 0) {
    throw new Error(`status.${required[0]} is required, but a resource is born without it: make it optional`);
  }
  return { ...status, default: { observedGeneration: -1 } };
}

/** Bounds below every `self.status.…` that a rule reads; `has()` reads nothing. */
function requireBoundsOfRead(root: Schema, cel: string): void {
  for (const [, path = ''] of cel
    .replace(/\bhas\([^)]*\)/g, '')
    .matchAll(/\b(?:self|oldSelf)(?:\.value\(\))?((?:\.\??\w+)+)/g)) {
    let node = root;
    let at = '';
    for (const name of path.split(/\.\??/).slice(1)) {
      const child = node.properties?.[name];
      if (!child) {
        break; // a method of CEL
      }
      node = child;
      at = at === '' ? name : `${at}.${name}`;
    }
    if (node !== root) {
      requireBounds(node, at);
    }
  }
}

/** A column of a field that does not exist would stay empty without a word. Filters and metadata are not looked into. */
function requireField(root: Schema, { name, jsonPath }: PrinterColumn): void {
  const [first, ...rest] = jsonPath.replace(/\[.*/, '').split('.').slice(1);
  if (first === 'metadata') {
    return;
  }
  let node: Schema | undefined = root;
  for (const part of [first, ...rest]) {
    node = children(node, '').find(([, path]) => path === `.${part}`)?.[0];
    if (!node) {
      throw new Error(`printer column ${name}: ${jsonPath} is not in the schema`);
    }
  }
}
