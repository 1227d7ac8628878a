import { readFileSync } from 'node:fs';
import { beforeAll, describe } from 'vitest';
import { parse } from 'yaml';
import { KubeError, type KubeObject, type ResourceType } from '../../src/kube/types.ts';
import { applySentences } from './kube-conformance-apply.ts';
import type { Bench, KubeUnderTest } from './kube-conformance-bench.ts';
import { lifeSentences } from './kube-conformance-life.ts';
import { readSentences } from './kube-conformance-reads.ts';
import { until } from './wait.ts';
import { makeWidgets } from './widget.ts';

const definitions: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
};
const licenses = { group: 'sdpf.freehold.dev', version: 'v1alpha1', plural: 'guestlicenses', kind: 'GuestLicense' };
const licenseFile = new URL('../../crds/guestlicenses.sdpf.freehold.dev.yaml', import.meta.url);

/**
 * What the operator relies on in an API server, as sentences that hold for every one: for a real one, and for the one in
 * memory that takes its place in the simulation. Where they differ, the one in memory is wrong.
 */
export function kubeConformance(name: string, open: () => Promise<KubeUnderTest>): void {
  describe(`Kubernetes: ${name}`, () => {
    const bench = {} as Bench;
    beforeAll(async () => {
      Object.assign(bench, await open(), { licenses });
      bench.widgets = await makeWidgets(bench.api);
      const crd = parse(readFileSync(licenseFile, 'utf8')) as KubeObject & Record<string, unknown>;
      const key = { namespace: '', name: crd.metadata.name };
      await bench.api.apply(definitions, key, crd, { fieldManager: 'test' });
      await until('the licences are served', () =>
        bench.api.list(licenses, { limit: 1 }).then(
          () => true,
          (error: unknown) => !(error instanceof KubeError),
        ),
      );
    });
    describe('an object', () => {
      lifeSentences(bench);
    });
    describe('server-side apply', () => {
      applySentences(bench);
    });
    describe('a reader', () => {
      readSentences(bench);
    });
  });
}
