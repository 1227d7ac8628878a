import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { kinds } from '../../src/kinds.ts';
import { root } from '../support/docs.ts';
import { deployments, helm, manifests, ofKind } from './support/helm.ts';

const text = (file: string) => readFileSync(path.join(root, 'deploy/argocd', file), 'utf8');

describe('the Applications', () => {
  interface Application {
    kind: string;
    metadata: { finalizers?: string[] };
    spec: {
      source: { path: string; helm?: { valuesObject: object } };
      syncPolicy: { syncOptions: string[]; automated?: { prune?: boolean } };
    };
  }
  const applications = ['application.yaml', 'application-resources.yaml'].flatMap((file) =>
    parseAllDocuments(text(file)).map((document) => document.toJS() as Application),
  );

  it('apply on the server, and take nothing along when a file or the Application itself goes', () => {
    expect(applications).toHaveLength(2);
    for (const { kind, metadata, spec } of applications) {
      expect(kind).toBe('Application');
      expect(spec.syncPolicy.syncOptions).toContain('ServerSideApply=true');
      expect(spec.syncPolicy.automated?.prune).toBe(false);
      expect(metadata.finalizers ?? []).toEqual([]);
    }
  });

  it('bring the chart with CRDs that are kept from being deleted', async () => {
    const { path: directory, helm: options } = applications[0]!.spec.source;
    const values = stringify(options!.valuesObject)
      .replace('<owner ID>', 'acme')
      .replace('<image>', 'registry.example/f');
    // As Argo CD renders it.
    const rendering = ['template', 'freehold', path.join(root, directory), '--include-crds', '--values', '-'];
    const { code, stdout, stderr } = await helm(rendering, values);
    expect(code, stderr).toBe(0);
    expect(deployments(manifests(stdout))).toHaveLength(1);
    const crds = ofKind(manifests(stdout), 'CustomResourceDefinition');
    expect(crds).toHaveLength(kinds.length);
    for (const { metadata } of crds)
      expect(metadata.annotations?.['argocd.argoproj.io/sync-options']).toBe('Prune=false,Delete=false');
  });
});
