import { RemoteError } from '../remote/errors.ts';
import { effect, freshRead } from './create.ts';
import { act } from './act.ts';
import type { Observed } from './kind.ts';
import { heldBack } from './held.ts';
import { type Outcome, type Pass, refused, unready } from './outcome.ts';
import { pace, planned } from './follow.ts';
import { ownerText, partText } from './owner.ts';
import { collectionsOf, partKey } from './parts.ts';
import { isUnsettled } from './resource.ts';
import type { Binding } from './tenants.ts';
import { worldOf } from './world.ts';

/** A DELETE is sent again only when the remote shows nothing of it for so long, milliseconds. */
const deleteAgain = 60_000;

/**
 * May the resource go at once, with no tenant, Secret or remote call? Retain, Observe, and whatever was never sent. An
 * unknown outcome holds it whatever the policy: letting go would orphan what the create may have made.
 */
export function mayGoAtOnce(pass: Pass): boolean {
  const { resource } = pass;
  if (isUnsettled(resource)) return false;
  const { deletionPolicy, managementPolicy, externalID } = resource.spec;
  if (deletionPolicy === 'Retain' || managementPolicy === 'Observe') return true;
  // Adopted by the spec and never looked at: under `Delete` the word covers it only once it was found and recorded.
  return resource.status?.externalID === undefined && externalID === undefined;
}

/**
 * Bought a moment ago and in no list yet: let go of now, the same manifest applied again would not find it, and buy another
 * one. It is held until a list shows it, at most for the settle window of its create.
 */
export function unseen({ context, kind, resource }: Pass, binding: Binding | undefined): Outcome | undefined {
  const { creation, externalID } = resource.status ?? {};
  if (externalID === undefined || creation?.outcome !== 'Created' || binding?.remote.shown.has(externalID))
    return undefined;
  const left = Date.parse(creation.sentAt) + context.settings.settleWindow - context.clock.now();
  // A clock that was set back must not hold it longer than the window.
  if (!(left > 0) || left > context.settings.settleWindow) return undefined;
  const message = `${kind.main.noun} ${externalID} was ordered a moment ago and no list shows it yet; it is let go of once one does, so that the same manifest applied again finds it`;
  return unready('Deleting', message, { awaitList: true, motion: true, after: left });
}

const released = (reason: 'Deleting', message: string): Outcome => ({
  standing: { ready: false, reason, message },
  released: true,
});

/** Removes our finalizer, and says what stays. */
export async function release(pass: Pass): Promise<Outcome> {
  const { context, kind, resource } = pass;
  const id = resource.status?.externalID;
  if (id !== undefined) {
    const sentAt = resource.status?.deletion?.sentAt;
    const note =
      sentAt === undefined
        ? `${kind.main.noun} ${id} ${kind.retained ?? 'stays as it is and goes on costing money'}; the same manifest applied again finds it`
        : `${kind.main.noun} ${id} is let go; its delete was sent at ${sentAt}, and whether it was carried out was not proved`;
    context.event(resource, { type: 'Normal', reason: 'Retained', action: 'Release', note });
    // No event can be written in a namespace that is being deleted.
    context.log.info({ resource: pass.identifier }, note);
  }
  if (id === undefined && resource.status?.creation === undefined) await removeUnusedSecrets(pass);
  await context.journal.unbind(kind, resource);
  return released('Deleting', 'released');
}

/** Nothing was bought: a password that was made for it opens nothing. */
async function removeUnusedSecrets({ context, kind, owner, resource }: Pass): Promise<void> {
  const { namespace = '', uid = '', name } = resource.metadata;
  for (const need of Object.values(kind.secrets?.(resource.spec as never, name) ?? {})) {
    if (need.generate) await context.secrets.removeUnused(namespace, need.name, ownerText(owner), uid);
  }
}

