import { Secret } from '../base/secret.ts';
import { isConflict, type Key, type KubeApi, type KubeObject, type Patch, type ResourceType } from '../kube/types.ts';
import { inUseFinalizer, ownerAnnotation, secretType } from './annotations.ts';
import type { SecretNeed, SecretOutput } from './kind.ts';
import type { Reason } from './reasons.ts';

const secretsType: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };

interface KubeSecret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

/** Which state of a Secret was read: enough to see a change, nothing of its content. */
export interface SecretVersion {
  uid: string;
  resourceVersion: string;
}

export type ReadSecret =
  | {
      ok: true;
      values: Record<string, Secret>;
      version: SecretVersion;
      owner: string | undefined;
      finalizers: string[];
    }
  | { ok: false; reason: Reason; message: string };

export interface Secrets {
  /** Values of `keys`; a wait when the Secret is missing or malformed. */
  read(namespace: string, name: string, keys: string[], check?: SecretNeed['check']): Promise<ReadSecret>;
  /**
   * The value of `generate`: made and stored now, or found where a former attempt of the same owner left it. The Secret
   * carries no label or annotation of its resource (Argo CD would prune it) and no owner reference (a foreground deletion
   * would take the password of a server that still stands).
   */
  generate(
    namespace: string,
    need: SecretNeed,
    owner: string,
    bytes: (length: number) => Uint8Array,
    /** metadata.uid of the resource, for `removeUnused`. */
    uid?: string,
  ): Promise<ReadSecret>;
  /** Makes a Secret of our own hold this value; one that is not ours is refused. Nothing is written when it does. */
  publish(namespace: string, output: SecretOutput, owner: string, uid?: string): Promise<ReadSecret>;
  /** Is there a Secret of that name that we did not write for this owner? The refusal, or undefined. */
  foreign(namespace: string, name: string, owner: string): Promise<Extract<ReadSecret, { ok: false }> | undefined>;
  /** Is there a Secret of that name that we wrote for this owner? */
  isOwn(namespace: string, name: string, owner: string): Promise<boolean>;
  /** Removes a Secret that we wrote; one that is not ours stays. */
  removeOwn(namespace: string, name: string, owner: string): Promise<void>;
  /** Removes a Secret that was made for this very resource, which never came to use it. */
  removeUnused(namespace: string, name: string, owner: string, uid: string): Promise<void>;
  /** Puts or takes the finalizer that keeps a credentials Secret while its tenant has users. */
  hold(namespace: string, name: string, held: boolean): Promise<void>;
}

/** metadata.uid of the resource for which a Secret was made: another one of its name may have bought with it since. */
const madeForAnnotation = 'freehold.dev/made-for';

/**
 * Many resources name one Secret, and after a restart all read it. One read serves all who asked before it began, so that
 * nobody gets one that is older than the question.
 */
function sharedReads(read: (key: Key) => Promise<KubeSecret | undefined>) {
  const running = new Map<string, Promise<unknown>>();
  const next = new Map<string, Promise<KubeSecret | undefined>>();
  return (namespace: string, name: string): Promise<KubeSecret | undefined> => {
    const key = `${namespace}/${name}`;
    const shared = next.get(key);
    if (shared) return shared;
    const begun = Promise.resolve(running.get(key)).then(() => {
      next.delete(key);
      const reading = read({ namespace, name });
      const settled = reading.then(
        () => undefined,
        () => undefined,
      );
      running.set(key, settled);
      void settled.then(() => running.get(key) === settled && running.delete(key));
      return reading;
    });
    next.set(key, begun);
    return begun;
  };
}

