import { randomBytes } from 'node:crypto';
import type { KubeApi, KubeObject, ResourceType } from '../../src/kube/types.ts';
import { KubeError } from '../../src/kube/types.ts';
import { until } from './wait.ts';

/** A throw-away resource type for tests of the Kubernetes side alone. */
export interface Widget extends KubeObject {
  spec: { size: number };
  status?: { phase?: string; other?: string };
}

const widgets: ResourceType = { group: 'test.freehold.dev', version: 'v1', plural: 'widgets', kind: 'Widget' };

/** Makes the type known to the API server, if it is not yet. */
export async function makeWidgets(api: KubeApi): Promise<ResourceType> {
  const crds = {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
  };
  const name = `${widgets.plural}.${widgets.group}`;
  const text = { type: 'string' };
  const schema = {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { size: { type: 'integer' } } },
      status: { type: 'object', properties: { phase: text, other: text } },
    },
  };
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: crds.kind,
    metadata: { name },
    spec: {
      group: widgets.group,
      scope: 'Namespaced',
      names: { kind: widgets.kind, plural: widgets.plural, singular: 'widget', listKind: 'WidgetList' },
      versions: [
        { name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: schema } },
      ],
    },
  };
  await api.apply(crds, { namespace: '', name }, crd, { fieldManager: 'test' });
  await until('the widgets are served', async () => {
    try {
      await api.list(widgets, { limit: 1 });
      return true;
    } catch (error) {
      if (error instanceof KubeError) {
        return false;
      }
      throw error;
    }
  });
  return widgets;
}

export async function makeNamespace(api: KubeApi): Promise<string> {
  const namespaces: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };
  const name = `test-${randomBytes(5).toString('hex')}`;
  await api.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  return name;
}
