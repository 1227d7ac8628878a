import type { Resource } from '../../src/engine/resource.ts';
import type { Sandbox, SandboxInfo } from '../../src/sandbox/sandbox.ts';
import type { MemoryKube } from '../support/memory-kube/memory-kube.ts';
import { createAnswers } from './answers.ts';
import type { Blurs } from './blurs.ts';
import type { Act, History, Planned } from './history.ts';
import type { Deeds } from './laws.ts';
import { control, type Ledger } from './ledger.ts';
import { type Manifest, manifestOf, personSecret, secrets, tenantsOf, typeNamed } from './manifests.ts';
import { createPortal } from './portal.ts';
import type { Scheduler } from './scheduler.ts';
import type { Tell } from './trace.ts';

export const ownerID = 'prod';

export interface PeopleOptions {
  history: History;
  sandbox: Sandbox;
  info: SandboxInfo;
  kube: () => MemoryKube;
  ledger: () => Ledger;
  scheduler: Scheduler;
  deeds: Deeds;
  blurs: Blurs;
  tell: Tell;
  /** Wall clock, for what they date. */
  now: () => number;
}

/** What people do in Kubernetes and at the remote portals. They do nothing wrong by law, and everything at a bad time. */
export interface People {
  /** Secrets and tenants, and what is at the remote before anything else. */
  begin(): void;
  apply(name: string): void;
  act(act: Act): void;
  /** Looks at every resource that asks something, and answers with the truth. */
  answer(): void;
  /** Ends what would keep a resource waiting for ever. */
  tidy(): void;
  /** Everything that is in Git, into a new cluster. */
  applyAll(): void;
  /** Is it meant to be there? */
  wants(name: string): boolean;
  /** The resource whose create was journalled last and has no outcome. */
  buying(): Planned | undefined;
}

/** Between two tries to apply what is being deleted, milliseconds. */
const syncEvery = 20_000;

/** So long after a hasty answer somebody looks at the portal, milliseconds. */
const secondThought = 200_000;

/**
 * So long after a create was journalled whatever it made is there, milliseconds: what `retry` says after the settle window
 * is obeyed, so that a hasty one is taken back before it ends.
 */
const shownAfter = 300_000;