export function createSecrets(kube: KubeApi): Secrets {
  const at = sharedReads((key) => kube.get<KubeSecret>(secretsType, key));

  function understand(secret: KubeSecret, keys: string[]): ReadSecret {
    const { namespace, name, uid = '', resourceVersion = '', annotations, finalizers = [] } = secret.metadata;
    if (secret.type !== secretType) {
      return {
        ok: false,
        reason: 'SecretMalformed',
        message: `Secret ${namespace}/${name} is of type "${secret.type ?? ''}", it must be of type "${secretType}" (a Secret's type cannot be changed: delete it and create it again)`,
      };
    }
    const values: Record<string, Secret> = {};
    const data = new Map(Object.entries(secret.data ?? {}));
    for (const key of keys) {
      const text = Buffer.from(data.get(key) ?? '', 'base64').toString('utf8');
      // A trailing line feed comes from `echo`, not from the credential.
      const value = text.replace(/\r?\n$/, '');
      if (value === '') {
        return {
          ok: false,
          reason: 'SecretMalformed',
          message: data.has(key)
            ? `Secret ${namespace}/${name}, key "${key}": is empty`
            : `Secret ${namespace}/${name} lacks the key "${key}" (needed: ${keys.join(', ')})`,
        };
      }
      values[key] = new Secret(value);
    }
    return { ok: true, values, version: { uid, resourceVersion }, owner: annotations?.[ownerAnnotation], finalizers };
  }

  const notOurs = (namespace: string, name: string, owner: string) =>
    ({
      ok: false,
      reason: 'SecretExists',
      message: `Secret ${namespace}/${name} exists and was not written by this operator for ${owner}: rename or delete it, or name another one in the spec`,
    }) as const;

  function make(namespace: string, name: string, data: Record<string, string>, owner: string, uid: string | undefined) {
    const annotations = { [ownerAnnotation]: owner, ...(uid !== undefined && { [madeForAnnotation]: uid }) };
    const metadata = { namespace, name, annotations };
    const secret: KubeSecret = { apiVersion: 'v1', kind: 'Secret', metadata, type: secretType, stringData: data };
    return kube.create<KubeSecret>(secretsType, secret, { fieldManager: 'freehold' });
  }

  async function read(
    namespace: string,
    name: string,
    keys: string[],
    check?: SecretNeed['check'],
  ): Promise<ReadSecret> {
    const secret = await at(namespace, name);
    if (!secret)
      return {
        ok: false,
        reason: 'SecretMissing',
        message: `Secret ${namespace}/${name} does not exist; create it with type "${secretType}" and the keys ${keys.join(', ')}`,
      };
    const answer = understand(secret, keys);
    const problems = answer.ok && check ? keys.flatMap((key) => check(answer.values[key]!.reveal()) ?? []) : [];
    const [problem] = problems;
    return problem === undefined
      ? answer
      : { ok: false, reason: 'SecretMalformed', message: `Secret ${namespace}/${name}, key "${keys[0]}": ${problem}` };
  }

  async function removeOwn(namespace: string, name: string, owner: string): Promise<void> {
    const secret = await at(namespace, name);
    if (secret?.metadata.annotations?.[ownerAnnotation] !== owner || secret.metadata.uid === undefined) return;
    await kube.delete(secretsType, { namespace, name }, { uid: secret.metadata.uid });
  }

  return {
    read,
    async generate(namespace, need, owner, bytes, uid) {
      const existing = await at(namespace, need.name);
      if (existing) {
        if (existing.metadata.annotations?.[ownerAnnotation] !== owner) return notOurs(namespace, need.name, owner);
        return understand(existing, [need.key]);
      }
      const data = { [need.key]: need.generate?.(bytes).reveal() ?? '' };
      return understand(await make(namespace, need.name, data, owner, uid), [need.key]);
    },
    async publish(namespace, { name, key, value }, owner, uid) {
      const existing = await at(namespace, name);
      const text = value?.reveal() ?? '';
      if (!existing) return understand(await make(namespace, name, { [key]: text }, owner, uid), [key]);
      if (existing.metadata.annotations?.[ownerAnnotation] !== owner) return notOurs(namespace, name, owner);
      if (Buffer.from(existing.data?.[key] ?? '', 'base64').toString('utf8') === text)
        return understand(existing, [key]);
      const { uid: own, resourceVersion } = existing.metadata;
      const patch: Patch = { metadata: { uid: own, resourceVersion }, stringData: { [key]: text } };
      const options = { fieldManager: 'freehold' };
      return understand(await kube.mergePatch<KubeSecret>(secretsType, { namespace, name }, patch, options), [key]);
    },
    async foreign(namespace, name, owner) {
      const existing = await at(namespace, name);
      if (!existing || existing.metadata.annotations?.[ownerAnnotation] === owner) return undefined;
      return notOurs(namespace, name, owner);
    },
    isOwn: async (namespace, name, owner) =>
      (await at(namespace, name))?.metadata.annotations?.[ownerAnnotation] === owner,
    removeOwn,
    async removeUnused(namespace, name, owner, uid) {
      if ((await at(namespace, name))?.metadata.annotations?.[madeForAnnotation] === uid)
        await removeOwn(namespace, name, owner);
    },
    async hold(namespace, name, held) {
      const secret = await at(namespace, name);
      const finalizers = secret?.metadata.finalizers ?? [];
      if (!secret || finalizers.includes(inUseFinalizer) === held) return;
      if (held && secret.metadata.deletionTimestamp !== undefined) return;
      const next = held ? [...finalizers, inUseFinalizer] : finalizers.filter((name) => name !== inUseFinalizer);
      const patch: Patch = { metadata: { resourceVersion: secret.metadata.resourceVersion, finalizers: next } };
      try {
        await kube.mergePatch(secretsType, { namespace, name }, patch, { fieldManager: 'freehold' });
      } catch (error) {
        // Somebody else wrote the Secret at the same moment; the next pass sees it.
        if (!isConflict(error)) throw error;
      }
    },
  };
}
