import * as z from 'zod';
import { describe, expect, test } from 'vitest';
import { type CrdDefinition, crd } from '../../src/engine/crd.ts';
import type { Extensions, Schema } from '../../src/engine/structural.ts';
import { sampleKind } from '../support/sample-kind.ts';

/** The spec schema of the sample kind whose spec is these fields. */
function specOf(fields: z.ZodRawShape, rules: CrdDefinition['rules'] = []): Schema {
  const spec = z.object(fields).describe('Spec.');
  return rootOf({ ...sampleKind, spec, rules }).properties!.spec!;
}

function rootOf(definition: CrdDefinition): Schema {
  return crd(definition).spec.versions[0].schema.openAPIV3Schema;
}

const text = z.string().max(10).describe('Text.');

function list(items: z.ZodType, k8s?: Extensions) {
  return z.array(items).max(3).meta({ description: 'List.', k8s });
}

describe('a CustomResourceDefinition', () => {
  test('carries the names, the columns and a status subresource', () => {
    const { metadata, spec } = crd(sampleKind);
    expect(metadata.name).toBe('samples.test.freehold.dev');
    expect(spec.names).toEqual({
      kind: 'Sample',
      listKind: 'SampleList',
      plural: 'samples',
      singular: 'sample',
      shortNames: ['smp'],
      categories: ['freehold'],
    });
    expect(spec.versions[0]).toMatchObject({
      name: 'v1alpha1',
      served: true,
      storage: true,
      subresources: { status: {} },
    });
    expect(spec.versions[0].additionalPrinterColumns).toEqual(sampleKind.printerColumns);
  });

  test('makes a resource in progress from birth, and refuses one without spec or with a long name', () => {
    const root = rootOf(sampleKind);
    expect(root.properties!.status!.default).toEqual({ observedGeneration: -1 });
    expect(root.required).toEqual(['spec']);
    expect(root['x-kubernetes-validations']![0]!.rule).toBe('size(self.metadata.name) <= 63');
    expect(root['x-kubernetes-validations']!.slice(1)).toEqual(sampleKind.rules);
  });

  test('has no empty properties, which the API server would drop: whoever else applies it would have a conflict', () => {
    const args = z
      .looseObject({})
      .describe('Anything.')
      .meta({ k8s: { 'x-kubernetes-preserve-unknown-fields': true } });
    expect(specOf({ args }).properties!.args).not.toHaveProperty('properties');
  });

  test('holds no keyword that an API server would refuse', () => {
    const text = JSON.stringify(crd(sampleKind));
    for (const keyword of [
      '"k8s"',
      '$ref',
      '$schema',
      '"additionalProperties":false',
      'oneOf',
      'propertyNames',
      '"const"',
    ]) {
      expect(text).not.toContain(keyword);
    }
  });

  test('refuses a status that a newborn resource could not have', () => {
    const status = z.object({ observedGeneration: z.int().optional().describe('G.'), phase: text }).describe('Status.');
    expect(() => crd({ ...sampleKind, status })).toThrow('status.phase is required');
    expect(() => crd({ ...sampleKind, status: z.object({}).describe('Status.') })).toThrow('no observedGeneration');
  });

  test('refuses a column of a field that does not exist', () => {
    const printerColumns = [{ name: 'ID', type: 'string' as const, jsonPath: '.status.externalId' }];
    expect(() => crd({ ...sampleKind, printerColumns })).toThrow('printer column ID: .status.externalId');
  });
});

