import { count, type People } from './people.ts';
import { deletedAt, type Entry, last, type Ledger, type Life, recordedBy, shelfOf } from './records.ts';
import type { Site } from './site.ts';
import type { Watching } from './watching.ts';

/**
 * The person who is asked: looks at what stands `Stalled`, looks into the ledger where the question is about an object,
 * and answers the truth, as docs/operations.md says.
 */
export function createAnswers(site: Site, watching: Watching, people: People): () => Promise<void> {
  /** The answer that was given to each question: it is given once. */
  const given = new Map<string, string>();

  /** Is it what that attempt made? It was bought by a call since, and no other resource has it. */
  function isFrom(entry: Entry, life: Life, sentAt: number): boolean {
    if (entry.createdByCall === null || entry.deletedAt !== undefined) return false;
    // What is written down has whole seconds.
    if (Date.parse(entry.createdAt) < sentAt - 1000) return false;
    return ![...watching.lives.values()].some((other) => other !== life && recordedBy(other).has(entry.id));
  }

  async function ambiguous(life: Life, message: string): Promise<string | undefined> {
    const attempt = /resolve: "(\S+) adopt=/.exec(message)?.[1];
    if (attempt === undefined) return undefined;
    const ledger = await site.sandbox.control<Ledger>('GET', 'ledger');
    const sentAt = Date.parse(life.now?.status?.creation?.sentAt ?? '');
    const ours = ledger[shelfOf[life.kind]!].filter(
      (entry) => message.includes(entry.id) && isFrom(entry, life, sentAt),
    );
    const [one] = ours;
    return one ? `${attempt} adopt=${one.id}` : `${attempt} retry`;
  }

  async function answer(life: Life): Promise<void> {
    const slot = people.slotOf(life);
    const ready = life.now?.status?.conditions?.find(({ type }) => type === 'Ready');
    if (!slot || !ready || ready.observedGeneration !== life.now?.metadata.generation) return;
    const question = `${life.uid} ${ready.reason} ${ready.message}`;
    if (given.has(question)) return;
    let what: string | undefined;
    const { reason }: { reason: string } = ready;
    switch (reason) {
      case 'CreateOutcomeAmbiguous': {
        const text = await ambiguous(life, ready.message);
        if (text === undefined) return;
        await people.change(slot, { annotations: { 'freehold.dev/resolve': text } });
        what = /adopt/.test(text) ? 'adopt' : 'retry';
        break;
      }
      case 'UnclaimedLicensesExist':
        what = slot.index % 3 === 0 ? 'Never' : 'Unclaimed';
        await people.change(slot, { spec: { claim: what } });
        break;
      case 'RemoteLost':
        if (deletedAt(life) !== undefined) return;
        what = slot.index % 2 === 0 ? 'deleted' : 'recreated';
        if (what === 'deleted') await people.remove(slot);
        else await people.change(slot, { spec: { recreatePolicy: 'Always' } });
        break;
      case 'InUse': {
        if (life.kind !== 'GuestLicense') return;
        const user = watching.alive('VCenterRegistration', slot.namespace, `vc${slot.index}`);
        const waits = user?.now?.status?.conditions?.some(({ reason: why }) => why === 'LicenseNotReady');
        const using = user && people.slotOf(user);
        if (user && !(waits && using)) return;
        if (using) {
          // Each waits for the other to go first: the registration was applied while its licence was being deleted.
          what = 'registration deleted';
          await people.remove(using);
          break;
        }
        // Its registration was retained, so it is there for good: the licence stays with it.
        what = 'retained';
        await people.change(slot, { spec: { deletionPolicy: 'Retain' } });
        break;
      }
      case 'CleanFailed':
      case 'InspectFailed':
      case 'AdoptFailed':
        what = 'retry';
        await people.change(slot, { annotations: { 'freehold.dev/retry': new Date().toISOString() } });
        break;
      default:
        return;
    }
    given.set(question, what);
    count(people.tally, `answered ${ready.reason}: ${what}`);
  }

  return async () => {
    const asking = [...watching.lives.values()].filter((life) => {
      const version = last(life.versions);
      return life.goneAt === undefined && version !== undefined && !version.ready;
    });
    for (const life of asking) await people.alone(() => answer(life));
  };
}
