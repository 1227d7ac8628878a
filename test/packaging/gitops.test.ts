import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeOf } from '../../src/engine/kind.ts';
import { kinds } from '../../src/kinds.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { type CommandResult, sharedCluster } from '../support/controlplane.ts';
import { root } from '../support/docs.ts';
import { type SampleSite, sampleSite } from './support/sample-site.ts';

type Live = KubeObject & Record<string, unknown>;

const kubectlAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
const readable = kinds.map(({ names }) => names.plural).join(',');

/** All that stands in the namespace and that we have to do with, by `Kind/name`. */
async function everything({ kubectl }: SampleSite): Promise<Record<string, Live>> {
  const list = await kubectl('get', `${readable},secrets`, '-o', 'json', '--show-managed-fields');
  const { items } = JSON.parse(list) as { items: Live[] };
  return Object.fromEntries(items.map((item) => [`${item.kind}/${item.metadata.name}`, item]));
}

/** Without what the API server counts, and what is ours by right: status, our finalizers, our annotations. */
function without(object: Live): object {
  const { status: _, metadata, ...rest } = object;
  const {
    resourceVersion: __,
    managedFields: ___,
    finalizers = [],
    annotations = {},
    ...others
  } = metadata as KubeObject['metadata'] & {
    managedFields?: unknown;
  };
  const theirs = Object.entries(annotations).filter(([name]) => !name.startsWith('freehold.dev/'));
  return {
    ...rest,
    metadata: {
      ...others,
      annotations: Object.fromEntries(theirs),
      finalizers: finalizers.filter((name) => !name.startsWith('freehold.dev/')),
    },
  };
}

const versions = (objects: Record<string, Live>) =>
  Object.fromEntries(Object.entries(objects).map(([name, { metadata }]) => [name, metadata.resourceVersion]));

/** How people apply manifests. */
const ways: [string, ...string[]][] = [
  ['on the client'],
  ['on the server', '--server-side'],
  ['on the server, as Argo CD', '--server-side', '--field-manager=argocd-controller'],
];