/** The object is proved gone: our own Secrets go, then the resource. */
export async function finish(pass: Pass): Promise<Outcome> {
  const { context, kind, owner, resource } = pass;
  for (const need of Object.values(kind.secrets?.(resource.spec as never, resource.metadata.name) ?? {})) {
    if (need.generate) await context.secrets.removeOwn(resource.metadata.namespace ?? '', need.name, ownerText(owner));
  }
  const output = kind.output?.({ spec: resource.spec, name: resource.metadata.name });
  if (output) await context.secrets.removeOwn(resource.metadata.namespace ?? '', output.name, ownerText(owner));
  const id = resource.status?.externalID;
  if (id !== undefined) {
    context.event(resource, {
      type: 'Normal',
      reason: 'Deleted',
      action: 'Delete',
      note: `${kind.main.noun} ${id} is proved gone`,
    });
  }
  await context.journal.unbind(kind, resource);
  return released('Deleting', 'gone');
}

/** One step towards none, under `Delete`; the object is there. */
export async function remove(
  pass: Pass,
  binding: Binding,
  present: { id: string; remote: unknown },
  parts: Observed,
): Promise<Outcome> {
  const { context, kind, memory } = pass;
  const { id } = present;
  const held = heldBack(pass, binding);
  if (held) return { ...held, remote: present.remote };
  const next = await planned(pass, binding, present, (main) =>
    kind.planRemoval({ main, parts, name: pass.resource.metadata.name }, worldOf(pass, binding)),
  );
  if ('outcome' in next) return { remote: present.remote, ...next.outcome };
  const { step, remote } = next;
  // What it waits for may be another collection's, or another resource: each list looks again.
  if (step.do === 'wait' || step.do === 'blocked')
    return unready(step.reason, step.message, { remote, ...pace(pass, step.reason) });
  if (step.do === 'act' || step.do === 'update') {
    // On its way to where it can be removed; the person may have taken back their word meanwhile.
    await freshRead(pass);
    return { remote, ...(await act(pass, binding, step, { id, remote }, parts)), motion: true };
  }
  const isMain = step.do === 'remove' && step.remote === 'main';
  const part = step.do === 'remove' ? parts[partKey(step.remote, step.instance)] : undefined;
  const gone = isMain ? id : part?.state === 'present' ? part.id : undefined;
  if (step.do !== 'remove' || gone === undefined)
    return unready('Deleting', `${kind.main.noun} ${id} is not to be removed now`, { remote, motion: true });
  const object = isMain ? kind.main : kind.parts![step.remote]!;
  const now = context.clock.monotonic();
  const waiting = unready(
    'Deleting',
    `the delete of ${object.noun} ${gone} was sent; waiting until it is proved gone`,
    { remote, motion: true },
  );
  const { deleteSent } = memory;
  if (deleteSent?.id === gone && now - deleteSent.at < deleteAgain) return { ...waiting, after: deleteAgain };
  // Either proves that the person's word is still the one that we know.
  if (pass.resource.status?.deletion === undefined) pass.resource = await context.journal.deleting(kind, pass.resource);
  else await freshRead(pass);
  const owned = isMain ? ownerText(pass.owner) : partText(pass.owner, step.remote, step.instance ?? '');
  const look = () => collectionsOf(kind, binding).forEach((collection) => collection.refresh());
  try {
    await object.remove(effect(pass, binding, owned), gone);
    memory.deleteSent = { id: gone, at: context.clock.monotonic() };
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    look();
    // 404: it is going or gone; only the two witnesses say which.
    if (error.reason === 'NotFound') return { ...waiting, awaitList: true, after: context.settings.motionInterval };
    if (error.outcome === 'unknown') {
      memory.changed = { at: context.clock.monotonic(), standing: waiting.standing };
      return { ...waiting, backoff: 0, awaitList: true };
    }
    return { ...refused(error, `the delete of ${object.noun} ${gone}`, object.explain?.(error)), remote, motion: true };
  }
  look();
  memory.changed = { at: context.clock.monotonic(), standing: waiting.standing };
  return { ...waiting, changed: true, awaitList: true };
}
