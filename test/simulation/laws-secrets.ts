import { createHash } from 'node:crypto';
import type { Resource } from '../../src/engine/resource.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import type { Commit } from '../support/memory-kube/memory-kube.ts';
import type { Entry } from './ledger.ts';
import { secrets as secretType } from './manifests.ts';
import { identityOf, type Onlooker } from './onlooker.ts';
import type { Process } from './process.ts';
import type { Asked } from './remote-network.ts';

type KubeSecret = KubeObject & { data?: Record<string, string> };

/** Secrets stay in Secrets; those of people stay theirs, and a password as long as what it opens. */
export function secretLaws({ note, kube, ledger, deeds, resources }: Onlooker) {
  const printed: string[] = [];
  const canaries = new Set<string>();
  /** UIDs of the Secrets that an operator made. */
  const made = new Set<string>();
  /** Where the password of each bought server lies, and in which cluster. */
  const passwords = new Map<string, { namespace: string; name: string; cluster: number }>();
  /** In which cluster a create was sent. */
  const clusters = new WeakMap<Asked, number>();

  const opens = (key: { namespace: string; name: string }, hash: string | undefined) => {
    const value = kube().get<KubeSecret>(secretType, key)?.data?.['password'] ?? '';
    return createHash('sha256').update(Buffer.from(value, 'base64')).digest('hex') === hash;
  };

  /** A root password that the operator chose opens the server that it bought with it, as long as it stands. */
  function passwordsKept(): void {
    for (const [id, { cluster, ...key }] of passwords) {
      const entry = ledger().get(`servers/${id}`);
      if (entry?.alive && cluster === deeds.rebuilds && !opens(key, entry.passwordHash))
        note(
          7,
          'the password is kept',
          `Secret ${key.namespace}/${key.name} does not open ${id}, which was bought with it`,
        );
    }
    for (const { kind, metadata, status } of resources()) {
      if (kind !== 'DedicatedHypervisor' || status?.externalID === undefined) continue;
      const entry = ledger().get(`servers/${status.externalID}`);
      const known = status.conditions?.find(({ type }) => type === 'PasswordKnown')?.status === 'True';
      const key = { namespace: metadata.namespace ?? '', name: `${metadata.name}-admin-password` };
      if (known && entry?.alive && entry.byCall !== null && !opens(key, entry.passwordHash))
        note(
          7,
          'the password is kept',
          `${metadata.name} says that its password is known, and it does not open ${entry.id}`,
        );
    }
  }

  return {
    printed: (text: string) => void printed.push(text),
    secret: (value: string) => void (value.length > 5 && canaries.add(value)),
    sent: (asked: Asked) => void (asked.method === 'POST' && clusters.set(asked, deeds.rebuilds)),

    created({ shelf, id, title }: Entry, call: Asked, owner: Resource | undefined): void {
      const given = (owner?.spec as { adminPasswordSecretRef?: object } | undefined)?.adminPasswordSecretRef;
      if (shelf !== 'servers' || given) return;
      const namespace = owner?.metadata.namespace ?? title.split('-')[0]!;
      passwords.set(id, { namespace, name: `${title}-admin-password`, cluster: clusters.get(call) ?? -1 });
    },

    /** Every Secret that an operator changes or removes was made by one. */
    committed({ before, after, verb }: Commit, by: Process | undefined): void {
      if (!by) return;
      const { uid = '' } = (after ?? before)!.metadata;
      if (!before) made.add(uid);
      if (!before || made.has(uid)) return;
      const removed = verb === 'delete';
      const changed =
        after !== undefined &&
        ((before as KubeSecret).data !== (after as KubeSecret).data ||
          before.metadata.annotations !== after.metadata.annotations ||
          before.metadata.labels !== after.metadata.labels);
      const what = identityOf(before);
      if (removed || changed)
        note(7, 'Secrets of people stay', `${by.name} ${removed ? 'removed' : 'changed'} ${what}, which a person made`);
    },

    atRest(): void {
      passwordsKept();
      const text = printed.join('\n');
      for (const canary of canaries) {
        const at = text.indexOf(canary);
        if (at < 0) continue;
        note(7, 'secrets stay in Secrets', `a secret was printed: ${text.slice(Math.max(0, at - 200), at)}…`);
      }
    },
  };
}
