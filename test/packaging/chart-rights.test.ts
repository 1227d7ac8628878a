import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { blocks } from '../support/docs.ts';
import { configOf, deployments, type Manifest, ofKind, render } from './support/helm.ts';

const namespace = 'freehold-system';
const watchNamespaces = ['shop', 'lab'];

const [operatorRole, leaderRole] = parseAllDocuments(blocks('docs/security.md', 'yaml')[0]!).map(
  (document) => document.toJS() as Manifest,
);

describe('the rights', () => {
  it('of the operator are those of docs/security.md', async () => {
    const all = await render();
    expect(ofKind(all, 'ClusterRole')).toContainEqual(expect.objectContaining({ rules: operatorRole!['rules'] }));
    expect(ofKind(all, 'Role')).toMatchObject([{ metadata: { name: 'freehold-leader' }, rules: leaderRole!['rules'] }]);
  });

  it('are bound in the watched namespaces only, where there are some', async () => {
    const all = await render({ watchNamespaces }, 'freehold', namespace);
    expect(ofKind(all, 'ClusterRoleBinding')).toEqual([]);
    expect(ofKind(all, 'ClusterRole').map(({ metadata }) => metadata.name)).toEqual([
      'freehold-view',
      'freehold-edit',
      'freehold-admin',
    ]);
    for (const name of watchNamespaces) {
      const there = all.filter(({ metadata }) => metadata.namespace === name);
      expect(there).toMatchObject([
        { kind: 'Role', rules: operatorRole!['rules'] },
        { kind: 'RoleBinding', subjects: [{ kind: 'ServiceAccount', name: 'freehold', namespace }] },
      ]);
    }
    expect(configOf(deployments(all)[0]!.spec.template.spec.containers[0]!.args).watchNamespaces).toEqual(
      watchNamespaces,
    );
  });

  it('of people begin with reading; what buys is given to `edit` and `admin` on request', async () => {
    const all = await render({ userRoles: { aggregateToEdit: true, aggregateToAdmin: true } });
    const roles = ofKind(all, 'ClusterRole') as (Manifest & { rules: { resources: string[]; verbs: string[] }[] })[];
    const may = (name: string, verb: string) =>
      roles
        .find(({ metadata }) => metadata.name === name)!
        .rules.filter(({ verbs }) => verbs.includes(verb))
        .flatMap(({ resources }) => resources)
        .sort();
    const resources = ['baremetalnodes', 'dedicatedhypervisors', 'guestlicenses', 'vcenterregistrations'];
    const tenants = ['cloudostenants', 'sdpftenants'];
    for (const name of ['freehold-view', 'freehold-edit', 'freehold-admin'])
      expect(may(name, 'get')).toEqual([...resources, ...tenants].sort());
    expect(may('freehold-view', 'create')).toEqual([]);
    expect(may('freehold-edit', 'create')).toEqual(resources);
    expect(may('freehold-admin', 'create')).toEqual([...resources, ...tenants].sort());
    const label = (to: string) =>
      all.find(({ metadata }) => metadata.name === `freehold-${to}`)!.metadata.labels![
        `rbac.authorization.k8s.io/aggregate-to-${to}`
      ];
    for (const to of ['view', 'edit', 'admin']) expect(label(to)).toBe('true');
  });
});
