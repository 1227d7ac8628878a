import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  acceptLossOf,
  isPaused,
  reconcileRequestOf,
  resolutionOf,
  takeOverOf,
  targetOf,
} from '../../src/engine/annotations.ts';
import type { KubeObject } from '../../src/kube/types.ts';

const annotated = (annotations?: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'web', ...(annotations && { annotations }) },
});
const asking = (text: string) => resolutionOf(annotated({ 'freehold.dev/resolve': text }));

test.each([
  ['a1 retry', { attemptID: 'a1', answer: 'retry' }],
  ['a1 forget', { attemptID: 'a1', answer: 'forget' }],
  ['a1 adopt=4f-2', { attemptID: 'a1', answer: 'adopt', externalID: '4f-2' }],
  ['  a1 \t adopt=4f-2\n', { attemptID: 'a1', answer: 'adopt', externalID: '4f-2' }],
])('resolve %j is understood', (text, answer) => {
  expect(asking(text)).toEqual({ ...answer, text: text.trim() });
});

test.each([
  'retry',
  'a1',
  'a1 Retry',
  'a1 adopt',
  'a1 adopt=',
  'a1 adopt= 4f',
  'a1 retry now',
  'a1 adopt=x forget',
  'a1 create',
])('resolve %j is answered with how to write it', (text) => {
  const answer = asking(text);
  expect(answer).toHaveProperty('problem');
  expect(JSON.stringify(answer)).toContain('<attempt ID> adopt=<ID>');
});

test('no resolve, and an empty one, are none', () => {
  expect([resolutionOf(annotated()), resolutionOf(annotated({})), asking(''), asking(' \n')]).toEqual(
    Array.from({ length: 4 }),
  );
});

test('a huge annotation is read in a moment', () => {
  const begun = performance.now();
  for (const text of [`a${' '.repeat(250_000)}b`, 'a'.repeat(250_000), ' \t'.repeat(125_000)]) asking(text);
  expect(performance.now() - begun).toBeLessThan(2000);
});

test('whatever a person writes into an annotation, reading it never fails, and a long one is not repeated whole', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.tuple(fc.string(), fc.constantFrom('retry', 'forget', 'adopt=', 'adopt=x', '')).map(([a, b]) => `${a} ${b}`),
  );
  fc.assert(
    fc.property(text, (text) => {
      const answer = asking(text);
      if (answer && 'problem' in answer) expect(answer.problem.length).toBeLessThan(400);
      if (answer && 'answer' in answer) {
        expect(answer.attemptID).toMatch(/^\S+$/);
        expect(['retry', 'forget', 'adopt']).toContain(answer.answer);
        if (answer.answer === 'adopt') expect(answer.externalID).toMatch(/^\S+$/);
      }
      const object = annotated(
        Object.fromEntries(
          ['paused', 'target', 'reconcile-requested-at', 'take-over', 'accept-loss'].map((name) => [
            `freehold.dev/${name}`,
            text,
          ]),
        ),
      );
      expect(isPaused(object)).toBe(text.trim() !== 'false');
      for (const read of [targetOf, reconcileRequestOf, takeOverOf, acceptLossOf]) expect(read(object)).not.toBe('');
      expect(reconcileRequestOf(object)?.length ?? 0).toBeLessThanOrEqual(256);
    }),
  );
});

test.each([
  [undefined, false],
  ['false', false],
  [' false ', false],
  ['', true],
  ['true', true],
  ['no', true],
])('paused: %j pauses: %j', (value, paused) => {
  expect(isPaused(annotated(value === undefined ? {} : { 'freehold.dev/paused': value }))).toBe(paused);
});

test('an annotation of another prefix is not ours', () => {
  expect(resolutionOf(annotated({ resolve: 'a1 retry', 'example.com/resolve': 'a1 retry' }))).toBeUndefined();
});
