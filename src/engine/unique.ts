import { heldByOther } from './held.ts';
import { marked, type Question } from './identify.ts';
import type { Unique } from './kind.ts';
import { byText } from './lookup.ts';
import { type Outcome, type Pass, unready } from './outcome.ts';
import type { Binding } from './tenants.ts';

/** Who made, or may have made, an object with that value, whatever this process knows: the same right after a restart. */
function titled(pass: Pass, target: string, { of }: Unique<never, never>, value: string): string | undefined {
  const { context, identifier, kind, resource } = pass;
  // Among two that have a title, the list decides.
  const { creation, externalID } = resource.status ?? {};
  if (externalID !== undefined || (creation && creation.outcome === undefined)) return undefined;
  const { claims } = context;
  const holders = claims.recorded(kind.names.kind, target).map(({ holder }) => holder);
  return [...holders, ...claims.unsettled(kind.names.kind, target)].find((holder) => {
    if (holder === identifier) return false;
    const other = context.store(kind).get(holder.slice(holder.indexOf('/') + 1));
    return other !== undefined && of({ spec: other.spec as never, name: other.metadata.name }) === value;
  });
}

/**
 * Takes what must serve one object only (the address of a BMC, a name) and says who else has it: another resource, or a
 * remote object that is not `own`. Once taken it is kept until the spec asks for another value or the resource is gone.
 */
export function takenByOthers(pass: Pass, binding: Binding, own: string | undefined): Outcome | undefined {
  const { context, identifier, kind, memory, resource } = pass;
  const { main } = kind;
  const target = binding.remote.key;
  const items = binding.remote.collections.get(main.collection)?.snapshot()?.items ?? new Map<string, unknown>();
  let stop: Outcome | undefined;
  for (const unique of main.unique ?? []) {
    const { noun, taken } = unique;
    const value = unique.of({ spec: resource.spec, name: resource.metadata.name });
    const wish = value === undefined ? undefined : `${noun} ${value}`;
    const before = memory.unique?.[noun];
    if (before !== undefined && before !== wish) context.claims.release(before, target, identifier);
    memory.unique = { ...memory.unique, [noun]: wish };
    if (wish === undefined) continue;
    const other = titled(pass, target, unique, value!) ?? context.claims.hold(wish, target, identifier);
    const rival = byText(items, unique.ofRemote)
      .get(value!)
      ?.find((id) => id !== own);
    if (other === undefined && rival === undefined) continue;
    const holder = rival === undefined ? undefined : context.claims.holderOf(rival, target);
    const who = rival === undefined ? other! : `${main.noun} ${rival}${holder === undefined ? '' : ` (${holder})`}`;
    const way = `correct the spec, or remove it there${rival === undefined ? '' : `, or adopt that ${main.noun} by spec.externalID`}`;
    stop ??= unready(taken, `${wish} belongs to ${who} already: ${way}`, { awaitList: true });
  }
  return stop;
}

/**
 * An object that carries our mark and stands for another thing than the spec: a resource of this name was there before, for
 * another machine. It is not given to this one.
 */
export function ofFormerResource({ kind, resource }: Pass, id: string, remote: unknown): Outcome | undefined {
  const { main } = kind;
  for (const { noun, of, ofRemote, identifies, taken } of main.unique ?? []) {
    const wanted = of({ spec: resource.spec, name: resource.metadata.name });
    const is = ofRemote(remote);
    if (!identifies || wanted === undefined || is === undefined || wanted === is) continue;
    return unready(
      taken,
      `${main.noun} ${id} was made for a former resource of this name and has ${noun} ${is}, this resource says ${wanted}. If it is the same machine, write spec.externalID: ${id}; else give this resource another name, or remove that ${main.noun} at the remote`,
      { awaitList: true },
    );
  }
  return undefined;
}

/**
 * What was made for this very resource and was forgotten with the lost cluster, while its spec names another one: to follow
 * the spec would leave it to nobody.
 */
export function madeBefore(pass: Pass, binding: Binding, question: Question, wished: string): string[] {
  return marked(question).filter((id) => {
    const remote = question.snapshot.items.get(id);
    if (id === wished || heldByOther(pass, binding, id) || pass.kind.main.beingDeleted?.(remote)) return false;
    return ofFormerResource(pass, id, remote) === undefined;
  });
}