export function createPeople(options: PeopleOptions): People {
  const { history, sandbox, info, kube, scheduler, deeds, tell } = options;
  const git = new Map<string, Manifest>();
  /** What was in Git last. */
  const former = new Map<string, Manifest>();
  const losses = new Map<string, string>();
  const planned = new Map(history.resources.map((one) => [one.name, one]));
  const portal = createPortal({ ...options, live });
  const answers = createAnswers({ ...options, planned, live, edit, annotate, acceptLoss, removeSecret });

  const keyOf = ({ metadata }: Manifest) => ({ namespace: metadata.namespace ?? '', name: metadata.name });

  function live({ kind, namespace, name }: Planned): Resource | undefined {
    return kube().get<Resource>(typeNamed(kind), { namespace, name });
  }

  function put(manifest: Manifest): void {
    const type = typeNamed(manifest.kind);
    const found = kube().get(type, keyOf(manifest));
    tell('people', () => `apply ${manifest.kind} ${manifest.metadata.name} ${JSON.stringify(manifest.spec ?? {})}`);
    if (!found) {
      kube().create(type, structuredClone(manifest), { fieldManager: 'kubectl' });
      return;
    }
    const { annotations } = manifest.metadata;
    const patch = { ...(annotations && { metadata: { annotations } }), spec: manifest.spec ?? {} };
    kube().mergePatch(type, keyOf(manifest), structuredClone(patch), { fieldManager: 'kubectl' });
  }

  function apply(name: string): void {
    const one = planned.get(name)!;
    const manifest = git.get(name) ?? former.get(name) ?? manifestOf(one, info, portal.adopted(one));
    git.set(name, manifest);
    // Whoever syncs from Git tries again until the former one is gone.
    if (live(one)?.metadata.deletionTimestamp !== undefined)
      scheduler.at(scheduler.now() + syncEvery, () => sync(name));
    else put(manifest);
  }

  /** With what was changed in Git meanwhile. */
  function again(name: string, spec: Record<string, unknown>): void {
    const manifest = git.get(name) ?? former.get(name);
    if (manifest) manifest.spec = { ...manifest.spec, ...spec };
    apply(name);
  }

  function sync(name: string): void {
    if (git.has(name)) apply(name);
  }

  function edit(name: string, spec: Record<string, unknown>): void {
    const manifest = git.get(name);
    const one = planned.get(name)!;
    // null takes a field away.
    if (manifest) {
      const all = Object.entries({ ...manifest.spec, ...spec });
      manifest.spec = Object.fromEntries(all.filter(([, value]) => value !== null));
    }
    if (!live(one)) return;
    tell('people', () => `edit ${name} ${JSON.stringify(spec)}`);
    kube().mergePatch(typeNamed(one.kind), { namespace: one.namespace, name }, { spec: structuredClone(spec) }, {});
  }

  function annotate(name: string, annotations: Record<string, string | null>): void {
    const manifest = git.get(name);
    const one = planned.get(name)!;
    if (manifest) {
      const all = Object.entries({ ...manifest.metadata.annotations, ...annotations });
      manifest.metadata.annotations = Object.fromEntries(
        all.flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
      );
    }
    if (!live(one)) return;
    tell('people', () => `annotate ${name} ${JSON.stringify(annotations)}`);
    kube().mergePatch(typeNamed(one.kind), { namespace: one.namespace, name }, { metadata: { annotations } }, {});
  }

  function acceptLoss(kind: string, namespace: string, hash: string): void {
    const name = kind === 'CloudOSTenant' ? 'cloud' : 'sdpf';
    tell('people', () => `accept the loss ${hash} on ${namespace}/${name}`);
    losses.set(`${kind}/${namespace}`, hash);
    const annotations = { 'freehold.dev/accept-loss': hash };
    kube().mergePatch(typeNamed(kind), { namespace, name }, { metadata: { annotations } }, {});
  }

  function remove(one: Planned): void {
    const { kind, namespace, name } = one;
    const manifest = git.get(name);
    if (manifest) former.set(name, manifest);
    git.delete(name);
    tell('people', () => `delete ${name}`);
    kube().delete(typeNamed(kind), { namespace, name });
  }

  /** What the API server lets anybody do: an ID is added only while nothing is recorded. */
  function adopt(one: Planned, object: string, mark: 'none' | 'foreign'): void {
    if (one.kind === 'VCenterRegistration' || git.get(one.name)?.spec?.externalID !== undefined) return;
    if (!git.has(one.name) || live(one)?.status?.externalID !== undefined) return;
    edit(one.name, { externalID: portal.objectOf(one, { object, mark }) });
  }

  function hastyRetry(one: Planned): void {
    const creation = live(one)?.status?.creation;
    if (creation === undefined || creation.outcome !== undefined) return;
    const shown = (deeds.journalled.get(creation.attemptID) ?? -Infinity) + shownAfter;
    // Who looks so late that the portal shows it all is not hasty, and would lie.
    if (shown <= scheduler.now()) return;
    const resolve = `${creation.attemptID} retry`;
    annotate(one.name, { 'freehold.dev/resolve': resolve });
    scheduler.at(Math.min(scheduler.now() + secondThought, shown), () => {
      const says =
        live(one)?.metadata.annotations?.['freehold.dev/resolve'] ??
        git.get(one.name)?.metadata.annotations?.['freehold.dev/resolve'];
      if (says === resolve && answers.madeFor(one) !== undefined) annotate(one.name, { 'freehold.dev/resolve': null });
    });
  }

  const personal = new Set<string>();

  function ownSecret({ kind, namespace, name }: Planned, replace: boolean): void {
    const title = kind === 'GuestLicense' ? `${name}-license` : `${name}-admin-password`;
    if (kind !== 'GuestLicense' && kind !== 'DedicatedHypervisor') return;
    if (kube().get(secrets, { namespace, name: title })) {
      // A key can be had again from the portal; nobody throws away the only copy of a password.
      if (!replace || kind !== 'GuestLicense') return;
      kube().delete(secrets, { namespace, name: title });
    }
    tell('people', () => `make a Secret ${title} of their own`);
    kube().create(secrets, personSecret(namespace, title), { fieldManager: 'kubectl' });
    personal.add(`${namespace}/${title}`);
  }

  /** It is in the way, and is theirs. */
  function removeSecret({ kind, namespace, name }: Planned): void {
    const title = kind === 'GuestLicense' ? `${name}-license` : `${name}-admin-password`;
    if (!personal.delete(`${namespace}/${title}`)) return;
    tell('people', () => `delete their Secret ${title}`);
    kube().delete(secrets, { namespace, name: title });
  }

  function newCredentials(): void {
    info.sdpf.apiSecret = `${info.sdpf.apiSecret}-next`;
    const { tenantID, apiKey, apiSecret } = info.sdpf;
    tell('people', () => 'change the API key');
    control(sandbox, 'PUT', 'credentials', { tenantID, apiKey, apiSecret });
    for (const namespace of new Set(history.resources.map((one) => one.namespace))) {
      const key = { namespace, name: 'sdpf-credentials' };
      if (kube().get(secrets, key)) kube().mergePatch(secrets, key, { stringData: { apiSecret } }, {});
    }
  }

  function touch({ kind, namespace, name }: Planned): void {
    const metadata = { labels: { touched: 'yes' } };
    if (kube().get(typeNamed(kind), { namespace, name }))
      kube().mergePatch(typeNamed(kind), { namespace, name }, { metadata }, {});
  }

  function act(what: Act): void {
    const one = 'of' in what ? planned.get(what.of) : undefined;
    if (what.do === 'edit') edit(what.of, what.spec);
    else if (what.do === 'annotate') annotate(what.of, what.annotations);
    else if (what.do === 'recreate') again(what.of, what.spec ?? {});
    // What the remote itself denies for minutes counts as gone: nobody deletes just then.
    else if (what.do === 'delete') {
      if (!portal.hides(one!.kind)) remove(one!);
    } else if (what.do === 'touch') touch(one!);
    else if (what.do === 'adopt') adopt(one!, what.object, what.mark);
    else if (what.do === 'hasty-retry') hastyRetry(one!);
    else if (what.do === 'own-secret') ownSecret(one!, what.replace === true);
    else if (what.do === 'answer') answers.answer();
    else if (what.do === 'new-credentials') newCredentials();
    else portal.act(what, one);
  }

  return {
    begin() {
      tenantsOf(history, info).forEach(put);
      for (const one of planned.values()) portal.adopted(one);
    },
    apply,
    act,
    answer: answers.answer,
    tidy() {
      for (const { spec } of git.values()) {
        const license = (spec?.licenseRef as { name: string } | undefined)?.name;
        if (license !== undefined && !git.has(license)) apply(license);
      }
      for (const { name } of planned.values()) {
        const spec = git.get(name)?.spec;
        annotate(name, { 'freehold.dev/paused': null });
        if (spec?.managementPolicy === 'Observe') edit(name, { managementPolicy: 'Manage' });
        if (spec?.maintenance !== undefined && spec.maintenance !== null) edit(name, { maintenance: null });
      }
    },
    applyAll() {
      for (const tenant of tenantsOf(history, info)) {
        put(tenant);
        const hash = losses.get(`${tenant.kind}/${tenant.metadata.namespace}`);
        if (hash !== undefined) acceptLoss(tenant.kind, tenant.metadata.namespace!, hash);
      }
      for (const manifest of git.values()) put(manifest);
    },
    wants: (name) => git.has(name),
    buying() {
      const open = [...planned.values()].flatMap((one) => {
        const creation = live(one)?.status?.creation;
        return creation && creation.outcome === undefined ? [{ one, sentAt: creation.sentAt }] : [];
      });
      return open.sort((a, b) => a.sentAt.localeCompare(b.sentAt)).at(-1)?.one;
    },
  };
}