describe.each(ways)('samples that were applied %s', (...[, ...flags]) => {
  let site: SampleSite;
  let before: Record<string, Live>;
  let waited: CommandResult;
  /** One field of each kind that may be changed while its object exists. */
  const changes: Record<string, object> = {
    SDPFTenant: { pollInterval: 61 },
    DedicatedHypervisor: { name: 'shop-1' },
    GuestLicense: { deletionPolicy: 'Delete' },
    VCenterRegistration: { deletionPolicy: 'Delete' },
    CloudOSTenant: { pollInterval: 61 },
    BareMetalNode: { resourceClass: 'large' },
  };

  const applyAll = () => site.kubectlWith(site.text, 'apply', ...flags, '-f', '-');
  const sent = async () => (await site.s.sandbox.calls()).filter(({ method }) => method !== 'GET').length;

  beforeAll(async () => {
    site = await sampleSite();
    await applyAll();
    before = await everything(site);
    const waiting = site.s.kubectl(['wait', '--for=condition=Ready', 'freehold', '--all', '--timeout=60s']);
    await site.s.start({ readDeadline: '10m', writeDeadline: '10m' });
    await site.allReady();
    // What follows from being Ready, such as the list that shows it, is over.
    await site.s.pass(120_000, 10_000);
    waited = await waiting;
  }, 120_000);
  afterAll(() => site?.s.end());

  it('stand for every kind, and kubectl wait tells when all are Ready', async () => {
    expect(new Set(site.resources.map(([kind]) => kind))).toEqual(new Set(kinds.map(({ names }) => names.kind)));
    expect(waited).toMatchObject({ code: 0 });
    for (const [kind, name] of site.resources) {
      const { code } = await site.s.kubectl(['wait', '--for=condition=Ready', kind, name, '--timeout=5s']);
      expect([kind, name, code]).toEqual([kind, name, 0]);
    }
  });

  it('are, after Ready, what was applied, but for status, our finalizers and our annotations', async () => {
    const after = await everything(site);
    for (const [name, object] of Object.entries(before)) {
      expect(without(after[name]!), name).toEqual(without(object));
      expect(after[name]!.metadata.annotations?.[kubectlAnnotation]).toBe(
        object.metadata.annotations?.[kubectlAnnotation],
      );
      if (!name.startsWith('Secret/')) expect(after[name]!.metadata.generation).toBe(1);
    }
    // What is new are our Secrets, which no prune may take for a part of what was applied.
    const added = Object.entries(after).filter(([name]) => !(name in before));
    expect(added.map(([name]) => name).sort()).toEqual([
      'Secret/server-test-1-admin-password',
      'Secret/vcenter-license',
    ]);
    for (const [, { metadata }] of added)
      expect([metadata.labels, metadata['ownerReferences' as never]]).toEqual([undefined, undefined]);
  });

  it('hold no field of a spec that the operator would own', async () => {
    const after = await everything(site);
    const ours: string[] = [];
    for (const [name] of Object.entries(before)) {
      const managed = (after[name]!.metadata as { managedFields?: { manager: string; fieldsV1: object }[] })
        .managedFields;
      for (const { manager, fieldsV1 } of managed ?? []) {
        if (!manager.startsWith('freehold')) continue;
        ours.push(manager);
        for (const field of ['f:spec', 'f:data', 'f:type']) expect(fieldsV1, name).not.toHaveProperty(field);
        const metadata = (fieldsV1 as { 'f:metadata'?: Record<string, unknown> })['f:metadata'] ?? {};
        expect(Object.keys(metadata).filter((field) => !['f:finalizers', 'f:annotations'].includes(field))).toEqual([]);
      }
    }
    expect(ours.length).toBeGreaterThan(kinds.length);
  });

  it('show no difference to kubectl diff', async () => {
    const differences = ['diff', ...flags, '-f', '-'];
    expect(await site.s.kubectl(differences, site.text)).toMatchObject({ code: 0, stdout: '' });
    // The other way round kubectl shows the annotation that it keeps for itself.
    if (flags.length > 0)
      expect(await site.s.kubectl(['diff', '-f', '-'], site.text)).toMatchObject({ code: 0, stdout: '' });
  });

  it('are not written when they are applied again, neither here nor at the remote', async () => {
    const [versionsBefore, sentBefore] = [versions(await everything(site)), await sent()];
    await applyAll();
    await site.s.pass(180_000, 10_000);
    expect(versions(await everything(site))).toEqual(versionsBefore);
    expect(await sent()).toBe(sentBefore);
  });

  it('let their user change a field of each kind without a conflict, and become Ready with it', async () => {
    const list = JSON.parse(site.text) as { items: (Live & { spec: object })[] };
    for (const item of list.items)
      Object.assign(
        item.spec ?? {},
        changes[item.kind ?? ''],
        item.metadata.name === 'bought-by-hand' && { name: undefined },
      );
    const { code, stderr } = await site.s.kubectl(['apply', ...flags, '-f', '-'], JSON.stringify(list));
    expect([code, stderr]).toEqual([0, '']);
    await site.allReady();
    for (const [kind, name] of site.resources) {
      if (name === 'bought-by-hand') continue;
      const { metadata, spec } = await site.get(kind, name);
      expect([kind, metadata.generation]).toEqual([kind, 2]);
      expect(spec).toMatchObject(changes[kind]!);
    }
  });

  it('let a second field manager apply the same without a conflict', async () => {
    const { items } = JSON.parse(site.text) as { items: (Live & { spec: object })[] };
    for (const [kind, name] of site.resources) {
      if (name === 'bought-by-hand') continue;
      const item = items.find((one) => one.kind === kind && one.metadata.name === name)!;
      const same = { ...item, spec: { ...item.spec, ...changes[kind] } };
      const second = ['apply', '--server-side', '--field-manager=second', '-f', '-'];
      const { code, stderr } = await site.s.kubectl(second, JSON.stringify(same));
      expect([kind, code, stderr]).toEqual([kind, 0, '']);
      expect((await site.get(kind, name)).metadata.generation).toBe(2);
    }
  });

  it('show at a glance whether each is well, what it is and how old', async () => {
    for (const { names } of kinds) {
      const [plain = '', ...rows] = (await site.kubectl('get', names.plural)).trim().split('\n');
      const [wide = ''] = (await site.kubectl('get', names.plural, '-o', 'wide')).split('\n');
      expect(plain).toMatch(/^NAME +READY +REASON +\S.* AGE *$/);
      expect(wide).toMatch(/^NAME +READY +REASON .* MESSAGE +AGE *$/);
      expect(wide.length).toBeGreaterThan(plain.length);
      for (const row of rows) expect(row).toMatch(/^\S+ +True +\w+ +\S.* \d+[smh]\S* *$/);
      // What people read fits on a screen; only the message of -o wide may be longer.
      expect(plain.length, plain).toBeLessThan(140);
    }
    const all = await site.kubectl('get', 'freehold', '-o', 'name');
    expect(all.trim().split('\n')).toHaveLength(site.resources.length);
  });
});