describe('a field', () => {
  test('is optional with a default, required without', () => {
    const spec = specOf({ a: text, b: z.enum(['X', 'Y']).default('X').describe('B.') });
    expect(spec.required).toEqual(['a']);
    expect(spec.properties!.b).toEqual({ description: 'B.', type: 'string', enum: ['X', 'Y'], default: 'X' });
  });

  test('of whole numbers is int64 and keeps only bounds that somebody wrote', () => {
    const spec = specOf({
      a: z.int().describe('A.'),
      b: z.int().min(1).max(9).describe('B.'),
      c: z.int32().describe('C.'),
    });
    expect(spec.properties).toEqual({
      a: { description: 'A.', type: 'integer', format: 'int64' },
      b: { description: 'B.', type: 'integer', format: 'int64', minimum: 1, maximum: 9 },
      c: { description: 'C.', type: 'integer', format: 'int64', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
    });
  });

  test('that may be one of several literals is an enum', () => {
    const spec = specOf({
      a: z.union([z.literal('x'), z.literal('y')]).describe('A.'),
      b: z.literal(3).describe('B.'),
    });
    expect(spec.properties!.a).toEqual({ description: 'A.', type: 'string', enum: ['x', 'y'] });
    expect(spec.properties!.b).toEqual({ description: 'B.', type: 'number', enum: [3] });
  });

  test('of a known length needs no bound', () => {
    const spec = specOf({ a: z.uuid().describe('A.'), b: z.iso.datetime().describe('B.') });
    expect(spec.properties!.a).toMatchObject({ type: 'string', maxLength: 36, pattern: expect.any(String) });
    expect(spec.properties!.b).toEqual({ description: 'B.', type: 'string', format: 'date-time' });
  });

  test('with several patterns keeps them as validations without type', () => {
    const spec = specOf({ a: text.regex(/^a/).regex(/b$/).describe('A.') });
    expect(spec.properties!.a!.allOf).toEqual([{ pattern: '^a' }, { pattern: 'b$' }]);
  });

  test.each<[string, z.ZodType]>([
    ['spec.a has no description', z.string().max(3)],
    ['spec.a.b has no description', z.object({ b: z.string().max(3) }).describe('A.')],
    ['spec.a[].b has no description', list(z.object({ b: z.int() }), { 'x-kubernetes-list-type': 'atomic' })],
    ['spec.a is a string without maxLength', z.string().describe('A.')],
    ['spec.a.b is a string without maxLength', z.object({ b: z.string().describe('B.') }).describe('A.')],
    ['spec.a[] is a string without maxLength', list(z.string(), { 'x-kubernetes-list-type': 'set' })],
    ['spec.a is a list without k8s', list(text)],
    [
      'spec.a is a list without maxItems',
      z.array(text).meta({ description: 'A.', k8s: { 'x-kubernetes-list-type': 'set' } }),
    ],
    ['spec.a is a map without maxProperties', z.record(text, text).describe('A.')],
    ['spec.a is a set of objects', list(z.object({ b: text }), { 'x-kubernetes-list-type': 'set' })],
    ['spec.a is a list of type map: its key', list(z.object({ b: text }), { 'x-kubernetes-list-type': 'map' })],
    [
      'spec.a is a list of type map: its key b',
      list(z.object({ b: text.optional() }), { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['b'] }),
    ],
    [
      'spec.a[].b.c has a default inside an atomic list',
      list(z.object({ b: z.object({ c: text.default('x') }).describe('B.') }), { 'x-kubernetes-list-type': 'atomic' }),
    ],
    ['spec.a is a union of more than literals', z.union([z.int(), text]).describe('A.')],
    ['spec.a is a union of more than literals', z.union([z.literal('a'), z.literal(1)]).describe('A.')],
    [
      'spec.a is a union of more than literals',
      z.discriminatedUnion('t', [z.object({ t: z.literal('a') }), z.object({ t: z.literal('b') })]).describe('A.'),
    ],
    ['spec.a has no single type', z.unknown().describe('A.')],
    ['spec.a is a loose object', z.looseObject({ b: text }).describe('A.')],
    ['spec.a is a nullable enum', z.enum(['x']).nullable().describe('A.')],
    ['looks around or back', text.regex(/^(?!x)/).describe('A.')],
    ['spec: not representable', z.date().describe('A.')],
    ['spec keyword "definitions"', text.meta({ id: 'shared' })],
  ])('is refused: %s', (message, a) => {
    expect(() => specOf({ a })).toThrow(message);
  });
});

describe('a rule', () => {
  const status = (fields: z.ZodRawShape) =>
    z.object({ observedGeneration: z.int().optional().describe('G.'), ...fields }).describe('Status.');
  const unbounded = status({ fault: z.string().optional().describe('Fault.'), id: text.optional() });
  const rule = (cel: string) => ({ rule: cel, message: 'no' });

  test.each([
    'self.status.fault != oldSelf.status.fault',
    'oldSelf.status.fault == ""',
    'oldSelf.value().status == self.status',
    'self.?status.fault.orValue("") == ""',
    'self.status.fault.startsWith("x")',
  ])('that reads an unbounded field of the status is refused: %s', (cel) => {
    expect(() => crd({ ...sampleKind, status: unbounded, printerColumns: [], rules: [rule(cel)] })).toThrow(
      'status.fault is a string without maxLength',
    );
  });

  test('may read bounded fields of a status, and ask whether a field is there', () => {
    const rules = [rule('has(self.status.fault) || self.status.id == oldSelf.status.id')];
    expect(() => crd({ ...sampleKind, status: unbounded, printerColumns: [], rules })).not.toThrow();
  });

  test('at a field of the status needs bounds below that field', () => {
    const k8s = { 'x-kubernetes-validations': [rule('self.b != ""')] };
    const a = z
      .object({ b: z.string().describe('B.') })
      .optional()
      .meta({ description: 'A.', k8s });
    expect(() => crd({ ...sampleKind, status: status({ a }), printerColumns: [] })).toThrow('status.a.b is a string');
  });
});