describe('the kinds', () => {
  interface Schema {
    description?: string;
    properties?: Record<string, Schema>;
    items?: Schema;
    additionalProperties?: Schema | boolean;
  }

  beforeAll(async () => {
    const { kubectl } = await sharedCluster();
    const crds = path.join(root, 'crds');
    expect(await kubectl(['apply', '--server-side', '-f', crds])).toMatchObject({ code: 0 });
    expect(await kubectl(['wait', '--for=condition=Established', '-f', crds])).toMatchObject({ code: 0 });
  });

  it.each([...new Set(kinds.map(({ group }) => group))])('of %s explain every field', async (group) => {
    const { kubectl } = await sharedCluster();
    const { code, stdout } = await kubectl(['get', '--raw', `/openapi/v3/apis/${group}/v1alpha1`]);
    expect(code).toBe(0);
    const { components } = JSON.parse(stdout) as { components: { schemas: Record<string, Schema> } };
    const silent: string[] = [];
    let told = 0;
    const look = (schema: Schema, at: string): void => {
      for (const [name, field] of Object.entries(schema.properties ?? {})) {
        told += 1;
        if ((field.description ?? '').trim().length < 2) silent.push(`${at}.${name}`);
        look(field, `${at}.${name}`);
      }
      if (schema.items) look(schema.items, `${at}[]`);
      if (typeof schema.additionalProperties === 'object') look(schema.additionalProperties, `${at}{}`);
    };
    for (const kind of kinds.filter((one) => one.group === group)) {
      const [, schema] = Object.entries(components.schemas).find(([name]) => name.endsWith(`.${kind.names.kind}`))!;
      look(schema, kind.names.kind);
    }
    expect(silent).toEqual([]);
    expect(told).toBeGreaterThan(40);
  });

  it.each(kinds.map(({ names }) => names.plural))('%s are explained by kubectl itself', async (plural) => {
    const { kubectl } = await sharedCluster();
    for (const path of [plural, `${plural}.spec.managementPolicy`, `${plural}.status.conditions.reason`]) {
      const { code, stdout } = await kubectl(['explain', path]);
      if (path.includes('managementPolicy') && code !== 0) expect(plural).toMatch(/tenants$/);
      else expect(stdout).toMatch(/DESCRIPTION:\n +\S/);
      expect(stdout).not.toContain('<empty>');
    }
  });

  it('are listed by their category, have a status of their own and nothing to scale', async () => {
    const { kubectl } = await sharedCluster();
    const { stdout } = await kubectl(['api-resources', '--categories=freehold', '-o', 'name']);
    const all = kinds.map((kind) => `${kind.names.plural}.${kind.group}`);
    expect(stdout.trim().split('\n').sort()).toEqual(all.sort());
    for (const group of new Set(kinds.map((kind) => kind.group))) {
      const { resources } = JSON.parse((await kubectl(['get', '--raw', `/apis/${group}/v1alpha1`])).stdout) as {
        resources: { name: string }[];
      };
      const plurals = kinds.filter((kind) => kind.group === group).map((kind) => typeOf(kind).plural);
      expect(resources.map(({ name }) => name).sort()).toEqual(
        plurals.flatMap((name) => [name, `${name}/status`]).sort(),
      );
    }
  });
});
